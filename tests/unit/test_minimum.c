/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/minimum.h"

#include "support/check.h"
#include "support/small_host.h"
#include "support/snapshots.h"

CHECK_TEST(captures_of_arm64_reach_the_version_of_their_core)
{
    static const struct {
        const char *host;
        enum mig_level level;
    } cases[] = {
        {"arm-neoverse-n1-5.10",          MIG_LEVEL_ARMV8_2},
        {"arm-neoverse-n1-6.1",           MIG_LEVEL_ARMV8_2},
        {"arm-neoverse-v1-5.10",          MIG_LEVEL_ARMV8_4},
        {"arm-neoverse-v1-6.1",           MIG_LEVEL_ARMV8_4},
        {"arm-neoverse-v2-5.10",          MIG_LEVEL_ARMV8_5}, /* no SVE, no ECV for guests */
        {"arm-neoverse-v2-6.1",           MIG_LEVEL_ARMV8_5},
        {"emulated-arm-a64fx-6.12",       MIG_LEVEL_ARMV8_1}, /* no RAS */
        {"emulated-arm-max-6.12",         MIG_LEVEL_ARMV9_1},
        {"emulated-arm-max-nosve-6.12",   MIG_LEVEL_ARMV8_6},
        {"emulated-arm-neoverse-n1-6.12", MIG_LEVEL_ARMV8_2},
        {"emulated-arm-neoverse-v1-6.12", MIG_LEVEL_ARMV8_4}, /* SVE, but no more of Armv9.0 */
    };
    const struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(c->host);
        struct mig_party party = {c->host, s};
        struct mig_result r;

        mig_baseline(&party, 1, &choice, &r);
        check_text(c->host, mig_level_name(c->level), mig_level_name(r.profile->level));
        mig_result_clear(&r);
    }
}

/* Each capture is held to each level of arm64: it is met up to its own. */
CHECK_TEST(a_minimum_is_met_by_the_levels_that_include_it)
{
    static const struct {
        const char *host;
        enum mig_level level;
    } cases[] = {
        {"arm-neoverse-n1-6.1",         MIG_LEVEL_ARMV8_2},
        {"arm-neoverse-v2-6.1",         MIG_LEVEL_ARMV8_5},
        {"emulated-arm-max-nosve-6.12", MIG_LEVEL_ARMV8_6}, /* not Armv9.0 */
        {"emulated-arm-max-6.12",       MIG_LEVEL_ARMV9_1},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(c->host);
        struct mig_party party = {c->host, s};

        for (enum mig_level l = MIG_LEVEL_ARMV8_0; l <= MIG_LEVEL_ARMV9_1; l++) {
            const struct mig_choice choice = {.minimum = mig_level_set(l)};
            bool met = (mig_level_set(l) & ~mig_level_set(c->level)) == 0;
            struct mig_result r;

            mig_baseline(&party, 1, &choice, &r);
            check_text(mig_level_name(l), met ? "compatible" : "incompatible",
                       mig_verdict_name(r.verdict));
            check_number(mig_level_name(l), met,
                         mig_findings_find(&r.findings, "policy/minimum") == NULL);
            mig_result_clear(&r);
        }
    }
}

#define ARMV8_2 "ID_AA64ISAR1_EL1.DPB=1 ID_AA64PFR0_EL1.RAS=1 "

CHECK_TEST(the_finding_names_feature_and_host)
{
    static const struct {
        const char *label, *alpha, *beta;
        enum mig_level minimum;
        const char *verdict, *why, *remedy;
    } cases[] = {
        {"met",                         "",                       "",                          MIG_LEVEL_ARMV8_1, "compatible",   "",                                                             ""                               },
        {"met at 8.2",                  ARMV8_2,                  ARMV8_2,                     MIG_LEVEL_ARMV8_2, "compatible",   "",                                                             ""                               },
        {"one host",                    "",                       "ID_AA64ISAR0_EL1.ATOMIC=0", MIG_LEVEL_ARMV8_1, "incompatible",
         "the common profile is below Armv8.1: it has no FEAT_LSE, which is missing on beta",                                                                                                     "leave out beta (see the losses)"},
        {"of a level that is included", "ID_AA64MMFR1_EL1.PAN=0", ARMV8_2,                     MIG_LEVEL_ARMV9_0,
         "incompatible",                                                                                                          "below Armv9.0: it has no FEAT_PAN, which is missing on alpha",
         "leave out alpha"                                                                                                                                                                                                         },
        {"both hosts",                  "",                       "",                          MIG_LEVEL_ARMV8_3, "incompatible",
         "below Armv8.3: it has no FEAT_FCMA, which is missing on alpha, beta",                                                                                                                   "take other hosts"               },
    };

    CHECK_EACH (c, cases) {
        const struct mig_choice choice = {.minimum = mig_level_set(c->minimum)};
        const struct mig_finding *f;
        struct mig_result r;

        small_negotiate_arm64(c->alpha, c->beta, &choice, &r);
        f = mig_findings_find(&r.findings, "policy/minimum");
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_number(c->label, c->why[0] != '\0', f != NULL);
        if (f != NULL) {
            check_contains(c->label, c->why, f->why);
            check_contains(c->label, c->remedy, f->remedy);
        }
        mig_result_clear(&r);
    }
}

/* Evidence that leaves the feature open is no evidence that it is not there. */
CHECK_TEST(what_some_host_does_not_tell_is_unknown)
{
    static const struct {
        const char *label, *host;
        enum mig_level minimum;
        enum mig_verdict verdict;
        const char *why;
    } cases[] = {
        {"told",        "",                                       MIG_LEVEL_ARMV8_3, MIG_INCOMPATIBLE, "it has no FEAT_FCMA"},
        {"not covered", "~idreg=partial ^arm64/ID_AA64ISAR1_EL1", MIG_LEVEL_ARMV8_3, MIG_UNKNOWN,
         "does not tell whether all hosts reach Armv8.3: it does not cover FEAT_FCMA"                                       },
        {"unreadable",  "?arm64/ID_AA64ISAR1_EL1",                MIG_LEVEL_ARMV8_3, MIG_UNKNOWN,
         "it does not cover FEAT_FCMA"                                                                                      },
        {"not asked",   "~idreg=partial ^arm64/ID_AA64ISAR1_EL1", MIG_LEVEL_ARMV8_1, MIG_COMPATIBLE,
         NULL                                                                                                               },
    };
    const struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *told = small_arm64("");
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *open = small_arm64(c->host);
        struct mig_party parties[] = {
            {"alpha", told},
            {"beta",  open}
        };
        const struct mig_finding *f;
        struct mig_result r;

        mig_baseline(parties, 1, &choice, &r);
        check_number(c->label, c->verdict,
                     mig_minimum_check(parties, 2, mig_level_set(c->minimum), MIG_COMPATIBLE, &r));
        f = mig_findings_find(&r.findings, "policy/minimum");
        check_number(c->label, c->why != NULL, f != NULL);
        if (f != NULL) {
            check_contains(c->label, c->why != NULL ? c->why : "", f->why);
        }
        mig_result_clear(&r);
        small_negotiate_arm64("", c->host, &choice, &r);
        check_true(c->label, c->host[0] == '\0' || r.verdict == MIG_UNKNOWN);
        mig_result_clear(&r);
    }
}

/* Something else took it away: to leave out a host would not help. */
CHECK_TEST(what_every_host_has_is_not_missing_on_any)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *full = small_arm64("");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *less = small_arm64("ID_AA64ISAR0_EL1.ATOMIC=0");
    struct mig_party weak =
                         {
                             "weak", less
    },
                     parties[] = {{"alpha", full}, {"beta", full}};
    const struct mig_choice choice = {0};
    const struct mig_finding *f;
    struct mig_result r;

    mig_baseline(&weak, 1, &choice, &r);
    check_number(
        "verdict", MIG_INCOMPATIBLE,
        mig_minimum_check(parties, 2, mig_level_set(MIG_LEVEL_ARMV8_1), MIG_COMPATIBLE, &r));
    f = mig_findings_find(&r.findings, "policy/minimum");
    check_true("found", f != NULL);
    if (f != NULL) {
        check_contains("why", "it has no FEAT_LSE, though every host has it", f->why);
        check_contains("remedy", "what keeps FEAT_LSE out of the profile", f->remedy);
    }
    mig_result_clear(&r);
}

/* A fleet's finding stays short. */
CHECK_TEST(many_weak_hosts_are_counted)
{
    static const char *const names[] = {"a", "b", "c", "d", "e"};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64("");
    const struct mig_choice choice = {.minimum = mig_level_set(MIG_LEVEL_ARMV8_4)};
    struct mig_party parties[5];
    const struct mig_finding *f;
    struct mig_result r;

    for (size_t i = 0; i < 5; i++) {
        parties[i] = (struct mig_party){names[i], s};
    }
    mig_baseline(parties, 5, &choice, &r);
    f = mig_findings_find(&r.findings, "policy/minimum");
    check_true("found", f != NULL);
    if (f != NULL) {
        check_contains("why", "on a, b, c and 2 more", f->why);
    }
    mig_result_clear(&r);
}

CHECK_TEST(a_minimum_must_be_of_the_architecture)
{
    static const struct {
        const char *label;
        enum mig_level a, b;
        enum mig_arch arch;
        const char *error;
    } cases[] = {
        {"none",            MIG_LEVEL_NONE,      MIG_LEVEL_NONE,    MIG_ARCH_ARM64, ""     },
        {"its own",         MIG_LEVEL_ARMV8_2,   MIG_LEVEL_NONE,    MIG_ARCH_ARM64, ""     },
        {"one of each",     MIG_LEVEL_X86_64_V2, MIG_LEVEL_ARMV8_0, MIG_ARCH_ARM64, ""     },
        {"one of each too", MIG_LEVEL_X86_64_V2, MIG_LEVEL_ARMV8_0, MIG_ARCH_X86,   ""     },
        {"of x86",          MIG_LEVEL_X86_64_V2, MIG_LEVEL_NONE,    MIG_ARCH_ARM64,
         "minimum: x86-64-v2 says nothing of arm64, whose levels are Armv8.0 to Armv9.1"   },
        {"of arm64",        MIG_LEVEL_ARMV8_2,   MIG_LEVEL_NONE,    MIG_ARCH_X86,
         "minimum: Armv8.2 says nothing of x86-64, whose levels are x86-64-v1 to x86-64-v4"},
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        bool fits = mig_minimum_fits(mig_level_set(c->a) | mig_level_set(c->b), c->arch, &err);

        check_number(c->label, c->error[0] == '\0', fits);
        check_text(c->label, c->error, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(captures_of_arm64_reach_the_version_of_their_core),
           cmocka_unit_test(a_minimum_is_met_by_the_levels_that_include_it),
           cmocka_unit_test(the_finding_names_feature_and_host),
           cmocka_unit_test(what_some_host_does_not_tell_is_unknown),
           cmocka_unit_test(what_every_host_has_is_not_missing_on_any),
           cmocka_unit_test(many_weak_hosts_are_counted),
           cmocka_unit_test(a_minimum_must_be_of_the_architecture))
