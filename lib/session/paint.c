/* SPDX-License-Identifier: Apache-2.0 */
#include "session/paint.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ECMA-48 SGR; the sixteen colours that every theme keeps readable. */
#define OFF "\033[0m"

static const char *const codes[MIG_PAINT_COUNT] = {
    [MIG_PAINT_PLAIN] = "",          [MIG_PAINT_GOOD] = "\033[1;32m",
    [MIG_PAINT_CARE] = "\033[1;33m", [MIG_PAINT_BAD] = "\033[1;31m",
    [MIG_PAINT_STRONG] = "\033[1m",  [MIG_PAINT_FAINT] = "\033[2m",
};

bool mig_paint_parse(const char *word, enum mig_paint_when *ret)
{
    static const char *const words[] = {
        [MIG_PAINT_AUTO] = "auto", [MIG_PAINT_ALWAYS] = "always", [MIG_PAINT_NEVER] = "never"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcmp(words[i], word) == 0) {
            *ret = (enum mig_paint_when)i;
            return true;
        }
    }
    return false;
}

bool mig_paint_is_wanted(enum mig_paint_when when, FILE *out)
{
    const char *refusal = getenv("NO_COLOR"), *terminal = getenv("TERM");
    int fd = fileno(out);

    if (when != MIG_PAINT_AUTO) {
        return when == MIG_PAINT_ALWAYS;
    }
    return fd >= 0 && isatty(fd) == 1 && (refusal == NULL || *refusal == '\0') &&
           terminal != NULL && *terminal != '\0' && strcmp(terminal, "dumb") != 0;
}

void mig_paint_add(struct mig_text *t, bool wanted, enum mig_paint paint, const char *text)
{
    if (!wanted || paint == MIG_PAINT_PLAIN || *text == '\0') {
        mig_text_add(t, text);
        return;
    }
    mig_text_addf(t, "%s%s" OFF, codes[paint], text);
}
