/* SPDX-License-Identifier: Apache-2.0 */
/* Any report of a probe: refused, or a snapshot is made of it or refused. */
#include <stdint.h>

#include "snapshot/builder.h"
#include "vmm/sweep.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_sweep_clear) struct mig_sweep sweep = {.msrs_len = 0};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_error err;

    if (mig_sweep_read(data, size, &sweep, &err) && mig_sweep_pour(&sweep, b, &err) &&
        mig_builder_freeze(b, &s, &err)) {
        MIG_ASSERT(s->arch == MIG_ARCH_X86);
    }
    return 0;
}
