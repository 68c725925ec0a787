/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Constraints of arm64, case by case: what a profile of two hosts shows, what
 * stands against it, and what a guest that moves meets.
 */
#include "support/check.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/merge.h"
#include "cpu/arm64_reg.h"
#include "support/small_host.h"

#define NEW "!kernel.release=7.2.8 "
#define IMP_ID NEW "@kvm/cap/ARM_WRITABLE_IMP_ID_REGS=1 "
#define SVE "ID_AA64PFR0_EL1.SVE=1 ID_AA64ZFR0_EL1.SVEver=1 ID_AA64ZFR0_EL1.AES=2 "
#define PAUTH "ID_AA64ISAR1_EL1.APA=5 ID_AA64ISAR1_EL1.GPA=1 "
#define PMU_OFF "ID_AA64DFR0_EL1.PMUVer=0 ID_DFR0_EL1.PerfMon=0 "

static const struct mig_choice choice;

struct row {
    const char *label, *a, *b;
    const char *verdict;  /* of both */
    const char *id;       /* a finding among others; "" = none of this constraint */
    const char *severity; /* of it */
    const char *shown;    /* "ID_AA64PFR0_EL1.SVE=0": a field of the profile; or NULL */
};

static void check_shown(const struct row *c, const struct mig_profile *p)
{
    const char *equals = c->shown != NULL ? strchr(c->shown, '=') : NULL;
    const struct mig_field *f;

    if (equals != NULL) {
        MIG_AUTO(mig_free) char *name = mig_strndup(c->shown, (size_t)(equals - c->shown));

        f = mig_field_find(name);
        assert_non_null(f);
        assert_non_null(p);
        check_number(c->label, strtoull(equals + 1, NULL, 0),
                     mig_field_get(f, mig_profile_get(p, f->reg)));
    }
}

static void check_rows(const struct row *rows, size_t len)
{
    for (const struct row *c = rows; c < rows + len; c++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(c->a);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(c->b);
        struct mig_party parties[2] = {
            {"alpha", a},
            {"beta",  b}
        };
        const struct mig_finding *f;
        struct mig_result r;

        mig_baseline(parties, 2, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        f = mig_findings_find(&r.findings, c->id);
        if (*c->severity == '\0') {
            check_true(c->label, f == NULL);
        } else if (f == NULL) {
            fail_msg("%s: no finding %s", c->label, c->id);
        } else {
            check_text(c->label, c->severity, mig_severity_name(f->severity));
            check_true(c->label, f->why != NULL && *f->why != '\0' && f->remedy != NULL);
        }
        check_shown(c, r.profile);
        mig_result_clear(&r);
    }
}

CHECK_TEST(what_the_hardware_shows_must_be_one)
{
    static const struct row rows[] = {
        {"one rate",          "",                 "",                               "compatible",   "host/cntfrq-hz", "",        NULL},
        {"two rates",         "",                 "@host/cntfrq-hz=24000000",       "incompatible", "host/cntfrq-hz", "blocker",
         NULL                                                                                                                        },
        {"a rate not known",  "",                 "^host/cntfrq-hz ~arm64=partial", "compatible",   "host/cntfrq-hz",
         "",                                                                                                                     NULL},
        {"two blocks",        "",                 "@host/dczid=6",                  "incompatible", "host/dczid",     "blocker", NULL},
        {"not to be used",    "@host/dczid=0x14", "@host/dczid=0x16",               "compatible",   "",               "",        NULL},
        {"to be used on one", "@host/dczid=0x4",  "@host/dczid=0x14",               "incompatible", "host/dczid",
         "blocker",                                                                                                              NULL},
    };

    check_rows(rows, MIG_COUNT(rows));
}

CHECK_TEST(vector_lengths_meet_by_their_prefix)
{
    static const struct {
        const char *label;
        uint64_t a, b, common;
        const char *verdict;
    } cases[] = {
        {"V1 and V2",    0x3,    0x1, 0x1, "compatible-on-profile"},
        {"A64FX and V1", 0xb,    0x3, 0x3, "compatible-on-profile"},
        {"a hole",       0x9,    0xb, 0x1, "compatible-on-profile"},
        {"not even one", 0x2,    0x3, 0x0, "compatible-on-profile"},
        {"the same",     0x3,    0x3, 0x3, "compatible"           },
        {"all and few",  0xffff, 0xb, 0x3, "compatible-on-profile"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *a = mig_strf(SVE "@host/sve-vqs=%llu", (unsigned long long)c->a);
        MIG_AUTO(mig_free)
        char *b = mig_strf(SVE "@host/sve-vqs=%llu", (unsigned long long)c->b);
        struct mig_result r;

        small_negotiate_arm64(a, b, &choice, &r);
        if (c->a != c->b) {
            assert_non_null(mig_findings_find(&r.findings, "arm64/sve/vl"));
        }
        assert_non_null(r.profile);
        check_number(c->label, c->common, r.profile->sve_vqs);
        check_number(c->label, c->common != 0,
                     mig_profile_get(r.profile, mig_reg_arm64(MIG_ARM64_ID_AA64PFR0_EL1)) >> 32 &
                         15);
        check_number(c->label, c->common != 0 ? 0x21 : 0,
                     mig_profile_get(r.profile, mig_reg_arm64(MIG_ARM64_ID_AA64ZFR0_EL1)));
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_feature_is_given_by_all_or_by_none)
{
    static const struct row rows[] = {
        {"vectors on one",        SVE "@host/sve-vqs=3",                     "",                                               "compatible-on-profile",
         "arm64/ID_AA64PFR0_EL1/SVE",                                                                                                                                                   "warning", "ID_AA64ZFR0_EL1.AES=0" },
        {"vectors, no lengths",   SVE "^host/sve-vqs ~arm64=partial",        SVE "@host/sve-vqs=3",
         "compatible",                                                                                                                                  "arm64/sve/vl",                 "",        "ID_AA64PFR0_EL1.SVE=1" },
        {"one algorithm",         PAUTH,                                     PAUTH,                                            "compatible",            "arm64/ID_AA64ISAR1_EL1/APA",   "",
         "ID_AA64ISAR1_EL1.APA=5"                                                                                                                                                                                          },
        {"another level",         PAUTH,                                     PAUTH "ID_AA64ISAR1_EL1.APA=3",                   "compatible-on-profile",
         "arm64/ID_AA64ISAR1_EL1/APA",                                                                                                                                                  "warning", "ID_AA64ISAR1_EL1.GPA=0"},
        {"another algorithm",     PAUTH,                                     "ID_AA64ISAR1_EL1.API=5 ID_AA64ISAR1_EL1.GPA=1",
         "compatible-on-profile",                                                                                                                       "arm64/ID_AA64ISAR1_EL1/API",   "warning",
         "ID_AA64ISAR1_EL1.GPA=0"                                                                                                                                                                                          },
        {"none on one",           PAUTH,                                     "",                                               "compatible-on-profile", "arm64/ID_AA64ISAR1_EL1/APA",   "warning",
         "ID_AA64ISAR1_EL1.APA=0"                                                                                                                                                                                          },
        {"tags of one level",     "ID_AA64PFR1_EL1.MTE=2",                   "ID_AA64PFR1_EL1.MTE=2",                          "compatible",
         "arm64/ID_AA64PFR1_EL1/MTE",                                                                                                                                                   "",        "ID_AA64PFR1_EL1.MTE=2" },
        {"tags of two",           "ID_AA64PFR1_EL1.MTE=2",                   "ID_AA64PFR1_EL1.MTE=3",                          "compatible-on-profile",
         "arm64/ID_AA64PFR1_EL1/MTE",                                                                                                                                                   "warning", "ID_AA64PFR1_EL1.MTE=0" },
        {"tags by other numbers", "ID_AA64PFR1_EL1.MTE=2 @arm64/GMID_EL1=4",
         "ID_AA64PFR1_EL1.MTE=2 @arm64/GMID_EL1=5",                                                                            "compatible-on-profile", "arm64/GMID_EL1/BS",
         "note",                                                                                                                                                                                   "ID_AA64PFR1_EL1.MTE=0" },
        {"counters on one",       "",                                        PMU_OFF,                                          "compatible-on-profile", "arm64/ID_AA64DFR0_EL1/PMUVer",
         "warning",                                                                                                                                                                                "ID_DFR0_EL1.PerfMon=0" },
        {"older counters",        "",                                        "ID_AA64DFR0_EL1.PMUVer=1 ID_DFR0_EL1.PerfMon=3",
         "compatible-on-profile",                                                                                                                       "arm64/ID_AA64DFR0_EL1/PMUVer", "warning",
         "ID_AA64DFR0_EL1.PMUVer=1"                                                                                                                                                                                        },
    };

    check_rows(rows, MIG_COUNT(rows));
}

CHECK_TEST(the_cpu_that_guests_are_shown_is_one)
{
    static const struct row rows[] = {
        {"another CPU",         "",                        "@arm64/MIDR_EL1=0x411fd401",        "incompatible", "arm64/MIDR_EL1",
         "blocker",                                                                                                                            NULL                    },
        {"another revision",    "",                        "@arm64/REVIDR_EL1=0x17",            "incompatible", "arm64/REVIDR_EL1",
         "blocker",                                                                                                                            NULL                    },
        {"where KVM lets",      IMP_ID,                    IMP_ID "@arm64/MIDR_EL1=0x411fd401", "compatible",
         "arm64/MIDR_EL1",                                                                                                          "warning", "MIDR_EL1.PartNum=0xd40"},
        {"where QEMU does not", IMP_ID "!vmm.qemu=10.2.0",
         IMP_ID "@arm64/MIDR_EL1=0x411fd401 !vmm.qemu=10.2.0",                                  "incompatible", "arm64/MIDR_EL1",
         "blocker",                                                                                                                            NULL                    },
    };
    struct mig_result r;

    check_rows(rows, MIG_COUNT(rows));
    small_negotiate_arm64(IMP_ID, IMP_ID "@arm64/MIDR_EL1=0x411fd401", &choice, &r);
    check_text("a guest that was not told does not move", "incompatible",
               mig_verdict_name(r.passthrough));
    mig_result_clear(&r);
}

CHECK_TEST(a_guest_moves_to_another_cpu_when_it_was_told)
{
#define TOLD "@arm64/VENDOR_HYP_BMAP_2=3 !guest.target-cpus="
    static const struct {
        const char *label, *guest, *host, *severity;
    } cases[] = {
        {"not told",          "",                                           IMP_ID,                    "blocker"},
        {"told of another",   TOLD "0x413fd0c1/0x0/0x0",                    IMP_ID,                    "blocker"},
        {"told",              TOLD "0x411fd401/0x0/0x0",                    IMP_ID,                    "none"   },
        {"told of several",   TOLD "0x413fd0c1/0x0/0x0,0x411fd401/0x0/0x0", IMP_ID,                    "none"   },
        {"not by calls",      "!guest.target-cpus=0x411fd401/0x0/0x0",      IMP_ID,                    "blocker"},
        {"KVM shows its own", TOLD "0x411fd401/0x0/0x0",                    NEW,                       "blocker"},
        {"so does QEMU",      TOLD "0x411fd401/0x0/0x0",                    IMP_ID "!vmm.qemu=10.2.0", "blocker"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *there = mig_strf("@arm64/MIDR_EL1=0x411fd401 %s", c->host);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(there);
        struct mig_party guest = {"vm", a}, host = {"beta", b};
        struct mig_findings list = {0};
        const struct mig_finding *f;

        mig_judge(&guest, &host, &choice, &list);
        f = mig_findings_find(&list, "arm64/MIDR_EL1");
        check_text(c->label, c->severity, f != NULL ? mig_severity_name(f->severity) : "none");
        mig_findings_clear(&list);
    }
}

struct move {
    const char *label, *guest, *host, *id, *severity;
};

static void check_moves(const struct move *cases, size_t len)
{
    for (const struct move *c = cases; c < cases + len; c++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(c->host);
        struct mig_party guest = {"alpha", a}, host = {"beta", b};
        struct mig_findings list = {0};
        const struct mig_finding *f;

        mig_judge(&guest, &host, &choice, &list);
        f = mig_findings_find(&list, c->id);
        check_text(c->label, c->severity, f != NULL ? mig_severity_name(f->severity) : "none");
        check_true(c->label, f == NULL || (f->why != NULL && f->remedy != NULL));
        check_number(c->label, mig_findings_worst(&list), mig_judge_worst(&guest, &host, &choice));
        mig_findings_clear(&list);
    }
}

CHECK_TEST(a_guest_needs_what_it_was_given)
{
    static const struct move cases[] = {
        {"its lengths",           SVE "@host/sve-vqs=3",                     SVE "@host/sve-vqs=0xb",                  "arm64/sve/vl",                        "none"    },
        {"no prefix",             SVE "@host/sve-vqs=9",                     SVE "@host/sve-vqs=0xb",                  "arm64/sve/vl",                        "blocker" },
        {"longer ones",           SVE "@host/sve-vqs=3",                     SVE "@host/sve-vqs=1",                    "arm64/sve/vl",                        "blocker" },
        {"no vectors there",      SVE "@host/sve-vqs=3",                     "",                                       "arm64/ID_AA64PFR0_EL1/SVE",           "blocker" },
        {"one more counter",      "@host/pmu-counters=7",                    "",                                       "host/pmu-counters",                   "blocker" },
        {"one less",              "@host/pmu-counters=5",                    "",                                       "host/pmu-counters",                   "none"    },
        {"without any",           PMU_OFF "@host/pmu-counters=7",            "",                                       "host/pmu-counters",                   "none"    },
        {"a signature's level",   PAUTH,                                     PAUTH "ID_AA64ISAR1_EL1.APA=3",           "arm64/ID_AA64ISAR1_EL1/APA",
         "blocker"                                                                                                                                                      },
        {"no signatures there",   PAUTH,                                     "",                                       "arm64/ID_AA64ISAR1_EL1/APA",          "blocker" },
        {"none here",             "",                                        PAUTH,                                    "arm64/ID_AA64ISAR1_EL1/APA",          "none"    },
        {"tags and QEMU",         "ID_AA64PFR1_EL1.MTE=2",                   "ID_AA64PFR1_EL1.MTE=2 !vmm.qemu=10.2.0",
         "vmm/memory-tags",                                                                                                                                   "blocker" },
        {"tags by other numbers", "ID_AA64PFR1_EL1.MTE=2 @arm64/GMID_EL1=4",
         "ID_AA64PFR1_EL1.MTE=2 @arm64/GMID_EL1=5",                                                                    "arm64/GMID_EL1/BS",                   "blocker" },
        {"no tags",               "@arm64/GMID_EL1=4",                       "@arm64/GMID_EL1=5",                      "arm64/GMID_EL1/BS",                   "none"    },
        {"the clock",             "",                                        "@host/cntfrq-hz=24000000",               "host/cntfrq-hz",                      "blocker" },
        {"the map of memory",     "",                                        "@host/ipa-bits=40",                      "host/ipa-bits",                       "blocker" },
        {"a larger one",          "",                                        "@host/ipa-bits=52",                      "host/ipa-bits",                       "none"    },
        {"a workaround",          "",                                        "@arm64/SMCCC_ARCH_WORKAROUND_1=0",
         "arm64/SMCCC_ARCH_WORKAROUND_1/level",                                                                                                               "blocker" },
        {"left out",              "!vmm.left-out-regs=0x6030000000140001",
         "@arm64/SMCCC_ARCH_WORKAROUND_1=0 !vmm.firecracker=1.5.0",                                                    "arm64/SMCCC_ARCH_WORKAROUND_1/level", "security"},
        {"one not needed",        "",                                        "@arm64/SMCCC_ARCH_WORKAROUND_1=2",
         "arm64/SMCCC_ARCH_WORKAROUND_1/level",                                                                                                               "none"    },
        {"one not known",         "",                                        "@arm64/SMCCC_ARCH_WORKAROUND_2=3",
         "arm64/SMCCC_ARCH_WORKAROUND_2/level",                                                                                                               "none"    },
        {"priorities",            "",                                        "@host/gic-pri-bits=4",                   "host/gic-pri-bits",                   "blocker" },
        {"interrupt ids",         "@host/gic-id-bits=24",                    "",                                       "host/gic-id-bits",                    "blocker" },
        {"more of them",          "",                                        "@host/gic-id-bits=24",                   "host/gic-id-bits",                    "none"    },
        {"another format",        "",                                        "@host/gic-a3v=0",                        "host/gic-a3v",                        "blocker" },
        {"errors otherwise",      "",                                        "@host/gic-seis=1",                       "host/gic-seis",                       "blocker" },
        {"another controller",    "@host/gic-types=1",                       "",                                       "host/gic-types",                      "blocker" },
        {"one of two",            "@host/gic-types=3",                       "@host/gic-types=2",                      "host/gic-types",                      "warning" },
        {"its translation",       "",                                        "@host/gic-types=2",                      "host/gic-types",                      "blocker" },
        {"32-bit kernels, maybe", "",                                        "@host/vcpu-features=0x8",                "host/vcpu-features",                  "warning" },
        {"32-bit kernels",        "~kvm-cap=none",                           "@host/vcpu-features=0x8",                "host/vcpu-features",
         "blocker"                                                                                                                                                      },
        {"guests of its own",     "~kvm-cap=none @host/vcpu-features=0x8a",  "",                                       "host/vcpu-features",
         "blocker"                                                                                                                                                      },
    };

    check_moves(cases, MIG_COUNT(cases));
}

CHECK_TEST(a_guest_keeps_the_caches_that_it_saw)
{
#define LISTED "@arm64/reg-list/CCSIDR_L1D=1 CTR_EL0.DminLine=4 "
#define LINE LISTED "@arm64/CCSIDR_L1D=2 "
#define OLD "!kernel.release=6.1.0 "
    static const struct move cases[] = {
        {"the same",               LINE,                                    LINE,                                    "arm64/CCSIDR_L1D", "none"   },
        {"another size",           LINE "@arm64/CCSIDR_L1D=0x701fe01a",     LINE,                                    "arm64/CCSIDR_L1D", "none"   },
        {"shorter lines",          LINE "@arm64/CCSIDR_L1D=0x701fe019",     LINE,                                    "arm64/CCSIDR_L1D", "blocker"},
        {"one old CPU",            OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",
         OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",                                                                    "arm64/CCSIDR_L1D", "none"   },
        {"made up, to a real one", LINE,                                    OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",
         "arm64/CCSIDR_L1D",                                                                                                             "blocker"},
        {"not told there",         LINE,                                    LISTED,                                  "arm64/CCSIDR_L1D", "none"   },
        {"nor on an old kernel",   LINE,                                    OLD LISTED,                              "arm64/CCSIDR_L1D", "none"   },
        {"foreseen all the same",  LINE "@arm64/CCSIDR_L1D=1",              LISTED,                                  "arm64/CCSIDR_L1D",
         "blocker"                                                                                                                                },
        {"not told of the guest",  LISTED,                                  LINE,                                    "arm64/CCSIDR_L1D", "none"   },
        {"no such cache there",    LINE,                                    "",                                      "arm64/CCSIDR_L1D", "none"   },
    };

    check_moves(cases, MIG_COUNT(cases));
}

CHECK_TEST(registers_that_are_saved_can_be_restored)
{
#define TCR "@arm64/reg-list/603000000013c102=1 "
    static const struct move cases[] = {
        {"the same",                      TCR,                                                                  TCR,                          "arm64/reg-list", "none"   },
        {"more there",                    "",                                                                   TCR,                          "arm64/reg-list", "none"   },
        {"more here",                     TCR "@arm64/reg-list/603000000013c103=1",                             TCR,                          "arm64/reg-list", "blocker"},
        {"vectors not given",             TCR "@arm64/reg-list/606000000015ffff=1",                             TCR,                          "arm64/reg-list",
         "none"                                                                                                                                                          },
        {"keys not given",                TCR "@arm64/reg-list/603000000013c108=1",                             TCR,                          "arm64/reg-list", "none"   },
        {"counters given",                TCR "@arm64/reg-list/603000000013dce0=1",                             TCR,                          "arm64/reg-list",
         "blocker"                                                                                                                                                       },
        {"counters not given",            TCR PMU_OFF "@arm64/reg-list/603000000013dce0=1",                     TCR,
         "arm64/reg-list",                                                                                                                                      "none"   },
        {"the core",                      TCR "@arm64/reg-list/6040000000100054=1",                             TCR,                          "arm64/reg-list", "none"   },
        {"caches that are not",           TCR "@arm64/reg-list/CCSIDR_L3I=1",                                   TCR,                          "arm64/reg-list",
         "warning"                                                                                                                                                       },
        {"calls not used",                TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0",
         TCR,                                                                                                                                 "arm64/reg-list", "warning"},
        {"calls used",                    TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=3", TCR,
         "arm64/reg-list",                                                                                                                                      "blocker"},
        {"QEMU refuses",                  TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0",
         TCR "!vmm.qemu=10.1.0",                                                                                                              "arm64/reg-list", "blocker"},
        {"Firecracker is told",
         TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0 "
             "!vmm.left-out-regs=0x6030000000160003",                                                           TCR "!vmm.firecracker=1.5.0", "arm64/reg-list", "warning"},
        {"Firecracker of old can not be",
         TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0 "
             "!vmm.left-out-regs=0x6030000000160003",                                                           TCR "!vmm.firecracker=1.4.1", "arm64/reg-list", "blocker"},
        {"QEMU knows of calls not used",
         TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=0",
         TCR "!vmm.qemu=11.1.0",                                                                                                              "arm64/reg-list", "warning"},
        {"not of calls used",             TCR "@arm64/reg-list/VENDOR_HYP_BMAP_2=1 @arm64/VENDOR_HYP_BMAP_2=3",
         TCR "!vmm.qemu=11.1.0",                                                                                                              "arm64/reg-list", "blocker"},
        {"and of TCR2_EL1",               TCR "@arm64/reg-list/603000000013c103=1",                             TCR "!vmm.qemu=11.1.0",
         "arm64/reg-list",                                                                                                                                      "warning"},
        {"not before 11.1",               TCR "@arm64/reg-list/603000000013c103=1",                             TCR "!vmm.qemu=11.0.0",
         "arm64/reg-list",                                                                                                                                      "blocker"},
        {"nor of others",
         TCR "@arm64/reg-list/603000000013c108=1"
             " @arm64/reg-list/603000000013c510=1",                                                             TCR "!vmm.qemu=11.1.0",       "arm64/reg-list", "blocker"},
        {"no list",                       TCR "@arm64/reg-list/603000000013c103=1",                             "~reg-list=none",             "arm64/reg-list",
         "none"                                                                                                                                                          },
    };

    check_moves(cases, MIG_COUNT(cases));
}

CHECK_TEST(a_profile_counts_with_the_interrupt_controllers_of_all)
{
    static const struct row rows[] = {
        {"a common type",    "@host/gic-types=3", "@host/gic-types=2",    "compatible",   "host/gic-types",
         "warning",                                                                                                       NULL},
        {"none in common",   "@host/gic-types=1", "@host/gic-types=2",    "incompatible",
         "host/gic-types",                                                                                     "blocker", NULL},
        {"two formats",      "",                  "@host/gic-a3v=0",      "incompatible", "host/gic-a3v",      "blocker", NULL},
        {"fewer priorities", "",                  "@host/gic-pri-bits=4", "compatible",   "host/gic-pri-bits",
         "warning",                                                                                                       NULL},
    };

    check_rows(rows, MIG_COUNT(rows));
}

CHECK_TEST(caches_are_those_that_every_host_can_keep)
{
    static const struct row rows[] = {
        {"coherent and not", "@arm64/CLIDR_EL1=0x2000023 CTR_EL0.IDC=1",
         "@arm64/CLIDR_EL1=0xa200023 CTR_EL0.IDC=0",                                                                            "compatible-on-profile", "arm64/CLIDR_EL1",  "",
         "CLIDR_EL1.LoUU=1"                                                                                                                                                                                            },
        {"the other way",    "@arm64/CLIDR_EL1=0xa200023 CTR_EL0.IDC=0",
         "@arm64/CLIDR_EL1=0x200023 CTR_EL0.IDC=1",                                                                             "compatible-on-profile", "arm64/CLIDR_EL1",  "",
         "CLIDR_EL1.LoUU=1"                                                                                                                                                                                            },
        {"old and new",      OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",            LINE,                                          "compatible",
         "arm64/CCSIDR_L1D",                                                                                                                                                 "",        "CCSIDR_L1D.Geometry=0xe03fc03"},
        {"new and old",      LINE,                                               OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",       "compatible",
         "arm64/CCSIDR_L1D",                                                                                                                                                 "",        "CCSIDR_L1D.Geometry=0xe03fc03"},
        {"longer lines",     LINE,                                               LINE "@arm64/CCSIDR_L1D=4 CTR_EL0.DminLine=6",
         "compatible-on-profile",                                                                                                                        "arm64/CCSIDR_L1D", "",        "CCSIDR_L1D.LineSize=4"        },
        {"one not told",     LINE,                                               LISTED,                                        "compatible",            "arm64/CCSIDR_L1D", "",
         "CCSIDR_L1D.LineSize=0"                                                                                                                                                                                       },
        {"two old sizes",    OLD LINE "@arm64/CCSIDR_L1D=0x701fe01a",
         OLD LINE "@arm64/CCSIDR_L1D=0x1a",                                                                                     "incompatible",          "arm64/CCSIDR_L1D", "blocker", NULL                           },
        {"old kernels",      "!kernel.release=6.1.0 @arm64/CLIDR_EL1=0xa200023",
         "!kernel.release=6.1.0 @arm64/CLIDR_EL1=0xb200123",                                                                    "incompatible",          "arm64/CLIDR_EL1",
         "blocker",                                                                                                                                                                     NULL                           },
    };

    check_rows(rows, MIG_COUNT(rows));
}

CHECK_TEST(constraints_of_one_architecture_do_not_run_on_the_other)
{
    struct mig_result r;

    small_negotiate("fpu lm", "fpu lm @host/tsc-khz=1000000", &choice, &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        check_true(r.findings.items[i].id, strncmp(r.findings.items[i].id, "arm64/", 6) != 0);
    }
    mig_result_clear(&r);
    small_negotiate_arm64("", "@host/cntfrq-hz=24000000", &choice, &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        check_true(r.findings.items[i].id, strncmp(r.findings.items[i].id, "x86/", 4) != 0 &&
                                               strstr(r.findings.items[i].id, "tsc") == NULL);
    }
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(what_the_hardware_shows_must_be_one),
           cmocka_unit_test(vector_lengths_meet_by_their_prefix),
           cmocka_unit_test(a_feature_is_given_by_all_or_by_none),
           cmocka_unit_test(the_cpu_that_guests_are_shown_is_one),
           cmocka_unit_test(a_guest_moves_to_another_cpu_when_it_was_told),
           cmocka_unit_test(a_guest_needs_what_it_was_given),
           cmocka_unit_test(a_guest_keeps_the_caches_that_it_saw),
           cmocka_unit_test(registers_that_are_saved_can_be_restored),
           cmocka_unit_test(a_profile_counts_with_the_interrupt_controllers_of_all),
           cmocka_unit_test(caches_are_those_that_every_host_can_keep),
           cmocka_unit_test(constraints_of_one_architecture_do_not_run_on_the_other))
