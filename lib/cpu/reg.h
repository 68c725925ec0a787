/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/reg.h: one key for every place a capability can stand in.  Keys sort by
 * space, then index, sub-index and part, which is the order of all output.
 *
 * Text form (DESIGN section 3), hex without prefix:
 *   x86/cpuid/7.0/ebx   x86/cpuid-hv/40000003.0/eax   x86/msr/10a
 *   x86/msr-list/10a    arm64/ID_AA64ISAR0_EL1, or its KVM id in 16 digits
 *   arm64/CCSIDR_L1D    the size of one cache: CCSIDR_EL1 while CSSELR_EL1 is 0
 *   arm64/writable/ID_AA64ISAR0_EL1   arm64/reg-list/6030000000100042
 *   kvm/cap/NESTED_STATE   host/tsc-khz   guest/xcr0   virtio/net
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

enum mig_space {
    MIG_SPACE_CPUID,          /* what KVM can show: leaf, subleaf, register */
    MIG_SPACE_CPUID_BARE,     /* the same before guest tile permission was asked */
    MIG_SPACE_CPUID_EMULATED, /* KVM_GET_EMULATED_CPUID: slow, never offered */
    MIG_SPACE_CPUID_HV,       /* Hyper-V leaves */
    MIG_SPACE_MSR,            /* feature MSR values */
    MIG_SPACE_MSR_LIST,       /* value 1: the index is in KVM's save list */
    MIG_SPACE_IDREG,          /* arm64: low 32 bits of the KVM register id, sub = size */
    MIG_SPACE_CAP,            /* KVM capability number */
    MIG_SPACE_HOST,           /* enum mig_host_item (cpu/host.def) */
    MIG_SPACE_GUEST,          /* enum mig_guest_item (cpu/guest.def); contracts only */
    MIG_SPACE_VIRTIO,         /* virtio device type: 64 feature bits (cpu/virtio.def) */
    MIG_SPACE_IDREG_MASK,     /* as IDREG: bits that KVM lets a VMM change */
    MIG_SPACE_REG_LIST,       /* as IDREG, value 1: the register is in KVM's save list */
    MIG_SPACE_COUNT
};

enum mig_part { MIG_EAX, MIG_EBX, MIG_ECX, MIG_EDX };

struct mig_reg {
    enum mig_space space;
    uint32_t index;
    uint16_t sub;
    enum mig_part part; /* 0 outside CPUID */
};

/* Longest text form, NUL included. */
#define MIG_REG_TEXT_MAX 64

static inline uint64_t mig_reg_key(struct mig_reg reg)
{
    return (uint64_t)reg.space << 56 | (uint64_t)reg.index << 24 | (uint64_t)reg.sub << 8 |
           (uint64_t)reg.part;
}

static inline struct mig_reg mig_reg_from_key(uint64_t key)
{
    return (struct mig_reg){
        .space = (enum mig_space)(key >> 56),
        .index = (uint32_t)(key >> 24),
        .sub = (uint16_t)(key >> 8),
        .part = (enum mig_part)(key & 0xff),
    };
}

static inline struct mig_reg mig_reg_cpuid(uint32_t leaf, uint16_t sub, enum mig_part part)
{
    return (struct mig_reg){MIG_SPACE_CPUID, leaf, sub, part};
}

static inline struct mig_reg mig_reg_msr(uint32_t index)
{
    return (struct mig_reg){MIG_SPACE_MSR, index, 0, MIG_EAX};
}

/* One of the three spaces whose index is a KVM register id. */
static inline bool mig_reg_is_arm64(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_IDREG || reg.space == MIG_SPACE_IDREG_MASK ||
           reg.space == MIG_SPACE_REG_LIST;
}

/* Of such a space: the id as KVM has it. */
uint64_t mig_reg_arm64_id(struct mig_reg reg);

static inline struct mig_reg mig_reg_plain(enum mig_space space, uint32_t index)
{
    return (struct mig_reg){space, index, 0, MIG_EAX};
}

void mig_reg_print(struct mig_reg reg, char ret[MIG_REG_TEXT_MAX]);
MIG_MUST_CHECK bool mig_reg_parse(const char *text, struct mig_reg *ret, struct mig_error *err);

/* Bits a register of this space has: 32 or 64. */
unsigned mig_reg_width(struct mig_reg reg);

/* "x86/", "arm64/", "kvm/cap/", "host/" ... and lower-case "eax" */
const char *mig_part_name(enum mig_part part);
