/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/vcpu.h"

#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_reg.h"
#include "snapshot/builder.h"

/* Both exception levels of a guest exist, in 64 bits or in both widths. */
static bool is_pfr0(uint64_t value)
{
    uint64_t el0 = value & 0xf, el1 = value >> 4 & 0xf;

    return (el0 == 1 || el0 == 2) && (el1 == 1 || el1 == 2);
}

/* Bit 31 is always set, and nothing lies above the smallest tag line. */
static bool is_ctr(uint64_t value)
{
    return (value >> 31 & 1) != 0 && value >> 38 == 0;
}

/* Registers that tell by themselves in which order their bytes were read. */
static const struct {
    enum mig_arm64 reg;
    bool (*check)(uint64_t value);
} tellers[] = {
    {MIG_ARM64_MIDR_EL1,        mig_arm64_core_is_midr},
    {MIG_ARM64_ID_AA64PFR0_EL1, is_pfr0               },
    {MIG_ARM64_CTR_EL0,         is_ctr                },
};

static bool is_swapped(uint64_t value, bool (*check)(uint64_t value))
{
    return !check(value) && (check(__builtin_bswap64(value)) ||
                             (value <= UINT32_MAX && check(__builtin_bswap32((uint32_t)value))));
}

static bool check_order(const struct mig_snapshot *s, struct mig_error *err)
{
    for (size_t i = 0; i < MIG_COUNT(tellers); i++) {
        struct mig_reg reg = mig_reg_arm64(tellers[i].reg);
        uint64_t value;

        if (mig_snapshot_get(s, reg, &value) == MIG_KNOWN && is_swapped(value, tellers[i].check)) {
            return mig_fail(err, MIG_FORMAT,
                            "%s is 0x%llx, which no CPU has: the dump looks byte-swapped",
                            mig_arm64_reg_name(reg), (unsigned long long)value);
        }
    }
    return true;
}

/* A field that is not 0 on a vCPU with the feature and 0 on one without. */
#define SHOWN_BY(feature, bit, reg, field)                                                         \
    {                                                                                              \
        feature, bit, MIG_ARM64_##reg, MIG_ARM64_MASK(reg, field)                                  \
    }

static const struct {
    const char *feature;
    unsigned bit; /* of KVM_ARM_VCPU_INIT */
    enum mig_arm64 reg;
    uint64_t mask;
} rows[] = {
    SHOWN_BY("pmu", 3, ID_AA64DFR0_EL1, PMUVer),  SHOWN_BY("sve", 4, ID_AA64PFR0_EL1, SVE),
    SHOWN_BY("pauth", 5, ID_AA64ISAR1_EL1, APA),  SHOWN_BY("pauth", 5, ID_AA64ISAR1_EL1, API),
    SHOWN_BY("pauth", 5, ID_AA64ISAR2_EL1, APA3),
};

static bool is_shown(const struct mig_snapshot *s, unsigned bit)
{
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t value;

        if (rows[i].bit == bit &&
            mig_snapshot_get(s, mig_reg_arm64(rows[i].reg), &value) == MIG_KNOWN &&
            (value & rows[i].mask) != 0) {
            return true;
        }
    }
    return false;
}

/* A few registers of a vCPU do not tell what it lacks.  ID_AA64ISAR2_EL1 is
 * younger than the rest. */
static bool is_told(const struct mig_snapshot *s)
{
    if (s->groups[MIG_GROUP_IDREG].coverage == MIG_COVER_FULL) {
        return true;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t value;

        if (rows[i].reg != MIG_ARM64_ID_AA64ISAR2_EL1 &&
            mig_snapshot_get(s, mig_reg_arm64(rows[i].reg), &value) != MIG_KNOWN) {
            return false;
        }
    }
    return true;
}

/* A host that was not asked may have anything. */
static bool host_may_have(const struct mig_snapshot *s, unsigned bit)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_VCPU_FEATURES);
    uint64_t bits;

    return mig_snapshot_get(s, reg, &bits) != MIG_KNOWN || (bits >> bit & 1) != 0;
}

bool mig_vcpu_finish(struct mig_builder *b, const struct mig_snapshot *s, struct mig_error *err)
{
    const struct mig_group_state *group = &s->groups[MIG_GROUP_IDREG];
    MIG_AUTO(mig_text_clear) struct mig_text shown = {0};
    MIG_AUTO(mig_text_clear) struct mig_text hidden = {0};
    unsigned last = 0;
    size_t len;

    if (mig_snapshot_space(s, MIG_SPACE_IDREG, &len) == NULL) {
        return group->coverage != MIG_COVER_FULL ||
               mig_fail(err, MIG_FORMAT, "no ID register is in it");
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (rows[i].bit == last) {
            continue;
        }
        last = rows[i].bit;
        if (is_shown(s, last)) {
            mig_text_addf(&shown, "%s%s", shown.len == 0 ? "" : " ", rows[i].feature);
        } else if (host_may_have(s, last)) {
            mig_text_addf(&hidden, "%s %s", hidden.len == 0 ? "" : ",", rows[i].feature);
        }
    }
    if (is_told(s)) {
        mig_builder_add_fact(b, "vcpu.features", shown.len > 0 ? shown.items : "none",
                             "ID registers of the dump");
    }
    if (hidden.len > 0 && group->coverage == MIG_COVER_FULL) {
        MIG_AUTO(mig_text_clear) struct mig_text source = {0};

        mig_text_addf(&source, "%s, vCPU without%s", group->source, hidden.items);
        mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_PARTIAL, 0, source.items);
    }
    return check_order(s, err);
}
