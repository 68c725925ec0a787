/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/trust.h: does a chain end at one of our authorities?  The answer holds
 * for a window of time, not for now: filed evidence is read years later.
 */
#pragma once

#include "seal/certificate.h"
#include "seal/key.h"

/* The introduced certificate with these bytes, one reference more, or NULL. */
X509 *mig_trust_known(const struct mig_trust *trust, const unsigned char *der, size_t len);

/* Verify @leaf; @others (may be NULL) help to reach an authority.  The window
 * is the intersection over the whole chain, the authority included. */
MIG_MUST_CHECK bool mig_trust_verify(const struct mig_trust *trust, X509 *leaf,
                                     STACK_OF(X509) * others, int64_t ret_window[2],
                                     struct mig_error *err);
