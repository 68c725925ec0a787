/* SPDX-License-Identifier: Apache-2.0 */
#include "support/letter.h"

#include <stdio.h>

#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "support/check.h"
#include "support/fleet.h"

struct mig_bytes letter_from(const struct fleet *f, const char *name, const unsigned char *nonce,
                             int64_t now)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(f, name);
    struct mig_stamp stamp = {
        .issued_at = now, .expires_at = now + 300, .has_nonce = true, .table_version = 1};
    struct mig_bytes sealed = {0};
    struct mig_error err;

    (void)snprintf(stamp.host, sizeof stamp.host, "%s", name);
    memcpy(stamp.nonce, nonce, sizeof stamp.nonce);
    mig_builder_set(b, mig_reg_cpuid(1, 0, MIG_EDX), 1);
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    mig_snapshot_encode(s, &stamp, &payload);
    check_done("seal",
               mig_seal(key, MIG_PAYLOAD_SNAPSHOT, payload.items, payload.len, &sealed, &err),
               &err);
    return sealed;
}
