/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_state.h"

#include "gate/chv_compare.h"
#include "gate/chv_wire.h"
#include "snapshot/import.h"

/* Devices, and then a vCPU: its registers as numbers in text take 100 KiB, with
 * AMX tiles, a nested guest and both quoted again not ten times that. */
#define DEVICES_BYTES (UINT64_C(16) << 20)
#define VCPU_BYTES (UINT64_C(1) << 20)

uint64_t mig_chv_state_max(uint32_t vcpus)
{
    uint64_t max = DEVICES_BYTES + vcpus * VCPU_BYTES;

    return max < MIG_CHV_STATE_MAX ? max : MIG_CHV_STATE_MAX;
}

bool mig_chv_state_read(const char *text, size_t len, struct mig_chv_state *ret,
                        struct mig_error *err)
{
    return mig_import_cloud_hypervisor_read_vcpus(text, len, &ret->seen, &ret->vcpus, err) ||
           mig_wrap(err, "State");
}

void mig_chv_state_compare(const struct mig_snapshot *shown, const struct mig_chv_state *s,
                           struct mig_findings *ret)
{
    mig_chv_compare_seen(shown, s->seen, ret);
}

void mig_chv_state_clear(struct mig_chv_state *s)
{
    mig_snapshot_free(s->seen);
    *s = (struct mig_chv_state){0};
}
