/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the evidence does not tell leaves the answer about a running guest
 * open, unless policy takes the group as it is (compat/check_contract.c).
 */
#include <stdio.h>

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/check.h"
#include "support/small_host.h"

#define STALE "@guest/xstate-bv=0x207 "
#define PKRU "xcr0_pkru @x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0xa80 "

static const struct mig_choice plain;

/* @source may be NULL: a saved guest. */
static void ask(const char *guest, const char *source, const char *destination,
                const struct mig_choice *choice, struct mig_result *ret)
{
    MIG_AUTO(mig_free) char *shown = mig_strf(LEVEL_3 " %s", guest);
    MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", source != NULL ? source : "");
    MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", destination);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_host(shown);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(from);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *d = small_host(to);
    struct mig_party vm = {"vm", g}, alpha = {"alpha", s}, beta = {"beta", d};

    mig_check_contract(&vm, source != NULL ? &alpha : NULL, &beta, choice, ret);
}

static const struct mig_finding *find(const struct mig_result *r, const char *id)
{
    return mig_findings_find(&r->findings, id);
}

CHECK_TEST(each_group_is_tolerated_for_itself)
{
    static const struct {
        const char *label, *guest, *destination;
        enum mig_group first, second; /* the same: only this one */
        bool open;
    } cases[] = {
        {"an MSR",                      "arch_capabilities rdcl_no",      "?x86/msr/10a",                    MIG_GROUP_MSR,   MIG_GROUP_MSR,
         false                                                                                                                                      },
        {"an MSR, leaves tolerated",    "arch_capabilities rdcl_no",      "?x86/msr/10a",                    MIG_GROUP_CPUID,
         MIG_GROUP_CPUID,                                                                                                                      true },
        {"both, the first is not",      "arch_capabilities rdcl_no arat",
         "?x86/cpuid/6.0/eax ?x86/msr/10a",                                                                  MIG_GROUP_MSR,   MIG_GROUP_MSR,   true },
        {"both, the second is not",     "arch_capabilities rdcl_no arat",
         "?x86/cpuid/6.0/eax ?x86/msr/10a",                                                                  MIG_GROUP_CPUID, MIG_GROUP_CPUID, true },
        {"both",                        "arch_capabilities rdcl_no arat", "?x86/cpuid/6.0/eax ?x86/msr/10a",
         MIG_GROUP_CPUID,                                                                                                     MIG_GROUP_MSR,   false},
        {"a mitigation without proofs", "md_clear",                       "~msr=none",                       MIG_GROUP_TSC,   MIG_GROUP_TSC,
         true                                                                                                                                       },
        {"its leaf is tolerated",       "md_clear",                       "~msr=none",                       MIG_GROUP_CPUID, MIG_GROUP_CPUID, false},
        {"its proofs are",              "md_clear",                       "~msr=none",                       MIG_GROUP_MSR,   MIG_GROUP_MSR,   false},
        {"something else is open",      "md_clear",                       "~msr=none ?host/tsc-khz",         MIG_GROUP_CPUID,
         MIG_GROUP_CPUID,                                                                                                                      true },
        {"nothing is open then",        "md_clear",                       "~msr=none ?host/tsc-khz",         MIG_GROUP_CPUID,
         MIG_GROUP_TSC,                                                                                                                        false},
        {"state, no kernel is named",   STALE,                            PKRU,                              MIG_GROUP_CPUID, MIG_GROUP_TSC,   true },
    };

    CHECK_EACH (c, cases) {
        struct mig_choice choice = {0};
        struct mig_result r;

        choice.tolerate[c->first] = choice.tolerate[c->second] = true;
        ask(c->guest, c->guest, c->destination, &choice, &r);
        check_number(c->label, c->open, r.verdict == MIG_UNKNOWN);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_register_that_could_not_be_read_is_not_judged_as_0)
{
    static const struct {
        const char *label, *guest, *destination, *absent, *verdict;
    } cases[] = {
        {"a leaf",                     "erms",                      "?x86/cpuid/7.0/ebx",  "x86/cpuid/7.0/ebx/9", "unknown"   },
        {"an immunity",                "arch_capabilities rdcl_no", "?x86/msr/10a",        "x86/msr/10a/0",       "unknown"   },
        {"a leaf without its feature", "@x86/cpuid/14.0/ebx=1",     "?x86/cpuid/14.0/ebx",
         "x86/cpuid/14.0/ebx",                                                                                    "compatible"},
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;

        ask(c->guest, c->guest, c->destination, &plain, &r);
        check_true(c->label, find(&r, c->absent) == NULL);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* What the guest holds fails on the source too, and is lost all the same. */
CHECK_TEST(state_of_a_guest_is_no_presentation)
{
    static const struct {
        const char *label, *guest, *kernel, *id, *verdict;
    } cases[] = {
        {"stale state",      STALE,               PKRU "!kernel.release=6.2.1", "x86/xsave/9",   "needs-power-cycle"},
        {"XCR0 in use",      "@guest/xcr0=0x207", "!kernel.release=6.2.1",      "guest/xcr0",
         "needs-power-cycle"                                                                                        },
        {"encrypted memory", "@guest/vm-type=4",  "",                           "guest/vm-type", "incompatible"     },
    };

    CHECK_EACH (c, cases) {
        const struct mig_finding *f;
        struct mig_result r;

        ask(c->guest, c->kernel, c->kernel, &plain, &r);
        f = find(&r, c->id);
        assert_non_null(f);
        check_text(c->label, "blocker", mig_severity_name(f->severity));
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* The only difference is one that is let pass. */
CHECK_TEST(state_that_a_kernel_may_refuse_is_tolerated_not_unseen)
{
    struct mig_result r;

    ask(STALE, PKRU, "@host/xcomp-guest-supp=0x200 !kernel.release=5.15.0-91-generic", &plain, &r);
    assert_non_null(find(&r, "x86/xsave/9"));
    check_text("severity", "warning", mig_severity_name(find(&r, "x86/xsave/9")->severity));
    check_text("verdict", "compatible-masked", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_TEST(hosts_have_no_values_of_what_only_a_guest_has)
{
    const struct mig_finding *f;
    struct mig_result r;

    ask("@guest/vm-type=4", "", "", &plain, &r);
    f = find(&r, "guest/vm-type");
    assert_non_null(f);
    check_number("guest", 4, f->guest.value);
    check_number("source", MIG_UNCOVERED, f->source.known);
    check_number("destination", MIG_UNCOVERED, f->destination.known);
    mig_result_clear(&r);
}

CHECK_TEST(the_source_that_has_it_is_shown_with_its_own_value)
{
    const struct mig_finding *f;
    struct mig_result r;

    ask("phys_addr_bits=45", "phys_addr_bits=46", "phys_addr_bits=40", &plain, &r);
    f = find(&r, "x86/cpuid/80000008.0/eax/7:0");
    assert_non_null(f);
    check_number("guest", 45, f->guest.value);
    check_number("source", 46, f->source.value);
    check_number("destination", 40, f->destination.value);
    mig_result_clear(&r);
}

CHECK_TEST(a_destination_that_hides_its_failures_is_named)
{
    struct mig_result r;

    ask("", "", "!kvm.param.kvm.ignore_msrs=1", &plain, &r);
    assert_non_null(find(&r, "host/ignore-msrs/beta"));
    check_contains("why", "KVM on beta ignores MSRs", find(&r, "host/ignore-msrs/beta")->why);
    check_text("reason", "module parameter",
               mig_reason_name(find(&r, "host/ignore-msrs/beta")->reason));
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(each_group_is_tolerated_for_itself),
           cmocka_unit_test(a_register_that_could_not_be_read_is_not_judged_as_0),
           cmocka_unit_test(state_of_a_guest_is_no_presentation),
           cmocka_unit_test(state_that_a_kernel_may_refuse_is_tolerated_not_unseen),
           cmocka_unit_test(hosts_have_no_values_of_what_only_a_guest_has),
           cmocka_unit_test(the_source_that_has_it_is_shown_with_its_own_value),
           cmocka_unit_test(a_destination_that_hides_its_failures_is_named))
