/* SPDX-License-Identifier: Apache-2.0 */
#include "session/change_text.h"

#include <stdlib.h>

#include "support/check.h"
#include "support/printed.h"

static const struct mig_change changes[] = {
    {"x86/cpuid/7.0/ebx/9",          "erms",           {MIG_KNOWN, 1},    {MIG_KNOWN, 0},     NULL        },
    {"x86/cpuid/80000008.0/eax/7:0", "phys_addr_bits", {MIG_KNOWN, 52},   {MIG_KNOWN, 46},    NULL        },
    {"x86/msr/10a/14",               "fbsdp_no",       {MIG_KNOWN, 1},    {MIG_ABSENT, 0},    "[security]"},
    {"x86/cpuid/7.0/edx/31",         "",               {MIG_KNOWN, 0x10}, {MIG_UNCOVERED, 0}, NULL        },
};

CHECK_TEST(values_stand_below_each_other)
{
    static const struct {
        const char *columns, *printed;
        bool colour;
    } cases[] = {
        {"80",
         "  x86/cpuid/7.0/ebx/9                  1 -> 0             erms\n"
         "  x86/cpuid/80000008.0/eax/7:0   52 bits -> 46 bits       phys_addr_bits\n"
         "  x86/msr/10a/14                       1 -> 0 (absent)    fbsdp_no [security]\n"
         "  x86/cpuid/7.0/edx/31              0x10 -> not covered\n", false},
        {"68",
         "  x86/cpuid/7.0/ebx/9                  1 -> 0             erms\n"
         "  x86/cpuid/80000008.0/eax/7:0   52 bits -> 46 bits   phys_addr_bits\n"
         "  x86/msr/10a/14                       1 -> 0 (absent)\n"
         "      fbsdp_no [security]\n"
         "  x86/cpuid/7.0/edx/31              0x10 -> not covered\n", false},
        {"80",
         "  x86/cpuid/7.0/ebx/9                  1 -> 0             \033[1merms\033[0m\n"
         "  x86/cpuid/80000008.0/eax/7:0   52 bits -> 46 bits       "
         "\033[1mphys_addr_bits\033[0m\n"
         "  x86/msr/10a/14                       1 -> 0 (absent)    \033[1mfbsdp_no\033[0m "
         "\033[1;31m[security]\033[0m\n"
         "  x86/cpuid/7.0/edx/31              0x10 -> not covered\n", true },
    };

    CHECK_EACH (c, cases) {
        char *got;

        (void)setenv("COLUMNS", c->columns, 1);
        got = PRINTED(mig_change_text_print(&(struct mig_report){.out = out, .colour = c->colour},
                                            2, changes, sizeof changes / sizeof *changes));
        check_text(c->columns, c->printed, got);
        free(got);
    }
}

CHECK_TEST(no_change_prints_nothing)
{
    char *got = PRINTED(mig_change_text_print(&(struct mig_report){.out = out}, 2, changes, 0));

    check_text("none", "", got);
    free(got);
}

CHECK_MAIN(cmocka_unit_test(values_stand_below_each_other),
           cmocka_unit_test(no_change_prints_nothing))
