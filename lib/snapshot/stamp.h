/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/stamp.h: is a signed snapshot of now, and how old is what it tells?
 */
#pragma once

#include "snapshot/snapshot.h"

/* Clocks of two hosts may differ by this much before evidence is refused. */
#define MIG_CLOCK_SKEW_S 60
/* A live answer says it expires after this long. */
#define MIG_LIVE_EXPIRY_S 300

/* Issued in the past; with @nonce (MIG_NONCE_BYTES) it must repeat it and not
 * have expired.  A failure sets @ret_refusal to its finding id; static. */
MIG_MUST_CHECK bool mig_stamp_check(const struct mig_stamp *stamp, const unsigned char *nonce,
                                    int64_t now, const char **ret_refusal, struct mig_error *err);

/* Seconds since it was stamped. */
int64_t mig_stamp_since(const struct mig_stamp *stamp, int64_t now);

/* Seconds since it was captured, -1 when that is not known: a replay is stamped
 * when it is sent. */
int64_t mig_stamp_age(const struct mig_snapshot *s, int64_t now);
