/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/capture.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/limit.h"
#include "cpu/arm64_reg.h"
#include "kvm/vcpu_arm64.h"

#define PMCR_EL0 ARM64_SYS_REG(3, 3, 9, 12, 0)
#define HCR_EL2 ARM64_SYS_REG(3, 4, 1, 1, 0) /* only of a vCPU with EL2 */
#define FEATURE_EL2 7

static const char source[] = "ioctl KVM_GET_ONE_REG on the guest's vCPU";

static void set_item(struct mig_builder *b, enum mig_host_item item, int errnum, uint64_t value)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item);

    if (errnum != 0) {
        mig_builder_set_unreadable(b, reg, errnum);
    } else {
        mig_builder_set(b, reg, value);
    }
}

static void add_register(struct mig_builder *b, int vcpu, uint64_t id)
{
    struct mig_reg reg = mig_vcpu_arm64_place(MIG_SPACE_IDREG, id);
    uint64_t value = 0;
    int errnum = mig_vcpu_arm64_get(vcpu, id, &value);

    if (errnum != 0) {
        mig_builder_set_unreadable(b, reg, errnum);
    } else {
        mig_builder_set(b, reg, value);
    }
}

static void add_features(struct mig_builder *b, int vcpu, const struct kvm_reg_list *list)
{
    uint64_t features = 1U << KVM_ARM_VCPU_PSCI_0_2, vqs = 0, pmcr = 0;

    for (uint64_t i = 0; i < list->n; i++) {
        if (!mig_vcpu_arm64_has_place(list->reg[i])) {
            continue;
        }
        switch (mig_feature_saves(mig_vcpu_arm64_place(MIG_SPACE_REG_LIST, list->reg[i]))) {
        case MIG_FEATURE_PMU:
            features |= 1U << KVM_ARM_VCPU_PMU_V3;
            break;
        case MIG_FEATURE_SVE:
            features |= 1U << KVM_ARM_VCPU_SVE;
            break;
        case MIG_FEATURE_PAUTH:
            features |= 1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC;
            break;
        case MIG_FEATURE_NESTED:
        case MIG_FEATURE_MTE:
        case MIG_FEATURE_COUNT:
            break;
        }
        features |= list->reg[i] == HCR_EL2 ? 1U << FEATURE_EL2 : 0;
    }
    set_item(b, MIG_HOST_VCPU_FEATURES, 0, features);
    if ((features >> KVM_ARM_VCPU_SVE & 1) != 0) {
        int errnum = mig_vcpu_arm64_lengths(vcpu, &vqs);

        set_item(b, MIG_HOST_SVE_VQS, errnum, vqs);
    } else {
        set_item(b, MIG_HOST_SVE_VQS, 0, 0);
    }
    if ((features >> KVM_ARM_VCPU_PMU_V3 & 1) != 0) {
        int errnum = mig_vcpu_arm64_get(vcpu, PMCR_EL0, &pmcr);

        set_item(b, MIG_HOST_PMU_COUNTERS, errnum, mig_bits_get(pmcr, 15, 11));
    } else {
        set_item(b, MIG_HOST_PMU_COUNTERS, 0, 0);
    }
}

/* What the guest reads from the CPU itself, and so may we. */
static void add_processor(struct mig_builder *b)
{
    uint64_t cntfrq, dczid;

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(cntfrq));
    __asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
    set_item(b, MIG_HOST_CNTFRQ_HZ, 0, cntfrq);
    set_item(b, MIG_HOST_DCZID, 0, dczid);
}

bool mig_kvm_capture_vcpu(int kvm, int vm, int vcpu, struct mig_builder *b, struct mig_error *err)
{
    int errnum = 0;
    struct kvm_reg_list *list = mig_vcpu_arm64_list(vcpu, &errnum);

    (void)kvm;
    (void)vm;
    if (list == NULL) {
        errno = errnum;
        return mig_fail_errno(err, MIG_IO, "ioctl KVM_GET_REG_LIST");
    }
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, source);
    mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_FULL, 0, source);
    mig_builder_cover(b, MIG_GROUP_REG_LIST, MIG_COVER_FULL, 0, "ioctl KVM_GET_REG_LIST");
    mig_builder_cover(b, MIG_GROUP_ARM64, MIG_COVER_PARTIAL, 0, source);
    for (uint64_t i = 0; i < list->n; i++) {
        uint64_t id = list->reg[i];

        if (!mig_vcpu_arm64_has_place(id)) {
            continue; /* of a kind that no table has */
        }
        if (!mig_vcpu_arm64_is_core(id)) {
            mig_builder_set(b, mig_vcpu_arm64_place(MIG_SPACE_REG_LIST, id), 1);
        }
        if (mig_vcpu_arm64_tells(id)) {
            add_register(b, vcpu, id);
        }
    }
    add_features(b, vcpu, list);
    add_processor(b);
    mig_free(list);
    return true;
}

#endif
