/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contracts and hosts whose evidence has gaps: what nobody knows is unknown,
 * and what both hosts lack is not for that reason harmless.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/small_host.h"

static const struct mig_choice plain;

static void tolerate_all(struct mig_choice *choice)
{
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        choice->tolerate[g] = true;
    }
}

/* What each row expects of a finding; "" is that there is none. */
static void check_finding(const char *label, const struct mig_result *r, const char *id,
                          const char *severity)
{
    const struct mig_finding *f = mig_findings_find(&r->findings, id);

    check_text(label, severity, f != NULL ? mig_severity_name(f->severity) : "");
}

/* Silence about features is no sign that there are none. */
CHECK_TEST(features_that_nobody_tells_leave_the_answer_open)
{
    static const struct {
        const char *label, *guest, *destination, *verdict, *tolerant, *id;
    } cases[] = {
        {"all words",                LEVEL_3 " " PARTLY,        LEVEL_3,                                  "compatible",        "compatible",        NULL                },
        {"leaf 7 in part",           LEVEL_3 " ~cpuid=partial", LEVEL_3,                                  "unknown",           "unknown",
         "guest/features/vm"                                                                                                                                            },
        {"hardly anything",          "~cpuid=partial",          LEVEL_3,                                  "unknown",           "unknown",           "guest/features/vm" },
        {"no CPUID",                 "~cpuid=none",             LEVEL_3,                                  "unknown",           "unknown",           "coverage/cpuid"    },
        {"no leaf 7 at all",
         LEVEL_1 " ~cpuid=partial @x86/cpuid/0.0/eax=6 @x86/cpuid/1.0/ecx=0 "
                 "@x86/cpuid/80000001.0/ecx=0",                 LEVEL_3,                                  "compatible-masked", "compatible-masked", NULL                },
        {"what it was shown, there", LEVEL_3 " erms",           LEVEL_3 " " PARTLY " ^x86/cpuid/7.0/ebx",
         "unknown",                                                                                                            "compatible",        "host/features/beta"},
        {"what may be gone there",   LEVEL_3,                   LEVEL_3 " " PARTLY " ^x86/cpuid/7.0/ebx", "unknown",
         "compatible",                                                                                                                              "host/features/beta"},
        {"what it was not shown",    LEVEL_3,                   LEVEL_3 " ~cpuid=partial",                "compatible",        "compatible",
         NULL                                                                                                                                                           },
    };

    CHECK_EACH (c, cases) {
        struct mig_choice tolerant = {0};
        struct mig_result r;

        tolerate_all(&tolerant);
        small_check_contract(c->guest, NULL, c->destination, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_true(c->label, c->id == NULL || mig_findings_find(&r.findings, c->id) != NULL);
        mig_result_clear(&r);
        small_check_contract(c->guest, NULL, c->destination, &tolerant, &r);
        check_text(c->label, c->tolerant, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* Of an arm64 guest too: a list of registers in which most are missing. */
CHECK_TEST(arm64_registers_that_nobody_tells_leave_the_answer_open)
{
    static const struct {
        const char *label, *guest, *destination, *verdict, *tolerant, *id;
    } cases[] = {
        {"all registers",         "",                                       "",                                       "compatible", "compatible", NULL                },
        {"CPU's name alone",
         "~idreg=partial ^arm64/ID_AA64PFR0_EL1 ^arm64/ID_AA64DFR0_EL1 "
         "^arm64/ID_AA64ISAR0_EL1 ^arm64/ID_AA64ISAR1_EL1 "
         "^arm64/ID_AA64MMFR0_EL1 ^arm64/ID_AA64MMFR1_EL1 "
         "^arm64/ID_AA64MMFR2_EL1",                                         "",                                       "unknown",    "unknown",    "guest/features/vm" },
        {"one is missing",        "~idreg=partial ^arm64/ID_AA64DFR0_EL1",  "",                                       "unknown",    "unknown",
         "guest/features/vm"                                                                                                                                          },
        {"though said to be all", "^arm64/ID_AA64ISAR1_EL1",                "",                                       "unknown",    "unknown",
         "guest/features/vm"                                                                                                                                          },
        {"could not be read",     "?arm64/ID_AA64MMFR1_EL1",                "",                                       "unknown",    "unknown",
         "guest/features/vm"                                                                                                                                          },
        {"one that is newer",     "~idreg=partial ^arm64/ID_AA64MMFR3_EL1", "",                                       "compatible",
         "compatible",                                                                                                                            NULL                },
        {"missing there",         "",                                       "~idreg=partial ^arm64/ID_AA64ISAR0_EL1", "unknown",
         "compatible-masked",                                                                                                                     "host/features/beta"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *edits = mig_strf("~kvm-cap=none ~reg-list=none %s", c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_arm64(edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *d = small_arm64(c->destination);
        struct mig_party vm = {"vm", g}, to = {"beta", d};
        struct mig_choice tolerant = {0};
        struct mig_result r;

        tolerate_all(&tolerant);
        mig_check_contract(&vm, NULL, &to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_true(c->label, c->id == NULL || mig_findings_find(&r.findings, c->id) != NULL);
        mig_result_clear(&r);
        mig_check_contract(&vm, NULL, &to, &tolerant, &r);
        check_text(c->label, c->tolerant, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* What was not recorded may be anything, unless the guest can not read it. */
CHECK_TEST(a_contract_with_a_gap_leaves_the_answer_open)
{
    static const struct {
        const char *label, *guest, *verdict, *id;
    } cases[] = {
        {"immunities",                 "arch_capabilities ?x86/msr/10a", "unknown",    "x86/msr/10a"      },
        {"immunities it can not read", "?x86/msr/10a",                   "compatible", NULL               },
        {"a feature word",             "?x86/cpuid/7.0/ebx",             "unknown",    "guest/features/vm"},
        {"a cache",                    "?x86/cpuid/4.0/eax",             "compatible", NULL               },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        struct mig_result r;

        small_check_contract(guest, NULL, LEVEL_3 " arch_capabilities", &plain, &r);
        check_true(c->label, (r.verdict == MIG_UNKNOWN) == (strcmp(c->verdict, "unknown") == 0));
        check_true(c->label, c->id == NULL || mig_findings_find(&r.findings, c->id) != NULL);
        mig_result_clear(&r);
    }
}

/* Two hosts that lack the same are no proof that nothing is lost. */
CHECK_TEST(what_a_guest_holds_or_its_source_could_give_is_no_presentation)
{
    static const struct {
        const char *label, *guest, *source, *destination, *verdict, *id, *severity;
    } cases[] = {
        {"machine type that no VMM has any more",     "!vmm.machine-type=pc-q35-2.4",
         "!vmm.qemu.machines=pc-q35-9.0",                                                                               "!vmm.qemu.machines=pc-q35-9.0", "needs-power-cycle",
         "vmm/machine-type",                                                                                                                                                                          "blocker" },
        {"what a device negotiated",                  "@virtio/net=0x40000000000000", "@virtio/net=0",
         "@virtio/net=0",                                                                                                                                "needs-power-cycle", "virtio/net/54",        "blocker" },
        {"AMX that only the source grants",           "amx_tile",                     "@host/xcomp-guest-supp=0x60007", "",
         "needs-power-cycle",                                                                                                                                                 "x86/cpuid/7.0/edx/24", "blocker" },
        {"AMX that both would grant",                 "amx_tile",                     "@host/xcomp-guest-supp=0x60007",
         "@host/xcomp-guest-supp=0x60007",                                                                                                               "compatible-masked", "x86/cpuid/7.0/edx/24", "warning" },
        {"a mitigation that the source may not need", "md_clear",                     "~msr=none",                      "",
         "needs-power-cycle",                                                                                                                                                 "x86/cpuid/7.0/edx/10", "security"},
        {"one that the source does without",          "md_clear",                     "",                               "",                              "compatible-masked",
         "x86/cpuid/7.0/edx/10",                                                                                                                                                                      "warning" },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", c->source);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_check_contract(guest, from, to, &plain, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_finding(c->label, &r, c->id, c->severity);
        mig_result_clear(&r);
    }
}

/* KVM's table of what it supports leaves out some of it. */
CHECK_TEST(what_the_vmm_shows_on_any_host_is_no_loss)
{
    static const struct {
        const char *label, *guest, *destination, *id, *severity;
    } cases[] = {
        {"hypervisor",                      "hypervisor",                               "",                               "x86/cpuid/1.0/ecx/31", ""        },
        {"deadline timer",                  "tsc_deadline_timer",                       "@kvm/cap/TSC_DEADLINE_TIMER=1",
         "x86/cpuid/1.0/ecx/24",                                                                                                                  ""        },
        {"deadline timer that KVM has not", "tsc_deadline_timer",                       "",                               "x86/cpuid/1.0/ecx/24",
         "blocker"                                                                                                                                          },
        {"MWAIT without exits",             "monitor @x86/cpuid/5.0/ecx=3",             "@kvm/cap/X86_DISABLE_EXITS=0xf",
         "x86/cpuid/1.0/ecx/3",                                                                                                                   ""        },
        {"MWAIT with exits",                "monitor",                                  "@kvm/cap/X86_DISABLE_EXITS=0xe", "x86/cpuid/1.0/ecx/3",
         "blocker"                                                                                                                                          },
        {"MWAIT leaf of a guest without",   "@x86/cpuid/5.0/ecx=3",                     "",                               "x86/cpuid/5.0/ecx/0",  ""        },
        {"leaves of the VMM",               "max_hyp_leaf=0x40000010",                  "max_hyp_leaf=0x40000001",
         "x86/cpuid/40000000.0/eax/31:0",                                                                                                         ""        },
        {"flush for guests of its own",     "arch_capabilities skip_l1dfl_vmentry",     "arch_capabilities",
         "x86/msr/10a/3",                                                                                                                         "warning" },
        {"and it has some",                 "vmx arch_capabilities skip_l1dfl_vmentry", "vmx arch_capabilities",
         "x86/msr/10a/3",                                                                                                                         "security"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *guest = mig_strf(LEVEL_3 " %s", c->guest);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_check_contract(guest, NULL, to, &plain, &r);
        check_finding(c->label, &r, c->id, c->severity);
        mig_result_clear(&r);
    }
}

/* A group that may stay uncovered excuses nothing of another group. */
CHECK_TEST(tolerated_msrs_excuse_no_leftover_state)
{
    struct mig_choice tolerant = {.tolerate = {[MIG_GROUP_MSR] = true}};
    struct mig_result r;

    small_check_contract(LEVEL_3 " @guest/xstate-bv=0x207", NULL, LEVEL_3 " pku xcr0_pkru",
                         &tolerant, &r);
    check_text("a kernel that nobody names", "unknown", mig_verdict_name(r.verdict));
    check_finding("a kernel that nobody names", &r, "x86/xsave/9", "blocker");
    mig_result_clear(&r);
}

CHECK_TEST(a_power_cycle_is_promised_only_where_evidence_stands_behind_it)
{
    struct mig_result r;

    small_check_contract(LEVEL_3 " erms", NULL, LEVEL_3 " ?x86/msr/999", &plain, &r);
    check_text("nobody knows", "unknown", mig_verdict_name(r.verdict));
    check_finding("nobody knows", &r, "x86/cpuid/7.0/ebx/9", "blocker");
    mig_result_clear(&r);
    small_check_contract(LEVEL_3 " erms", LEVEL_3 " erms ?x86/msr/999", LEVEL_3, &plain, &r);
    check_text("the destination alone is enough", "needs-power-cycle", mig_verdict_name(r.verdict));
    check_true("its profile", r.profile != NULL);
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(features_that_nobody_tells_leave_the_answer_open),
           cmocka_unit_test(arm64_registers_that_nobody_tells_leave_the_answer_open),
           cmocka_unit_test(a_contract_with_a_gap_leaves_the_answer_open),
           cmocka_unit_test(what_a_guest_holds_or_its_source_could_give_is_no_presentation),
           cmocka_unit_test(what_the_vmm_shows_on_any_host_is_no_loss),
           cmocka_unit_test(tolerated_msrs_excuse_no_leftover_state),
           cmocka_unit_test(a_power_cycle_is_promised_only_where_evidence_stands_behind_it))
