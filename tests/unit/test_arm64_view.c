/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_view.h"

#include <stdio.h>

#include "cpu/arm64_name.h"
#include "support/check.h"

/* A register file as "ID_AA64PFR0_EL1.CSV2=1 ...", all else 0. */
static uint64_t word_of(const void *words, struct mig_reg reg)
{
    const char *list = words;
    uint64_t word = 0;
    char text[MIG_ARM64_NAME_MAX];
    int len;

    while (sscanf(list, "%79s%n", text, &len) == 1) {
        struct mig_arm64_setting s;
        struct mig_error err;

        check_done(text, mig_arm64_name_parse(text, &s, &err), &err);
        if (mig_reg_key(s.field->reg) == mig_reg_key(reg)) {
            word = mig_field_put(s.field, word, s.value);
        }
        list += len;
    }
    return word;
}

CHECK_TEST(a_view_labels_a_register_file)
{
    static const struct {
        const char *view, *words, *label;
    } cases[] = {
        {"csv2",              "",                                                       "0.0"     },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=1",                                 "1.0"     },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=1 ID_AA64PFR1_EL1.CSV2_frac=1",     "1.1"     },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=1 ID_AA64PFR1_EL1.CSV2_frac=2",     "1.2"     },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=1 ID_AA64PFR1_EL1.CSV2_frac=3",     NULL      },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=2 ID_AA64PFR1_EL1.CSV2_frac=1",     "2.0"     },
        {"csv2",              "ID_AA64PFR0_EL1.CSV2=9",                                 NULL      },
        {"ras",               "ID_AA64PFR0_EL1.RAS=1 ID_AA64PFR1_EL1.RAS_frac=1",       "1.1"     },
        {"ras",               "ID_AA64PFR0_EL1.RAS=2",                                  "1.1_base"},
        {"mpam",              "ID_AA64PFR1_EL1.MPAM_frac=1",                            "0.1"     },
        {"mpam",              "ID_AA64PFR0_EL1.MPAM=1 ID_AA64PFR1_EL1.MPAM_frac=1",     "1.1"     },
        {"nv",                "ID_AA64MMFR4_EL1.NV_frac=1",                             "2.0_only"},
        {"nv",                "ID_AA64MMFR2_EL1.NV=2 ID_AA64MMFR4_EL1.NV_frac=2",       "2.1"     },
        {"mte-level",         "ID_AA64PFR1_EL1.MTE=2 ID_AA64PFR1_EL1.MTE_frac=15",      "2-sync"  },
        {"mte-level",         "ID_AA64PFR1_EL1.MTE=2",                                  "2"       },
        {"MTE-level",         "ID_AA64PFR1_EL1.MTE=3 ID_AA64PFR1_EL1.MTE_frac=15",      "3"       },
        {"aarch32-synchprim", "ID_ISAR3_EL1.SynchPrim=1 ID_ISAR4_EL1.SynchPrim_frac=3",
         "byte-half"                                                                              },
        {"sve",               "",                                                       "off"     },
        {"sve",               "ID_AA64PFR0_EL1.SVE=1",                                  "on"      },
        {"sve",               "ID_AA64ZFR0_EL1.SVEver=1",                               "off"     },
        {"pauth",             "ID_AA64ISAR2_EL1.APA3=5",                                "on"      },
        {"pauth",             "ID_AA64ISAR2_EL1.GPA3=1",                                "off"     },
        {"mte",               "ID_AA64PFR1_EL1.MTE=1",                                  "off"     },
        {"mte",               "ID_AA64PFR1_EL1.MTE=2",                                  "on"      },
        {"pmu",               "ID_AA64DFR0_EL1.PMUVer=15",                              "off"     },
        {"pmu",               "ID_AA64DFR0_EL1.PMUVer=1",                               "on"      },
        {"aarch32",           "ID_AA64PFR0_EL1.EL0=1",                                  "off"     },
        {"aarch32",           "ID_AA64PFR0_EL1.EL0=2",                                  "on"      },
        {"gic",               "ID_AA64PFR2_EL1.GCIE=1",                                 "on"      },
    };

    CHECK_EACH (c, cases) {
        const struct mig_arm64_view *view = mig_arm64_view_find(c->view);
        const char *label;

        check_true(c->view, view != NULL);
        label = mig_arm64_view_label(view, word_of, c->words);
        if (c->label == NULL) {
            check_true(c->words, label == NULL);
        } else {
            check_text(c->words, c->label, label);
        }
    }
}

struct two_fields {
    const struct mig_field *fields[2];
    uint64_t values[2];
};

static uint64_t two_words(const void *words, struct mig_reg reg)
{
    const struct two_fields *two = words;
    uint64_t word = 0;

    for (size_t i = 0; i < 2; i++) {
        if (mig_reg_key(two->fields[i]->reg) == mig_reg_key(reg)) {
            word = mig_field_put(two->fields[i], word, two->values[i]);
        }
    }
    return word;
}

/* Every label of a fraction is the answer for some pair of values, and no two
 * labels hold for one pair unless one of them reads a field less. */
CHECK_TEST(every_label_of_a_fraction_is_reached)
{
    struct mig_arm64_views all = mig_arm64_view_all();

    for (size_t v = 0; v < all.len; v++) {
        const struct mig_arm64_view *view = &all.items[v];
        uint64_t reached = 0;

        if (view->kind != MIG_ARM64_VIEW_FRACTION) {
            continue;
        }
        check_number(view->name, 2, view->parts_len);
        for (unsigned pair = 0; pair < 256; pair++) {
            struct two_fields two = {
                {mig_field_at(view->parts[0].reg, view->parts[0].lo),
                 mig_field_at(view->parts[1].reg, view->parts[1].lo)},
                {pair >> 4,             pair & 15                              }
            };
            const char *label = mig_arm64_view_label(view, two_words, &two);

            for (size_t i = 0; label != NULL && i < view->labels_len; i++) {
                reached |= label == view->labels[i].label ? UINT64_C(1) << i : 0;
            }
        }
        check_number(view->name, (UINT64_C(1) << view->labels_len) - 1, reached);
    }
}

CHECK_TEST(views_are_made_of_fields)
{
    struct mig_arm64_views all = mig_arm64_view_all();

    check_number("views", 15, all.len);
    for (size_t v = 0; v < all.len; v++) {
        const struct mig_arm64_view *view = &all.items[v];

        check_true(view->name, mig_arm64_view_find(view->name) == view);
        check_true(view->name, strlen(view->note) > 10 && view->labels_len > 0);
        check_true(view->name, (view->kind == MIG_ARM64_VIEW_COMPOSITE) ==
                                   (strcmp(view->labels[0].label, "on") == 0));
        for (size_t i = 0; i < view->parts_len; i++) {
            const struct mig_field *f = mig_field_at(view->parts[i].reg, view->parts[i].lo);

            check_true(view->name, f != NULL && f->lo == view->parts[i].lo);
            check_true(f->name, mig_arm64_view_has(view, f));
        }
        for (size_t i = 0; i < view->labels_len; i++) {
            for (size_t t = 0; t < view->labels[i].terms.len; t++) {
                const struct mig_arm64_term *term = &view->labels[i].terms.items[t];

                check_true(view->name,
                           term->op == MIG_ARM64_OR ||
                               mig_arm64_view_has(view, mig_field_at(term->reg, term->lo)));
            }
        }
        check_true(view->name, !mig_arm64_view_has(view, mig_field_find("ID_AA64ISAR0_EL1.AES")));
    }
    check_true("no such view", mig_arm64_view_find("avx") == NULL);
}

CHECK_MAIN(cmocka_unit_test(a_view_labels_a_register_file),
           cmocka_unit_test(every_label_of_a_fraction_is_reached),
           cmocka_unit_test(views_are_made_of_fields))
