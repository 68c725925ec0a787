/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/wordlist.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "cpu/level.h"

/* Next word of a comma list that strsep() may take apart; empty ones are
 * skipped.  NULL at the end. */
static const char *next_word(char **rest)
{
    char *word;

    while ((word = strsep(rest, ",")) != NULL) {
        word = mig_text_trim(word);
        if (*word != '\0') {
            return word;
        }
    }
    return NULL;
}

static bool fail_group(const char *word, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text known = {0};

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_text_addf(&known, "%s%s", g == 0 ? "" : ", ", mig_group_name((enum mig_group)g));
    }
    return mig_fail(err, MIG_USAGE, "unknown group '%.40s'; groups are %s", word, known.items);
}

bool mig_wordlist_groups(const char *list, bool ret[MIG_GROUP_COUNT], struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    char *rest = copy;
    const char *word;

    while ((word = next_word(&rest)) != NULL) {
        enum mig_group group;

        if (!mig_group_parse(word, &group)) {
            return fail_group(word, err);
        }
        ret[group] = true;
    }
    return true;
}

static int compare(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The field table owns the names. */
static size_t all_opt_ins(const char *ret[MIG_OPT_INS_MAX])
{
    const struct mig_fields all = mig_field_all();
    size_t len = 0;

    for (size_t i = 0; i < all.len; i++) {
        size_t at = 0;

        while (all.items[i].opt_in != NULL && at < len &&
               strcmp(ret[at], all.items[i].opt_in) != 0) {
            at++;
        }
        if (all.items[i].opt_in != NULL && at == len) {
            MIG_ASSERT(len < MIG_OPT_INS_MAX);
            ret[len++] = all.items[i].opt_in;
        }
    }
    qsort((void *)ret, len, sizeof *ret, compare);
    return len;
}

static bool fail_opt_in(const char *word, const char *const *known, size_t len,
                        struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text list = {0};

    for (size_t i = 0; i < len; i++) {
        mig_text_addf(&list, "%s%s", i == 0 ? "" : ", ", known[i]);
    }
    return mig_fail(err, MIG_USAGE, "'%.40s' is no opt-in feature; they are %s", word, list.items);
}

bool mig_wordlist_opt_ins(const char *list, const char *ret[MIG_OPT_INS_MAX], size_t *ret_len,
                          struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    const char *known[MIG_OPT_INS_MAX], *word;
    bool named[MIG_OPT_INS_MAX] = {false};
    size_t len = all_opt_ins(known);
    char *rest = copy;

    while ((word = next_word(&rest)) != NULL) {
        const char *const *found = bsearch(&word, known, len, sizeof *known, compare);

        if (found == NULL) {
            return fail_opt_in(word, known, len, err);
        }
        named[found - known] = true;
    }
    *ret_len = 0;
    for (size_t i = 0; i < len; i++) {
        if (named[i]) {
            ret[(*ret_len)++] = known[i];
        }
    }
    return true;
}

static bool fail_level(const char *word, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text known = {0};

    mig_level_print_range(MIG_ARCH_X86, &known);
    mig_text_add(&known, ", ");
    mig_level_print_range(MIG_ARCH_ARM64, &known);
    return mig_fail(err, MIG_USAGE, "unknown level '%.40s'; levels are %s", word, known.items);
}

bool mig_wordlist_levels(const char *list, uint32_t *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    char *rest = copy;
    const char *word;
    uint32_t set = 0;

    while ((word = next_word(&rest)) != NULL) {
        enum mig_level level = mig_level_find(word);

        if (level == MIG_LEVEL_NONE) {
            return fail_level(word, err);
        }
        set |= mig_level_set(level);
    }
    if (set == 0) {
        return fail_level("", err);
    }
    *ret = set;
    return true;
}
