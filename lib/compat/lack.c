/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/lack.h"

#include "base/bits.h"
#include "compat/merge.h"

#define STEPPING 0xfu

static struct mig_bit bit_of(const struct mig_field *f)
{
    return (struct mig_bit){f->reg, mig_bits_mask(f->hi, f->lo)};
}

static bool touches(struct mig_bit a, struct mig_bit b)
{
    return mig_reg_key(a.reg) == mig_reg_key(b.reg) && (a.mask & b.mask) != 0;
}

bool mig_lack_is_of(const struct mig_lack *l, struct mig_bit bit)
{
    for (size_t i = 0; i < l->roots_len; i++) {
        if (touches(l->roots[i], bit)) {
            return true;
        }
    }
    return false;
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
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < l->roots_len; i++) {
        for (size_t d = 0; d < deps.len && l->roots_len < MIG_LACK_ROOTS_MAX; d++) {
            struct mig_bit base = deps.items[d].base;

            if (touches(deps.items[d].feature, l->roots[i]) && !mig_lack_is_of(l, base) &&
                is_missing(l, base)) {
                l->roots[l->roots_len++] = base;
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
    l->roots[l->roots_len++] = bit_of(field);
    add_bases(l);
}

const char *mig_lack_fact(const struct mig_lack *l, const char *name)
{
    return mig_snapshot_fact(l->misses->snapshot, name);
}

bool mig_lack_is_one_model(const struct mig_party *a, const struct mig_party *b, bool exact)
{
    struct mig_seen x = mig_party_seen(a, mig_reg_cpuid(1, 0, MIG_EAX));
    struct mig_seen y = mig_party_seen(b, mig_reg_cpuid(1, 0, MIG_EAX));
    uint64_t differ = (x.value ^ y.value) & (exact ? UINT32_MAX : UINT32_MAX & ~STEPPING);

    return x.known == MIG_KNOWN && y.known == MIG_KNOWN && differ == 0;
}
