/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/version.h"

#include <ctype.h>
#include <string.h>

#include "base/array.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* "-rc1", "~rc2", "rc3", "-dev": not yet that release. */
static bool is_candidate(const char *rest)
{
    static const char *const words[] = {"rc", "dev", "beta", "alpha", "pre"};

    if (*rest == '~') {
        return true;
    }
    rest += *rest == '-' || *rest == '.' ? 1 : 0;
    for (size_t i = 0; i < MIG_COUNT(words); i++) {
        if (strncmp(rest, words[i], strlen(words[i])) == 0) {
            return true;
        }
    }
    return false;
}

/* Saturates: a number that no one counts to is later than all that are. */
static const char *read_number(const char *s, unsigned base, uint64_t *ret)
{
    uint64_t value = 0;

    for (; base == 16 ? isxdigit((unsigned char)*s) != 0 : is_digit(*s); s++) {
        unsigned digit = is_digit(*s) ? (unsigned)(*s - '0') : ((unsigned)*s | 0x20) - 'a' + 10;

        value = value > (UINT64_MAX - digit) / base ? UINT64_MAX : value * base + digit;
    }
    *ret = value;
    return s;
}

/* Where a version starts: a digit at the start of a word, with or without v;
 * behind an epoch. */
static const char *find_start(const char *text)
{
    for (const char *s = text; *s != '\0'; s++) {
        const char *digit = *s == 'v' && is_digit(s[1]) ? s + 1 : s;
        bool starts_word = s == text || strchr(" \t(-:/", s[-1]) != NULL;

        if (starts_word && is_digit(*digit)) {
            const char *end = digit + strspn(digit, "0123456789");

            return *end == ':' && is_digit(end[1]) ? end + 1 : digit;
        }
    }
    return NULL;
}

bool mig_version_parse(const char *text, struct mig_version *ret)
{
    const char *s = text != NULL ? find_start(text) : NULL;
    struct mig_version v = {0};
    size_t len = 0;

    if (s == NULL) {
        return false;
    }
    if (s[0] == '0' && s[1] == 'x' && isxdigit((unsigned char)s[2])) {
        (void)read_number(s + 2, 16, &v.part[0]);
        *ret = v;
        return true;
    }
    for (;;) {
        uint64_t part;

        s = read_number(s, 10, &part);
        if (len < MIG_VERSION_PARTS) {
            v.part[len++] = part;
        }
        if (s[0] != '.' || !is_digit(s[1])) {
            break;
        }
        s++;
    }
    v.before = is_candidate(s);
    *ret = v;
    return true;
}

int mig_version_compare(const char *a, const char *b)
{
    struct mig_version x, y;
    bool has_a = mig_version_parse(a, &x), has_b = mig_version_parse(b, &y);

    if (!has_a || !has_b) {
        return (int)has_a - (int)has_b;
    }
    for (size_t i = 0; i < MIG_VERSION_PARTS; i++) {
        if (x.part[i] != y.part[i]) {
            return x.part[i] < y.part[i] ? -1 : 1;
        }
    }
    return (int)y.before - (int)x.before;
}
