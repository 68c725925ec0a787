/* SPDX-License-Identifier: Apache-2.0 */
/* Answers of KVM that the tables did not predict, as facts of a host. */
#include "support/check.h"

#include "base/array.h"
#include "compat/negotiate.h"
#include "snapshot/builder.h"
#include "support/small_host.h"

#define ID "arm64/oracle/ID_AA64ISAR0_EL1"

static const struct mig_choice choice;

/* Edits of small hosts are words: a fact with blanks comes on top. */
static struct mig_snapshot *host_with(const char *edits, const char *name, const char *fact)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(edits);
    struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    struct mig_snapshot *ret = NULL;
    struct mig_error err;

    for (size_t i = 0; i < s->entries_len; i++) {
        mig_builder_set(b, mig_reg_from_key(s->entries[i].key), s->entries[i].value);
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        mig_builder_add_fact(b, s->facts[i].name, s->facts[i].value, "test");
    }
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        mig_builder_cover(b, (enum mig_group)i, s->groups[i].coverage, s->groups[i].errnum, "test");
    }
    mig_builder_add_fact(b, "kvm.oracle", "400 writes", "test");
    if (fact != NULL) {
        mig_builder_add_fact(b, name, fact, "test");
    }
    assert_true(mig_builder_freeze(b, &ret, &err));
    mig_builder_free(b);
    return ret;
}

static struct mig_snapshot *host(const char *edits, const char *fact)
{
    return host_with(edits, "kvm.oracle.ID_AA64ISAR0_EL1", fact);
}

#define LESS "AES=0x1: predicted accepted, KVM says EINVAL"
#define MORE "AES=0x3: predicted EINVAL, KVM keeps 0x3"
#define NO_AES "ID_AA64ISAR0_EL1.AES=1"

CHECK_TEST(a_profile_that_rests_on_a_refused_write_is_not_known)
{
    static const struct {
        const char *label, *a, *a_fact, *b, *b_fact, *verdict, *severity;
    } cases[] = {
        {"as predicted",           "", NULL, "",     NULL, "compatible",            "none"   },
        {"KVM refuses, none asks", "", LESS, "",     NULL, "compatible",            "warning"},
        {"KVM takes more",         "", MORE, NO_AES, NULL, "compatible-on-profile", "warning"},
        {"the profile needs it",   "", LESS, NO_AES, NULL, "unknown",               "blocker"},
        {"the other has it so",    "", NULL, NO_AES, LESS, "compatible-on-profile", "warning"},
        {"on both",                "", MORE, "",     LESS, "compatible",            "warning"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = host(c->a, c->a_fact);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = host(c->b, c->b_fact);
        struct mig_party parties[] = {
            {"alpha", a},
            {"beta",  b}
        };
        const struct mig_finding *f;
        struct mig_result r;

        mig_baseline(parties, MIG_COUNT(parties), &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        f = mig_findings_find(&r.findings, ID);
        check_text(c->label, c->severity, f != NULL ? mig_severity_name(f->severity) : "none");
        if (f != NULL) {
            check_text(c->label, "oracle", f->rule);
            check_text(c->label, f->severity == MIG_BLOCKER ? "evidence" : "kernel",
                       mig_reason_name(f->reason));
            check_true(c->label, strstr(f->why, "the kernel is right") != NULL);
            check_true(c->label, (strstr(f->why, "alpha") != NULL) == (c->a_fact != NULL));
            check_true(c->label, (strstr(f->why, "beta") != NULL) == (c->b_fact != NULL));
            check_true(c->label, f->remedy != NULL);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_guest_that_needs_a_refused_write_has_no_answer)
{
    static const struct {
        const char *label, *guest, *fact, *severity, *verdict;
    } cases[] = {
        {"as predicted",           NO_AES, NULL, "none",    "compatible-masked"},
        {"shown as the host's",    "",     LESS, "warning", "compatible"       },
        {"KVM refuses what it is", NO_AES, LESS, "blocker", "unknown"          },
        {"KVM takes more",         NO_AES, MORE, "warning", "compatible-masked"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = host(c->guest, NULL);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *there = host("", c->fact);
        struct mig_party vm = {"vm", guest}, beta = {"beta", there};
        struct mig_findings list = {0};
        const struct mig_finding *f;
        struct mig_result r;

        mig_judge(&vm, &beta, &choice, &list);
        f = mig_findings_find(&list, ID);
        check_text(c->label, c->severity, f != NULL ? mig_severity_name(f->severity) : "none");
        check_number(c->label, mig_findings_worst(&list), mig_judge_worst(&vm, &beta, &choice));
        mig_findings_clear(&list);
        mig_check_contract(&vm, NULL, &beta, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

#define NO_PMU "ID_AA64DFR0_EL1.PMUVer=0"
#define BASE "without features: predicted 0x1, KVM shows 0x2"

CHECK_TEST(rows_about_features_that_are_wrong_leave_lesser_guests_without_an_answer)
{
    static const struct {
        const char *label, *host, *guest, *fact, *severity;
    } cases[] = {
        {"as many features",    NO_PMU, NO_PMU, "kvm.base.ID_AA64ISAR0_EL1", "warning"},
        {"fewer features",      "",     NO_PMU, "kvm.base.ID_AA64ISAR0_EL1", "blocker"},
        {"the feature as well", "",     "",     "kvm.base.ID_AA64ISAR0_EL1", "warning"},
        {"of the list alone",   "",     NO_PMU, "kvm.base.603000000013dce0", "warning"},
        {"a summary",           "",     NO_PMU, "kvm.base",                  "none"   },
        {"no register",         "",     NO_PMU, "kvm.base.nothing",          "none"   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = host(c->guest, NULL);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *there = host_with(c->host, c->fact, BASE);
        struct mig_party vm = {"vm", guest}, beta = {"beta", there};
        struct mig_party parties[] = {
            {"vm",   guest},
            {"beta", there}
        };
        struct mig_findings list = {0};
        const char *severity = "none";
        struct mig_result r;

        mig_judge(&vm, &beta, &choice, &list);
        for (size_t i = 0; i < list.len; i++) {
            if (strncmp(list.items[i].id, "arm64/oracle/", 13) == 0) {
                severity = mig_severity_name(list.items[i].severity);
                check_contains(c->label, "without features", list.items[i].why);
            }
        }
        check_text(c->label, c->severity, severity);
        mig_findings_clear(&list);
        mig_baseline(parties, MIG_COUNT(parties), &choice, &r);
        check_number(c->label, strcmp(c->severity, "blocker") == 0, r.verdict == MIG_UNKNOWN);
        mig_result_clear(&r);
    }
}

CHECK_MAIN(
    cmocka_unit_test(a_profile_that_rests_on_a_refused_write_is_not_known),
    cmocka_unit_test(a_guest_that_needs_a_refused_write_has_no_answer),
    cmocka_unit_test(rows_about_features_that_are_wrong_leave_lesser_guests_without_an_answer))
