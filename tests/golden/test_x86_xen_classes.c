/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classes of Xen's own tests of CPU policies that a verifier has too
 * (vendor, leaves out of range, compatible or not, input refused), and those
 * that are missing there: single features, numbers, bits that accumulate, all
 * blockers at once, monotony.  Serialising has its tests in unit/test_codec,
 * signatures in prop/test_seal_laws, dependencies in test_x86_edges, RSBA in
 * test_x86_arch_caps.
 */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "snapshot/import.h"
#include "support/move.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static const struct mig_choice choice;

static uint32_t letters(const char *s)
{
    return (uint32_t)(unsigned char)s[0] | (uint32_t)(unsigned char)s[1] << 8 |
           (uint32_t)(unsigned char)s[2] << 16 | (uint32_t)(unsigned char)s[3] << 24;
}

static struct mig_snapshot *host_of_vendor(const char *vendor)
{
    char all[13] = "";

    memcpy(all, vendor, strlen(vendor));
    {
        MIG_AUTO(mig_free)
        char *edits = mig_strf(LEVEL_3 " @x86/cpuid/0.0/ebx=0x%x @x86/cpuid/0.0/edx=0x%x "
                                       "@x86/cpuid/0.0/ecx=0x%x",
                               letters(all), letters(all + 4), letters(all + 8));

        return small_host(edits);
    }
}

CHECK_TEST(a_vendor_is_all_of_its_twelve_characters)
{
    static const char *const vendors[] = {
        "GenuineIntel", "AuthenticAMD", "CentaurHauls", "  Shanghai  ",
        "HygonGenuine", "            ", "xxxxxxxxxxxx", "GenuineIotel",
    };
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *nobody = host_of_vendor("");

    CHECK_EACH (a, vendors) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *x = host_of_vendor(*a);
        struct mig_party src = {"alpha", x}, dst = {"beta", nobody};
        struct mig_result r;

        mig_negotiate(&src, &dst, &choice, &r);
        check_text(*a, "unknown", mig_verdict_name(r.verdict));
        mig_result_clear(&r);
        CHECK_EACH (b, vendors) {
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *y = host_of_vendor(*b);

            dst = (struct mig_party){"beta", y};
            mig_negotiate(&src, &dst, &choice, &r);
            check_text(*a, a == b ? "compatible" : "incompatible", mig_verdict_name(r.verdict));
            mig_result_clear(&r);
        }
    }
}

/* KVM answers a leaf that is in its table even above the announced highest
 * one: what a profile announces as the end is the end. */
CHECK_TEST(nothing_stands_above_the_highest_leaf_of_a_profile)
{
    static const struct {
        const char *label, *edits, *planted;
    } cases[] = {
        {"basic",             "@x86/cpuid/0.0/eax=0xd @x86/cpuid/1e.1/eax=0xff",                     "1e.1/eax"      },
        {"basic edge",        "@x86/cpuid/0.0/eax=0x1d @x86/cpuid/1e.0/ebx=0xffff",                  "1e.0/ebx"      },
        {"extended",          "@x86/cpuid/80000000.0/eax=0x80000008 @x86/cpuid/80000021.0/eax=0x41",
         "80000021.0/eax"                                                                                            },
        {"extended edge",     "@x86/cpuid/80000000.0/eax=0x80000007",                                "80000008.0/eax"},
        {"component",         "@x86/cpuid/d.9/eax=8 @x86/cpuid/d.9/ebx=0xa80",                       "d.9/eax"       },
        {"component's place", "@x86/cpuid/d.5/eax=0x40 @x86/cpuid/d.5/ebx=0x440",                    "d.5/ebx"       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *edits = mig_strf(LEVEL_3 " %s", c->edits);
        MIG_AUTO(mig_free) char *place = mig_strf("x86/cpuid/%s", c->planted);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(edits);
        struct mig_party self = {"x", s};
        struct mig_error err;
        struct mig_result r;
        struct mig_reg reg;
        uint64_t planted;

        check_done(place, mig_reg_parse(place, &reg, &err), &err);
        (void)mig_snapshot_get(s, reg, &planted);
        check_true(c->label, planted != 0);
        mig_baseline(&self, 1, &choice, &r);
        assert_non_null(r.profile);
        check_number(c->label, 0, mig_profile_get(r.profile, reg));
        mig_result_clear(&r);
    }
}

/* The four checks that Xen 4.20 has, and stops at the first of. */
#define HIGHER                                                                                     \
    "@x86/cpuid/0.0/eax=0x16 @x86/cpuid/16.0/eax=0 @x86/cpuid/7.0/eax=1 "                          \
    "@x86/cpuid/80000000.0/eax=0x80000021 @x86/msr/ce=0x80000000"

CHECK_TEST(numbers_are_limits_and_all_are_told)
{
    static const struct {
        const char *label, *guest, *host;
        const char *ids[6];
    } cases[] = {
        {"equal",                  LEVEL_3,                            LEVEL_3,            {NULL}                                                              },
        {"all lower than there",   LEVEL_3,                            LEVEL_3 " " HIGHER, {NULL}                                                              },
        {"highest basic leaf",     LEVEL_3 " @x86/cpuid/0.0/eax=0x16", LEVEL_3,            {"max_std_leaf"}                                                    },
        {"highest subleaf of 7",   LEVEL_3 " @x86/cpuid/7.0/eax=1",    LEVEL_3,            {"leaf7_n_subleaves"}                                               },
        {"highest extended leaf",
         LEVEL_3 " @x86/cpuid/80000000.0/eax=0x80000021",
         LEVEL_3,                                                                          {"max_ext_leaf"}                                                    },
        {"PLATFORM_INFO",          LEVEL_3 " @x86/msr/ce=0x80000000",  LEVEL_3,            {"cpuid_fault"}                                                     },
        {"all four",
         LEVEL_3 " " HIGHER,
         LEVEL_3,                                                                          {"max_std_leaf", "leaf7_n_subleaves", "max_ext_leaf", "cpuid_fault"}},
        {"address width",          LEVEL_3 " phys_addr_bits=52",       LEVEL_3,            {"phys_addr_bits"}                                                  },
        {"line size",              LEVEL_3 " clflush_size=16",         LEVEL_3,            {"clflush_size"}                                                    },
        {"all of a kind and more",
         LEVEL_3 " " HIGHER " phys_addr_bits=52 erms",
         LEVEL_3,                                                                          {"max_std_leaf", "leaf7_n_subleaves", "max_ext_leaf", "cpuid_fault", "phys_addr_bits",
          "erms"}                                                                                                                             },
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;
        size_t expected = 0;

        move_small(c->guest, c->host, &r);
        for (; expected < 6 && c->ids[expected] != NULL; expected++) {
            const struct mig_finding *f = move_finding(c->label, &r, c->ids[expected]);

            check_number(c->label, MIG_BLOCKER, f->severity);
            check_true(c->label, f->why != NULL && f->remedy != NULL);
        }
        move_check_count(c->label, &r, MIG_SECURITY, expected);
        mig_result_clear(&r);
    }
}

/* Bits that ask for more than a single word to be judged. */
static bool is_plain(const struct mig_field *f)
{
    static const uint32_t described[] = {0xa, 0xd, 0x12, 0x14, 0x1d, 0x1e, 0x24, 0x29, 0x8000000a};

    CHECK_EACH (leaf, described) {
        if (f->reg.space == MIG_SPACE_CPUID && f->reg.index == *leaf) {
            return false;
        }
    }
    if (strcmp(f->name, "hypervisor") == 0) {
        return false; /* the VMM shows it on any host */
    }
    return mig_field_is_flag(f) && f->offer == MIG_OFFER_ON && f->reg.space == MIG_SPACE_CPUID &&
           (f->shape.rule == MIG_RULE_AND || f->shape.rule == MIG_RULE_AND_IMMUNE);
}

/* Xen compares no feature bit at all. */
CHECK_TEST(every_single_feature_that_a_host_lacks_is_told_by_its_name)
{
    struct mig_fields all = mig_field_all();
    size_t told = 0;

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        MIG_AUTO(mig_free) char *with = mig_strf(LEVEL_3 " %s", f->name);
        MIG_AUTO(mig_free) char *without = mig_strf(LEVEL_3 " -%s", f->name);
        struct mig_result r;

        if (!is_plain(f)) {
            continue;
        }
        move_small(with, without, &r);
        check_true(f->name, move_finding(f->name, &r, f->name)->severity >= MIG_SECURITY);
        check_text(f->name, f->name, move_finding(f->name, &r, f->name)->names[0]);
        mig_result_clear(&r);
        /* and is no trouble the other way. */
        move_small(without, with, &r);
        check_true(f->name, !move_has_finding(&r, f->name) ||
                                move_finding(f->name, &r, f->name)->severity == MIG_NOTE);
        mig_result_clear(&r);
        told++;
    }
    check_true("most of the table", told > 200);
}

/* Visible if any host has it, or the guests of one would rely on too much. */
CHECK_TEST(bits_that_accumulate_are_in_the_profile_when_any_host_has_them)
{
    static const struct {
        const char *name, *immune;
    } cases[] = {
        {"no_efer_lmsle",        ""                                           },
        {"fsgs_non_serializing", ""                                           },
        {"md_clear",             "mds_no taa_no"                              },
        {"fb_clear",             "mds_no sbdr_ssdp_no fbsdp_no psdp_no taa_no"},
        {"rfds_clear",           "rfds_no"                                    },
        {"verw_clear",           "tsa_sq_no tsa_l1_no"                        },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *with =
            mig_strf(LEVEL_3 " @x86/cpuid/80000000.0/eax=0x80000021 arch_capabilities %s", c->name);
        MIG_AUTO(mig_free)
        char *without = mig_strf(
            LEVEL_3 " @x86/cpuid/80000000.0/eax=0x80000021 arch_capabilities %s", c->immune);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_host(with);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_host(without);
        const struct mig_field *f = mig_field_find(c->name);
        struct mig_party pair[2] = {
            {"alpha", a},
            {"beta",  b}
        };
        struct mig_result r;

        mig_baseline(pair, 2, &choice, &r);
        check_true(c->name, r.profile != NULL);
        check_number(c->name, 1, mig_field_get(f, mig_profile_get(r.profile, f->reg)));
        mig_result_clear(&r);
    }
}

CHECK_TEST(input_that_says_one_thing_twice_is_refused_and_gives_nothing)
{
    static const struct {
        const char *label, *text, *says;
    } cases[] = {
        {"cpuid -r, another value",
         "CPU 0:\n"
         "   0x00000000 0x00: eax=0x00000016 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
         "   0x00000000 0x00: eax=0x00000017 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n", "twice"    },
        {"cpudata, another value",
         "<cpudata arch='x86'>"
         "<cpuid eax_in='0x0' ecx_in='0x0' eax='0x16' ebx='0x756e6547' ecx='0x6c65746e' "
         "edx='0x49656e69'/>"
         "<cpuid eax_in='0x0' ecx_in='0x0' eax='0x17' ebx='0x756e6547' ecx='0x6c65746e' "
         "edx='0x49656e69'/></cpudata>",                                                      "twice"    },
        {"our JSON, one member twice",
         "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Snapshot\",\"arch\":\"x86-64\","
         "\"arch\":\"x86-64\"}",                                                              "duplicate"},
    };

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format = NULL;
        struct mig_error err;

        check_true(c->label, !mig_import("x", c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->label, c->says, err.msg);
        assert_null(s);
        assert_null(format);
    }
}

static bool shows(const struct mig_profile *p, const char *feature)
{
    for (size_t i = 0; i < p->features_len; i++) {
        if (strcmp(p->features[i], feature) == 0) {
            return true;
        }
    }
    return false;
}

/* Announcements of something bad or gone only grow; the rest only shrinks. */
static bool is_announcement(const char *feature)
{
    enum mig_rule rule = mig_field_find(feature)->shape.rule;

    return rule == MIG_RULE_OR_VULNERABLE || rule == MIG_RULE_OR_INVERTED ||
           rule == MIG_RULE_OR_MITIGATION || rule == MIG_RULE_OR;
}

static void check_shrinks(const char *label, const struct mig_profile *more,
                          const struct mig_profile *fewer)
{
    for (size_t i = 0; i < more->features_len; i++) {
        if (!is_announcement(more->features[i]) && !shows(fewer, more->features[i])) {
            fail_msg("%s: one more host brought %s", label, more->features[i]);
        }
    }
    for (size_t i = 0; i < fewer->features_len; i++) {
        if (is_announcement(fewer->features[i]) && strcmp(fewer->features[i], "rrsba") != 0 &&
            !shows(more, fewer->features[i])) {
            fail_msg("%s: one more host hid %s", label, fewer->features[i]);
        }
    }
    check_true(label, more->level <= fewer->level);
    check_true(label, more->maxphysaddr <= fewer->maxphysaddr);
}

CHECK_TEST(one_more_host_never_brings_a_feature)
{
    static const char *const captures[] = {
        "intel-cascadelake-5.10",    "intel-cascadelake-6.1",      "intel-icelake-5.10",
        "intel-icelake-6.1",         "intel-sapphire-rapids-5.10", "intel-sapphire-rapids-6.1",
        "intel-granite-rapids-5.10", "intel-granite-rapids-6.1",
    };
    enum { LEN = sizeof captures / sizeof *captures };
    struct mig_party all[LEN], set[3];

    for (size_t i = 0; i < LEN; i++) {
        all[i] = (struct mig_party){captures[i], snapshot_host(captures[i])};
    }
    for (size_t i = 0; i < LEN * LEN * LEN; i++) {
        struct mig_result two, three;

        set[0] = all[i % LEN];
        set[1] = all[i / LEN % LEN];
        set[2] = all[i / LEN / LEN];
        mig_baseline(set, 2, &choice, &two);
        mig_baseline(set, 3, &choice, &three);
        check_true(set[2].name, two.profile != NULL && three.profile != NULL);
        check_shrinks(set[2].name, three.profile, two.profile);
        mig_result_clear(&two);
        mig_result_clear(&three);
    }
    for (size_t i = 0; i < LEN; i++) {
        mig_snapshot_free((struct mig_snapshot *)(uintptr_t)all[i].snapshot);
    }
}

CHECK_MAIN(cmocka_unit_test(a_vendor_is_all_of_its_twelve_characters),
           cmocka_unit_test(nothing_stands_above_the_highest_leaf_of_a_profile),
           cmocka_unit_test(numbers_are_limits_and_all_are_told),
           cmocka_unit_test(every_single_feature_that_a_host_lacks_is_told_by_its_name),
           cmocka_unit_test(bits_that_accumulate_are_in_the_profile_when_any_host_has_them),
           cmocka_unit_test(input_that_says_one_thing_twice_is_refused_and_gives_nothing),
           cmocka_unit_test(one_more_host_never_brings_a_feature))
