/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/merge.h"

#include <stdio.h>

#include "base/alloc.h"
#include "support/check.h"
#include "support/small_host.h"

#define AMX                                                                                        \
    LEVEL_3 " amx_tile amx_bf16 xcr0_tileconfig xcr0_tiledata @x86/cpuid/d.11/eax=0x40 "           \
            "@x86/cpuid/d.12/eax=0x2000 amx_max_palette=1 amx_palette_size=0x2000 "                \
            "amx_tile_size=0x400 amx_tile_row_size=0x40 amx_palette_nr_tiles=8 "                   \
            "amx_tile_nr_rows=16 tmul_maxk=16 tmul_maxn=64 "

static const struct mig_choice plain;

static uint64_t shown(const struct mig_result *r, const char *name)
{
    const struct mig_field *f = mig_field_find(name);

    check_true(name, f != NULL && r->profile != NULL);
    return mig_field_get(f, mig_profile_get(r->profile, f->reg));
}

/* "a b": what follows from the finding @id. */
static void check_dependants(const struct mig_result *r, const char *id, const char *expected)
{
    const struct mig_finding *f = mig_findings_find(&r->findings, id);
    char got[512] = "";

    check_true(id, f != NULL);
    for (size_t i = 0; i < f->dependants_len; i++) {
        size_t len = strlen(got);

        (void)snprintf(got + len, sizeof got - len, "%s%s", i > 0 ? " " : "", f->dependants[i]);
    }
    check_text(id, expected, got);
}

/* Every row of owner.def: hosts that describe a feature in two ways lose it. */
CHECK_TEST(a_feature_goes_with_its_description)
{
    static const struct {
        const char *field, *both, *other, *owner;
    } cases[] = {
        {"virt_addr_bits",       LEVEL_3 " la57 virt_addr_bits=57 ", "virt_addr_bits=48",       "la57"    },
        {"amx_palette_size",     AMX,                                "amx_palette_size=0x1000", "amx_tile"},
        {"amx_tile_size",        AMX,                                "amx_tile_size=0x200",     "amx_tile"},
        {"amx_tile_row_size",    AMX,                                "amx_tile_row_size=0x20",  "amx_tile"},
        {"amx_palette_nr_tiles", AMX,                                "amx_palette_nr_tiles=4",  "amx_tile"},
        {"amx_tile_nr_rows",     AMX,                                "amx_tile_nr_rows=8",      "amx_tile"},
        {"tmul_maxk",            AMX,                                "tmul_maxk=8",             "amx_tile"},
        {"tmul_maxn",            AMX,                                "tmul_maxn=32",            "amx_tile"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *other = mig_strf("%s%s", c->both, c->other);
        struct mig_result r;

        small_negotiate(c->both, c->both, &plain, &r);
        check_number(c->field, 1, shown(&r, c->owner));
        mig_result_clear(&r);
        small_negotiate(c->both, other, &plain, &r);
        check_number(c->field, 0, shown(&r, c->owner));
        mig_result_clear(&r);
    }
}

CHECK_TEST(what_goes_is_told_with_its_root_and_with_no_other)
{
    struct mig_result r;

    small_negotiate(LEVEL_3 " la57 virt_addr_bits=57 phys_addr_bits=52",
                    LEVEL_3 " la57 virt_addr_bits=48 phys_addr_bits=46 @x86/cpuid/d.2/ebx=0x300",
                    &plain, &r);
    check_dependants(&r, "x86/cpuid/80000008.0/eax/15:8", "la57");
    check_dependants(&r, "x86/cpuid/80000008.0/eax/7:0", "");
    mig_result_clear(&r);
}

/* Only what this computation takes away takes others along. */
CHECK_TEST(a_base_that_no_host_had_takes_nothing_along)
{
    struct mig_result r;

    small_negotiate(AMX "-amx_tile", AMX "-amx_tile amx_palette_size=0x1000", &plain, &r);
    check_number("amx_bf16", 1, shown(&r, "amx_bf16"));
    mig_result_clear(&r);
}

CHECK_TEST(of_two_opt_ins_in_one_word_only_the_allowed_one_is_offered)
{
    static const char *const nested[] = {"nested"};
    static const char *const pmu[] = {"pmu"};
    static const char *const both[] = {"nested", "pmu"};
    static const struct {
        const char *label;
        struct mig_choice choice;
        uint64_t svm, perfctr_core;
    } cases[] = {
        {"none",   {0},                               0, 0},
        {"nested", {.allow = nested, .allow_len = 1}, 1, 0},
        {"pmu",    {.allow = pmu, .allow_len = 1},    0, 1},
        {"both",   {.allow = both, .allow_len = 2},   1, 1},
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;

        small_negotiate(LEVEL_3 " svm perfctr_core", LEVEL_3 " svm perfctr_core", &c->choice, &r);
        check_number(c->label, c->svm, shown(&r, "svm"));
        check_number(c->label, c->perfctr_core, shown(&r, "perfctr_core"));
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_capability_that_is_not_covered_is_no_difference)
{
    static const struct {
        const char *label, *source, *destination;
        bool differs;
    } cases[] = {
        {"less there",        "@kvm/cap/MAX_VCPUS=9", "@kvm/cap/MAX_VCPUS=8", true },
        {"none there",        "@kvm/cap/MAX_VCPUS=9", "",                     true },
        {"not covered there", "@kvm/cap/MAX_VCPUS=9", "~kvm-cap=none",        false},
        {"not covered here",  "~kvm-cap=none",        "@kvm/cap/MAX_VCPUS=9", false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *from = mig_strf(LEVEL_3 " %s", c->source);
        MIG_AUTO(mig_free) char *to = mig_strf(LEVEL_3 " %s", c->destination);
        struct mig_result r;

        small_negotiate(from, to, &plain, &r);
        check_number(c->label, c->differs,
                     mig_findings_find(&r.findings, "kvm/cap/MAX_VCPUS") != NULL);
        mig_result_clear(&r);
    }
}

/* Baseline of "alpha", "beta" and "gamma". */
static void merge_three(const char *a, const char *b, const char *c, struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *alpha = small_host(a);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *beta = small_host(b);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *gamma = small_host(c);
    const struct mig_party set[] = {
        {"alpha", alpha},
        {"beta",  beta },
        {"gamma", gamma}
    };

    mig_baseline(set, 3, &plain, ret);
}

CHECK_TEST(a_conflict_names_two_hosts_that_disagree)
{
    const struct mig_finding *f;
    struct mig_result r;

    merge_three(LEVEL_3, LEVEL_3, LEVEL_3 " clflush_size=4 @x86/cpuid/1.0/eax=0x806f8", &r);
    f = mig_findings_find(&r.findings, "x86/cpuid/1.0/ebx/15:8");
    assert_non_null(f);
    check_number("one", 8, f->source.value);
    check_number("another", 4, f->destination.value);
    check_contains("who", "hosts like alpha, or on hosts like gamma", f->remedy);
    check_text("reason", "hardware", mig_reason_name(f->reason));
    mig_result_clear(&r);
    merge_three(LEVEL_3, LEVEL_3 " clflush_size=4", LEVEL_3, &r);
    f = mig_findings_find(&r.findings, "x86/cpuid/1.0/ebx/15:8");
    assert_non_null(f);
    check_number("the one in the middle", 4, f->destination.value);
    check_contains("who", "hosts like alpha, or on hosts like beta", f->remedy);
    mig_result_clear(&r);
}

CHECK_TEST(a_register_that_two_could_not_read_is_told_once)
{
    const struct mig_finding *f;
    struct mig_result r;
    size_t told = 0;

    merge_three(LEVEL_3, LEVEL_3 " ?x86/msr/10a ?x86/msr/8b", LEVEL_3 " ?x86/msr/10a", &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        told += strcmp(r.findings.items[i].id, "x86/msr/10a") == 0 ? 1 : 0;
    }
    check_number("findings", 1, told);
    f = mig_findings_find(&r.findings, "x86/msr/10a");
    check_contains("why", "beta could not read it", f->why);
    check_contains("why", "neither could gamma", f->why);
    check_number("known", MIG_UNREADABLE, f->destination.known);
    check_true("the first could", f->source.known != MIG_UNREADABLE);
    mig_result_clear(&r);
    merge_three(LEVEL_3 " ?x86/msr/10a", LEVEL_3, LEVEL_3, &r);
    f = mig_findings_find(&r.findings, "x86/msr/10a");
    assert_non_null(f);
    check_number("known", MIG_UNREADABLE, f->source.known);
    check_true("the other could", f->destination.known != MIG_UNREADABLE);
    mig_result_clear(&r);
}

CHECK_TEST(bits_without_a_row_are_told_one_by_one)
{
    const struct mig_finding *f;
    struct mig_result r;
    size_t told = 0;

    small_negotiate(LEVEL_3 " @x86/cpuid/7.1/ecx=0x80000001", LEVEL_3 " @x86/cpuid/7.1/ecx=1",
                    &plain, &r);
    for (size_t i = 0; i < r.findings.len; i++) {
        told += strncmp(r.findings.items[i].id, "x86/cpuid/7.1/ecx", 17) == 0 ? 1 : 0;
    }
    check_number("findings", 2, told);
    f = mig_findings_find(&r.findings, "x86/cpuid/7.1/ecx/31");
    assert_non_null(f);
    check_text("severity", "warning", mig_severity_name(f->severity));
    check_text("reason", "unclassified", mig_reason_name(f->reason));
    check_number("source", 1, f->source.value);
    check_number("destination", 0, f->destination.value);
    f = mig_findings_find(&r.findings, "x86/cpuid/7.1/ecx/0");
    assert_non_null(f);
    check_text("shared", "note", mig_severity_name(f->severity));
    check_number("destination", 1, f->destination.value);
    mig_result_clear(&r);
}

CHECK_TEST(lists_that_differ_name_each_register_once)
{
    const struct mig_finding *f;
    struct mig_result r;

    merge_three(LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/174=1",
                LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/174=1", LEVEL_3 " @x86/msr-list/10=1",
                &r);
    check_dependants(&r, "x86/msr-list", "x86/msr-list/174");
    f = mig_findings_find(&r.findings, "x86/msr-list");
    check_text("why", "alpha saves 1 MSR that gamma can not restore", f->why);
    mig_result_clear(&r);
    merge_three(LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/174=1",
                LEVEL_3 " @x86/msr-list/10=1 @x86/msr-list/175=1", LEVEL_3 " @x86/msr-list/10=1",
                &r);
    check_dependants(&r, "x86/msr-list", "x86/msr-list/174 x86/msr-list/175");
    check_contains("why", ", and 1 the other way",
                   mig_findings_find(&r.findings, "x86/msr-list")->why);
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(a_feature_goes_with_its_description),
           cmocka_unit_test(what_goes_is_told_with_its_root_and_with_no_other),
           cmocka_unit_test(a_base_that_no_host_had_takes_nothing_along),
           cmocka_unit_test(of_two_opt_ins_in_one_word_only_the_allowed_one_is_offered),
           cmocka_unit_test(a_capability_that_is_not_covered_is_no_difference),
           cmocka_unit_test(a_conflict_names_two_hosts_that_disagree),
           cmocka_unit_test(a_register_that_two_could_not_read_is_told_once),
           cmocka_unit_test(bits_without_a_row_are_told_one_by_one),
           cmocka_unit_test(lists_that_differ_name_each_register_once))
