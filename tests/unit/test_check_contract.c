/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "snapshot/builder.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static const struct mig_choice plain;

/* What each row expects of a finding; "" is that there is none. */
static void check_finding(const char *label, const struct mig_result *r, const char *id,
                          const char *severity)
{
    const struct mig_finding *f = mig_findings_find(&r->findings, id);

    check_text(label, severity, f != NULL ? mig_severity_name(f->severity) : "");
}

/* KVM serves interrupts to Windows guests. */
#define HV "@kvm/cap/HYPERV_SYNIC2=1"
#define AMD                                                                                        \
    "@x86/cpuid/0.0/ebx=0x68747541 @x86/cpuid/0.0/edx=0x69746e65 @x86/cpuid/0.0/ecx=0x444d4163"

CHECK_TEST(a_running_guest_needs_what_it_was_shown)
{
    static const struct {
        const char *label, *guest, *source, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"equal",                          "",                        "",                        "",                        "compatible",        "x86/cpuid/7.0/ebx/9",  ""       },
        {"surplus there",                  "",                        "",                        "erms",                    "compatible-masked", "x86/cpuid/7.0/ebx/9",  ""       },
        {"lost there",                     "erms",                    "erms",                    "",                        "needs-power-cycle", "x86/cpuid/7.0/ebx/9",  "blocker"},
        {"lost there, saved guest",        "erms",                    NULL,                      "",                        "needs-power-cycle", "x86/cpuid/7.0/ebx/9",
         "blocker"                                                                                                                                                                },
        {"weak to strong",                 "",                        "",                        "erms adx",                "compatible-masked", "x86/cpuid/7.0/ebx/9",  ""       },
        {"and back again",                 "",                        "erms adx",                "",                        "compatible",        "x86/cpuid/7.0/ebx/9",  ""       },
        {"another vendor",                 "",                        "",                        AMD,                       "incompatible",      "x86/cpuid/0.0/ebx",    "blocker"},
        {"another vendor than the source", "",                        AMD,                       "",                        "incompatible",      "x86/cpuid/0.0/ebx",
         "blocker"                                                                                                                                                                },
        {"a contract without a vendor",    "@x86/cpuid/0.0/ebx=0",    "",                        "",                        "unknown",
         "guest/vendor/vm",                                                                                                                                              "blocker"},
        {"a host without a vendor",        "",                        "",                        "@x86/cpuid/0.0/ebx=0",    "unknown",           "host/vendor/beta",
         "blocker"                                                                                                                                                                },
        {"no profile for both hosts",      "",                        "",                        "clflush_size=4",          "incompatible",
         "x86/cpuid/1.0/ebx/15:8",                                                                                                                                       "blocker"},
        {"a profile for the one host",     "",                        NULL,                      "clflush_size=4",          "needs-power-cycle",
         "x86/cpuid/1.0/ebx/15:8",                                                                                                                                       "blocker"},
        {"narrower addresses",             "",                        "",                        "phys_addr_bits=39",       "needs-power-cycle",
         "x86/cpuid/80000008.0/eax/7:0",                                                                                                                                 "blocker"},
        {"an opt-in that both have",       "mpx",                     "mpx",                     "mpx",                     "compatible",        "x86/cpuid/7.0/ebx/14", ""       },
        {"an opt-in that is gone",         "mpx",                     "mpx",                     "",                        "needs-power-cycle", "x86/cpuid/7.0/ebx/14",
         "blocker"                                                                                                                                                                },
        {"an unknown bit that both have",  "@x86/cpuid/7.1/ecx=0x80", "",                        "@x86/cpuid/7.1/ecx=0x80",
         "compatible",                                                                                                                           "x86/cpuid/7.1/ecx/7",  "warning"},
        {"an unknown bit that is gone",    "@x86/cpuid/7.1/ecx=0x80", "@x86/cpuid/7.1/ecx=0x80", "",
         "needs-power-cycle",                                                                                                                    "x86/cpuid/7.1/ecx/7",  "blocker"},
        {"an unknown MSR",                 "@x86/msr/999=1",          "@x86/msr/999=1",          "@x86/msr/999=1",
         "needs-power-cycle",                                                                                                                    "x86/msr/999/0",        "blocker"},
        {"what only the host lists",       "",                        "@x86/msr-list/10=1",      "",                        "compatible",        "x86/msr-list",
         ""                                                                                                                                                                       },
        {"a list gone with the source's",  "@x86/msr-list/10=1",      "",                        "",                        "compatible-masked",
         "x86/msr-list",                                                                                                                                                 "warning"},
        {"a list of the guest's own",      "@x86/msr-list/10=1",      "@x86/msr-list/10=1",      "",
         "needs-power-cycle",                                                                                                                    "x86/msr-list",         "blocker"},
        {"capabilities of hosts",          "",                        "@kvm/cap/MAX_VCPUS=9",    "",                        "compatible",        "kvm/cap/MAX_VCPUS",
         ""                                                                                                                                                                       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        MIG_AUTO(mig_free)
        char *from = c->source != NULL ? mig_strf(LEVEL_3 " %s", c->source) : NULL;
        struct mig_result r;

        small_check_contract(guest, from, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_number(c->label, r.verdict, r.passthrough);
        check_true(c->label, r.contract && r.direction == NULL);
        check_number(c->label, r.verdict == MIG_NEEDS_POWER_CYCLE, r.profile != NULL);
        check_finding(c->label, &r, c->id, c->severity);
        mig_result_clear(&r);
    }
}

/* Nothing of the hosts' CPUs and KVM says anything about it. */
CHECK_TEST(an_emulated_guest_waits_for_a_proof)
{
#define TCG "!vmm.name=qemu !vmm.accelerator=tcg !vmm.machine-type=pc ~tsc=none "
    static const struct mig_choice complete = {.require_complete = true};
    static const struct {
        const char *label, *guest, *destination, *verdict, *id;
        bool provable;
    } cases[] = {
        {"more than the host has",   TCG "erms",               "",                                     "unknown",      "vmm/emulated",      true },
        {"equal to the host",        TCG,                      "",                                     "unknown",      "vmm/emulated",      true },
        {"another vendor",           TCG,                      AMD,                                    "unknown",      "vmm/emulated",      true },
        {"a host without KVM",       TCG,                      "~cpuid=none ~msr=none ~kvm-view=none", "unknown",
         "vmm/emulated",                                                                                                                    true },
        {"no such machine type",     TCG,                      "!vmm.qemu.machines=q35",               "incompatible", "vmm/machine-type",
         false                                                                                                                                   },
        {"a contract without CPUID", TCG "~cpuid=none",        "",                                     "unknown",      "coverage/cpuid",    false},
        {"a register not recorded",  TCG "?x86/cpuid/7.0/ebx", "",                                     "unknown",      "x86/cpuid/7.0/ebx",
         false                                                                                                                                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_check_contract(guest, LEVEL_3, to, &complete, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_number(c->label, r.verdict, r.passthrough);
        check_true(c->label, r.emulated && mig_findings_find(&r.findings, c->id) != NULL);
        check_number(c->label, c->provable, r.provable);
        mig_result_clear(&r);
    }
}

/* What the guest lives without on the source is no reason to stay there. */
CHECK_TEST(what_fails_on_the_source_too_is_how_the_vmm_presents_the_cpu)
{
    static const struct {
        const char *label, *guest, *source, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"neither shows it",                "erms",                      "",                                  "",                  "compatible-masked", "x86/cpuid/7.0/ebx/9",          "warning"},
        {"one could",                       "erms",                      "",                                  "erms",              "compatible",        "x86/cpuid/7.0/ebx/9",          ""       },
        {"unknown source",                  "erms",                      NULL,                                "",                  "needs-power-cycle", "x86/cpuid/7.0/ebx/9",          "blocker"},
        {"the source does not tell",        "erms",                      "~cpuid=partial ^x86/cpuid/7.0/ebx", "",
         "needs-power-cycle",                                                                                                                           "x86/cpuid/7.0/ebx/9",          "blocker"},
        {"wider there",                     "phys_addr_bits=48",         "phys_addr_bits=40",                 "phys_addr_bits=46",
         "compatible-masked",                                                                                                                           "x86/cpuid/80000008.0/eax/7:0", "warning"},
        {"narrower there",                  "phys_addr_bits=48",         "phys_addr_bits=46",                 "phys_addr_bits=40",
         "needs-power-cycle",                                                                                                                           "x86/cpuid/80000008.0/eax/7:0", "blocker"},
        {"never shown to guests",           "tm",                        "tm",                                "tm",                "compatible",        "x86/cpuid/1.0/edx/29",
         "warning"                                                                                                                                                                               },
        {"one more of them gone",           "erms adx",                  "erms",                              "",                  "needs-power-cycle",
         "x86/cpuid/7.0/ebx/9",                                                                                                                                                         "blocker"},
        {"the other is still presentation", "erms adx",                  "erms",                              "",                  "needs-power-cycle",
         "x86/cpuid/7.0/ebx/19",                                                                                                                                                        "warning"},
        {"an immunity that no host has",    "arch_capabilities rdcl_no", "arch_capabilities",
         "arch_capabilities",                                                                                                      "compatible-masked", "x86/msr/10a/0",                "warning"},
        {"a bit without a row",             "@x86/cpuid/7.1/ecx=0x80",   "",                                  "",                  "compatible-masked",
         "x86/cpuid/7.1/ecx/7",                                                                                                                                                         "warning"},
        {"encrypted memory",                "@guest/vm-type=2",          "",                                  "",                  "incompatible",      "guest/vm-type",
         "blocker"                                                                                                                                                                               },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        MIG_AUTO(mig_free)
        char *from = c->source != NULL ? mig_strf(LEVEL_3 " %s", c->source) : NULL;
        const struct mig_finding *f;
        struct mig_result r;

        small_check_contract(guest, from, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_finding(c->label, &r, c->id, c->severity);
        f = mig_findings_find(&r.findings, c->id);
        if (f != NULL && f->severity == MIG_WARNING) {
            check_text(c->label, "VMM", mig_reason_name(f->reason));
            check_contains(c->label, "alpha", f->why);
            check_contains(c->label, "beta", f->why);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_lost_immunity_stops_a_guest_unless_policy_says_warn)
{
    struct mig_choice warns = {.security_warns = true};
    struct mig_result r;

    small_check_contract(LEVEL_3 " arch_capabilities rdcl_no", LEVEL_3 " arch_capabilities rdcl_no",
                         LEVEL_3 " arch_capabilities", &plain, &r);
    check_text("by default", "needs-power-cycle", mig_verdict_name(r.verdict));
    check_finding("by default", &r, "x86/msr/10a/0", "security");
    check_true("what the hosts give up is told", r.losses_len == 1 && r.losses[0].security);
    mig_result_clear(&r);
    small_check_contract(LEVEL_3 " arch_capabilities rdcl_no", LEVEL_3 " arch_capabilities rdcl_no",
                         LEVEL_3 " arch_capabilities", &warns, &r);
    check_text("with a warning", "compatible-masked", mig_verdict_name(r.verdict));
    check_finding("with a warning", &r, "x86/msr/10a/0", "security");
    check_true("no profile is needed", r.profile == NULL);
    mig_result_clear(&r);
}

CHECK_TEST(a_host_accepts_more_than_it_offers)
{
    static const struct {
        const char *label, *guest, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"lock elision",            "hle",                   "",                 "compatible-masked", "x86/cpuid/7.0/ebx/4",  "warning"},
        {"transactions that abort", "rtm",                   "rtm_always_abort", "compatible-masked",
         "x86/cpuid/7.0/ebx/11",                                                                                              "warning"},
        {"transactions that fault", "rtm",                   "",                 "needs-power-cycle", "x86/cpuid/7.0/ebx/11",
         "blocker"                                                                                                                     },
        {"told that they abort",    "rtm_always_abort",      "rtm",              "compatible-masked",
         "x86/cpuid/7.0/edx/11",                                                                                              "warning"},
        {"STIBP with IBRS",         "spec_ctrl intel_stibp", "spec_ctrl",        "compatible-masked",
         "x86/cpuid/7.0/edx/27",                                                                                              "warning"},
        {"STIBP alone",             "spec_ctrl intel_stibp", "",                 "needs-power-cycle", "x86/cpuid/7.0/edx/27",
         "blocker"                                                                                                                     },
        {"IBPB with IBRS",          "amd_ibpb",              "spec_ctrl",        "compatible-masked",
         "x86/cpuid/80000008.0/ebx/12",                                                                                       "warning"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        const struct mig_finding *f;
        struct mig_result r;

        small_check_contract(guest, guest, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_finding(c->label, &r, c->id, c->severity);
        f = mig_findings_find(&r.findings, c->id);
        check_true(c->label, f != NULL && (f->severity != MIG_WARNING ||
                                           strncmp(f->why, "tolerated on beta", 17) == 0));
        mig_result_clear(&r);
    }
}

CHECK_TEST(what_the_destination_could_not_read_may_leave_the_answer_open)
{
    static const struct {
        const char *label, *guest, *destination, *verdict, *id;
    } cases[] = {
        {"an immunity of the guest",        "arch_capabilities rdcl_no",   "?x86/msr/10a",       "unknown",
         "x86/msr/10a"                                                                                                            },
        {"a mitigation of the guest",       "arch_capabilities fb_clear",  "?x86/msr/10a",       "unknown",
         "x86/msr/10a"                                                                                                            },
        {"nested VMX of a guest without",   "",                            "?x86/msr/480",       "compatible", NULL               },
        {"nested VMX of a guest with it",   "vmx @x86/msr/480=0x11e57ed0", "vmx ?x86/msr/480",
         "unknown",                                                                                            "x86/msr/480"      },
        {"an MSR that the guest never saw", "",                            "?x86/msr/999",       "compatible", NULL               },
        {"a leaf of the guest",             "erms",                        "?x86/cpuid/7.0/ebx", "unknown",    "x86/cpuid/7.0/ebx"},
        {"the rate",                        "",                            "?host/tsc-khz",      "unknown",    "host/tsc-khz"     },
        {"no rate",                         "",                            "@host/tsc-khz=0",    "unknown",    "host/tsc-khz"     },
        {"whether it scales",               "",                            "?host/tsc-scaling",  "unknown",    "host/tsc-scaling" },
        {"capabilities are the VMM's",      "",                            "?kvm/cap/XSAVE",     "compatible", NULL               },
        {"all MSRs",                        "",                            "~msr=unreadable",    "unknown",    "coverage/msr"     },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_choice tolerant = {0};
        struct mig_result r;

        small_check_contract(guest, guest, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_true(c->label, c->id == NULL || mig_findings_find(&r.findings, c->id) != NULL);
        check_true(c->label, r.verdict != MIG_UNKNOWN || r.profile == NULL);
        mig_result_clear(&r);
        for (int g = 0; g < MIG_GROUP_COUNT; g++) {
            tolerant.tolerate[g] = true;
        }
        small_check_contract(guest, guest, to, &tolerant, &r);
        check_true(c->label, r.verdict != MIG_UNKNOWN);
        mig_result_clear(&r);
    }
}

CHECK_TEST(what_a_contract_or_a_host_can_not_show_is_named)
{
    static const struct {
        const char *label, *guest, *destination, *id, *name;
    } cases[] = {
        {"MSRs of the guest",               "~msr=none",          "",                   "coverage/msr",      "vm"      },
        {"MSRs of the host",                "",                   "~msr=none",          "coverage/msr",      "beta"    },
        {"MSRs of both",                    "~msr=none",          "~msr=partial",       "coverage/msr",      "vm, beta"},
        {"CPUID in part",                   PARTLY,               "",                   "coverage/cpuid",    "vm"      },
        {"rate",                            "~tsc=none",          "",                   "coverage/tsc",      "vm"      },
        {"topology",                        "~guest=none",        "",                   "coverage/guest",    "vm"      },
        {"a host has no topology",          "",                   "~guest=none",        "coverage/guest",    NULL      },
        {"a contract has no capabilities",  "~kvm-cap=none",      "",                   "coverage/kvm-cap",  NULL      },
        {"lists are no property of guests", "",                   "~msr-list=none",     "coverage/msr-list", NULL      },
        {"but of one that has one",         "@x86/msr-list/10=1", "~msr-list=none",     "coverage/msr-list",
         "beta"                                                                                                        },
        {"Windows leaves",                  "hv_synic",           HV " ~cpuid-hv=none", "coverage/cpuid-hv", "beta"    },
        {"of no Windows guest",             "",                   "~cpuid-hv=none",     "coverage/cpuid-hv", NULL      },
        {"devices",                         "@virtio/net=1",      "~virtio=none",       "coverage/virtio",   "beta"    },
        {"of a guest without",              "",                   "~virtio=none",       "coverage/virtio",   NULL      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_choice strict = {.require_complete = true};
        const struct mig_finding *f;
        struct mig_result r;

        small_check_contract(guest, NULL, to, &plain, &r);
        check_true(c->label, r.verdict <= MIG_COMPATIBLE_MASKED);
        f = mig_findings_find(&r.findings, c->id);
        check_number(c->label, c->name != NULL, f != NULL);
        check_number(c->label, c->name != NULL, r.partial);
        if (f != NULL) {
            check_text(c->label, "warning", mig_severity_name(f->severity));
            check_contains(c->label, c->name, f->why);
        }
        mig_result_clear(&r);
        small_check_contract(guest, NULL, to, &strict, &r);
        check_number(c->label, c->name != NULL, r.verdict == MIG_UNKNOWN);
        mig_result_clear(&r);
    }
}

CHECK_TEST(windows_leaves_and_devices_are_judged_where_the_guest_has_them)
{
    static const struct {
        const char *label, *guest, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"leaves of both",          "hv_synic",                     HV " hv_synic hv_vp_index",     "compatible-masked",
         "x86/cpuid-hv/40000003.0/eax/2",                                                                                                                 ""       },
        {"a leaf is gone",          "hv_synic",                     HV " hv_vp_index",              "needs-power-cycle",
         "x86/cpuid-hv/40000003.0/eax/2",                                                                                                                 "blocker"},
        {"a plain guest sees none", "",                             "hv_synic",                     "compatible",        "x86/cpuid-hv/40000003.0/eax/2",
         ""                                                                                                                                                        },
        {"features of a device",    "@virtio/net=0x40000000000000", "@virtio/net=0x40000000000000",
         "compatible",                                                                                                   "virtio/net/54",                 ""       },
        {"a feature is gone",       "@virtio/net=0x40000000000000", "@virtio/net=0",                "needs-power-cycle",
         "virtio/net/54",                                                                                                                                 "blocker"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_check_contract(guest, guest, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_finding(c->label, &r, c->id, c->severity);
        mig_result_clear(&r);
    }
}

static void check_seen(const char *label, struct mig_seen seen, bool known, uint64_t value)
{
    check_number(label, known, seen.known == MIG_KNOWN || seen.known == MIG_ABSENT);
    check_number(label, value, seen.value);
}

CHECK_TEST(each_finding_has_the_values_of_guest_source_and_destination)
{
    static const struct {
        const char *label, *guest, *source, *destination, *id;
        uint64_t values[3];
    } cases[] = {
        {"flag",              "erms", "erms",                    "",  "x86/cpuid/7.0/ebx/9",          {1, 1, 0}                           },
        {"flag, no source",   "erms", NULL,                      "",  "x86/cpuid/7.0/ebx/9",          {1, 0, 0}                           },
        {"presentation",      "erms", "",                        "",  "x86/cpuid/7.0/ebx/9",          {1, 0, 0}                           },
        {"number",
         "phys_addr_bits=48",         "phys_addr_bits=46",
         "phys_addr_bits=40",                                         "x86/cpuid/80000008.0/eax/7:0",
         {48, 46, 40}                                                                                                                     },
        {"bit without a row",
         "@x86/cpuid/7.1/ecx=0x80",   "@x86/cpuid/7.1/ecx=0x80",
         "",                                                          "x86/cpuid/7.1/ecx/7",
         {1, 1, 0}                                                                                                                        },
        {"vendor",            "",     "",                        AMD, "x86/cpuid/0.0/ebx",            {0x756e6547, 0x756e6547, 0x68747541}},
        {"rate",
         "constant_tsc",              "@host/tsc-khz=2600100",
         "@host/tsc-khz=3000000",                                     "host/tsc-khz",
         {2600000, 2600100, 3000000}                                                                                                      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        MIG_AUTO(mig_free)
        char *from = c->source != NULL ? mig_strf(LEVEL_3 " %s", c->source) : NULL;
        const struct mig_finding *f;
        struct mig_result r;

        small_check_contract(guest, from, to, &plain, &r);
        f = mig_findings_find(&r.findings, c->id);
        check_true(c->label, f != NULL);
        if (f != NULL) {
            check_seen(c->label, f->guest, true, c->values[0]);
            check_seen(c->label, f->source, from != NULL, c->values[1]);
            check_seen(c->label, f->destination, true, c->values[2]);
        }
        mig_result_clear(&r);
    }
}

/* A power cycle helps only where the profile is good enough. */
CHECK_TEST(the_minimum_holds_for_the_profile_of_a_power_cycle)
{
    struct mig_choice choice = {.minimum = mig_level_set(MIG_LEVEL_X86_64_V3)};
    struct mig_result r;

    small_check_contract(LEVEL_3, LEVEL_3, LEVEL_3 " -avx2", &choice, &r);
    check_text("below", "incompatible", mig_verdict_name(r.verdict));
    check_finding("below", &r, "policy/minimum", "blocker");
    check_finding("below", &r, "x86/cpuid/7.0/ebx/5", "blocker");
    mig_result_clear(&r);
    small_check_contract(LEVEL_1, LEVEL_1, LEVEL_1, &choice, &r);
    check_text("a guest that runs needs no level", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_TEST(guests_without_a_cpu_are_unknown)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *arm = NULL, *x86 = small_host(LEVEL_3);
    struct mig_party vm, host, other = {"beta", x86};
    struct mig_error err;
    struct mig_result r;

    mig_builder_set(b, (struct mig_reg){MIG_SPACE_IDREG, 0x130000, 3, MIG_EAX}, 0x11);
    check_done("freeze", mig_builder_freeze(b, &arm, &err), &err);
    vm = (struct mig_party){"vm", arm};
    host = (struct mig_party){"alpha", arm};
    mig_check_contract(&vm, NULL, &host, &plain, &r);
    check_text("arm64", "unknown", mig_verdict_name(r.verdict));
    check_finding("arm64", &r, "guest/vendor/vm", "blocker");
    check_finding("arm64", &r, "host/vendor/alpha", "blocker");
    mig_result_clear(&r);
    mig_check_contract(&vm, &host, &other, &plain, &r);
    check_text("to x86", "incompatible", mig_verdict_name(r.verdict));
    check_finding("to x86", &r, "host/arch", "blocker");
    mig_result_clear(&r);
}

/* What a guest is shown that boots on @host with these opt-ins. */
static struct mig_snapshot *boot_on(const struct mig_party *host, const char *opt_in)
{
    struct mig_choice choice = {.allow = &opt_in, .allow_len = opt_in != NULL ? 1 : 0};
    struct mig_snapshot *shown;
    struct mig_result r;

    mig_baseline(host, 1, &choice, &r);
    assert_non_null(r.profile);
    shown = mig_profile_as_snapshot(r.profile);
    mig_result_clear(&r);
    return shown;
}

CHECK_TEST(guests_of_real_hosts_move_as_far_as_they_were_shown_no_more)
{
    static const struct {
        const char *label, *booted, *opt_in, *source, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"without MPX to a newer CPU",               "intel-cascadelake-6.1",     NULL,  "intel-cascadelake-6.1",
         "intel-sapphire-rapids-6.1",                                                                                                          "compatible-masked", "x86/cpuid/7.0/ebx/14", ""        },
        {"with MPX",                                 "intel-cascadelake-6.1",     "mpx", "intel-cascadelake-6.1", "intel-icelake-6.1",
         "needs-power-cycle",                                                                                                                                       "x86/cpuid/7.0/ebx/14", "blocker" },
        {"with MPX to its like",                     "intel-cascadelake-6.1",     "mpx", "intel-cascadelake-6.1",
         "intel-cascadelake-6.1",                                                                                                              "compatible-masked", "x86/cpuid/7.0/ebx/14", ""        },
        {"weak to strong",                           "intel-cascadelake-6.1",     NULL,  "intel-cascadelake-6.1",
         "intel-icelake-6.1",                                                                                                                  "compatible-masked", "x86/cpuid/7.0/ebx/14", ""        },
        {"and back",                                 "intel-cascadelake-6.1",     NULL,  "intel-icelake-6.1",     "intel-cascadelake-6.1",
         "compatible-masked",                                                                                                                                       "x86/cpuid/7.0/ebx/14", ""        },
        {"an immunity that the older CPU lacks",     "intel-granite-rapids-6.1",  NULL,
         "intel-granite-rapids-6.1",                                                                              "intel-sapphire-rapids-6.1", "needs-power-cycle",
         "x86/msr/10a/24",                                                                                                                                                                  "security"},
        {"which a guest of the older one never saw", "intel-sapphire-rapids-6.1", NULL,
         "intel-granite-rapids-6.1",                                                                              "intel-sapphire-rapids-6.1", "compatible-masked",
         "x86/msr/10a/24",                                                                                                                                                                  ""        },
        {"another vendor",                           "intel-icelake-6.1",         NULL,  "intel-icelake-6.1",     "amd-milan-6.1",
         "incompatible",                                                                                                                                            "x86/cpuid/0.0/ebx",    "blocker" },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = snapshot_host(c->booted);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(c->source);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *d = snapshot_host(c->destination);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
        struct mig_party born = {"born", b}, from = {"alpha", s}, to = {"beta", d}, vm;
        struct mig_result r;

        shown = boot_on(&born, c->opt_in);
        vm = (struct mig_party){"vm", shown};
        mig_check_contract(&vm, &from, &to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_finding(c->label, &r, c->id, c->severity);
        mig_result_clear(&r);
    }
}

/* Evidence that is not believed turns a contract's answer as any other. */
CHECK_TEST(distrust_outranks_the_verdict_and_leaves_no_direction)
{
    struct mig_result r;

    small_check_contract(LEVEL_3, LEVEL_3, LEVEL_3, &plain, &r);
    mig_result_distrust(&r, "trust/expired", "too old", "ask again");
    check_text("verdict", "unknown", mig_verdict_name(r.verdict));
    check_true("direction", r.direction == NULL);
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(a_running_guest_needs_what_it_was_shown),
           cmocka_unit_test(an_emulated_guest_waits_for_a_proof),
           cmocka_unit_test(what_fails_on_the_source_too_is_how_the_vmm_presents_the_cpu),
           cmocka_unit_test(a_lost_immunity_stops_a_guest_unless_policy_says_warn),
           cmocka_unit_test(a_host_accepts_more_than_it_offers),
           cmocka_unit_test(what_the_destination_could_not_read_may_leave_the_answer_open),
           cmocka_unit_test(what_a_contract_or_a_host_can_not_show_is_named),
           cmocka_unit_test(windows_leaves_and_devices_are_judged_where_the_guest_has_them),
           cmocka_unit_test(each_finding_has_the_values_of_guest_source_and_destination),
           cmocka_unit_test(the_minimum_holds_for_the_profile_of_a_power_cycle),
           cmocka_unit_test(guests_without_a_cpu_are_unknown),
           cmocka_unit_test(guests_of_real_hosts_move_as_far_as_they_were_shown_no_more),
           cmocka_unit_test(distrust_outranks_the_verdict_and_leaves_no_direction))
