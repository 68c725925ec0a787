/* SPDX-License-Identifier: Apache-2.0 */
#include "support/edit.h"

#include "base/array.h"
#include "base/text.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/snapshots.h"

struct draft {
    struct words {
        struct mig_entry *items;
        size_t len, cap;
    } words;
    struct {
        const char *name, *value;
    } facts[16];
    size_t facts_len;
    struct mig_group_state groups[MIG_GROUP_COUNT];
};

/* An entry of errnum EDIT_GONE is left out. */
enum { EDIT_GONE = -1, EDIT_UNREADABLE = 5 };

static struct mig_entry *entry_at(struct draft *d, struct mig_reg reg)
{
    for (size_t i = 0; i < d->words.len; i++) {
        if (d->words.items[i].key == mig_reg_key(reg)) {
            return &d->words.items[i];
        }
    }
    *MIG_PUSH(&d->words) = (struct mig_entry){.key = mig_reg_key(reg)};
    return &d->words.items[d->words.len - 1];
}

static struct mig_entry *entry_named(struct draft *d, const char *name)
{
    struct mig_reg reg;
    struct mig_error err;

    check_done(name, mig_reg_parse(name, &reg, &err), &err);
    return entry_at(d, reg);
}

static void cover(struct draft *d, const char *name, const char *coverage)
{
    enum mig_group group;

    assert_true(mig_group_parse(name, &group));
    for (int c = MIG_COVER_NONE; c <= MIG_COVER_FULL; c++) {
        if (strcmp(coverage, mig_coverage_name((enum mig_coverage)c)) == 0) {
            d->groups[group].coverage = (enum mig_coverage)c;
            return;
        }
    }
    fail_msg("no coverage is called '%s'", coverage);
}

static void set_field(struct draft *d, const char *name, uint64_t value)
{
    const struct mig_field *f = mig_field_find(name);

    if (f == NULL) {
        fail_msg("no field is called '%s'", name);
    } else {
        struct mig_entry *e = entry_at(d, f->reg);

        e->value = mig_field_put(f, e->value, value);
        e->errnum = 0;
    }
}

static void apply(struct draft *d, char *edit)
{
    char *text = strchr(edit, '='), *name = edit + (strchr("!~?^@-", *edit) != NULL ? 1 : 0);
    uint64_t value = *edit == '-' ? 0 : 1;

    if (text != NULL) {
        *text++ = '\0';
    }
    if (*edit == '!') {
        MIG_ASSERT(d->facts_len < MIG_COUNT(d->facts));
        d->facts[d->facts_len].name = name;
        d->facts[d->facts_len++].value = text;
        return;
    }
    if (*edit == '~') {
        cover(d, name, text);
        return;
    }
    if (text != NULL) {
        assert_true(mig_text_to_u64(text, UINT64_MAX, &value));
    }
    if (*edit == '?') {
        entry_named(d, name)->errnum = EDIT_UNREADABLE;
    } else if (*edit == '^') {
        entry_named(d, name)->errnum = EDIT_GONE;
    } else if (*edit == '@') {
        struct mig_entry *e = entry_named(d, name);

        *e = (struct mig_entry){.key = e->key, .value = value};
    } else {
        set_field(d, name, value);
    }
}

static const char *edited_fact(const struct draft *d, const char *name)
{
    for (size_t i = 0; i < d->facts_len; i++) {
        if (strcmp(d->facts[i].name, name) == 0) {
            return d->facts[i].value;
        }
    }
    return NULL;
}

static void add_facts(const struct draft *d, const struct mig_snapshot *s, struct mig_builder *b)
{
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *fact = &s->facts[i];

        if (edited_fact(d, fact->name) == NULL && fact->errnum == 0) {
            mig_builder_add_fact(b, fact->name, fact->value, fact->source);
        }
    }
    for (size_t i = 0; i < d->facts_len; i++) {
        mig_builder_add_fact(b, d->facts[i].name, d->facts[i].value, "test");
    }
}

static struct mig_snapshot *freeze(const struct draft *d, const struct mig_snapshot *s)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(s->arch);
    struct mig_snapshot *ret = NULL;
    struct mig_error err;

    for (size_t i = 0; i < d->words.len; i++) {
        const struct mig_entry *e = &d->words.items[i];
        struct mig_reg reg = mig_reg_from_key(e->key);

        if (e->errnum == 0) {
            mig_builder_set(b, reg, e->value);
        } else if (e->errnum != EDIT_GONE) {
            mig_builder_set_unreadable(b, reg, e->errnum);
        }
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_builder_cover(b, (enum mig_group)g, d->groups[g].coverage, d->groups[g].errnum,
                          d->groups[g].source);
    }
    add_facts(d, s, b);
    check_done("freeze", mig_builder_freeze(b, &ret, &err), &err);
    return ret;
}

struct mig_snapshot *edit_snapshot(const struct mig_snapshot *s, const char *edits)
{
    MIG_AUTO(mig_free) char *text = mig_strdup(edits);
    struct draft d = {0};
    struct mig_snapshot *ret;
    char *rest = text, *edit;

    memcpy(d.groups, s->groups, sizeof d.groups);
    for (size_t i = 0; i < s->entries_len; i++) {
        *MIG_PUSH(&d.words) = s->entries[i];
    }
    while ((edit = strsep(&rest, " ")) != NULL) {
        if (*edit != '\0') {
            apply(&d, edit);
        }
    }
    ret = freeze(&d, s);
    mig_free(d.words.items);
    return ret;
}

struct mig_snapshot *edit_host(const char *capture, const char *edits)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(capture);

    return edit_snapshot(s, edits);
}
