/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/level.h"

#include <string.h>

#include "base/array.h"
#include "cpu/place.h"

static const char *const names[] = {"below x86-64-v1", "x86-64-v1", "x86-64-v2", "x86-64-v3",
                                    "x86-64-v4"};

/* In order of level. */
static const struct {
    int level;
    const char *flag;
    struct mig_reg reg;
    uint64_t mask;
} flags[] = {
#define LEVEL(level, flag) {(level), #flag, MIG_PLACE_REG(flag), MIG_PLACE_MASK(flag)},
#include "cpu/level.def"
};

/* Index of the first flag that is not set; MIG_COUNT(flags) when all are. */
static size_t first_missing(mig_word_fn *word, const void *words)
{
    size_t i = 0;

    while (i < MIG_COUNT(flags) && (word(words, flags[i].reg) & flags[i].mask) != 0) {
        i++;
    }
    return i;
}

int mig_level_of(mig_word_fn *word, const void *words)
{
    size_t i = first_missing(word, words);

    return i == MIG_COUNT(flags) ? (int)MIG_COUNT(names) - 1 : flags[i].level - 1;
}

const char *mig_level_name(int level)
{
    MIG_ASSERT(level >= 0 && level < (int)MIG_COUNT(names));
    return names[level];
}

bool mig_level_parse(const char *name, int *ret)
{
    for (int level = 1; level < (int)MIG_COUNT(names); level++) {
        if (strcmp(names[level], name) == 0) {
            *ret = level;
            return true;
        }
    }
    return false;
}

const char *mig_level_missing(int level, mig_word_fn *word, const void *words)
{
    size_t i = first_missing(word, words);

    return i == MIG_COUNT(flags) || flags[i].level > level ? NULL : flags[i].flag;
}
