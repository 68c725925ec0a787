/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/onereg.h"

#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"

/* Bits 63:56 of an id tell the architecture, 55:52 the size (log2 of the
 * bytes), 27:16 the kind of register; the others but 15:0 are 0. */
#define ARCHITECTURE 0x60
#define KIND_SHIFT 16
#define KIND_CORE 0x10
#define KIND_CACHE 0x11
#define KIND_SYSTEM 0x13
#define KIND_FIRMWARE 0x14
#define KIND_BITMAP 0x16
#define SUB_MAX 8

static const struct {
    uint32_t kind;
    unsigned subs; /* set of sizes */
    const char *name;
} kinds[] = {
    {KIND_CORE,     1u << 2 | 1u << 3 | 1u << 4, "core"           },
    {KIND_CACHE,    1u << 2,                     "cache"          },
    {KIND_SYSTEM,   1u << 3,                     "system"         },
    {KIND_FIRMWARE, 1u << 3,                     "firmware"       },
    {0x15,          1u << 5 | 1u << 6 | 1u << 8, "SVE"            },
    {KIND_BITMAP,   1u << 3,                     "firmware bitmap"},
};

static bool has_form(uint64_t id)
{
    return id >> 56 == ARCHITECTURE && (id >> 32 & 0xfffff) == 0 &&
           ((uint32_t)id >> KIND_SHIFT) <= 0xfff && (id >> 52 & 0xf) <= SUB_MAX;
}

bool mig_onereg_from_id(uint64_t id, struct mig_reg *ret, struct mig_error *err)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_REG_LIST, (uint32_t)id);
    uint32_t kind = reg.index >> KIND_SHIFT;

    reg.sub = (uint16_t)(id >> 52 & 0xf);
    if (!has_form(id)) {
        return mig_fail(err, MIG_FORMAT,
                        "0x%llx is no KVM register id of arm64, such as 0x603000000013c020%s",
                        (unsigned long long)id,
                        has_form(__builtin_bswap64(id)) ? ": the dump looks byte-swapped" : "");
    }
    for (size_t i = 0; i < MIG_COUNT(kinds); i++) {
        if (kinds[i].kind == kind && (kinds[i].subs >> reg.sub & 1) == 0) {
            return mig_fail(err, MIG_FORMAT, "id 0x%llx: no %s register has %u bits",
                            (unsigned long long)id, kinds[i].name, mig_onereg_width(reg));
        }
    }
    *ret = reg;
    return true;
}

/* op0, op1, CRn, CRm and op2 of "S3_0_C0_C4_0"; KVM leaves out the 'C's. */
static bool parse_encoding(const char *name, uint32_t *ret)
{
    static const struct {
        unsigned shift, max;
        bool is_c;
    } parts[] = {
        {14, 3,  false},
        {11, 7,  false},
        {7,  15, true },
        {3,  15, true },
        {0,  7,  false},
    };
    uint32_t encoding = 0;

    if (*name++ != 'S') {
        return false;
    }
    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        size_t len;
        uint64_t part;

        name += i > 0 ? 1 : 0;
        name += parts[i].is_c && *name == 'C' ? 1 : 0;
        len = strcspn(name, "_");
        if (!mig_text_digits(name, len, 10, parts[i].max, &part) ||
            name[len] != (i + 1 < MIG_COUNT(parts) ? '_' : '\0')) {
            return false;
        }
        encoding |= (uint32_t)part << parts[i].shift;
        name += len;
    }
    *ret = encoding;
    return true;
}

bool mig_onereg_from_name(const char *name, struct mig_reg *ret)
{
    struct mig_reg reg = {.space = MIG_SPACE_REG_LIST,
                          .sub = MIG_ARM64_SUB(KIND_SYSTEM << KIND_SHIFT)};

    if (mig_arm64_reg_parse(name, &reg)) {
        *ret = reg;
        return true;
    }
    if (!parse_encoding(name, &reg.index)) {
        return false;
    }
    reg.index |= KIND_SYSTEM << KIND_SHIFT;
    *ret = reg;
    return true;
}

unsigned mig_onereg_width(struct mig_reg reg)
{
    return 8u << reg.sub;
}

/* op0 3, CRn 0, CRm up to 7: without the number of a vCPU, what CSSELR_EL1
 * picks, and what KVM never shows but the hardware does. */
static bool is_id_register(uint32_t index)
{
    uint32_t op0 = index >> 14 & 3, op1 = index >> 11 & 7, crn = index >> 7 & 15;

    return op0 == 3 && (op1 == 0 || op1 == 1 || op1 == 3) && crn == 0 && (index >> 3 & 15) < 8 &&
           index != MIG_ARM64_MPIDR_EL1 && index != MIG_ARM64_CCSIDR_EL1 &&
           index != MIG_ARM64_CCSIDR2_EL1 && index != MIG_ARM64_DCZID_EL0;
}

bool mig_onereg_is_granted(struct mig_reg reg)
{
    if (reg.sub != MIG_ARM64_SUB(reg.index)) {
        return false;
    }
    switch (reg.index >> KIND_SHIFT) {
    case KIND_CACHE:
        return mig_arm64_reg_name(reg) != NULL;
    case KIND_SYSTEM:
        return is_id_register(reg.index);
    case KIND_FIRMWARE:
    case KIND_BITMAP:
        return true;
    default:
        return false;
    }
}

bool mig_onereg_is_core(struct mig_reg reg)
{
    return reg.index >> KIND_SHIFT == KIND_CORE;
}
