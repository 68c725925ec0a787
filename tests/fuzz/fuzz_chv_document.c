/* SPDX-License-Identifier: Apache-2.0 */
/* What Cloud Hypervisor says of a guest before its memory, and after: refused,
 * or held against itself and against a guest of nothing. */
#include <stdint.h>
#include <string.h>

#include "compat/finding.h"
#include "gate/chv_compare.h"
#include "gate/chv_config.h"
#include "gate/chv_state.h"
#include "snapshot/builder.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct mig_snapshot *nothing(void)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    MIG_ASSERT(mig_builder_freeze(b, &s, &err));
    return s;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *none = nothing();
    struct mig_findings findings = {0};
    struct mig_chv_config config = {0};
    struct mig_chv_state state = {0};
    struct mig_error err;

    if (mig_chv_config_read((const char *)data, size, &config, &err)) {
        MIG_ASSERT(config.ram.len > 0 && config.boot_vcpus <= config.max_vcpus);
        mig_chv_config_compare(none, &config, &findings);
    }
    if (mig_chv_state_read((const char *)data, size, &state, &err)) {
        mig_chv_compare_seen(state.seen, state.seen, &findings);
        mig_chv_state_compare(none, &state, &findings);
    }
    mig_findings_clear(&findings);
    mig_chv_config_clear(&config);
    mig_chv_state_clear(&state);
    return 0;
}
