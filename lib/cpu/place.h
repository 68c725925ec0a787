/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/place.h: the place of every named CPUID and MSR row as a constant, so
 * that other tables can say "avx2" and a name that no row has does not compile.
 */
#pragma once

#include "cpu/reg.h"

/* An enumeration constant must fit an int; leaves above 2^31 wrap there and
 * back. */
enum mig_place {
#define PLACE(id, space, index, sub, part, high, low)                                              \
    MIG_PLACE_SPACE_##id = (space), MIG_PLACE_INDEX_##id = (int)(index),                           \
    MIG_PLACE_SUB_##id = (sub), MIG_PLACE_PART_##id = MIG_##part, MIG_PLACE_HI_##id = (high),      \
    MIG_PLACE_LO_##id = (low),
#define CPUID(leaf, first, last, part, hi, lo, rule, cls, offer, who, id, why)                     \
    PLACE(id, MIG_SPACE_CPUID, leaf, first, part, hi, lo)
#define CPUID_HV(leaf, first, last, part, hi, lo, rule, cls, offer, who, id, why)                  \
    PLACE(id, MIG_SPACE_CPUID_HV, leaf, first, part, hi, lo)
#include "cpu/x86_cpuid.def"
#define MSR(index, hi, lo, rule, cls, offer, who, id, why)                                         \
    PLACE(id, MIG_SPACE_MSR, index, 0, EAX, hi, lo)
#include "cpu/x86_msr.def"
#undef PLACE
};

/* Initialisers for a struct mig_reg and for the bits of the row in it. */
#define MIG_PLACE_REG(id)                                                                          \
    {                                                                                              \
        (enum mig_space) MIG_PLACE_SPACE_##id, (uint32_t)MIG_PLACE_INDEX_##id,                     \
            (uint16_t)MIG_PLACE_SUB_##id, (enum mig_part)MIG_PLACE_PART_##id                       \
    }
#define MIG_PLACE_MASK(id)                                                                         \
    (~UINT64_C(0) >> (63 - (MIG_PLACE_HI_##id - MIG_PLACE_LO_##id)) << MIG_PLACE_LO_##id)

/* Initialiser for a struct mig_bit (cpu/deps.h). */
#define MIG_PLACE_BIT(id)                                                                          \
    {                                                                                              \
        MIG_PLACE_REG(id), MIG_PLACE_MASK(id)                                                      \
    }
