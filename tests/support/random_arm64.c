/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "base/bits.h"
#include "cpu/arm64_reg.h"
#include "cpu/arm64_value.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/onereg.h"
#include "support/check.h"
#include "support/prop.h"
#include "support/snapshots.h"

enum kernel { KERNEL_6_1, KERNEL_6_12, KERNEL_7_2 };

/* What is decided first, because registers follow from it. */
struct host {
    struct prop *prop;
    struct mig_builder *builder;
    enum kernel kernel;
    bool aarch32, el1_32, sve, pauth, pmu;
    enum mig_coverage coverage[MIG_GROUP_COUNT];
};

static uint64_t one_of(struct prop *p, const uint64_t *values, size_t len)
{
    return values[prop_below(p, len)];
}

#define ONE_OF(p, ...)                                                                             \
    one_of(p, (const uint64_t[]){__VA_ARGS__},                                                     \
           sizeof((const uint64_t[]){__VA_ARGS__}) / sizeof(uint64_t))

/* Some of a group that is only covered in part. */
static void set(const struct host *h, struct mig_reg reg, uint64_t value)
{
    enum mig_coverage coverage = h->coverage[mig_group_of(reg)];

    if (coverage == MIG_COVER_FULL ||
        (coverage == MIG_COVER_PARTIAL && !prop_once_in(h->prop, 4))) {
        mig_builder_set(h->builder, reg, value);
    }
}

static void set_host(const struct host *h, enum mig_host_item item, uint64_t value)
{
    set(h, mig_reg_plain(MIG_SPACE_HOST, item), value);
}

/* Of the values with a name one early in the list more often, so that hosts
 * resemble each other; small numbers where there is no name. */
static uint64_t random_level(struct prop *p, const struct mig_field *f)
{
    struct mig_arm64_values names = mig_arm64_value_all(f);
    unsigned width = f->hi - f->lo + 1u;

    if (names.len > 0) {
        size_t len = names.len > 2 && !prop_once_in(p, 4) ? 2 : names.len;

        return names.items[prop_below(p, len)].value;
    }
    return prop_below(p, width == 1 ? 2 : 4);
}

/* True: @ret instead of a level. */
static bool find_number(const struct host *h, const struct mig_field *f, uint64_t *ret)
{
    switch (f->reg.index) {
    case MIG_ARM64_MIDR_EL1:
    case MIG_ARM64_REVIDR_EL1:
    case MIG_ARM64_AIDR_EL1:
        *ret = 0; /* set as a whole */
        return true;
    case MIG_ARM64_PSCI_VERSION:
        *ret = 0x10000 + prop_below(h->prop, 4);
        return true;
    case MIG_ARM64_STD_BMAP:
    case MIG_ARM64_STD_HYP_BMAP:
    case MIG_ARM64_VENDOR_HYP_BMAP:
    case MIG_ARM64_VENDOR_HYP_BMAP_2:
        *ret = f->hi == f->lo && prop_once_in(h->prop, 2);
        return true;
    default:
        return false;
    }
}

static uint64_t random_value(const struct host *h, const struct mig_field *f)
{
    uint64_t value;

    if (f->shape.rule == MIG_RULE_DENY) {
        return 0;
    }
    return find_number(h, f, &value) ? value : random_level(h->prop, f);
}

static uint64_t set_bits(uint64_t word, uint64_t mask, uint64_t value)
{
    return (word & ~mask) | (value << __builtin_ctzll(mask) & mask);
}

#define PUT(word, reg, field, value) set_bits(word, MIG_ARM64_MASK(reg, field), value)

/* The CPU's own, or made up by KVM. */
static uint64_t random_cache(const struct host *h)
{
    if (h->kernel == KERNEL_6_1) {
        return prop_once_in(h->prop, 8) ? 0x1a : 0x701fe01a;
    }
    return prop_once_in(h->prop, 16) ? 4 : 2;
}

/* What KVM makes of a register by the features of its vCPU and host. */
static uint64_t limit(const struct host *h, uint32_t index, uint64_t w)
{
    if (index < MIG_ARM64_SYSTEM) {
        return random_cache(h);
    }
    switch (index) {
    case MIG_ARM64_MIDR_EL1:
        return ONE_OF(h->prop, 0x413fd0c1, 0x411fd401, 0x410fd4f1);
    case MIG_ARM64_REVIDR_EL1:
        return ONE_OF(h->prop, 0, 1, 0xff);
    case MIG_ARM64_ID_AA64PFR0_EL1:
        w = PUT(w, ID_AA64PFR0_EL1, EL0, h->aarch32 ? 2 : 1);
        w = PUT(w, ID_AA64PFR0_EL1, EL1, h->el1_32 ? 2 : 1);
        return PUT(w, ID_AA64PFR0_EL1, SVE, h->sve);
    case MIG_ARM64_ID_AA64ZFR0_EL1:
        return h->sve ? w : 0;
    case MIG_ARM64_ID_AA64ISAR1_EL1:
        w = PUT(w, ID_AA64ISAR1_EL1, APA, h->pauth ? 1 + prop_below(h->prop, 5) : 0);
        w = PUT(w, ID_AA64ISAR1_EL1, GPA, h->pauth);
        return w & ~(MIG_ARM64_MASK(ID_AA64ISAR1_EL1, API) | MIG_ARM64_MASK(ID_AA64ISAR1_EL1, GPI));
    case MIG_ARM64_ID_AA64ISAR2_EL1:
        return w &
               ~(MIG_ARM64_MASK(ID_AA64ISAR2_EL1, APA3) | MIG_ARM64_MASK(ID_AA64ISAR2_EL1, GPA3));
    case MIG_ARM64_ID_AA64DFR0_EL1:
        w = PUT(w, ID_AA64DFR0_EL1, DebugVer, 6 + prop_below(h->prop, 4));
        return PUT(w, ID_AA64DFR0_EL1, PMUVer, h->pmu ? 4 + prop_below(h->prop, 3) : 0);
    case MIG_ARM64_ID_DFR0_EL1:
        w = PUT(w, ID_DFR0_EL1, CopDbg, 6 + prop_below(h->prop, 4));
        return PUT(w, ID_DFR0_EL1, PerfMon, h->pmu ? 4 + prop_below(h->prop, 3) : 0);
    default:
        return w;
    }
}

static bool is_in_mask(const struct host *h, const struct mig_field *f)
{
    enum mig_writable settable = h->kernel == KERNEL_6_12 ? f->settable_6_12 : f->settable_7_2;

    return settable == MIG_SETTABLE_YES || settable == MIG_SETTABLE_MASK_ONLY ||
           (settable == MIG_SETTABLE_CAP && h->kernel == KERNEL_7_2);
}

/* Firmware registers are of no mask, nor is what is nothing but zero. */
static bool has_mask(const struct host *h, const struct mig_fields *rows)
{
    return h->kernel != KERNEL_6_1 && rows->items->reg.index >> 16 == 0x13 &&
           (h->aarch32 || rows->items->scope != MIG_SCOPE_AA32);
}

static void add_register(const struct host *h, const struct mig_fields *rows)
{
    struct mig_reg reg = rows->items->reg;
    uint64_t word = 0, mask = 0;

    for (size_t i = 0; i < rows->len; i++) {
        const struct mig_field *f = &rows->items[i];

        word = mig_field_put(f, word, random_value(h, f));
        mask |= is_in_mask(h, f) ? mig_bits_mask(f->hi, f->lo) : 0;
    }
    word = limit(h, reg.index, word);
    if (!h->aarch32 && rows->items->scope == MIG_SCOPE_AA32) {
        word = 0;
    }
    set(h, reg, word);
    if (has_mask(h, rows) && mask != 0) {
        reg.space = MIG_SPACE_IDREG_MASK;
        set(h, reg, mask);
    }
    reg.space = MIG_SPACE_REG_LIST;
    set(h, reg, 1);
}

/* Not what KVM leaves to the hardware, nor what the kernel does not have. */
static bool is_there(const struct host *h, struct mig_reg reg)
{
    if (mig_arm64_is_cache(reg) && h->kernel == KERNEL_6_1 && reg.index > MIG_ARM64_CCSIDR_L2D) {
        return false;
    }
    return mig_onereg_is_granted(reg) && reg.index != MIG_ARM64_GMID_EL1 &&
           reg.index != MIG_ARM64_SMIDR_EL1 &&
           (reg.index != MIG_ARM64_VENDOR_HYP_BMAP_2 || h->kernel == KERNEL_7_2);
}

static void add_registers(const struct host *h)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len;) {
        struct mig_fields rows = mig_field_of(all.items[i].reg);

        if (all.items[i].reg.space == MIG_SPACE_IDREG && is_there(h, all.items[i].reg)) {
            add_register(h, &rows);
        }
        i += rows.len > 0 ? rows.len : 1;
    }
}

/* State that kernels began or ceased to list. */
static void add_state(const struct host *h)
{
    static const struct {
        uint32_t index;
        uint16_t sub;
    } rows[] = {
        {0x13c080, 3}, /* SCTLR_EL1 */
        {0x13c103, 3}, /* TCR2_EL1 */
        {0x13c512, 3}, /* PIRE0_EL1 */
        {0x138014, 3}, /* OSLSR_EL1 */
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_REG_LIST, rows[i].index);

        reg.sub = rows[i].sub;
        if (!prop_once_in(h->prop, 8)) {
            set(h, reg, 1);
        }
    }
}

static void add_items(const struct host *h)
{
    struct prop *p = h->prop;

    set_host(h, MIG_HOST_CNTFRQ_HZ, prop_once_in(p, 4) ? 1000000000 : 62500000);
    set_host(h, MIG_HOST_DCZID, prop_once_in(p, 8) ? 6 : 4);
    set_host(h, MIG_HOST_SVE_VQS, h->sve ? ONE_OF(p, 0x1, 0x3, 0xb, 0x9, 0xffff) : 0);
    set_host(h, MIG_HOST_IPA_BITS, ONE_OF(p, 40, 44, 48, 52));
    set_host(h, MIG_HOST_GIC_TYPES, ONE_OF(p, 6, 6, 7, 1));
    set_host(h, MIG_HOST_GIC_PRI_BITS, 5 + prop_below(p, 3));
    set_host(h, MIG_HOST_GIC_ID_BITS, ONE_OF(p, 16, 24));
    set_host(h, MIG_HOST_GIC_SEIS, prop_once_in(p, 8));
    set_host(h, MIG_HOST_GIC_A3V, !prop_once_in(p, 8));
    set_host(h, MIG_HOST_VCPU_FEATURES,
             (uint64_t)h->el1_32 << 1 | 1 << 2 | (uint64_t)h->pmu << 3 | (uint64_t)h->sve << 4 |
                 (h->pauth ? 3ULL << 5 : 0));
    set_host(h, MIG_HOST_PMU_COUNTERS, h->pmu ? 4 + prop_below(p, 4) : 0);
}

static void add_caps(const struct host *h)
{
    const struct {
        const char *name;
        uint64_t value;
    } rows[] = {
        {"MAX_VCPUS",           512                 },
        {"ARM_EL1_32BIT",       h->el1_32           },
        {"ARM_PMU_V3",          h->pmu              },
        {"ARM_SVE",             h->sve              },
        {"ARM_PTRAUTH_ADDRESS", h->pauth            },
        {"ARM_PTRAUTH_GENERIC", h->pauth            },
        {"STEAL_TIME",          prop_once_in(h->prop, 2)},
        {"ARM_SUPPORTED_REG_MASK_RANGES",                     h->kernel != KERNEL_6_1          },
        {"ARM_WRITABLE_IMP_ID_REGS",                     h->kernel == KERNEL_7_2     },
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint32_t number;

        if (mig_cap_parse(rows[i].name, &number)) {
            set(h, mig_reg_plain(MIG_SPACE_CAP, number), rows[i].value);
        }
    }
}

/* The groups of x86 are of no host here; masks of no old kernel. */
static void cover(struct host *h)
{
    static const enum mig_group always[] = {MIG_GROUP_KVM_VIEW, MIG_GROUP_IDREG};
    static const enum mig_group mostly[] = {MIG_GROUP_CAP, MIG_GROUP_SOFTWARE, MIG_GROUP_REG_LIST,
                                            MIG_GROUP_ARM64, MIG_GROUP_IDREG_MASK};

    for (size_t i = 0; i < MIG_COUNT(always); i++) {
        h->coverage[always[i]] = MIG_COVER_FULL;
    }
    for (size_t i = 0; i < MIG_COUNT(mostly); i++) {
        h->coverage[mostly[i]] = prop_once_in(h->prop, 16)
                                     ? (enum mig_coverage)prop_below(h->prop, MIG_COVER_FULL)
                                     : MIG_COVER_FULL;
    }
    if (h->kernel == KERNEL_6_1) {
        h->coverage[MIG_GROUP_IDREG_MASK] = MIG_COVER_NONE;
    }
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        if (h->coverage[i] != MIG_COVER_NONE) {
            mig_builder_cover(h->builder, (enum mig_group)i, h->coverage[i], EACCES, "thought up");
        }
    }
}

struct mig_snapshot *snapshot_random_arm64(struct prop *p)
{
    static const char *const releases[] = {"6.1.0", "6.12.0", "7.2.0"};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    struct host h = {.prop = p, .builder = b, .kernel = (enum kernel)prop_below(p, 3)};
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    h.aarch32 = !prop_once_in(p, 4);
    h.el1_32 = h.aarch32 && prop_once_in(p, 4);
    h.sve = prop_once_in(p, 2);
    h.pauth = prop_once_in(p, 2);
    h.pmu = !prop_once_in(p, 8);
    cover(&h);
    add_registers(&h);
    add_state(&h);
    add_items(&h);
    add_caps(&h);
    mig_builder_add_fact(b, "kernel.release", releases[h.kernel], "thought up");
    check_done("random arm64 host", mig_builder_freeze(b, &s, &err), &err);
    (void)snprintf(s->stamp.host, sizeof s->stamp.host, "random-%llx",
                   (unsigned long long)prop_below(p, 1u << 16));
    return s;
}
