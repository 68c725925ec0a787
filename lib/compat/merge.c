/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * 1. Every CPUID and feature MSR word of any party gets a slot, sorted.
 * 2. Field tier: each field is folded over all parties by its rule.  Fields
 *    that no rule merges come from the donor, the party with the smallest
 *    identity: an order over values, so that the order of parties is moot.
 *    Bits without a row, and fields the choice does not offer, become 0.
 * 3. Constraints run in table order; what they remove is "taken".
 * 4. Closure removes what depended on taken bits, then derived words (XSAVE
 *    area size, highest leaves) are computed from what is left.
 */
#include "compat/merge.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/report.h"
#include "cpu/place.h"

static int compare_keys(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

    return x < y ? -1 : x > y;
}

struct keys {
    uint64_t *items;
    size_t len, cap;
};

static void add_space(struct keys *keys, const struct mig_snapshot *s, enum mig_space space)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(s, space, &len);

    for (size_t i = 0; i < len; i++) {
        *MIG_PUSH(keys) = entries[i].key;
    }
}

static void collect_words(struct mig_merge *m)
{
    struct keys keys = {0};

    for (size_t i = 0; i < m->len; i++) {
        add_space(&keys, m->parties[i].snapshot, MIG_SPACE_CPUID);
        add_space(&keys, m->parties[i].snapshot, MIG_SPACE_MSR);
    }
    if (keys.len > 0) {
        qsort(keys.items, keys.len, sizeof *keys.items, compare_keys);
    }
    m->words = mig_alloc(keys.len, sizeof *m->words);
    m->taken = mig_alloc(keys.len, sizeof *m->taken);
    m->values = mig_alloc(m->len, sizeof *m->values);
    for (size_t i = 0; i < keys.len; i++) {
        if (m->words_len == 0 || m->words[m->words_len - 1].key != keys.items[i]) {
            m->words[m->words_len++] = (struct mig_word){.key = keys.items[i], .covered = true};
        }
    }
    mig_free(keys.items);
}

struct mig_seen mig_party_seen(const struct mig_party *p, struct mig_reg reg)
{
    struct mig_seen seen;

    seen.known = mig_snapshot_get(p->snapshot, reg, &seen.value);
    return seen;
}

uint64_t mig_party_get(const struct mig_party *p, struct mig_reg reg)
{
    return mig_party_seen(p, reg).value;
}

bool mig_party_has(const struct mig_party *p, struct mig_bit bit)
{
    return (mig_party_get(p, bit.reg) & bit.mask) != 0;
}

bool mig_party_failed_at(const struct mig_party *p, struct mig_reg reg)
{
    return p->snapshot->groups[mig_group_of(reg)].coverage != MIG_COVER_UNREADABLE &&
           mig_party_seen(p, reg).known == MIG_UNREADABLE;
}

bool mig_choice_offers(const struct mig_choice *c, const struct mig_field *f)
{
    if (f->offer != MIG_OFFER_OPT_IN) {
        return f->offer == MIG_OFFER_ON;
    }
    for (size_t i = 0; i < c->allow_len; i++) {
        if (strcmp(c->allow[i], f->opt_in) == 0) {
            return true;
        }
    }
    return false;
}

bool mig_choice_shows(const struct mig_choice *c, struct mig_reg reg)
{
    struct mig_fields fields = mig_field_of(reg);

    for (size_t i = 0; i < fields.len; i++) {
        if (mig_choice_offers(c, &fields.items[i])) {
            return true;
        }
    }
    return false;
}

bool mig_merge_is_geometry(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID && reg.index == 0xd && reg.sub >= 2;
}

static uint64_t frozen_bits(struct mig_reg reg)
{
    struct mig_fields fields = mig_field_of(reg);
    uint64_t mask = 0;

    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];

        if (f->shape.rule == MIG_RULE_FROZEN || f->class_ == MIG_CLASS_CONSTANT) {
            mask |= mig_bits_mask(f->hi, f->lo);
        }
    }
    return mask;
}

/* The donor's identity: the smallest sequence of frozen words. */
static bool is_better_donor(const struct mig_merge *m, size_t candidate, size_t best)
{
    for (size_t w = 0; w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);
        uint64_t a = mig_party_get(&m->parties[candidate], reg);
        uint64_t b = mig_party_get(&m->parties[best], reg);
        uint64_t mask = a != b ? frozen_bits(reg) : 0;

        if ((a & mask) != (b & mask)) {
            return (a & mask) < (b & mask);
        }
    }
    return false;
}

void mig_merge_init(struct mig_merge *m, const struct mig_party *parties, size_t len,
                    const struct mig_choice *choice, bool directional,
                    struct mig_findings *findings)
{
    *m = (struct mig_merge){
        .parties = parties,
        .len = len,
        .choice = choice,
        .directional = directional,
        .findings = findings,
    };
    collect_words(m);
    for (size_t i = 1; i < len; i++) {
        m->donor = is_better_donor(m, i, m->donor) ? i : m->donor;
    }
}

static size_t index_of(const struct mig_merge *m, struct mig_reg reg)
{
    uint64_t key = mig_reg_key(reg);
    size_t low = 0, high = m->words_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (m->words[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low < m->words_len && m->words[low].key == key ? low : m->words_len;
}

struct mig_word *mig_merge_word(const struct mig_merge *m, struct mig_reg reg)
{
    size_t i = index_of(m, reg);

    return i < m->words_len ? &m->words[i] : NULL;
}

uint64_t mig_merge_get(const struct mig_merge *m, struct mig_reg reg)
{
    const struct mig_word *word = mig_merge_word(m, reg);

    return word != NULL && word->covered ? word->value : 0;
}

void mig_merge_take(struct mig_merge *m, struct mig_reg reg, uint64_t mask)
{
    size_t i = index_of(m, reg);

    if (i < m->words_len) {
        m->taken[i] |= m->words[i].value & mask;
        m->words[i].value &= ~mask;
    }
}

/* EXACT fields that describe a feature: when hosts disagree about the
 * description, the feature goes (OWNER rows of owner.def). */
static void take_owner(struct mig_merge *m, const struct mig_field *f)
{
    static const struct {
        struct mig_bit field, owner;
    } rows[] = {
#define OWNER(field, owner) {MIG_PLACE_BIT(field), MIG_PLACE_BIT(owner)},
#include "compat/owner.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (mig_reg_key(rows[i].field.reg) == mig_reg_key(f->reg) &&
            rows[i].field.mask == mig_bits_mask(f->hi, f->lo)) {
            mig_merge_take(m, rows[i].owner.reg, rows[i].owner.mask);
        }
    }
}

/* What all parties have in common in one field; false: nothing. */
static bool fold(const struct mig_merge *m, const struct mig_field *f, const uint64_t *words,
                 uint64_t *ret)
{
    struct mig_value all = {.num = mig_field_get(f, words[0])};

    if (f->shape.rule == MIG_RULE_FROZEN || f->class_ == MIG_CLASS_CONSTANT) {
        *ret = mig_field_get(f, words[m->donor]);
        return true;
    }
    for (size_t i = 1; i < m->len; i++) {
        struct mig_value next = {.num = mig_field_get(f, words[i])};

        if (!mig_rule_merge(&f->shape, all, next, &all)) {
            return false;
        }
    }
    *ret = all.num;
    return true;
}

static bool all_equal(const struct mig_merge *m, const struct mig_field *f, const uint64_t *words)
{
    for (size_t i = 1; i < m->len; i++) {
        if (mig_field_get(f, words[i]) != mig_field_get(f, words[0])) {
            return false;
        }
    }
    return true;
}

static void merge_field(struct mig_merge *m, size_t w, const struct mig_field *f,
                        const uint64_t *words)
{
    struct mig_reg reg = mig_reg_from_key(m->words[w].key);
    bool equal = all_equal(m, f, words);
    uint64_t value = 0;

    if (!fold(m, f, words, &value)) {
        m->blocked = true;
        mig_report_conflict(m, f, reg, words);
        return;
    }
    if (!equal && f->offer != MIG_OFFER_NEVER && !mig_merge_is_geometry(reg)) {
        mig_report_difference(m, f, reg, words);
    }
    if (!equal && f->shape.rule == MIG_RULE_EXACT && f->class_ != MIG_CLASS_CONSTANT) {
        take_owner(m, f);
    }
    if (mig_choice_offers(m->choice, f)) {
        m->words[w].value = mig_field_put(f, m->words[w].value, value);
    } else {
        m->taken[w] |= mig_field_put(f, 0, value);
    }
}

/* Without this register no answer would be honest, unless the policy takes
 * its whole group as unknown. */
static void doubt(struct mig_merge *m, struct mig_reg reg)
{
    m->unverified = m->unverified || !m->choice->tolerate[mig_group_of(reg)];
}

static void merge_word(struct mig_merge *m, size_t w)
{
    struct mig_reg reg = mig_reg_from_key(m->words[w].key);
    struct mig_fields fields = mig_field_of(reg);
    uint64_t *words = m->values;

    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen seen = mig_party_seen(&m->parties[i], reg);

        m->words[w].covered = m->words[w].covered && mig_seen_is_value(seen);
        if (seen.known == MIG_UNREADABLE && mig_party_failed_at(&m->parties[i], reg)) {
            mig_report_unreadable(m, reg, i);
            if (fields.len == 0 || mig_choice_shows(m->choice, reg)) {
                doubt(m, reg);
            }
        }
        words[i] = mig_addrwidth_stated(reg, seen.value);
    }
    if (!m->words[w].covered) {
        return;
    }
    for (size_t i = 0; i < fields.len; i++) {
        merge_field(m, w, &fields.items[i], words);
    }
    mig_report_unclassified(m, reg, words);
}

/* Is a host property that could not be read one that decides? */
static bool is_decisive(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CAP || mig_group_of(reg) == MIG_GROUP_TSC;
}

static void merge_number(struct mig_merge *m, const struct mig_field *f)
{
    uint64_t *words = m->values;
    bool covered = true;

    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen seen = mig_party_seen(&m->parties[i], f->reg);

        covered = covered && mig_seen_is_value(seen);
        if (is_decisive(f->reg) && mig_party_failed_at(&m->parties[i], f->reg)) {
            mig_report_unreadable(m, f->reg, i);
            doubt(m, f->reg);
        }
        words[i] = seen.value;
    }
    if (covered && !all_equal(m, f, words)) {
        mig_report_difference(m, f, f->reg, words);
    }
}

/* Capabilities and host properties differ without being words of a profile;
 * they are reported alike. */
static void merge_numbers(struct mig_merge *m)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        enum mig_space space = all.items[i].reg.space;

        if (space == MIG_SPACE_CAP || space == MIG_SPACE_HOST) {
            merge_number(m, &all.items[i]);
        }
    }
}

void mig_merge_run(struct mig_merge *m)
{
    for (size_t w = 0; w < m->words_len; w++) {
        merge_word(m, w);
    }
    if (m->findings != NULL) {
        merge_numbers(m);
        mig_report_lists(m);
    }
    for (const struct mig_constraint *c = mig_constraint_all(); c->name != NULL; c++) {
        if (c->merge != NULL) {
            c->merge(m);
        }
    }
}

void mig_merge_clear(struct mig_merge *m)
{
    mig_free(m->words);
    mig_free(m->taken);
    mig_free(m->values);
    *m = (struct mig_merge){0};
}
