/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/vcpu_arm64.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "cpu/arm64_reg.h"

/* A vCPU with SVE lists some 400 registers. */
#define REGISTERS_LIMIT 4096

#define SIZE_U64 3

static int access_reg(int vcpu, unsigned long request, uint64_t id, uintptr_t value)
{
    struct kvm_one_reg reg = {.id = id, .addr = value};

    return ioctl(vcpu, request, &reg) == 0 ? 0 : errno;
}

int mig_vcpu_arm64_get(int vcpu, uint64_t id, void *value)
{
    return access_reg(vcpu, KVM_GET_ONE_REG, id, (uintptr_t)value);
}

int mig_vcpu_arm64_set(int vcpu, uint64_t id, const void *value)
{
    return access_reg(vcpu, KVM_SET_ONE_REG, id, (uintptr_t)value);
}

struct kvm_reg_list *mig_vcpu_arm64_list(int vcpu, int *ret_errno)
{
    struct kvm_reg_list probe = {.n = 0}, *list;

    if (ioctl(vcpu, KVM_GET_REG_LIST, &probe) != 0 && errno != E2BIG) {
        *ret_errno = errno;
        return NULL;
    }
    if (probe.n > REGISTERS_LIMIT) {
        *ret_errno = E2BIG;
        return NULL;
    }
    list = mig_alloc(1, sizeof *list + probe.n * sizeof list->reg[0]);
    list->n = probe.n;
    if (ioctl(vcpu, KVM_GET_REG_LIST, list) != 0) {
        *ret_errno = errno;
        mig_free(list);
        return NULL;
    }
    return list;
}

bool mig_vcpu_arm64_has_place(uint64_t id)
{
    return (id & KVM_REG_ARCH_MASK) == KVM_REG_ARM64 && mig_bits_get(id, 51, 32) == 0;
}

struct mig_reg mig_vcpu_arm64_place(enum mig_space space, uint64_t id)
{
    return (struct mig_reg){
        .space = space, .index = (uint32_t)id, .sub = (uint16_t)mig_bits_get(id, 55, 52)};
}

uint64_t mig_vcpu_arm64_id(struct mig_reg reg)
{
    return KVM_REG_ARM64 | (uint64_t)reg.sub << KVM_REG_SIZE_SHIFT | reg.index;
}

bool mig_vcpu_arm64_is_system(uint64_t id)
{
    return (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM64_SYSREG;
}

/* KVM_REG_ARM_DEMUX */
bool mig_vcpu_arm64_is_cache(uint64_t id)
{
    return mig_arm64_is_cache(mig_vcpu_arm64_place(MIG_SPACE_IDREG, id));
}

bool mig_vcpu_arm64_is_core(uint64_t id)
{
    return (id & KVM_REG_ARM_COPROC_MASK) == KVM_REG_ARM_CORE;
}

bool mig_vcpu_arm64_tells(uint64_t id)
{
    uint64_t kind = id & KVM_REG_ARM_COPROC_MASK, op1 = mig_bits_get(id, 13, 11);

    if (mig_bits_get(id, 55, 52) > SIZE_U64) {
        return false;
    }
    if (mig_vcpu_arm64_is_system(id)) {
        return mig_bits_get(id, 15, 14) == 3 && (op1 <= 1 || op1 == 3) &&
               mig_bits_get(id, 10, 7) == 0 && mig_bits_get(id, 6, 3) <= 7 &&
               (uint32_t)id != MIG_ARM64_MPIDR_EL1;
    }
    return kind == KVM_REG_ARM_FW || kind == KVM_REG_ARM_FW_FEAT_BMAP ||
           mig_vcpu_arm64_is_cache(id);
}

/* Lengths above 64 * 128 bits have no place; the architecture ends at 16. */
int mig_vcpu_arm64_lengths(int vcpu, uint64_t *ret)
{
    uint64_t lengths[KVM_ARM64_SVE_VLS_WORDS] = {0};
    int errnum = mig_vcpu_arm64_get(vcpu, KVM_REG_ARM64_SVE_VLS, lengths);

    for (size_t i = 1; i < sizeof lengths / sizeof *lengths; i++) {
        errnum = lengths[i] != 0 ? EOVERFLOW : errnum;
    }
    *ret = lengths[0];
    return errnum;
}

#endif
