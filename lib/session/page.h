/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/page.h: text for people in 80 columns.
 */
#pragma once

#include <stdint.h>
#include <stdio.h>

#define MIG_PAGE_COLUMNS 80

/* Print @text with its first line @first columns in and the others @rest,
 * broken at spaces.  A word that is too long stands alone. */
void mig_page_paragraph(FILE *out, int first, int rest, const char *text);

/* The same with @head in front, others lines below its end. */
void mig_page_item(FILE *out, int indent, const char *head, const char *text);

/* "40 s", "12 min", "5 h", "3 days"; "unknown" when negative. */
#define MIG_PAGE_AGE_MAX 32
void mig_page_age(int64_t age_s, char ret[MIG_PAGE_AGE_MAX]);
