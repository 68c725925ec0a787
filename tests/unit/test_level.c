/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/level.h"

#include <stdio.h>

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
        int level;
    } cases[] = {
        {"nothing",                "",                                               0},
        {"all of v1",              V1,                                               1},
        {"v1 without sse2",        "cmov cx8 fpu fxsr lm mmx sse syscall",           0},
        {"v1 with some of v2",     V1 "popcnt ssse3",                                1},
        {"all of v2",              V2,                                               2},
        {"v2 and AVX2",            V2 "avx avx2 xsave",                              2},
        {"all of v3",              V3,                                               3},
        {"v3 without LZCNT",       V2 "avx avx2 bmi1 bmi2 f16c fma movbe xsave",     2},
        {"v3 with AVX-512 F only", V3 "avx512f",                                     3},
        {"all of v4",              V4,                                               4},
        {"v4 but not v2",          V1 "avx512bw avx512cd avx512dq avx512f avx512vl", 1},
        {"more than v4",           V4 "amx_tile sha_ni",                             4},
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, (uint64_t)c->level, (uint64_t)mig_level_of(word_of, c->flags));
    }
}

CHECK_TEST(each_flag_of_a_level_counts)
{
    static const char *const levels[] = {"", V1, V2, V3, V4};

    for (int level = 1; level <= 4; level++) {
        const char *flag = levels[level] + strlen(levels[level - 1]);
        char name[32];
        int len;

        while (sscanf(flag, "%31s%n", name, &len) == 1) {
            char without[512];

            (void)snprintf(without, sizeof without, "%.*s %s", (int)(flag - levels[level]),
                           levels[level], flag + len);
            check_number(name, (uint64_t)level - 1, (uint64_t)mig_level_of(word_of, without));
            check_text(name, name, mig_level_missing(level, word_of, without));
            check_true(name, mig_level_missing(level - 1, word_of, without) == NULL);
            flag += len;
        }
    }
}

CHECK_TEST(nothing_is_missing_at_or_below_the_level)
{
    check_true("v3", mig_level_missing(3, word_of, V3) == NULL);
    check_true("v4", mig_level_missing(4, word_of, V4) == NULL);
    check_true("v4 on v3", mig_level_missing(4, word_of, V3) != NULL);
}

CHECK_TEST(names_parse_back)
{
    static const char *const bad[] = {"",           "x86-64",    "x86-64-v0",      "x86-64-v5",
                                      "x86-64-v10", "X86-64-v1", "below x86-64-v1"};

    for (int level = 1; level <= 4; level++) {
        int back = 0;

        check_true("parses", mig_level_parse(mig_level_name(level), &back));
        check_number(mig_level_name(level), (uint64_t)level, (uint64_t)back);
    }
    check_text("v3", "x86-64-v3", mig_level_name(3));
    check_text("none", "below x86-64-v1", mig_level_name(0));
    CHECK_EACH (name, bad) {
        int level = 7;

        check_true(*name, !mig_level_parse(*name, &level));
        check_number(*name, 7, (uint64_t)level);
    }
}

CHECK_MAIN(cmocka_unit_test(the_level_is_the_highest_whose_flags_are_all_set),
           cmocka_unit_test(each_flag_of_a_level_counts),
           cmocka_unit_test(nothing_is_missing_at_or_below_the_level),
           cmocka_unit_test(names_parse_back))
