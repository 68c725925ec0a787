/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/judge.h"

#include "compat/negotiate.h"
#include "support/check.h"
#include "support/judged.h"
#include "support/small_host.h"

CHECK_TEST(bits_without_a_row_are_judged_by_where_they_stand)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"a feature word, shared",         "@x86/cpuid/7.1/ecx=0x80",                           "@x86/cpuid/7.1/ecx=0x80",
         "x86/cpuid/7.1/ecx/7",                                                                                                                           "warning"},
        {"a feature word, gone",           "@x86/cpuid/7.1/ecx=0x80",                           "",                         "x86/cpuid/7.1/ecx/7",        "blocker"},
        {"another bit of it there",        "@x86/cpuid/7.1/ecx=0x80",                           "@x86/cpuid/7.1/ecx=0x40",
         "x86/cpuid/7.1/ecx/7",                                                                                                                           "blocker"},
        {"XSAVE, shared",                  "@x86/cpuid/d.1/eax=0x400",                          "@x86/cpuid/d.1/eax=0x400",
         "x86/cpuid/d.1/eax/10",                                                                                                                          "blocker"},
        {"a leaf without rows, shared",    "@x86/cpuid/40000123.0/eax=1",
         "@x86/cpuid/40000123.0/eax=1",                                                                                     "x86/cpuid/40000123.0/eax/0", "blocker"},
        {"an MSR, shared",                 "@x86/msr/10a=0x8000000000000000 arch_capabilities",
         "@x86/msr/10a=0x8000000000000000 arch_capabilities",                                                               "x86/msr/10a/63",             "blocker"},
        {"a capability of another kernel", "@kvm/cap/3e7=1",                                    "",                         "kvm/cap/3e7/0",              ""       },
        {"only on the host",               "",                                                  "@x86/cpuid/7.1/ecx=0x80",  "x86/cpuid/7.1/ecx/7",        ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(properties_of_hosts_are_a_warning)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"scaling gone",        "@host/tsc-scaling=1",  "@host/tsc-scaling=0",  "host/tsc-scaling",
         "warning"                                                                                     },
        {"scaling gained",      "@host/tsc-scaling=0",  "@host/tsc-scaling=1",  "host/tsc-scaling",  ""},
        {"a capability gone",   "@kvm/cap/MAX_VCPUS=9", "@kvm/cap/MAX_VCPUS=8", "kvm/cap/MAX_VCPUS",
         "warning"                                                                                     },
        {"a capability gained", "@kvm/cap/MAX_VCPUS=8", "@kvm/cap/MAX_VCPUS=9", "kvm/cap/MAX_VCPUS",
         ""                                                                                            },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(a_capability_that_nobody_knows_is_nothing)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host("@kvm/cap/3e7=1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host("");
    struct mig_findings findings;

    judged(guest, host, &findings);
    check_number("findings", 0, findings.len);
    mig_findings_clear(&findings);
}

/* What no profile offers and no rule explains is not granted in passing. */
CHECK_TEST(words_that_hosts_share_do_not_stop_all_that_one_can_grant)
{
    static const struct {
        const char *label, *both;
    } cases[] = {
        {"a Hyper-V leaf without rows", LEVEL_3 " @x86/cpuid-hv/40000123.0/eax=1"},
        {"a leaf without rows",         LEVEL_3 " @x86/cpuid/40000123.0/eax=1"   },
        {"an MSR without rows",         LEVEL_3 " @x86/msr/999=1"                },
        {"what is never offered",       LEVEL_3 " tm"                            },
    };
    static const struct mig_choice plain;

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->both, c->both, &plain, &r);
        check_text(c->label, "compatible", mig_verdict_name(r.passthrough));
        check_text(c->label, "both", r.direction);
        mig_result_clear(&r);
    }
}

/* Each row of opt_in.def by itself: a guest that was given it is held to it. */
CHECK_TEST(an_opt_in_that_the_guest_was_given_is_asked_for)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"VMX",                      "vmx",           "",                                "x86/cpuid/1.0/ecx/5",         "blocker"},
        {"SVM",                      "svm",           "",                                "x86/cpuid/80000001.0/ecx/2",  "blocker"},
        {"counters",                 "pmu_version=2", "",                                "x86/cpuid/a.0/eax/7:0",       "blocker"},
        {"more counters of AMD",     "perfctr_core",  "",                                "x86/cpuid/80000001.0/ecx/23", "blocker"},
        {"capabilities of counters", "pdcm",          "",                                "x86/cpuid/1.0/ecx/15",        "blocker"},
        {"counters only there",      "",              "pmu_version=2 pdcm perfctr_core", "x86/cpuid/a.0/eax/7:0",       ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

#define FLUSH "x86/msr/10a/3"
#define SPLIT "x86/msr/10a/6"
#define DEADLINE "x86/cpuid/1.0/ecx/24"

/* Rows of accept.def that no other table of tests has. */
CHECK_TEST(what_needs_no_offer_is_accepted)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"flush at entry",                "arch_capabilities skip_l1dfl_vmentry",     "arch_capabilities",             FLUSH,
         "warning"                                                                                                                                       },
        {"flush of one that nests",       "arch_capabilities skip_l1dfl_vmentry vmx",
         "arch_capabilities vmx",                                                                                      FLUSH,                  "security"},
        {"split pages",                   "arch_capabilities pschange_mc_no",         "arch_capabilities",             SPLIT,                  "warning" },
        {"split pages of one that nests", "arch_capabilities pschange_mc_no vmx",
         "arch_capabilities vmx",                                                                                      SPLIT,                  "security"},
        {"that it is a guest",            "hypervisor",                               "",                              "x86/cpuid/1.0/ecx/31", ""        },
        {"timer that KVM makes",          "tsc_deadline_timer",                       "@kvm/cap/TSC_DEADLINE_TIMER=1", DEADLINE,
         ""                                                                                                                                              },
        {"timer that it does not",        "tsc_deadline_timer",                       "",                              DEADLINE,               "blocker" },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(a_register_depends_on_what_the_guest_was_shown)
{
    static const struct {
        const char *label, *guest;
        struct mig_reg reg;
        bool depends;
    } cases[] = {
        {"a flag",                             "erms",                    {MIG_SPACE_CPUID, 7, 0, MIG_EBX},    true },
        {"no flag",                            "erms",                    {MIG_SPACE_CPUID, 7, 0, MIG_EDX},    false},
        {"not listed",                         "",                        {MIG_SPACE_CPUID, 0x19, 0, MIG_EBX}, false},
        {"an unknown bit",                     "@x86/cpuid/7.1/ecx=0x80", {MIG_SPACE_CPUID, 7, 1, MIG_ECX},    true },
        {"not readable",                       "?x86/cpuid/7.1/ecx",      {MIG_SPACE_CPUID, 7, 1, MIG_ECX},    false},
        {"trace without PT",                   "@x86/cpuid/14.0/ebx=1",   {MIG_SPACE_CPUID, 0x14, 0, MIG_EBX}, false},
        {"trace with PT",
         "intel_pt @x86/cpuid/14.0/ebx=1",                                {MIG_SPACE_CPUID, 0x14, 0, MIG_EBX},
         true                                                                                                       },
        {"a component of XSAVE",               "",                        {MIG_SPACE_CPUID, 0xd, 2, MIG_EBX},  true },
        {"one that it has not",                "@x86/cpuid/d.9/ebx=0",    {MIG_SPACE_CPUID, 0xd, 9, MIG_EBX},  false},
        {"vulnerabilities that were not told",
         "arch_capabilities @x86/msr/10a=0",                              {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},
         true                                                                                                       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(c->guest);
        struct mig_party guest = {"guest", s};

        check_number(c->label, c->depends, mig_judge_depends(&guest, c->reg));
    }
}

CHECK_MAIN(cmocka_unit_test(bits_without_a_row_are_judged_by_where_they_stand),
           cmocka_unit_test(properties_of_hosts_are_a_warning),
           cmocka_unit_test(a_capability_that_nobody_knows_is_nothing),
           cmocka_unit_test(words_that_hosts_share_do_not_stop_all_that_one_can_grant),
           cmocka_unit_test(an_opt_in_that_the_guest_was_given_is_asked_for),
           cmocka_unit_test(what_needs_no_offer_is_accepted),
           cmocka_unit_test(a_register_depends_on_what_the_guest_was_shown))
