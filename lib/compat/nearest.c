/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What somebody may have meant: the known words with the fewest slips of the
 * finger in between (a letter missing, too many, wrong, or two swapped).
 */
#include <ctype.h>
#include <string.h>

#include "base/array.h"
#include "compat/explain.h"

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

struct near {
    const char *word;
    size_t len;
    const char *best[MIG_EXPLAIN_NEAREST];
    unsigned far[MIG_EXPLAIN_NEAREST];
    size_t best_len;
};

static bool is_there(const struct near *n, const char *candidate)
{
    for (size_t i = 0; i < n->best_len; i++) {
        if (strcmp(n->best[i], candidate) == 0) {
            return true;
        }
    }
    return false;
}

/* Keep the best few, of equals the first. */
static void offer(struct near *n, const char *candidate)
{
    size_t len = strlen(candidate), at;
    unsigned far;

    if (len > WORD_MAX || len + n->len / 3 + 1 < n->len || n->len + n->len / 3 + 1 < len) {
        return;
    }
    far = distance(n->word, n->len, candidate, len);
    if (far > n->len / 3 + 1 || far >= n->len || is_there(n, candidate)) {
        return;
    }
    for (at = n->best_len; at > 0 && n->far[at - 1] > far; at--) {
        if (at < MIG_EXPLAIN_NEAREST) {
            n->best[at] = n->best[at - 1];
            n->far[at] = n->far[at - 1];
        }
    }
    if (at < MIG_EXPLAIN_NEAREST) {
        n->best[at] = candidate;
        n->far[at] = far;
        n->best_len += n->best_len < MIG_EXPLAIN_NEAREST ? 1 : 0;
    }
}

size_t mig_explain_nearest(const char *word, const char *ret[MIG_EXPLAIN_NEAREST])
{
    static const char *const others[] = {
#define ALIAS(name, other, who) (other),
#include "cpu/alias.def"
#define TOPIC(id, title, text, remedy) (id),
#include "compat/explain.def"
    };
    struct near n = {.word = word, .len = strlen(word)};
    struct mig_fields all = mig_field_all();

    if (n.len > WORD_MAX) {
        return 0;
    }
    for (size_t i = 0; i < all.len; i++) {
        offer(&n, all.items[i].name);
    }
    for (size_t i = 0; i < MIG_COUNT(others); i++) {
        offer(&n, others[i]);
    }
    memcpy(ret, n.best, n.best_len * sizeof *ret);
    return n.best_len;
}
