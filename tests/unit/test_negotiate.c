/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "compat/negotiate.h"
#include "cpu/field.h"
#include "snapshot/builder.h"

/* A small host, as words: flags by name, numbers as name=value. */
#define LEVEL_1 "fpu cx8 cmov mmx fxsr sse sse2 syscall lm tsc msr pae apic nx"
#define LEVEL_3                                                                                    \
    LEVEL_1 " pni ssse3 sse4_1 sse4_2 cx16 popcnt lahf_lm xsave avx avx2 bmi1 bmi2 fma f16c "      \
            "movbe abm xcr0_x87 xcr0_sse xcr0_avx"

struct words {
    struct {
        uint64_t key, value;
    } items[128];
    size_t len;
};

static uint64_t *word_at(struct words *w, struct mig_reg reg)
{
    for (size_t i = 0; i < w->len; i++) {
        if (w->items[i].key == mig_reg_key(reg)) {
            return &w->items[i].value;
        }
    }
    w->items[w->len].key = mig_reg_key(reg);
    w->items[w->len].value = 0;
    return &w->items[w->len++].value;
}

/* "avx2", "-avx2", "phys_addr_bits=46", "@x86/cpuid/d.2/eax=0x100" */
static void apply(struct words *w, char *edit)
{
    bool off = *edit == '-';
    char *equals = strchr(edit, '=');
    uint64_t value = off ? 0 : 1, *word;
    const struct mig_field *f;

    if (equals != NULL) {
        *equals = '\0';
        assert_true(mig_text_to_u64(equals + 1, UINT64_MAX, &value));
    }
    if (*edit == '@') {
        struct mig_reg reg;
        struct mig_error err;

        check_done(edit, mig_reg_parse(edit + 1, &reg, &err), &err);
        *word_at(w, reg) = value;
        return;
    }
    f = mig_field_find(edit + (off ? 1 : 0));
    if (f == NULL) {
        fail_msg("no field is called '%s'", edit);
    }
    word = word_at(w, f->reg);
    *word = mig_field_put(f, *word, value);
}

static struct mig_snapshot *host(const char *edits)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_free)
    char *text = mig_strf(
        "@x86/cpuid/0.0/eax=0xd @x86/cpuid/0.0/ebx=0x756e6547 @x86/cpuid/0.0/edx=0x49656e69 "
        "@x86/cpuid/0.0/ecx=0x6c65746e @x86/cpuid/1.0/eax=0x606a6 @x86/cpuid/7.0/eax=0 "
        "@x86/cpuid/80000000.0/eax=0x80000008 phys_addr_bits=46 virt_addr_bits=48 "
        "clflush_size=8 @x86/cpuid/d.2/eax=0x100 @x86/cpuid/d.2/ebx=0x240 "
        "@x86/cpuid/d.0/ecx=0x340 @host/tsc-khz=2600000 %s",
        edits);
    struct words words = {0};
    struct mig_snapshot *s = NULL;
    struct mig_error err;
    char *rest = text, *edit;

    while ((edit = strsep(&rest, " ")) != NULL) {
        if (*edit != '\0') {
            apply(&words, edit);
        }
    }
    for (size_t i = 0; i < words.len; i++) {
        mig_builder_set(b, mig_reg_from_key(words.items[i].key), words.items[i].value);
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_builder_cover(b, (enum mig_group)g, MIG_COVER_FULL, 0, "test");
    }
    check_done(edits, mig_builder_freeze(b, &s, &err), &err);
    return s;
}

static void run(const char *source, const char *destination, const struct mig_choice *choice,
                struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = host(source);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = host(destination);
    struct mig_party src = {"alpha", a}, dst = {"beta", b};

    mig_negotiate(&src, &dst, choice, ret);
}

CHECK_TEST(the_verdict_says_which_way_a_guest_may_move)
{
    static const struct {
        const char *label, *source, *destination, *verdict, *passthrough, *direction;
    } cases[] = {
        {"equal hosts",            LEVEL_3,                    LEVEL_3,                                  "compatible",            "compatible",        "both"    },
        {"destination has more",   LEVEL_3,                    LEVEL_3 " erms",                          "compatible-masked",     "compatible-masked",
         "forward"                                                                                                                                               },
        {"destination has less",   LEVEL_3 " erms",            LEVEL_3,                                  "compatible-on-profile", "incompatible",
         "backward"                                                                                                                                              },
        {"each has its own",       LEVEL_3 " erms",            LEVEL_3 " adx",                           "compatible-on-profile",
         "incompatible",                                                                                                                               "none"    },
        {"narrower destination",   LEVEL_3,                    LEVEL_3 " phys_addr_bits=39",             "compatible-on-profile",
         "incompatible",                                                                                                                               "backward"},
        {"another vendor",         LEVEL_3,                    LEVEL_3 " @x86/cpuid/0.0/ebx=0x68747541", "incompatible",
         "incompatible",                                                                                                                               "none"    },
        {"cache line size",        LEVEL_3,                    LEVEL_3 " clflush_size=4",                "incompatible",          "incompatible",
         "none"                                                                                                                                                  },
        {"below v1",               LEVEL_3,                    "fpu",                                    "incompatible",          "incompatible",      "backward"},
        {"behaviour gone there",   LEVEL_3,                    LEVEL_3 " fdp_excptn_only",               "compatible-on-profile",
         "incompatible",                                                                                                                               "backward"},
        {"behaviour gone here",    LEVEL_3 " fdp_excptn_only", LEVEL_3,                                  "compatible-masked",
         "compatible-masked",                                                                                                                          "forward" },
        {"within 250 ppm",         LEVEL_3,                    LEVEL_3 " @host/tsc-khz=2600650",         "compatible",            "compatible",
         "both"                                                                                                                                                  },
        {"other component layout", LEVEL_3,                    LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",
         "compatible-on-profile",                                                                                                 "incompatible",      "none"    },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        struct mig_result r;

        run(c->source, c->destination, &choice, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        check_text(c->label, c->passthrough, mig_verdict_name(r.passthrough));
        check_text(c->label, c->direction, r.direction);
        check_number(c->label, r.verdict == MIG_INCOMPATIBLE, r.profile == NULL);
        mig_result_clear(&r);
    }
}

CHECK_TEST(each_difference_is_one_finding_with_its_severity)
{
    static const struct {
        const char *label, *source, *destination, *id;
        enum mig_severity severity;
    } cases[] = {
        {"lost flag",                  LEVEL_3 " erms",                      LEVEL_3,                                  "x86/cpuid/7.0/ebx/9",          MIG_WARNING },
        {"hidden surplus",             LEVEL_3,                              LEVEL_3 " erms",                          "x86/cpuid/7.0/ebx/9",          MIG_NOTE    },
        {"lost immunity",              LEVEL_3 " arch_capabilities rdcl_no", LEVEL_3 " arch_capabilities",
         "x86/msr/10a/0",                                                                                                                              MIG_SECURITY},
        {"width",                      LEVEL_3,                              LEVEL_3 " phys_addr_bits=39",             "x86/cpuid/80000008.0/eax/7:0",
         MIG_WARNING                                                                                                                                               },
        {"vendor once",                LEVEL_3,                              LEVEL_3 " @x86/cpuid/0.0/ebx=0x68747541", "x86/cpuid/0.0/ebx",
         MIG_BLOCKER                                                                                                                                               },
        {"layout",                     LEVEL_3,                              LEVEL_3 " @x86/cpuid/d.2/ebx=0x280",      "x86/xsave/2",                  MIG_WARNING },
        {"clock",                      LEVEL_3,                              LEVEL_3 " @host/tsc-khz=2600651",         "host/tsc-khz",                 MIG_WARNING },
        {"clearing without microcode", LEVEL_3 " md_clear",                  LEVEL_3,                                  "x86/cpuid/7.0/edx/10",
         MIG_BLOCKER                                                                                                                                               },
        {"unknown bit lost",           LEVEL_3 " @x86/cpuid/7.1/ecx=0x80",   LEVEL_3,                                  "x86/cpuid/7.1/ecx/7",
         MIG_WARNING                                                                                                                                               },
    };
    struct mig_choice choice = {0};

    CHECK_EACH (c, cases) {
        const struct mig_finding *f;
        struct mig_result r;

        run(c->source, c->destination, &choice, &r);
        f = mig_findings_find(&r.findings, c->id);
        if (f == NULL) {
            fail_msg("%s: no finding %s", c->label, c->id);
        } else {
            check_text(c->label, mig_severity_name(c->severity), mig_severity_name(f->severity));
            check_true(c->label, f->why != NULL && f->rule != NULL && f->remedy != NULL);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(a_host_that_is_immune_needs_no_clearing)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    run(LEVEL_3 " arch_capabilities md_clear", LEVEL_3 " arch_capabilities mds_no", &choice, &r);
    check_text("verdict", "compatible-masked", mig_verdict_name(r.verdict));
    check_true("md_clear stays",
               (mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EDX)) & 1u << 10) != 0);
    mig_result_clear(&r);
}

CHECK_TEST(what_was_taken_away_takes_its_dependants)
{
    struct mig_choice choice = {0};
    struct mig_result r;
    uint64_t ecx;

    run(LEVEL_3, LEVEL_3 " @x86/cpuid/d.2/ebx=0x280", &choice, &r);
    ecx = mig_profile_get(r.profile, mig_reg_cpuid(1, 0, MIG_ECX));
    check_number("avx and fma are gone", 0, ecx & (1u << 28 | 1u << 12));
    check_number("avx2 is gone", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 5);
    check_number("sse4.2 stays", 1u << 20, ecx & 1u << 20);
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

    run(LEVEL_1 " avx2", LEVEL_1 " avx2", &choice, &r);
    check_text("verdict", "compatible", mig_verdict_name(r.verdict));
    check_true("avx2 stays",
               (mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 5) != 0);
    assert_non_null(mig_findings_find(&r.findings, "inconsistent/alpha"));
    mig_result_clear(&r);
}

CHECK_TEST(cascades_are_folded_under_their_root)
{
    struct mig_choice choice = {0};
    const struct mig_finding *root, *leaf;
    struct mig_result r;

    run(LEVEL_3 " avx512f avx512bw avx512vl", LEVEL_3, &choice, &r);
    root = mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/16");
    leaf = mig_findings_find(&r.findings, "x86/cpuid/7.0/ebx/30");
    assert_non_null(root);
    assert_non_null(leaf);
    check_text("root", root->id, leaf->root);
    check_number("dependants", 2, root->dependants_len);
    assert_null(root->root);
    mig_result_clear(&r);
}

CHECK_TEST(an_opt_in_is_offered_only_when_asked_for)
{
    static const char *const mpx[] = {"mpx"};
    struct mig_choice plain = {0}, asked = {.allow = mpx, .allow_len = 1};
    const char *with = LEVEL_3 " mpx xcr0_mpx_bndregs xcr0_mpx_bndcsr";
    struct mig_result r;

    run(with, with, &plain, &r);
    check_number("not by itself", 0,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 14);
    check_text("passthrough still works", "compatible", mig_verdict_name(r.passthrough));
    mig_result_clear(&r);
    run(with, with, &asked, &r);
    check_number("on request", 1u << 14,
                 mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 14);
    mig_result_clear(&r);
}

CHECK_TEST(losses_name_what_each_host_gives_up)
{
    struct mig_choice choice = {0};
    struct mig_result r;

    run(LEVEL_3 " erms", LEVEL_3 " adx", &choice, &r);
    check_number("losses", 2, r.losses_len);
    check_text("first host", "alpha", r.losses[0].host);
    check_text("first name", "erms", r.losses[0].name);
    check_text("second name", "adx", r.losses[1].name);
    mig_result_clear(&r);
}

/* Partial evidence is said once per group, or refused where asked for. */
CHECK_TEST(missing_evidence_is_a_warning_or_unknown)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *full = host(LEVEL_3), *part = NULL;
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
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *good = host(LEVEL_3), *bad = NULL;
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

CHECK_TEST(architectures_are_one_blocker)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *x86 = host(LEVEL_3), *arm = NULL;
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

CHECK_MAIN(cmocka_unit_test(the_verdict_says_which_way_a_guest_may_move),
           cmocka_unit_test(each_difference_is_one_finding_with_its_severity),
           cmocka_unit_test(a_host_that_is_immune_needs_no_clearing),
           cmocka_unit_test(what_was_taken_away_takes_its_dependants),
           cmocka_unit_test(an_edge_that_a_host_breaks_itself_is_left_alone),
           cmocka_unit_test(cascades_are_folded_under_their_root),
           cmocka_unit_test(an_opt_in_is_offered_only_when_asked_for),
           cmocka_unit_test(losses_name_what_each_host_gives_up),
           cmocka_unit_test(missing_evidence_is_a_warning_or_unknown),
           cmocka_unit_test(what_could_not_be_read_is_unknown),
           cmocka_unit_test(architectures_are_one_blocker))
