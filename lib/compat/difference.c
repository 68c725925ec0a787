/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/difference.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/judge.h"
#include "compat/merge.h"

struct pair {
    const struct mig_snapshot *a, *b;
    struct mig_findings *findings;
};

static struct mig_seen seen_in(const struct mig_snapshot *s, struct mig_reg reg)
{
    struct mig_seen seen;

    seen.known = mig_snapshot_get(s, reg, &seen.value);
    return seen;
}

static struct mig_seen part_of(struct mig_seen word, unsigned hi, unsigned lo)
{
    return (struct mig_seen){word.known, mig_bits_get(word.value, hi, lo)};
}

static void add(struct pair *p, struct mig_reg reg, const struct mig_field *f, unsigned hi,
                unsigned lo, struct mig_seen a, struct mig_seen b)
{
    struct mig_finding *added = mig_findings_add_field(p->findings, reg, f, hi, lo, MIG_NOTE);

    added->source = part_of(a, hi, lo);
    added->destination = part_of(b, hi, lo);
}

static void compare_word(struct pair *p, struct mig_reg reg)
{
    struct mig_seen a = seen_in(p->a, reg), b = seen_in(p->b, reg);
    struct mig_fields fields = mig_field_of(reg);
    uint64_t changed = a.value ^ b.value, rest;

    if (mig_seen_is_value(a) != mig_seen_is_value(b)) {
        char id[MIG_REG_TEXT_MAX];
        struct mig_finding *added;

        mig_reg_print(reg, id);
        added = mig_findings_add(p->findings, id, MIG_NOTE);
        added->source = a;
        added->destination = b;
        return;
    }
    rest = changed & ~mig_field_classified(reg);
    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];

        if ((changed & mig_bits_mask(f->hi, f->lo)) != 0) {
            add(p, reg, f, f->hi, f->lo, a, b);
        }
    }
    for (unsigned bit = 0; rest >> bit != 0 && bit < 64; bit++) {
        if ((rest >> bit & 1) != 0) {
            add(p, reg, NULL, bit, bit, a, b);
        }
    }
}

/* Walk the registers that either side lists, in order. */
struct walk {
    const struct mig_snapshot *a, *b;
    size_t i, j;
};

static bool next_reg(struct walk *w, struct mig_reg *ret)
{
    uint64_t x = w->i < w->a->entries_len ? w->a->entries[w->i].key : UINT64_MAX;
    uint64_t y = w->j < w->b->entries_len ? w->b->entries[w->j].key : UINT64_MAX;

    if (x == UINT64_MAX && y == UINT64_MAX) {
        return false;
    }
    *ret = mig_reg_from_key(x < y ? x : y);
    w->i += x <= y ? 1 : 0;
    w->j += y <= x ? 1 : 0;
    return true;
}

static void compare_words(struct pair *p)
{
    struct walk walk = {.a = p->a, .b = p->b};
    struct mig_reg reg;

    while (next_reg(&walk, &reg)) {
        compare_word(p, reg);
    }
}

/* Bits of @reg that a guest may be shown and the judgement compares. */
static uint64_t visible_bits(struct mig_reg reg)
{
    const struct mig_sheet *s = mig_sheet_of(mig_reg_key(reg));
    uint64_t seen = s->compared & (s->on | s->opt_in);

    return mig_judge_movable(reg, ~0ULL) & (seen | ~s->classified);
}

/* Leaves for Windows and devices only where the guest was given them. */
static bool is_shown(const struct mig_snapshot *guest, enum mig_space space)
{
    size_t len;

    if (space == MIG_SPACE_CPUID_HV || space == MIG_SPACE_VIRTIO) {
        (void)mig_snapshot_space(guest, space, &len);
        return len > 0;
    }
    return space == MIG_SPACE_CPUID || space == MIG_SPACE_MSR || space == MIG_SPACE_IDREG;
}

bool mig_difference_shows(const struct mig_snapshot *a, const struct mig_snapshot *b)
{
    struct walk walk = {.a = a, .b = b};
    struct mig_reg reg;

    while (next_reg(&walk, &reg)) {
        struct mig_seen x = seen_in(a, reg), y = seen_in(b, reg);

        if (mig_seen_is_value(x) && mig_seen_is_value(y) && x.value != y.value &&
            ((x.value ^ y.value) & visible_bits(reg)) != 0 && is_shown(a, reg.space)) {
            return true;
        }
    }
    return false;
}

static void add_text(struct pair *p, const char *kind, const char *name, const char *a,
                     const char *b)
{
    char id[MIG_FIELD_ID_MAX];
    struct mig_finding *f;

    (void)snprintf(id, sizeof id, "%s/%.56s", kind, name);
    f = mig_findings_add(p->findings, id, MIG_NOTE);
    f->why = mig_strf("%s -> %s", a != NULL ? a : "(none)", b != NULL ? b : "(none)");
}

static const char *fact_text(const struct mig_fact *f)
{
    return f->value != NULL ? f->value : "(unreadable)";
}

static void compare_facts(struct pair *p)
{
    const struct mig_fact *x = p->a->facts, *x_end = x + p->a->facts_len;
    const struct mig_fact *y = p->b->facts, *y_end = y + p->b->facts_len;

    while (x < x_end && y < y_end) {
        int order = strcmp(x->name, y->name);

        if (order < 0) {
            add_text(p, "fact", x->name, fact_text(x), NULL);
        } else if (order > 0) {
            add_text(p, "fact", y->name, NULL, fact_text(y));
        } else if (strcmp(fact_text(x), fact_text(y)) != 0) {
            add_text(p, "fact", x->name, fact_text(x), fact_text(y));
        }
        x += order <= 0 ? 1 : 0;
        y += order >= 0 ? 1 : 0;
    }
    for (; x < x_end; x++) {
        add_text(p, "fact", x->name, fact_text(x), NULL);
    }
    for (; y < y_end; y++) {
        add_text(p, "fact", y->name, NULL, fact_text(y));
    }
}

void mig_difference(const struct mig_snapshot *a, const struct mig_snapshot *b,
                    struct mig_findings *ret)
{
    struct pair p = {a, b, ret};

    if (a->arch != b->arch) {
        add_text(&p, "host", "arch", mig_arch_name(a->arch), mig_arch_name(b->arch));
    }
    compare_words(&p);
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        if (a->groups[g].coverage != b->groups[g].coverage) {
            add_text(&p, "coverage", mig_group_name((enum mig_group)g),
                     mig_coverage_name(a->groups[g].coverage),
                     mig_coverage_name(b->groups[g].coverage));
        }
    }
    compare_facts(&p);
    mig_findings_sort(ret);
}
