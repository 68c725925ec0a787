/* SPDX-License-Identifier: Apache-2.0 */
#include "base/nearest.h"

#include <ctype.h>
#include <string.h>

#include "base/text.h"

#define WORD_MAX 72

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool is_same(char a, char b)
{
    a = a == '-' || a == '.' ? '_' : (char)tolower((unsigned char)a);
    b = b == '-' || b == '.' ? '_' : (char)tolower((unsigned char)b);
    return a == b;
}

/* Three rows of the usual table; words are short. */
static unsigned distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    unsigned rows[3][WORD_MAX + 1];
    unsigned *before = rows[0], *above = rows[1], *row = rows[2];

    for (size_t j = 0; j <= b_len; j++) {
        above[j] = (unsigned)j;
    }
    for (size_t i = 1; i <= a_len; i++) {
        unsigned *oldest = before;

        row[0] = (unsigned)i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned swap = is_same(a[i - 1], b[j - 1]) ? 0 : 1;

            row[j] = least(least(above[j] + 1, row[j - 1] + 1), above[j - 1] + swap);
            if (i > 1 && j > 1 && is_same(a[i - 1], b[j - 2]) && is_same(a[i - 2], b[j - 1])) {
                row[j] = least(row[j], before[j - 2] + 1);
            }
        }
        before = above;
        above = row;
        row = oldest;
    }
    return above[b_len];
}

static bool is_there(const struct mig_nearest *n, const char *candidate)
{
    for (size_t i = 0; i < n->best_len; i++) {
        if (strcmp(n->best[i], candidate) == 0) {
            return true;
        }
    }
    return false;
}

void mig_nearest_init(struct mig_nearest *n, const char *word)
{
    *n = (struct mig_nearest){.word = word, .len = strlen(word)};
}

void mig_nearest_offer(struct mig_nearest *n, const char *candidate)
{
    size_t len = strlen(candidate), at;
    unsigned far;

    if (n->len > WORD_MAX || len > WORD_MAX || len + n->len / 3 + 1 < n->len ||
        n->len + n->len / 3 + 1 < len) {
        return;
    }
    far = distance(n->word, n->len, candidate, len);
    if (far > n->len / 3 + 1 || far >= n->len || is_there(n, candidate)) {
        return;
    }
    for (at = n->best_len; at > 0 && n->far[at - 1] > far; at--) {
        if (at < MIG_NEAREST_MAX) {
            n->best[at] = n->best[at - 1];
            n->far[at] = n->far[at - 1];
        }
    }
    if (at < MIG_NEAREST_MAX) {
        n->best[at] = candidate;
        n->far[at] = far;
        n->best_len += n->best_len < MIG_NEAREST_MAX ? 1 : 0;
    }
}

void mig_nearest_print(const struct mig_nearest *n, struct mig_text *t)
{
    for (size_t i = 0; i < n->best_len; i++) {
        mig_text_addf(t, "%s%s",
                      i == 0                ? "; did you mean "
                      : i + 1 < n->best_len ? ", "
                                            : " or ",
                      n->best[i]);
    }
    mig_text_add(t, n->best_len > 0 ? "?" : "");
}
