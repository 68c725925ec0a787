/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/cmdline.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"

static const char *const switches[] = {
#define CMDLINE(name) name,
#include "snapshot/cmdline.def"
};

/* Length of the name in front of '=' or white space. */
static size_t name_len(const char *word)
{
    return strcspn(word, "= \t\r\n");
}

/* The kernel takes '-' for '_' in names. */
static char plain(char c)
{
    return c == '-' ? '_' : c;
}

static bool is_alike(const char *a, const char *b, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (plain(a[i]) != plain(b[i])) {
            return false;
        }
    }
    return true;
}

static bool matters(const char *word)
{
    size_t len = name_len(word);

    for (size_t i = 0; i < MIG_COUNT(switches); i++) {
        size_t known = strlen(switches[i]);
        bool fits = mig_text_ends(switches[i], ".") ? len > known : len == known;

        if (fits && is_alike(word, switches[i], known)) {
            return true;
        }
    }
    return false;
}

static const char *next_word(const char *word)
{
    word += strcspn(word, " \t\r\n");
    return word + strspn(word, " \t\r\n");
}

static bool is_given_again(const char *word)
{
    size_t len = name_len(word);

    for (const char *later = next_word(word); *later != '\0'; later = next_word(later)) {
        if (name_len(later) == len && is_alike(later, word, len)) {
            return true;
        }
    }
    return false;
}

void mig_cmdline_add_facts(struct mig_builder *b, const char *text, const char *source)
{
    const char *word = text + strspn(text, " \t\r\n");

    for (; *word != '\0'; word = next_word(word)) {
        size_t len = name_len(word), whole = strcspn(word, " \t\r\n");
        MIG_AUTO(mig_free) char *name = NULL;
        MIG_AUTO(mig_free) char *value = NULL;

        if (!matters(word) || is_given_again(word)) {
            continue;
        }
        name = mig_strf("cmdline.%.*s", (int)len, word);
        for (char *c = name; *c != '\0'; c++) {
            *c = plain(*c);
        }
        value = whole > len ? mig_strndup(word + len + 1, whole - len - 1) : mig_strdup("");
        mig_builder_add_fact(b, name, value, source);
    }
}
