/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/attest.h"

#include <stdio.h>
#include <string.h>

#include "base/now.h"
#include "base/text.h"
#include "cpu/field.h"
#include "pact/proof.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/evidence.h"
#include "snapshot/codec.h"

#define BOOT_ID_FILE "/proc/sys/kernel/random/boot_id"
#define BOOT_ID_LEN 36

bool mig_attest_init(struct mig_attest *a, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    const char *id;

    if (!mig_file_read(BOOT_ID_FILE, 256, &file, err)) {
        return false;
    }
    id = mig_text_trim((char *)file.items);
    if (strlen(id) != BOOT_ID_LEN) {
        return mig_fail(err, MIG_IO, "%s: expected %d characters, got %zu", BOOT_ID_FILE,
                        BOOT_ID_LEN, strlen(id));
    }
    *a = (struct mig_attest){0};
    memcpy(a->boot_id, id, BOOT_ID_LEN + 1);
    return true;
}

/* From the clock since boot, so that a restarted agent goes on above what its
 * predecessor gave; a thousand may share a millisecond. */
static uint64_t next_sequence(struct mig_attest *a)
{
    uint64_t now = mig_now_ms() * 1000;

    a->sequence = now > a->sequence ? now : a->sequence + 1;
    return a->sequence;
}

bool mig_attest_seal(struct mig_attest *a, const struct mig_key *key, const struct mig_snapshot *s,
                     const struct mig_attest_terms *terms, struct mig_bytes *ret,
                     struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    struct mig_stamp stamp = {
        .sequence = next_sequence(a),
        .issued_at = mig_now_unix(),
        .has_nonce = terms->nonce != NULL,
        .replayed = terms->replayed,
        .table_version = MIG_TABLE_VERSION,
    };

    (void)snprintf(stamp.host, sizeof stamp.host, "%s", mig_key_identity(key)->name);
    memcpy(stamp.boot_id, a->boot_id, sizeof stamp.boot_id);
    stamp.expires_at = stamp.issued_at + MIG_ATTEST_FILED_EXPIRY_S;
    if (terms->nonce != NULL) {
        stamp.expires_at = stamp.issued_at + MIG_LIVE_EXPIRY_S;
        memcpy(stamp.nonce, terms->nonce, sizeof stamp.nonce);
    }
    mig_snapshot_encode(s, &stamp, &payload);
    return mig_seal(key, MIG_PAYLOAD_SNAPSHOT, payload.items, payload.len, ret, err) ||
           mig_wrap(err, "seal");
}

bool mig_attest_seal_proof(const struct mig_attest *a, const struct mig_key *key,
                           const unsigned char *nonce, struct mig_proof *p, struct mig_bytes *ret,
                           struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};

    (void)snprintf(p->host, sizeof p->host, "%s", mig_key_identity(key)->name);
    memcpy(p->boot_id, a->boot_id, sizeof p->boot_id);
    memcpy(p->nonce, nonce, sizeof p->nonce);
    p->issued_at = mig_now_unix();
    p->expires_at = p->issued_at + MIG_LIVE_EXPIRY_S;
    p->table_version = MIG_TABLE_VERSION;
    mig_proof_encode(p, &payload);
    return mig_seal(key, MIG_PAYLOAD_PROOF, payload.items, payload.len, ret, err) ||
           mig_wrap(err, "seal");
}
