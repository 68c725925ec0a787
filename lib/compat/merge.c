/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * 1. Every CPUID and feature MSR word of any party gets a slot, sorted; the
 *    Hyper-V leaves too when they are asked for.  Snapshots are sorted
 *    alike, so all of them are walked in step.
 * 2. Field tier: a word is merged as a whole where its bits go one by one,
 *    and field by field where numbers differ.  Bits that no rule merges come
 *    from the donor, the party with the smallest identity: an order over
 *    values, so that the order of parties is moot.  Bits without a row, and
 *    fields the choice does not offer, become 0.
 * 3. Constraints run in table order; what they remove is "taken".
 * 4. Closure removes what depended on taken bits, then derived words (XSAVE
 *    area size, highest leaves) are computed from what is left.
 */
#include "compat/merge.h"

#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/owner.h"
#include "compat/report.h"
#include "cpu/arm64_reg.h"

/* The spaces of a profile, in the order of their keys. */
static const enum mig_space spaces[] = {MIG_SPACE_CPUID, MIG_SPACE_CPUID_HV, MIG_SPACE_MSR,
                                        MIG_SPACE_IDREG};

/* What is left of one space of one party. */
struct mig_span {
    const struct mig_entry *next, *end;
};

static bool takes_part(const struct mig_merge *m, enum mig_space space)
{
    return space != MIG_SPACE_CPUID_HV || (m->allowed & mig_opt_in_mask("hyperv")) != 0;
}

static struct mig_span span_of(const struct mig_party *p, enum mig_space space)
{
    size_t len;
    const struct mig_entry *first = mig_snapshot_space(p->snapshot, space, &len);

    return (struct mig_span){first, len > 0 ? first + len : first};
}

static void start_space(struct mig_merge *m, enum mig_space space)
{
    for (size_t i = 0; i < m->len; i++) {
        m->spans[i] = span_of(&m->parties[i], space);
    }
}

/* The smallest key that some party has next; UINT64_MAX at the end. */
static uint64_t next_key(const struct mig_merge *m)
{
    uint64_t smallest = UINT64_MAX;

    for (size_t i = 0; i < m->len; i++) {
        const struct mig_span *s = &m->spans[i];

        smallest = s->next < s->end && s->next->key < smallest ? s->next->key : smallest;
    }
    return smallest;
}

static void step_over(struct mig_merge *m, uint64_t key)
{
    for (size_t i = 0; i < m->len; i++) {
        struct mig_span *s = &m->spans[i];

        if (s->next < s->end && s->next->key == key) {
            s->next++;
        }
    }
}

static void collect_space(struct mig_merge *m, enum mig_space space)
{
    uint64_t key;

    start_space(m, space);
    while ((key = next_key(m)) != UINT64_MAX) {
        if (m->words_len == m->words_cap) {
            m->words_cap = m->words_cap == 0 ? 256 : m->words_cap * 2;
            m->words = mig_resize(m->words, m->words_cap, sizeof *m->words);
        }
        m->words[m->words_len++] = (struct mig_word){.key = key, .covered = true};
        step_over(m, key);
    }
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

bool mig_party_knows_terms(const struct mig_party *p, struct mig_arm64_terms terms)
{
    for (size_t i = 0; i < terms.len; i++) {
        if (terms.items[i].op != MIG_ARM64_OR &&
            !mig_seen_is_value(mig_party_seen(p, terms.items[i].reg))) {
            return false;
        }
    }
    return true;
}

bool mig_party_failed_at(const struct mig_party *p, struct mig_reg reg)
{
    return p->snapshot->groups[mig_group_of(reg)].coverage != MIG_COVER_UNREADABLE &&
           mig_party_seen(p, reg).known == MIG_UNREADABLE;
}

static uint32_t allowed_by(const struct mig_choice *c)
{
    uint32_t mask = 0;

    for (size_t i = 0; i < c->allow_len; i++) {
        mask |= mig_opt_in_mask(c->allow[i]);
    }
    return mask;
}

uint64_t mig_merge_offered(const struct mig_merge *m, const struct mig_sheet *s)
{
    uint64_t mask = s->on;

    if ((s->opt_ins & m->allowed) == 0) {
        return mask;
    }
    if ((s->opt_ins & ~m->allowed) == 0) {
        return mask | s->opt_in;
    }
    for (size_t i = 0; i < s->len; i++) {
        if ((mig_field_opt_in(&s->rows[i]) & m->allowed) != 0) {
            mask |= mig_bits_mask(s->rows[i].hi, s->rows[i].lo);
        }
    }
    return mask;
}

bool mig_merge_is_geometry(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID && reg.index == 0xd && reg.sub >= 2;
}

/* Below 0: what @a shows of itself in @space, or of its caches alone, comes before
 * what @b shows. */
static int compare_donors(const struct mig_party *a, const struct mig_party *b,
                          enum mig_space space, bool caches)
{
    struct mig_span x = span_of(a, space), y = span_of(b, space);

    while (x.next < x.end || y.next < y.end) {
        uint64_t x_key = x.next < x.end ? x.next->key : UINT64_MAX;
        uint64_t y_key = y.next < y.end ? y.next->key : UINT64_MAX;
        uint64_t mine = x_key <= y_key ? (x.next++)->value : 0;
        uint64_t other = y_key <= x_key ? (y.next++)->value : 0;
        uint64_t key = x_key < y_key ? x_key : y_key;
        uint64_t mask = mine != other ? mig_sheet_of(key)->donor : 0;

        if (mig_arm64_is_cache(mig_reg_from_key(key)) == caches && ((mine ^ other) & mask) != 0) {
            return (mine & mask) < (other & mask) ? -1 : 1;
        }
    }
    return 0;
}

static bool is_better_donor(const struct mig_merge *m, size_t candidate, size_t best)
{
    int order = 0;

    for (size_t i = 0; order == 0 && i < MIG_COUNT(spaces); i++) {
        if (takes_part(m, spaces[i])) {
            order = compare_donors(&m->parties[candidate], &m->parties[best], spaces[i], false);
        }
    }
    if (order == 0) { /* one CPU, of which kernels may tell other caches */
        order = compare_donors(&m->parties[candidate], &m->parties[best], MIG_SPACE_IDREG, true);
    }
    return order < 0;
}

void mig_merge_init(struct mig_merge *m, const struct mig_party *parties, size_t len,
                    const struct mig_choice *choice, bool directional,
                    struct mig_findings *findings)
{
    *m = (struct mig_merge){
        .parties = parties,
        .len = len,
        .choice = choice,
        .allowed = allowed_by(choice),
        .directional = directional,
        .findings = findings,
    };
    m->spans = mig_alloc(len, sizeof *m->spans);
    m->values = mig_alloc(len, sizeof *m->values);
    for (size_t i = 0; i < MIG_COUNT(spaces); i++) {
        if (takes_part(m, spaces[i])) {
            collect_space(m, spaces[i]);
        }
    }
    m->taken = mig_alloc(m->words_len, sizeof *m->taken);
    mig_slots_build(&m->slots, m->words, m->words_len, sizeof *m->words);
    for (size_t i = 1; i < len; i++) {
        m->donor = is_better_donor(m, i, m->donor) ? i : m->donor;
    }
}

static size_t index_of(const struct mig_merge *m, struct mig_reg reg)
{
    return mig_slots_find(&m->slots, m->words, sizeof *m->words, mig_reg_key(reg));
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

/* What all parties have in common in one number; false: nothing. */
static bool fold(const struct mig_merge *m, const struct mig_field *f, uint64_t *ret)
{
    struct mig_value all = {.num = mig_field_get(f, m->values[0])};

    for (size_t i = 1; i < m->len; i++) {
        struct mig_value next = {.num = mig_field_get(f, m->values[i])};

        if (!mig_rule_merge(&f->shape, all, next, &all)) {
            return false;
        }
    }
    *ret = all.num;
    return true;
}

/* Merge the numbers among the @differing bits into @merged. */
static uint64_t merge_numbers(struct mig_merge *m, const struct mig_sheet *s, uint64_t differing,
                              uint64_t merged, uint64_t *ret_conflicts)
{
    differing &= s->number;
    while (differing != 0) {
        const struct mig_field *f = mig_sheet_row(s, (unsigned)__builtin_ctzll(differing));
        uint64_t mask = mig_bits_mask(f->hi, f->lo), value = 0;

        if (!fold(m, f, &value)) {
            m->blocked = m->blocked || f->reg.space != MIG_SPACE_IDREG; /* a constraint decides */
            *ret_conflicts |= mask;
        } else if (f->shape.rule == MIG_RULE_EXACT) {
            mig_owner_take(m, f);
        }
        merged = mig_field_put(f, merged, value);
        differing &= ~mask;
    }
    return merged;
}

/* Parts of MIDR_EL1 tell little apart: a constraint tells it as a whole. */
static bool is_identity(const struct mig_field *f)
{
    return f->reg.space == MIG_SPACE_IDREG && f->shape.rule == MIG_RULE_IDENTITY;
}

static void report(struct mig_merge *m, const struct mig_sheet *s, struct mig_reg reg,
                   uint64_t differing, uint64_t conflicts)
{
    bool is_told = !mig_merge_is_geometry(reg);

    if (mig_aarch32_is_moot(m, reg)) {
        return;
    }
    differing &= s->classified;
    while (differing != 0) {
        const struct mig_field *f = mig_sheet_row(s, (unsigned)__builtin_ctzll(differing));
        uint64_t mask = mig_bits_mask(f->hi, f->lo);

        if ((conflicts & mask) != 0) {
            mig_report_conflict(m, f, reg, m->values);
        } else if (is_told && f->offer != MIG_OFFER_NEVER && !is_identity(f)) {
            mig_report_difference(m, f, reg, m->values);
            mig_owner_tell(m, f);
        }
        differing &= ~mask;
    }
    mig_report_unclassified(m, reg, m->values);
}

/* Without this register no answer would be honest, unless the policy takes
 * its whole group as unknown. */
static void doubt(struct mig_merge *m, struct mig_reg reg)
{
    m->unverified = m->unverified || !m->choice->tolerate[mig_group_of(reg)];
}

/* Set m->values to what the parties show in word @w; false: not all know. */
static bool gather(struct mig_merge *m, size_t w, const struct mig_sheet *s)
{
    struct mig_reg reg = mig_reg_from_key(m->words[w].key);
    bool covered = true;

    for (size_t i = 0; i < m->len; i++) {
        struct mig_span *span = &m->spans[i];
        struct mig_seen seen;

        if (span->next < span->end && span->next->key == m->words[w].key) {
            const struct mig_entry *e = span->next++;

            seen = (struct mig_seen){e->errnum == 0 ? MIG_KNOWN : MIG_UNREADABLE, e->value};
        } else {
            seen = mig_party_seen(&m->parties[i], reg);
        }
        m->values[i] = seen.value;
        covered = covered && mig_seen_is_value(seen);
        if (seen.known == MIG_UNREADABLE && mig_party_failed_at(&m->parties[i], reg)) {
            mig_report_unreadable(m, reg, i);
            if (s->len == 0 || mig_merge_offered(m, s) != 0) {
                doubt(m, reg);
            }
        }
        if ((s->number & s->apart) != 0) {
            m->values[i] = mig_addrwidth_stated(reg, m->values[i]);
        }
    }
    return covered;
}

/* A VMM takes nothing out of an ID register but what KVM lets it: what all
 * hosts show there, known or not, every guest sees. */
static bool is_unmaskable(uint64_t key)
{
    return mig_reg_from_key(key).space == MIG_SPACE_IDREG;
}

static void merge_word(struct mig_merge *m, size_t w)
{
    const struct mig_sheet *s = mig_sheet_of(m->words[w].key);
    uint64_t all = ~UINT64_C(0), any = 0, merged, offered, conflicts = 0;

    m->words[w].covered = gather(m, w, s);
    if (!m->words[w].covered) {
        return;
    }
    for (size_t i = 0; i < m->len; i++) {
        all &= m->values[i];
        any |= m->values[i];
    }
    merged = (all & s->all) | (any & s->any) | (m->values[m->donor] & s->donor) |
             (m->values[0] & s->number);
    if (((all ^ any) & s->number) != 0) {
        merged = merge_numbers(m, s, all ^ any, merged, &conflicts);
    }
    offered = mig_merge_offered(m, s);
    if (is_unmaskable(m->words[w].key)) {
        offered = ~UINT64_C(0);
        merged |= all & (s->zero | ~s->classified);
    }
    m->words[w].value = merged & offered;
    m->taken[w] |= merged & ~offered;
    if (m->findings != NULL && ((all ^ any) != 0 || (any & ~s->classified) != 0)) {
        report(m, s, mig_reg_from_key(m->words[w].key), all ^ any, conflicts);
    }
}

static void merge_words(struct mig_merge *m)
{
    size_t w = 0;

    for (size_t i = 0; i < MIG_COUNT(spaces); i++) {
        start_space(m, spaces[i]);
        while (w < m->words_len && m->words[w].key >> 56 == (uint64_t)spaces[i]) {
            merge_word(m, w++);
        }
    }
}

/* Is a host property that could not be read one that decides? */
static bool is_decisive(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CAP || mig_group_of(reg) == MIG_GROUP_TSC;
}

static void report_host(struct mig_merge *m, const struct mig_field *f)
{
    bool covered = true, differ = false;

    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen seen = mig_party_seen(&m->parties[i], f->reg);

        covered = covered && mig_seen_is_value(seen);
        if (is_decisive(f->reg) && mig_party_failed_at(&m->parties[i], f->reg)) {
            mig_report_unreadable(m, f->reg, i);
            doubt(m, f->reg);
        }
        m->values[i] = seen.value;
        differ = differ || mig_field_get(f, seen.value) != mig_field_get(f, m->values[0]);
    }
    if (covered && differ) {
        mig_report_difference(m, f, f->reg, m->values);
    }
}

/* Capabilities and host properties differ without being words of a profile;
 * they are reported alike. */
static void report_hosts(struct mig_merge *m)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        enum mig_space space = all.items[i].reg.space;

        if (space == MIG_SPACE_CAP || space == MIG_SPACE_HOST) {
            report_host(m, &all.items[i]);
        }
    }
}

void mig_merge_run(struct mig_merge *m)
{
    merge_words(m);
    if (m->findings != NULL) {
        report_hosts(m);
        mig_report_lists(m);
    }
    for (const struct mig_constraint *c = mig_constraint_all(); c->name != NULL; c++) {
        if (c->merge != NULL && mig_constraint_is_for(c, m->parties[0].snapshot->arch)) {
            c->merge(m);
        }
    }
}

void mig_merge_clear(struct mig_merge *m)
{
    mig_slots_clear(&m->slots);
    mig_free(m->words);
    mig_free(m->taken);
    mig_free(m->values);
    mig_free(m->spans);
    *m = (struct mig_merge){0};
}
