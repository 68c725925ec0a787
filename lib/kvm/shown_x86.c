/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/shown.h"

#if defined(__x86_64__)

#include "base/array.h"
#include "cpu/deps.h"
#include "cpu/place.h"

bool mig_kvm_shown_tsc(const struct mig_snapshot *shown, uint64_t *ret_khz)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);

    return mig_snapshot_get(shown, reg, ret_khz) == MIG_KNOWN && *ret_khz != 0;
}

bool mig_kvm_shown_xcr0(const struct mig_snapshot *shown, struct mig_reg *ret_reg,
                        uint64_t *ret_xcr0)
{
    uint64_t low, high;

    *ret_reg = mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0);
    if (mig_snapshot_get(shown, *ret_reg, ret_xcr0) == MIG_KNOWN && *ret_xcr0 != 0) {
        return true;
    }
    *ret_reg = mig_reg_cpuid(0xd, 0, MIG_EAX);
    (void)mig_snapshot_get(shown, *ret_reg, &low);
    (void)mig_snapshot_get(shown, mig_reg_cpuid(0xd, 0, MIG_EDX), &high);
    *ret_xcr0 = high << 32 | low;
    return *ret_xcr0 != 0;
}

bool mig_kvm_shows_msr(const struct mig_snapshot *shown, uint32_t index)
{
    static const struct {
        uint32_t first, last;
        struct mig_bit feature;
    } rows[] = {
#define GATE(first, last, feature) {first, last, MIG_PLACE_BIT(feature)},
#include "kvm/msr_gate.def"
    };
    uint64_t word;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (index >= rows[i].first && index <= rows[i].last) {
            (void)mig_snapshot_get(shown, rows[i].feature.reg, &word);
            return (word & rows[i].feature.mask) != 0;
        }
    }
    return true;
}

#endif
