/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/stamp.h"

#include <inttypes.h>

#include "base/text.h"

static bool refuse(const char **ret_refusal, const char *id)
{
    *ret_refusal = id;
    return false;
}

/* Takes as long for a near miss as for any other. */
static bool same_nonce(const unsigned char *a, const unsigned char *b)
{
    unsigned char differs = 0;

    for (size_t i = 0; i < MIG_NONCE_BYTES; i++) {
        differs = (unsigned char)(differs | (a[i] ^ b[i]));
    }
    return differs == 0;
}

/* No evidence is from before 1970, so differences of two times can not wrap. */
static bool check_times(const struct mig_stamp *stamp, int64_t now, const char **ret_refusal,
                        struct mig_error *err)
{
    if (stamp->issued_at <= 0 || stamp->expires_at < stamp->issued_at) {
        (void)mig_fail(err, MIG_TRUST,
                       "issued at %" PRId64 ", expires at %" PRId64
                       ": expected a time after 1970 and an expiry behind it",
                       stamp->issued_at, stamp->expires_at);
        return refuse(ret_refusal, "trust/malformed");
    }
    if (stamp->issued_at - now > MIG_CLOCK_SKEW_S) {
        (void)mig_fail(err, MIG_STALE,
                       "issued %" PRId64 " s in the future: clock skew between this host and %s",
                       stamp->issued_at - now, stamp->host);
        return refuse(ret_refusal, "trust/future");
    }
    return true;
}

static bool check_fresh(const struct mig_stamp *stamp, const unsigned char *nonce, int64_t now,
                        const char **ret_refusal, struct mig_error *err)
{
    if (!stamp->has_nonce) {
        (void)mig_fail(err, MIG_STALE,
                       "answers no request: a filed snapshot stands in for a live one");
        return refuse(ret_refusal, "trust/replayed");
    }
    if (!same_nonce(stamp->nonce, nonce)) {
        (void)mig_fail(err, MIG_STALE, "answers another request (replayed)");
        return refuse(ret_refusal, "trust/replayed");
    }
    if (stamp->expires_at - stamp->issued_at > MIG_LIVE_EXPIRY_S + MIG_CLOCK_SKEW_S) {
        (void)mig_fail(err, MIG_STALE,
                       "valid for %" PRId64 " s: a live snapshot is valid for at most %d s",
                       stamp->expires_at - stamp->issued_at, MIG_LIVE_EXPIRY_S);
        return refuse(ret_refusal, "trust/expired");
    }
    if (now - stamp->expires_at > MIG_CLOCK_SKEW_S) {
        (void)mig_fail(err, MIG_STALE,
                       "expired %" PRId64 " s ago: clock skew between this host and %s, or a "
                       "held-back answer",
                       now - stamp->expires_at, stamp->host);
        return refuse(ret_refusal, "trust/expired");
    }
    return true;
}

bool mig_stamp_check(const struct mig_stamp *stamp, const unsigned char *nonce, int64_t now,
                     const char **ret_refusal, struct mig_error *err)
{
    return check_times(stamp, now, ret_refusal, err) &&
           (nonce == NULL || check_fresh(stamp, nonce, now, ret_refusal, err));
}

static int64_t since(int64_t then, int64_t now)
{
    return now > then ? now - then : 0;
}

/* A replay is stamped today; how old its content is stands in a fact, where it
 * is known at all. */
int64_t mig_stamp_age(const struct mig_snapshot *s, int64_t now)
{
    const char *origin = mig_snapshot_fact(s, "replay.issued-at");
    int64_t issued_at = s->stamp.issued_at;
    uint64_t seconds;

    if (s->stamp.replayed) {
        if (origin == NULL || !mig_text_to_u64(origin, INT64_MAX, &seconds)) {
            return -1;
        }
        issued_at = (int64_t)seconds;
    }
    return since(issued_at, now);
}

int64_t mig_stamp_since(const struct mig_stamp *stamp, int64_t now)
{
    return since(stamp->issued_at, now);
}
