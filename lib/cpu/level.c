/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/level.h"

#include <assert.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/arm64_feat.h"
#include "cpu/place.h"

#define WITH(id) (UINT32_C(1) << MIG_LEVEL_##id)
#define NOTHING 0

static const struct {
    const char *name;
    enum mig_arch arch;
    uint32_t includes; /* directly */
} rows[] = {
#define LEVEL(id, name, arch, includes) [MIG_LEVEL_##id] = {(name), MIG_ARCH_##arch, (includes)},
#include "cpu/level.def"
};
static_assert(MIG_LEVEL_COUNT <= 32, "a set of levels is one word");

/* Their places in mig_arm64_feat_all(): what is no feature does not compile. */
enum {
#define FEAT(name, note, ...) AT_##name,
#define FEAT_AA32(name, ...)
#include "cpu/arm64_feat.def"
};

#define NO_REG                                                                                     \
    {                                                                                              \
        0                                                                                          \
    }
#define NEED(level, name, reg, mask, feat)                                                         \
    {                                                                                              \
        MIG_LEVEL_##level, (feat),                                                                 \
        {                                                                                          \
            (name), NULL, reg, (mask)                                                              \
        }                                                                                          \
    }

static const struct {
    enum mig_level level;
    size_t feat; /* of arm64 */
    struct mig_level_need need;
} needs[] = {
#define LEVEL_FLAG(level, flag) NEED(level, #flag, MIG_PLACE_REG(flag), MIG_PLACE_MASK(flag), 0),
#include "cpu/x86_level.def"
#define LEVEL_FEAT(level, name, source) NEED(level, "FEAT_" #name, NO_REG, 0, AT_##name),
#include "cpu/arm64_level.def"
};

static struct mig_level_need need_at(size_t i)
{
    struct mig_level_need need = needs[i].need;

    if (rows[needs[i].level].arch == MIG_ARCH_ARM64) {
        need.feat = &mig_arm64_feat_all().items[needs[i].feat];
    }
    return need;
}

bool mig_level_need_holds(const struct mig_level_need *need, mig_word_fn *word, const void *words)
{
    return need->feat != NULL ? mig_arm64_feat_holds(need->feat, word, words)
                              : (word(words, need->reg) & need->mask) != 0;
}

static bool has(uint32_t set, enum mig_level level)
{
    return (set >> level & 1) != 0;
}

uint32_t mig_level_set(enum mig_level level)
{
    uint32_t set = level != MIG_LEVEL_NONE ? UINT32_C(1) << level : 0;

    /* Rows stand below those that they include. */
    for (; level > MIG_LEVEL_NONE; level--) {
        set |= has(set, level) ? rows[level].includes : 0;
    }
    return set;
}

uint32_t mig_level_part(uint32_t set, enum mig_arch arch)
{
    uint32_t part = 0;

    for (enum mig_level i = MIG_LEVEL_NONE + 1; i < MIG_LEVEL_COUNT; i++) {
        part |= rows[i].arch == arch ? set & UINT32_C(1) << i : 0;
    }
    return part;
}

enum mig_level mig_level_least(uint32_t set, enum mig_arch arch)
{
    uint32_t part = mig_level_part(set, arch);
    enum mig_level level = MIG_LEVEL_NONE;

    while (part != 0 && (part & ~mig_level_set(level)) != 0) {
        level++;
        MIG_ASSERT(level < MIG_LEVEL_COUNT);
    }
    return level;
}

enum mig_level mig_level_lowest(enum mig_arch arch)
{
    enum mig_level level = MIG_LEVEL_NONE;

    while (rows[level].arch != arch) {
        level++;
        MIG_ASSERT(level < MIG_LEVEL_COUNT);
    }
    return level;
}

enum mig_level mig_level_of(enum mig_arch arch, mig_word_fn *word, const void *words)
{
    enum mig_level level = MIG_LEVEL_COUNT - 1;
    uint32_t missed = 0;

    for (size_t i = 0; i < MIG_COUNT(needs); i++) {
        struct mig_level_need need = need_at(i);

        if (rows[needs[i].level].arch == arch && !has(missed, needs[i].level) &&
            !mig_level_need_holds(&need, word, words)) {
            missed |= UINT32_C(1) << needs[i].level;
        }
    }
    while (level > MIG_LEVEL_NONE &&
           (rows[level].arch != arch || (mig_level_set(level) & missed) != 0)) {
        level--;
    }
    return level;
}

bool mig_level_missing(uint32_t set, mig_word_fn *word, const void *words,
                       struct mig_level_need *ret)
{
    for (size_t i = 0; i < MIG_COUNT(needs); i++) {
        struct mig_level_need need = need_at(i);

        if (has(set, needs[i].level) && !mig_level_need_holds(&need, word, words)) {
            *ret = need;
            return true;
        }
    }
    return false;
}

const char *mig_level_name(enum mig_level level)
{
    MIG_ASSERT(level < MIG_LEVEL_COUNT);
    return rows[level].name;
}

enum mig_level mig_level_find(const char *name)
{
    for (enum mig_level i = MIG_LEVEL_NONE + 1; i < MIG_LEVEL_COUNT; i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return i;
        }
    }
    return MIG_LEVEL_NONE;
}

enum mig_level mig_level_asking(const char *need)
{
    for (size_t i = 0; i < MIG_COUNT(needs); i++) {
        if (strcmp(needs[i].need.name, need) == 0) {
            return needs[i].level;
        }
    }
    return MIG_LEVEL_NONE;
}

void mig_level_print_set(uint32_t set, struct mig_text *t)
{
    static const enum mig_arch archs[] = {MIG_ARCH_X86, MIG_ARCH_ARM64};
    const char *comma = "";

    for (size_t i = 0; i < MIG_COUNT(archs); i++) {
        enum mig_level level = mig_level_least(set, archs[i]);

        if (level != MIG_LEVEL_NONE) {
            mig_text_addf(t, "%s%s", comma, rows[level].name);
            comma = ",";
        }
    }
}

void mig_level_print_range(enum mig_arch arch, struct mig_text *t)
{
    enum mig_level last = MIG_LEVEL_COUNT - 1;

    while (rows[last].arch != arch) {
        last--;
    }
    mig_text_addf(t, "%s to %s", rows[mig_level_lowest(arch)].name, rows[last].name);
}
