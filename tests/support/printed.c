/* SPDX-License-Identifier: Apache-2.0 */
#include "support/printed.h"

#include <string.h>

#include "session/page.h"
#include "support/check.h"

/* Is there a space between words? */
static bool has_words(const char *line)
{
    line += strspn(line, " ");
    return strchr(line, ' ') != NULL;
}

void printed_check_lines(const char *label, const char *text, int columns)
{
    while (*text != '\0') {
        size_t len = strcspn(text, "\n");
        char line[1024];

        (void)snprintf(line, sizeof line, "%.*s", (int)len, text);
        if (mig_page_width(line) > columns && has_words(line)) {
            fail_msg("%s: more than %d columns: '%s'", label, columns, line);
        }
        if (len > 0 && line[strlen(line) - 1] == ' ') {
            fail_msg("%s: ends with a space: '%s'", label, line);
        }
        text += len + (text[len] == '\n' ? 1 : 0);
    }
}
