/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/wordlist.h"

#include "base/text.h"
#include "cpu/level.h"
#include "support/check.h"

CHECK_TEST(groups_are_set_by_name)
{
    static const struct {
        const char *label, *list, *named;
    } cases[] = {
        {"none",          "",                ""           },
        {"one",           "tsc",             "tsc"        },
        {"spaces",        " tsc ,\tkvm-cap", "kvm-cap tsc"},
        {"twice",         "msr,msr",         "msr"        },
        {"empty between", "msr,,tsc,",       "msr tsc"    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text got = {0};
        bool groups[MIG_GROUP_COUNT] = {false};
        struct mig_error err;

        mig_text_add(&got, "");
        check_done(c->label, mig_wordlist_groups(c->list, groups, &err), &err);
        for (int g = 0; g < MIG_GROUP_COUNT; g++) {
            if (groups[g]) {
                mig_text_addf(&got, "%s%s", got.len > 0 ? " " : "",
                              mig_group_name((enum mig_group)g));
            }
        }
        check_text(c->label, c->named, got.items); /* in table order */
    }
}

CHECK_TEST(opt_ins_come_sorted_and_once)
{
    static const struct {
        const char *label, *list, *named;
    } cases[] = {
        {"none",   "",                ""              },
        {"sorted", "pmu,mpx,nested",  "mpx nested pmu"},
        {"twice",  "pmu, pmu , mpx,", "mpx pmu"       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_text_clear) struct mig_text got = {0};
        const char *names[MIG_OPT_INS_MAX];
        size_t len = 0;
        struct mig_error err;

        mig_text_add(&got, "");
        check_done(c->label, mig_wordlist_opt_ins(c->list, names, &len, &err), &err);
        for (size_t i = 0; i < len; i++) {
            mig_text_addf(&got, "%s%s", i > 0 ? " " : "", names[i]);
        }
        check_text(c->label, c->named, got.items);
    }
}

CHECK_TEST(levels_are_joined)
{
    static const struct {
        const char *list;
        enum mig_level x86, arm64;
    } cases[] = {
        {"x86-64-v3",          MIG_LEVEL_X86_64_V3, MIG_LEVEL_NONE   },
        {"x86-64-v3, Armv8.2", MIG_LEVEL_X86_64_V3, MIG_LEVEL_ARMV8_2},
        {"Armv9.0,Armv8.6,",   MIG_LEVEL_NONE,      MIG_LEVEL_ARMV9_1},
    };

    CHECK_EACH (c, cases) {
        struct mig_error err;
        uint32_t set = 0;

        check_done(c->list, mig_wordlist_levels(c->list, &set, &err), &err);
        check_number(c->list, c->x86, mig_level_least(set, MIG_ARCH_X86));
        check_number(c->list, c->arm64, mig_level_least(set, MIG_ARCH_ARM64));
    }
}

CHECK_TEST(a_word_that_is_none_is_no_level)
{
    static const char *const bad[] = {"", ",", "x86-64-v3,Armv8", "below x86-64-v1", "armv8.2"};

    CHECK_EACH (list, bad) {
        struct mig_error err;
        uint32_t set = 7;

        check_true(*list, !mig_wordlist_levels(*list, &set, &err));
        check_contains(*list, "levels are x86-64-v1 to x86-64-v4, Armv8.0 to Armv9.1", err.msg);
        check_number(*list, 7, set);
    }
}

CHECK_TEST(a_word_that_is_none_names_all_there_are)
{
    bool groups[MIG_GROUP_COUNT] = {false};
    const char *names[MIG_OPT_INS_MAX];
    struct mig_error err = {0};
    size_t len = 0;

    check_true("group", !mig_wordlist_groups("tsc,gpu", groups, &err));
    check_contains("group", "unknown group 'gpu'; groups are kvm-view, cpuid", err.msg);
    check_number("group", MIG_USAGE, err.code);
    check_true("opt-in", !mig_wordlist_opt_ins("mpx,warp", names, &len, &err));
    check_contains("opt-in", "'warp' is no opt-in feature; they are ", err.msg);
    check_contains("opt-in", "mpx, ", err.msg);
    check_true("no comma at the end",
               !mig_text_ends(err.msg, ", ") && !mig_text_ends(err.msg, ","));
}

CHECK_MAIN(cmocka_unit_test(groups_are_set_by_name), cmocka_unit_test(opt_ins_come_sorted_and_once),
           cmocka_unit_test(levels_are_joined), cmocka_unit_test(a_word_that_is_none_is_no_level),
           cmocka_unit_test(a_word_that_is_none_names_all_there_are))
