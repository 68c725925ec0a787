/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/finding.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/names.h"

/* What one line holds. */
#define SUMMED_UP_MAX 3

bool mig_findings_want(struct mig_findings *list, enum mig_severity severity)
{
    if (list->silent && severity > list->worst) {
        list->worst = severity;
    }
    return !list->silent;
}

static struct mig_finding *add(struct mig_findings *list, enum mig_severity severity)
{
    struct mig_finding *f = MIG_PUSH(list);

    f->key = UINT64_MAX;
    f->severity = severity;
    f->guest.known = f->source.known = f->destination.known = MIG_UNCOVERED;
    return f;
}

struct mig_finding *mig_findings_add(struct mig_findings *list, const char *id,
                                     enum mig_severity severity)
{
    struct mig_finding *f = add(list, severity);
    struct mig_error not_a_register;
    struct mig_reg reg;

    (void)snprintf(f->id, sizeof f->id, "%s", id);
    if (mig_reg_parse(id, &reg, &not_a_register)) {
        f->key = mig_reg_key(reg);
    }
    return f;
}

struct mig_finding *mig_findings_add_field(struct mig_findings *list, struct mig_reg reg,
                                           const struct mig_field *f, unsigned hi, unsigned lo,
                                           enum mig_severity severity)
{
    struct mig_finding *added = add(list, severity);

    added->key = mig_reg_key(reg);
    added->lo = lo;
    if (f == NULL) {
        mig_bits_print_id(reg, hi, lo, added->id);
        return added;
    }
    mig_field_print_id(f, reg.sub, added->id);
    added->field = f;
    added->names_len = mig_names_of(f, added->names);
    added->rule = mig_rule_name(f->shape.rule);
    added->why = mig_strdup(f->why);
    return added;
}

static void add_name(struct mig_finding *f, const char *name)
{
    for (size_t i = 0; i < f->names_len; i++) {
        if (strcmp(f->names[i], name) == 0) {
            return;
        }
    }
    if (f->names_len < sizeof f->names / sizeof *f->names) {
        f->names[f->names_len++] = name;
    }
}

void mig_finding_add_names(struct mig_finding *f, struct mig_reg reg, uint64_t differ)
{
    struct mig_fields fields = mig_field_of(reg);

    for (size_t i = 0; i < fields.len; i++) {
        if ((mig_field_get(&fields.items[i], differ)) != 0) {
            add_name(f, fields.items[i].name);
        }
    }
}

void mig_finding_add_dependant(struct mig_finding *f, const char *text)
{
    f->dependants = mig_resize(f->dependants, f->dependants_len + 1, sizeof *f->dependants);
    f->dependants[f->dependants_len++] = mig_strdup(text);
}

/* Registers first, in key order; ids that are no register follow by name. */
static int compare(const void *a, const void *b)
{
    const struct mig_finding *x = a, *y = b;

    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    if (x->lo != y->lo) {
        return x->lo < y->lo ? -1 : 1;
    }
    return strcmp(x->id, y->id);
}

static void sort(struct mig_findings *list)
{
    if (list->len > 0) {
        qsort(list->items, list->len, sizeof *list->items, compare);
    }
}

static bool stands_on(const struct mig_finding *f, struct mig_bit bit)
{
    return f->field != NULL && mig_reg_key(f->field->reg) == mig_reg_key(bit.reg) &&
           (mig_bits_mask(f->field->hi, f->field->lo) & bit.mask) != 0;
}

static struct mig_finding *find_bit(struct mig_findings *list, struct mig_bit bit,
                                    enum mig_severity severity)
{
    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].severity == severity && stands_on(&list->items[i], bit)) {
            return &list->items[i];
        }
    }
    return NULL;
}

struct mig_finding *mig_findings_on(const struct mig_findings *list, struct mig_bit bit)
{
    for (size_t i = 0; i < list->len; i++) {
        if (stands_on(&list->items[i], bit)) {
            return &list->items[i];
        }
    }
    return NULL;
}

static bool is_below(const struct mig_finding *a, const struct mig_finding *b)
{
    uint64_t x = mig_reg_key(a->field->reg), y = mig_reg_key(b->field->reg);

    return x < y || (x == y && a->field->lo < b->field->lo);
}

/* The finding of a feature that @f needs, or NULL.  Only towards lower
 * registers, so that mutual edges (XCR0 components and their features) can not
 * make a circle. */
static const struct mig_finding *find_base(struct mig_findings *list, const struct mig_finding *f)
{
    struct mig_deps deps = mig_deps_of(mig_reg_key(f->field->reg));

    for (size_t d = 0; d < deps.len; d++) {
        if (stands_on(f, deps.items[d].feature)) {
            const struct mig_finding *base = find_bit(list, deps.items[d].base, f->severity);

            if (base != NULL && is_below(base, f)) {
                return base;
            }
        }
    }
    return NULL;
}

static bool has_dependant(const struct mig_finding *f, const char *text)
{
    for (size_t i = 0; i < f->dependants_len; i++) {
        if (strcmp(f->dependants[i], text) == 0) {
            return true;
        }
    }
    return false;
}

static struct mig_finding *find_id(const struct mig_findings *list, const char *id)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i].id, id) == 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

const struct mig_finding *mig_findings_find(const struct mig_findings *list, const char *id)
{
    return find_id(list, id);
}

/* What needs another feature that is lost in the same way follows from it.  To
 * fold twice changes nothing. */
static void fold(struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        struct mig_finding *f = &list->items[i];
        const struct mig_finding *base = NULL;

        if (f->field != NULL && f->root == NULL && f->field->shape.rule == MIG_RULE_AND) {
            base = find_base(list, f);
        }
        if (base != NULL) {
            f->root = mig_strdup(base->root != NULL ? base->root : base->id);
        }
    }
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];
        struct mig_finding *root = f->root != NULL ? find_id(list, f->root) : NULL;

        if (root != NULL && !has_dependant(root, f->id)) {
            mig_finding_add_dependant(root, f->id);
        }
    }
}

void mig_findings_sort(struct mig_findings *list)
{
    sort(list);
    fold(list);
}

enum mig_severity mig_findings_worst(const struct mig_findings *list)
{
    enum mig_severity worst = list->worst;

    for (size_t i = 0; i < list->len; i++) {
        if (list->items[i].severity > worst) {
            worst = list->items[i].severity;
        }
    }
    return worst;
}

void mig_findings_clear(struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        struct mig_finding *f = &list->items[i];

        mig_free(f->why);
        mig_free(f->remedy);
        mig_free(f->root);
        for (size_t d = 0; d < f->dependants_len; d++) {
            mig_free(f->dependants[d]);
        }
        mig_free(f->dependants);
    }
    mig_free(list->items);
    *list = (struct mig_findings){0};
}

const char *mig_severity_name(enum mig_severity severity)
{
    static const char *const names[] = {
        [MIG_NOTE] = "note",
        [MIG_WARNING] = "warning",
        [MIG_SECURITY] = "security",
        [MIG_BLOCKER] = "blocker",
    };

    return names[severity];
}

const char *mig_reason_name(enum mig_reason reason)
{
    static const char *const names[MIG_REASON_COUNT] = {
#define REASON(id, name) [MIG_REASON_##id] = (name),
#include "compat/reason.def"
    };

    return names[reason];
}

bool mig_findings_sum_up(const struct mig_findings *list, enum mig_severity least,
                         struct mig_text *ret)
{
    size_t told = 0;

    mig_text_add(ret, "");
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (f->severity < least) {
            continue;
        }
        if (told++ == SUMMED_UP_MAX) {
            return true;
        }
        mig_text_addf(ret, "%s%s: %s", told > 1 ? "; " : "", f->id,
                      f->why != NULL ? f->why : "differs");
    }
    return false;
}
