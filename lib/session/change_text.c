/* SPDX-License-Identifier: Apache-2.0 */
#include "session/change_text.h"

#include <string.h>

#include "session/page.h"
#include "session/paint.h"
#include "session/value_text.h"

#define DEEPER 4
#define GAP "   " /* between columns */

/* Each as wide as its widest. */
struct columns {
    int id, before, after;
};

static int wider(int width, const char *text)
{
    return (int)strlen(text) > width ? (int)strlen(text) : width;
}

static struct columns measure(const struct mig_change *changes, size_t len)
{
    struct columns columns = {0};

    for (size_t i = 0; i < len; i++) {
        const struct mig_change *c = &changes[i];
        char value[MIG_REPORT_VALUE_MAX];

        columns.id = wider(columns.id, c->id);
        mig_value_text_measure(c->id, c->name, c->before, value);
        columns.before = wider(columns.before, value);
        mig_value_text_measure(c->id, c->name, c->after, value);
        columns.after = wider(columns.after, value);
    }
    return columns;
}

static void add_name(const struct mig_report *r, const struct mig_change *c, struct mig_text *t)
{
    if (c->name != NULL && mig_value_text_is_news(c->id, c->name)) {
        mig_paint_add(t, r->colour, MIG_PAINT_STRONG, c->name);
    }
    if (c->mark != NULL) {
        mig_text_add(t, t->len > 0 ? " " : "");
        mig_paint_add(t, r->colour, MIG_PAINT_BAD, c->mark);
    }
}

/* A name that finds no room in its column follows at once, else below. */
static void print_one(const struct mig_report *r, int indent, const struct columns *columns,
                      const struct mig_change *c)
{
    MIG_AUTO(mig_text_clear) struct mig_text name = {0}, line = {0};
    char before[MIG_REPORT_VALUE_MAX], after[MIG_REPORT_VALUE_MAX];
    int room = mig_page_columns(r->out), width, rest;

    mig_value_text_measure(c->id, c->name, c->before, before);
    mig_value_text_measure(c->id, c->name, c->after, after);
    add_name(r, c, &name);
    mig_text_addf(&line, "%*s%-*s" GAP "%*s -> %s", indent, "", columns->id, c->id, columns->before,
                  before, after);
    if (name.len == 0) {
        (void)fprintf(r->out, "%s\n", line.items);
        return;
    }
    width = (int)strlen(GAP) + mig_page_width(name.items);
    rest = columns->after - (int)strlen(after);
    rest = (int)line.len + rest + width <= room ? rest : 0;
    if ((int)line.len + rest + width <= room) {
        (void)fprintf(r->out, "%s%*s" GAP "%s\n", line.items, rest, "", name.items);
    } else {
        (void)fprintf(r->out, "%s\n", line.items);
        mig_page_paragraph(r->out, indent + DEEPER, indent + DEEPER, name.items);
    }
}

void mig_change_text_print(const struct mig_report *r, int indent, const struct mig_change *changes,
                           size_t len)
{
    struct columns columns = measure(changes, len);

    for (size_t i = 0; i < len; i++) {
        print_one(r, indent, &columns, &changes[i]);
    }
}
