/* SPDX-License-Identifier: Apache-2.0 */
#include "session/proof_slot.h"

#include <inttypes.h>
#include <string.h>

#include "seal/seal.h"
#include "session/evidence.h"

static bool check_times(const struct mig_proof *p, int64_t now, struct mig_error *err)
{
    if (p->issued_at <= 0 || p->expires_at < p->issued_at ||
        p->expires_at - p->issued_at > MIG_LIVE_EXPIRY_S + MIG_CLOCK_SKEW_S) {
        return mig_fail(err, MIG_TRUST,
                        "proof issued at %" PRId64 ", expires at %" PRId64
                        ": expected at most %d s from one to the other",
                        p->issued_at, p->expires_at, MIG_LIVE_EXPIRY_S);
    }
    if (p->issued_at - now > MIG_CLOCK_SKEW_S || now - p->expires_at > MIG_CLOCK_SKEW_S) {
        return mig_fail(err, MIG_STALE,
                        "proof is of another time (%" PRId64 " s from now): clock skew between "
                        "this host and %s, or a held-back answer",
                        p->issued_at - now, p->host);
    }
    return true;
}

static bool check(const struct mig_proof *p, const struct mig_proof_want *want, int64_t now,
                  struct mig_error *err)
{
    unsigned char subject[MIG_DIGEST_BYTES];

    mig_proof_subject(want->asked->items, want->asked->len, subject);
    if (strcmp(p->host, want->name) != 0) {
        return mig_fail(err, MIG_TRUST, "is a proof of host '%s', expected host '%s'", p->host,
                        want->name);
    }
    if (memcmp(p->nonce, want->nonce, sizeof p->nonce) != 0) {
        return mig_fail(err, MIG_STALE, "proof answers another request (replayed)");
    }
    if (memcmp(p->subject, subject, sizeof subject) != 0) {
        return mig_fail(err, MIG_TRUST, "proof is of another register set than was asked for");
    }
    return check_times(p, now, err);
}

bool mig_proof_slot_open(const struct mig_trust *trust, const struct mig_bytes *sealed,
                         const struct mig_proof_want *want, int64_t now, struct mig_proof_slot *ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};

    if (!mig_seal_open(trust, MIG_PAYLOAD_PROOF, sealed->items, sealed->len, &payload, err) ||
        !mig_proof_decode(payload, &p, err) || !check(&p, want, now, err)) {
        return false;
    }
    memcpy(ret->digest, payload->digest, sizeof ret->digest);
    ret->proof = p;
    p = (struct mig_proof){0};
    return true;
}

void mig_proof_slot_clear(struct mig_proof_slot *s)
{
    mig_proof_clear(&s->proof);
    *s = (struct mig_proof_slot){0};
}
