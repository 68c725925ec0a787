/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/paint.h: colour that helps the eye on a terminal and is nowhere
 * else.  It only repeats what the words say.
 */
#pragma once

#include <stdio.h>

#include "base/text.h"

enum mig_paint {
    MIG_PAINT_PLAIN,
    MIG_PAINT_GOOD,   /* green */
    MIG_PAINT_CARE,   /* yellow */
    MIG_PAINT_BAD,    /* red */
    MIG_PAINT_STRONG, /* bold: what is looked for */
    MIG_PAINT_FAINT,  /* dim: what is there when it is needed */
    MIG_PAINT_COUNT
};

enum mig_paint_when { MIG_PAINT_AUTO, MIG_PAINT_ALWAYS, MIG_PAINT_NEVER };

MIG_MUST_CHECK bool mig_paint_parse(const char *word, enum mig_paint_when *ret);

/* Auto: @out is a terminal, not a dumb one, and $NO_COLOR is empty. */
bool mig_paint_is_wanted(enum mig_paint_when when, FILE *out);

/* Append @text, painted when @wanted. */
void mig_paint_add(struct mig_text *t, bool wanted, enum mig_paint paint, const char *text);
