/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: what a register holds depends on the features that its
 * vCPU was made with, so there is one vCPU with all that KVM takes.
 * 1. Features by capability; if KVM refuses them together, those that it takes
 * one by one.  2. Vector lengths, which are only open to a VMM until the vCPU is
 * finalised; before that there is no list of registers.  3. An interrupt
 * controller, on which some fields depend.  4. The list, and values of what
 * tells features.  MTE stays off: a VM that has it can hardly be moved.
 * Lesser vCPUs follow from rows; collect_base_arm64.c asks one whether they do.
 */
#include "agent/collect.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "kvm/vcpu_arm64.h"

/* Of headers older than the kernels we meet. */
#define CAP_REG_MASK_RANGES 230
#define CAP_EL2 240
#define CAP_EL2_E2H0 241
#define FEATURE_EL2 7
#define FEATURE_EL2_E2H0 8
struct mask_range {
    uint64_t addr;
    uint32_t range;
    uint32_t reserved[13];
};
#define GET_REG_WRITABLE_MASKS _IOR(KVMIO, 0xb6, struct mask_range)

/* The ID space: op1 0, 1 and 3, eight CRm, eight op2. */
#define ID_SPACE 192

struct vcpu {
    int kvm, vm, fd;
    uint32_t features;
    int errnum; /* why there is no vCPU, and what said so */
    const char *source;
};

#define FEATURE(name) (1U << KVM_ARM_VCPU_##name)
#define PAUTH (FEATURE(PTRAUTH_ADDRESS) | FEATURE(PTRAUTH_GENERIC))

/* What a VMM may ask for, and the capabilities that offer it. */
static const struct {
    const char *name;
    uint32_t bits;
    int cap, other;
} optional[] = {
    {"pmu",   FEATURE(PMU_V3), KVM_CAP_ARM_PMU_V3,          KVM_CAP_ARM_PMU_V3         },
    {"sve",   FEATURE(SVE),    KVM_CAP_ARM_SVE,             KVM_CAP_ARM_SVE            },
    {"pauth", PAUTH,           KVM_CAP_ARM_PTRAUTH_ADDRESS, KVM_CAP_ARM_PTRAUTH_GENERIC},
};

/* Features that exclude others and are therefore not asked for. */
static const struct {
    uint32_t bit;
    int cap;
} apart[] = {
    {FEATURE(EL1_32BIT),     KVM_CAP_ARM_EL1_32BIT},
    {1U << FEATURE_EL2,      CAP_EL2              },
    {1U << FEATURE_EL2_E2H0, CAP_EL2_E2H0         },
};

static bool has_cap(int fd, int cap)
{
    return ioctl(fd, KVM_CHECK_EXTENSION, cap) > 0;
}

/* ---- the vCPU ---- */

/* 0, or errno with @v->source. */
static int init_vcpu(struct vcpu *v, uint32_t features)
{
    struct kvm_vcpu_init init = {0};

    v->source = "ioctl KVM_CREATE_VCPU";
    v->fd = ioctl(v->vm, KVM_CREATE_VCPU, 0);
    if (v->fd < 0) {
        return errno;
    }
    v->source = "ioctl KVM_ARM_PREFERRED_TARGET";
    if (ioctl(v->vm, KVM_ARM_PREFERRED_TARGET, &init) != 0) {
        return errno;
    }
    v->source = "ioctl KVM_ARM_VCPU_INIT";
    init.features[0] = features;
    v->features = features;
    return ioctl(v->fd, KVM_ARM_VCPU_INIT, &init) == 0 ? 0 : errno;
}

/* In a VM of its own: all vCPUs of one have the same features. */
static int init_elsewhere(const struct vcpu *v, uint32_t features, struct vcpu *ret)
{
    *ret = (struct vcpu){.kvm = v->kvm, .vm = mig_collect_kvm_vm(v->kvm), .fd = -1};
    if (ret->vm < 0) {
        ret->source = "ioctl KVM_CREATE_VM";
        return errno;
    }
    return init_vcpu(ret, features);
}

/* KVM refused @wanted together: those it takes alone.  What it does not is a
 * fact. */
static uint32_t taken_alone(struct mig_builder *b, const struct vcpu *v, uint32_t base,
                            uint32_t wanted)
{
    uint32_t taken = base;

    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        struct vcpu other;
        char name[64];
        int errnum;

        if ((wanted & optional[i].bits) == 0) {
            continue;
        }
        errnum = init_elsewhere(v, base | optional[i].bits, &other);
        if (errnum == 0) {
            taken |= optional[i].bits;
            continue;
        }
        (void)snprintf(name, sizeof name, "kvm.vcpu-feature.%s", optional[i].name);
        mig_builder_add_unreadable_fact(b, name, errnum, other.source);
    }
    return taken;
}

/* A vCPU with all that KVM gives it; else @v->errnum. */
static void open_vcpu(struct mig_builder *b, struct vcpu *v)
{
    const uint32_t base = FEATURE(PSCI_0_2);
    uint32_t wanted = base;
    struct vcpu other;

    if (v->vm < 0) {
        v->errnum = ENODEV; /* kvm.vm tells why */
        v->source = "ioctl KVM_CREATE_VM";
        return;
    }
    for (size_t i = 0; i < sizeof optional / sizeof *optional; i++) {
        if (has_cap(v->vm, optional[i].cap) && has_cap(v->vm, optional[i].other)) {
            wanted |= optional[i].bits;
        }
    }
    v->errnum = init_vcpu(v, wanted);
    if (v->errnum == EINVAL && wanted != base) {
        v->errnum = init_elsewhere(v, taken_alone(b, v, base, wanted), &other);
        *v = (struct vcpu){other.kvm, other.vm, other.fd, other.features, v->errnum, other.source};
    }
    if (v->errnum != 0) {
        mig_builder_add_unreadable_fact(b, "kvm.vcpu", v->errnum, v->source);
    }
}

static bool has_feature(const struct vcpu *v, uint32_t bits)
{
    return (v->features & bits) != 0;
}

static void finalize(struct mig_builder *b, const struct vcpu *v)
{
    int what = KVM_ARM_VCPU_SVE;

    if (has_feature(v, FEATURE(SVE)) && ioctl(v->fd, KVM_ARM_VCPU_FINALIZE, &what) != 0) {
        mig_builder_add_unreadable_fact(b, "kvm.vcpu-finalize", errno,
                                        "ioctl KVM_ARM_VCPU_FINALIZE");
    }
}

/* ---- numbers beside the registers ---- */

static void set_item(struct mig_builder *b, enum mig_host_item item, uint64_t value, int errnum)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item);

    if (errnum != 0) {
        mig_builder_set_unreadable(b, reg, errnum);
    } else {
        mig_builder_set(b, reg, value);
    }
}

static void add_features(struct mig_builder *b, const struct vcpu *v)
{
    uint64_t features = v->features;

    for (size_t i = 0; i < sizeof apart / sizeof *apart; i++) {
        features |= v->errnum == 0 && has_cap(v->vm, apart[i].cap) ? apart[i].bit : 0;
    }
    set_item(b, MIG_HOST_VCPU_FEATURES, features, v->errnum);
    if (v->errnum == 0 && has_cap(v->vm, KVM_CAP_ARM_MTE)) {
        mig_builder_add_fact(b, "kvm.mte", "offered; the capture is without it",
                             "ioctl KVM_CHECK_EXTENSION on a VM");
    }
}

static void add_vector_lengths(struct mig_builder *b, const struct vcpu *v)
{
    uint64_t lengths = 0;
    int errnum = v->errnum;

    if (errnum == 0 && has_feature(v, FEATURE(SVE))) {
        errnum = mig_vcpu_arm64_lengths(v->fd, &lengths);
    }
    set_item(b, MIG_HOST_SVE_VQS, lengths, errnum);
}

static void add_counters(struct mig_builder *b, const struct vcpu *v)
{
    uint64_t pmcr = 0;
    int errnum = v->errnum;

    if (errnum == 0 && has_feature(v, FEATURE(PMU_V3))) {
        errnum = mig_vcpu_arm64_get(v->fd, ARM64_SYS_REG(3, 3, 9, 12, 0), &pmcr);
    }
    set_item(b, MIG_HOST_PMU_COUNTERS, mig_bits_get(pmcr, 15, 11), errnum);
}

/* A kernel that does not know the question gives every VM 40 bits. */
static void add_address_bits(struct mig_builder *b, int kvm)
{
    int bits = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

    set_item(b, MIG_HOST_IPA_BITS, bits > 0 ? (uint64_t)bits : 40, bits < 0 ? errno : 0);
}

/* What a guest reads from the processor itself, and so may we. */
static void add_processor(struct mig_builder *b)
{
    uint64_t cntfrq, dczid, ctr;
    char text[32];

    __asm__ volatile("mrs %0, cntfrq_el0" : "=r"(cntfrq));
    __asm__ volatile("mrs %0, dczid_el0" : "=r"(dczid));
    __asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
    set_item(b, MIG_HOST_CNTFRQ_HZ, cntfrq, 0);
    set_item(b, MIG_HOST_DCZID, dczid, 0);
    (void)snprintf(text, sizeof text, "0x%016llx", (unsigned long long)ctr);
    mig_builder_add_fact(b, "cpu.ctr", text, "mrs ctr_el0");
}

/* ---- registers ---- */

static void add_value(struct mig_builder *b, const struct vcpu *v, uint64_t id)
{
    struct mig_reg reg = mig_vcpu_arm64_place(MIG_SPACE_IDREG, id);
    uint64_t value = 0;
    int errnum = mig_vcpu_arm64_get(v->fd, id, &value);

    if (errnum != 0) {
        mig_builder_set_unreadable(b, reg, errnum);
    } else {
        mig_builder_set(b, reg, value);
    }
}

static void cover(struct mig_builder *b, enum mig_group group, int errnum, const char *source)
{
    mig_builder_cover(b, group, errnum == 0 ? MIG_COVER_FULL : MIG_COVER_UNREADABLE, errnum,
                      source);
}

static void add_registers(struct mig_builder *b, const struct vcpu *v)
{
    int errnum = v->errnum;
    struct kvm_reg_list *list = errnum == 0 ? mig_vcpu_arm64_list(v->fd, &errnum) : NULL;
    const char *source = v->errnum == 0 ? "ioctl KVM_GET_REG_LIST" : v->source;

    cover(b, MIG_GROUP_REG_LIST, errnum, source);
    cover(b, MIG_GROUP_KVM_VIEW, errnum, source);
    cover(b, MIG_GROUP_IDREG, errnum, errnum == 0 ? "ioctl KVM_GET_ONE_REG" : source);
    for (uint64_t i = 0; list != NULL && i < list->n; i++) {
        uint64_t id = list->reg[i];

        if (!mig_vcpu_arm64_has_place(id)) {
            char name[64];

            (void)snprintf(name, sizeof name, "kvm.register.%016llx", (unsigned long long)id);
            mig_builder_add_fact(b, name, "in KVM's list, of an unknown kind", source);
            continue;
        }
        if (!mig_vcpu_arm64_is_core(id)) {
            mig_builder_set(b, mig_vcpu_arm64_place(MIG_SPACE_REG_LIST, id), 1);
        }
        if (mig_vcpu_arm64_tells(id)) {
            add_value(b, v, id);
        }
    }
    mig_free(list);
}

/* A kernel without the question leaves the group uncovered. */
static void add_masks(struct mig_builder *b, int vm)
{
    static const char source[] = "ioctl KVM_ARM_GET_REG_WRITABLE_MASKS";
    static const uint64_t op1_of[] = {0, 1, 3};
    uint64_t masks[ID_SPACE] = {0};
    struct mask_range range = {.addr = (uintptr_t)masks};

    if (vm < 0 || !has_cap(vm, CAP_REG_MASK_RANGES)) {
        return;
    }
    if (ioctl(vm, GET_REG_WRITABLE_MASKS, &range) != 0) {
        cover(b, MIG_GROUP_IDREG_MASK, errno, source);
        return;
    }
    cover(b, MIG_GROUP_IDREG_MASK, 0, source);
    for (uint64_t i = 0; i < ID_SPACE; i++) {
        if (masks[i] != 0) {
            mig_builder_set(
                b,
                mig_vcpu_arm64_place(MIG_SPACE_IDREG_MASK,
                                     ARM64_SYS_REG(3, op1_of[i >> 6], 0, i >> 3 & 7, i & 7)),
                masks[i]);
        }
    }
}

unsigned long mig_collect_kvm_vm_type(int kvm)
{
    int bits = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);

    return bits > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned long)bits) : 0;
}

void mig_collect_kvm_cpu(struct mig_builder *b, int kvm, int vm)
{
    struct vcpu v = {.kvm = kvm, .vm = vm, .fd = -1};

    mig_builder_cover(b, MIG_GROUP_ARM64, MIG_COVER_FULL, 0, "mrs, ioctls of KVM");
    open_vcpu(b, &v);
    add_features(b, &v);
    add_vector_lengths(b, &v);
    if (v.errnum == 0) {
        finalize(b, &v);
    }
    mig_collect_kvm_gic(b, v.vm);
    add_registers(b, &v);
    add_masks(b, v.vm);
    add_counters(b, &v);
    add_address_bits(b, kvm);
    add_processor(b);
    if (v.errnum == 0) {
        mig_collect_kvm_base(b, kvm);
        mig_collect_kvm_oracle(b, v.fd);
    }
}

#endif
