/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM may take a write and keep its own value, so only what is read back
 * counts.  Rewrites that are documented (compat/arm64_special.def) are as good
 * as what was written.
 */
#include "kvm/apply.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>

#include "base/bits.h"
#include "kvm/shown_arm64.h"
#include "kvm/vcpu_arm64.h"

#define PMCR_EL0 ARM64_SYS_REG(3, 3, 9, 12, 0)

/* @errnum: of the call that gave @got. */
static bool compare(struct mig_proven *ret, const struct mig_shown_word *word, int errnum,
                    uint64_t got, struct mig_error *err)
{
    struct mig_shown_word w = *word;

    if (errnum == EBADF || errnum == ENOTTY) {
        errno = errnum;
        return mig_fail_errno(err, MIG_IO, "ioctl KVM_GET_ONE_REG");
    }
    ret->compared++;
    w.stage = MIG_STAGE_READ;
    if (errnum == 0) {
        mig_shown_compare(ret, &w, got);
    } else if (!mig_shown_is_needless(&w, errnum) && !mig_shown_is_refused(ret, w.key)) {
        mig_shown_refused(ret, &w, errnum, NULL);
    }
    return true;
}

bool mig_kvm_read_vcpu(const struct mig_kvm_show *show, int vm, int vcpu, struct mig_proven *ret,
                       struct mig_error *err)
{
    MIG_AUTO(mig_shown_clear) struct mig_shown s = {0};
    struct mig_shown_word vqs = {.key = mig_shown_item_key(MIG_HOST_SVE_VQS)};
    struct mig_shown_word counters = {.key = mig_shown_item_key(MIG_HOST_PMU_COUNTERS)};
    int errnum;

    (void)vm;
    mig_shown_make(&s, show->shown);
    for (size_t i = 0; i < s.len; i++) {
        uint64_t got = 0;

        errnum = mig_vcpu_arm64_get(vcpu, s.items[i].id, &got);
        if (!compare(ret, &s.items[i], errnum, got, err)) {
            return false;
        }
    }
    vqs.value = s.vqs;
    counters.value = s.counters;
    if (s.vqs != 0) {
        uint64_t got = 0;

        errnum = mig_vcpu_arm64_lengths(vcpu, &got);
        if (!compare(ret, &vqs, errnum, got, err)) {
            return false;
        }
    }
    if (s.has_counters) {
        uint64_t pmcr = 0;

        errnum = mig_vcpu_arm64_get(vcpu, PMCR_EL0, &pmcr);
        if (!compare(ret, &counters, errnum, mig_bits_get(pmcr, 15, 11), err)) {
            return false;
        }
    }
    return true;
}

#endif
