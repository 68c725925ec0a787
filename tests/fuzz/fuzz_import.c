/* SPDX-License-Identifier: Apache-2.0 */
/* Any file at all: refused, or a snapshot that travels. */
#include "snapshot/codec.h"
#include "snapshot/import.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

typedef bool import_fn(const char *name, const char *text, size_t len, struct mig_snapshot **ret,
                       const char **ret_format, struct mig_error *err);

static void try_import(import_fn *import, const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;
    const char *format;

    if (!import("fuzz", (const char *)data, size, &s, &format, &err)) {
        return;
    }
    mig_snapshot_encode(s, &s->stamp, &bytes);
    MIG_ASSERT(bytes.len > MIG_SNAPSHOT_BYTES_MAX ||
               mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    try_import(mig_import, data, size);
    try_import(mig_import_guest, data, size);
    return 0;
}
