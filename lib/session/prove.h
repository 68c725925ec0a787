/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/prove.h: the kernel's word on a decision that the tables made.  The
 * hosts concerned try its profile (both of a pair) or the guest's contract (the
 * destination) on a scratch vCPU; what does not hold, or was not answered,
 * lowers the verdict.  A verdict that says no already needs no proof.
 */
#pragma once

#include "session/decision.h"

/* @words are those of mig_decision_make().  Fills @d->proofs.  False only when
 * nothing could be tried. */
MIG_MUST_CHECK bool mig_prove_decision(const struct mig_gather *g, const char *const *words,
                                       struct mig_decision *d, struct mig_error *err);
