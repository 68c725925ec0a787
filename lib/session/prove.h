/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/prove.h: the kernel's word on a decision that the tables made.  The
 * hosts concerned try its profile (both of a pair) or the guest's contract (the
 * destination) on a scratch vCPU; what does not hold, or was not answered,
 * lowers the verdict.  A verdict that says no already needs no proof.  For a
 * guest that its VMM emulates the destination's VMM has the only word, whatever
 * is said of proofs.
 */
#pragma once

#include "session/decision.h"

/* Is the answer to be proved before it holds: because that was asked for, or
 * because nothing else can make it a yes? */
bool mig_prove_is_due(const struct mig_decision *d);

/* @words are those of mig_decision_make().  Fills @d->proofs.  False only when
 * nothing could be tried. */
MIG_MUST_CHECK bool mig_prove_decision(const struct mig_gather *g, const char *const *words,
                                       struct mig_decision *d, struct mig_error *err);
