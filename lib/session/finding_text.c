/* SPDX-License-Identifier: Apache-2.0 */
#include "session/finding_text.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "session/page.h"
#include "session/paint.h"
#include "session/value_text.h"

#define INDENT 2
#define DEEPER 4
#define SHOWN_DEPENDANTS 12
#define GAP "   " /* between columns */

/* Who has a value, in the order of the columns. */
enum who { GUEST, SOURCE, DESTINATION, WHO_COUNT };

/* A section in the making: what is printed and how its columns stand. */
struct table {
    const struct mig_report *r;
    const struct mig_findings *list;
    const struct mig_finding **items;
    bool *told;
    size_t len;
    uint64_t last_word; /* register whose whole words were printed last */
    int place_width, value_width[WHO_COUNT];
    bool shows[WHO_COUNT]; /* is there a value of that party anywhere? */
    bool beside;           /* values stand beside the place, else below it */
};

static struct mig_seen seen_by(const struct mig_finding *f, enum who who)
{
    return who == GUEST ? f->guest : who == SOURCE ? f->source : f->destination;
}

static const char *label_of(const struct table *t, enum who who)
{
    static const char *const pair[] = {"guest", "source", "destination"};
    static const char *const set[] = {"guest", "one host", "another"};

    return (t->r->pair || t->r->running ? pair : set)[who];
}

static bool has_values(const struct mig_finding *f)
{
    return f->guest.known != MIG_UNCOVERED || f->source.known != MIG_UNCOVERED ||
           f->destination.known != MIG_UNCOVERED;
}

static void value_of(const struct mig_finding *f, enum who who, char ret[MIG_REPORT_VALUE_MAX])
{
    mig_value_text_measure(f->id, f->names_len > 0 ? f->names[0] : NULL, seen_by(f, who), ret);
}

/* "source 1   destination 0   rule and"; padded: one below the other. */
static void add_values(const struct table *t, const struct mig_finding *f, bool padded,
                       struct mig_text *text)
{
    const char *gap = "";

    for (enum who who = GUEST; who < WHO_COUNT; who++) {
        char value[MIG_REPORT_VALUE_MAX];

        if (!t->shows[who]) {
            continue;
        }
        value_of(f, who, value);
        mig_text_addf(text, "%s%s %-*s", gap, label_of(t, who), padded ? t->value_width[who] : 0,
                      value);
        gap = GAP;
    }
    if (f->rule != NULL) {
        mig_text_addf(text, GAP "rule %s", f->rule);
    }
    while (text->len > 0 && text->items[text->len - 1] == ' ') {
        text->items[--text->len] = '\0';
    }
}

static void measure(struct table *t, const struct mig_finding *f)
{
    char place[MIG_VALUE_TEXT_PLACE_MAX], value[MIG_REPORT_VALUE_MAX];

    if (!has_values(f)) {
        return;
    }
    mig_value_text_place(f, place);
    t->place_width = (int)strlen(place) > t->place_width ? (int)strlen(place) : t->place_width;
    for (enum who who = GUEST; who < WHO_COUNT; who++) {
        value_of(f, who, value);
        t->shows[who] = t->shows[who] || seen_by(f, who).known != MIG_UNCOVERED;
        t->value_width[who] =
            (int)strlen(value) > t->value_width[who] ? (int)strlen(value) : t->value_width[who];
    }
}

/* Beside the place only when that holds for every line of the section. */
static bool fits_beside(const struct table *t)
{
    int columns = mig_page_columns(t->r->out);

    for (size_t i = 0; i < t->len; i++) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};

        add_values(t, t->items[i], true, &text);
        if (has_values(t->items[i]) &&
            DEEPER + t->place_width + (int)strlen(GAP) + (int)text.len > columns) {
            return false;
        }
    }
    return true;
}

static void add_padding(struct mig_text *t, int width, const char *text)
{
    int rest = width - (int)strlen(text);

    mig_text_addf(t, "%*s", rest > 0 ? rest : 0, "");
}

static void print_names(const struct table *t, const struct mig_finding *f)
{
    MIG_AUTO(mig_text_clear) struct mig_text names = {0};
    MIG_AUTO(mig_free) char *head = mig_strf("%s  ", f->id);

    for (size_t i = 0; i < f->names_len; i++) {
        if (!mig_value_text_is_news(f->id, f->names[i])) {
            continue;
        }
        mig_text_add(&names, names.len > 0 ? ", " : "");
        mig_paint_add(&names, t->r->colour, i == 0 ? MIG_PAINT_STRONG : MIG_PAINT_FAINT,
                      f->names[i]);
    }
    mig_page_item(t->r->out, INDENT, head, names.len > 0 ? names.items : "");
}

static void print_place(const struct table *t, const struct mig_finding *f)
{
    MIG_AUTO(mig_text_clear) struct mig_text values = {0}, line = {0};
    char place[MIG_VALUE_TEXT_PLACE_MAX];
    FILE *out = t->r->out;

    mig_value_text_place(f, place);
    mig_paint_add(&line, t->r->colour, MIG_PAINT_FAINT, place);
    if (has_values(f)) {
        add_values(t, f, true, &values);
    }
    if (*place != '\0' && t->beside && values.len > 0) {
        add_padding(&line, t->place_width, place);
        (void)fprintf(out, "%*s%s" GAP "%s\n", DEEPER, "", line.items, values.items);
        return;
    }
    if (*place != '\0') {
        mig_page_paragraph(out, DEEPER, DEEPER + INDENT, line.items);
    }
    if (values.len > 0 && DEEPER + (int)values.len <= mig_page_columns(out)) {
        (void)fprintf(out, "%*s%s\n", DEEPER, "", values.items);
    } else if (values.len > 0) {
        mig_page_paragraph(out, DEEPER, DEEPER + INDENT, values.items);
    }
}

static void print_item(const struct table *t, const char *label, const char *text)
{
    MIG_AUTO(mig_text_clear) struct mig_text head = {0};

    mig_paint_add(&head, t->r->colour, MIG_PAINT_FAINT, label);
    add_padding(&head, (int)strlen("remedy:  "), label);
    mig_page_item(t->r->out, DEEPER, head.items, text);
}

/* The words that @f is a part of, once for all findings of one register. */
static void print_word(struct table *t, const struct mig_finding *f)
{
    const struct mig_snapshot *const snapshots[] = {t->r->guest, t->r->source, t->r->destination};
    MIG_AUTO(mig_text_clear) struct mig_text text = {0};
    struct mig_reg reg = mig_reg_from_key(f->key);

    if (!t->r->verbose || f->field == NULL || f->key == UINT64_MAX || f->key == t->last_word ||
        f->field->hi - f->field->lo + 1u >= mig_reg_width(reg)) {
        return;
    }
    t->last_word = f->key;
    for (enum who who = GUEST; who < WHO_COUNT; who++) {
        uint64_t word;

        if (snapshots[who] != NULL && mig_snapshot_get(snapshots[who], reg, &word) == MIG_KNOWN) {
            mig_text_addf(&text, "%s%s 0x%0*" PRIx64, text.len > 0 ? ", " : "", label_of(t, who),
                          (int)mig_reg_width(reg) / 4, word);
        }
    }
    if (text.len > 0) {
        print_item(t, "whole:", text.items);
    }
}

/* What follows from a finding is told with it, by name where it has one. */
static void print_dependants(const struct table *t, const struct mig_finding *f)
{
    MIG_AUTO(mig_text_clear) struct mig_text text = {0};
    size_t shown = t->r->verbose || f->dependants_len <= SHOWN_DEPENDANTS + 1 ? f->dependants_len
                                                                              : SHOWN_DEPENDANTS;

    for (size_t i = 0; i < shown; i++) {
        const struct mig_finding *d = mig_findings_find(t->list, f->dependants[i]);

        mig_text_addf(&text, "%s%s", i > 0 ? ", " : "",
                      d != NULL && d->names_len > 0 ? d->names[0] : f->dependants[i]);
    }
    if (shown < f->dependants_len) {
        mig_text_addf(&text, " and %zu more", f->dependants_len - shown);
    }
    if (text.len > 0) {
        print_item(t, "with it:", text.items);
    }
}

static void print_one(struct table *t, const struct mig_finding *f)
{
    print_names(t, f);
    print_place(t, f);
    print_word(t, f);
    if (f->why != NULL) {
        print_item(t, "why:", f->why);
    }
    print_dependants(t, f);
}

static bool same_cause(const struct mig_finding *a, const struct mig_finding *b)
{
    const char *x = a->remedy != NULL ? a->remedy : "", *y = b->remedy != NULL ? b->remedy : "";

    return a->reason == b->reason && a->likely == b->likely && strcmp(x, y) == 0;
}

static void print_cause(const struct table *t, const struct mig_finding *f, size_t shared_by)
{
    MIG_AUTO(mig_text_clear) struct mig_text reason = {0};

    if (shared_by == 2) {
        (void)fprintf(t->r->out, "%*sboth of these\n", INDENT, "");
    } else if (shared_by > 2) {
        (void)fprintf(t->r->out, "%*sall %zu of these\n", INDENT, "", shared_by);
    }
    mig_text_addf(&reason, "%s%s", mig_reason_name(f->reason), f->likely ? " (likely)" : "");
    print_item(t, "reason:", reason.items);
    if (f->remedy != NULL) {
        print_item(t, "remedy:", f->remedy);
    }
}

/* @first and all behind it that share its cause. */
static void print_group(struct table *t, size_t first)
{
    size_t len = 0;

    for (size_t i = first; i < t->len; i++) {
        if (!t->told[i] && same_cause(t->items[first], t->items[i])) {
            print_one(t, t->items[i]);
            t->told[i] = true;
            len++;
        }
    }
    print_cause(t, t->items[first], len);
}

void mig_finding_text_print(const struct mig_report *r, const struct mig_findings *list,
                            enum mig_severity severity)
{
    struct table t = {.r = r, .list = list, .last_word = UINT64_MAX};

    t.items = mig_alloc(list->len + 1, sizeof *t.items);
    t.told = mig_alloc(list->len + 1, sizeof *t.told);
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (f->severity == severity && (f->root == NULL || r->verbose)) {
            t.items[t.len++] = f;
            measure(&t, f);
        }
    }
    t.beside = fits_beside(&t);
    for (size_t i = 0; i < t.len; i++) {
        if (!t.told[i]) {
            (void)fprintf(r->out, "%s", i > 0 ? "\n" : "");
            print_group(&t, i);
        }
    }
    mig_free((void *)t.items);
    mig_free(t.told);
}
