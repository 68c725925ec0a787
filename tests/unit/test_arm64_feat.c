/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_feat.h"

#include <stdio.h>
#include <strings.h>

#include "base/text.h"
#include "cpu/arm64_name.h"
#include "support/check.h"

/* A register file as "ID_AA64ISAR0_EL1.AES=2 ...", all else 0. */
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

static bool has(const char *name, const char *words)
{
    const struct mig_arm64_feat *feat = mig_arm64_feat_find(name);

    check_true(name, feat != NULL);
    return mig_arm64_feat_holds(feat, word_of, words);
}

CHECK_TEST(features_follow_from_fields)
{
    static const struct {
        const char *feat, *words;
        bool has;
    } cases[] = {
        {"FEAT_AES",        "",                                                                       false},
        {"FEAT_AES",        "ID_AA64ISAR0_EL1.AES=aes",                                               true },
        {"FEAT_AES",        "ID_AA64ISAR0_EL1.AES=pmull",                                             true },
        {"FEAT_PMULL",      "ID_AA64ISAR0_EL1.AES=aes",                                               false},
        {"FEAT_PMULL",      "ID_AA64ISAR0_EL1.AES=pmull",                                             true },
        {"FEAT_LSE",        "ID_AA64ISAR0_EL1.ATOMIC=1",                                              false},
        {"FEAT_LSE",        "ID_AA64ISAR0_EL1.ATOMIC=2",                                              true },
        {"FEAT_Crypto",     "ID_AA64ISAR0_EL1.AES=2 ID_AA64ISAR0_EL1.SHA1=1",                         false},
        {"FEAT_Crypto",     "ID_AA64ISAR0_EL1.AES=2 ID_AA64ISAR0_EL1.SHA1=1 ID_AA64ISAR0_EL1.SHA2=1",
         true                                                                                              },
        {"FEAT_PAuth",      "ID_AA64ISAR2_EL1.APA3=1",                                                true },
        {"FEAT_PAuth",      "ID_AA64ISAR1_EL1.API=5",                                                 true },
        {"FEAT_PAuth",      "ID_AA64ISAR1_EL1.GPA=1",                                                 false},
        {"FEAT_EPAC",       "ID_AA64ISAR1_EL1.APA=2",                                                 true },
        {"FEAT_EPAC",       "ID_AA64ISAR1_EL1.APA=3",                                                 false},
        {"FEAT_SVE2",       "ID_AA64ZFR0_EL1.SVEver=1",                                               false},
        {"FEAT_SVE2",       "ID_AA64ZFR0_EL1.SVEver=1 ID_AA64PFR0_EL1.SVE=1",                         true },
        {"FEAT_FP",         "",                                                                       true },
        {"FEAT_FP",         "ID_AA64PFR0_EL1.FP=off",                                                 false},
        {"FEAT_DoubleLock", "ID_AA64DFR0_EL1.DoubleLock=15",                                          false},
        {"FEAT_E2H0",       "ID_AA64MMFR4_EL1.E2H0=14",                                               false},
        {"FEAT_PMUv3",      "ID_AA64DFR0_EL1.PMUVer=15",                                              false},
        {"FEAT_PMUv3p4",    "ID_AA64DFR0_EL1.PMUVer=v3p5",                                            true },
        {"FEAT_RASv1p1",    "ID_AA64PFR0_EL1.RAS=1",                                                  false},
        {"FEAT_RASv1p1",    "ID_AA64PFR0_EL1.RAS=1 ID_AA64PFR1_EL1.RAS_frac=1",                       true },
        {"FEAT_RASv1p1",    "ID_AA64PFR0_EL1.RAS=2",                                                  true },
        {"FEAT_S2TGran16K", "ID_AA64MMFR0_EL1.TGRAN16=1",                                             true },
        {"FEAT_S2TGran16K", "ID_AA64MMFR0_EL1.TGRAN16=1 ID_AA64MMFR0_EL1.TGRAN16_2=1",                false},
        {"FEAT_MTE_ASYNC",  "ID_AA64PFR1_EL1.MTE=2",                                                  true },
        {"FEAT_MTE_ASYNC",  "ID_AA64PFR1_EL1.MTE=2 ID_AA64PFR1_EL1.MTE_frac=15",                      false},
        {"FEAT_MTE_ASYNC",  "ID_AA64PFR1_EL1.MTE=3 ID_AA64PFR1_EL1.MTE_frac=15",                      true },
        {"feat_pmull",      "SYSREG_ID_AA64ISAR0_EL1_AES=2",                                          true },
    };

    CHECK_EACH (c, cases) {
        char label[200];

        (void)snprintf(label, sizeof label, "%s of %s", c->feat, c->words);
        check_number(label, c->has, has(c->feat, c->words));
    }
}

static uint64_t no_word(const void *words __attribute__((unused)),
                        struct mig_reg reg __attribute__((unused)))
{
    return 0;
}

/* Each field at the value that the first way asks for. */
static uint64_t first_way(const void *words, struct mig_reg reg)
{
    const struct mig_arm64_terms *terms = words;
    uint64_t word = 0;

    for (size_t i = 0; i < terms->len && terms->items[i].op != MIG_ARM64_OR; i++) {
        const struct mig_arm64_term *term = &terms->items[i];

        if (mig_reg_key(term->reg) == mig_reg_key(reg) && term->op != MIG_ARM64_UNEQUAL) {
            word = mig_field_put(mig_field_at(reg, term->lo), word, term->value);
        }
    }
    return word;
}

CHECK_TEST(every_row_can_be_had_and_can_be_missed)
{
    struct mig_arm64_feats all = mig_arm64_feat_all();
    size_t mirrors = 0;

    check_true("all of them", all.len > 300);
    for (size_t i = 0; i < all.len; i++) {
        const struct mig_arm64_feat *feat = &all.items[i];
        struct mig_arm64_terms aa32 = mig_arm64_feat_aa32(feat);
        struct mig_text t = {0};
        bool zero = mig_arm64_feat_holds(feat, no_word, NULL);

        check_true(feat->name, mig_text_starts(feat->name, "FEAT_"));
        check_true(feat->name, mig_arm64_feat_find(feat->name) == feat);
        check_true(feat->name, i == 0 || strcasecmp(all.items[i - 1].name, feat->name) < 0);
        check_true(feat->name, mig_arm64_terms_hold(feat->terms, first_way, &feat->terms));
        /* Only what 0 stands for is there in a register file of zeros. */
        check_number(feat->name, zero,
                     feat->terms.items[feat->terms.len - 1].op == MIG_ARM64_SIGNED_AT_LEAST &&
                         feat->terms.items[feat->terms.len - 1].value == 0 &&
                         mig_text_starts(feat->name, "FEAT_MTE") == false);
        if (aa32.len > 0) {
            mirrors++;
            check_true(feat->name, mig_arm64_terms_hold(aa32, first_way, &aa32));
            check_true(feat->name, !mig_arm64_terms_hold(aa32, no_word, NULL));
        }
        mig_arm64_terms_print(feat->terms, &t);
        check_contains(feat->name,
                       mig_field_at(feat->terms.items[0].reg, feat->terms.items[0].lo)->name,
                       t.items);
        mig_text_clear(&t);
    }
    check_number("told to 32-bit code", 48, mirrors);
}

/* Terms stand for whole fields, and their values fit. */
CHECK_TEST(every_term_is_about_a_field)
{
    struct mig_arm64_feats all = mig_arm64_feat_all();

    for (size_t i = 0; i < all.len; i++) {
        for (size_t t = 0; t < all.items[i].terms.len; t++) {
            const struct mig_arm64_term *term = &all.items[i].terms.items[t];
            const struct mig_field *f;

            if (term->op == MIG_ARM64_OR) {
                check_true(all.items[i].name, t > 0 && t + 1 < all.items[i].terms.len);
                continue;
            }
            f = mig_field_at(term->reg, term->lo);
            check_true(all.items[i].name, f != NULL && f->hi == term->hi && f->lo == term->lo);
            check_true(all.items[i].name, term->value < UINT64_C(1) << f->shape.width);
            check_true(all.items[i].name, mig_arm64_terms_read(all.items[i].terms, f));
        }
    }
}

CHECK_TEST(a_field_tells_its_features_by_value)
{
    static const struct {
        const char *name;
        uint64_t value;
        const char *feats;
    } cases[] = {
        {"ID_AA64ISAR0_EL1.AES",    0,  ""                             },
        {"ID_AA64ISAR0_EL1.AES",    1,  "FEAT_AES "                    },
        {"ID_AA64ISAR0_EL1.AES",    2,  "FEAT_AES FEAT_PMULL "         },
        {"ID_AA64ISAR0_EL1.ATOMIC", 1,  ""                             },
        {"ID_AA64ISAR0_EL1.ATOMIC", 3,  "FEAT_LSE FEAT_LSE128 "        },
        {"ID_AA64PFR0_EL1.FP",      0,  "FEAT_FP "                     },
        {"ID_AA64PFR0_EL1.FP",      15, ""                             },
        {"ID_AA64MMFR1_EL1.PAN",    3,  "FEAT_PAN FEAT_PAN2 FEAT_PAN3 "},
        {"CTR_EL0.IDC",             1,  ""                             },
    };

    CHECK_EACH (c, cases) {
        const struct mig_arm64_feat *feats[MIG_ARM64_FEATS_MAX];
        size_t len =
            mig_arm64_feat_at(mig_field_find(c->name), c->value, feats, MIG_ARM64_FEATS_MAX);
        struct mig_text t = {0};

        mig_text_add(&t, "");
        for (size_t i = 0; i < len; i++) {
            mig_text_addf(&t, "%s ", feats[i]->name);
        }
        check_text(c->name, c->feats, t.items);
        mig_text_clear(&t);
    }
}

CHECK_TEST(terms_read_as_a_sentence)
{
    static const struct {
        const char *feat, *text;
    } cases[] = {
        {"FEAT_PMULL",   "ID_AA64ISAR0_EL1.AES >= 2"                                             },
        {"FEAT_FP",      "ID_AA64PFR0_EL1.FP >= (signed) 0"                                      },
        {"FEAT_PMUv3",   "ID_AA64DFR0_EL1.PMUVer >= 1 and ID_AA64DFR0_EL1.PMUVer != 15"          },
        {"FEAT_RASv1p1",
         "ID_AA64PFR0_EL1.RAS >= 2 or ID_AA64PFR0_EL1.RAS == 1 and ID_AA64PFR1_EL1.RAS_frac >= 1"},
    };

    CHECK_EACH (c, cases) {
        struct mig_text t = {0};

        mig_arm64_terms_print(mig_arm64_feat_find(c->feat)->terms, &t);
        check_text(c->feat, c->text, t.items);
        mig_text_clear(&t);
    }
}

CHECK_TEST(unknown_features_are_not_found)
{
    static const char *const names[] = {"", "FEAT_", "FEAT_AVX2", "AES", "FEAT_AES ", "FEAT_AES=1"};

    CHECK_EACH (name, names) {
        check_true(*name, mig_arm64_feat_find(*name) == NULL);
    }
}

CHECK_MAIN(cmocka_unit_test(features_follow_from_fields),
           cmocka_unit_test(every_row_can_be_had_and_can_be_missed),
           cmocka_unit_test(every_term_is_about_a_field),
           cmocka_unit_test(a_field_tells_its_features_by_value),
           cmocka_unit_test(terms_read_as_a_sentence),
           cmocka_unit_test(unknown_features_are_not_found))
