/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/lack.h"

#include "base/bits.h"
#include "compat/merge.h"
#include "cpu/arm64_reg.h"

#define STEPPING 0xfu

bool mig_lack_has_root(const struct mig_lack *l, struct mig_bit bit)
{
    uint64_t key = mig_reg_key(bit.reg);

    for (size_t i = 0; i < l->roots_len; i++) {
        if (l->roots[i].key == key && (l->roots[i].mask & bit.mask) != 0) {
            return true;
        }
    }
    return false;
}

static void add_root(struct mig_lack *l, struct mig_reg reg, uint64_t mask)
{
    l->roots[l->roots_len].key = mig_reg_key(reg);
    l->roots[l->roots_len++].mask = mask;
    l->indices |= UINT64_C(1) << reg.index % 64;
}

static bool is_missing(const struct mig_lack *l, struct mig_bit bit)
{
    struct mig_seen there = mig_party_seen(l->misses, bit.reg);

    return mig_seen_is_value(there) && (there.value & bit.mask) == 0 &&
           mig_party_has(l->shows, bit);
}

/* Breadth first over the edges; each root once, so circles end. */
static void add_bases(struct mig_lack *l)
{
    for (size_t i = 0; i < l->roots_len; i++) {
        struct mig_deps deps = mig_deps_of(l->roots[i].key);

        for (size_t d = 0; d < deps.len && l->roots_len < MIG_LACK_ROOTS_MAX; d++) {
            struct mig_bit base = deps.items[d].base;

            if ((deps.items[d].feature.mask & l->roots[i].mask) != 0 && !mig_lack_is_of(l, base) &&
                is_missing(l, base)) {
                add_root(l, base.reg, base.mask);
            }
        }
    }
}

static uint64_t value_of(const struct mig_party *p, const struct mig_field *f)
{
    return mig_field_get(f, mig_party_get(p, f->reg));
}

void mig_lack_init(struct mig_lack *l, const struct mig_field *field, const struct mig_party *has,
                   const struct mig_party *lacks)
{
    *l = (struct mig_lack){.field = field, .shows = has, .misses = lacks};
    if (field == NULL) {
        return;
    }
    if (field->hi == field->lo && value_of(has, field) < value_of(lacks, field)) {
        l->shows = lacks;
        l->misses = has;
    }
    add_root(l, field->reg, mig_bits_mask(field->hi, field->lo));
    add_bases(l);
}

const char *mig_lack_fact(const struct mig_lack *l, const char *name)
{
    return mig_snapshot_fact(l->misses->snapshot, name);
}

static bool is_one_signature(const struct mig_party *a, const struct mig_party *b, bool exact)
{
    struct mig_seen x = mig_party_seen(a, mig_reg_cpuid(1, 0, MIG_EAX));
    struct mig_seen y = mig_party_seen(b, mig_reg_cpuid(1, 0, MIG_EAX));
    uint64_t differ = (x.value ^ y.value) & (exact ? UINT32_MAX : UINT32_MAX & ~STEPPING);

    return x.known == MIG_KNOWN && y.known == MIG_KNOWN && differ == 0;
}

/* Implementer and part; with @exact variant and revision too. */
static bool is_one_midr(const struct mig_party *a, const struct mig_party *b, bool exact)
{
    uint64_t mask = exact
                        ? UINT32_MAX
                        : MIG_ARM64_MASK(MIDR_EL1, Implementer) | MIG_ARM64_MASK(MIDR_EL1, PartNum);
    struct mig_seen x = mig_party_seen(a, mig_reg_arm64(MIG_ARM64_MIDR_EL1));
    struct mig_seen y = mig_party_seen(b, mig_reg_arm64(MIG_ARM64_MIDR_EL1));

    return x.known == MIG_KNOWN && y.known == MIG_KNOWN && ((x.value ^ y.value) & mask) == 0;
}

bool mig_lack_is_one_model(const struct mig_party *a, const struct mig_party *b, bool exact)
{
    return (a->snapshot->arch == MIG_ARCH_ARM64 ? is_one_midr : is_one_signature)(a, b, exact);
}
