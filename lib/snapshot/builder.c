/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/builder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/listing.h"
#include "snapshot/normalise.h"

struct entries {
    struct mig_entry *items;
    size_t len, cap;
};

struct facts {
    struct mig_fact *items;
    size_t len, cap;
};

struct mig_builder {
    enum mig_arch arch;
    struct mig_stamp stamp;
    struct entries entries;
    struct facts facts;
    struct mig_group_state groups[MIG_GROUP_COUNT];
};

struct mig_builder *mig_builder_new(enum mig_arch arch)
{
    struct mig_builder *b = MIG_NEW(struct mig_builder);

    b->arch = arch;
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        b->groups[i].source = mig_strdup("");
    }
    return b;
}

static void clear_fact(struct mig_fact *fact)
{
    mig_free(fact->name);
    mig_free(fact->value);
    mig_free(fact->source);
}

void mig_builder_free(struct mig_builder *b)
{
    if (b == NULL) {
        return;
    }
    for (size_t i = 0; i < b->facts.len; i++) {
        clear_fact(&b->facts.items[i]);
    }
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        mig_free(b->groups[i].source);
    }
    mig_free(b->facts.items);
    mig_free(b->entries.items);
    mig_free(b);
}

/* One more than the limit is kept, so that freezing sees it was passed. */
static void add_entry(struct mig_builder *b, struct mig_entry entry)
{
    if (b->entries.len <= MIG_ENTRIES_MAX) {
        *MIG_PUSH(&b->entries) = entry;
    }
}

void mig_builder_set(struct mig_builder *b, struct mig_reg reg, uint64_t value)
{
    add_entry(b, (struct mig_entry){mig_reg_key(reg), value, 0});
}

/* An errno that a caller lost is still no reason to call it readable. */
static int reason_of(int errnum)
{
    return errnum > 0 ? errnum : EIO;
}

void mig_builder_set_unreadable(struct mig_builder *b, struct mig_reg reg, int errnum)
{
    add_entry(b, (struct mig_entry){mig_reg_key(reg), 0, reason_of(errnum)});
}

static char *printable(const char *text, size_t max)
{
    char *copy = mig_strndup(text == NULL ? "" : text, max);

    mig_text_make_printable(copy);
    return copy;
}

static void add_fact(struct mig_builder *b, const char *name, char *value, int errnum,
                     const char *source)
{
    if (b->facts.len > MIG_FACTS_MAX) {
        mig_free(value);
        return;
    }
    *MIG_PUSH(&b->facts) = (struct mig_fact){
        .name = printable(name, MIG_NAME_MAX - 1),
        .value = value,
        .source = printable(source, MIG_SOURCE_MAX),
        .errnum = errnum,
    };
}

void mig_builder_add_fact(struct mig_builder *b, const char *name, const char *value,
                          const char *source)
{
    add_fact(b, name, printable(value, MIG_FACT_TEXT_MAX), 0, source);
}

void mig_builder_add_unreadable_fact(struct mig_builder *b, const char *name, int errnum,
                                     const char *source)
{
    add_fact(b, name, NULL, reason_of(errnum), source);
}

struct mig_builder *mig_builder_from(const struct mig_snapshot *s)
{
    struct mig_builder *b = mig_builder_new(s->arch);

    for (size_t i = 0; i < s->entries_len; i++) {
        add_entry(b, s->entries[i]);
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];

        add_fact(b, f->name, mig_strdup(f->value), f->errnum, f->source);
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        const struct mig_group_state *state = &s->groups[g];

        mig_builder_cover(b, (enum mig_group)g, state->coverage, state->errnum, state->source);
    }
    mig_builder_stamp(b, &s->stamp);
    return b;
}

void mig_builder_cover(struct mig_builder *b, enum mig_group group, enum mig_coverage coverage,
                       int errnum, const char *source)
{
    struct mig_group_state *state = &b->groups[group];

    mig_free(state->source);
    *state = (struct mig_group_state){
        .coverage = coverage,
        .errnum = coverage == MIG_COVER_UNREADABLE ? reason_of(errnum) : 0,
        .source = printable(source, MIG_SOURCE_MAX),
    };
}

void mig_builder_stamp(struct mig_builder *b, const struct mig_stamp *stamp)
{
    b->stamp = *stamp;
}

static int by_key(const void *a, const void *b)
{
    const struct mig_entry *x = a, *y = b;

    return x->key < y->key ? -1 : x->key > y->key;
}

static int by_name(const void *a, const void *b)
{
    const struct mig_fact *x = a, *y = b;

    return strcmp(x->name, y->name);
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

/* Sub-index and part only where the space has them; see cpu/reg.h. */
static bool can_exist(struct mig_reg reg)
{
    if ((unsigned)reg.space <= MIG_SPACE_CPUID_HV) {
        return (unsigned)reg.part <= MIG_EDX;
    }
    return (unsigned)reg.space < MIG_SPACE_COUNT && reg.part == 0 &&
           reg.sub <= (mig_reg_is_arm64(reg) ? 0xf : 0) &&
           (reg.space != MIG_SPACE_HOST || reg.index < MIG_HOST_COUNT) &&
           (reg.space != MIG_SPACE_GUEST || reg.index < MIG_GUEST_COUNT);
}

static bool fits(const struct mig_builder *b, const struct mig_entry *e, struct mig_error *err)
{
    struct mig_reg reg = mig_reg_from_key(e->key);
    bool arm = mig_reg_is_arm64(reg);
    bool shared = !arm && reg.space >= MIG_SPACE_CAP;
    char name[MIG_REG_TEXT_MAX];

    if (!can_exist(reg)) {
        (void)mig_fail(err, MIG_FORMAT, "no register of that name can exist");
    } else if (!shared && arm != (b->arch == MIG_ARCH_ARM64)) {
        (void)mig_fail(err, MIG_FORMAT, "no register of an %s host", mig_arch_name(b->arch));
    } else if (mig_reg_width(reg) < 64 && e->value >> mig_reg_width(reg) != 0) {
        (void)mig_fail(err, MIG_FORMAT, "0x%llx is wider than %u bits",
                       (unsigned long long)e->value, mig_reg_width(reg));
    } else {
        return true;
    }
    mig_reg_print(reg, name); /* not for each of the thousand that are fine */
    return mig_wrap(err, "%s", name);
}

static bool copy_entries(struct mig_builder *b, struct mig_snapshot *s, struct mig_error *err)
{
    if (b->entries.len > MIG_ENTRIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d registers", MIG_ENTRIES_MAX);
    }
    if (b->entries.len > 0) {
        qsort(b->entries.items, b->entries.len, sizeof *b->entries.items, by_key);
    }
    s->entries = mig_alloc(b->entries.len, sizeof *s->entries);
    for (size_t i = 0; i < b->entries.len; i++) {
        const struct mig_entry *e = &b->entries.items[i];
        const struct mig_entry *last = s->entries_len == 0 ? NULL : &s->entries[s->entries_len - 1];

        if (last == NULL || last->key != e->key) {
            if (!fits(b, e, err)) {
                return false;
            }
            s->entries[s->entries_len++] = *e;
        } else if (last->value != e->value || last->errnum != e->errnum) {
            char name[MIG_REG_TEXT_MAX];

            mig_reg_print(mig_reg_from_key(e->key), name);
            return mig_fail(err, MIG_FORMAT, "%s: given twice, as 0x%llx and as 0x%llx", name,
                            (unsigned long long)last->value, (unsigned long long)e->value);
        }
    }
    return true;
}

static bool copy_facts(struct mig_builder *b, struct mig_snapshot *s, struct mig_error *err)
{
    if (b->facts.len > MIG_FACTS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d facts", MIG_FACTS_MAX);
    }
    if (b->facts.len > 0) {
        qsort(b->facts.items, b->facts.len, sizeof *b->facts.items, by_name);
    }
    s->facts = mig_alloc(b->facts.len, sizeof *s->facts);
    for (size_t i = 0; i < b->facts.len; i++) {
        const struct mig_fact *f = &b->facts.items[i];
        const struct mig_fact *last = s->facts_len == 0 ? NULL : &s->facts[s->facts_len - 1];

        if (f->name[0] == '\0') {
            return mig_fail(err, MIG_FORMAT, "a fact has no name");
        }
        if (last == NULL || strcmp(last->name, f->name) != 0) {
            if (!mig_listing_check(f, err)) {
                return false;
            }
            s->facts[s->facts_len++] = (struct mig_fact){mig_strdup(f->name), mig_strdup(f->value),
                                                         mig_strdup(f->source), f->errnum};
        } else if (!same_text(last->value, f->value) || !same_text(last->source, f->source) ||
                   last->errnum != f->errnum) {
            return mig_fail(err, MIG_FORMAT, "fact %s: given twice and not the same", f->name);
        }
    }
    return true;
}

bool mig_builder_freeze_as_is(struct mig_builder *b, struct mig_snapshot **ret,
                              struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (b->arch == MIG_ARCH_NONE) {
        return mig_fail(err, MIG_FORMAT, "the architecture is not known");
    }
    s = MIG_NEW(struct mig_snapshot);
    s->arch = b->arch;
    s->stamp = b->stamp;
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        s->groups[i] = b->groups[i];
        s->groups[i].source = mig_strdup(b->groups[i].source);
    }
    if (!copy_entries(b, s, err) || !copy_facts(b, s, err)) {
        return false;
    }
    mig_snapshot_make_index(s);
    *ret = mig_steal(&s);
    return true;
}

bool mig_builder_freeze(struct mig_builder *b, struct mig_snapshot **ret, struct mig_error *err)
{
    if (!mig_builder_freeze_as_is(b, ret, err)) {
        return false;
    }
    (void)mig_normalise_snapshot(*ret);
    return true;
}
