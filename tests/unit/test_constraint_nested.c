/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/judged.h"
#include "support/small_host.h"

/* A small nested VMX: what must be 1 in the low half, what may be in the high. */
#define VMX                                                                                        \
    LEVEL_3 " vmx vmx_secondary_ctls vmx_ept vmx_vpid @x86/msr/480=0xda040011e57ed0 "              \
            "@x86/msr/481=0x7f00000016 @x86/msr/482=0xfff9fffe0401e172 "                           \
            "@x86/msr/483=0xffffff00036dff @x86/msr/484=0xf3ff000011ff @x86/msr/485=0x401e5 "      \
            "@x86/msr/486=0x80000021 @x86/msr/487=0xffffffff @x86/msr/488=0x2000 "                 \
            "@x86/msr/489=0x3767ff @x86/msr/48a=0x2e @x86/msr/48b=0x7bff00000000 "                 \
            "@x86/msr/48d=0x7f00000016 @x86/msr/48e=0xfff9fffe04006172 "                           \
            "@x86/msr/48f=0xffffff00036dfb @x86/msr/490=0xf3ff000011fb "

static const char *const nested[] = {"nested"};
static const struct mig_choice allowed = {.allow = nested, .allow_len = 1};

static uint64_t msr(const struct mig_profile *p, uint32_t index)
{
    return mig_profile_get(p, mig_reg_msr(index));
}

CHECK_TEST(derived_words_follow_from_what_is_left)
{
    static const struct {
        const char *label, *a, *b;
        uint32_t msr;
        uint64_t value;
    } cases[] = {
        {"pin controls",            VMX,              VMX,                                    0x481, 0x7f00000016      },
        {"primary controls",        VMX,              VMX,                                    0x482, 0xfff9fffe0401e172},
        {"exit controls",           VMX,              VMX,                                    0x483, 0xffffff00036dff  },
        {"entry controls",          VMX,              VMX,                                    0x484, 0xf3ff000011ff    },
        {"may be 1 on both",        VMX,              VMX "@x86/msr/48d=0x3f00000016 ",       0x48d, 0x3f00000016      },
        {"and what follows",        VMX,              VMX "@x86/msr/48d=0x3f00000016 ",       0x481, 0x3f00000016      },
        {"primary, what follows",   VMX,              VMX "@x86/msr/48e=0x7ff9fffe04006172 ", 0x482,
         0x7ff9fffe0401e172                                                                                            },
        {"exit, what follows",      VMX,              VMX "@x86/msr/48f=0x7fffff00036dfb ",   0x483, 0x7fffff00036dff  },
        {"entry, what follows",     VMX,              VMX "@x86/msr/490=0x73ff000011fb ",     0x484, 0x73ff000011ff    },
        {"must be 1 on one",        VMX,              VMX "@x86/msr/48e=0xfff9fffe04006176 ", 0x48e,
         0xfff9fffe04006176                                                                                            },
        {"CR0, all of it",          VMX,              VMX "@x86/msr/487=0x7fffffff ",         0x487, 0xffffffff        },
        {"CR4 by what CPUID shows", VMX,              VMX,                                    0x489, 0x42724           },
        {"CR4 with SMEP and LA57",  VMX "smep la57 ", VMX "smep la57 ",                       0x489, 0x143724          },
        {"CR4, SMEP on one only",   VMX "smep ",      VMX,                                    0x489, 0x42724           },
        {"highest field of both",   VMX,              VMX "@x86/msr/48a=0x2c ",               0x48a, 0x2c              },
        {"CR4 that must be 1",      VMX,              VMX "@x86/msr/488=0x2040 ",             0x488, 0x2040            },
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->a, c->b, &allowed, &r);
        assert_non_null(r.profile);
        check_true(c->label,
                   (mig_profile_get(r.profile, mig_reg_cpuid(1, 0, MIG_ECX)) & 1 << 5) != 0);
        check_number(c->label, c->value, msr(r.profile, c->msr));
        mig_result_clear(&r);
    }
}

/* One host requires what another forbids: no nested CPU is both. */
CHECK_TEST(nesting_goes_as_a_whole)
{
    static const struct {
        const char *label, *a, *b;
    } cases[] = {
        {"pin controls",     VMX,                                    VMX "@x86/msr/48d=0x1600000016 @x86/msr/48d=0x9600000096 "},
        {"primary controls", VMX "@x86/msr/48e=0x7ff9fffe04006172 ",
         VMX "@x86/msr/48e=0xfff9fffe84006172 "                                                                                },
        {"exit controls",    VMX "@x86/msr/48f=0x1ffbff00036dfb ",
         VMX "@x86/msr/48f=0xffffff00436dfb "                                                                                  },
        {"secondary",        VMX "@x86/msr/48b=0x7bfd00000000 ",     VMX "@x86/msr/48b=0x7bff00000002 "                        },
        {"entry controls",   VMX "@x86/msr/490=0x73ff000011fb ",     VMX "@x86/msr/490=0xf3ff800011fb "                        },
        {"one has no VMX",   VMX,                                    LEVEL_3                                                   },
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;

        MIG_AUTO(mig_free) char *with_erms = mig_strf("%s erms", c->a);

        small_negotiate(with_erms, c->b, &allowed, &r);
        assert_non_null(mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/9"));
        check_true("what else differs stands alone",
                   mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/9")->root == NULL);
        check_text(c->label, "compatible-on-profile", mig_verdict_name(r.verdict));
        check_number(c->label, 0,
                     mig_profile_get(r.profile, mig_reg_cpuid(1, 0, MIG_ECX)) & 1 << 5);
        for (uint32_t index = 0x480; index <= 0x491; index++) {
            check_number(c->label, 0, msr(r.profile, index));
        }
        assert_non_null(mig_findings_find(&r.findings, "x86/cpuid/1.0/ecx/5"));
        for (size_t i = 0; i < r.findings.len; i++) {
            const struct mig_finding *f = &r.findings.items[i];

            if (strncmp(f->id, "x86/msr/4", strlen("x86/msr/4")) == 0) {
                check_text(f->id, "x86/cpuid/1.0/ecx/5", f->root);
            }
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_host_alone_keeps_its_nesting)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(VMX);
    struct mig_party alone = {"alpha", host};
    struct mig_result r;

    mig_baseline(&alone, 1, &allowed, &r);
    for (uint32_t index = 0x480; index <= 0x490; index++) {
        uint64_t own;

        (void)mig_snapshot_get(host, mig_reg_msr(index), &own);
        if (index != 0x489) {
            check_number("word", own, msr(r.profile, index));
        }
    }
    mig_result_clear(&r);
}

/* Every row of vmx_cr4.def: KVM lets a nested hypervisor set what CPUID shows. */
CHECK_TEST(each_bit_of_cr4_follows_from_its_feature)
{
    static const struct {
        const char *feature;
        uint64_t bits;
    } rows[] = {
        {"vme",      0x3       },
        {"tsc",      0x4       },
        {"de",       0x8       },
        {"pse",      0x10      },
        {"pae",      0x20      },
        {"mce",      0x40      },
        {"pge",      0x80      },
        {"fxsr",     0x200     },
        {"sse",      0x400     },
        {"umip",     0x800     },
        {"la57",     0x1000    },
        {"vmx",      0x2000    },
        {"fsgsbase", 0x10000   },
        {"pcid",     0x20000   },
        {"xsave",    0x40000   },
        {"smep",     0x100000  },
        {"smap",     0x200000  },
        {"pku",      0x400000  },
        {"cet_ss",   0x800000  },
        {"ibt",      0x800000  },
        {"lam",      0x10000000},
    };

    CHECK_EACH (c, rows) {
        for (int shown = 0; shown < 2; shown++) {
            MIG_AUTO(mig_free) char *edits = mig_strf(VMX "%s%s", shown ? "" : "-", c->feature);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(edits);
            struct mig_party alone = {"alpha", host};
            struct mig_result r;

            mig_baseline(&alone, 1, &allowed, &r);
            if (shown) {
                check_number(c->feature, 0x42724 | c->bits, msr(r.profile, 0x489));
            } else if (r.profile != NULL) {
                check_number(c->feature, 0, msr(r.profile, 0x489) & c->bits);
            }
            mig_result_clear(&r);
        }
    }
}

/* KVM's rule for restoring: nothing new may be required, nothing promised may
 * be missing.  It derives the other words itself. */
CHECK_TEST(a_nested_hypervisor_finds_its_controls)
{
    static const struct {
        const char *label, *guest, *host, *id, *severity;
    } cases[] = {
        {"the same",                    VMX,                                       VMX,                                    "x86/msr/48d/39",             ""       },
        {"a control it was promised",   VMX "@x86/msr/48d=0xff00000016 ",          VMX,                                    "x86/msr/48d/39",
         "blocker"                                                                                                                                                },
        {"one it was not",              VMX,                                       VMX "@x86/msr/48d=0xff00000016 ",       "x86/msr/48d/39",             ""       },
        {"one it now must set",         VMX,                                       VMX "@x86/msr/48e=0xfff9fffe04006173 ", "x86/msr/48e/31:0",
         "blocker"                                                                                                                                                },
        {"revision of the VMCS",        VMX,                                       VMX "@x86/msr/480=0xda040011e57ed1 ",   "x86/msr/480/30:0",
         "blocker"                                                                                                                                                },
        {"RDRAND exiting",              VMX,                                       VMX "@x86/msr/48b=0x73ff00000000 ",     "x86/msr/48b/43",             "blocker"},
        {"VM functions",                VMX,                                       VMX "@x86/msr/48b=0x5bff00000000 ",     "x86/msr/48b/45",             "blocker"},
        {"derived words are not asked", VMX,                                       VMX "@x86/msr/481=0x7f00000017 ",       "x86/msr/481/63:0",
         ""                                                                                                                                                       },
        {"nor what CPUID decides",      VMX,                                       VMX "@x86/msr/489=0x2000 ",             "x86/msr/489/63:0",           ""       },
        {"a guest without VMX",         LEVEL_3 " @x86/msr/48d=0xff00000016 ",     VMX,                                    "x86/msr/48d/39",             ""       },
        {"leftovers of a VMM",          LEVEL_3 " @x86/msr/480=0xda040011e57ed0 ", LEVEL_3,
         "x86/msr/480/30:0",                                                                                                                             ""       },
        {"no VMX there",                VMX,                                       LEVEL_3,                                "x86/cpuid/1.0/ecx/5",        "blocker"},
        {"SVM features it was shown",   LEVEL_3 " svm nrip_save ",                 LEVEL_3 " svm ",
         "x86/cpuid/8000000a.0/edx/3",                                                                                                                   "blocker"},
        {"SVM leaf without SVM",        LEVEL_3 " nrip_save ",                     LEVEL_3,                                "x86/cpuid/8000000a.0/edx/3", ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, c->id, c->severity);
    }
}

CHECK_TEST(state_of_nested_guests_must_fit)
{
    static const struct {
        const char *label, *guest, *host, *severity;
    } cases[] = {
        {"it does",                  VMX "@kvm/cap/NESTED_STATE=4224",          VMX "@kvm/cap/NESTED_STATE=4224", ""       },
        {"more than it takes",       VMX "@kvm/cap/NESTED_STATE=8320",          VMX "@kvm/cap/NESTED_STATE=4224",
         "blocker"                                                                                                         },
        {"none there",               VMX "@kvm/cap/NESTED_STATE=4224",          VMX,                              "blocker"},
        {"guest says nothing of it", VMX "~kvm-cap=none",                       VMX,                              "blocker"},
        {"neither kernel has it",    VMX,                                       VMX,                              ""       },
        {"AMD likewise",             LEVEL_3 " svm @kvm/cap/NESTED_STATE=4224", LEVEL_3 " svm",                   "blocker"},
        {"a guest without nesting",  LEVEL_3 " @kvm/cap/NESTED_STATE=4224",     LEVEL_3,                          "warning"},
        {"evidence without it",      VMX "@kvm/cap/NESTED_STATE=4224",          VMX "~kvm-cap=none",              ""       },
    };

    CHECK_EACH (c, cases) {
        judged_check(c->label, c->guest, c->host, "kvm/cap/NESTED_STATE", c->severity);
    }
}

CHECK_TEST(state_that_does_not_fit_is_told_in_bytes)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *guest = small_host(VMX "@kvm/cap/NESTED_STATE=8320");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *host = small_host(VMX "@kvm/cap/NESTED_STATE=4224");
    struct mig_findings findings;
    const struct mig_finding *f;

    judged(guest, host, &findings);
    f = mig_findings_find(&findings, "kvm/cap/NESTED_STATE");
    assert_non_null(f);
    check_number("guest", 8320, f->guest.value);
    check_number("host", 4224, f->destination.value);
    check_text("reason", "kernel", mig_reason_name(f->reason));
    check_contains("why", "takes up to 8320 bytes, host takes 4224", f->why);
    mig_findings_clear(&findings);
}

CHECK_MAIN(cmocka_unit_test(derived_words_follow_from_what_is_left),
           cmocka_unit_test(nesting_goes_as_a_whole),
           cmocka_unit_test(a_host_alone_keeps_its_nesting),
           cmocka_unit_test(each_bit_of_cr4_follows_from_its_feature),
           cmocka_unit_test(a_nested_hypervisor_finds_its_controls),
           cmocka_unit_test(state_of_nested_guests_must_fit),
           cmocka_unit_test(state_that_does_not_fit_is_told_in_bytes))
