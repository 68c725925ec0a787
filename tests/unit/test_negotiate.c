/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "snapshot/builder.h"
#include "support/small_host.h"

CHECK_TEST(the_verdict_says_which_way_a_guest_may_move)
{
    static const struct {
        const char *label, *source, *destination, *verdict, *passthrough, *direction;
    } cases[] = {
        {"equal hosts",                  LEVEL_3,                                LEVEL_3,                                  "compatible",            "compatible",        "both"    },
        {"destination has more",         LEVEL_3,                                LEVEL_3 " erms",                          "compatible-masked",     "compatible-masked",
         "forward"                                                                                                                                                                 },
        {"destination has less",         LEVEL_3 " erms",                        LEVEL_3,                                  "compatible-on-profile", "incompatible",
         "backward"                                                                                                                                                                },
        {"each has its own",             LEVEL_3 " erms",                        LEVEL_3 " adx",                           "compatible-on-profile",
         "incompatible",                                                                                                                                                 "none"    },
        {"narrower destination",         LEVEL_3,                                LEVEL_3 " phys_addr_bits=39",             "compatible-on-profile",
         "incompatible",                                                                                                                                                 "backward"},
        {"another vendor",               LEVEL_3,                                LEVEL_3 " @x86/cpuid/0.0/ebx=0x68747541", "incompatible",
         "incompatible",                                                                                                                                                 "none"    },
        {"cache line size",              LEVEL_3,                                LEVEL_3 " clflush_size=4",                "incompatible",          "incompatible",
         "none"                                                                                                                                                                    },
        {"below v1",                     LEVEL_3,                                "fpu",                                    "incompatible",          "incompatible",      "backward"},
        {"behaviour gone there",         LEVEL_3,                                LEVEL_3 " fdp_excptn_only",               "compatible-on-profile",
         "incompatible",                                                                                                                                                 "backward"},
        {"behaviour gone here",          LEVEL_3 " fdp_excptn_only",             LEVEL_3,                                  "compatible-masked",
         "compatible-masked",                                                                                                                                            "forward" },
        {"within 250 ppm",               LEVEL_3,                                LEVEL_3 " @host/tsc-khz=2600650",         "compatible",            "compatible",
         "both"                                                                                                                                                                    },
        {"more capabilities there",      LEVEL_3,                                LEVEL_3 " @kvm/cap/MAX_VCPUS=9",          "compatible",
         "compatible",                                                                                                                                                   "both"    },
        {"capability gone there",        LEVEL_3 " @kvm/cap/MAX_VCPUS=9",        LEVEL_3,                                  "compatible-masked",
         "compatible-masked",                                                                                                                                            "both"    },
        {"unknown bit only there",       LEVEL_3,                                LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",       "compatible-masked",
         "compatible-masked",                                                                                                                                            "forward" },
        {"unknown bit shared",           LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",
         LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",                                                                               "compatible",            "compatible",        "both"    },
        {"unknown MSR only here",        LEVEL_3 " @x86/msr/999=1",              LEVEL_3,                                  "compatible",            "compatible",
         "both"                                                                                                                                                                    },
        {"never offered here",           LEVEL_3 " tm",                          LEVEL_3,                                  "compatible",            "compatible",        "both"    },
        {"lock elision gone there",      LEVEL_3 " hle",                         LEVEL_3,                                  "compatible-masked",
         "compatible-masked",                                                                                                                                            "both"    },
        {"opt-in only here",             LEVEL_3 " mpx",                         LEVEL_3,                                  "compatible-on-profile", "incompatible",
         "backward"                                                                                                                                                                },
        {"no width there",               LEVEL_3,                                LEVEL_3 " @x86/cpuid/80000008.0/eax=0",   "compatible-on-profile",
         "incompatible",                                                                                                                                                 "none"    },
        {"guest's own width less there", LEVEL_3 " guest_phys_addr_bits=44",
         LEVEL_3 " guest_phys_addr_bits=40",                                                                               "compatible-on-profile", "incompatible",      "backward"},
        {"guest's own width none there", LEVEL_3 " guest_phys_addr_bits=44",     LEVEL_3,
         "compatible-masked",                                                                                                                       "compatible-masked", "forward" },
        {"MSR not saved there",          LEVEL_3 " @x86/msr-list/10=1",          LEVEL_3,                                  "compatible-on-profile",
         "incompatible",                                                                                                                                                 "backward"},
        {"vulnerable there",             LEVEL_3 " arch_capabilities",           LEVEL_3 " arch_capabilities rsba",
         "compatible-on-profile",                                                                                                                   "incompatible",      "backward"},
        {"must-be-1 without nesting",    LEVEL_3,                                LEVEL_3 " @x86/msr/486=0x80000021",
         "compatible-masked",                                                                                                                       "compatible-masked", "both"    },
        {"must-be-1 with nesting",       LEVEL_3 " vmx",                         LEVEL_3 " vmx @x86/msr/486=0x80000021",
         "compatible-on-profile",                                                                                                                   "incompatible",      "backward"},
        {"supervisor component layout",
         LEVEL_3 " xsaves xss_cet_u @x86/cpuid/d.b/eax=16 @x86/cpuid/d.b/ecx=1",
         LEVEL_3 " xsaves xss_cet_u @x86/cpuid/d.b/eax=24 @x86/cpuid/d.b/ecx=1",
         "compatible-on-profile",                                                                                                                   "incompatible",      "none"    },
        {"component flags",              LEVEL_3,                                LEVEL_3 " @x86/cpuid/d.2/ecx=2",          "compatible-on-profile",
         "incompatible",                                                                                                                                                 "none"    },
        {"other component layout",       LEVEL_3,                                LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",
         "compatible-on-profile",                                                                                                                   "incompatible",      "none"    },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_text(c->label, c->passthrough, mig_verdict_name(r.passthrough));
        check_text(c->label, c->direction, r.direction);
        check_number(c->label, r.verdict == MIG_INCOMPATIBLE, r.profile == NULL);
        mig_result_clear(&r);
    }
}

CHECK_TEST(an_opt_in_is_offered_only_when_asked_for)
{
    static const char *const mpx[] = {"mpx"};
    struct mig_choice plain = {0}, asked = {.allow = mpx, .allow_len = 1};
    const char *with = LEVEL_3 " mpx xcr0_mpx_bndregs xcr0_mpx_bndcsr";
    struct mig_result r;

    small_negotiate(with, with, &plain, &r);
    check_number("not by itself", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 14);
    check_text("passthrough still works", "compatible", mig_verdict_name(r.passthrough));
    mig_result_clear(&r);
    small_negotiate(with, with, &asked, &r);
    check_number("on request", 1u << 14,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 14);
    mig_result_clear(&r);
}

/* Leaves for Windows: no part of a profile unless asked for. */
CHECK_TEST(hyperv_leaves_are_merged_on_request)
{
    static const char *const hyperv[] = {"hyperv"};
    struct mig_choice plain = {0}, asked = {.allow = hyperv, .allow_len = 1};
    struct mig_reg reg = {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EAX};
    const char *here = LEVEL_3 " hv_synic hv_vp_index", *there = LEVEL_3 " hv_synic hv_reset";
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    struct mig_result r;

    small_negotiate(here, there, &plain, &r);
    check_true("not by itself", mig_profile_find(r.profile, reg) == NULL);
    mig_result_clear(&r);
    small_negotiate(here, there, &asked, &r);
    check_number("what both have", 1u << 2, mig_profile_get(r.profile, reg));
    shown = mig_profile_as_snapshot(r.profile);
    check_number("a guest was shown it", MIG_COVER_FULL,
                 shown->groups[MIG_GROUP_CPUID_HV].coverage);
    mig_result_clear(&r);
    small_negotiate(here, LEVEL_3 " ~cpuid-hv=none", &asked, &r);
    check_true("not covered is not 0", !mig_profile_find(r.profile, reg)->covered);
    assert_non_null(mig_findings_find(&r.findings, "coverage/cpuid-hv"));
    mig_result_clear(&r);
}

CHECK_TEST(losses_name_what_each_host_gives_up)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3 " erms", LEVEL_3 " adx", &choice, &r);
    check_number("losses", 2, r.losses_len);
    check_text("first host", "alpha", r.losses[0].host);
    check_text("first name", "erms", r.losses[0].name);
    check_text("second name", "adx", r.losses[1].name);
    mig_result_clear(&r);
    small_negotiate(LEVEL_3, LEVEL_1 " -xsave @x86/cpuid/d.2/eax=0 @x86/cpuid/d.2/ebx=0", &choice,
                    &r);
    for (size_t i = 0; i < r.losses_len; i++) {
        check_true(r.losses[i].id, strncmp(r.losses[i].id, "x86/cpuid/d.2", 13) != 0);
    }
    check_true("others are listed", r.losses_len > 10);
    mig_result_clear(&r);
    small_negotiate(LEVEL_3 " arch_capabilities rdcl_no", LEVEL_3 " arch_capabilities", &choice,
                    &r);
    check_number("losses", 1, r.losses_len);
    check_true("security", r.losses[0].security);
    mig_result_clear(&r);
}

/* Partial evidence is said once per group, or refused where asked for. */
CHECK_TEST(missing_evidence_is_a_warning_or_unknown)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *full = small_host(LEVEL_3), *part = NULL;
    struct mig_choice lax = {0}, strict = {.require_complete = true}, tolerant = strict;
    struct mig_party pair[2];
    struct mig_error err;
    struct mig_result r;

    for (size_t i = 0; i < full->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(full->entries[i].key);

        if (reg.space == MIG_SPACE_CPUID) {
            mig_builder_set(b, reg, full->entries[i].value);
        }
    }
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &part, &err), &err);
    pair[0] = (struct mig_party){"alpha", full};
    pair[1] = (struct mig_party){"beta", part};

    mig_negotiate(&pair[0], &pair[1], &lax, &r);
    check_text("lax", "compatible", mig_verdict_name(r.verdict));
    check_true("partial", r.partial && r.uncovered[MIG_GROUP_MSR]);
    assert_non_null(mig_findings_find(&r.findings, "coverage/msr"));
    mig_result_clear(&r);

    mig_negotiate(&pair[0], &pair[1], &strict, &r);
    check_text("strict", "unknown", mig_verdict_name(r.verdict));
    assert_null(r.profile);
    mig_result_clear(&r);

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        tolerant.tolerate[g] = true;
    }
    mig_negotiate(&pair[0], &pair[1], &tolerant, &r);
    check_text("tolerant", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_TEST(what_could_not_be_read_is_unknown)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *good = small_host(LEVEL_3), *bad = NULL;
    struct mig_choice choice = {0};
    struct mig_party src, dst;
    struct mig_error err;
    struct mig_result r;

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_UNREADABLE, 13, "ioctl");
    check_done("freeze", mig_builder_freeze(b, &bad, &err), &err);
    src = (struct mig_party){"alpha", good};
    dst = (struct mig_party){"beta", bad};
    mig_negotiate(&src, &dst, &choice, &r);
    check_text("verdict", "unknown", mig_verdict_name(r.verdict));
    check_text("passthrough", "unknown", mig_verdict_name(r.passthrough));
    mig_result_clear(&r);
}

/* What the evidence does not tell is never taken for the better case. */
CHECK_TEST(without_evidence_nothing_is_compatible)
{
    static const struct {
        const char *label, *source, *destination, *verdict, *passthrough, *id;
    } cases[] = {
        {"no vendor",                   LEVEL_3 " @x86/cpuid/0.0/ebx=0",                     LEVEL_3 " @x86/cpuid/0.0/ebx=0",              "unknown",
         "unknown",                                                                                                                                                               "host/vendor/alpha"  },
        {"one vendor unknown",          LEVEL_3,                                             LEVEL_3 " ~cpuid=partial ^x86/cpuid/0.0/edx", "unknown",
         "unknown",                                                                                                                                                               "host/vendor/beta"   },
        {"no CPUID",                    LEVEL_3 " ~cpuid=none",                              LEVEL_3 " ~cpuid=none",                       "unknown",               "unknown",
         "coverage/cpuid"                                                                                                                                                                              },
        {"level not covered",           LEVEL_3 " ~cpuid=partial ^x86/cpuid/80000001.0/edx", LEVEL_3,
         "unknown",                                                                                                                                                 "unknown",    "host/features/alpha"},
        {"immunity not covered",        LEVEL_3 " md_clear",                                 LEVEL_3 " ~msr=none",                         "unknown",               "unknown",
         "x86/cpuid/7.0/edx/10"                                                                                                                                                                        },
        {"proof in a leaf not covered", LEVEL_3 " verw_clear",
         LEVEL_3 " " PARTLY " @x86/cpuid/80000021.0/eax=0",                                                                                "unknown",               "unknown",
         "x86/cpuid/80000021.0/eax/5"                                                                                                                                                                  },
        {"MSR",                         LEVEL_3,                                             LEVEL_3 " ?x86/msr/10a",                      "unknown",               "unknown",    "x86/msr/10a"        },
        {"MSR of an opt-in",            LEVEL_3,                                             LEVEL_3 " ?x86/msr/480",                      "compatible-on-profile", "unknown",
         "x86/msr/480"                                                                                                                                                                                 },
        {"MSR of an opt-in here",       LEVEL_3 " ?x86/msr/480",                             LEVEL_3,                                      "compatible-on-profile",
         "unknown",                                                                                                                                                               "x86/msr/480"        },
        {"MSR without a row",           LEVEL_3 " ?x86/msr/999",                             LEVEL_3,                                      "unknown",               "unknown",
         "x86/msr/999"                                                                                                                                                                                 },
        {"rate",                        LEVEL_3,                                             LEVEL_3 " ?host/tsc-khz",                     "unknown",               "unknown",    "host/tsc-khz"       },
        {"no rate",                     LEVEL_3,                                             LEVEL_3 " @host/tsc-khz=0",                   "unknown",               "unknown",    "host/tsc-khz"       },
        {"capability",                  LEVEL_3 " ?kvm/cap/XSAVE",                           LEVEL_3,                                      "unknown",               "unknown",    "kvm/cap/XSAVE"      },
        {"tile permission",             LEVEL_3 " ?host/tile-permission",                    LEVEL_3,                                      "compatible",            "compatible",
         NULL                                                                                                                                                                                          },
        {"all MSRs",                    LEVEL_3,                                             LEVEL_3 " ~msr=unreadable",                   "unknown",               "unknown",    "coverage/msr"       },
        {"Windows leaves",              LEVEL_3,                                             LEVEL_3 " ~cpuid-hv=none",                    "compatible",            "compatible", NULL                 },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(c->source, c->destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_text(c->label, c->passthrough, mig_verdict_name(r.passthrough));
        check_true(c->label, r.passthrough != MIG_UNKNOWN || strcmp(r.direction, "none") == 0);
        check_true(c->label, c->id == NULL || mig_findings_find(&r.findings, c->id) != NULL);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_tolerated_group_may_be_unreadable)
{
    static const struct {
        const char *label, *edit;
        enum mig_group group;
        const char *verdict;
    } cases[] = {
        {"group",      "~msr=unreadable",                MIG_GROUP_MSR,   "compatible"},
        {"register",   "arch_capabilities ?x86/msr/10a", MIG_GROUP_MSR,   "compatible"},
        {"capability", "?kvm/cap/XSAVE",                 MIG_GROUP_CAP,   "compatible"},
        {"rate",       "@host/tsc-khz=0",                MIG_GROUP_TSC,   "compatible"},
        {"leaves",     "~cpuid=unreadable",              MIG_GROUP_CPUID, "unknown"   },
    };

    CHECK_EACH (c, cases) {
        struct mig_choice choice = {0};
        MIG_AUTO(mig_free) char *there = mig_strf(LEVEL_3 " %s", c->edit);
        struct mig_result r;

        choice.tolerate[c->group] = true;
        small_negotiate(LEVEL_3, there, &choice, &r);
        if (strcmp(c->label, "register") != 0) {
            check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        } else {
            check_text(c->label, "compatible-masked", mig_verdict_name(r.verdict));
        }
        mig_result_clear(&r);
    }
}

/* Evidence that does not even name the CPU proves nothing by being equal. */
CHECK_TEST(arm64_hosts_without_a_cpu_are_unknown)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *arm = NULL;
    struct mig_party pair[2] = {{.name = "alpha"}, {.name = "beta"}};
    struct mig_choice choice = {0};
    struct mig_error err;
    struct mig_result r;

    mig_builder_set(b, (struct mig_reg){MIG_SPACE_IDREG, 0x130000, 3, MIG_EAX}, 0x1100000011111112);
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_builder_cover(b, (enum mig_group)g, MIG_COVER_FULL, 0, "test");
        choice.tolerate[g] = true;
    }
    check_done("freeze", mig_builder_freeze(b, &arm, &err), &err);
    pair[0].snapshot = pair[1].snapshot = arm;
    mig_negotiate(&pair[0], &pair[1], &choice, &r);
    check_text("pair", "unknown", mig_verdict_name(r.verdict));
    check_text("passthrough", "unknown", mig_verdict_name(r.passthrough));
    assert_non_null(mig_findings_find(&r.findings, "host/vendor/alpha"));
    assert_non_null(mig_findings_find(&r.findings, "host/vendor/beta"));
    mig_result_clear(&r);
    mig_baseline(pair, 2, &choice, &r);
    check_text("set", "unknown", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_TEST(evidence_that_is_not_believed_outranks_the_verdict)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    small_negotiate(LEVEL_3, LEVEL_3, &choice, &r);
    mig_result_distrust(&r, "trust/expired", "too old", "ask again");
    check_text("verdict", "unknown", mig_verdict_name(r.verdict));
    check_text("passthrough", "unknown", mig_verdict_name(r.passthrough));
    check_text("direction", "none", r.direction);
    assert_null(r.profile);
    mig_result_clear(&r);
}

CHECK_TEST(a_set_is_compatible_when_nobody_gives_anything_up)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *a = small_host(LEVEL_3), *b = small_host(LEVEL_3 " erms");
    struct mig_party set[3] = {
        {"alpha", a},
        {"beta",  a},
        {"gamma", b}
    };
    struct mig_choice choice = {0};
    struct mig_result r;

    mig_baseline(set, 2, &choice, &r);
    check_text("equal", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
    mig_baseline(set, 3, &choice, &r);
    check_text("not equal", "compatible-on-profile", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_TEST(architectures_are_one_blocker)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *x86 = small_host(LEVEL_3), *arm = NULL;
    struct mig_choice choice = {0};
    struct mig_party src, dst;
    struct mig_error err;
    struct mig_result r;

    check_done("freeze", mig_builder_freeze(b, &arm, &err), &err);
    src = (struct mig_party){"alpha", x86};
    dst = (struct mig_party){"beta", arm};
    mig_negotiate(&src, &dst, &choice, &r);
    check_text("verdict", "incompatible", mig_verdict_name(r.verdict));
    check_number("findings", 1, r.findings.len);
    check_text("id", "host/arch", r.findings.items[0].id);
    mig_result_clear(&r);
}

CHECK_TEST(a_minimum_that_is_not_reached_names_what_is_missing)
{
    struct mig_choice choice = {.minimum = mig_level_set(MIG_LEVEL_X86_64_V3)};
    struct mig_result r;

    small_negotiate(LEVEL_3, LEVEL_3 " -avx2", &choice, &r);
    check_text("verdict", "incompatible", mig_verdict_name(r.verdict));
    check_text("passthrough is told all the same", "incompatible", mig_verdict_name(r.passthrough));
    check_text("why",
               "the common profile is below x86-64-v3: it has no avx2, which is missing on beta",
               mig_findings_find(&r.findings, "policy/minimum")->why);
    mig_result_clear(&r);
    small_negotiate(LEVEL_3 " -avx2", LEVEL_3 " -avx2", &choice, &r);
    check_text("also when guests could move", "incompatible", mig_verdict_name(r.verdict));
    check_text("which is said", "compatible", mig_verdict_name(r.passthrough));
    mig_result_clear(&r);
    small_negotiate(LEVEL_3, LEVEL_3, &choice, &r);
    check_text("reached", "compatible", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(the_verdict_says_which_way_a_guest_may_move),
           cmocka_unit_test(an_opt_in_is_offered_only_when_asked_for),
           cmocka_unit_test(hyperv_leaves_are_merged_on_request),
           cmocka_unit_test(losses_name_what_each_host_gives_up),
           cmocka_unit_test(missing_evidence_is_a_warning_or_unknown),
           cmocka_unit_test(what_could_not_be_read_is_unknown),
           cmocka_unit_test(without_evidence_nothing_is_compatible),
           cmocka_unit_test(a_tolerated_group_may_be_unreadable),
           cmocka_unit_test(arm64_hosts_without_a_cpu_are_unknown),
           cmocka_unit_test(evidence_that_is_not_believed_outranks_the_verdict),
           cmocka_unit_test(a_set_is_compatible_when_nobody_gives_anything_up),
           cmocka_unit_test(architectures_are_one_blocker),
           cmocka_unit_test(a_minimum_that_is_not_reached_names_what_is_missing))
