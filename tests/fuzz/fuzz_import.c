/* SPDX-License-Identifier: Apache-2.0 */
/* Any file at all: refused, or a snapshot that travels. */
#include "snapshot/codec.h"
#include "snapshot/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;
    const char *format;

    if (!mig_import("fuzz", (const char *)data, size, &s, &format, &err)) {
        return 0;
    }
    mig_snapshot_encode(s, &s->stamp, &bytes);
    MIG_ASSERT(bytes.len > MIG_SNAPSHOT_BYTES_MAX ||
               mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err));
    return 0;
}
