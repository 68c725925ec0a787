/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: which controllers KVM has is asked without making one.
 * Limits of the CPU interface can only be read from a GICv3 that was made and
 * initialised, in a VM that has a vCPU.  A host with a GICv2 alone gets that one:
 * registers of the vCPU may tell which controller its VM has.
 */
#include "agent/collect.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/bits.h"

/* Bits of gic-types. */
static const uint32_t types[] = {KVM_DEV_TYPE_ARM_VGIC_V2, KVM_DEV_TYPE_ARM_VGIC_V3,
                                 KVM_DEV_TYPE_ARM_VGIC_ITS};
#define HAS_V2 1U
#define HAS_V3 2U

/* Of vCPU 0, whose affinity is 0. */
#define ICC_CTLR_EL1 (ARM64_SYS_REG(3, 0, 12, 12, 4) & KVM_DEV_ARM_VGIC_SYSREG_INSTR_MASK)

static const enum mig_host_item limits[] = {MIG_HOST_GIC_PRI_BITS, MIG_HOST_GIC_ID_BITS,
                                            MIG_HOST_GIC_SEIS, MIG_HOST_GIC_A3V};

static struct mig_reg item(enum mig_host_item item)
{
    return mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item);
}

/* 0, or an errno that is more than "no such controller". */
static int ask_types(int vm, unsigned *ret)
{
    unsigned found = 0;

    for (unsigned i = 0; i < sizeof types / sizeof *types; i++) {
        struct kvm_create_device d = {.type = types[i], .flags = KVM_CREATE_DEVICE_TEST};

        if (ioctl(vm, KVM_CREATE_DEVICE, &d) == 0) {
            found |= 1U << i;
        } else if (errno != ENODEV) {
            return errno;
        }
    }
    *ret = found;
    return 0;
}

/* 0 or errno; @ret_fd is never closed, like the VM. */
static int create(int vm, uint32_t type, int *ret_fd)
{
    struct kvm_create_device d = {.type = type};

    if (ioctl(vm, KVM_CREATE_DEVICE, &d) != 0) {
        return errno;
    }
    *ret_fd = (int)d.fd;
    return 0;
}

static int read_limits(int vm, uint64_t *ret)
{
    struct kvm_device_attr init = {.group = KVM_DEV_ARM_VGIC_GRP_CTRL,
                                   .attr = KVM_DEV_ARM_VGIC_CTRL_INIT};
    struct kvm_device_attr ctlr = {
        .group = KVM_DEV_ARM_VGIC_GRP_CPU_SYSREGS, .attr = ICC_CTLR_EL1, .addr = (uintptr_t)ret};
    int fd, errnum = create(vm, KVM_DEV_TYPE_ARM_VGIC_V3, &fd);

    if (errnum != 0) {
        return errnum;
    }
    if (ioctl(fd, KVM_SET_DEVICE_ATTR, &init) != 0 || ioctl(fd, KVM_GET_DEVICE_ATTR, &ctlr) != 0) {
        return errno;
    }
    return 0;
}

static void add_limits(struct mig_builder *b, int vm)
{
    uint64_t ctlr = 0, id_bits;
    int errnum = read_limits(vm, &ctlr);

    if (errnum != 0) {
        for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
            mig_builder_set_unreadable(b, item(limits[i]), errnum);
        }
        return;
    }
    mig_builder_set(b, item(MIG_HOST_GIC_PRI_BITS), mig_bits_get(ctlr, 10, 8) + 1);
    id_bits = mig_bits_get(ctlr, 13, 11);
    if (id_bits <= 1) {
        mig_builder_set(b, item(MIG_HOST_GIC_ID_BITS), id_bits == 0 ? 16 : 24);
    } else {
        mig_builder_set_unreadable(b, item(MIG_HOST_GIC_ID_BITS), ERANGE); /* reserved */
    }
    mig_builder_set(b, item(MIG_HOST_GIC_SEIS), mig_bits_get(ctlr, 14, 14));
    mig_builder_set(b, item(MIG_HOST_GIC_A3V), mig_bits_get(ctlr, 15, 15));
}

void mig_collect_kvm_gic(struct mig_builder *b, int vm)
{
    unsigned found = 0;
    int fd, errnum = vm < 0 ? ENODEV : ask_types(vm, &found);

    if (errnum != 0) {
        mig_builder_set_unreadable(b, item(MIG_HOST_GIC_TYPES), errnum);
        return;
    }
    mig_builder_set(b, item(MIG_HOST_GIC_TYPES), found);
    if ((found & HAS_V3) != 0) {
        add_limits(b, vm);
    } else if ((found & HAS_V2) != 0) {
        errnum = create(vm, KVM_DEV_TYPE_ARM_VGIC_V2, &fd);
        if (errnum != 0) {
            mig_builder_add_unreadable_fact(b, "kvm.gic", errnum, "ioctl KVM_CREATE_DEVICE");
        }
    }
}

#endif
