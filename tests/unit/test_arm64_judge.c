/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whole answers about arm64 hosts: the Graviton captures of Firecracker under
 * the kernels that they ran and under later ones, and what a guest that moves
 * meets.
 */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "compat/merge.h"
#include "cpu/arm64_reg.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "support/small_host.h"

#define PAN_2_3 "ID_AA64MMFR1_EL1.PAN"

static const struct mig_choice choice;

/* A Graviton capture; @release: as if that plain Linux had shown the same. */
static struct mig_snapshot *graviton(const char *core, const char *kernel, const char *release)
{
    MIG_AUTO(mig_free)
    char *relative =
        mig_strf("data/firecracker/fingerprint_ARM_NEOVERSE_%s_%shost.json", core, kernel);
    MIG_AUTO(mig_free) char *path = check_shared_path(relative);
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes text = {0};
    struct mig_snapshot *ret = NULL;
    const char *format;
    struct mig_error err;

    if (path == NULL) {
        skip();
    }
    check_done(path, mig_file_read(path, 1 << 20, &text, &err), &err);
    check_done(path, mig_import(core, (const char *)text.items, text.len, &s, &format, &err), &err);
    for (size_t i = 0; i < s->entries_len; i++) {
        mig_builder_set(b, mig_reg_from_key(s->entries[i].key), s->entries[i].value);
    }
    mig_builder_add_fact(b, "kernel.release",
                         release != NULL ? release : mig_snapshot_fact(s, "kernel.release"),
                         "test");
    mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_PARTIAL, 0, "test");
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, "test");
    if (release != NULL && release[0] == '7') {
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_CAP, 239), 1);
        mig_builder_cover(b, MIG_GROUP_CAP, MIG_COVER_PARTIAL, 0, "test");
    }
    check_done(path, mig_builder_freeze(b, &ret, &err), &err);
    return ret;
}

/* Ids of the findings of at least @severity, in order. */
static void check_ids(const char *label, const char *expected, const struct mig_findings *list,
                      enum mig_severity severity)
{
    MIG_AUTO(mig_free) char *got = mig_strdup("");

    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (f->severity >= severity && strncmp(f->id, "coverage/", 9) != 0) {
            char *before = got;

            got = mig_strf("%s%s%s", before, *before != '\0' ? " " : "",
                           strncmp(f->id, "arm64/", 6) == 0 ? f->id + 6 : f->id);
            mig_free(before);
        }
    }
    check_text(label, expected, got);
}

static void check_reason(const char *label, const struct mig_findings *list, const char *id,
                         enum mig_reason reason, const char *remedy)
{
    const struct mig_finding *f = mig_findings_find(list, id);

    if (f == NULL) {
        fail_msg("%s: no finding %s", label, id);
    }
    check_text(label, mig_reason_name(reason), mig_reason_name(f->reason));
    check_contains(label, remedy, f->remedy);
}

CHECK_TEST(gravitons_are_blocked_by_what_their_kernel_can_not_set)
{
    static const struct {
        const char *label, *a, *b, *captured, *release, *blockers;
    } cases[] = {
        {"2 and 3 under 7.2",  "N1", "V1", "6.1", "7.2.8",
         "ID_AA64PFR0_EL1/MPAM ID_AA64MMFR2_EL1/NV ID_AA64MMFR2_EL1/IDS ID_AA64MMFR2_EL1/FWB "
         "ID_AA64MMFR2_EL1/EVT"                                          },
        {"2 and 3 under 6.12", "N1", "V1", "6.1", "6.12.0",
         "MIDR_EL1 ID_AA64PFR0_EL1/RAS ID_AA64PFR0_EL1/MPAM ID_AA64MMFR2_EL1/NV "
         "ID_AA64MMFR2_EL1/IDS ID_AA64MMFR2_EL1/FWB ID_AA64MMFR2_EL1/EVT"},
        {"3 and 4 under 7.2",  "V1", "V2", "6.1", "7.2.8",  "aarch32"    },
        {"3 and 4 under 6.12", "V1", "V2", "6.1", "6.12.0",
         "MIDR_EL1 ID_AA64MMFR0_EL1/TGRAN16_2 ID_AA64MMFR0_EL1/TGRAN64_2 "
         "ID_AA64MMFR0_EL1/TGRAN4_2 aarch32"                             },
        {"2 and 4 under 7.2",  "N1", "V2", "6.1", "7.2.8",
         "ID_AA64PFR0_EL1/MPAM ID_AA64MMFR2_EL1/NV ID_AA64MMFR2_EL1/IDS ID_AA64MMFR2_EL1/FWB "
         "ID_AA64MMFR2_EL1/EVT aarch32"                                  },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *a = graviton(c->a, c->captured, c->release);
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *b = graviton(c->b, c->captured, c->release);
        struct mig_party parties[2] = {
            {c->a, a},
            {c->b, b}
        };
        struct mig_result r;

        mig_baseline(parties, 2, &choice, &r);
        check_ids(c->label, c->blockers, &r.findings, MIG_BLOCKER);
        check_text(c->label, "incompatible", mig_verdict_name(r.verdict));
        check_true(c->label, r.possible && r.profile != NULL);
        mig_result_clear(&r);
    }
}

CHECK_TEST(what_would_lift_a_blocker_is_said)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = graviton("N1", "6.1", NULL);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = graviton("V1", "6.1", NULL);
    struct mig_party n1 = {"graviton2", a}, v1 = {"graviton3", b};
    struct mig_result r;

    mig_negotiate(&n1, &v1, &choice, &r);
    check_text("verdict", "incompatible", mig_verdict_name(r.verdict));
    check_text("as it is", "incompatible", mig_verdict_name(r.passthrough));
    check_reason("a mask", &r.findings, "arm64/ID_AA64ISAR0_EL1/SHA3", MIG_REASON_KERNEL,
                 "run Linux 6.12 or later on graviton3");
    check_reason("a later mask", &r.findings, "arm64/ID_AA64PFR0_EL1/RAS", MIG_REASON_KERNEL,
                 "run Linux 7.2 or later on graviton3");
    check_reason("hidden later", &r.findings, "arm64/ID_AA64PFR0_EL1/MPAM", MIG_REASON_KERNEL,
                 "shows this field to no guest");
    check_reason("no kernel", &r.findings, "arm64/ID_AA64MMFR2_EL1/IDS", MIG_REASON_HARDWARE,
                 "no kernel up to Linux 7.2");
    check_reason("of no use to most", &r.findings, "arm64/ID_AA64MMFR2_EL1/FWB",
                 MIG_REASON_HARDWARE, "only a guest that runs guests of its own");
    check_reason("the CPU itself", &r.findings, "arm64/MIDR_EL1", MIG_REASON_KERNEL,
                 "KVM_CAP_ARM_WRITABLE_IMP_ID_REGS");
    mig_result_clear(&r);
}

CHECK_TEST(what_each_graviton_gives_up_is_listed)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = graviton("V1", "6.1", "7.2.8");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = graviton("V2", "6.1", "7.2.8");
    struct mig_party parties[2] = {
        {"graviton3", a},
        {"graviton4", b}
    };
    MIG_AUTO(mig_free) char *lost = mig_strdup("");
    struct mig_result r;

    mig_baseline(parties, 2, &choice, &r);
    for (size_t i = 0; i < r.losses_len; i++) {
        char *before = lost;

        if (strcmp(r.losses[i].host, "graviton3") == 0) {
            lost = mig_strf("%s%s ", before, strrchr(r.losses[i].id, '/') + 1);
            mig_free(before);
        }
    }
    check_text("one line for 32-bit code, none for the CPU's name",
               "EL0 SM3 SM4 TGRAN16_2 TGRAN64_2 TGRAN4_2 ", lost);
    mig_result_clear(&r);
}

/* One CPU, two kernels. */
CHECK_TEST(a_kernel_is_named_where_only_kernels_differ)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = graviton("N1", "5.10", NULL);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = graviton("N1", "6.1", NULL);
    struct mig_party old = {"old", a}, new = {"new", b};
    struct mig_result r;
    const struct mig_finding *f;

    mig_negotiate(&new, &old, &choice, &r);
    f = mig_findings_find(&r.findings, "arm64/PSCI_VERSION/version");
    assert_non_null(f);
    check_text("reason", "kernel", mig_reason_name(f->reason));
    check_true("read, not inferred", !f->likely);
    check_contains("both are named", "new runs Linux 6.1.172", f->remedy);
    check_contains("both are named", "old runs 5.10.255", f->remedy);
    mig_result_clear(&r);
}

struct move {
    const char *label, *guest, *host, *findings, *passthrough;
};

static void check_moves(const struct move *cases, size_t len)
{
    for (const struct move *c = cases; c < cases + len; c++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(c->host);
        struct mig_party guest = {"alpha", a}, host = {"beta", b};
        struct mig_findings list = {0};
        struct mig_result r;

        mig_judge(&guest, &host, &choice, &list);
        check_ids(c->label, c->findings, &list, MIG_WARNING);
        check_number(c->label, mig_findings_worst(&list), mig_judge_worst(&guest, &host, &choice));
        mig_negotiate(&guest, &host, &choice, &r);
        check_text(c->label, c->passthrough, mig_verdict_name(r.passthrough));
        mig_findings_clear(&list);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_guest_goes_where_kvm_takes_what_it_was_shown)
{
    static const struct move cases[] = {
        {"the same host",                 "",                                          "",                                              "",                      "compatible"       },
        {"a host with more",              "",                                          "ID_AA64ISAR0_EL1.SHA3=1",                       "",                      "compatible-masked"},
        {"a host with less",              "ID_AA64ISAR0_EL1.SHA3=1",                   "",                                              "ID_AA64ISAR0_EL1/SHA3",
         "incompatible"                                                                                                                                                             },
        {"more that can not be hidden",   "",                                          "ID_AA64PFR0_EL1.RAS=2",                         "ID_AA64PFR0_EL1/RAS",
         "incompatible"                                                                                                                                                             },
        {"that a later kernel hides",     "",                                          "!kernel.release=7.2.0 ID_AA64PFR0_EL1.RAS=2",   "",
         "compatible-masked"                                                                                                                                                        },
        {"an old kernel hides nothing",   "",                                          "!kernel.release=6.1.0 ID_AA64ISAR0_EL1.SHA3=1",
         "ID_AA64ISAR0_EL1/SHA3",                                                                                                                                "incompatible"     },
        {"hidden since",                  "ID_AA64PFR0_EL1.MPAM=1",                    "",                                              "ID_AA64PFR0_EL1/MPAM",  "compatible-masked"},
        {"a granule of another kind",     "ID_AA64MMFR0_EL1.TGRAN4_2=2",               "ID_AA64MMFR0_EL1.TGRAN4_2=3",
         "ID_AA64MMFR0_EL1/TGRAN4_2",                                                                                                                            "incompatible"     },
        {"a bit without a row",           "@arm64/ID_AA64MMFR2_EL1=0x100100000001011", "",
         "ID_AA64MMFR2_EL1/44",                                                                                                                                  "incompatible"     },
        {"that both show",                "@arm64/ID_AA64MMFR2_EL1=0x100100000001011",
         "@arm64/ID_AA64MMFR2_EL1=0x100100000001011",                                                                                   "",                      "compatible"       },
        {"a host that could not read it", "",                                          "?arm64/ID_AA64ISAR0_EL1",
         "ID_AA64ISAR0_EL1/AES ID_AA64ISAR0_EL1/SHA1 ID_AA64ISAR0_EL1/SHA2 ID_AA64ISAR0_EL1/CRC32 "
         "ID_AA64ISAR0_EL1/ATOMIC ID_AA64ISAR0_EL1/RDM ID_AA64ISAR0_EL1/DP",                                                                                     "unknown"          },
        {"fewer calls",                   "",                                          "@arm64/VENDOR_HYP_BMAP=1",                      "VENDOR_HYP_BMAP/PTP",   "incompatible"     },
        {"an older PSCI",                 "@arm64/PSCI_VERSION=0x10003",               "",                                              "PSCI_VERSION/version",
         "incompatible"                                                                                                                                                             },
    };

    check_moves(cases, MIG_COUNT(cases));
}

CHECK_TEST(a_difference_that_no_guest_can_use_is_tolerated_where_the_vmm_leaves_it_out)
{
#define LEFT_OUT "!vmm.left-out-regs=0x603000000013c03a"
    static const struct move cases[] = {
        {"no VMM is known",         "ID_AA64MMFR2_EL1.EVT=1",                       "ID_AA64MMFR2_EL1.EVT=2",
         "ID_AA64MMFR2_EL1/EVT",                                                                                                      "incompatible"},
        {"one that restores all",   "ID_AA64MMFR2_EL1.EVT=1 " LEFT_OUT,
         "ID_AA64MMFR2_EL1.EVT=2 !vmm.qemu=11.1.0",                                                           "ID_AA64MMFR2_EL1/EVT", "incompatible"},
        {"one that may leave out",  "ID_AA64MMFR2_EL1.EVT=1",
         "ID_AA64MMFR2_EL1.EVT=2 !vmm.firecracker=1.5.0",                                                     "ID_AA64MMFR2_EL1/EVT", "incompatible"},
        {"and does",                "ID_AA64MMFR2_EL1.EVT=1 " LEFT_OUT,
         "ID_AA64MMFR2_EL1.EVT=2 !vmm.firecracker=1.5.0",                                                     "ID_AA64MMFR2_EL1/EVT",
         "compatible-masked"                                                                                                                        },
        {"not with the rest of it", "ID_AA64MMFR2_EL1.EVT=1 " LEFT_OUT,
         "ID_AA64MMFR2_EL1.EVT=2 ID_AA64MMFR2_EL1.BBM=2 !vmm.firecracker=1.5.0",                              "ID_AA64MMFR2_EL1/EVT", "incompatible"},
        {"not what guests use",     "ID_AA64MMFR2_EL1.IDS=0 " LEFT_OUT,
         "ID_AA64MMFR2_EL1.IDS=1 !vmm.firecracker=1.5.0",                                                     "ID_AA64MMFR2_EL1/IDS", "incompatible"},
        {"not guests of guests",
         "~kvm-cap=none @host/vcpu-features=0x8a ID_AA64MMFR2_EL1.EVT=1 " LEFT_OUT,
         "@host/vcpu-features=0x8a ID_AA64MMFR2_EL1.EVT=2 !vmm.firecracker=1.5.0",                            "ID_AA64MMFR2_EL1/EVT", "incompatible"},
    };

    check_moves(cases, MIG_COUNT(cases));
    {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *a = small_arm64("ID_AA64MMFR2_EL1.EVT=1");
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *b = small_arm64("ID_AA64MMFR2_EL1.EVT=2 !vmm.firecracker=1.5.0");
        struct mig_party guest = {"alpha", a}, host = {"beta", b};
        struct mig_findings list = {0};

        mig_judge(&guest, &host, &choice, &list);
        check_reason("how", &list, "arm64/ID_AA64MMFR2_EL1/EVT", MIG_REASON_FIRMWARE,
                     "snapshot-editor");
        mig_findings_clear(&list);
    }
}

CHECK_TEST(the_command_line_is_named_as_the_kernel_reads_it)
{
#define LEVEL(n, value) "@arm64/SMCCC_ARCH_WORKAROUND_" n "=" value " "
#define OFF(n) LEVEL(n, "0")
    static const struct {
        const char *label, *a, *b, *id;
        enum mig_reason reason;
        const char *remedy;
    } cases[] = {
        {"speculative stores",             LEVEL("2",                  "2"),    OFF("2") "!cmdline.ssbd=force-off",
         "SMCCC_ARCH_WORKAROUND_2/level",                                                                                                                                         MIG_REASON_COMMAND_LINE,
         "on beta, remove ssbd=force-off from"},
        {"not with the underscore",                                LEVEL("2",                                  "2"), OFF("2") "!cmdline.ssbd=force_off",
         "SMCCC_ARCH_WORKAROUND_2/level",                        MIG_REASON_FIRMWARE,                                                                                                                                                                                                                                                                                ""},
        {"branches",                              LEVEL("1",                                                        "1"),
         OFF("1") "!cmdline.nospectre_v2=",                                                     "SMCCC_ARCH_WORKAROUND_1/level",
         MIG_REASON_COMMAND_LINE,                                                                                                                                                                                                                                                                              "on beta, remove nospectre_v2 from"},
        {"and their history",          LEVEL("3", "1"),
         OFF("3") "!cmdline.nospectre_v2=",                           "SMCCC_ARCH_WORKAROUND_3/level",
         MIG_REASON_COMMAND_LINE,"on beta, remove nospectre_v2 from"},
        {"protected guests", "ID_AA64MMFR1_EL1.VH=1",
         "ID_AA64MMFR1_EL1.VH=0 !cmdline.kvm_arm.mode=protected !kernel.release=6.9.0",          "ID_AA64MMFR1_EL1/VH",                                               MIG_REASON_COMMAND_LINE,
         "on beta, remove kvm_arm.mode=protected from"                                                                                                                                                                                                                                                                               },
        {"keep it since 6.10",           "ID_AA64MMFR1_EL1.VH=1",
         "ID_AA64MMFR1_EL1.VH=0 !cmdline.kvm_arm.mode=protected !kernel.release=6.10.0",                         "ID_AA64MMFR1_EL1/VH",                                                              MIG_REASON_KERNEL,                                                                                                    "run one kernel on both"},
        {"all of SVE",           "ID_AA64ZFR0_EL1.BF16=1",                    "ID_AA64ZFR0_EL1.BF16=0 !cmdline.arm64.nosve=",
         "ID_AA64ZFR0_EL1/BF16",MIG_REASON_COMMAND_LINE,"on beta, remove arm64.nosve from"                                                                        },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(c->a);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(c->b);
        MIG_AUTO(mig_free) char *id = mig_strf("arm64/%s", c->id);
        struct mig_party alpha = {"alpha", a}, beta = {"beta", b};
        struct mig_result r;

        mig_negotiate(&alpha, &beta, &choice, &r);
        check_reason(c->label, &r.findings, id, c->reason, c->remedy);
        mig_result_clear(&r);
    }
}

CHECK_TEST(registers_of_32_bit_code_are_told_as_one)
{
    static const struct move cases[] = {
        {"none to some", "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_DFR0_EL1=0",         "",                                                                "aarch32",
         "incompatible"                                                                                                                                                         },
        {"some to none", "",                                                   "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_DFR0_EL1=0 @arm64/ID_PFR0_EL1=0",
         "ID_AA64PFR0_EL1/EL0",                                                                                                                              "incompatible"     },
        {"none to none", "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_DFR0_EL1=0x4000000",
         "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_DFR0_EL1=0",                                                                                            "",        "compatible-masked"},
        {"left out",
         "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_DFR0_EL1=0 "
         "!vmm.left-out-regs=0x603000000013c00a",                              "!vmm.firecracker=1.16.0",                                         "aarch32", "compatible-masked"},
    };

    check_moves(cases, MIG_COUNT(cases));
}

CHECK_TEST(a_contract_is_held_against_what_kvm_takes)
{
    static const struct {
        const char *label, *guest, *source, *destination, *verdict, *findings;
    } cases[] = {
        {"as the source",             "",                                               "", "",                                   "compatible",        ""                    },
        {"a lowered field",           "ID_AA64ISAR0_EL1.AES=1",                         "", "",                                   "compatible-masked", ""                    },
        {"lowered, no masks there",   "ID_AA64ISAR0_EL1.AES=1",                         "", "!kernel.release=6.1.0",
         "needs-power-cycle",                                                                                                                          "ID_AA64ISAR0_EL1/AES"},
        {"no counters",               "ID_AA64DFR0_EL1.PMUVer=0 ID_DFR0_EL1.PerfMon=0", "",
         "!kernel.release=6.1.0",                                                                                                 "compatible-masked", ""                    },
        {"another clock there",       "^host/cntfrq-hz",                                "", "@host/cntfrq-hz=24000000",           "incompatible",
         "host/cntfrq-hz"                                                                                                                                                    },
        {"as wrong as on its source", "@host/cntfrq-hz=24000000",                       "", "",                                   "compatible-masked",
         "host/cntfrq-hz"                                                                                                                                                    },
        {"kernels list more",         "",
         "@arm64/reg-list/603000000013c102=1 "
         "@arm64/reg-list/603000000013c103=1",                                              "@arm64/reg-list/603000000013c102=1", "incompatible",      "reg-list"            },
        {"more of no use",            "",
         "@arm64/reg-list/603000000013c102=1 "
         "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0",                  "@arm64/reg-list/603000000013c102=1", "compatible",        "reg-list"            },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *edits = mig_strf("~kvm-cap=none ~reg-list=none %s", c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_arm64(edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(c->source);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *d = small_arm64(c->destination);
        struct mig_party guest = {"vm", g}, source = {"alpha", s}, destination = {"beta", d};
        struct mig_result r;

        mig_check_contract(&guest, &source, &destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_ids(c->label, c->findings, &r.findings, MIG_WARNING);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_profile_is_listed_by_register_and_can_be_read_back)
{
    struct mig_result r;
    const struct mig_word *word;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;

    small_negotiate_arm64("ID_AA64ISAR0_EL1.SHA3=1", PAN_2_3 "=3", &choice, &r);
    check_text("verdict", "compatible-on-profile", mig_verdict_name(r.verdict));
    word = mig_profile_find(r.profile, mig_reg_arm64(MIG_ARM64_ID_AA64ISAR0_EL1));
    assert_non_null(word);
    check_number("ISAR0", 0x100010211120, word->value);
    check_number("the map of memory", 48, r.profile->maxphysaddr);
    shown = mig_profile_as_snapshot(r.profile);
    assert_non_null(shown);
    check_number("arm64", MIG_ARCH_ARM64, shown->arch);
    mig_result_clear(&r);
}

CHECK_MAIN(
    cmocka_unit_test(gravitons_are_blocked_by_what_their_kernel_can_not_set),
    cmocka_unit_test(what_would_lift_a_blocker_is_said),
    cmocka_unit_test(what_each_graviton_gives_up_is_listed),
    cmocka_unit_test(a_kernel_is_named_where_only_kernels_differ),
    cmocka_unit_test(a_guest_goes_where_kvm_takes_what_it_was_shown),
    cmocka_unit_test(a_difference_that_no_guest_can_use_is_tolerated_where_the_vmm_leaves_it_out),
    cmocka_unit_test(the_command_line_is_named_as_the_kernel_reads_it),
    cmocka_unit_test(registers_of_32_bit_code_are_told_as_one),
    cmocka_unit_test(a_contract_is_held_against_what_kvm_takes),
    cmocka_unit_test(a_profile_is_listed_by_register_and_can_be_read_back))
