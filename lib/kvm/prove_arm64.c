/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/prove.h"

#if defined(__aarch64__)

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/file.h"
#include "cpu/arm64_reg.h"
#include "kvm/shown_arm64.h"
#include "kvm/stub_arm64.h"
#include "kvm/vcpu_arm64.h"

/* Some hundred exits: microseconds, but for emulated hosts. */
#define GUEST_MS 8000

/* Where a guest would find them; beside its code (kvm/stub_arm64.c). */
#define GIC_ADDRESS UINT64_C(0x08000000)
#define GIC_CPU_ADDRESS UINT64_C(0x08010000)
#define GIC_REDIST_ADDRESS UINT64_C(0x080a0000)
#define PMU_INTERRUPT 23 /* private to the CPU, as firmware tables have it */

#define HAS_V2 1U /* of host/gic-types */
#define HAS_V3 2U

#define PMCR_EL0 ARM64_SYS_REG(3, 3, 9, 12, 0)
#define CNTFRQ_EL0 ARM64_SYS_REG(3, 3, 14, 0, 0)

struct scratch {
    int kvm, vm, vcpu;
    const struct mig_kvm_show *show;
    struct mig_shown shown;
    struct mig_proven *ret;
};

/* What a guest reads from the CPU itself, and the item that tells it. */
static const struct {
    enum mig_host_item item;
    uint64_t id;
} hardwares[] = {
    {MIG_HOST_CNTFRQ_HZ, CNTFRQ_EL0},
    { MIG_HOST_DCZID, ARM64_SYS_REG(3, 3, 0, 0, 7)},
};

static bool not_tried(struct mig_proven *p, enum mig_stage stage, int errnum)
{
    p->outcome = MIG_OUTCOME_NOT_TRIED;
    p->stage = stage;
    p->errnum = errnum;
    return false;
}

/* ---- the VM ---- */

/* More address bits than KVM has here are a mismatch; it goes on with fewer. */
static bool open_vm(struct scratch *t)
{
    unsigned long type = mig_kvm_vm_type(t->show, t->kvm);
    struct mig_shown_word w = {.key = mig_shown_item_key(MIG_HOST_IPA_BITS), .value = type};
    int bits = ioctl(t->kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
    uint64_t has = bits > 0 ? (uint64_t)bits : 40;

    t->vm = ioctl(t->kvm, KVM_CREATE_VM, type);
    if (t->vm < 0 && errno == EINVAL && type != has) {
        w.stage = MIG_STAGE_OPEN;
        mig_shown_refused(t->ret, &w, errno, &has);
        t->vm = ioctl(t->kvm, KVM_CREATE_VM, KVM_VM_TYPE_ARM_IPA_SIZE(has));
    }
    return t->vm >= 0 || not_tried(t->ret, MIG_STAGE_OPEN, errno);
}

static int set_attr(int fd, uint32_t group, uint64_t attr, const void *value)
{
    struct kvm_device_attr a = {.group = group, .attr = attr, .addr = (uintptr_t)value};

    return ioctl(fd, KVM_SET_DEVICE_ATTR, &a) == 0 ? 0 : errno;
}

/* 0 or errno.  A VM holds its devices, so the descriptor may go. */
static int make_gic(int vm, uint32_t type, uint64_t attr, uint64_t other_attr, uint64_t other)
{
    static const uint64_t at = GIC_ADDRESS;
    struct kvm_create_device d = {.type = type};
    MIG_AUTO(mig_fd_close) int fd = -1;
    int errnum;

    if (ioctl(vm, KVM_CREATE_DEVICE, &d) != 0) {
        return errno;
    }
    fd = (int)d.fd;
    errnum = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, attr, &at);
    if (errnum == 0) {
        errnum = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_ADDR, other_attr, &other);
    }
    if (errnum == 0) {
        errnum = set_attr(fd, KVM_DEV_ARM_VGIC_GRP_CTRL, KVM_DEV_ARM_VGIC_CTRL_INIT, NULL);
    }
    return errnum;
}

static bool has_device(int vm, uint32_t type)
{
    struct kvm_create_device d = {.type = type, .flags = KVM_CREATE_DEVICE_TEST};

    return ioctl(vm, KVM_CREATE_DEVICE, &d) == 0;
}

/* As ID_AA64PFR0_EL1.GIC asks: with it a GICv3, else a GICv2 where there is
 * one.  KVM sets the field by what the VM has. */
static bool add_gic(struct scratch *t)
{
    struct mig_shown_word w = {
        .key = mig_shown_item_key(MIG_HOST_GIC_TYPES), .value = HAS_V3, .stage = MIG_STAGE_OPEN};
    uint64_t has_v2 = has_device(t->vm, KVM_DEV_TYPE_ARM_VGIC_V2) ? HAS_V2 : 0;
    int errnum = 0;

    if (t->shown.gicv3) {
        errnum = make_gic(t->vm, KVM_DEV_TYPE_ARM_VGIC_V3, KVM_VGIC_V3_ADDR_TYPE_DIST,
                          KVM_VGIC_V3_ADDR_TYPE_REDIST, GIC_REDIST_ADDRESS);
        if (errnum != 0) {
            mig_shown_refused(t->ret, &w, errnum, &has_v2);
        }
    }
    if ((!t->shown.gicv3 || errnum == ENODEV) && has_v2 != 0) {
        errnum = make_gic(t->vm, KVM_DEV_TYPE_ARM_VGIC_V2, KVM_VGIC_V2_ADDR_TYPE_DIST,
                          KVM_VGIC_V2_ADDR_TYPE_CPU, GIC_CPU_ADDRESS);
    }
    return errnum == 0 || errnum == ENODEV || not_tried(t->ret, MIG_STAGE_OPEN, errnum);
}

static bool open_scratch(struct scratch *t, const char *kvm)
{
    struct mig_error err;

    /* A FIFO or a terminal in its place must not hold us up. */
    t->kvm = open(kvm, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (t->kvm < 0) {
        return not_tried(t->ret, MIG_STAGE_OPEN, errno);
    }
    if (!mig_kvm_apply_process(t->show, t->kvm, t->ret, &err) || !open_vm(t)) {
        return not_tried(t->ret, MIG_STAGE_OPEN, errno);
    }
    if (!mig_kvm_apply_vm(t->show, t->kvm, t->vm, t->ret, &err)) {
        return not_tried(t->ret, MIG_STAGE_CAP, errno);
    }
    t->vcpu = ioctl(t->vm, KVM_CREATE_VCPU, 0);
    return t->vcpu >= 0 ? add_gic(t) : not_tried(t->ret, MIG_STAGE_OPEN, errno);
}

/* ---- the guest ---- */

/* A vCPU with counters does not run before they are set up. */
static int start_counters(const struct scratch *t)
{
    static const int interrupt = PMU_INTERRUPT;
    uint64_t pmcr;
    int errnum;

    if ((t->shown.init >> KVM_ARM_VCPU_PMU_V3 & 1) == 0 ||
        mig_vcpu_arm64_get(t->vcpu, PMCR_EL0, &pmcr) == ENOENT) {
        return 0;
    }
    errnum = set_attr(t->vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_IRQ, &interrupt);
    if (errnum != 0 && errnum != EINVAL) { /* EINVAL: the VM has no interrupt controller */
        return errnum;
    }
    return set_attr(t->vcpu, KVM_ARM_VCPU_PMU_V3_CTRL, KVM_ARM_VCPU_PMU_V3_INIT, NULL);
}

static void look_at(struct mig_stub *stub, uint64_t id)
{
    if (stub->len < MIG_STUB_LOOKS_MAX) {
        stub->items[stub->len++] = (struct mig_stub_look){.id = id};
    }
}

static void see(struct scratch *t, const struct mig_stub_look *look,
                const struct mig_shown_word *word)
{
    struct mig_shown_word w = *word;

    w.stage = MIG_STAGE_GUEST;
    if (!look->seen) {
        mig_shown_refused(t->ret, &w, ENOEXEC, NULL);
    } else {
        mig_shown_compare(t->ret, &w, look->value);
    }
}

/* Without a GICv3 KVM clears this field when the vCPU first runs: Linux 6.12
 * and 7.2, kvm_finalize_sys_regs() of arch/arm64/kvm/sys_regs.c. */
static uint64_t without_gicv3(const struct scratch *t, const struct mig_shown_word *w)
{
    bool is_cleared = !t->shown.gicv3 && (uint32_t)w->id == MIG_ARM64_ID_PFR1_EL1;

    return is_cleared ? w->value & ~MIG_ARM64_MASK(ID_PFR1_EL1, GIC) : w->value;
}

static void see_word(struct scratch *t, const struct mig_stub_look *look,
                     const struct mig_shown_word *w)
{
    if (look->seen && look->value == without_gicv3(t, w)) {
        return;
    }
    see(t, look, w);
}

static void see_counters(struct scratch *t, const struct mig_stub_look *look)
{
    struct mig_shown_word w = {.key = mig_shown_item_key(MIG_HOST_PMU_COUNTERS),
                               .value = t->shown.counters};
    struct mig_stub_look counters = *look;

    counters.value = mig_bits_get(look->value, 15, 11);
    see(t, &counters, &w);
}

/* Not among the words that were read back. */
static void see_hardware(struct scratch *t, const struct mig_stub_look *look)
{
    for (size_t i = 0; i < MIG_COUNT(hardwares); i++) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, (uint32_t)hardwares[i].item);
        struct mig_shown_word w = {.key = mig_reg_key(reg)};

        if (hardwares[i].id == look->id &&
            mig_snapshot_get(t->show->shown, reg, &w.value) == MIG_KNOWN) {
            t->ret->compared++;
            see(t, look, &w);
        }
    }
}

static void run(struct scratch *t)
{
    struct mig_stub stub = {.len = 0};
    int errnum = start_counters(t);

    for (size_t i = 0; i < t->shown.len; i++) {
        if (mig_vcpu_arm64_is_system(t->shown.items[i].id)) {
            look_at(&stub, t->shown.items[i].id);
        }
    }
    for (size_t i = 0; i < MIG_COUNT(hardwares); i++) {
        look_at(&stub, hardwares[i].id);
    }
    if (t->shown.has_counters) {
        look_at(&stub, PMCR_EL0);
    }
    if (errnum == 0) {
        errnum = mig_stub_run(&stub, t->kvm, t->vm, t->vcpu, GUEST_MS);
    }
    if (errnum != 0) {
        /* A contradiction is an answer all the same. */
        t->ret->outcome = t->ret->len > 0 ? t->ret->outcome : MIG_OUTCOME_NOT_TRIED;
        t->ret->stage = MIG_STAGE_RUN;
        t->ret->errnum = errnum;
        return;
    }
    t->ret->ran = true;
    for (size_t i = 0; i < stub.len; i++) {
        const struct mig_stub_look *look = &stub.items[i];
        const struct mig_shown_word *w =
            mig_shown_find(&t->shown, mig_reg_key(mig_vcpu_arm64_place(MIG_SPACE_IDREG, look->id)));

        if (w != NULL) {
            see_word(t, look, w);
        } else if (look->id == PMCR_EL0) {
            see_counters(t, look);
        } else {
            see_hardware(t, look);
        }
    }
}

void mig_kvm_prove(const char *kvm, const struct mig_snapshot *shown, struct mig_proven *ret)
{
    struct mig_kvm_show show = {.shown = shown};
    struct scratch t = {.kvm = -1, .vm = -1, .vcpu = -1, .show = &show, .ret = ret};
    struct mig_error err;

    *ret = (struct mig_proven){0};
    mig_shown_make(&t.shown, shown);
    if (open_scratch(&t, kvm)) {
        if (!mig_kvm_apply_vcpu(&show, t.vm, t.vcpu, ret, &err)) {
            (void)not_tried(ret, MIG_STAGE_INIT, errno);
        } else if (!mig_kvm_read_vcpu(&show, t.vm, t.vcpu, ret, &err)) {
            (void)not_tried(ret, MIG_STAGE_READ, errno);
        } else {
            run(&t);
        }
    }
    mig_shown_clear(&t.shown);
    mig_fd_close(t.vcpu);
    mig_fd_close(t.vm);
    mig_fd_close(t.kvm);
    mig_proven_settle(ret);
}

#endif
