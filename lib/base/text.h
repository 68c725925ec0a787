/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/text.h: strings in and out: a growing buffer, strict numbers, and text
 * made safe for a terminal.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

/* Zero-initialised is empty; .items is always NUL-terminated once non-NULL. */
struct mig_text {
    char *items;
    size_t len, cap;
};

void mig_text_add(struct mig_text *t, const char *s);
void mig_text_add_bytes(struct mig_text *t, const char *s, size_t len);
void mig_text_addf(struct mig_text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void mig_text_clear(struct mig_text *t);

static inline void mig_text_clear_auto(struct mig_text *t)
{
    mig_text_clear(t);
}

/* The whole of @s is one number: decimal, or hex after 0x.  Rejects sign,
 * space, empty and anything above @max. */
MIG_MUST_CHECK bool mig_text_to_u64(const char *s, uint64_t max, uint64_t *ret);

/* As above with the digits alone in @base (2, 10 or 16), no prefix. */
MIG_MUST_CHECK bool mig_text_digits(const char *s, size_t len, unsigned base, uint64_t max,
                                    uint64_t *ret);

/* Cut white space at both ends, in place; gives the new start. */
char *mig_text_trim(char *s);

bool mig_text_starts(const char *s, const char *prefix);
bool mig_text_ends(const char *s, const char *suffix);

/* Replace what is not printable ASCII by '?', in place: peers and files name
 * things, terminals obey escape codes. */
void mig_text_make_printable(char *s);

/* @ret gets 2 * @len lower-case digits and a NUL. */
void mig_text_hex(const unsigned char *bytes, size_t len, char *ret);

/* Of a UUID as text, NUL included. */
#define MIG_UUID_TEXT 37
/* As many hex digits and dashes as a UUID has: fit to be the name of a file. */
bool mig_text_is_uuid(const char *s);
