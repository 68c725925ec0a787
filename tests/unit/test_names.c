/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/names.h"

#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_feat.h"
#include "cpu/field.h"
#include "support/check.h"

static const struct {
    const char *name, *other;
} aliases[] = {
#define ALIAS(name, other, who) {#name, (other)},
#include "cpu/alias.def"
};

static const struct mig_field *own_row(const char *name)
{
    struct mig_fields all = mig_field_all();

    for (size_t i = 0; i < all.len; i++) {
        if (strcmp(all.items[i].name, name) == 0) {
            return &all.items[i];
        }
    }
    return NULL;
}

CHECK_TEST(each_alias_belongs_to_one_row_and_is_no_row_itself)
{
    CHECK_EACH (a, aliases) {
        check_true(a->name, own_row(a->name) != NULL);
        check_true(a->other, own_row(a->other) == NULL);
        check_true(a->other, strchr(a->other, '/') == NULL);
        CHECK_EACH (b, aliases) {
            check_true(a->other, a == b || strcmp(a->other, b->other) != 0);
        }
    }
}

CHECK_TEST(an_alias_finds_its_row)
{
    CHECK_EACH (a, aliases) {
        check_text(a->other, a->name, mig_names_canonical(a->other));
        check_true(a->other, mig_field_find(a->other) == own_row(a->name));
    }
}

CHECK_TEST(names_of_other_projects_find_the_flag_they_mean)
{
    static const struct {
        const char *other, *name;
    } cases[] = {
        {"sse3",              "pni"               },
        {"lzcnt",             "abm"               },
        {"xd",                "nx"                },
        {"pg1g",              "pdpe1gb"           },
        {"i64",               "lm"                },
        {"lahf-lm",           "lahf_lm"           },
        {"arch-capabilities", "arch_capabilities" },
        {"arch-facilities",   "arch_capabilities" },
        {"md-clear",          "md_clear"          },
        {"avx512-ifma",       "avx512ifma"        },
        {"rdctl-no",          "rdcl_no"           },
        {"invtsc",            "constant_tsc"      },
        {"itsc",              "constant_tsc"      },
        {"ssbd",              "spec_ctrl_ssbd"    },
        {"amd-ssbd",          "amd_ssbd"          },
        {"sse4.2",            "sse4_2"            },
        {"tsc-deadline",      "tsc_deadline_timer"},
        {"vmx-ept",           "vmx_ept"           },
        {"avx2",              "avx2"              },
    };

    CHECK_EACH (c, cases) {
        check_text(c->other, c->name, mig_names_canonical(c->other));
        check_true(c->other, mig_field_find(c->other) != NULL);
        check_text(c->other, c->name, mig_field_find(c->other)->name);
    }
    check_text("unknown names stay", "no-such-flag", mig_names_canonical("no-such-flag"));
}

CHECK_TEST(a_row_lists_its_own_name_first_and_each_name_once)
{
    struct mig_fields all = mig_field_all();
    size_t listed = 0, feats = 0;

    for (size_t i = 0; i < all.len; i++) {
        const char *names[MIG_NAMES_MAX];
        size_t len = mig_names_of(&all.items[i], names);

        check_true(all.items[i].name, len >= 1 && len <= MIG_NAMES_MAX);
        check_text("first", all.items[i].name, names[0]);
        for (size_t a = 1; a < len; a++) {
            for (size_t b = 0; b < a; b++) {
                check_true(names[a], strcmp(names[a], names[b]) != 0);
            }
        }
        listed += len - 1;
    }
    for (size_t i = 0; i < mig_arm64_feat_all().len; i++) {
        feats += mig_arm64_feat_all().items[i].terms.len == 1 ? 1 : 0;
    }
    /* MIG_NAMES_MAX is large enough for all. */
    check_number("aliases", MIG_COUNT(aliases) + feats, listed);
}

CHECK_TEST(an_arm64_field_is_also_called_by_its_features)
{
    static const struct {
        const char *field, *names;
    } cases[] = {
        {"ID_AA64ISAR0_EL1.AES", "ID_AA64ISAR0_EL1.AES FEAT_AES FEAT_PMULL "},
        {"CTR_EL0.IDC",          "CTR_EL0.IDC "                             },
        {"ID_AA64ISAR1_EL1.API", "ID_AA64ISAR1_EL1.API FEAT_PACIMP "        },
    };

    CHECK_EACH (c, cases) {
        const char *names[MIG_NAMES_MAX];
        size_t len = mig_names_of(mig_field_find(c->field), names);
        struct mig_text t = {0};

        for (size_t i = 0; i < len; i++) {
            mig_text_addf(&t, "%s ", names[i]);
        }
        check_text(c->field, c->names, t.items);
        mig_text_clear(&t);
    }
}

CHECK_MAIN(cmocka_unit_test(each_alias_belongs_to_one_row_and_is_no_row_itself),
           cmocka_unit_test(an_alias_finds_its_row),
           cmocka_unit_test(names_of_other_projects_find_the_flag_they_mean),
           cmocka_unit_test(a_row_lists_its_own_name_first_and_each_name_once),
           cmocka_unit_test(an_arm64_field_is_also_called_by_its_features))
