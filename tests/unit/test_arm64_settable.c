/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What KVM answers to single writes, case by case; that it agrees with real
 * kernels is tests/golden/test_arm64_oracle.c.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "compat/merge.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "support/small_host.h"

#define OLD "!kernel.release=6.1.0 "
#define NEW "!kernel.release=7.2.8 "
#define IMP_ID NEW "@kvm/cap/ARM_WRITABLE_IMP_ID_REGS=1"

/* "ID_AA64PFR0_EL1.EL0=1" or "arm64/CLIDR_EL1=0x0" on top of what @l shows. */
static struct mig_settable ask(const struct mig_limit *l, const char *write, uint64_t *ret_value,
                               const struct mig_field **ret_field)
{
    const char *equals = strchr(write, '=');
    MIG_AUTO(mig_free) char *name = mig_strndup(write, (size_t)(equals - write));
    const struct mig_field *f = mig_field_find(name);
    uint64_t value;
    struct mig_reg reg;
    struct mig_error err;

    assert_true(mig_text_to_u64(equals + 1, UINT64_MAX, &value));
    if (strchr(name, '/') != NULL) {
        check_done(name, mig_reg_parse(name, &reg, &err), &err);
        *ret_field = NULL;
    } else {
        assert_non_null(f);
        reg = f->reg;
        value = mig_field_put(f, mig_limit_get(l, reg).value, value);
        *ret_field = f;
    }
    *ret_value = value;
    return mig_settable_ask(l, reg, value);
}

static const char *name_of(enum mig_answer answer)
{
    static const char *const answers[] = {
        [MIG_ANSWER_TAKES] = "takes",     [MIG_ANSWER_REWRITES] = "rewrites",
        [MIG_ANSWER_IGNORES] = "ignores", [MIG_ANSWER_EINVAL] = "EINVAL",
        [MIG_ANSWER_ENOENT] = "ENOENT",   [MIG_ANSWER_UNKNOWN] = "unknown",
    };

    return answers[answer];
}

struct test_case {
    const char *label, *host, *write, *answer;
    int64_t reads; /* the field then, or the register; -1: not looked at */
    unsigned also; /* features beside those that the host shows */
};

static void check_case(const struct test_case *c)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(c->host);
    struct mig_party host = {"host", s};
    struct mig_limit l;
    struct mig_settable got;
    const struct mig_field *f;
    uint64_t value;

    mig_limit_init(&l, &host, mig_feature_of(&host) | c->also);
    l.same_cpu = true;
    got = ask(&l, c->write, &value, &f);
    check_text(c->label, c->answer, name_of(got.answer));
    if (c->reads >= 0) {
        check_number(c->label, (uint64_t)c->reads,
                     f != NULL ? mig_field_get(f, got.reads) : got.reads);
    }
    if (got.answer == MIG_ANSWER_EINVAL) {
        check_true(c->label, got.refused != 0);
    }
    if (got.answer == MIG_ANSWER_REWRITES || got.answer == MIG_ANSWER_IGNORES) {
        check_true(c->label, got.why != NULL && got.cited != NULL);
    }
}

CHECK_TEST(a_field_within_the_mask_goes_by_its_rule)
{
    static const struct test_case cases[] = {
        {"the same",               "",                              "ID_AA64ISAR0_EL1.AES=2",                   "takes",  2,  0},
        {"lower",                  "",                              "ID_AA64ISAR0_EL1.AES=1",                   "takes",  1,  0},
        {"none",                   "",                              "ID_AA64ISAR0_EL1.AES=0",                   "takes",  0,  0},
        {"higher",                 "",                              "ID_AA64ISAR0_EL1.AES=3",                   "EINVAL", 2,  0},
        {"not in the mask",        "",                              "ID_AA64PFR0_EL1.RAS=0",                    "EINVAL", 1,  0},
        {"in that of a later one", NEW,                             "ID_AA64PFR0_EL1.RAS=0",                    "takes",  0,  0},
        {"in the mask, no field",  "",                              "ID_AA64PFR0_EL1.RME=1",                    "EINVAL", 0,  0},
        {"larger is weaker",       "",                              "ID_AA64MMFR1_EL1.SpecSEI=1",               "takes",  1,  0},
        {"smaller is not",         "ID_AA64MMFR1_EL1.SpecSEI=1",    "ID_AA64MMFR1_EL1.SpecSEI=0",               "EINVAL", 1,
         0                                                                                                                     },
        {"-1 is below 0",          "",                              "ID_AA64DFR0_EL1.DoubleLock=15",            "takes",  15, 0},
        {"and 0 above -1",         "ID_AA64DFR0_EL1.DoubleLock=15", "ID_AA64DFR0_EL1.DoubleLock=0",
         "EINVAL",                                                                                                        15, 0},
        {"no granule",             "",                              "ID_AA64MMFR0_EL1.TGRAN4=15",               "takes",  15, 0},
        {"never settable",         NEW,                             "ID_AA64MMFR2_EL1.EVT=0",                   "EINVAL", 1,  0},
        {"no breakpoints lost",    NEW,                             "ID_AA64DFR0_EL1.BRPs=1",                   "EINVAL", 5,  0},
        {"watchpoints may be",     "",                              "ID_AA64DFR0_EL1.WRPs=1",                   "takes",  1,  0},
        {"bits without a row",     "",                              "arm64/ID_AA64MMFR3_EL1=0xf00000000000000", "EINVAL", 0,  0},
        {"no such register",       "",                              "arm64/603000000013c043=0x1",               "ENOENT", 0,  0},
        {"one that is to come",    "",                              "arm64/603000000013c034=0x1",               "EINVAL", 0,  0},
        {"and its 0",              "",                              "arm64/603000000013c034=0x0",               "takes",  0,  0},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(an_exact_field_has_two_values)
{
    static const struct test_case cases[] = {
        {"not on 6.12",           "ID_AA64MMFR0_EL1.TGRAN4_2=2",     "ID_AA64MMFR0_EL1.TGRAN4_2=1", "EINVAL", 2,
         0                                                                                                        },
        {"the safe value on 7.2", NEW "ID_AA64MMFR0_EL1.TGRAN4_2=2", "ID_AA64MMFR0_EL1.TGRAN4_2=1",
         "takes",                                                                                             1, 0},
        {"its own",               NEW "ID_AA64MMFR0_EL1.TGRAN4_2=2", "ID_AA64MMFR0_EL1.TGRAN4_2=2", "takes",  2,
         0                                                                                                        },
        {"nothing between",       NEW "ID_AA64MMFR0_EL1.TGRAN4_2=3", "ID_AA64MMFR0_EL1.TGRAN4_2=2",
         "EINVAL",                                                                                            3, 0},
        {"PIPT to VIPT",          NEW "CTR_EL0.L1Ip=3",              "CTR_EL0.L1Ip=2",              "takes",  2, 0},
        {"not back",              NEW "CTR_EL0.L1Ip=2",              "CTR_EL0.L1Ip=3",              "EINVAL", 2, 0},
        {"no reserved policy",    NEW "CTR_EL0.L1Ip=3",              "CTR_EL0.L1Ip=1",              "EINVAL", 3, 0},
        {"not at all on 6.12",    "CTR_EL0.L1Ip=3",                  "CTR_EL0.L1Ip=2",              "EINVAL", 3, 0},
        {"the write granule",     NEW,                               "CTR_EL0.CWG=5",               "EINVAL", 4, 0},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(single_fields_have_minima_and_readings_of_their_own)
{
    static const struct test_case cases[] = {
        {"debug architecture",           "",                                                      "ID_AA64DFR0_EL1.DebugVer=6",   "takes",    6,  0                       },
        {"below Armv8.0",                "",                                                      "ID_AA64DFR0_EL1.DebugVer=5",   "EINVAL",   8,  0                       },
        {"none",                         "",                                                      "ID_AA64DFR0_EL1.DebugVer=0",   "EINVAL",   8,  0                       },
        {"of 32-bit code",               "",                                                      "ID_DFR0_EL1.CopDbg=6",         "takes",    6,  0                       },
        {"below Armv8.0",                "",                                                      "ID_DFR0_EL1.CopDbg=5",         "EINVAL",   8,  0                       },
        {"a host's without 32-bit code", "",                                                      "arm64/ID_DFR0_EL1=0x0",        "EINVAL",   -1, 0                       },
        {"lower counters",               "",                                                      "ID_AA64DFR0_EL1.PMUVer=1",     "takes",    1,  0                       },
        {"higher ones",                  "",                                                      "ID_AA64DFR0_EL1.PMUVer=5",     "EINVAL",   4,  0                       },
        {"an implementer's counters",    "",                                                      "ID_AA64DFR0_EL1.PMUVer=15",    "rewrites", 0,  0                       },
        {"for 32-bit code",              "",                                                      "ID_DFR0_EL1.PerfMon=15",       "rewrites", 0,  0                       },
        {"before PMUv3",                 "",                                                      "ID_DFR0_EL1.PerfMon=2",        "EINVAL",   4,  0                       },
        {"before that",                  "",                                                      "ID_DFR0_EL1.PerfMon=1",        "EINVAL",   4,  0                       },
        {"PMUv3",                        "",                                                      "ID_DFR0_EL1.PerfMon=3",        "takes",    3,  0                       },
        {"MPAM of an old kernel",        "",                                                      "ID_AA64PFR0_EL1.MPAM=1",       "rewrites", 0,  0                       },
        {"its fraction",                 "",                                                      "ID_AA64PFR1_EL1.MPAM_frac=1",  "rewrites", 0,  0                       },
        {"where it is older still",      OLD,                                                     "ID_AA64PFR0_EL1.MPAM=1",       "EINVAL",   0,  0                       },
        {"NV of an old kernel",          NEW,                                                     "ID_AA64MMFR2_EL1.NV=2",        "rewrites", 0,  0                       },
        {"from 6.15 on",                 "!kernel.release=6.15.0 ",                               "ID_AA64MMFR2_EL1.NV=2",        "rewrites", 0,  0                       },
        {"not yet",                      "",                                                      "ID_AA64MMFR2_EL1.NV=2",        "EINVAL",   0,  0                       },
        {"tags, only synchronous",       NEW "ID_AA64PFR1_EL1.MTE=2 ID_AA64PFR1_EL1.MTE_frac=15",
         "ID_AA64PFR1_EL1.MTE_frac=0",                                                                                            "rewrites", 15, 0                       },
        {"with level 3",                 NEW "ID_AA64PFR1_EL1.MTE=3 ID_AA64PFR1_EL1.MTE_frac=15",
         "ID_AA64PFR1_EL1.MTE_frac=0",                                                                                            "EINVAL",   15, 0                       },
        {"the double lock",              NEW "ID_AA64DFR0_EL1.DoubleLock=15",                     "ID_AA64DFR0_EL1.DoubleLock=0",
         "EINVAL",                                                                                                                            15, 0                       },
        {"of a guest with EL2",          NEW "ID_AA64DFR0_EL1.DoubleLock=15",                     "ID_AA64DFR0_EL1.DoubleLock=0",
         "rewrites",                                                                                                                          15, 1u << MIG_FEATURE_NESTED},
        {"no EL0",                       "",                                                      "ID_AA64PFR0_EL1.EL0=0",        "takes",    0,  0                       },
        {"no longer",                    NEW,                                                     "ID_AA64PFR0_EL1.EL0=0",        "EINVAL",   2,  0                       },
        {"no EL1",                       NEW,                                                     "ID_AA64PFR0_EL1.EL1=0",        "EINVAL",   1,  0                       },
        {"no 32-bit code",               NEW,                                                     "ID_AA64PFR0_EL1.EL0=1",        "takes",    1,  0                       },
        {"no EL2",                       NEW,                                                     "ID_AA64PFR0_EL1.EL2=0",        "takes",    0,  0                       },
        {"of a guest that uses it",      NEW,                                                     "ID_AA64PFR0_EL1.EL2=0",        "EINVAL",   1,
         1u << MIG_FEATURE_NESTED                                                                                                                                         },
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(some_registers_are_answered_as_a_whole)
{
    static const struct test_case cases[] = {
        {"a vCPU's number",               "",                                            "arm64/MPIDR_EL1=0x80000005",         "takes",   0x80000005, 0},
        {"caches: raised",                "",                                            "arm64/CLIDR_EL1=0xb200123",          "takes",   0xb200123,  0},
        {"a bit that is none",            "",                                            "arm64/CLIDR_EL1=0x80000000a200023",  "EINVAL",  0xa200023,  0},
        {"nothing to clean",              "",                                            "arm64/CLIDR_EL1=0x2200023",          "takes",   -1,         0},
        {"where it must be",              "CTR_EL0.IDC=0",                               "arm64/CLIDR_EL1=0x8200023",          "EINVAL",  -1,         0},
        {"nor within the inner share",    "CTR_EL0.IDC=0",                               "arm64/CLIDR_EL1=0x2000023",          "EINVAL",  -1,
         0                                                                                                                                             },
        {"where it need not",             "CTR_EL0.IDC=1",                               "arm64/CLIDR_EL1=0x8200023",          "takes",   -1,         0},
        {"another CPU",                   "",                                            "arm64/MIDR_EL1=0x411fd401",          "EINVAL",  0x413fd0c1, 0},
        {"where it may be shown",         IMP_ID,                                        "arm64/MIDR_EL1=0x411fd401",          "takes",   0x411fd401, 0},
        {"bits that MIDR has not",        IMP_ID,                                        "arm64/MIDR_EL1=0x1411fd401",         "EINVAL",  0x413fd0c1, 0},
        {"a revision of its own",         IMP_ID,                                        "arm64/REVIDR_EL1=0x17",              "takes",   0x17,       0},
        {"an older PSCI",                 "",                                            "arm64/PSCI_VERSION=0x10000",         "takes",   0x10000,    0},
        {"the first",                     "",                                            "arm64/PSCI_VERSION=0x2",             "takes",   2,          0},
        {"a newer one",                   "",                                            "arm64/PSCI_VERSION=0x10003",         "EINVAL",  0x10001,    0},
        {"one that never was",            "",                                            "arm64/PSCI_VERSION=0x3",             "EINVAL",  0x10001,    0},
        {"a lower level",                 "",                                            "arm64/SMCCC_ARCH_WORKAROUND_1=0x0",  "ignores", 1,          0},
        {"a higher one",                  "",                                            "arm64/SMCCC_ARCH_WORKAROUND_1=0x2",  "EINVAL",  1,          0},
        {"unknown counts as none",        "",                                            "arm64/SMCCC_ARCH_WORKAROUND_2=0x1",  "ignores", 0,          0},
        {"needed where there is none",    "",                                            "arm64/SMCCC_ARCH_WORKAROUND_2=0x2",  "EINVAL",  0,          0},
        {"needed where it is not",        "@arm64/SMCCC_ARCH_WORKAROUND_2=3",
         "arm64/SMCCC_ARCH_WORKAROUND_2=0x2",                                                                                  "ignores", 3,          0},
        {"switched on",                   "@arm64/SMCCC_ARCH_WORKAROUND_2=3",            "arm64/SMCCC_ARCH_WORKAROUND_2=0x12",
         "ignores",                                                                                                                       3,          0},
        {"switched on without",           "@arm64/SMCCC_ARCH_WORKAROUND_2=3",
         "arm64/SMCCC_ARCH_WORKAROUND_2=0x10",                                                                                 "EINVAL",  3,          0},
        {"no such level",                 "@arm64/SMCCC_ARCH_WORKAROUND_2=3",            "arm64/SMCCC_ARCH_WORKAROUND_2=0x4",
         "EINVAL",                                                                                                                        3,          0},
        {"fewer calls",                   "",                                            "arm64/VENDOR_HYP_BMAP=0x1",          "takes",   1,          0},
        {"calls that it lacks",           "",                                            "arm64/VENDOR_HYP_BMAP=0x7",          "EINVAL",  3,          0},
        {"calls that it hides",           "@arm64/VENDOR_HYP_BMAP_2=0",                  "arm64/VENDOR_HYP_BMAP_2=0x3",
         "takes",                                                                                                                         3,          0},
        {"calls that it does not know",   "",                                            "arm64/VENDOR_HYP_BMAP_2=0x0",        "ENOENT",  -1,         0},
        {"the hardware's own",            "",                                            "arm64/DCZID_EL0=0x4",                "ENOENT",  -1,         0},
        {"hidden for good",               "",                                            "arm64/ID_AFR0_EL1=0x1",              "EINVAL",  0,          0},
        {"hidden with 32-bit code",       "",                                            "arm64/ID_DFR1_EL1=0x1",              "EINVAL",  0,          0},
        {"without it, too",               "ID_AA64PFR0_EL1.EL0=1",                       "arm64/ID_DFR1_EL1=0x1",              "EINVAL",  0,          0},
        {"without 32-bit code",           "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_ISAR5_EL1=0",
         "arm64/ID_ISAR5_EL1=0x1011121",                                                                                       "ignores", 0,          0},
        {"of the later registers",        "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_PFR2_EL1=0",
         "arm64/ID_PFR2_EL1=0x11",                                                                                             "ignores", 0,          0},
        {"hidden there, too",             "ID_AA64PFR0_EL1.EL0=1",                       "arm64/ID_AFR0_EL1=0x1",              "EINVAL",  0,          0},
        {"a level against the third",     "",                                            "arm64/SMCCC_ARCH_WORKAROUND_3=0x0",  "ignores", 1,          0},
        {"fewer calls of the standard",   "@arm64/STD_BMAP=1",                           "arm64/STD_BMAP=0x0",                 "takes",   0,          0},
        {"more of them",                  "@arm64/STD_HYP_BMAP=1",                       "arm64/STD_HYP_BMAP=0x3",             "EINVAL",  1,          0},
        {"an auxiliary identity",         IMP_ID,                                        "arm64/AIDR_EL1=0x551",               "takes",   0x551,      0},
        {"not without leave",             NEW,                                           "arm64/AIDR_EL1=0x551",               "EINVAL",  0,          0},
        {"known, and the hardware's own", "@arm64/DCZID_EL0=4",                          "arm64/DCZID_EL0=0x4",                "ENOENT",  -1,
         0                                                                                                                                             },
        {"tags, likewise",                "@arm64/GMID_EL1=4",                           "arm64/GMID_EL1=0x4",                 "ENOENT",  -1,         0},
        {"what makes no sense",           "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_ISAR5_EL1=0",
         "arm64/ID_ISAR5_EL1=0xffffffff",                                                                                      "ignores", 0,          0},
        {"with it",                       "",                                            "ID_ISAR5_EL1.AES=0",                 "takes",   0,          0},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(a_feature_that_the_vcpu_lacks_reads_as_nothing)
{
    static const struct test_case cases[] = {
        {"vectors that it has not", "",                                             "ID_AA64PFR0_EL1.SVE=1",  "EINVAL", 0,
         1u << MIG_FEATURE_SVE                                                                                                                   },
        {"vectors",                 "ID_AA64PFR0_EL1.SVE=1 ID_AA64ZFR0_EL1.BF16=1", "ID_AA64ZFR0_EL1.BF16=0",
         "takes",                                                                                                       0,  0                    },
        {"another algorithm",       NEW "ID_AA64ISAR1_EL1.APA=5",                   "ID_AA64ISAR1_EL1.APA=4", "EINVAL", 5,
         0                                                                                                                                       },
        {"none",                    NEW "ID_AA64ISAR1_EL1.APA=5",                   "ID_AA64ISAR1_EL1.APA=0", "EINVAL", 5,  0                    },
        {"not asked of the host",   "~idreg=partial ^host/vcpu-features",           "ID_AA64PFR0_EL1.SVE=1",
         "unknown",                                                                                                     -1, 1u << MIG_FEATURE_SVE},
        {"asked, and it has none",  "~idreg=partial",                               "ID_AA64PFR0_EL1.SVE=1",  "EINVAL", -1,
         1u << MIG_FEATURE_SVE                                                                                                                   },
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

#define CACHE "@arm64/CCSIDR_L1D=2 @arm64/CCSIDR_L1I=2 CTR_EL0.DminLine=4 CTR_EL0.IminLine=4 "
#define LISTED "@arm64/reg-list/CCSIDR_L1D=1 CTR_EL0.DminLine=4 "

CHECK_TEST(a_cache_may_have_any_size_but_no_shorter_line_than_the_hosts)
{
    static const struct test_case cases[] = {
        {"the same",                      CACHE,                           "arm64/CCSIDR_L1D=0x2",        "takes",   2,          0},
        {"what a CPU shows",              CACHE,                           "arm64/CCSIDR_L1D=0x701fe01a", "takes",   0x701fe01a, 0},
        {"a longer line",                 CACHE,                           "arm64/CCSIDR_L1D=0x4",        "takes",   4,          0},
        {"a shorter one",                 CACHE,                           "arm64/CCSIDR_L1D=0x1",        "EINVAL",  2,          0},
        {"whatever else there is",        CACHE,                           "arm64/CCSIDR_L1D=0x701fe019", "EINVAL",  2,          0},
        {"each kind has its own least",   CACHE "CTR_EL0.DminLine=6",      "arm64/CCSIDR_L1D=0x3",
         "EINVAL",                                                                                                   2,          0},
        {"that of code is another",       CACHE "CTR_EL0.DminLine=6",      "arm64/CCSIDR_L1I=0x3",        "takes",   3,
         0                                                                                                                        },
        {"not the value that was there",  CACHE "@arm64/CCSIDR_L1D=4",     "arm64/CCSIDR_L1D=0x2",
         "takes",                                                                                                    2,          0},
        {"not told, yet foreseen",        LISTED,                          "arm64/CCSIDR_L1D=0x3",        "takes",   3,          0},
        {"nor is 0 the value then",       LISTED,                          "arm64/CCSIDR_L1D=0x0",        "EINVAL",  -1,         0},
        {"without a least",               CACHE "?arm64/CTR_EL0",          "arm64/CCSIDR_L1D=0x3",        "unknown", -1,         0},
        {"a cache that is not listed",    CACHE,                           "arm64/CCSIDR_L3D=0x2",        "ENOENT",  -1,         0},
        {"before 6.3 the CPU's own",      OLD CACHE,                       "arm64/CCSIDR_L1D=0x2",        "takes",   2,          0},
        {"and no other",                  OLD CACHE,                       "arm64/CCSIDR_L1D=0x3",        "EINVAL",  2,          0},
        {"with 6.3 any",                  "!kernel.release=6.3.0 " CACHE,  "arm64/CCSIDR_L1D=0x3",        "takes",   3,          0},
        {"not told and not foreseen",     OLD LISTED,                      "arm64/CCSIDR_L1D=0x2",        "unknown", -1,         0},
        {"masks came later than that",
         "!kernel.release=? @arm64/writable/ID_AA64ISAR0_EL1=0xf0 " CACHE, "arm64/CCSIDR_L1D=0x3",
         "takes",                                                                                                    3,          0},
        {"of a kernel that is not known", "!kernel.release=? " CACHE,      "arm64/CCSIDR_L1D=0x3",
         "unknown",                                                                                                  -1,         0},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(a_kernel_without_the_sizes_of_caches_that_are_not_there_withholds_nothing)
{
    static const struct {
        enum mig_arm64 index;
        uint64_t value;
        bool may_miss;
    } cases[] = {
        {MIG_ARM64_CCSIDR_L1D,        2,          false},
        {MIG_ARM64_CCSIDR_L2D,        2,          false},
        {MIG_ARM64_CCSIDR_L2I,        2,          true },
        {MIG_ARM64_CCSIDR_L7I,        0x701fe01a, true },
        {MIG_ARM64_VENDOR_HYP_BMAP_2, 0,          true },
        {MIG_ARM64_VENDOR_HYP_BMAP_2, 1,          false},
        {MIG_ARM64_CTR_EL0,           0,          false},
    };

    CHECK_EACH (c, cases) {
        check_number(mig_arm64_reg_name(mig_reg_arm64(c->index)), c->may_miss,
                     mig_settable_may_miss(mig_reg_arm64(c->index), c->value));
    }
}

CHECK_TEST(masks_of_the_host_go_before_its_release)
{
    static const struct test_case cases[] = {
        {"a kernel before masks",     OLD,                                          "ID_AA64ISAR0_EL1.AES=1",     "EINVAL",   2,  0},
        {"but for two immunities",    OLD,                                          "ID_AA64PFR0_EL1.CSV2=0",     "takes",    0,  0},
        {"the second",                OLD,                                          "ID_AA64PFR0_EL1.CSV3=0",     "takes",    0,  0},
        {"not raised",                OLD "ID_AA64PFR0_EL1.CSV3=0",                 "ID_AA64PFR0_EL1.CSV3=1",     "EINVAL",   0,  0},
        {"not yet",                   "!kernel.release=5.9.0 ",                     "ID_AA64PFR0_EL1.CSV2=0",     "EINVAL",   -1, 0},
        {"nor the second",            "!kernel.release=5.10.0 ",                    "ID_AA64PFR0_EL1.CSV3=0",     "EINVAL",   -1, 0},
        {"no counters",               OLD,                                          "ID_AA64DFR0_EL1.PMUVer=1",   "EINVAL",   4,  0},
        {"from 6.2 on",               "!kernel.release=6.2.0 ",                     "ID_AA64DFR0_EL1.PMUVer=1",   "takes",    1,  0},
        {"for 32-bit code",           "!kernel.release=6.2.0 ",                     "ID_DFR0_EL1.PerfMon=3",      "takes",    3,  0},
        {"before PMUv3",              "!kernel.release=6.2.0 ",                     "ID_DFR0_EL1.PerfMon=2",      "EINVAL",   4,  0},
        {"an implementer's counters", "!kernel.release=6.4.0 ",                     "ID_AA64DFR0_EL1.PMUVer=15",
         "EINVAL",                                                                                                            4,  0},
        {"from 6.5 on as none",       "!kernel.release=6.5.0 ",                     "ID_AA64DFR0_EL1.PMUVer=15",  "rewrites",
         0,                                                                                                                       0},
        {"nothing else",              "!kernel.release=6.6.0 ",                     "ID_AA64DFR0_EL1.DebugVer=6", "EINVAL",   8,  0},
        {"caches are the host's",     OLD,                                          "arm64/CLIDR_EL1=0xb200123",  "EINVAL",   -1, 0},
        {"unless it got masks",       OLD "@arm64/writable/ID_AA64ISAR0_EL1=0xf0",
         "ID_AA64ISAR0_EL1.AES=1",                                                                                "takes",    1,  0},
        {"less than its release has", "@arm64/writable/ID_AA64ISAR0_EL1=0xf0",
         "ID_AA64ISAR0_EL1.DP=0",                                                                                 "EINVAL",   1,  0},
        {"part of a field",           "@arm64/writable/ID_AA64ISAR0_EL1=0x70",      "ID_AA64ISAR0_EL1.AES=1",
         "EINVAL",                                                                                                            2,  0},
        {"more than its release has", "@arm64/writable/ID_AA64PFR0_EL1=0xf0000000",
         "ID_AA64PFR0_EL1.RAS=0",                                                                                 "takes",    0,  0},
        {"who knows",                 "!kernel.release=? ",                         "ID_AA64ISAR0_EL1.AES=1",     "unknown",  2,  0},
        {"the same is taken anyway",  "!kernel.release=? ",                         "ID_AA64ISAR0_EL1.AES=2",     "takes",    2,  0},
        {"not covered",               "~idreg=partial ^arm64/ID_AA64ISAR1_EL1",     "ID_AA64ISAR1_EL1.DPB=1",
         "unknown",                                                                                                           -1, 0},
        {"unreadable",                "?arm64/ID_AA64ISAR1_EL1",                    "ID_AA64ISAR1_EL1.DPB=1",     "unknown",  -1, 0},
    };

    CHECK_EACH (c, cases) {
        check_case(c);
    }
}

CHECK_TEST(a_special_case_says_why_and_where_it_stands)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(NEW "CTR_EL0.L1Ip=3");
    struct mig_party host = {"host", s};
    const struct mig_field *f;
    struct mig_settable got;
    struct mig_limit l;
    uint64_t value;

    mig_limit_init(&l, &host, 0);
    got = ask(&l, "CTR_EL0.L1Ip=1", &value, &f);
    check_contains("why", "reserved", got.why);
    check_contains("where", "set_ctr_el0", got.cited);
}

CHECK_TEST(the_values_of_a_field_are_listed)
{
    static const struct {
        const char *label, *host, *field, *values;
    } cases[] = {
        {"up to the host's",    "",                                            "ID_AA64ISAR0_EL1.AES",       "0 1 2"                  },
        {"the host's alone",    "",                                            "ID_AA64MMFR2_EL1.EVT",       "1"                      },
        {"from a minimum",      "",                                            "ID_AA64DFR0_EL1.DebugVer",   "6 7 8"                  },
        {"with a gap",          "",                                            "ID_DFR0_EL1.PerfMon",        "0 3 4"                  },
        {"its own or the safe", NEW "ID_AA64MMFR0_EL1.TGRAN4_2=2",             "ID_AA64MMFR0_EL1.TGRAN4_2",
         "1 2"                                                                                                                        },
        {"down to -8",          "",                                            "ID_AA64DFR0_EL1.DoubleLock", "0 8 9 10 11 12 13 14 15"},
        {"upwards",             "ID_AA64MMFR1_EL1.SpecSEI=14",                 "ID_AA64MMFR1_EL1.SpecSEI",   "14 15"                  },
        {"before masks",        OLD,                                           "ID_AA64ISAR0_EL1.AES",       "2"                      },
        {"without 32-bit code", "ID_AA64PFR0_EL1.EL0=1 @arm64/ID_ISAR5_EL1=0", "ID_ISAR5_EL1.AES",
         "0"                                                                                                                          },
        {"a wide one",          "",                                            "PSCI_VERSION.version",       "65537 ..."              },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(c->host);
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};
        struct mig_party host = {"host", s};
        const struct mig_field *f = mig_field_find(c->field);
        struct mig_limit l;
        struct mig_values values;

        assert_non_null(f);
        mig_limit_init(&l, &host, mig_feature_of(&host));
        mig_settable_values(&l, f, &values);
        for (size_t i = 0; i < values.len; i++) {
            mig_text_addf(&text, "%s%llu", i > 0 ? " " : "", (unsigned long long)values.items[i]);
        }
        mig_text_add(&text, values.more ? " ..." : "");
        check_text(c->label, c->values, text.items);
    }
}

CHECK_TEST(vector_lengths_can_only_be_capped)
{
    static const struct {
        const char *label;
        uint64_t host, wanted;
        bool taken;
    } cases[] = {
        {"all",             0xb,   0xb,   true },
        {"the shorter two", 0xb,   0x3,   true },
        {"the shortest",    0xb,   0x1,   true },
        {"a hole",          0xb,   0x9,   false},
        {"one more",        0xb,   0xf,   false},
        {"longer",          0x3,   0x7,   false},
        {"none",            0x3,   0x0,   false},
        {"64 of them",      ~0ULL, ~0ULL, true },
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, c->taken, mig_settable_is_vl_set(c->host, c->wanted));
    }
}

CHECK_TEST(what_was_taken_may_only_be_rewritten_as_documented)
{
    static const struct {
        const char *label;
        enum mig_arm64 index;
        uint64_t wanted, got;
        bool is_documented;
    } cases[] = {
        {"kept",                MIG_ARM64_ID_AA64PFR0_EL1,         0x22,          0x22,          true },
        {"MPAM is hidden",      MIG_ARM64_ID_AA64PFR0_EL1,         0x10000000022, 0x22,          true },
        {"MPAM, and more",      MIG_ARM64_ID_AA64PFR0_EL1,         0x10000000022, 0x11,          false},
        {"MPAM of its own",     MIG_ARM64_ID_AA64PFR0_EL1,         0x22,          0x10000000022, false},
        {"foreign counters",    MIG_ARM64_ID_AA64DFR0_EL1,         0xf06,         0x6,           true },
        {"counters taken away", MIG_ARM64_ID_AA64DFR0_EL1,         0x506,         0x6,           false},
        {"DoubleLock",          MIG_ARM64_ID_AA64DFR0_EL1,         0x6,           0xf000000006,  true },
        {"ignored",             MIG_ARM64_ID_PFR0_EL1,             0x131,         0,             false},
        {"a level that stays",  MIG_ARM64_SMCCC_ARCH_WORKAROUND_1, 0,             2,             false},
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, c->is_documented,
                     mig_settable_is_rewrite(mig_reg_arm64(c->index), c->wanted, c->got));
    }
}

CHECK_MAIN(
    cmocka_unit_test(a_field_within_the_mask_goes_by_its_rule),
    cmocka_unit_test(an_exact_field_has_two_values),
    cmocka_unit_test(single_fields_have_minima_and_readings_of_their_own),
    cmocka_unit_test(some_registers_are_answered_as_a_whole),
    cmocka_unit_test(a_feature_that_the_vcpu_lacks_reads_as_nothing),
    cmocka_unit_test(a_cache_may_have_any_size_but_no_shorter_line_than_the_hosts),
    cmocka_unit_test(a_kernel_without_the_sizes_of_caches_that_are_not_there_withholds_nothing),
    cmocka_unit_test(masks_of_the_host_go_before_its_release),
    cmocka_unit_test(a_special_case_says_why_and_where_it_stands),
    cmocka_unit_test(the_values_of_a_field_are_listed),
    cmocka_unit_test(vector_lengths_can_only_be_capped),
    cmocka_unit_test(what_was_taken_may_only_be_rewritten_as_documented))
