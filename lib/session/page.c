/* SPDX-License-Identifier: Apache-2.0 */
#include "session/page.h"

#include <inttypes.h>
#include <string.h>

/* The words of @text from @column on, further lines at @rest. */
static void flow(FILE *out, int column, int rest, const char *text)
{
    int start = column;

    while (*text != '\0') {
        int word = (int)strcspn(text, " ");

        if (column > start && column + 1 + word > MIG_PAGE_COLUMNS) {
            (void)fprintf(out, "\n%*s", rest, "");
            column = start = rest;
        } else if (column > start) {
            (void)fputc(' ', out);
            column++;
        }
        (void)fprintf(out, "%.*s", word, text);
        column += word;
        text += word;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

void mig_page_paragraph(FILE *out, int first, int rest, const char *text)
{
    (void)fprintf(out, "%*s", first, "");
    flow(out, first, rest, text);
}

void mig_page_item(FILE *out, int indent, const char *head, const char *text)
{
    int column = indent + (int)strlen(head);

    (void)fprintf(out, "%*s%s", indent, "", head);
    flow(out, column, column, text);
}

void mig_page_age(int64_t age_s, char ret[MIG_PAGE_AGE_MAX])
{
    static const struct {
        int64_t below, unit;
        const char *name;
    } units[] = {
        {120,       1,     "s"   },
        {7200,      60,    "min" },
        {172800,    3600,  "h"   },
        {INT64_MAX, 86400, "days"}
    };

    if (age_s < 0) {
        (void)snprintf(ret, MIG_PAGE_AGE_MAX, "unknown");
        return;
    }
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        if (age_s < units[i].below) {
            (void)snprintf(ret, MIG_PAGE_AGE_MAX, "%" PRId64 " %s", age_s / units[i].unit,
                           units[i].name);
            return;
        }
    }
}
