/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_name.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>

#include "base/bits.h"
#include "cpu/arm64_value.h"
#include "support/check.h"
#include "support/prop.h"

static void check_parses(const char *text, const struct mig_field *f, uint64_t value)
{
    struct mig_arm64_setting s = {0};
    struct mig_error err;

    check_done(text, mig_arm64_name_parse(text, &s, &err), &err);
    check_true(text, s.field == f && s.has_value);
    check_number(text, value, s.value);
}

/* One value in every spelling that it has, and back. */
static void check_spellings(const struct mig_field *f, uint64_t value)
{
    char name[MIG_ARM64_NAME_MAX], spelled[MIG_ARM64_NAME_MAX], text[2 * MIG_ARM64_NAME_MAX];
    char id[MIG_FIELD_ID_MAX];
    const struct mig_arm64_feat *feats[MIG_ARM64_FEATS_MAX];
    size_t len = mig_arm64_feat_at(f, value, feats, MIG_ARM64_FEATS_MAX);

    mig_arm64_name_value(f, value, spelled);
    (void)snprintf(text, sizeof text, "%s=%s", f->name, spelled);
    check_parses(text, f, value);
    for (char *at = text; *at != '\0'; at++) {
        *at = (char)toupper((unsigned char)*at);
    }
    check_parses(text, f, value);
    mig_field_print_id(f, f->reg.sub, id);
    (void)snprintf(text, sizeof text, "%s=%" PRIu64, id, value);
    check_parses(text, f, value);
    if (mig_arm64_name_sysreg(f, name)) {
        (void)snprintf(text, sizeof text, "%s=0x%" PRIx64, name, value);
        check_parses(text, f, value);
        (void)snprintf(text, sizeof text, "%s=%s", name, spelled);
        check_parses(text, f, value);
    }
    for (size_t i = 0; i < len; i++) {
        struct mig_arm64_setting s;
        struct mig_error err;

        check_done(feats[i]->name, mig_arm64_name_parse(feats[i]->name, &s, &err), &err);
        check_true(feats[i]->name, s.field == f && s.feat == feats[i] && s.has_value);
        /* The least value that has it: its own spelling says no more. */
        check_true(feats[i]->name, mig_bits_signed(s.value, f->shape.width) <=
                                           mig_bits_signed(value, f->shape.width) ||
                                       s.value <= value);
    }
}

CHECK_TEST(every_value_of_every_field_survives_every_spelling)
{
    struct mig_fields all = mig_field_all();
    struct prop p;
    size_t checked = 0;

    prop_init(&p, "every value of every field survives every spelling");
    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        struct mig_arm64_values values = mig_arm64_value_all(f);

        if (f->reg.space != MIG_SPACE_IDREG) {
            check_number(f->name, 0, values.len);
            continue;
        }
        for (uint64_t value = 0; value < (f->shape.width <= 4 ? UINT64_C(1) << f->shape.width : 0);
             value++, checked++) {
            check_spellings(f, value);
        }
        for (unsigned run = 0; f->shape.width > 4 && run < 20; run++, checked++) {
            check_spellings(f, prop_next(&p) & mig_bits_mask(f->shape.width - 1u, 0));
        }
        for (size_t v = 0; v < values.len; v++) {
            check_spellings(f, values.items[v].value);
        }
    }
    check_true("many", checked > 5000);
}

CHECK_TEST(names_of_values_are_unique_ascending_and_no_other_number)
{
    struct mig_fields all = mig_field_all();
    size_t names = 0;

    for (size_t i = 0; i < all.len; i++) {
        struct mig_arm64_values values = mig_arm64_value_all(&all.items[i]);

        for (size_t v = 0; v < values.len; v++, names++) {
            const struct mig_arm64_value *row = &values.items[v];
            uint64_t number = row->value, back = 99;

            check_true(all.items[i].name,
                       v == 0 || values.items[v - 1].value < values.items[v].value);
            check_true(row->name, row->value <= mig_bits_mask(all.items[i].shape.width - 1u, 0));
            check_true(row->name, mig_arm64_value_parse(&all.items[i], row->name, &back));
            check_number(row->name, row->value, back);
            (void)sscanf(row->name, "%" SCNu64, &number);
            check_true(row->name,
                       number == row->value || row->name[strspn(row->name, "0123456789")] != '\0');
        }
    }
    check_true("many", names > 900);
}

CHECK_TEST(three_notations_are_one_value)
{
    static const struct {
        const char *text, *field;
        bool has_value;
        uint64_t value;
    } cases[] = {
        {"SYSREG_ID_AA64ISAR0_EL1_AES=2",              "ID_AA64ISAR0_EL1.AES",          true,  2      },
        {"ID_AA64ISAR0_EL1.AES=pmull",                 "ID_AA64ISAR0_EL1.AES",          true,  2      },
        {"FEAT_PMULL",                                 "ID_AA64ISAR0_EL1.AES",          true,  2      },
        {"arm64/ID_AA64ISAR0_EL1/AES=0x2",             "ID_AA64ISAR0_EL1.AES",          true,  2      },
        {"sysreg_id_aa64isar0_el1_aes=PMULL",          "ID_AA64ISAR0_EL1.AES",          true,  2      },
        {"SYSREG_ID_AA64ISAR0_EL1_AES",                "ID_AA64ISAR0_EL1.AES",          false, 0      },
        {"ID_AA64ISAR0_EL1.AES=off",                   "ID_AA64ISAR0_EL1.AES",          true,  0      },
        {"ID_AA64ISAR0_EL1.CRC32=on",                  "ID_AA64ISAR0_EL1.CRC32",        true,  1      },
        {"ID_AA64PFR0_EL1.FP=off",                     "ID_AA64PFR0_EL1.FP",            true,  15     },
        {"FEAT_LSE",                                   "ID_AA64ISAR0_EL1.ATOMIC",       true,  2      },
        {"ID_AA64ISAR0_EL1.ATOMIC=feat_lse128",        "ID_AA64ISAR0_EL1.ATOMIC",       true,  3      },
        {"ID_AA64MMFR0_EL1.PARANGE=48bit",             "ID_AA64MMFR0_EL1.PARANGE",      true,  5      },
        {"ID_AA64MMFR0_EL1.PARANGE=5",                 "ID_AA64MMFR0_EL1.PARANGE",      true,  5      },
        {"SYSREG_ID_AA64PFR1_EL1_CSV2_frac=1",         "ID_AA64PFR1_EL1.CSV2_frac",     true,  1      },
        {"MIDR_EL1.PartNum=0xd40",                     "MIDR_EL1.PartNum",              true,  0xd40  },
        {"PSCI_VERSION.version=1.1",                   "PSCI_VERSION.version",          true,  0x10001},
        {"SMCCC_ARCH_WORKAROUND_1.level=not_required", "SMCCC_ARCH_WORKAROUND_1.level", true,  2      },
    };

    CHECK_EACH (c, cases) {
        struct mig_arm64_setting s;
        struct mig_error err;

        check_done(c->text, mig_arm64_name_parse(c->text, &s, &err), &err);
        check_text(c->text, c->field, s.field->name);
        check_number(c->text, c->has_value, s.has_value);
        check_number(c->text, c->value, s.value);
    }
}

CHECK_TEST(a_feature_over_several_fields_has_no_single_value)
{
    struct mig_arm64_setting s;
    struct mig_error err;

    check_done("pauth", mig_arm64_name_parse("feat_pauth", &s, &err), &err);
    check_true("a feature", s.field == NULL && !s.has_value);
    check_text("its name", "FEAT_PAuth", s.feat->name);
}

CHECK_TEST(bad_names_and_values_are_refused_with_what_is_near)
{
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"",                                        "'' is no field or feature"                                 },
        {"=",                                       "'' is no field or feature"                                 },
        {"=2",                                      "'' is no field or feature"                                 },
        {"AES",                                     "'AES' is no field or feature"                              },
        {"ID_AA64ISAR0_EL1",                        "is no field or feature of arm64"                           },
        {"ID_AA64ISAR0_EL1.",                       "is no field or feature of arm64"                           },
        {"ID_AA64ISAR0_EL1.AEZ=2",                  "did you mean ID_AA64ISAR0_EL1.AES"                         },
        {"SYSREG_ID_AA64ISAR0_EL1_ASE=2",           "did you mean ID_AA64ISAR0_EL1.AES"                         },
        {"FEAT_PMUL",                               "'FEAT_PMUL' is no field or feature"                        },
        {"FEAT_PMUL",                               "FEAT_PMULL"                                                },
        {"FEAT_",                                   "is no field or feature"                                    },
        {"FEAT_PMULL=1",                            "is no field or feature"                                    },
        {"ID_AA64ISAR0_EL1.AES=16",
         "expected a number up to 15 or one of ni, aes, pmull, got '16'"                                        },
        {"ID_AA64ISAR0_EL1.AES=",                   "got ''"                                                    },
        {"ID_AA64ISAR0_EL1.AES=-1",                 "got '-1'"                                                  },
        {"ID_AA64ISAR0_EL1.AES= 2",                 "got ' 2'"                                                  },
        {"ID_AA64ISAR0_EL1.AES=avx2",               "got 'avx2'"                                                },
        {"ID_AA64DFR0_EL1.BRPs=on",                 "ID_AA64DFR0_EL1.BRPs: expected a number up to 15, got 'on'"},
        {"SYSREG_PSCI_VERSION_version=99999999999", "got '99999999999'"                                         },
        {"ID_AA64ISAR0_EL1xAES",                    "is no field or feature"                                    },
    };
    char longest[5000];

    CHECK_EACH (c, cases) {
        struct mig_arm64_setting s = {.value = 77};
        struct mig_error err = {0};

        check_true(c->text, !mig_arm64_name_parse(c->text, &s, &err));
        check_number(c->text, MIG_FORMAT, err.code);
        check_contains(c->text, c->message, err.msg);
        check_number("untouched", 77, s.value);
    }
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    for (const char *const *head = (const char *const[]){"FEAT_", "SYSREG_", "arm64/", "", NULL};
         *head != NULL; head++) {
        struct mig_arm64_setting s;
        struct mig_error err = {0};

        memcpy(longest, *head, strlen(*head));
        check_true(*head, !mig_arm64_name_parse(longest, &s, &err));
        check_contains(*head, "...' is no field or feature", err.msg);
    }
}

CHECK_TEST(firmware_registers_have_no_sysreg_name)
{
    char name[MIG_ARM64_NAME_MAX];

    check_true("psci", !mig_arm64_name_sysreg(mig_field_find("PSCI_VERSION.version"), name));
    check_true("x86", !mig_arm64_name_sysreg(mig_field_find("avx2"), name));
    check_true("ctr", mig_arm64_name_sysreg(mig_field_find("CTR_EL0.IDC"), name));
    check_text("ctr", "SYSREG_CTR_EL0_IDC", name);
}

CHECK_TEST(what_is_meant_for_arm64_is_told_by_its_form)
{
    static const struct {
        const char *text;
        bool meant;
    } cases[] = {
        {"FEAT_PMULL",          true },
        {"feat_x",              true },
        {"SYSREG_X",            true },
        {"arm64/CTR_EL0/IDC",   true },
        {"ID_AA64X_EL1.Y",      true },
        {"avx2",                false},
        {"x86/cpuid/7.0/ebx/5", false},
        {"",                    false},
    };

    CHECK_EACH (c, cases) {
        check_number(c->text, c->meant, mig_arm64_name_is_meant(c->text));
    }
}

CHECK_MAIN(cmocka_unit_test(every_value_of_every_field_survives_every_spelling),
           cmocka_unit_test(names_of_values_are_unique_ascending_and_no_other_number),
           cmocka_unit_test(three_notations_are_one_value),
           cmocka_unit_test(a_feature_over_several_fields_has_no_single_value),
           cmocka_unit_test(bad_names_and_values_are_refused_with_what_is_near),
           cmocka_unit_test(firmware_registers_have_no_sysreg_name),
           cmocka_unit_test(what_is_meant_for_arm64_is_told_by_its_form))
