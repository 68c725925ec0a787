/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/page.h: text for people, as wide as what it is shown on.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#define MIG_PAGE_COLUMNS 80 /* of what is no terminal */
#define MIG_PAGE_COLUMNS_MIN 40
#define MIG_PAGE_COLUMNS_MAX 160 /* longer lines are hard to follow */

/* How wide text on @out is: $COLUMNS, else its terminal, else 80. */
int mig_page_columns(FILE *out);

/* Columns that @text takes; colours (session/paint.h) take none. */
int mig_page_width(const char *text);

/* Print @text with its first line @first columns in and the others @rest,
 * broken at spaces.  A word that is too long stands alone. */
void mig_page_paragraph(FILE *out, int first, int rest, const char *text);

/* The same with @head in front, other lines below its end; or all of them
 * below the head where it leaves no room for the longest word. */
void mig_page_item(FILE *out, int indent, const char *head, const char *text);

/* "40 s", "12 min", "5 h", "3 days"; "unknown" when negative. */
#define MIG_PAGE_AGE_MAX 32
void mig_page_age(int64_t age_s, char ret[MIG_PAGE_AGE_MAX]);
