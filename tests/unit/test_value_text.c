/* SPDX-License-Identifier: Apache-2.0 */
#include "session/value_text.h"

#include <stdio.h>

#include "cpu/field.h"
#include "support/check.h"

CHECK_TEST(values_are_told_by_number_unit_and_name)
{
    static const struct {
        const char *id, *name;
        struct mig_seen seen;
        const char *text;
    } cases[] = {
        {"arm64/ID_AA64ISAR0_EL1/AES",       NULL,             {MIG_KNOWN, 2},          "2 (pmull)"                    },
        {"arm64/ID_AA64ISAR0_EL1/AES",       NULL,             {MIG_KNOWN, 7},          "7"                            },
        {"arm64/ID_AA64ISAR0_EL1/AES",       NULL,             {MIG_UNCOVERED, 0},      "not covered"                  },
        {"arm64/ID_AA64DFR0_EL1/DoubleLock", NULL,             {MIG_KNOWN, 15},         "15 (ni)"                      },
        {"arm64/PSCI_VERSION/version",       NULL,             {MIG_KNOWN, 0x10001},    "0x10001 (1.1)"                },
        {"arm64/MIDR_EL1/PartNum",           NULL,             {MIG_KNOWN, 0xd40},      "0xd40"                        },
        {"arm64/MIDR_EL1",                   NULL,             {MIG_KNOWN, 0x413fd0c1}, "Neoverse-N1 r3p1 (0x413fd0c1)"},
        {"arm64/MIDR_EL1",                   NULL,             {MIG_KNOWN, 0x413fdff1}, "0x413fdff1"                   },
        {"arm64/ID_MMFR1_EL1/L1Hvd",         NULL,             {MIG_KNOWN, 3},          "3 (clean_and_invalida)"       },
        {"arm64/ID_AA64ISAR0_EL1",           NULL,             {MIG_KNOWN, 0x10},       "0x10"                         },
        {"x86/cpuid/80000008.0/eax/7:0",     "phys_addr_bits", {MIG_KNOWN, 46},         "46 bits"                      },
    };

    CHECK_EACH (c, cases) {
        char text[MIG_REPORT_VALUE_MAX];

        mig_value_text_measure(c->id, c->name, c->seen, text);
        check_text(c->id, c->text, text);
    }
}

CHECK_TEST(a_place_is_told_as_in_manuals)
{
    static const struct {
        const char *id, *place;
    } cases[] = {
        {"arm64/ID_AA64ISAR0_EL1/AES", "ID register ID_AA64ISAR0_EL1, bits 7:4"},
        {"arm64/CTR_EL0/IDC",          "ID register CTR_EL0, bit 28"           },
        {"x86/cpuid/7.0/ebx/5",        "CPUID leaf 7 subleaf 0, EBX bit 5"     },
        {"x86/msr/10a/17",             "MSR 0x10a, bit 17"                     },
    };

    CHECK_EACH (c, cases) {
        const struct mig_field *f = mig_field_find(c->id);
        struct mig_finding finding = {.key = mig_reg_key(f->reg), .lo = f->lo, .field = f};
        char text[MIG_VALUE_TEXT_PLACE_MAX];

        (void)snprintf(finding.id, sizeof finding.id, "%s", c->id);
        mig_value_text_place(&finding, text);
        check_text(c->id, c->place, text);
    }
}

CHECK_TEST(a_name_that_repeats_the_id_is_no_news)
{
    static const struct {
        const char *id, *name;
        bool news;
    } cases[] = {
        {"arm64/CTR_EL0/IDC",          "CTR_EL0.IDC", false},
        {"arm64/ID_AA64ISAR0_EL1/AES", "FEAT_AES",    true },
        {"host/tsc-khz",               "tsc-khz",     false},
        {"x86/cpuid/7.0/ebx/5",        "avx2",        true },
        {"x86/cpuid/7.0/ebx/5",        "",            false},
    };

    CHECK_EACH (c, cases) {
        check_number(c->name, c->news, mig_value_text_is_news(c->id, c->name));
    }
}

CHECK_MAIN(cmocka_unit_test(values_are_told_by_number_unit_and_name),
           cmocka_unit_test(a_place_is_told_as_in_manuals),
           cmocka_unit_test(a_name_that_repeats_the_id_is_no_news))
