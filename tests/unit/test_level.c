/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/level.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/arm64_feat.h"
#include "cpu/field.h"
#include "support/check.h"

#define V1 "cmov cx8 fpu fxsr lm mmx sse sse2 syscall "
#define V2 V1 "cx16 lahf_lm pni popcnt sse4_1 sse4_2 ssse3 "
#define V3 V2 "abm avx avx2 bmi1 bmi2 f16c fma movbe xsave "
#define V4 V3 "avx512bw avx512cd avx512dq avx512f avx512vl "

/* The words are a list of flag names. */
static uint64_t word_of(const void *words, struct mig_reg reg)
{
    const char *list = words;
    uint64_t word = 0;
    char name[32];
    int len;

    while (sscanf(list, "%31s%n", name, &len) == 1) {
        const struct mig_field *f = mig_field_find(name);

        check_true(name, f != NULL);
        if (mig_reg_key(f->reg) == mig_reg_key(reg)) {
            word = mig_field_put(f, word, 1);
        }
        list += len;
    }
    return word;
}

CHECK_TEST(the_level_is_the_highest_whose_flags_are_all_set)
{
    static const struct {
        const char *label, *flags;
        enum mig_level level;
    } cases[] = {
        {"nothing",                "",                                               MIG_LEVEL_NONE     },
        {"all of v1",              V1,                                               MIG_LEVEL_X86_64_V1},
        {"v1 without sse2",        "cmov cx8 fpu fxsr lm mmx sse syscall",           MIG_LEVEL_NONE     },
        {"v1 with some of v2",     V1 "popcnt ssse3",                                MIG_LEVEL_X86_64_V1},
        {"all of v2",              V2,                                               MIG_LEVEL_X86_64_V2},
        {"v2 and AVX2",            V2 "avx avx2 xsave",                              MIG_LEVEL_X86_64_V2},
        {"all of v3",              V3,                                               MIG_LEVEL_X86_64_V3},
        {"v3 without LZCNT",       V2 "avx avx2 bmi1 bmi2 f16c fma movbe xsave",     MIG_LEVEL_X86_64_V2},
        {"v3 with AVX-512 F only", V3 "avx512f",                                     MIG_LEVEL_X86_64_V3},
        {"all of v4",              V4,                                               MIG_LEVEL_X86_64_V4},
        {"v4 but not v2",          V1 "avx512bw avx512cd avx512dq avx512f avx512vl", MIG_LEVEL_X86_64_V1},
        {"more than v4",           V4 "amx_tile sha_ni",                             MIG_LEVEL_X86_64_V4},
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, c->level, mig_level_of(MIG_ARCH_X86, word_of, c->flags));
    }
}

/* A need of @level that is missing, or "". */
static const char *missing(enum mig_level level, mig_word_fn *word, const void *words)
{
    struct mig_level_need need;

    return mig_level_missing(mig_level_set(level), word, words, &need) ? need.name : "";
}

CHECK_TEST(each_flag_of_a_level_counts)
{
    static const char *const levels[] = {"", V1, V2, V3, V4};

    for (enum mig_level level = MIG_LEVEL_X86_64_V1; level <= MIG_LEVEL_X86_64_V4; level++) {
        const char *flag = levels[level] + strlen(levels[level - 1]);
        char name[32];
        int len;

        while (sscanf(flag, "%31s%n", name, &len) == 1) {
            char without[512];

            (void)snprintf(without, sizeof without, "%.*s %s", (int)(flag - levels[level]),
                           levels[level], flag + len);
            check_number(name, level - 1, mig_level_of(MIG_ARCH_X86, word_of, without));
            check_text(name, name, missing(level, word_of, without));
            check_text(name, "", missing(level - 1, word_of, without));
            check_number(name, level, mig_level_asking(name));
            flag += len;
        }
    }
}

CHECK_TEST(nothing_is_missing_at_or_below_the_level)
{
    check_text("v3", "", missing(MIG_LEVEL_X86_64_V3, word_of, V3));
    check_text("v4", "", missing(MIG_LEVEL_X86_64_V4, word_of, V4));
    check_text("v4 on v3", "avx512bw", missing(MIG_LEVEL_X86_64_V4, word_of, V3));
}

/* The words are a level of arm64: its features and all that it includes. */
static uint64_t level_word(const void *words, struct mig_reg reg)
{
    const uint32_t *set = words;
    struct mig_arm64_feats feats = mig_arm64_feat_all();
    uint64_t word = 0;

    for (size_t i = 0; i < feats.len; i++) {
        enum mig_level level = mig_level_asking(feats.items[i].name);

        for (size_t t = 0; level != MIG_LEVEL_NONE && t < feats.items[i].terms.len; t++) {
            const struct mig_arm64_term *term = &feats.items[i].terms.items[t];
            uint64_t at = (uint64_t)term->value << term->lo, mask = UINT64_C(15) << term->lo;

            if ((*set >> level & 1) != 0 && mig_reg_key(term->reg) == mig_reg_key(reg) &&
                (word & mask) < at) {
                word = (word & ~mask) | at;
            }
        }
    }
    return word;
}

static uint64_t no_word(const void *words, struct mig_reg reg)
{
    (void)words;
    (void)reg;
    return 0;
}

CHECK_TEST(a_host_with_the_features_of_a_level_of_arm64_has_that_level)
{
    for (enum mig_level level = MIG_LEVEL_ARMV8_0; level <= MIG_LEVEL_ARMV9_1; level++) {
        uint32_t set = mig_level_set(level);

        check_number(mig_level_name(level), level, mig_level_of(MIG_ARCH_ARM64, level_word, &set));
        check_text(mig_level_name(level), "", missing(level, level_word, &set));
        check_number(mig_level_name(level), set, mig_level_part(set, MIG_ARCH_ARM64));
    }
}

/* So that what is not known never makes a level. */
CHECK_TEST(no_need_holds_of_registers_that_are_zero)
{
    struct mig_arm64_feats feats = mig_arm64_feat_all();

    for (size_t i = 0; i < feats.len; i++) {
        if (mig_level_asking(feats.items[i].name) != MIG_LEVEL_NONE) {
            check_true(feats.items[i].name, !mig_arm64_feat_holds(&feats.items[i], no_word, NULL));
        }
    }
    check_number("zero", MIG_LEVEL_ARMV8_0, mig_level_of(MIG_ARCH_ARM64, no_word, NULL));
    check_number("zero of x86", MIG_LEVEL_NONE, mig_level_of(MIG_ARCH_X86, no_word, NULL));
}

CHECK_TEST(levels_join_to_the_least_that_includes_both)
{
    static const struct {
        enum mig_level a, b, x86, arm64;
    } cases[] = {
        {MIG_LEVEL_NONE,      MIG_LEVEL_NONE,      MIG_LEVEL_NONE,      MIG_LEVEL_NONE   },
        {MIG_LEVEL_X86_64_V2, MIG_LEVEL_X86_64_V3, MIG_LEVEL_X86_64_V3, MIG_LEVEL_NONE   },
        {MIG_LEVEL_X86_64_V2, MIG_LEVEL_ARMV8_4,   MIG_LEVEL_X86_64_V2, MIG_LEVEL_ARMV8_4},
        {MIG_LEVEL_ARMV8_2,   MIG_LEVEL_ARMV8_4,   MIG_LEVEL_NONE,      MIG_LEVEL_ARMV8_4},
        {MIG_LEVEL_ARMV8_5,   MIG_LEVEL_ARMV9_0,   MIG_LEVEL_NONE,      MIG_LEVEL_ARMV9_0},
        {MIG_LEVEL_ARMV8_6,   MIG_LEVEL_ARMV9_0,   MIG_LEVEL_NONE,      MIG_LEVEL_ARMV9_1},
        {MIG_LEVEL_ARMV8_6,   MIG_LEVEL_ARMV9_1,   MIG_LEVEL_NONE,      MIG_LEVEL_ARMV9_1},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *label = mig_strf("%d and %d", (int)c->a, (int)c->b);
        uint32_t both = mig_level_set(c->a) | mig_level_set(c->b);

        check_number(label, c->x86, mig_level_least(both, MIG_ARCH_X86));
        check_number(label, c->arm64, mig_level_least(both, MIG_ARCH_ARM64));
    }
    check_true("8.6 is not below 9.0",
               (mig_level_set(MIG_LEVEL_ARMV8_6) & ~mig_level_set(MIG_LEVEL_ARMV9_0)) != 0);
}

CHECK_TEST(names_parse_back)
{
    static const char *const bad[] = {"",           "x86-64",    "x86-64-v0",       "x86-64-v5",
                                      "x86-64-v10", "X86-64-v1", "below x86-64-v1", "Armv8",
                                      "Armv8.7",    "armv8.2-a", "Armv8.20"};

    for (enum mig_level level = MIG_LEVEL_NONE + 1; level < MIG_LEVEL_COUNT; level++) {
        check_number(mig_level_name(level), level, mig_level_find(mig_level_name(level)));
    }
    check_text("v3", "x86-64-v3", mig_level_name(MIG_LEVEL_X86_64_V3));
    check_text("none", "below x86-64-v1", mig_level_name(MIG_LEVEL_NONE));
    CHECK_EACH (name, bad) {
        check_number(*name, MIG_LEVEL_NONE, mig_level_find(*name));
    }
}

CHECK_TEST(sets_and_ranges_print)
{
    MIG_AUTO(mig_text_clear) struct mig_text set = {0}, range = {0};

    mig_level_print_set(mig_level_set(MIG_LEVEL_ARMV9_0) | mig_level_set(MIG_LEVEL_X86_64_V2) |
                            mig_level_set(MIG_LEVEL_ARMV8_6),
                        &set);
    check_text("set", "x86-64-v2,Armv9.1", set.items);
    mig_level_print_range(MIG_ARCH_X86, &range);
    check_text("range", "x86-64-v1 to x86-64-v4", range.items);
}

CHECK_MAIN(cmocka_unit_test(the_level_is_the_highest_whose_flags_are_all_set),
           cmocka_unit_test(each_flag_of_a_level_counts),
           cmocka_unit_test(nothing_is_missing_at_or_below_the_level),
           cmocka_unit_test(a_host_with_the_features_of_a_level_of_arm64_has_that_level),
           cmocka_unit_test(no_need_holds_of_registers_that_are_zero),
           cmocka_unit_test(levels_join_to_the_least_that_includes_both),
           cmocka_unit_test(names_parse_back), cmocka_unit_test(sets_and_ranges_print))
