/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/normalise.h"

#include "base/bits.h"
#include "cpu/field.h"
#include "snapshot/snapshot.h"

/* Three more spaces hold plain CPUID leaves, whose rows stand under CPUID. */
static struct mig_fields rows_of(struct mig_reg reg)
{
    if (reg.space == MIG_SPACE_CPUID_BARE || reg.space == MIG_SPACE_CPUID_EMULATED) {
        reg.space = MIG_SPACE_CPUID;
    }
    return mig_field_of(reg);
}

static bool differs_within_one_host(enum mig_rule rule)
{
    return rule == MIG_RULE_PER_VCPU || rule == MIG_RULE_RUNTIME;
}

uint64_t mig_normalise(struct mig_reg reg, uint64_t value)
{
    struct mig_fields rows = rows_of(reg);

    for (size_t i = 0; i < rows.len; i++) {
        const struct mig_field *f = &rows.items[i];

        if (differs_within_one_host(f->shape.rule)) {
            value &= ~mig_bits_mask(f->hi, f->lo);
        }
    }
    return value;
}

uint64_t mig_normalise_mask(struct mig_reg reg)
{
    struct mig_fields rows = rows_of(reg);
    uint64_t mask = mig_bits_mask(mig_reg_width(reg) - 1, 0);

    for (size_t i = 0; i < rows.len; i++) {
        const struct mig_field *f = &rows.items[i];

        if (!mig_rule_is_compared(f->shape.rule) || f->class_ == MIG_CLASS_CONSTANT) {
            mask &= ~mig_bits_mask(f->hi, f->lo);
        }
    }
    return mask;
}

static bool has_leaves(enum mig_space space)
{
    return space == MIG_SPACE_CPUID || space == MIG_SPACE_CPUID_BARE ||
           space == MIG_SPACE_CPUID_EMULATED || space == MIG_SPACE_CPUID_HV;
}

static bool same_leaf(struct mig_reg a, struct mig_reg b)
{
    return a.space == b.space && a.index == b.index && a.sub == b.sub;
}

/* End of the run of entries that belong to the leaf of entry @first. */
static size_t leaf_end(const struct mig_snapshot *s, size_t first, bool *ret_zero)
{
    struct mig_reg reg = mig_reg_from_key(s->entries[first].key);
    size_t end = first;

    *ret_zero = true;
    while (end < s->entries_len && same_leaf(mig_reg_from_key(s->entries[end].key), reg)) {
        *ret_zero = *ret_zero && s->entries[end].value == 0 && s->entries[end].errnum == 0;
        end++;
    }
    return end;
}

static bool drop_zero_leaves(struct mig_snapshot *s)
{
    size_t kept = 0, end;

    for (size_t i = 0; i < s->entries_len; i = end) {
        struct mig_reg reg = mig_reg_from_key(s->entries[i].key);
        bool zero;

        end = leaf_end(s, i, &zero);
        if (zero && has_leaves(reg.space) &&
            s->groups[mig_group_of(reg)].coverage == MIG_COVER_FULL) {
            continue;
        }
        for (size_t j = i; j < end; j++) {
            s->entries[kept++] = s->entries[j];
        }
    }
    if (kept == s->entries_len) {
        return false;
    }
    s->entries_len = kept;
    mig_snapshot_make_index(s);
    return true;
}

bool mig_normalise_snapshot(struct mig_snapshot *s)
{
    bool changed = false;

    for (size_t i = 0; i < s->entries_len; i++) {
        struct mig_entry *e = &s->entries[i];
        uint64_t value = mig_normalise(mig_reg_from_key(e->key), e->value);

        changed = changed || value != e->value;
        e->value = value;
    }
    return drop_zero_leaves(s) || changed;
}
