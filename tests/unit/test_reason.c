/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/reason.h"

#include <stdio.h>

#include "base/alloc.h"
#include "support/check.h"
#include "support/small_host.h"
#include "support/snapshots.h"

#define ON_PROFILE(how)                                                                            \
    "boot guests of alpha on the common profile, which " how ", or keep them on hosts like it"
#define SETTINGS                                                                                   \
    "compare firmware settings, kernel command line and KVM module parameters of alpha and beta"
#define KERNELS "run one kernel on both: alpha runs 6.1, beta runs 5.10"
#define MODULES "run the same kernel and KVM modules on alpha and beta"
#define MICROCODES "bring both to one microcode revision: alpha has 0x2, beta has 0x1"
#define INSTALL "install the microcode (and kernel) on beta that provides md_clear"
#define CAPTURE "the evidence does not tell why; capture both hosts with mig-agentd"
#define APART "no profile lifts this: keep a guest on hosts like alpha, or on hosts like beta"
#define TSX_UPDATE                                                                                 \
    "boot guests without it: microcode 0x2 of beta takes it away, as an update of alpha (0x1) "    \
    "will too"
#define BOOT_LINE "the kernel command line (GRUB_CMDLINE_LINUX) and reboot"
#define OPTIONS "(options line in /etc/modprobe.d)"

#define ERMS "x86/cpuid/7.0/ebx/9"
#define FP16 "x86/cpuid/7.0/edx/23"
#define UMIP "x86/cpuid/7.0/ecx/2"
#define RTM "x86/cpuid/7.0/ebx/11"
#define MD_CLEAR "x86/cpuid/7.0/edx/10"
#define SPEC_CTRL "x86/cpuid/7.0/edx/26"

#define KERNEL " !kernel.release=6.1"
#define OLD_KERNEL " !kernel.release=5.10"
#define AMZN_NEW " !kernel.release=6.1.172-216.329.amzn2023.x86_64"
#define AMZN_OLD " !kernel.release=5.10.255-253.1008.amzn2.x86_64"
#define DEBIAN " !kernel.release=6.12.107+deb12-amd64"
#define UPDATED " !microcode=0x2"
#define DATED " !microcode=0x1"
#define NEW KERNEL UPDATED
#define OLD OLD_KERNEL DATED
#define SPR " @x86/cpuid/1.0/eax=0x806f8"
#define STEPPING " @x86/cpuid/1.0/eax=0x606a5"

struct reason_case {
    const char *label, *source, *destination, *id;
    enum mig_reason reason;
    bool likely;
    const char *remedy;
};

static void check_case(const struct reason_case *c)
{
    MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", c->source);
    MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
    static const struct mig_choice choice;
    const struct mig_finding *f;
    struct mig_result r;

    small_negotiate(from, to, &choice, &r);
    f = mig_findings_find(&r.findings, c->id);
    if (f == NULL) {
        fail_msg("%s: no finding %s", c->label, c->id);
    }
    check_text(c->label, mig_reason_name(c->reason), mig_reason_name(f->reason));
    check_number(c->label, c->likely, f->likely);
    check_text(c->label, c->remedy, f->remedy);
    mig_result_clear(&r);
}

/* clang-format off */

CHECK_TEST(who_took_it_away_is_told_from_the_evidence)
{
    static const struct reason_case cases[] = {
        {"another CPU", "erms", SPR, ERMS, MIG_REASON_HARDWARE, true, ON_PROFILE("leaves it out")},
        {"number", "", "phys_addr_bits=40" SPR, "x86/cpuid/80000008.0/eax/7:0", MIG_REASON_HARDWARE,
         true, ON_PROFILE("shows the smaller value")},
        {"something gone", "", "zero_fcs_fds" SPR, "x86/cpuid/7.0/ebx/13", MIG_REASON_HARDWARE,
         true, ON_PROFILE("shows it")},
        {"kernel", "erms" NEW, OLD, ERMS, MIG_REASON_KERNEL, true, KERNELS},
        {"microcode", "erms" NEW, KERNEL DATED, ERMS, MIG_REASON_MICROCODE, true, MICROCODES},
        {"protection", "arch_capabilities rdcl_no" NEW, "arch_capabilities" OLD, "x86/msr/10a/0",
         MIG_REASON_MICROCODE, true, MICROCODES},
        {"same software", "erms" KERNEL, KERNEL, ERMS, MIG_REASON_FIRMWARE, true, SETTINGS},
        {"nothing known", "erms", "", ERMS, MIG_REASON_UNCLASSIFIED, false, CAPTURE},
        {"capability", "@kvm/cap/MAX_VCPUS=9", "", "kvm/cap/MAX_VCPUS", MIG_REASON_KERNEL, true,
         MODULES},
        {"capability, kernels known", "@kvm/cap/MAX_VCPUS=9" KERNEL, OLD_KERNEL,
         "kvm/cap/MAX_VCPUS", MIG_REASON_KERNEL, true,
         "run the same kernel and KVM modules on both: alpha runs 6.1, beta runs 5.10"},
        {"conflict", "", "clflush_size=4", "x86/cpuid/1.0/ebx/15:8", MIG_REASON_UNCLASSIFIED, false,
         APART},
        {"clearing", "md_clear", SPR, MD_CLEAR, MIG_REASON_MICROCODE, true, INSTALL},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(module_parameters_are_named_with_the_value_to_set)
{
    static const struct reason_case cases[] = {
        {"nested", "vmx", "!kvm.param.kvm_intel.nested=N", "x86/cpuid/1.0/ecx/5",
         MIG_REASON_PARAMETER, false, "on beta, load kvm_intel with nested=1 " OPTIONS},
        {"nested, another CPU", "vmx", "!kvm.param.kvm_intel.nested=N" SPR, "x86/cpuid/1.0/ecx/5",
         MIG_REASON_PARAMETER, false, "on beta, load kvm_intel with nested=1 " OPTIONS},
        {"given at boot", "vmx", "!kvm.param.kvm_intel.nested=N !cmdline.kvm_intel.nested=0",
         "x86/cpuid/1.0/ecx/5", MIG_REASON_PARAMETER, false,
         "on beta, write kvm_intel.nested=1 instead of 0 on " BOOT_LINE},
        {"boot is all there is", "vmx", "!cmdline.kvm_intel.nested=off", "x86/cpuid/1.0/ecx/5",
         MIG_REASON_PARAMETER, false,
         "on beta, write kvm_intel.nested=1 instead of off on " BOOT_LINE},
        {"loaded beats boot", "vmx" KERNEL, "!kvm.param.kvm_intel.nested=Y "
         "!cmdline.kvm_intel.nested=0" KERNEL, "x86/cpuid/1.0/ecx/5", MIG_REASON_FIRMWARE, true,
         "in the firmware set-up of beta, make Intel Virtualization Technology (VT-x) as on alpha, "
         "which has the same CPU model"},
        {"counters", "pmu_version=2", "!kvm.param.kvm.enable_pmu=N", "x86/cpuid/a.0/eax/7:0",
         MIG_REASON_PARAMETER, false, "on beta, load kvm with enable_pmu=1 " OPTIONS},
        {"L1 flush", "arch_capabilities skip_l1dfl_vmentry",
         "arch_capabilities !kvm.param.kvm_intel.vmentry_l1d_flush=never", "x86/msr/10a/3",
         MIG_REASON_PARAMETER, false,
         "on beta, load kvm_intel with vmentry_l1d_flush=cond " OPTIONS},
        {"L1 flush, another CPU", "arch_capabilities skip_l1dfl_vmentry",
         "arch_capabilities !kvm.param.kvm_intel.vmentry_l1d_flush=never" SPR, "x86/msr/10a/3",
         MIG_REASON_PARAMETER, true,
         "on beta, load kvm_intel with vmentry_l1d_flush=cond " OPTIONS},
        {"processor trace", "intel_pt", "!kvm.param.kvm_intel.pt_mode=0", "x86/cpuid/7.0/ebx/25",
         MIG_REASON_PARAMETER, false, "on beta, load kvm_intel with pt_mode=1 " OPTIONS},
        {"capability", "@kvm/cap/SMALLER_MAXPHYADDR=1",
         "!kvm.param.kvm_intel.allow_smaller_maxphyaddr=N", "kvm/cap/SMALLER_MAXPHYADDR",
         MIG_REASON_PARAMETER, false,
         "on beta, load kvm_intel with allow_smaller_maxphyaddr=1 " OPTIONS},
        {"a parameter that is on", "vmx" KERNEL, "!kvm.param.kvm_intel.nested=1" OLD_KERNEL,
         "x86/cpuid/1.0/ecx/5", MIG_REASON_FIRMWARE, true,
         "in the firmware set-up of beta, make Intel Virtualization Technology (VT-x) as on alpha, "
         "which has the same CPU model"},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(switches_of_the_kernel_command_line_are_named)
{
    static const struct reason_case cases[] = {
        {"by number", "umip", "!cmdline.clearcpuid=514", UMIP, MIG_REASON_COMMAND_LINE, false,
         "on beta, remove clearcpuid=514 (umip) from " BOOT_LINE},
        {"by name", "umip", "!cmdline.clearcpuid=umip", UMIP, MIG_REASON_COMMAND_LINE, false,
         "on beta, remove clearcpuid=umip from " BOOT_LINE},
        {"one of several", "umip", "!cmdline.clearcpuid=9,smap,514", UMIP, MIG_REASON_COMMAND_LINE,
         false, "on beta, take 514 (umip) out of clearcpuid= on " BOOT_LINE},
        {"another CPU may lack it", "umip", "!cmdline.clearcpuid=514" SPR, UMIP,
         MIG_REASON_COMMAND_LINE, true, "on beta, remove clearcpuid=514 (umip) from " BOOT_LINE},
        {"what it stands on", "avx512f avx512bw", "!cmdline.clearcpuid=avx512f",
         "x86/cpuid/7.0/ebx/30", MIG_REASON_COMMAND_LINE, false,
         "on beta, remove clearcpuid=avx512f from " BOOT_LINE},
        {"the base is there", "avx512f avx512bw" KERNEL, "avx512f !cmdline.clearcpuid=avx512f"
         KERNEL, "x86/cpuid/7.0/ebx/30", MIG_REASON_FIRMWARE, true, SETTINGS},
        {"another bit", "erms", "!cmdline.clearcpuid=514", ERMS, MIG_REASON_UNCLASSIFIED, false,
         CAPTURE},
        {"no such bit", "erms", "!cmdline.clearcpuid=65535,4294967296,,x", ERMS,
         MIG_REASON_UNCLASSIFIED, false, CAPTURE},
        {"TSX off", "rtm hle", "!cmdline.tsx=off", RTM, MIG_REASON_COMMAND_LINE, false,
         "on beta, write tsx=on instead of tsx=off on " BOOT_LINE ", or boot guests without it"},
        {"TSX left to the kernel", "rtm hle", "!cmdline.tsx=auto", RTM, MIG_REASON_COMMAND_LINE,
         false,
         "on beta, write tsx=on instead of tsx=auto on " BOOT_LINE ", or boot guests without it"},
        {"TSX on", "rtm hle" KERNEL, "!cmdline.tsx=on" KERNEL, RTM, MIG_REASON_FIRMWARE, true,
         "in the firmware set-up of beta, make Transactional Synchronization Extensions (TSX) as "
         "on alpha, which has the same CPU model"},
        {"protection keys", "pku", "!cmdline.nopku=set", "x86/cpuid/7.0/ecx/3",
         MIG_REASON_COMMAND_LINE, false, "on beta, remove nopku from " BOOT_LINE},
        {"bare, from a file", "pcid", "!cmdline.nopcid=", "x86/cpuid/1.0/ecx/17",
         MIG_REASON_COMMAND_LINE, false, "on beta, remove nopcid from " BOOT_LINE},
        {"gather sampling", "arch_capabilities gds_no",
         "arch_capabilities !cmdline.mitigations=off,nosmt", "x86/msr/10a/26",
         MIG_REASON_COMMAND_LINE, false,
         "on beta, remove mitigations=off,nosmt from " BOOT_LINE},
        {"five levels stay", "la57", "!cmdline.no5lvl=set", "x86/cpuid/7.0/ecx/16",
         MIG_REASON_UNCLASSIFIED, false, CAPTURE},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(kernels_that_are_too_old_are_told_what_they_need)
{
    static const struct reason_case cases[] = {
        {"same CPU", "avx512_fp16" AMZN_NEW, AMZN_OLD, FP16, MIG_REASON_KERNEL, false,
         "run Linux 5.11 or later on beta, it runs 5.10.255-253.1008.amzn2.x86_64"},
        {"the other one is not known", "avx512_fp16", AMZN_OLD, FP16, MIG_REASON_KERNEL, true,
         "run Linux 5.11 or later on beta, it runs 5.10.255-253.1008.amzn2.x86_64"},
        {"both know it", "avx512_fp16" DEBIAN, AMZN_NEW, FP16, MIG_REASON_KERNEL, true,
         "run one kernel on both: alpha runs 6.12.107+deb12-amd64, "
         "beta runs 6.1.172-216.329.amzn2023.x86_64"},
        {"backported to the older one", "intel_psfd" AMZN_NEW, AMZN_OLD, "x86/cpuid/7.2/edx/0",
         MIG_REASON_KERNEL, false,
         "run Linux 6.8 or later on beta, it runs 5.10.255-253.1008.amzn2.x86_64"},
        {"what it stands on", "amx_tile xcr0_tileconfig" AMZN_NEW, AMZN_OLD, "x86/cpuid/d.0/eax/17",
         MIG_REASON_KERNEL, false,
         "run Linux 5.17 or later on beta, it runs 5.10.255-253.1008.amzn2.x86_64"},
        {"another CPU, of its time", "tsxldtrk avx512_fp16" AMZN_NEW, "tsxldtrk" AMZN_OLD SPR, FP16,
         MIG_REASON_KERNEL, true,
         "run Linux 5.11 or later on beta, it runs 5.10.255-253.1008.amzn2.x86_64"},
        {"another CPU", "avx512_fp16" KERNEL, OLD_KERNEL SPR, FP16, MIG_REASON_HARDWARE, true,
         ON_PROFILE("leaves it out") " (if the CPU of beta has it: KVM shows it from Linux 5.11 "
         "on, there runs 5.10)"},
        {"dropped", "spec_ctrl !kernel.release=6.12.9", "!kernel.release=6.13.0", SPEC_CTRL,
         MIG_REASON_KERNEL, false,
         "boot guests without it: from Linux 6.13 on, KVM no longer shows it on AMD hosts without "
         "ibpb_ret (beta runs 6.13.0)"},
        {"a candidate is no release", "lam !kernel.release=6.8.0", "!kernel.release=6.8.0-rc1",
         "x86/cpuid/7.1/eax/26", MIG_REASON_KERNEL, false,
         "run Linux 6.8 or later on beta, it runs 6.8.0-rc1"},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(microcode_is_named_by_revision)
{
    static const struct reason_case cases[] = {
        {"update", "md_clear" NEW, KERNEL DATED, MD_CLEAR, MIG_REASON_MICROCODE, false,
         "install microcode 0x2 or later on beta, it has 0x1 (alpha has the former)"},
        {"older kernel too", "md_clear" NEW, OLD, MD_CLEAR, MIG_REASON_MICROCODE, false,
         "install microcode 0x2 or later on beta, it has 0x1 (alpha has the former)"},
        {"the newer one lacks it", "md_clear" KERNEL DATED, NEW, MD_CLEAR, MIG_REASON_MICROCODE,
         false, "bring both to one microcode revision: alpha has 0x1, beta has 0x2"},
        {"revision not known", "md_clear", DATED, MD_CLEAR, MIG_REASON_MICROCODE, true,
         "install the current microcode on beta (it has 0x1)"},
        {"another stepping", "md_clear" NEW, KERNEL DATED STEPPING, MD_CLEAR, MIG_REASON_MICROCODE,
         true, "install the current microcode on beta (it has 0x1)"},
        {"immunity that kernels backport", "arch_capabilities rfds_no" DEBIAN UPDATED,
         "arch_capabilities" KERNEL DATED, "x86/msr/10a/27", MIG_REASON_MICROCODE, false,
         "install microcode 0x2 or later on beta, it has 0x1 (alpha has the former)"},
        {"immunity under one revision", "arch_capabilities rfds_no" DEBIAN UPDATED,
         "arch_capabilities" NEW, "x86/msr/10a/27", MIG_REASON_KERNEL, false,
         "run Linux 6.9 or later on beta, it runs 6.1"},
        {"one revision", "md_clear" NEW, NEW, MD_CLEAR, MIG_REASON_FIRMWARE, true, SETTINGS},
        {"none loaded", "md_clear" NEW, "!cmdline.dis_ucode_ldr=set" DATED, MD_CLEAR,
         MIG_REASON_COMMAND_LINE, true,
         "on beta, remove dis_ucode_ldr from " BOOT_LINE ": the kernel loads no microcode"},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

/* For such a bit the rule's loser is the one that shows it. */
CHECK_TEST(the_host_without_the_bit_of_a_vulnerability_gets_the_microcode)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *silent = small_host(LEVEL_3 " arch_capabilities" DATED);
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *told = small_host(LEVEL_3 " arch_capabilities rrsba" UPDATED);
    struct mig_party alpha = {"alpha", silent}, beta = {"beta", told};
    struct mig_finding f = {.field = mig_field_find("rrsba")};

    mig_reason_attribute(&f, &alpha, &beta);
    check_text("reason", "microcode", mig_reason_name(f.reason));
    check_text("remedy", "install microcode 0x2 or later on alpha, it has 0x1 (beta has the former)",
               f.remedy);
    mig_free(f.remedy);
}

/* Outages that operators wrote about. */
CHECK_TEST(known_outages_are_explained)
{
    static const struct reason_case cases[] = {
        {"TSX removed by an update and a reboot", "rtm hle" KERNEL DATED, NEW, RTM,
         MIG_REASON_MICROCODE, false, TSX_UPDATE},
        {"newer host without TSX in an older pool", "rtm hle" NEW, NEW SPR, RTM,
         MIG_REASON_HARDWARE, true, ON_PROFILE("leaves it out")},
        {"AES switched off in the firmware", "aes pclmulqdq" NEW, NEW, "x86/cpuid/1.0/ecx/25",
         MIG_REASON_FIRMWARE, true,
         "in the firmware set-up of beta, make AES-NI as on alpha, which has the same CPU model"},
        {"and what goes with it", "aes pclmulqdq" NEW, NEW, "x86/cpuid/1.0/ecx/1",
         MIG_REASON_FIRMWARE, true,
         "in the firmware set-up of beta, make AES-NI as on alpha, which has the same CPU model"},
        {"identical blade, other patch level", "spec_ctrl" NEW, OLD, SPEC_CTRL,
         MIG_REASON_MICROCODE, false,
         "install microcode 0x2 or later on beta, it has 0x1 (alpha has the former)"},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

/* clang-format on */

static const struct mig_finding *review(const char *const edits[3], const char *id,
                                        struct mig_snapshot *hosts[3], struct mig_result *ret)
{
    static const struct mig_choice choice;
    static const char *const names[] = {"alpha", "beta", "gamma"};
    struct mig_party parties[3];
    const struct mig_finding *f;

    for (int i = 0; i < 3; i++) {
        MIG_AUTO(mig_free) char *text = mig_strf(LEVEL_3 " %s", edits[i]);

        hosts[i] = small_host(text);
        parties[i] = (struct mig_party){names[i], hosts[i]};
    }
    mig_baseline(parties, 3, &choice, ret);
    f = mig_findings_find(&ret->findings, id);
    if (f == NULL) {
        fail_msg("no finding %s", id);
    }
    return f;
}

CHECK_TEST(a_twin_in_the_pool_clears_the_hardware)
{
    static const struct {
        const char *label;
        const char *edits[3];
        enum mig_reason reason;
        const char *remedy;
    } cases[] = {
        {"no twin",             {"erms" SPR, KERNEL, KERNEL}, MIG_REASON_HARDWARE, "boot guests of alpha"          },
        {"twin, older kernel",
         {"erms" SPR, OLD_KERNEL, "erms" KERNEL},
         MIG_REASON_KERNEL,                                                        "gamma runs 6.1, beta runs 5.10"},
        {"twin, same kernel",
         {"erms" SPR, KERNEL, "erms" KERNEL},
         MIG_REASON_FIRMWARE,                                                      "of gamma and beta"             },
        {"twin, AES",
         {"aes" SPR, KERNEL, "aes" KERNEL},
         MIG_REASON_FIRMWARE,                                                      "set-up of beta, make AES-NI"   },
        {"one of two has none",
         {"erms", "@x86/cpuid/1.0/eax=0x50657", "erms" SPR},
         MIG_REASON_HARDWARE,                                                      "boot guests of alpha"          },
    };

    CHECK_EACH (c, cases) {
        const char *id = strstr(c->edits[0], "aes") != NULL ? "x86/cpuid/1.0/ecx/25" : ERMS;
        struct mig_snapshot *hosts[3];
        struct mig_result r;
        const struct mig_finding *f = review(c->edits, id, hosts, &r);

        check_text(c->label, mig_reason_name(c->reason), mig_reason_name(f->reason));
        check_contains(c->label, c->remedy, f->remedy);
        mig_result_clear(&r);
        for (int i = 0; i < 3; i++) {
            mig_snapshot_free(hosts[i]);
        }
    }
}

CHECK_TEST(a_host_that_hides_its_failures_is_named)
{
    static const struct mig_choice choice;
    const struct mig_finding *f;
    struct mig_result r;

    small_negotiate(LEVEL_3, LEVEL_3 " !kvm.param.kvm.ignore_msrs=Y", &choice, &r);
    f = mig_findings_find(&r.findings, "host/ignore-msrs/beta");
    assert_non_null(f);
    check_text("severity", "warning", mig_severity_name(f->severity));
    check_contains("remedy", "on beta, load kvm with ignore_msrs=0", f->remedy);
    check_true("alpha", mig_findings_find(&r.findings, "host/ignore-msrs/alpha") == NULL);
    check_text("verdict", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);

    small_negotiate(LEVEL_3, LEVEL_3 " !kvm.param.kvm.ignore_msrs=N", &choice, &r);
    check_number("findings", 0, r.findings.len);
    mig_result_clear(&r);
}

/* One CPU under two kernels: whatever differs, nobody has to buy anything. */
CHECK_TEST(captures_of_one_cpu_differ_by_their_kernel)
{
    static const char *const cpus[] = {"amd-genoa",         "amd-milan",
                                       "intel-cascadelake", "intel-granite-rapids",
                                       "intel-icelake",     "intel-sapphire-rapids"};
    static const struct mig_choice choice;

    CHECK_EACH (cpu, cpus) {
        MIG_AUTO(mig_free) char *old_name = mig_strf("%s-5.10", *cpu);
        MIG_AUTO(mig_free) char *new_name = mig_strf("%s-6.1", *cpu);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = snapshot_host(old_name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *new = snapshot_host(new_name);
        struct mig_party from = {"new", new}, to = {"old", old};
        struct mig_result r;

        mig_negotiate(&from, &to, &choice, &r);
        for (size_t i = 0; i < r.findings.len; i++) {
            const struct mig_finding *f = &r.findings.items[i];

            check_true(f->id, f->reason != MIG_REASON_HARDWARE);
            check_true(f->id, f->severity == MIG_NOTE || f->remedy != NULL);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(features_that_new_kernels_brought_are_read_from_captures)
{
    static const struct {
        const char *cpu, *id, *release;
    } cases[] = {
        {"intel-sapphire-rapids", "x86/cpuid/7.0/edx/24",        "5.17"},
        {"intel-sapphire-rapids", "x86/cpuid/7.0/edx/23",        "5.11"},
        {"intel-sapphire-rapids", "x86/cpuid/7.0/ecx/24",        "5.13"},
        {"intel-sapphire-rapids", "x86/cpuid/7.1/eax/4",         "5.12"},
        {"intel-sapphire-rapids", "x86/cpuid/d.0/eax/17",        "5.17"},
        {"intel-granite-rapids",  "x86/cpuid/7.2/edx/5",         "6.8" },
        {"intel-icelake",         "x86/cpuid/7.2/edx/0",         "6.8" },
        {"amd-milan",             "x86/cpuid/80000008.0/ebx/28", "5.17"},
    };
    static const struct mig_choice choice;

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *old_name = mig_strf("%s-5.10", c->cpu);
        MIG_AUTO(mig_free) char *new_name = mig_strf("%s-6.1", c->cpu);
        MIG_AUTO(mig_free) char *remedy = mig_strf("run Linux %s or later on old", c->release);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *old = snapshot_host(old_name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *new = snapshot_host(new_name);
        struct mig_party from = {"new", new}, to = {"old", old};
        const struct mig_finding *f;
        struct mig_result r;

        mig_negotiate(&from, &to, &choice, &r);
        f = mig_findings_find(&r.findings, c->id);
        check_true(c->id, f != NULL);
        check_text(c->id, "kernel", mig_reason_name(f->reason));
        check_true(c->id, !f->likely);
        check_contains(c->id, remedy, f->remedy);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_running_guest_is_power_cycled_and_never_set_up_like_a_host)
{
#define CYCLE(how)                                                                                 \
    "power cycle web3 on the common profile, which " how ", or choose a destination that matches " \
    "its contract"
    static const struct reason_case cases[] = {
        {"another CPU",             "erms",                       SPR,                                    ERMS,                     MIG_REASON_HARDWARE,     true,  CYCLE("leaves it out")                           },
        {"the same CPU",            "erms",                       "",                                     ERMS,                     MIG_REASON_UNCLASSIFIED, false, CYCLE("leaves it out")                           },
        {"number",                  "max_std_leaf=31",            SPR,                                    "x86/cpuid/0.0/eax/31:0", MIG_REASON_HARDWARE,     true,
         CYCLE("shows the smaller value")                                                                                                                                                                            },
        {"something gone",          "",                           "zero_fcs_fds" SPR,                     "x86/cpuid/7.0/ebx/13",   MIG_REASON_HARDWARE,
         true,                                                                                                                                                      CYCLE("shows it")                                },
        {"gone on the same CPU",    "",                           "zero_fcs_fds" DATED,                   "x86/cpuid/7.0/ebx/13",
         MIG_REASON_UNCLASSIFIED,                                                                                                                            false, CYCLE("shows it")                                },
        {"its dump names a kernel", OLD_KERNEL,                   "zero_fcs_fds" KERNEL,                  "x86/cpuid/7.0/ebx/13",
         MIG_REASON_UNCLASSIFIED,                                                                                                                            false, CYCLE("shows it")                                },
        {"switch of the host",      "erms",                       "!cmdline.clearcpuid=erms",             ERMS,                     MIG_REASON_COMMAND_LINE,
         false,                                                                                                                                                     "on beta, remove clearcpuid=erms from " BOOT_LINE},
        {"firmware of the host",    "avx512f" KERNEL,             KERNEL,                                 "x86/cpuid/7.0/ebx/16",
         MIG_REASON_FIRMWARE,                                                                                                                                true,
         "in the firmware set-up of beta, turn AVX-512 on: web3 was shown it by the same CPU "
         "model"                                                                                                                                                                                                     },
        {"announced",               "arch_capabilities ibrs_all", "arch_capabilities ibrs_all rrsba" SPR,
         "x86/msr/10a/19",                                                                                                          MIG_REASON_MICROCODE,    true,
         "power cycle web3 on the common profile, which shows RRSBA; hosts with current microcode "
         "state it by themselves"                                                                                                                                                                                    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", c->source);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = small_host(from);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *there = small_host(to);
        struct mig_party web3 = {"web3", shown}, beta = {"beta", there};
        static const struct mig_choice choice;
        const struct mig_finding *f;
        struct mig_result r;

        mig_check_contract(&web3, NULL, &beta, &choice, &r);
        f = mig_findings_find(&r.findings, c->id);
        if (f == NULL) {
            fail_msg("%s: no finding %s", c->label, c->id);
        }
        check_text(c->label, mig_reason_name(c->reason), mig_reason_name(f->reason));
        check_number(c->label, c->likely, f->likely);
        check_text(c->label, c->remedy, f->remedy);
        check_true(c->label, f->why == NULL || strstr(f->why, "guest of web3") == NULL);
        mig_result_clear(&r);
    }
#undef CYCLE
}

CHECK_MAIN(cmocka_unit_test(a_running_guest_is_power_cycled_and_never_set_up_like_a_host),
           cmocka_unit_test(who_took_it_away_is_told_from_the_evidence),
           cmocka_unit_test(module_parameters_are_named_with_the_value_to_set),
           cmocka_unit_test(switches_of_the_kernel_command_line_are_named),
           cmocka_unit_test(kernels_that_are_too_old_are_told_what_they_need),
           cmocka_unit_test(microcode_is_named_by_revision),
           cmocka_unit_test(the_host_without_the_bit_of_a_vulnerability_gets_the_microcode),
           cmocka_unit_test(known_outages_are_explained),
           cmocka_unit_test(a_twin_in_the_pool_clears_the_hardware),
           cmocka_unit_test(a_host_that_hides_its_failures_is_named),
           cmocka_unit_test(captures_of_one_cpu_differ_by_their_kernel),
           cmocka_unit_test(features_that_new_kernels_brought_are_read_from_captures))
