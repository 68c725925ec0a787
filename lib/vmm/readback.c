/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/readback.h"

#include "base/file.h"
#include "snapshot/builder.h"
#include "vmm/sweep.h"

bool mig_readback_pour(const struct mig_bytes *report, struct mig_builder *b, struct mig_error *err)
{
    MIG_AUTO(mig_sweep_clear) struct mig_sweep sweep = {.msrs_len = 0};

    return (mig_sweep_read(report->items, report->len, &sweep, err) &&
            mig_sweep_pour(&sweep, b, err)) ||
           mig_wrap(err, "probe");
}

static bool is_value(enum mig_known known)
{
    return known == MIG_KNOWN || known == MIG_ABSENT;
}

/* What is not there reads as 0. */
static void compare_word(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                         struct mig_reg reg, struct mig_proven *ret)
{
    uint64_t wanted = 0, got = 0;
    enum mig_known told = mig_snapshot_get(shown, reg, &wanted);
    enum mig_known read = mig_snapshot_get(seen, reg, &got);

    if (!is_value(told) || (reg.space == MIG_SPACE_HOST && read != MIG_KNOWN)) {
        return;
    }
    ret->compared++;
    if (!is_value(read) || wanted != got) {
        mig_proven_add(ret, &(struct mig_mismatch){.key = mig_reg_key(reg),
                                                   .stage = MIG_STAGE_GUEST,
                                                   .has_got = is_value(read),
                                                   .wanted = wanted,
                                                   .got = is_value(read) ? got : 0});
    }
}

static bool is_compared(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_CPUID_HV ||
           reg.space == MIG_SPACE_MSR ||
           (reg.space == MIG_SPACE_HOST && reg.index == MIG_HOST_TSC_KHZ);
}

void mig_readback_compare(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                          struct mig_proven *ret)
{
    size_t i = 0, j = 0;

    while (i < shown->entries_len || j < seen->entries_len) {
        uint64_t x = i < shown->entries_len ? shown->entries[i].key : UINT64_MAX;
        uint64_t y = j < seen->entries_len ? seen->entries[j].key : UINT64_MAX;
        struct mig_reg reg = mig_reg_from_key(x < y ? x : y);

        i += x <= y ? 1 : 0;
        j += y <= x ? 1 : 0;
        if (is_compared(reg)) {
            compare_word(shown, seen, reg, ret);
        }
    }
}
