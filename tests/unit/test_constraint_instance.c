/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/builder.h"
#include "support/check.h"

#include "base/alloc.h"
#include "compat/meaning.h"
#include "compat/negotiate.h"
#include "support/judged.h"
#include "support/small_host.h"
#include "support/snapshots.h"

CHECK_TEST(an_instance_is_more_than_its_cpu)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"vCPUs that fit",            LEVEL_1 " @guest/vcpus=8",                                               LEVEL_1 " @kvm/cap/MAX_VCPUS=288",
         "guest/vcpus",                                                                                                                                               ""       },
        {"more than KVM takes",       LEVEL_1 " @guest/vcpus=512",                                             LEVEL_1 " @kvm/cap/MAX_VCPUS=288",
         "guest/vcpus",                                                                                                                                               "blocker"},
        {"the host does not say",     LEVEL_1 " @guest/vcpus=512",                                             LEVEL_1,                           "guest/vcpus",      ""       },
        {"sockets that make them",
         LEVEL_1 " @guest/vcpus=8 @guest/sockets=2 @guest/cores=2 @guest/threads=2",                           LEVEL_1,
         "guest/topology",                                                                                                                                            ""       },
        {"sockets that do not",
         LEVEL_1 " @guest/vcpus=8 @guest/sockets=2 @guest/cores=2 @guest/threads=1",                           LEVEL_1,
         "guest/topology",                                                                                                                                            "warning"},
        {"no topology recorded",      LEVEL_1 " @guest/vcpus=8",                                               LEVEL_1,                           "guest/topology",   ""       },
        {"dies count",                LEVEL_1 " @guest/vcpus=8 @guest/sockets=1 @guest/dies=2 @guest/cores=4",
         LEVEL_1,                                                                                                                                 "guest/topology",   ""       },
        {"a plain VM",                LEVEL_1 " @guest/vm-type=0",                                             LEVEL_1,                           "guest/vm-type",    ""       },
        {"SEV-SNP",                   LEVEL_1 " @guest/vm-type=4",                                             LEVEL_1,                           "guest/vm-type",    "blocker"},
        {"TDX by its leaf",           LEVEL_1 " @x86/cpuid/21.0/ebx=0x65746e49",                               LEVEL_1,                           "guest/vm-type",
         "blocker"                                                                                                                                                             },
        {"leaked SEV leaf, unknown",  LEVEL_1 " sev ~guest=none",                                              LEVEL_1,                           "guest/vm-type",
         "warning"                                                                                                                                                             },
        {"leaked SEV leaf, plain VM", LEVEL_1 " sev @guest/vm-type=0",                                         LEVEL_1,                           "guest/vm-type",
         ""                                                                                                                                                                    },
        {"its fields do not block",   LEVEL_1 " sev sev_es @guest/vm-type=0",                                  LEVEL_1,
         "x86/cpuid/8000001f.0/eax/1",                                                                                                                                ""       },
        {"machine type is there",     LEVEL_1 " !vmm.machine-type=pc-q35-7.2",
         LEVEL_1 " !vmm.qemu.machines=pc-q35-7.2",                                                                                                "vmm/machine-type", ""       },
        {"machine type is gone",      LEVEL_1 " !vmm.machine-type=pc-q35-2.4",
         LEVEL_1 " !vmm.qemu.machines=pc-q35-7.2",                                                                                                "vmm/machine-type", "blocker"},
        {"a longer name is another",  LEVEL_1 " !vmm.machine-type=pc-q35-7.2",
         LEVEL_1 " !vmm.qemu.machines=pc-q35-7.20",                                                                                               "vmm/machine-type", "blocker"},
        {"no list of machines",       LEVEL_1 " !vmm.machine-type=pc-q35-7.2",                                 LEVEL_1,
         "vmm/machine-type",                                                                                                                                          ""       },
        {"as many as KVM takes",      LEVEL_1 " @guest/vcpus=288",                                             LEVEL_1 " @kvm/cap/MAX_VCPUS=288",
         "guest/vcpus",                                                                                                                                               ""       },
        {"threads alone",             LEVEL_1 " @guest/vcpus=2 @guest/threads=2",                              LEVEL_1,                           "guest/topology",
         ""                                                                                                                                                                    },
        {"a product beyond 64 bits",
         LEVEL_1 " @guest/vcpus=1 @guest/sockets=0x8000000000000000 "
                 "@guest/cores=0x8000000000000001 @guest/threads=2",                                           LEVEL_1,                           "guest/topology",   "warning"},
        {"no machine type named",     LEVEL_1 " !vmm.machine-type=",
         LEVEL_1 " !vmm.qemu.machines=pc-q35-7.2",                                                                                                "vmm/machine-type", ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(a_machine_type_is_looked_for_among_all_words_of_the_list)
{
    static const struct {
        const char *label, *machine, *severity;
    } cases[] = {
        {"first",           "pc-i440fx-7.2", ""       },
        {"in the middle",   "pc-q35-7.2",    ""       },
        {"last",            "pc-q35-7.1",    ""       },
        {"end of a word",   "q35-7.1",       "blocker"},
        {"start of a word", "pc-q35-7",      "blocker"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_free) char *shown = mig_strf("!vmm.machine-type=%s", c->machine);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = small_host(shown), *host = NULL;
        struct mig_findings findings;
        struct mig_error err;

        mig_builder_add_fact(b, "vmm.qemu.machines", "pc-i440fx-7.2 pc-q35-7.2 pc-q35-7.1", "test");
        check_done(c->label, mig_builder_freeze(b, &host, &err), &err);
        judged(guest, host, &findings);
        check_text(c->label, c->severity, judged_severity(&findings, "vmm/machine-type"));
        mig_findings_clear(&findings);
    }
}

/* What a VMM left in leaves whose feature the guest was not shown. */
CHECK_TEST(leftovers_of_a_vmm_do_not_block)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"AMX palettes of an older VMM", LEVEL_1 " @x86/cpuid/1d.0/eax=1",                            LEVEL_1,
         "x86/cpuid/1d.0/eax/31:0",                                                                                                                   ""       },
        {"with AMX",                     LEVEL_1 " amx_tile @x86/cpuid/1d.0/eax=1",                   LEVEL_1 " amx_tile",
         "x86/cpuid/1d.0/eax/31:0",                                                                                                                   "blocker"},
        {"TMUL",                         LEVEL_1 " @x86/cpuid/1e.0/ebx=0x4010",                       LEVEL_1,             "x86/cpuid/1e.0/ebx/7:0",  ""       },
        {"a bit nobody knows in it",     LEVEL_1 " @x86/cpuid/1e.0/ebx=0x80000000",                   LEVEL_1,
         "x86/cpuid/1e.0/ebx/31",                                                                                                                     ""       },
        {"trace without PT",             LEVEL_1 " @x86/cpuid/14.0/ebx=1",                            LEVEL_1,             "x86/cpuid/14.0/ebx/0",    ""       },
        {"enclaves without SGX",         LEVEL_1 " @x86/cpuid/12.0/eax=1",                            LEVEL_1,             "x86/cpuid/12.0/eax/0",
         ""                                                                                                                                                    },
        {"counters without a version",   LEVEL_1 " @x86/cpuid/a.0/edx=3",                             LEVEL_1,
         "x86/cpuid/a.0/edx/4:0",                                                                                                                     ""       },
        {"AVX10 lengths without AVX10",  LEVEL_1 " @x86/cpuid/24.0/ebx=0x70001",                      LEVEL_1,
         "x86/cpuid/24.0/ebx/16",                                                                                                                     ""       },
        {"SVM leaf without SVM",         LEVEL_1 " @x86/cpuid/8000000a.0/eax=1",                      LEVEL_1,
         "x86/cpuid/8000000a.0/eax/7:0",                                                                                                              ""       },
        {"counters' MSR without PDCM",   LEVEL_1 " @x86/msr/345=0x2000",                              LEVEL_1,             "x86/msr/345/13",
         ""                                                                                                                                                    },
        {"rates that the VMM writes",    LEVEL_1 " @x86/cpuid/15.0/ebx=168 @x86/cpuid/16.0/eax=2600",
         LEVEL_1,                                                                                                          "x86/cpuid/15.0/ebx/31:0", ""       },
        {"and its own leaf for them",    LEVEL_1 " @x86/cpuid/40000010.0/eax=2600000",                LEVEL_1,
         "x86/cpuid/40000010.0/eax/31:0",                                                                                                             ""       },
        {"other leaves do",              LEVEL_1 " avx2",                                             LEVEL_1,             "x86/cpuid/7.0/ebx/5",     "blocker"},
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(a_register_is_dead_only_where_its_feature_is_known_to_be_absent)
{
    static const struct {
        const char *label, *guest;
        struct mig_reg reg;
        bool dead;
    } cases[] = {
        {"AMX not shown",             LEVEL_1,                  {MIG_SPACE_CPUID, 0x1e, 1, MIG_EAX},          true },
        {"AMX shown",                 LEVEL_1 " amx_tile",      {MIG_SPACE_CPUID, 0x1e, 1, MIG_EAX},          false},
        {"AMX not covered",
         LEVEL_1 " ~cpuid=partial ^x86/cpuid/7.0/edx",
         {MIG_SPACE_CPUID, 0x1e, 1, MIG_EAX},
         false                                                                                                     },
        {"first VMX MSR",             LEVEL_1,                  {MIG_SPACE_MSR, 0x480, 0, MIG_EAX},           true },
        {"last VMX MSR",              LEVEL_1,                  {MIG_SPACE_MSR, 0x491, 0, MIG_EAX},           true },
        {"the next MSR",              LEVEL_1,                  {MIG_SPACE_MSR, 0x492, 0, MIG_EAX},           false},
        {"VMX shown",                 LEVEL_1 " vmx",           {MIG_SPACE_MSR, 0x480, 0, MIG_EAX},           false},
        {"the XSAVE leaf",            LEVEL_1,                  {MIG_SPACE_CPUID, 0xd, 0, MIG_EAX},           false},
        {"an extended leaf",          LEVEL_1,                  {MIG_SPACE_CPUID, 0x80000001, 0, MIG_EDX},    false},
        {"a Hyper-V leaf",            LEVEL_1,                  {MIG_SPACE_CPUID_HV, 0x40000010, 0, MIG_EAX}, false},
        {"without pmu_version",       LEVEL_1,                  {MIG_SPACE_CPUID, 0xa, 0, MIG_EAX},           true },
        {"with pmu_version",          LEVEL_1 " pmu_version=2", {MIG_SPACE_CPUID, 0xa, 0, MIG_EAX},           false},
        {"without sgx",               LEVEL_1,                  {MIG_SPACE_CPUID, 0x12, 0, MIG_EAX},          true },
        {"with sgx",                  LEVEL_1 " sgx",           {MIG_SPACE_CPUID, 0x12, 0, MIG_EAX},          false},
        {"without intel_pt",          LEVEL_1,                  {MIG_SPACE_CPUID, 0x14, 0, MIG_EAX},          true },
        {"with intel_pt",             LEVEL_1 " intel_pt",      {MIG_SPACE_CPUID, 0x14, 0, MIG_EAX},          false},
        {"without amx_tile",          LEVEL_1,                  {MIG_SPACE_CPUID, 0x1d, 0, MIG_EAX},          true },
        {"with amx_tile",             LEVEL_1 " amx_tile",      {MIG_SPACE_CPUID, 0x1d, 0, MIG_EAX},          false},
        {"without avx10",             LEVEL_1,                  {MIG_SPACE_CPUID, 0x24, 0, MIG_EAX},          true },
        {"with avx10",                LEVEL_1 " avx10",         {MIG_SPACE_CPUID, 0x24, 0, MIG_EAX},          false},
        {"without apx_f",             LEVEL_1,                  {MIG_SPACE_CPUID, 0x29, 0, MIG_EAX},          true },
        {"with apx_f",                LEVEL_1 " apx_f",         {MIG_SPACE_CPUID, 0x29, 0, MIG_EAX},          false},
        {"without svm",               LEVEL_1,                  {MIG_SPACE_CPUID, 0x8000000a, 0, MIG_EAX},    true },
        {"with svm",                  LEVEL_1 " svm",           {MIG_SPACE_CPUID, 0x8000000a, 0, MIG_EAX},    false},
        {"without arch_capabilities", LEVEL_1,                  {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},           true },
        {"with arch_capabilities",
         LEVEL_1 " arch_capabilities",
         {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},
         false                                                                                                     },
        {"without pdcm",              LEVEL_1,                  {MIG_SPACE_MSR, 0x345, 0, MIG_EAX},           true },
        {"with pdcm",                 LEVEL_1 " pdcm",          {MIG_SPACE_MSR, 0x345, 0, MIG_EAX},           false},
        {"behind sgx",                LEVEL_1,                  {MIG_SPACE_CPUID, 0x13, 0, MIG_EAX},          false},
        {"before AMX",                LEVEL_1,                  {MIG_SPACE_CPUID, 0x1c, 0, MIG_EAX},          false},
        {"behind AMX",                LEVEL_1,                  {MIG_SPACE_CPUID, 0x1f, 0, MIG_EAX},          false},
        {"judged as a whole",         LEVEL_1,                  {MIG_SPACE_CPUID, 0x15, 0, MIG_EAX},          true },
        {"judged as a whole",         LEVEL_1,                  {MIG_SPACE_CPUID, 0x16, 0, MIG_EAX},          true },
        {"judged as a whole",         LEVEL_1,                  {MIG_SPACE_CPUID, 0x21, 0, MIG_EAX},          true },
        {"judged as a whole",         LEVEL_1,                  {MIG_SPACE_CPUID, 0x40000010, 0, MIG_EAX},    true },
        {"judged as a whole",         LEVEL_1,                  {MIG_SPACE_CPUID, 0x8000001f, 0, MIG_EAX},    true },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(c->guest);
        struct mig_party guest = {"guest", s};

        check_number(c->label, c->dead, mig_meaning_is_dead(&guest, c->reg));
    }
}

#define HV "@x86/cpuid-hv/40000003.0/eax="

CHECK_TEST(what_a_hyperv_guest_uses_must_be_served)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"served",                       LEVEL_1 " " HV "0x40",     LEVEL_1 " " HV "0x40 @kvm/cap/HYPERV_VP_INDEX=1",
         "kvm/cap/HYPERV_VP_INDEX",                                                                                                              ""       },
        {"not served",                   LEVEL_1 " " HV "0x40",     LEVEL_1 " " HV "0x40",                            "kvm/cap/HYPERV_VP_INDEX",
         "blocker"                                                                                                                                        },
        {"timers need SynIC",            LEVEL_1 " " HV "0x8",      LEVEL_1 " " HV "0x8",                             "kvm/cap/HYPERV_SYNIC2",
         "blocker"                                                                                                                                        },
        {"reference time",               LEVEL_1 " " HV "0x202",    LEVEL_1 " " HV "0x202",                           "kvm/cap/HYPERV_TIME",
         "blocker"                                                                                                                                        },
        {"enlightened VMCS",             LEVEL_1 " hv_rec_evmcs",   LEVEL_1 " hv_rec_evmcs",
         "kvm/cap/HYPERV_ENLIGHTENED_VMCS",                                                                                                      "blocker"},
        {"capabilities are not covered", LEVEL_1 " " HV "0x40",     LEVEL_1 " " HV "0x40 ~kvm-cap=none",
         "kvm/cap/HYPERV_VP_INDEX",                                                                                                              ""       },
        {"leaves are not covered",       LEVEL_1 " " HV "0x40",     LEVEL_1 " ~cpuid-hv=none",
         "coverage/cpuid-hv",                                                                                                                    "warning"},
        {"leaves were not readable",     LEVEL_1 " " HV "0x40",     LEVEL_1 " ~cpuid-hv=unreadable",
         "coverage/cpuid-hv",                                                                                                                    "warning"},
        {"a guest without any",          LEVEL_1,                   LEVEL_1 " ~cpuid-hv=none",                        "coverage/cpuid-hv",       ""       },
        {"hidden KVM features work",     LEVEL_1,                   LEVEL_1 " kvm_steal_time",                        "kvm/cpuid-not-enforced",
         "note"                                                                                                                                           },
        {"unless KVM can keep to them",  LEVEL_1,
         LEVEL_1 " kvm_steal_time @kvm/cap/ENFORCE_PV_FEATURE_CPUID=1",                                               "kvm/cpuid-not-enforced",
         ""                                                                                                                                               },
        {"nothing is hidden",            LEVEL_1 " kvm_steal_time", LEVEL_1 " kvm_steal_time",
         "kvm/cpuid-not-enforced",                                                                                                               ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* Every row of hyperv_cap.def. */
CHECK_TEST(each_hyperv_feature_has_the_capability_that_serves_it)
{
    static const struct {
        const char *field, *cap;
    } rows[] = {
        {"hv_vp_index",            "HYPERV_VP_INDEX"        },
        {"hv_synic",               "HYPERV_SYNIC2"          },
        {"hv_syntimer",            "HYPERV_SYNIC2"          },
        {"hv_time_ref_count",      "HYPERV_TIME"            },
        {"hv_reference_tsc",       "HYPERV_TIME"            },
        {"hv_apic_access",         "HYPERV_VAPIC"           },
        {"hv_hypercall",           "HYPERV"                 },
        {"hv_rec_remote_tlb",      "HYPERV_TLBFLUSH"        },
        {"hv_rec_cluster_ipi",     "HYPERV_SEND_IPI"        },
        {"hv_rec_evmcs",           "HYPERV_ENLIGHTENED_VMCS"},
        {"hv_nested_direct_flush", "HYPERV_DIRECT_TLBFLUSH" },
    };

    CHECK_EACH (c, rows) {
        MIG_AUTO(mig_free) char *shown = mig_strf(LEVEL_1 " %s", c->field);
        MIG_AUTO(mig_free) char *id = mig_strf("kvm/cap/%s", c->cap);
        MIG_AUTO(mig_free) char *serves = mig_strf("%s @%s=1", shown, id);

        judged_check(c->field, shown, shown, id, "blocker");
        judged_check(c->field, shown, serves, id, "");
        judged_check(c->field, LEVEL_1, shown, id, "");
    }
}

CHECK_TEST(highest_leaves_are_kept)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"basic, lower there",      LEVEL_1 " @x86/cpuid/0.0/eax=0x16",
         LEVEL_1 " @x86/cpuid/0.0/eax=0xd",                                                                                   "x86/cpuid/0.0/eax/31:0",          "blocker"},
        {"basic, higher there",     LEVEL_1 " @x86/cpuid/0.0/eax=0xd",
         LEVEL_1 " @x86/cpuid/0.0/eax=0x1f",                                                                                  "x86/cpuid/0.0/eax/31:0",          ""       },
        {"extended",                LEVEL_1 " @x86/cpuid/80000000.0/eax=0x80000022",
         LEVEL_1 " @x86/cpuid/80000000.0/eax=0x80000021",                                                                     "x86/cpuid/80000000.0/eax/31:0",
         "blocker"                                                                                                                                                        },
        {"subleaves of 7",          LEVEL_1 " @x86/cpuid/7.0/eax=2",                         LEVEL_1 " @x86/cpuid/7.0/eax=1",
         "x86/cpuid/7.0/eax/31:0",                                                                                                                               "blocker"},
        {"an entry above",          LEVEL_1 " @x86/cpuid/0.0/eax=0xd @x86/cpuid/19.0/eax=7",
         LEVEL_1 " @x86/cpuid/0.0/eax=0x19 @x86/cpuid/19.0/eax=7",
         "inconsistent/leaf-above-highest",                                                                                                                      "note"   },
        {"an extended one",         LEVEL_1 " @x86/cpuid/80000021.0/eax=1",
         LEVEL_1 " @x86/cpuid/80000000.0/eax=0x80000021",                                                                     "inconsistent/leaf-above-highest",
         "note"                                                                                                                                                           },
        {"empty ones do not count", LEVEL_1 " @x86/cpuid/0.0/eax=0xd @x86/cpuid/14.0/eax=0",
         LEVEL_1,                                                                                                             "inconsistent/leaf-above-highest", ""       },
        {"none above",              LEVEL_1,                                                 LEVEL_1,                         "inconsistent/leaf-above-highest", ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* MSRs that are neither immunities nor nesting. */
CHECK_TEST(other_feature_msrs_go_by_their_rows)
{
#define PMU LEVEL_1 " pdcm pmu_version=2 "
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"microcode revision is no criterion", LEVEL_1 " @x86/msr/8b=0x200000000",
         LEVEL_1 " @x86/msr/8b=0x100000000",                                                                       "x86/msr/8b/63:32",   ""       },
        {"trapped CPUID",                      LEVEL_1 " cpuid_fault",             LEVEL_1,                        "x86/msr/ce/31",      "blocker"},
        {"ratios of a host",                   LEVEL_1 " @x86/msr/ce=0x80f00",     LEVEL_1 " @x86/msr/ce=0x80f00",
         "x86/msr/ce/8",                                                                                                                 "blocker"},
        {"serialising LFENCE",                 LEVEL_1 " lfence_serialize",        LEVEL_1,                        "x86/msr/c0011029/1",
         "blocker"                                                                                                                                },
        {"serialising LFENCE there only",      LEVEL_1,                            LEVEL_1 " lfence_serialize",
         "x86/msr/c0011029/1",                                                                                                           ""       },
        {"format of branch records",           PMU "lbr_fmt=5",                    PMU "lbr_fmt=6",                "x86/msr/345/5:0",
         "blocker"                                                                                                                                },
        {"no branch records",                  PMU,                                PMU "lbr_fmt=6",                "x86/msr/345/5:0",    ""       },
        {"full-width writes",                  PMU "full_width_write",             PMU,                            "x86/msr/345/13",     "blocker"},
        {"format of PEBS",                     PMU "pebs_format=4",                PMU "pebs_format=3",            "x86/msr/345/11:8",   "blocker"},
        {"state that can not be restored",     LEVEL_1 " @x86/msr-list/da0=1",     LEVEL_1,                        "x86/msr-list",
         "blocker"                                                                                                                                },
        {"state that only the host has",       LEVEL_1,                            LEVEL_1 " @x86/msr-list/da0=1", "x86/msr-list",
         ""                                                                                                                                       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

/* A template that hides AVX2 and leaves AVX-512, as some fleets run on Ice
 * Lake: named, moved all the same. */
CHECK_TEST(a_template_that_hides_a_base_is_named_inconsistent)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host("intel-icelake-6.1");
    struct mig_reg reg = mig_reg_cpuid(7, 0, MIG_EBX);
    struct mig_snapshot guest = *host; /* borrows all but the words */
    struct mig_findings findings;
    const struct mig_finding *f;

    guest.entries = mig_memdup(host->entries, host->entries_len * sizeof *host->entries);
    for (size_t i = 0; i < guest.entries_len; i++) {
        if (guest.entries[i].key == mig_reg_key(reg)) {
            guest.entries[i].value &= ~(UINT64_C(1) << 5);
        }
    }
    judged(&guest, host, &findings);
    f = mig_findings_find(&findings, "inconsistent/guest");
    assert_non_null(f);
    check_text("severity", "note", mig_severity_name(f->severity));
    check_text("first without its base", "avx512f", f->dependants[0]);
    check_text("nothing else", "note", mig_severity_name(mig_findings_worst(&findings)));
    mig_findings_clear(&findings);
    mig_free(guest.entries);
}

/* Levelling a host with itself changes nothing, whatever edges its silicon
 * breaks: TSXLDTRK without RTM, STIBP and SSBD without their umbrella. */
CHECK_TEST(a_real_host_alone_keeps_all_that_is_offered)
{
    static const char *const hosts[] = {
        "amd-genoa-5.10",
        "amd-genoa-6.1",
        "amd-milan-5.10",
        "amd-milan-6.1",
        "emulated-epyc-genoa-6.12",
        "emulated-epyc-milan-6.1",
        "emulated-epyc-milan-6.12",
        "emulated-epyc-rome-6.12",
        "emulated-max-6.12",
        "intel-cascadelake-5.10",
        "intel-cascadelake-6.1",
        "intel-granite-rapids-5.10",
        "intel-granite-rapids-6.1",
        "intel-icelake-5.10",
        "intel-icelake-6.1",
        "intel-sapphire-rapids-5.10",
        "intel-sapphire-rapids-6.1",
    };
    struct mig_choice choice = {0};

    CHECK_EACH (name, hosts) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host(*name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
        struct mig_party alone = {*name, host}, again;
        struct mig_result r, level;

        mig_baseline(&alone, 1, &choice, &r);
        assert_non_null(r.profile);
        for (size_t w = 0; w < r.profile->words_len; w++) {
            struct mig_reg reg = mig_reg_from_key(r.profile->words[w].key);
            struct mig_fields fields = mig_field_of(reg);
            uint64_t own;

            (void)mig_snapshot_get(host, reg, &own);
            for (size_t i = 0; i < fields.len; i++) {
                const struct mig_field *f = &fields.items[i];
                bool goes_with_mpx =
                    strncmp(f->name, "xsave_", 6) == 0 && reg.sub >= 3 && reg.sub <= 4;

                if (f->offer == MIG_OFFER_ON && mig_field_is_flag(f) && !goes_with_mpx) {
                    check_number(f->name, mig_field_get(f, own),
                                 mig_field_get(f, r.profile->words[w].value));
                }
            }
        }
        shown = mig_profile_as_snapshot(r.profile);
        again = (struct mig_party){"level", shown};
        mig_baseline(&again, 1, &choice, &level);
        assert_non_null(level.profile);
        assert_memory_equal(r.profile->digest, level.profile->digest, sizeof r.profile->digest);
        mig_result_clear(&level);
        mig_result_clear(&r);
    }
}

CHECK_MAIN(cmocka_unit_test(an_instance_is_more_than_its_cpu),
           cmocka_unit_test(a_machine_type_is_looked_for_among_all_words_of_the_list),
           cmocka_unit_test(leftovers_of_a_vmm_do_not_block),
           cmocka_unit_test(a_register_is_dead_only_where_its_feature_is_known_to_be_absent),
           cmocka_unit_test(what_a_hyperv_guest_uses_must_be_served),
           cmocka_unit_test(each_hyperv_feature_has_the_capability_that_serves_it),
           cmocka_unit_test(highest_leaves_are_kept),
           cmocka_unit_test(other_feature_msrs_go_by_their_rows),
           cmocka_unit_test(a_template_that_hides_a_base_is_named_inconsistent),
           cmocka_unit_test(a_real_host_alone_keeps_all_that_is_offered))
