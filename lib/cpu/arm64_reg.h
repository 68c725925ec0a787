/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_reg.h: arm64 registers by name: indices for struct mig_reg, and
 * the place of every row of arm64_idreg.def as a constant, so that other
 * tables can say (ID_AA64PFR0_EL1, SVE) and a wrong name does not compile.
 */
#pragma once

#include "base/error.h"
#include "cpu/reg.h"

/* The low 32 bits of a KVM register id. */
enum mig_arm64 {
#define ARM64_CACHE(name, number) MIG_ARM64_##name = 0x110000 | (number),
#define ARM64_REG(name, op0, op1, crn, crm, op2)                                                   \
    MIG_ARM64_##name = 0x130000 | (op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2),
#define ARM64_FIRMWARE(name, number) MIG_ARM64_##name = 0x140000 | (number),
#define ARM64_BITMAP(name, number) MIG_ARM64_##name = 0x160000 | (number),
#include "cpu/arm64_reg.def"
};

/* Before these are sizes of caches, from the latter on KVM's own registers. */
#define MIG_ARM64_SYSTEM 0x130000u
#define MIG_ARM64_FIRMWARE 0x140000u

/* Log2 of the bytes of a register that has a name. */
#define MIG_ARM64_SUB(index) ((uint32_t)(index) < MIG_ARM64_SYSTEM ? 2 : 3)

enum mig_arm64_bit {
#define IDREG(reg, field, hi, lo, ...)                                                             \
    MIG_ARM64_HI_##reg##_##field = (hi), MIG_ARM64_LO_##reg##_##field = (lo),
#include "cpu/arm64_idreg.def"
};

/* Initialiser for a struct mig_reg. */
#define MIG_ARM64_PLACE(name)                                                                      \
    {                                                                                              \
        MIG_SPACE_IDREG, MIG_ARM64_##name, MIG_ARM64_SUB(MIG_ARM64_##name), MIG_EAX                \
    }
#define MIG_ARM64_MASK(reg, field)                                                                 \
    (~UINT64_C(0) >> (63 - (MIG_ARM64_HI_##reg##_##field - MIG_ARM64_LO_##reg##_##field))          \
                         << MIG_ARM64_LO_##reg##_##field)

/* Initialiser for a struct mig_bit (cpu/deps.h). */
#define MIG_ARM64_BIT(reg, field)                                                                  \
    {                                                                                              \
        MIG_ARM64_PLACE(reg), MIG_ARM64_MASK(reg, field)                                           \
    }

static inline struct mig_reg mig_reg_arm64(enum mig_arm64 index)
{
    return (struct mig_reg){MIG_SPACE_IDREG, (uint32_t)index, MIG_ARM64_SUB(index), MIG_EAX};
}

/* The size of a cache as the guest reads it from CCSIDR_EL1. */
static inline bool mig_arm64_is_cache(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_IDREG && reg.index >= MIG_ARM64_CCSIDR_L1D &&
           reg.index <= MIG_ARM64_CCSIDR_L7I;
}

/* "ID_AA64ISAR0_EL1" whatever the space of @reg; NULL if it has no name. */
const char *mig_arm64_reg_name(struct mig_reg reg);

/* Set index and sub of @ret, nothing else. */
MIG_MUST_CHECK bool mig_arm64_reg_parse(const char *name, struct mig_reg *ret);
