/* SPDX-License-Identifier: Apache-2.0 */
#include "session/report_text.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "session/page.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/printed.h"

CHECK_TEST(paragraphs_break_at_spaces_and_keep_their_indent)
{
    static const struct {
        const char *label, *text, *printed;
    } cases[] = {
        {"empty",          "",                                                                 "\n"               },
        {"short",          "one two",                                                          "  one two\n"      },
        {"spaces are one", "one   two",                                                        "  one two\n"      },
        {"breaks",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb ccc", "  aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb\n"
         "    ccc\n"},
    };

    CHECK_EACH (c, cases) {
        char *got = PRINTED(mig_page_paragraph(out, 2, 4, c->text));

        check_text(c->label, c->printed, got);
        free(got);
    }
}

CHECK_TEST(ages_use_the_unit_that_fits)
{
    static const struct {
        int64_t age_s;
        const char *text;
    } cases[] = {
        {-1,         "unknown"},
        {0,          "0 s"    },
        {119,        "119 s"  },
        {120,        "2 min"  },
        {7199,       "119 min"},
        {7200,       "2 h"    },
        {172799,     "47 h"   },
        {30 * 86400, "30 days"},
    };

    CHECK_EACH (c, cases) {
        char got[MIG_PAGE_AGE_MAX];

        mig_page_age(c->age_s, got);
        check_text(c->text, c->text, got);
    }
}

CHECK_TEST(values_say_what_is_not_known)
{
    static const struct {
        struct mig_seen seen;
        const char *text;
    } cases[] = {
        {{MIG_KNOWN, 1},      "1"          },
        {{MIG_KNOWN, 0x2f},   "0x2f"       },
        {{MIG_ABSENT, 0},     "0 (absent)" },
        {{MIG_UNREADABLE, 0}, "unreadable" },
        {{MIG_UNCOVERED, 0},  "not covered"},
    };

    CHECK_EACH (c, cases) {
        char got[MIG_REPORT_VALUE_MAX];

        mig_report_text_value(c->seen, got);
        check_text(c->text, c->text, got);
    }
}

static struct mig_snapshot *host_with(uint64_t leaf7_ebx)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EAX), 0xd);
    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EBX), 0x756e6547);
    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_ECX), 0x6c65746e);
    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EDX), 0x49656e69);
    mig_builder_set(b, mig_reg_cpuid(1, 0, MIG_EDX), 0x0f8bfbff);
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), leaf7_ebx);
    mig_builder_set(b, mig_reg_cpuid(0x80000000, 0, MIG_EAX), 0x80000001);
    mig_builder_set(b, mig_reg_cpuid(0x80000001, 0, MIG_EDX), 0x2c100800);
    mig_builder_set(b, mig_reg_cpuid(0x80000001, 0, MIG_ECX), 0x121);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

/* Two hosts as evidence; @d is cleared by the caller. */
static void two_hosts(struct mig_decision *d, enum mig_evidence_kind kind, int64_t age_s)
{
    *d = (struct mig_decision){.hosts = mig_alloc(2, sizeof *d->hosts), .hosts_len = 2};
    for (int i = 0; i < 2; i++) {
        struct mig_evidence *e = &d->hosts[i];

        (void)snprintf(e->name, sizeof e->name, "%s", i == 0 ? "alpha" : "beta");
        e->kind = kind;
        e->age_s = age_s;
        e->snapshot = host_with(i == 0 ? 0x00080001 : 0x00000001); /* adx */
    }
}

CHECK_TEST(a_report_names_verdict_hosts_findings_and_losses_in_80_columns)
{
    static const char *const wanted[] = {
        "verdict: compatible-on-profile",
        "source alpha: live, age 3 s, x86-64 GenuineIntel",
        "x86/cpuid/7.0/ebx/19  adx\n"
        "    CPUID leaf 7 subleaf 0, EBX bit 19   source 1   destination 0   rule and\n"
        "    why:     ",
        "reason:  ",
        "remedy:  ",
        "alpha: ",
        "level: x86-64-v1",
        "shown with -v",
    };
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};
    struct mig_decision d;
    struct mig_error err;
    char *text;

    two_hosts(&d, MIG_EVIDENCE_LIVE, 3);
    check_done("judge", mig_decision_judge(&d, &choice, &belief, true, &err), &err);
    text = PRINTED(mig_report_text(&(struct mig_report){.out = out, .pair = true}, &d));
    for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++) {
        check_contains(wanted[i], wanted[i], text);
    }
    printed_check_lines("report", text, 80);
    free(text);
    text = PRINTED(
        mig_report_text(&(struct mig_report){.out = out, .pair = true, .verbose = true}, &d));
    check_contains("verbose", "x86/cpuid/7.0/ebx            0x00000001", text);
    printed_check_lines("verbose report", text, 80);
    free(text);
    mig_decision_clear(&d);
}

CHECK_TEST(a_running_guest_has_its_own_verdicts)
{
    static const struct {
        enum mig_verdict verdict;
        const char *sentence;
    } cases[] = {
        {MIG_COMPATIBLE,            "The running guest can move as it is."              },
        {MIG_COMPATIBLE_MASKED,     "The running guest can move; the destination hides" },
        {MIG_COMPATIBLE_ON_PROFILE, "Guests booted on the profile below move both ways."},
        {MIG_NEEDS_POWER_CYCLE,     "The running guest can not move: it was shown"      },
        {MIG_INCOMPATIBLE,          "The running guest can not move, and no profile"    },
        {MIG_UNKNOWN,               "No answer for this guest:"                         },
    };

    CHECK_EACH (c, cases) {
        const struct mig_decision d = {.result = {.verdict = c->verdict}};
        char *text =
            PRINTED(mig_report_text(&(struct mig_report){.out = out, .running = true}, &d));

        check_contains(mig_verdict_name(c->verdict), c->sentence, text);
        printed_check_lines(mig_verdict_name(c->verdict), text, 80);
        free(text);
    }
}

CHECK_TEST(a_name_that_rows_share_is_given_up_once_per_host)
{
    static const struct mig_loss losses[] = {
        {"alpha", "x86/cpuid/d.2/eax/31:0", "xsave_sz", false, false},
        {"alpha", "x86/cpuid/d.5/eax/31:0", "xsave_sz", false, false},
        {"alpha", "x86/msr/10a/99",         "",         false, false},
        {"alpha", "x86/cpuid/7.0/ebx/5",    "avx2",     true,  false},
        {"beta",  "x86/cpuid/d.2/eax/31:0", "xsave_sz", false, false},
        {"beta",  "x86/msr/10a/19",         "rrsba",    false, true },
    };
    const size_t len = sizeof losses / sizeof *losses;
    char *text = PRINTED(mig_report_text_losses(&(struct mig_report){.out = out}, losses, len));

    check_text("losses",
               "\ngiven up for the profile\n"
               "  alpha: xsave_sz, x86/msr/10a/99, avx2 [security]\n"
               "  beta: xsave_sz, rrsba [to be shown]\n",
               text);
    free(text);
}

CHECK_TEST(evidence_that_is_not_believed_makes_the_verdict_unknown)
{
    static const struct {
        const char *label;
        enum mig_evidence_kind kind;
        int64_t age_s;
        struct mig_belief belief;
        const char *finding; /* NULL: believed */
    } cases[] = {
        {"live",                    MIG_EVIDENCE_LIVE,     0,             {.max_age_s = 1},         NULL            },
        {"live for a gate",         MIG_EVIDENCE_LIVE,     0,             {.live_only = true},      NULL            },
        {"filed, young",            MIG_EVIDENCE_FILED,    86400,         {.max_age_s = 86400},     NULL            },
        {"filed, old",              MIG_EVIDENCE_FILED,    86401,         {.max_age_s = 86400},     "trust/expired" },
        {"filed, any age",          MIG_EVIDENCE_FILED,    INT64_MAX / 2, {0},                      NULL            },
        {"replayed, old",           MIG_EVIDENCE_REPLAYED, 86401,         {.max_age_s = 86400},     "trust/expired" },
        {"filed for a gate",        MIG_EVIDENCE_FILED,    1,             {.live_only = true},      "trust/not-live"},
        {"replayed for a gate",     MIG_EVIDENCE_REPLAYED, 1,             {.live_only = true},      "trust/not-live"},
        {"unsigned",                MIG_EVIDENCE_UNSIGNED, -1,            {0},                      "trust/unsigned"},
        {"foreign",                 MIG_EVIDENCE_FOREIGN,  -1,            {0},                      "trust/unsigned"},
        {"unsigned, allowed",       MIG_EVIDENCE_UNSIGNED, -1,            {.allow_unsigned = true}, NULL            },
        {"unsigned, allowed, gate",
         MIG_EVIDENCE_UNSIGNED,                            -1,
         {.allow_unsigned = true, .live_only = true},
         "trust/unsigned"                                                                                           },
    };
    const struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_decision d;
        struct mig_error err;

        two_hosts(&d, c->kind, c->age_s);
        check_done(c->label, mig_decision_judge(&d, &choice, &c->belief, true, &err), &err);
        check_number(c->label, c->finding != NULL, d.result.verdict == MIG_UNKNOWN);
        if (c->finding != NULL) {
            check_true(c->label, mig_findings_find(&d.result.findings, c->finding) != NULL);
            check_true(c->label, d.result.profile == NULL);
        }
        mig_decision_clear(&d);
    }
}

CHECK_TEST(a_replay_of_unknown_age_is_at_least_as_old_as_its_seal)
{
    const struct mig_belief belief = {.max_age_s = 86400};
    const struct mig_choice choice = {0};

    for (int64_t late = 0; late <= 1; late++) {
        struct mig_decision d;
        struct mig_error err;

        two_hosts(&d, MIG_EVIDENCE_REPLAYED, -1);
        d.hosts[1].sealed_age_s = belief.max_age_s + late;
        check_done("judge", mig_decision_judge(&d, &choice, &belief, true, &err), &err);
        check_number("verdict", (uint64_t)late, d.result.verdict == MIG_UNKNOWN);
        check_number("finding", (uint64_t)late,
                     mig_findings_find(&d.result.findings, "trust/expired") != NULL);
        mig_decision_clear(&d);
    }
}

CHECK_TEST(the_gravest_failure_of_a_host_decides_the_exit_status)
{
    static const struct {
        const char *label;
        enum mig_code first, second;
        enum mig_code code; /* OK: there is a verdict, and it is unknown */
    } cases[] = {
        {"unreachable",                  MIG_UNREACHABLE, MIG_OK,          MIG_UNREACHABLE},
        {"unreachable beats untrusted",  MIG_TRUST,       MIG_UNREACHABLE, MIG_UNREACHABLE},
        {"local file beats unreachable", MIG_IO,          MIG_UNREACHABLE, MIG_IO         },
        {"bug beats all",                MIG_IO,          MIG_INTERNAL,    MIG_INTERNAL   },
        {"untrusted",                    MIG_TRUST,       MIG_OK,          MIG_OK         },
        {"stale",                        MIG_OK,          MIG_STALE,       MIG_OK         },
        {"refused and malformed",        MIG_REFUSED,     MIG_FORMAT,      MIG_OK         },
    };
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};

    CHECK_EACH (c, cases) {
        const enum mig_code codes[] = {c->first, c->second};
        struct mig_decision d;
        struct mig_error err = {0};
        bool judged;

        two_hosts(&d, MIG_EVIDENCE_LIVE, 0);
        for (int i = 0; i < 2; i++) {
            if (codes[i] != MIG_OK) {
                mig_snapshot_free(d.hosts[i].snapshot);
                d.hosts[i].snapshot = NULL;
                d.hosts[i].refusal = mig_evidence_refusal_of(codes[i]);
                (void)mig_fail(&d.hosts[i].error, codes[i], "no");
            }
        }
        judged = mig_decision_judge(&d, &choice, &belief, true, &err);
        check_number(c->label, c->code == MIG_OK, judged);
        if (judged) {
            check_number(c->label, MIG_UNKNOWN, d.result.verdict);
            check_number(c->label, 4,
                         (uint64_t)mig_decision_exit_status(&d.result, false, MIG_FAIL_ON_NEVER));
        } else {
            check_number(c->label, c->code, err.code);
        }
        mig_decision_clear(&d);
    }
}

CHECK_TEST(fail_on_and_strict_move_only_statuses_1_and_3)
{
    static const struct {
        enum mig_verdict verdict;
        bool warning;
        int plain, strict, on_warn, never;
    } cases[] = {
        {MIG_COMPATIBLE,            false, 0, 0, 0, 0},
        {MIG_COMPATIBLE,            true,  0, 0, 3, 0},
        {MIG_COMPATIBLE_MASKED,     false, 0, 0, 0, 0},
        {MIG_COMPATIBLE_ON_PROFILE, true,  0, 3, 3, 0},
        {MIG_NEEDS_POWER_CYCLE,     false, 3, 3, 3, 0},
        {MIG_INCOMPATIBLE,          true,  1, 1, 1, 0},
        {MIG_UNKNOWN,               true,  4, 4, 4, 4},
    };

    CHECK_EACH (c, cases) {
        struct mig_result r = {.verdict = c->verdict};

        if (c->warning) {
            (void)mig_findings_add(&r.findings, "x", MIG_WARNING);
        }
        assert_int_equal(c->plain, mig_decision_exit_status(&r, false, MIG_FAIL_ON_BLOCKER));
        assert_int_equal(c->strict, mig_decision_exit_status(&r, true, MIG_FAIL_ON_BLOCKER));
        assert_int_equal(c->on_warn, mig_decision_exit_status(&r, false, MIG_FAIL_ON_WARN));
        assert_int_equal(c->never, mig_decision_exit_status(&r, true, MIG_FAIL_ON_NEVER));
        mig_result_clear(&r);
    }
}

CHECK_MAIN(cmocka_unit_test(paragraphs_break_at_spaces_and_keep_their_indent),
           cmocka_unit_test(ages_use_the_unit_that_fits),
           cmocka_unit_test(values_say_what_is_not_known),
           cmocka_unit_test(a_report_names_verdict_hosts_findings_and_losses_in_80_columns),
           cmocka_unit_test(a_running_guest_has_its_own_verdicts),
           cmocka_unit_test(a_name_that_rows_share_is_given_up_once_per_host),
           cmocka_unit_test(evidence_that_is_not_believed_makes_the_verdict_unknown),
           cmocka_unit_test(a_replay_of_unknown_age_is_at_least_as_old_as_its_seal),
           cmocka_unit_test(the_gravest_failure_of_a_host_decides_the_exit_status),
           cmocka_unit_test(fail_on_and_strict_move_only_statuses_1_and_3))
