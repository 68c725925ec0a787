/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/explain_host.h"

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/snapshot.h"
#include "support/check.h"
#include "support/snapshots.h"

/* What @host has of @word. */
static void ask(const char *word, const char *host, struct mig_explain_host *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(host);
    struct mig_party party = {host, s};
    struct mig_explanation e;

    check_true(word, mig_explain(word, &e));
    mig_explain_host(&e, &party, ret);
    mig_explain_clear(&e);
}

CHECK_TEST(the_values_that_kvm_takes_are_listed)
{
    static const struct {
        const char *word, *host, *values; /* NULL: not known */
        uint64_t shown;
    } cases[] = {
        {"ID_AA64ISAR0_EL1.AES",     "emulated-arm-max-6.12",         "0 1 2 ",         2      },
        {"ID_AA64ISAR0_EL1.AES",     "emulated-arm-neoverse-n1-6.12", "0 1 2 ",         2      },
        {"ID_AA64ISAR0_EL1.AES",     "arm-neoverse-v1-6.1",           "2 ",             2      },
        {"ID_AA64ISAR0_EL1.SM4",     "emulated-arm-neoverse-n1-6.12", "0 ",             0      },
        {"ID_AA64DFR0_EL1.CTX_CMPs", "emulated-arm-neoverse-n1-6.12", "1 ",             1      },
        {"ID_AA64DFR0_EL1.DebugVer", "emulated-arm-max-6.12",         "6 7 8 9 10 ",    10     },
        {"ID_AA64MMFR1_EL1.SpecSEI", "emulated-arm-neoverse-n1-6.12",
         "0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 ",                                      0      },
        {"ID_AA64PFR0_EL1.CSV2",     "arm-neoverse-v1-6.1",           "0 1 ",           1      },
        {"PSCI_VERSION.version",     "emulated-arm-max-6.12",         "2 65536 65537 ", 0x10001},
        {"MIDR_EL1.PartNum",         "emulated-arm-neoverse-n1-6.12", NULL,             0xd0c  },
    };

    CHECK_EACH (c, cases) {
        struct mig_explain_host on;
        struct mig_text t = {0};

        ask(c->word, c->host, &on);
        check_number(c->word, MIG_KNOWN, on.shown.known);
        check_number(c->word, c->shown, on.shown.value);
        check_number(c->word, c->values != NULL, on.knows_values);
        for (size_t i = 0; on.knows_values && i < on.values.len; i++) {
            mig_text_addf(&t, "%llu ", (unsigned long long)on.values.items[i]);
        }
        if (c->values != NULL) {
            check_text(c->word, c->values, t.items);
        }
        mig_text_clear(&t);
    }
}

CHECK_TEST(a_value_a_feature_and_a_view_get_an_answer)
{
    static const struct {
        const char *word, *host;
        enum mig_explain_has takes, feat;
        const char *label;
    } cases[] = {
        {"ID_AA64ISAR0_EL1.AES=aes", "emulated-arm-max-6.12",         MIG_EXPLAIN_YES,     MIG_EXPLAIN_UNKNOWN,
         NULL                                                                                                        },
        {"ID_AA64ISAR0_EL1.AES=aes", "arm-neoverse-v1-6.1",           MIG_EXPLAIN_NO,      MIG_EXPLAIN_UNKNOWN,
         NULL                                                                                                        },
        {"ID_AA64ISAR0_EL1.AES=3",   "emulated-arm-max-6.12",         MIG_EXPLAIN_NO,      MIG_EXPLAIN_UNKNOWN,
         NULL                                                                                                        },
        {"MIDR_EL1.PartNum=0xd0c",   "emulated-arm-neoverse-n1-6.12", MIG_EXPLAIN_YES,
         MIG_EXPLAIN_UNKNOWN,                                                                                   NULL },
        {"MIDR_EL1.PartNum=0xd40",   "emulated-arm-neoverse-n1-6.12", MIG_EXPLAIN_NO,
         MIG_EXPLAIN_UNKNOWN,                                                                                   NULL },
        {"FEAT_PMULL",               "emulated-arm-max-6.12",         MIG_EXPLAIN_YES,     MIG_EXPLAIN_YES,     NULL },
        {"FEAT_SM4",                 "emulated-arm-neoverse-n1-6.12", MIG_EXPLAIN_NO,      MIG_EXPLAIN_NO,      NULL },
        {"FEAT_PAuth",               "emulated-arm-max-6.12",         MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_YES,     NULL },
        {"FEAT_PAuth",               "emulated-arm-neoverse-n1-6.12", MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_NO,      NULL },
        {"FEAT_PAuth",               "intel-icelake-6.1",             MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_UNKNOWN, NULL },
        {"sve",                      "emulated-arm-max-6.12",         MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_UNKNOWN, "on" },
        {"sve",                      "emulated-arm-neoverse-n1-6.12", MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_UNKNOWN, "off"},
        {"csv2",                     "arm-neoverse-v1-6.1",           MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_UNKNOWN, "1.0"},
        {"sve",                      "intel-icelake-6.1",             MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_UNKNOWN, NULL },
    };

    CHECK_EACH (c, cases) {
        struct mig_explain_host on;
        MIG_AUTO(mig_free) char *label = mig_strf("%s on %s", c->word, c->host);

        ask(c->word, c->host, &on);
        check_number(label, c->takes, on.takes);
        check_number(label, c->feat, on.feat);
        if (c->label == NULL) {
            check_true(label, on.label == NULL);
        } else {
            check_text(label, c->label, on.label);
        }
    }
}

CHECK_TEST(a_host_of_another_architecture_shows_nothing_of_it)
{
    struct mig_explain_host on;

    ask("ID_AA64ISAR0_EL1.AES=2", "intel-icelake-6.1", &on);
    check_true("nothing", on.shown.known != MIG_KNOWN && !on.knows_values);
    check_number("no answer", MIG_EXPLAIN_UNKNOWN, on.takes);
    check_number("of arm64", MIG_ARCH_ARM64, on.alien);
    ask("FEAT_SVE", "intel-icelake-6.1", &on);
    check_number("feature", MIG_ARCH_ARM64, on.alien);
    ask("avx2", "intel-icelake-6.1", &on);
    check_true("x86", on.shown.known == MIG_KNOWN && on.shown.value == 1 && !on.knows_values);
    check_number("its own", MIG_ARCH_NONE, on.alien);
    ask("avx2", "emulated-arm-max-6.12", &on);
    check_true("arm64", on.shown.known != MIG_KNOWN);
    check_number("of x86", MIG_ARCH_X86, on.alien);
}

/* What the list says is what the host says when it is asked one by one, and
 * the host's own value is always among them. */
CHECK_TEST(the_list_of_every_field_agrees_with_its_own_value)
{
    static const char *const hosts[] = {"emulated-arm-max-6.12", "emulated-arm-a64fx-6.12",
                                        "arm-neoverse-n1-5.10", "arm-neoverse-v2-6.1"};
    struct mig_fields all = mig_field_all();
    size_t lists = 0;

    CHECK_EACH (host, hosts) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(*host);
        struct mig_party party = {*host, s};

        for (size_t i = 0; i < all.len; i++) {
            struct mig_explain_host on;
            struct mig_explanation e;
            bool own = false;

            if (all.items[i].reg.space != MIG_SPACE_IDREG) {
                continue;
            }
            mig_explain_field(&all.items[i], all.items[i].reg.sub, &e);
            mig_explain_host(&e, &party, &on);
            for (size_t v = 0; on.knows_values && v < on.values.len; v++) {
                own = own || on.values.items[v] == on.shown.value;
                check_true(all.items[i].name,
                           v == 0 || on.values.items[v - 1] < on.values.items[v]);
            }
            check_number(all.items[i].name, on.knows_values && on.values.len > 0, own);
            lists += on.knows_values ? 1 : 0;
            mig_explain_clear(&e);
        }
    }
    check_true("many", lists > 1000);
}

CHECK_MAIN(cmocka_unit_test(the_values_that_kvm_takes_are_listed),
           cmocka_unit_test(a_value_a_feature_and_a_view_get_an_answer),
           cmocka_unit_test(a_host_of_another_architecture_shows_nothing_of_it),
           cmocka_unit_test(the_list_of_every_field_agrees_with_its_own_value))
