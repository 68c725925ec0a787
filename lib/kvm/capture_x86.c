/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/capture.h"

#if defined(__x86_64__)

#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"

#define HYPERVISOR_FIRST UINT32_C(0x40000000)

/* "Microsoft Hv" in the first hypervisor leaf. */
static bool shows_hyperv(const struct kvm_cpuid2 *t)
{
    const struct kvm_cpuid_entry2 *e = mig_kvm_cpuid_find(t, HYPERVISOR_FIRST, 0);

    return e != NULL && e->ebx == 0x7263694d && e->ecx == 0x666f736f && e->edx == 0x76482074;
}

static void capture_cpuid(struct mig_builder *b, const struct kvm_cpuid2 *t)
{
    bool hyperv = shows_hyperv(t);

    for (uint32_t i = 0; i < t->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &t->entries[i];
        uint32_t sub = mig_kvm_cpuid_sub(e), words[4];
        struct mig_reg reg = mig_kvm_cpuid_place(hyperv, e->function, sub);

        /* A guest is answered from the first entry that fits. */
        if (sub > UINT16_MAX || mig_kvm_cpuid_find(t, e->function, e->index) != e) {
            continue;
        }
        mig_kvm_cpuid_words(e, words);
        if (reg.index != e->function && reg.index == HYPERVISOR_FIRST && words[MIG_EAX] != 0) {
            words[MIG_EAX] -= e->function - reg.index;
        }
        for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
            reg.part = (enum mig_part)part;
            mig_builder_set(b, reg, words[part]);
        }
    }
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "ioctl KVM_GET_CPUID2");
    mig_builder_cover(b, MIG_GROUP_CPUID_HV, MIG_COVER_FULL, 0, "ioctl KVM_GET_CPUID2");
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, "ioctl KVM_GET_CPUID2");
}

static bool is_known(uint32_t index)
{
    uint32_t next = index - 1;

    return index > 0 && mig_kvm_next_msr(&next) && next == index;
}

static void capture_msrs(struct mig_builder *b, int kvm, int vcpu)
{
    int errnum = E2BIG;
    struct kvm_msr_list *list = mig_kvm_ask_msr_list(kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &errnum);

    mig_builder_cover(b, MIG_GROUP_MSR, list != NULL ? MIG_COVER_FULL : MIG_COVER_UNREADABLE,
                      list != NULL ? 0 : errnum, "ioctl KVM_GET_MSRS on a vCPU");
    for (uint32_t i = 0; list != NULL && i < list->nmsrs; i++) {
        struct mig_reg reg = mig_reg_msr(list->indices[i]);
        uint64_t value;

        if (!is_known(reg.index)) {
            continue;
        }
        errnum = mig_kvm_get_msr(vcpu, reg.index, &value);
        if (errnum == 0) {
            mig_builder_set(b, reg, value);
        } else if (errnum != EINVAL) { /* which says that this vCPU has no such MSR */
            mig_builder_set_unreadable(b, reg, errnum);
        }
    }
    mig_free(list);
}

static void capture_clock(struct mig_builder *b, int vcpu)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);
    int khz = ioctl(vcpu, KVM_GET_TSC_KHZ, 0);

    mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_PARTIAL, 0, "ioctl KVM_GET_TSC_KHZ");
    if (khz > 0) {
        mig_builder_set(b, reg, (uint64_t)khz);
    } else {
        mig_builder_set_unreadable(b, reg, khz < 0 ? errno : EIO);
    }
}

/* A KVM without XSAVE has no XCR0 to tell of. */
static void capture_xcr0(struct mig_builder *b, int kvm, int vcpu)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0);
    struct kvm_xcrs xcrs = {0};

    mig_builder_cover(b, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, "ioctl KVM_GET_XCRS");
    if (ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_XCRS) <= 0) {
        return;
    }
    if (ioctl(vcpu, KVM_GET_XCRS, &xcrs) != 0) {
        mig_builder_set_unreadable(b, reg, errno);
    }
    for (uint32_t i = 0; i < xcrs.nr_xcrs && i < KVM_MAX_XCRS; i++) {
        if (xcrs.xcrs[i].xcr == 0) {
            mig_builder_set(b, reg, xcrs.xcrs[i].value);
        }
    }
}

bool mig_kvm_capture_vcpu(int kvm, int vm __attribute__((unused)), int vcpu, struct mig_builder *b,
                          struct mig_error *err)
{
    int errnum = E2BIG;
    struct kvm_cpuid2 *t = mig_kvm_ask_cpuid(vcpu, KVM_GET_CPUID2, &errnum);

    if (t == NULL) {
        errno = errnum;
        return mig_fail_errno(err, MIG_IO, "KVM_GET_CPUID2");
    }
    capture_cpuid(b, t);
    capture_msrs(b, kvm, vcpu);
    capture_clock(b, vcpu);
    capture_xcr0(b, kvm, vcpu);
    mig_free(t);
    return true;
}

#endif
