/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/profile.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/check.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static const struct mig_choice plain;

/* "a b c" of the flags that the profile sets. */
static char *features(const struct mig_profile *p)
{
    char *all = mig_strdup("");

    for (size_t i = 0; i < p->features_len; i++) {
        char *longer = mig_strf("%s%s%s", all, i > 0 ? " " : "", p->features[i]);

        mig_free(all);
        all = longer;
    }
    return all;
}

CHECK_TEST(the_flags_of_a_profile_are_listed_by_name)
{
    struct mig_result r;

    small_negotiate(LEVEL_1 " erms adx phys_addr_bits=46", LEVEL_1 " erms phys_addr_bits=46",
                    &plain, &r);
    assert_non_null(r.profile);
    MIG_AUTO(mig_free) char *got = features(r.profile);
    check_text("features", "apic cmov cx8 erms fpu fxsr lm mmx msr nx pae sse sse2 syscall tsc",
               got);
    mig_result_clear(&r);
}

CHECK_TEST(the_flags_of_a_real_profile_are_those_of_its_words)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host("amd-genoa-6.1");
    struct mig_party alone = {"genoa", host};
    struct mig_fields all = mig_field_all();
    struct mig_result r;
    size_t set = 0;

    mig_baseline(&alone, 1, &plain, &r);
    assert_non_null(r.profile);
    for (size_t i = 1; i < r.profile->features_len; i++) {
        check_true(r.profile->features[i],
                   strcmp(r.profile->features[i - 1], r.profile->features[i]) < 0);
    }
    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];

        set += mig_field_is_flag(f) && mig_field_get(f, mig_profile_get(r.profile, f->reg)) != 0
                   ? 1
                   : 0;
    }
    check_true("some", set > 100);
    check_number("features", set, r.profile->features_len);
    mig_result_clear(&r);
}

CHECK_TEST(limits_are_those_that_hosts_share)
{
    static const struct {
        const char *label, *a, *b;
        uint64_t maxphysaddr, tsc_khz;
        int level;
    } cases[] = {
        {"alike",                 "",                      "",                      46, 2600000, 3},
        {"narrower",              "",                      "phys_addr_bits=40",     40, 2600000, 3},
        {"below the level",       "",                      "-avx2",                 46, 2600000, 2},
        {"250 ppm apart",         "",                      "@host/tsc-khz=2600650", 46, 2600000, 3},
        {"the slower one counts", "@host/tsc-khz=2600650", "",                      46, 2600000, 3},
        {"more than that",        "",                      "@host/tsc-khz=2600651", 46, 0,       3},
        {"another rate",          "",                      "@host/tsc-khz=3000000", 46, 0,       3},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *a = mig_strf(LEVEL_3 " %s", c->a);
        MIG_AUTO(mig_free) char *b = mig_strf(LEVEL_3 " %s", c->b);
        struct mig_result r;

        small_negotiate(a, b, &plain, &r);
        if (r.profile == NULL) {
            fail_msg("%s: no profile", c->label);
        }
        check_number(c->label, c->maxphysaddr, r.profile->maxphysaddr);
        check_number(c->label, c->tsc_khz, r.profile->tsc_khz);
        check_number(c->label, (uint64_t)c->level, (uint64_t)r.profile->level);
        mig_result_clear(&r);
    }
}

/* A leaf of zeros says nothing, an MSR of 0 keeps the host's from the guest. */
CHECK_TEST(registers_that_say_nothing_are_left_out)
{
    static const struct {
        const char *label, *host;
        struct mig_reg reg;
        bool kept;
        uint64_t value;
    } cases[] = {
        {"a leaf",                          "erms",                             {MIG_SPACE_CPUID, 7, 0, MIG_EBX},          true,  0x328     },
        {"the rest of it",                  "erms @x86/cpuid/7.0/ecx=0",        {MIG_SPACE_CPUID, 7, 0, MIG_ECX},          true,  0         },
        {"a leaf of zeros",                 "@x86/cpuid/14.0/eax=0",            {MIG_SPACE_CPUID, 0x14, 0, MIG_EAX},       false, 0         },
        {"the next leaf counts for itself",
         "erms @x86/cpuid/6.0/eax=0",                                           {MIG_SPACE_CPUID, 6, 0, MIG_EAX},
         false,                                                                                                                   0         },
        {"an MSR of 0",                     "@x86/msr/10a=0",                   {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX},        true,  0         },
        {"an MSR without a row",            "@x86/msr/999=1",                   {MIG_SPACE_MSR, 0x999, 0, MIG_EAX},        false, 0         },
        {"highest leaf, from the top",
         "@x86/cpuid/0.0/eax=0x1f @x86/cpuid/19.0/eax=0",                       {MIG_SPACE_CPUID, 0, 0, MIG_EAX},
         true,                                                                                                                    0xd       },
        {"highest subleaf of 7",
         "erms @x86/cpuid/7.0/eax=2 @x86/cpuid/7.2/edx=0",                      {MIG_SPACE_CPUID, 7, 0, MIG_EAX},
         true,                                                                                                                    0         },
        {"one that says something",
         "erms intel_psfd @x86/cpuid/7.0/eax=2",                                {MIG_SPACE_CPUID, 7, 0, MIG_EAX},
         true,                                                                                                                    2         },
        {"no extended leaf above it",
         "@x86/cpuid/80000000.0/eax=0x80000008 @x86/cpuid/80000021.0/eax=0x40", {MIG_SPACE_CPUID, 0x80000021, 0, MIG_EAX},
         false,                                                                                                                   0         },
        {"an extended leaf",
         "@x86/cpuid/80000000.0/eax=0x80000021 null_sel_clr_base",              {MIG_SPACE_CPUID, 0x80000000, 0, MIG_EAX},
         true,                                                                                                                    0x80000021},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *text = mig_strf(LEVEL_3 " %s", c->host);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = small_host(text);
        struct mig_party alone = {"alpha", host};
        struct mig_result r;

        mig_baseline(&alone, 1, &plain, &r);
        if (r.profile == NULL) {
            fail_msg("%s: no profile", c->label);
        }
        check_number(c->label, c->kept, mig_profile_find(r.profile, c->reg) != NULL);
        check_number(c->label, c->value, mig_profile_get(r.profile, c->reg));
        mig_result_clear(&r);
    }
}

/* A guest of the profile was shown what every host's evidence tells. */
CHECK_TEST(a_profile_is_evidence_of_what_it_covers)
{
    static const char *const hyperv[] = {"hyperv"};
    static const struct mig_choice windows = {.allow = hyperv, .allow_len = 1};
    static const struct {
        const char *label, *a, *b;
        const struct mig_choice *choice;
        enum mig_coverage cpuid, msr, cpuid_hv;
    } cases[] = {
        {"all of it",              "arch_capabilities mds_no", "arch_capabilities mds_no",    &plain,
         MIG_COVER_FULL,                                                                                                MIG_COVER_FULL,    MIG_COVER_NONE},
        {"MSRs of one",            "arch_capabilities mds_no", "arch_capabilities ~msr=none", &plain,
         MIG_COVER_FULL,                                                                                                MIG_COVER_PARTIAL, MIG_COVER_NONE},
        {"a leaf of one",          "arat",
         "~cpuid=partial @x86/cpuid/7.0/ecx=0 @x86/cpuid/7.0/edx=0 ^x86/cpuid/6.0/eax",       &plain,
         MIG_COVER_PARTIAL,                                                                                             MIG_COVER_FULL,    MIG_COVER_NONE},
        {"Windows leaves",         "hv_synic",                 "hv_synic",                    &windows, MIG_COVER_FULL, MIG_COVER_FULL,
         MIG_COVER_FULL                                                                                                                                  },
        {"Windows leaves of none", "",                         "",                            &windows, MIG_COVER_FULL, MIG_COVER_FULL,
         MIG_COVER_NONE                                                                                                                                  },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *a = mig_strf(LEVEL_3 " %s", c->a);
        MIG_AUTO(mig_free) char *b = mig_strf(LEVEL_3 " %s", c->b);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
        struct mig_result r;

        small_negotiate(a, b, c->choice, &r);
        if (r.profile == NULL) {
            fail_msg("%s: no profile", c->label);
        }
        shown = mig_profile_as_snapshot(r.profile);
        check_number(c->label, c->cpuid, shown->groups[MIG_GROUP_CPUID].coverage);
        check_number(c->label, c->msr, shown->groups[MIG_GROUP_MSR].coverage);
        check_number(c->label, c->cpuid_hv, shown->groups[MIG_GROUP_CPUID_HV].coverage);
        check_number(c->label, MIG_COVER_FULL, shown->groups[MIG_GROUP_KVM_VIEW].coverage);
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_set_without_an_answer_has_no_profile)
{
#define AMD                                                                                        \
    " @x86/cpuid/0.0/ebx=0x68747541 @x86/cpuid/0.0/edx=0x69746e65 @x86/cpuid/0.0/ecx=0x444d4163"
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *intel = small_host(LEVEL_3);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *amd = small_host(LEVEL_3 AMD);
    const struct mig_party set[] = {
        {"alpha", intel},
        {"beta",  amd  }
    };
    struct mig_result r;

    memset(&r, 0xa5, sizeof r);
    mig_baseline(set, 2, &plain, &r);
    check_text("verdict", "incompatible", mig_verdict_name(r.verdict));
    check_text("passthrough", "incompatible", mig_verdict_name(r.passthrough));
    check_true("profile", r.profile == NULL && r.losses_len == 0 && !r.contract);
    mig_result_clear(&r);
}

CHECK_TEST(what_a_host_gives_up_is_told_by_kind)
{
    static const struct {
        const char *label, *a, *b, *name; /* NULL: nobody gives anything up */
        bool security, announced;
    } cases[] = {
        {"a feature",                     "erms",                             "",                       "erms",         false, false},
        {"an immunity",                   "arch_capabilities rdcl_no",        "arch_capabilities",      "rdcl_no",      true,  false},
        {"a vulnerability that is told",  "arch_capabilities @x86/msr/10a=0",
         "arch_capabilities rsba",                                                                      "rsba",         false, true },
        {"one in a word not listed",      "arch_capabilities",                "arch_capabilities rsba", "rsba",         false,
         true                                                                                                                       },
        {"something gone that is told",   "",                                 "zero_fcs_fds",           "zero_fcs_fds", false, true },
        {"what is never offered",         "tm",                               "",                       NULL,           false, false},
        {"what a guest does not compare", "@x86/cpuid/1.0/eax=0x606a5",       "",                       NULL,           false, false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *a = mig_strf(LEVEL_3 " %s", c->a);
        MIG_AUTO(mig_free) char *b = mig_strf(LEVEL_3 " %s", c->b);
        struct mig_result r;

        small_negotiate(a, b, &plain, &r);
        check_number(c->label, c->name != NULL, r.losses_len);
        if (c->name != NULL) {
            check_text(c->label, c->name, r.losses[0].name);
            check_number(c->label, c->security, r.losses[0].security);
            check_number(c->label, c->announced, r.losses[0].announced);
        }
        mig_result_clear(&r);
    }
}

CHECK_MAIN(cmocka_unit_test(the_flags_of_a_profile_are_listed_by_name),
           cmocka_unit_test(the_flags_of_a_real_profile_are_those_of_its_words),
           cmocka_unit_test(limits_are_those_that_hosts_share),
           cmocka_unit_test(registers_that_say_nothing_are_left_out),
           cmocka_unit_test(a_profile_is_evidence_of_what_it_covers),
           cmocka_unit_test(a_set_without_an_answer_has_no_profile),
           cmocka_unit_test(what_a_host_gives_up_is_told_by_kind))
