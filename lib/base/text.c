/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

void mig_text_add_bytes(struct mig_text *t, const char *s, size_t len)
{
    if (t->cap - t->len < len + 1) {
        t->cap = (t->len + len + 1) * 2;
        t->items = mig_resize(t->items, t->cap, 1);
    }
    memcpy(t->items + t->len, s, len);
    t->len += len;
    t->items[t->len] = '\0';
}

void mig_text_add(struct mig_text *t, const char *s)
{
    mig_text_add_bytes(t, s, strlen(s));
}

void mig_text_addf(struct mig_text *t, const char *fmt, ...)
{
    char small[256];
    va_list ap, again;
    int len;

    va_start(ap, fmt);
    va_copy(again, ap);
    len = vsnprintf(small, sizeof small, fmt, ap);
    va_end(ap);
    MIG_ASSERT(len >= 0);
    if ((size_t)len < sizeof small) {
        mig_text_add_bytes(t, small, (size_t)len);
    } else {
        char *big = mig_alloc((size_t)len + 1, 1);

        (void)vsnprintf(big, (size_t)len + 1, fmt, again);
        mig_text_add_bytes(t, big, (size_t)len);
        mig_free(big);
    }
    va_end(again);
}

void mig_text_clear(struct mig_text *t)
{
    mig_free(t->items);
    *t = (struct mig_text){0};
}

static unsigned digit_of(char c)
{
    if (c >= '0' && c <= '9') {
        return (unsigned)(c - '0');
    }
    if (c >= 'a' && c <= 'f') {
        return (unsigned)(c - 'a') + 10;
    }
    if (c >= 'A' && c <= 'F') {
        return (unsigned)(c - 'A') + 10;
    }
    return 99;
}

bool mig_text_digits(const char *s, size_t len, unsigned base, uint64_t max, uint64_t *ret)
{
    uint64_t value = 0;

    if (len == 0) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned digit = digit_of(s[i]);

        if (digit >= base || value > (max - (digit > max ? max : digit)) / base || digit > max) {
            return false;
        }
        value = value * base + digit;
    }
    *ret = value;
    return true;
}

bool mig_text_to_u64(const char *s, uint64_t max, uint64_t *ret)
{
    if (mig_text_starts(s, "0x") || mig_text_starts(s, "0X")) {
        return mig_text_digits(s + 2, strlen(s + 2), 16, max, ret);
    }
    return mig_text_digits(s, strlen(s), 10, max, ret);
}

char *mig_text_trim(char *s)
{
    size_t len;

    while (isspace((unsigned char)*s)) {
        s++;
    }
    len = strlen(s);
    while (len > 0 && isspace((unsigned char)s[len - 1])) {
        s[--len] = '\0';
    }
    return s;
}

bool mig_text_starts(const char *s, const char *prefix)
{
    return strncmp(s, prefix, strlen(prefix)) == 0;
}

bool mig_text_ends(const char *s, const char *suffix)
{
    size_t a = strlen(s), b = strlen(suffix);

    return a >= b && strcmp(s + a - b, suffix) == 0;
}

void mig_text_make_printable(char *s)
{
    for (; *s != '\0'; s++) {
        if ((unsigned char)*s < 0x20 || (unsigned char)*s > 0x7e) {
            *s = '?';
        }
    }
}

void mig_text_hex(const unsigned char *bytes, size_t len, char *ret)
{
    static const char digits[] = "0123456789abcdef";

    for (size_t i = 0; i < len; i++) {
        ret[2 * i] = digits[bytes[i] >> 4];
        ret[2 * i + 1] = digits[bytes[i] & 15];
    }
    ret[2 * len] = '\0';
}

bool mig_text_is_uuid(const char *s)
{
    return strlen(s) == MIG_UUID_TEXT - 1 &&
           strspn(s, "0123456789abcdefABCDEF-") == MIG_UUID_TEXT - 1;
}
