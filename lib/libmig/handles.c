/* SPDX-License-Identifier: Apache-2.0 */
#include "libmig/handles.h"

#include "base/alloc.h"
#include "cpu/field.h"
#include "snapshot/codec.h"

struct mig_snapshot *mig_handles_copy(const struct mig_snapshot *s)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_snapshot *copy = NULL;
    struct mig_error err;

    mig_snapshot_encode(s, &s->stamp, &bytes);
    MIG_ASSERT(mig_snapshot_decode_untrusted(bytes.items, bytes.len, &copy, &err));
    return copy;
}

const char *libmig_version(void)
{
    return MIG_VERSION;
}

uint32_t libmig_table_version(void)
{
    return MIG_TABLE_VERSION;
}

void libmig_free(void *p)
{
    mig_free(p);
}
