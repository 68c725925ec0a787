/* SPDX-License-Identifier: Apache-2.0 */
/* Wire bytes from anyone: refused, or the only encoding of what they mean. */
#include <string.h>

#include "cpu/field.h"
#include "snapshot/codec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
    unsigned char digest[MIG_DIGEST_BYTES];
    struct mig_error err;

    if (!mig_snapshot_decode_untrusted(data, size, &s, &err)) {
        return 0;
    }
    mig_snapshot_capability_digest(s, digest);
    mig_snapshot_encode(s, &s->stamp, &again);
    if (s->stamp.table_version == 0 || s->stamp.table_version == MIG_TABLE_VERSION) {
        MIG_ASSERT(again.len == size && memcmp(again.items, data, size) == 0);
    }
    return 0;
}
