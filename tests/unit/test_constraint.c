/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/small_host.h"

CHECK_TEST(a_host_that_is_immune_needs_no_clearing)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3 " arch_capabilities md_clear", LEVEL_3 " arch_capabilities mds_no",
                    &choice, &r);
    check_text("verdict", "compatible-masked", mig_verdict_name(r.verdict));
    check_true("md_clear stays",
               (mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EDX)) & 1u << 10) != 0);
    mig_result_clear(&r);
}

CHECK_TEST(what_was_taken_away_takes_its_dependants)
{
    struct mig_choice choice = {0};
    const struct mig_finding *root;
    struct mig_result r;
    uint64_t ecx;

    small_negotiate(LEVEL_3, LEVEL_3 " @x86/cpuid/d.2/ebx=0x280", &choice, &r);
    ecx = mig_profile_get(r.profile, mig_reg_cpuid(1, 0, MIG_ECX));
    check_number("avx and fma are gone", 0, ecx & (1u << 28 | 1u << 12));
    check_number("avx2 is gone", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 5);
    check_number("sse4.2 stays", 1u << 20, ecx & 1u << 20);
    root = mig_findings_find(&r.findings, "x86/xsave/2");
    assert_non_null(root);
    check_text("first to follow", "avx", root->dependants[0]);
    check_number("avx, avx2, f16c, fma", 4, root->dependants_len);
    check_number("no component is described", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(0xd, 2, MIG_EAX)));
    check_number("the area shrinks", 576,
                 mig_profile_get(r.profile, mig_reg_cpuid(0xd, 0, MIG_ECX)));
    mig_result_clear(&r);
}

CHECK_TEST(an_edge_that_a_host_breaks_itself_is_left_alone)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_1 " avx2", LEVEL_1 " avx2", &choice, &r);
    check_text("verdict", "compatible", mig_verdict_name(r.verdict));
    check_true("avx2 stays",
               (mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 5) != 0);
    assert_non_null(mig_findings_find(&r.findings, "inconsistent/alpha"));
    mig_result_clear(&r);
}

#define VERW "arch_capabilities fb_clear "
#define FB_NO " arch_capabilities mds_no sbdr_ssdp_no fbsdp_no psdp_no "

CHECK_TEST(immunity_needs_every_proof)
{
    static const struct {
        const char *label, *source, *destination, *verdict;
    } cases[] = {
        {"all",                    VERW,                               FB_NO,                           "compatible-masked"    },
        {"mds_no",                 VERW,                               FB_NO "-mds_no",                 "incompatible"         },
        {"sbdr_ssdp_no",           VERW,                               FB_NO "-sbdr_ssdp_no",           "incompatible"         },
        {"fbsdp_no",               VERW,                               FB_NO "-fbsdp_no",               "incompatible"         },
        {"psdp_no",                VERW,                               FB_NO "-psdp_no",                "incompatible"         },
        {"RTM on both",            VERW "rtm",                         FB_NO "rtm",                     "incompatible"         },
        {"RTM there",              VERW,                               FB_NO "rtm",                     "compatible-masked"    },
        {"RTM here",               VERW "rtm",                         FB_NO,                           "compatible-on-profile"},
        {"RTM and taa_no",         VERW "rtm",                         FB_NO "rtm taa_no",              "compatible-masked"    },
        {"md_clear, RTM on both",  "md_clear rtm",                     "arch_capabilities mds_no rtm",  "incompatible"         },
        {"rfds_clear",             "arch_capabilities rfds_clear rtm", "arch_capabilities rfds_no rtm",
         "compatible-masked"                                                                                                   },
        {"rfds_clear, not immune", "arch_capabilities rfds_clear",     "arch_capabilities",
         "incompatible"                                                                                                        },
        {"verw_clear",             "verw_clear",                       "tsa_sq_no tsa_l1_no",           "compatible-masked"    },
        {"verw_clear, one proof",  "verw_clear",                       "tsa_sq_no",                     "incompatible"         },
        {"not relied on here",     "arch_capabilities",                VERW,                            "compatible-masked"    },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *source = mig_strf(LEVEL_3 " %s", c->source);
        MIG_AUTO(mig_free) char *destination = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_negotiate(source, destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* A profile promises a constant TSC only where a guest keeps its rate. */
CHECK_TEST(clocks_that_can_not_keep_pace_are_not_promised)
{
    static const struct {
        const char *label, *source, *destination, *verdict, *direction;
        bool promised;
        uint64_t khz;
    } cases[] = {
        {"same rate",                 "",                             "",                                          "compatible",            "both",     true,  2600000},
        {"within tolerance",          "",                             "@host/tsc-khz=2600650",                     "compatible",            "both",     true,  2600000},
        {"KVM rounds it down",        "",                             "@host/tsc-khz=2600651",                     "compatible",            "forward",  false, 0      },
        {"out of it",                 "",                             "@host/tsc-khz=2600652",                     "compatible-on-profile", "none",     false, 0      },
        {"slower",                    "",                             "@host/tsc-khz=2599000",                     "compatible-on-profile", "none",     false, 0      },
        {"tolerance that both state", "@host/tsc-tolerance-ppm=1000",
         "@host/tsc-khz=2600651 @host/tsc-tolerance-ppm=1000",                                                     "compatible",            "both",     true,  0      },
        {"no tolerance",              "@host/tsc-tolerance-ppm=0",
         "@host/tsc-khz=2600001 @host/tsc-tolerance-ppm=0",                                                        "compatible-on-profile", "none",     false,
         2600000                                                                                                                                                      },
        {"scaling there",             "",                             "@host/tsc-khz=2700000 @host/tsc-scaling=1", "compatible",            "forward",
         false,                                                                                                                                                0      },
        {"scaling on both",           "@host/tsc-scaling=1",          "@host/tsc-khz=2700000 @host/tsc-scaling=1",
         "compatible",                                                                                                                      "both",     true,  0      },
        {"scaling not that far",      "@host/tsc-scaling=1",
         "@host/tsc-khz=2500000 @host/tsc-scaling=1 @host/tsc-max-khz=2550000",                                    "compatible-on-profile", "backward", false, 0      },
        {"no evidence there",         "",                             "~tsc=none",                                 "compatible",            "both",     true,  0      },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *source = mig_strf(LEVEL_3 " constant_tsc %s", c->source);
        MIG_AUTO(mig_free) char *destination = mig_strf(LEVEL_3 " constant_tsc %s", c->destination);
        struct mig_result r;

        small_negotiate(source, destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_text(c->label, c->direction, r.direction);
        check_number(c->label, c->promised,
                     mig_profile_get(r.profile, mig_reg_cpuid(0x80000007, 0, MIG_EDX)) >> 8 & 1);
        check_number(c->label, c->khz, r.profile->tsc_khz);
        mig_result_clear(&r);
    }
}

/* One word of the profile after a pair was merged. */
CHECK_TEST(the_profile_holds_what_both_can_show)
{
    static const struct {
        const char *label, *source, *destination, *word;
        uint64_t value;
    } cases[] = {
        {"widths",                                  "",                                              "phys_addr_bits=40",                                           "x86/cpuid/80000008.0/eax", 48 << 8 | 40                     },
        {"own width of one",                        "guest_phys_addr_bits=44",                       "",                                                            "x86/cpuid/80000008.0/eax",
         44 << 16 | 48 << 8 | 46                                                                                                                                                                                                 },
        {"own width of both",                       "guest_phys_addr_bits=44",                       "guest_phys_addr_bits=42",
         "x86/cpuid/80000008.0/eax",                                                                                                                                                            42 << 16 | 48 << 8 | 46          },
        {"own width above the other's",             "guest_phys_addr_bits=44",                       "phys_addr_bits=40",
         "x86/cpuid/80000008.0/eax",                                                                                                                                                            40 << 16 | 48 << 8 | 40          },
        {"one own width, narrower there",           "guest_phys_addr_bits=44",
         "guest_phys_addr_bits=44 phys_addr_bits=40",                                                                                                               "x86/cpuid/80000008.0/eax",
         40 << 16 | 48 << 8 | 40                                                                                                                                                                                                 },
        {"five levels and four",                    "la57 virt_addr_bits=57",                        "",                                                            "x86/cpuid/80000008.0/eax",
         48 << 8 | 46                                                                                                                                                                                                            },
        {"la57 goes with the width",                "la57 virt_addr_bits=57",                        "la57",                                                        "x86/cpuid/7.0/ecx",        0                                },
        {"AMX goes with its geometry",              "amx_tile @x86/cpuid/1d.1/eax=0x4002000",
         "amx_tile @x86/cpuid/1d.1/eax=0x4001000",                                                                                                                  "x86/cpuid/7.0/edx",        0                                },
        {"highest leaf that says something",        "@x86/cpuid/0.0/eax=0x1f",                       "@x86/cpuid/0.0/eax=0x1b",
         "x86/cpuid/0.0/eax",                                                                                                                                                                   0xd                              },
        {"no leaf above the lower maximum",         "@x86/cpuid/0.0/eax=0x7 @x86/cpuid/14.0/eax=1",
         "@x86/cpuid/0.0/eax=0x7",                                                                                                                                  "x86/cpuid/d.0/eax",        0                                },
        {"highest extended leaf",                   "@x86/cpuid/80000000.0/eax=0x80000022",
         "@x86/cpuid/80000000.0/eax=0x80000021",                                                                                                                    "x86/cpuid/80000000.0/eax", 0x80000008                       },
        {"highest paravirtual leaf",                "@x86/cpuid/40000000.0/eax=0x40000001",
         "@x86/cpuid/40000000.0/eax=0x40000001",                                                                                                                    "x86/cpuid/40000000.0/eax", 0x40000000                       },
        {"highest Centaur leaf",                    "@x86/cpuid/c0000000.0/eax=0xc0000004",
         "@x86/cpuid/c0000000.0/eax=0xc0000004",                                                                                                                    "x86/cpuid/c0000000.0/eax", 0xc0000000                       },
        {"highest subleaf",                         "@x86/cpuid/7.0/eax=2 @x86/cpuid/7.1/eax=0x10",
         "@x86/cpuid/7.0/eax=2 @x86/cpuid/7.1/eax=0x10",                                                                                                            "x86/cpuid/7.0/eax",        1                                },
        {"area of all components",                  "",                                              "",                                                            "x86/cpuid/d.0/ecx",        0x340                            },
        {"area of high components",                 "@x86/cpuid/d.0/edx=0x40000000",
         "@x86/cpuid/d.0/edx=0x40000000",                                                                                                                           "x86/cpuid/d.0/edx",        0                                },
        {"area with a component inside",
         "pku xcr0_pkru @x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0x240",                              "pku xcr0_pkru @x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0x240", "x86/cpuid/d.0/ecx",        0x340                            },
        {"supervisor components of another layout", "xsaves xss_cet_u @x86/cpuid/d.b/eax=16",
         "xsaves xss_cet_u @x86/cpuid/d.b/eax=24",                                                                                                                  "x86/cpuid/d.1/ecx",        0                                },
        {"a leaf that one does not cover",          "@x86/cpuid/0.0/eax=0x16 @x86/cpuid/16.0/eax=9",
         "@x86/cpuid/0.0/eax=0x16 " PARTLY,                                                                                                                         "x86/cpuid/0.0/eax",        0x16                             },
        {"identity of the smaller",                 "@x86/cpuid/1.0/eax=0x806f8",                    "",                                                            "x86/cpuid/1.0/eax",        0x606a6                          },
        {"inverted",                                "",                                              "fdp_excptn_only",                                             "x86/cpuid/7.0/ebx",        1 << 3 | 1 << 5 | 1 << 6 | 1 << 8},
        {"never offered",                           "tm",                                            "tm",                                                          "x86/cpuid/1.0/edx",        0x7808371                        },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *source = mig_strf(LEVEL_3 " %s", c->source);
        MIG_AUTO(mig_free) char *destination = mig_strf(LEVEL_3 " %s", c->destination);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_host(source);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_host(destination);
        struct mig_party forward[2] =
            {
                {"alpha", a},
                {"beta",  b}
        },
                         back[2] = {forward[1], forward[0]};
        struct mig_result r, s;
        struct mig_error err;
        struct mig_reg reg;

        check_done(c->word, mig_reg_parse(c->word, &reg, &err), &err);
        mig_baseline(forward, 2, &choice, &r);
        mig_baseline(back, 2, &choice, &s);
        if (r.profile == NULL || s.profile == NULL) {
            fail_msg("%s: no profile", c->label);
        } else {
            check_number(c->label, c->value, mig_profile_get(r.profile, reg));
            assert_memory_equal(r.profile->digest, s.profile->digest, sizeof r.profile->digest);
        }
        mig_result_clear(&r);
        mig_result_clear(&s);
    }
}

/* What is not offered takes along what is, if that can not do without. */
CHECK_TEST(what_is_not_offered_takes_its_dependants)
{
    static const char *const nested[] = {"nested"};
    struct mig_choice choice = {.allow = nested, .allow_len = 1}, plain = {0};
    const char *with = LEVEL_3 " vmx mpx xcr0_mpx_bndregs xcr0_mpx_bndcsr vmx_exit_clear_bndcfgs";
    struct mig_result r;

    small_negotiate(with, with, &choice, &r);
    check_number("control goes with MPX", 0, mig_profile_get(r.profile, mig_reg_msr(0x48f)));
    check_true("the MSR is shown", mig_profile_find(r.profile, mig_reg_msr(0x48f)) != NULL);
    mig_result_clear(&r);
    small_negotiate(with, with, &plain, &r);
    check_true("MSRs of nesting are not", mig_profile_find(r.profile, mig_reg_msr(0x48f)) == NULL);
    mig_result_clear(&r);
}

/* The first host's evidence does not cover what the other two disagree on. */
CHECK_TEST(layouts_are_compared_among_those_who_know)
{
    static const char *const edits[3] = {
        LEVEL_3 " " PARTLY " ^x86/cpuid/d.2/eax ^x86/cpuid/d.2/ebx",
        LEVEL_3,
        LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",
    };
    struct mig_snapshot *hosts[3];
    struct mig_choice choice = {0};

    for (size_t i = 0; i < 3; i++) {
        hosts[i] = small_host(edits[i]);
    }
    for (size_t first = 0; first < 3; first++) {
        struct mig_party set[3] = {
            {"alpha", hosts[first]          },
            {"beta",  hosts[(first + 1) % 3]},
            {"gamma", hosts[(first + 2) % 3]}
        };
        struct mig_result r;

        mig_baseline(set, 3, &choice, &r);
        assert_non_null(mig_findings_find(&r.findings, "x86/xsave/2"));
        check_number("no AVX", 0,
                     mig_profile_get(r.profile, mig_reg_cpuid(1, 0, MIG_ECX)) & 1u << 28);
        mig_result_clear(&r);
    }
    for (size_t i = 0; i < 3; i++) {
        mig_snapshot_free(hosts[i]);
    }
}

CHECK_TEST(what_a_profile_does_not_cover_stays_open)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    struct mig_reg reg = mig_reg_cpuid(0x16, 0, MIG_EAX);
    const struct mig_word *word;
    struct mig_choice choice = {0};
    struct mig_result r;
    uint64_t value;

    small_negotiate(LEVEL_3 " @x86/cpuid/0.0/eax=0x16 @x86/cpuid/16.0/eax=9",
                    LEVEL_3 " @x86/cpuid/0.0/eax=0x16 " PARTLY, &choice, &r);
    word = mig_profile_find(r.profile, reg);
    check_true("listed as open", word != NULL && !word->covered);
    shown = mig_profile_as_snapshot(r.profile);
    check_number("also as evidence", MIG_UNCOVERED, mig_snapshot_get(shown, reg, &value));
    mig_result_clear(&r);
}

/* One host says that a guest's width is the physical one, the other leaves it
 * unsaid: kernels differ so, guests do not notice. */
CHECK_TEST(a_width_that_is_only_stated_is_no_difference)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3 " guest_phys_addr_bits=46", LEVEL_3, &choice, &r);
    assert_null(mig_findings_find(&r.findings, "x86/cpuid/80000008.0/eax/23:16"));
    check_number("nothing is given up", 0, r.losses_len);
    check_text("both ways", "both", r.direction);
    mig_result_clear(&r);
    small_negotiate(LEVEL_3 " guest_phys_addr_bits=44", LEVEL_3, &choice, &r);
    assert_non_null(mig_findings_find(&r.findings, "x86/cpuid/80000008.0/eax/23:16"));
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(a_width_that_is_only_stated_is_no_difference),
           cmocka_unit_test(a_host_that_is_immune_needs_no_clearing),
           cmocka_unit_test(what_was_taken_away_takes_its_dependants),
           cmocka_unit_test(an_edge_that_a_host_breaks_itself_is_left_alone),
           cmocka_unit_test(immunity_needs_every_proof),
           cmocka_unit_test(clocks_that_can_not_keep_pace_are_not_promised),
           cmocka_unit_test(the_profile_holds_what_both_can_show),
           cmocka_unit_test(what_is_not_offered_takes_its_dependants),
           cmocka_unit_test(layouts_are_compared_among_those_who_know),
           cmocka_unit_test(what_a_profile_does_not_cover_stays_open))
