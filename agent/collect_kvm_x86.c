/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the order of the questions is part of the answers.
 * 1. The CPUID table as it is (CPUID_BARE).  2. Tile permission, which is
 * process-wide, can not be undone and is refused once a vCPU exists.  3. The
 * table again: now with AMX, if the host has it.  4. A vCPU that is given this
 * table, and only then MSRs of it: newer kernels read as 0 what the vCPU's own
 * CPUID does not enable.  What the host can grant is what the device says; a
 * vCPU that differs is recorded beside it.
 */
#include "agent/collect.h"

#if defined(__x86_64__)

#include <asm/prctl.h>
#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "kvm/query.h"

/* XSAVE component 18: AMX tile data. */
#define XFEATURE_TILE_DATA 18

#ifndef ARCH_REQ_XCOMP_GUEST_PERM
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#endif

static uint32_t sub_of(const struct kvm_cpuid_entry2 *e)
{
    return (e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0 ? e->index : 0;
}

/* KVM answers a guest from the first entry that fits; so do we. */
static bool is_repeated(const struct kvm_cpuid2 *t, uint32_t i)
{
    for (uint32_t j = 0; j < i; j++) {
        if (t->entries[j].function == t->entries[i].function &&
            sub_of(&t->entries[j]) == sub_of(&t->entries[i])) {
            return true;
        }
    }
    return false;
}

static void add_cpuid(struct mig_builder *b, enum mig_space space, const struct kvm_cpuid2 *t)
{
    for (uint32_t i = 0; i < t->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &t->entries[i];
        const uint32_t values[] = {e->eax, e->ebx, e->ecx, e->edx};
        struct mig_reg reg = {space, e->function, (uint16_t)sub_of(e), MIG_EAX};

        if (sub_of(e) > UINT16_MAX || is_repeated(t, i)) {
            continue;
        }
        for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
            reg.part = (enum mig_part)part;
            mig_builder_set(b, reg, values[part]);
        }
    }
}

static void add_group(struct mig_builder *b, enum mig_group group, enum mig_space space,
                      const struct kvm_cpuid2 *t, int errnum, const char *source)
{
    mig_builder_cover(b, group, t != NULL ? MIG_COVER_FULL : MIG_COVER_UNREADABLE,
                      t != NULL ? 0 : errnum, source);
    if (t != NULL) {
        add_cpuid(b, space, t);
    }
}

/* XSAVE components that KVM can give a guest; 0 or errno. */
static int xcomp_supported(int kvm, uint64_t *ret)
{
    struct kvm_device_attr attr = {.attr = KVM_X86_XCOMP_GUEST_SUPP, .addr = (uintptr_t)ret};

    return ioctl(kvm, KVM_GET_DEVICE_ATTR, &attr) == 0 ? 0 : errno;
}

/* Did asking for AMX change what guests of this process may be given? */
static bool take_tile_permission(struct mig_builder *b, int kvm)
{
    struct mig_reg supported = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_XCOMP_SUPPORTED);
    struct mig_reg permission = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TILE_PERMISSION);
    uint64_t components = 0;
    int errnum = xcomp_supported(kvm, &components);
    bool granted;

    if (errnum != 0) {
        mig_builder_set_unreadable(b, supported, errnum);
    } else {
        mig_builder_set(b, supported, components);
    }
    granted = syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, XFEATURE_TILE_DATA) == 0;
    if (!granted && mig_bits_get(components, XFEATURE_TILE_DATA, XFEATURE_TILE_DATA) != 0) {
        mig_builder_set_unreadable(b, permission, errno);
    } else {
        mig_builder_set(b, permission, granted);
    }
    return granted;
}

/* The table that a VMM works with; the caller frees.  NULL: unreadable. */
static struct kvm_cpuid2 *collect_cpuid(struct mig_builder *b, int kvm)
{
    static const char supported[] = "ioctl KVM_GET_SUPPORTED_CPUID";
    int errnum = E2BIG;
    struct kvm_cpuid2 *t = mig_kvm_ask_cpuid(kvm, KVM_GET_SUPPORTED_CPUID, &errnum);

    add_group(b, MIG_GROUP_CPUID_BARE, MIG_SPACE_CPUID_BARE, t, errnum, supported);
    /* Without a new permission the second answer would be the first. */
    if (take_tile_permission(b, kvm)) {
        mig_free(t);
        t = mig_kvm_ask_cpuid(kvm, KVM_GET_SUPPORTED_CPUID, &errnum);
    }
    add_group(b, MIG_GROUP_CPUID, MIG_SPACE_CPUID, t, errnum, supported);
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, t != NULL ? MIG_COVER_FULL : MIG_COVER_UNREADABLE,
                      t != NULL ? 0 : errnum, supported);
    return t;
}

static void collect_emulated(struct mig_builder *b, int kvm)
{
    int errnum = E2BIG;
    struct kvm_cpuid2 *t = mig_kvm_ask_cpuid(kvm, KVM_GET_EMULATED_CPUID, &errnum);

    add_group(b, MIG_GROUP_CPUID_EMULATED, MIG_SPACE_CPUID_EMULATED, t, errnum,
              "ioctl KVM_GET_EMULATED_CPUID");
    mig_free(t);
}

/* Older kernels answer only on a vCPU; a KVM without Hyper-V has no leaves. */
static void collect_hv(struct mig_builder *b, int kvm, int vcpu)
{
    bool any = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_HYPERV) > 0;
    bool on_device = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_SYS_HYPERV_CPUID) > 0;
    bool on_vcpu = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_HYPERV_CPUID) > 0;
    int errnum = E2BIG;
    struct kvm_cpuid2 *t;

    if (!any && !on_device && !on_vcpu) {
        mig_builder_cover(b, MIG_GROUP_CPUID_HV, MIG_COVER_FULL, 0, "KVM_CAP_HYPERV is 0");
        return;
    }
    t = mig_kvm_ask_cpuid(on_device || vcpu < 0 ? kvm : vcpu, KVM_GET_SUPPORTED_HV_CPUID, &errnum);
    add_group(b, MIG_GROUP_CPUID_HV, MIG_SPACE_CPUID_HV, t, errnum,
              "ioctl KVM_GET_SUPPORTED_HV_CPUID");
    mig_free(t);
}

/* What a vCPU shows in this MSR, if it is not @device: a fact. */
static void compare_vcpu(struct mig_builder *b, int vcpu, uint32_t index, uint64_t device)
{
    static const char source[] = "ioctl KVM_GET_MSRS on a vCPU";
    char name[64], value[96];
    uint64_t shown;
    int errnum = mig_kvm_get_msr(vcpu, index, &shown);

    (void)snprintf(name, sizeof name, "kvm.msr-differs.%x", index);
    if (errnum != 0) {
        mig_builder_add_unreadable_fact(b, name, errnum, source);
    } else if (shown != device) {
        (void)snprintf(value, sizeof value, "device 0x%llx, vcpu 0x%llx",
                       (unsigned long long)device, (unsigned long long)shown);
        mig_builder_add_fact(b, name, value, source);
    }
}

static void collect_feature_msrs(struct mig_builder *b, int kvm, int vcpu)
{
    static const char list_source[] = "ioctl KVM_GET_MSR_FEATURE_INDEX_LIST";
    int errnum = E2BIG;
    struct kvm_msr_list *list = mig_kvm_ask_msr_list(kvm, KVM_GET_MSR_FEATURE_INDEX_LIST, &errnum);

    if (list == NULL) {
        mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_UNREADABLE, errnum, list_source);
        return;
    }
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_FULL, 0, "ioctl KVM_GET_MSRS");
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        uint64_t device;

        errnum = mig_kvm_get_msr(kvm, list->indices[i], &device);
        if (errnum != 0) {
            mig_builder_set_unreadable(b, mig_reg_msr(list->indices[i]), errnum);
            continue;
        }
        mig_builder_set(b, mig_reg_msr(list->indices[i]), device);
        if (vcpu >= 0) {
            compare_vcpu(b, vcpu, list->indices[i], device);
        }
    }
    mig_free(list);
}

static void collect_msr_list(struct mig_builder *b, int kvm)
{
    int errnum = E2BIG;
    struct kvm_msr_list *list = mig_kvm_ask_msr_list(kvm, KVM_GET_MSR_INDEX_LIST, &errnum);

    mig_builder_cover(b, MIG_GROUP_MSR_LIST, list != NULL ? MIG_COVER_FULL : MIG_COVER_UNREADABLE,
                      list != NULL ? 0 : errnum, "ioctl KVM_GET_MSR_INDEX_LIST");
    for (uint32_t i = 0; list != NULL && i < list->nmsrs; i++) {
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_MSR_LIST, list->indices[i]), 1);
    }
    mig_free(list);
}

static void collect_tsc(struct mig_builder *b, int kvm, int vcpu)
{
    struct mig_reg khz = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);
    struct mig_reg scaling = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_SCALING);
    int rate = vcpu < 0 ? -1 : ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
    int scales = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL);

    /* tsc-max-khz stays unlisted: KVM tells nobody how far its scaling goes. */
    mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_FULL, 0, "ioctl KVM_GET_TSC_KHZ");
    if (rate > 0) {
        mig_builder_set(b, khz, (uint64_t)rate);
    } else {
        mig_builder_set_unreadable(b, khz, vcpu < 0 ? ENODEV : rate < 0 ? errno : EIO);
    }
    mig_builder_set(b, scaling, scales > 0);
}

/* A vCPU that was shown @t, or -1; why not is a fact. */
static int create_vcpu(struct mig_builder *b, int vm, const struct kvm_cpuid2 *t)
{
    int vcpu = vm < 0 ? -1 : ioctl(vm, KVM_CREATE_VCPU, 0);

    if (vm >= 0 && vcpu < 0) {
        mig_builder_add_unreadable_fact(b, "kvm.vcpu", errno, "ioctl KVM_CREATE_VCPU");
    } else if (vcpu >= 0 && t != NULL && ioctl(vcpu, KVM_SET_CPUID2, t) != 0) {
        mig_builder_add_unreadable_fact(b, "kvm.vcpu-cpuid", errno, "ioctl KVM_SET_CPUID2");
    }
    return vcpu;
}

unsigned long mig_collect_kvm_vm_type(int kvm __attribute__((unused)))
{
    return 0;
}

void mig_collect_kvm_cpu(struct mig_builder *b, int kvm, int vm)
{
    struct kvm_cpuid2 *t = collect_cpuid(b, kvm);
    int vcpu = create_vcpu(b, vm, t);

    mig_free(t);
    collect_emulated(b, kvm);
    collect_hv(b, kvm, vcpu);
    collect_feature_msrs(b, kvm, vcpu);
    collect_msr_list(b, kvm);
    collect_tsc(b, kvm, vcpu);
}

#endif
