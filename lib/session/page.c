/* SPDX-License-Identifier: Apache-2.0 */
#include "session/page.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/text.h"

#define ESCAPE '\033'
#define NARROW_INDENT 4 /* below a head that leaves too little room */

static uint64_t terminal_columns(FILE *out)
{
    struct winsize size;
    int fd = fileno(out); /* -1 of a stream in memory */

    return fd >= 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int mig_page_columns(FILE *out)
{
    const char *wish = getenv("COLUMNS");
    uint64_t columns = 0;

    if (wish == NULL || !mig_text_to_u64(wish, UINT16_MAX, &columns) || columns == 0) {
        columns = terminal_columns(out);
    }
    if (columns == 0) {
        return MIG_PAGE_COLUMNS;
    }
    if (columns < MIG_PAGE_COLUMNS_MIN) {
        return MIG_PAGE_COLUMNS_MIN;
    }
    return columns < MIG_PAGE_COLUMNS_MAX ? (int)columns : MIG_PAGE_COLUMNS_MAX;
}

/* Of the first @len bytes: each is a column, but for "ESC [ ... m". */
static int width_of(const char *text, size_t len)
{
    int width = 0;
    bool hidden = false;

    for (size_t i = 0; i < len; i++) {
        hidden = hidden || text[i] == ESCAPE;
        width += !hidden;
        hidden = hidden && text[i] != 'm';
    }
    return width;
}

int mig_page_width(const char *text)
{
    return width_of(text, strlen(text));
}

/* The words of @text from @column on, further lines at @rest.  Nothing is
 * printed in front of a word that does not come. */
static void flow(FILE *out, int first, int rest, int column, const char *text)
{
    int columns = mig_page_columns(out), start = column, indent = first;
    const char *gap = "";

    text += strspn(text, " ");
    while (*text != '\0') {
        size_t bytes = strcspn(text, " ");
        int word = width_of(text, bytes);

        if (column > start && column + 1 + word > columns) {
            (void)fputc('\n', out);
            column = start = indent = rest;
            gap = "";
        }
        (void)fprintf(out, "%*s%s%.*s", indent, "", gap, (int)bytes, text);
        column += (int)strlen(gap) + word;
        indent = 0;
        gap = " ";
        text += bytes;
        text += strspn(text, " ");
    }
    (void)fputc('\n', out);
}

void mig_page_paragraph(FILE *out, int first, int rest, const char *text)
{
    flow(out, first, rest, first, text);
}

static int longest_word(const char *text)
{
    int longest = 0;

    while (*text != '\0') {
        size_t bytes = strcspn(text, " ");
        int word = width_of(text, bytes);

        longest = word > longest ? word : longest;
        text += bytes;
        text += strspn(text, " ");
    }
    return longest;
}

void mig_page_item(FILE *out, int indent, const char *head, const char *text)
{
    int column = indent + mig_page_width(head), word = longest_word(text);
    bool crowded = column + word > mig_page_columns(out) && column > indent + NARROW_INDENT;
    size_t bytes = strlen(head);

    while ((word == 0 || crowded) && bytes > 0 && head[bytes - 1] == ' ') {
        bytes--;
    }
    (void)fprintf(out, "%*s%.*s", indent, "", (int)bytes, head);
    if (crowded) {
        (void)fputc('\n', out);
        column = indent + NARROW_INDENT;
    }
    flow(out, crowded ? column : 0, column, column, text);
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
