/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/profile_json.h: a computed profile from the answer that printed it, for
 * who is going to show it to a guest.  Strict: every register, the digest over
 * them and all that follows from them must agree.
 */
#pragma once

#include "compat/profile.h"

/* Any answer of migctl that holds a profile (Baseline, Negotiation,
 * ContractCheck), or the profile alone.  One that stands beside the verdict
 * "incompatible" or "unknown" is refused: some host can not show it. */
MIG_MUST_CHECK bool mig_profile_from_json(const char *text, size_t len, struct mig_profile **ret,
                                          struct mig_error *err);
