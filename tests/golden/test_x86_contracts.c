/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running guests between real CPUs, where other checks are known to be wrong:
 * each row says where the knowledge comes from.
 */
#include "support/check.h"

#include <jansson.h>

#include "base/alloc.h"
#include "base/text.h"
#include "support/edit.h"
#include "support/move.h"
#include "support/small_host.h"
#include "support/snapshots.h"

/* A guest that was booted with MPX hidden: flag, components, their leaves. */
#define NO_MPX                                                                                     \
    "-mpx -xcr0_mpx_bndregs -xcr0_mpx_bndcsr ^x86/cpuid/d.3/eax ^x86/cpuid/d.3/ebx "               \
    "^x86/cpuid/d.3/ecx ^x86/cpuid/d.3/edx ^x86/cpuid/d.4/eax ^x86/cpuid/d.4/ebx "                 \
    "^x86/cpuid/d.4/ecx ^x86/cpuid/d.4/edx"

#define CLX "intel-cascadelake-6.1"
#define ICX "intel-icelake-6.1"
#define SPR "intel-sapphire-rapids-6.1"
#define GNR "intel-granite-rapids-6.1"
#define MILAN "amd-milan-6.1"
#define GENOA "amd-genoa-6.1"

/* Cascade Lake has MPX, no later server CPU has; Linux 6.1 still shows it. */
CHECK_TEST(mpx_stops_only_a_guest_that_was_given_it)
{
    static const struct {
        const char *label, *guest, *edits, *destination, *verdict, *id;
        enum mig_severity severity;
    } cases[] = {
        {"given MPX",            CLX, "",     ICX, "needs-power-cycle", "mpx", MIG_BLOCKER},
        {"given MPX, two on",    CLX, "",     SPR, "needs-power-cycle", "mpx", MIG_BLOCKER},
        {"given MPX, back home", CLX, "",     CLX, "compatible",        NULL,  MIG_NOTE   },
        {"without MPX",          CLX, NO_MPX, ICX, "compatible-masked", NULL,  MIG_NOTE   },
        {"without MPX, two on",  CLX, NO_MPX, SPR, "compatible-masked", NULL,  MIG_NOTE   },
        {"without MPX, three",   CLX, NO_MPX, GNR, "compatible-masked", NULL,  MIG_NOTE   },
        {"without MPX, home",    CLX, NO_MPX, CLX, "compatible-masked", NULL,  MIG_NOTE   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = edit_host(c->guest, c->edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *from = snapshot_host(c->guest);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *to = snapshot_host(c->destination);
        struct mig_result r;

        move_check(guest, from, to, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        if (c->id != NULL) {
            check_number(c->label, c->severity, move_finding(c->label, &r, c->id)->severity);
            check_true(c->label, r.profile != NULL);
            /* Booted again on the profile it may go. */
            check_number(c->label, 0,
                         mig_profile_get(r.profile, mig_reg_cpuid(7, 0, MIG_EBX)) & 1u << 14);
        } else {
            move_check_count(c->label, &r, MIG_SECURITY, 0);
        }
        mig_result_clear(&r);
    }
}

/* Of the hosts themselves: as far as all goes that each can grant. */
CHECK_TEST(mpx_blocks_passthrough_both_ways_and_not_the_profile)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *clx = snapshot_host(CLX);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *icx = snapshot_host(ICX);
    struct mig_party a = {"alpha", clx}, b = {"beta", icx};
    struct mig_choice choice = {0};
    struct mig_result r;

    mig_negotiate(&a, &b, &choice, &r);
    check_text("there", "compatible-on-profile", mig_verdict_name(r.verdict));
    check_text("passthrough", "incompatible", mig_verdict_name(r.passthrough));
    check_text("direction", "none", r.direction);
    check_true("mpx is said", move_has_finding(&r, "mpx"));
    mig_result_clear(&r);
}

/* A guest on its way weak, strong, weak: the strong host in between adds
 * nothing to what it needs. */
CHECK_TEST(a_guest_may_come_back_from_a_stronger_host)
{
    static const char *const strong[] = {ICX, SPR, GNR};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = edit_host(CLX, NO_MPX);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *weak = snapshot_host(CLX);

    CHECK_EACH (name, strong) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *between = snapshot_host(*name);
        struct mig_result there, back;

        move_check(guest, weak, between, &there);
        move_check(guest, between, weak, &back);
        check_text(*name, "compatible-masked", mig_verdict_name(there.verdict));
        check_text(*name, "compatible-masked", mig_verdict_name(back.verdict));
        mig_result_clear(&there);
        mig_result_clear(&back);
    }
}

/* Ice Lake's microcode of before August 2023 has enhanced IBRS and does not
 * state RRSBA; Sapphire Rapids does.  Sapphire Rapids leaves FB_CLEAR out, as
 * it is immune, which a plain AND of the two gets wrong. */
CHECK_TEST(ice_lake_and_sapphire_rapids_need_rrsba_and_fb_clear)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *icx = snapshot_host(ICX);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *spr = snapshot_host(SPR);
    struct mig_party guest = {"guest", icx}, a = {"alpha", icx}, b = {"beta", spr};
    struct mig_choice choice = {0};
    const struct mig_finding *f;
    struct mig_result r;
    uint64_t word;

    mig_check_contract(&guest, &a, &b, &choice, &r);
    f = move_finding("rrsba", &r, "rrsba");
    check_number("severity", MIG_SECURITY, f->severity);
    check_text("reason", "microcode", mig_reason_name(f->reason));
    check_contains("remedy", "microcode", f->remedy);
    check_true("FB_CLEAR is no trouble",
               !move_has_finding(&r, "fb_clear") ||
                   move_finding("fb_clear", &r, "fb_clear")->severity == MIG_NOTE);
    check_text("verdict", "needs-power-cycle", mig_verdict_name(r.verdict));
    word = mig_profile_get(r.profile, mig_reg_msr(0x10a));
    check_number("the profile shows both", 1u << 17 | 1u << 19, word & (1u << 17 | 1u << 19));
    mig_result_clear(&r);
    mig_negotiate(&a, &b, &choice, &r);
    f = move_finding("rrsba between hosts", &r, "rrsba");
    check_number("severity between hosts", MIG_SECURITY, f->severity);
    mig_result_clear(&r);
}

CHECK_TEST(a_lost_immunity_blocks_unless_the_policy_only_warns)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *shown = edit_host("intel-icelake-5.10", "");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *there = snapshot_host("intel-sapphire-rapids-5.10");
    struct mig_party guest = {"guest", shown}, to = {"beta", there};
    struct mig_choice strict = {0}, lax = {.security_warns = true};
    struct mig_result r;

    mig_check_contract(&guest, NULL, &to, &strict, &r);
    check_text("blocks", "needs-power-cycle", mig_verdict_name(r.verdict));
    move_check_count("only one thing", &r, MIG_SECURITY, 1);
    mig_result_clear(&r);
    mig_check_contract(&guest, NULL, &to, &lax, &r);
    check_text("warns", "compatible-masked", mig_verdict_name(r.verdict));
    mig_result_clear(&r);
}

/* Both ways: what it depends on is what the guest saw, not the CPU below. */
CHECK_TEST(granite_rapids_to_sapphire_rapids_depends_on_what_the_guest_saw)
{
    static const struct {
        const char *label, *guest, *edits, *destination, *verdict, *id;
        enum mig_severity severity;
    } cases[] = {
        {"saw PBRSB_NO",         "intel-granite-rapids-5.10",  "phys_addr_bits=46",
         "intel-sapphire-rapids-5.10",                                                                                      "needs-power-cycle", "pbrsb_no",       MIG_SECURITY},
        {"did not see it",       "intel-granite-rapids-5.10",  "phys_addr_bits=46 -pbrsb_no",
         "intel-sapphire-rapids-5.10",                                                                                      "compatible",        NULL,             MIG_NOTE    },
        {"saw 52 bits",          "intel-granite-rapids-5.10",  "-pbrsb_no",                   "intel-sapphire-rapids-5.10",
         "needs-power-cycle",                                                                                                                    "phys_addr_bits", MIG_BLOCKER },
        {"saw 46 bits",          "intel-sapphire-rapids-5.10", "",                            "intel-granite-rapids-5.10",
         "compatible-masked",                                                                                                                    NULL,             MIG_NOTE    },
        {"Milan to Genoa",       "amd-milan-5.10",             "",                            "amd-genoa-5.10",             "compatible-masked", NULL,
         MIG_NOTE                                                                                                                                                              },
        {"Genoa to Milan",       GENOA,                        "",                            MILAN,                        "needs-power-cycle", "phys_addr_bits", MIG_BLOCKER },
        {"Genoa, as Milan",      MILAN,                        "phys_addr_bits=52",           MILAN,                        "needs-power-cycle",
         "phys_addr_bits",                                                                                                                                         MIG_BLOCKER },
        {"Genoa, five levels",   MILAN,                        "virt_addr_bits=57",           MILAN,                        "needs-power-cycle",
         "virt_addr_bits",                                                                                                                                         MIG_BLOCKER },
        {"Milan on Genoa, back", MILAN,                        "",                            MILAN,                        "compatible",        NULL,             MIG_NOTE    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = edit_host(c->guest, c->edits);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *to = snapshot_host(c->destination);
        struct mig_result r;

        move_check(guest, NULL, to, &r);
        check_text(c->label, c->verdict, mig_verdict_name(r.verdict));
        if (c->id != NULL) {
            check_number(c->label, c->severity, move_finding(c->label, &r, c->id)->severity);
        } else {
            move_check_count(c->label, &r, MIG_SECURITY, 0);
        }
        mig_result_clear(&r);
    }
}

/* Set, these bits say that something old is gone: a guest that saw 0 may not
 * go where it is 1; a subset check has it the wrong way round. */
CHECK_TEST(bits_that_say_gone_count_the_other_way_round)
{
    static const char *const names[] = {"fdp_excptn_only", "zero_fcs_fds", "no_efer_lmsle",
                                        "fsgs_non_serializing"};

    CHECK_EACH (name, names) {
        MIG_AUTO(mig_free) char *set = mig_strf(LEVEL_3 " %s", *name);
        struct mig_result r;

        move_small(LEVEL_3, set, &r);
        check_text(*name, "needs-power-cycle", mig_verdict_name(r.verdict));
        check_number(*name, MIG_BLOCKER, move_finding(*name, &r, *name)->severity);
        mig_result_clear(&r);
        move_small(set, LEVEL_3, &r);
        check_text(*name, "compatible-masked", mig_verdict_name(r.verdict));
        mig_result_clear(&r);
    }
}

/* (value & ~filter) | value, as the VMM applies a template: x keeps a bit. */
static uint64_t apply_bitmap(uint64_t word, const char *bitmap)
{
    uint64_t filter = 0, value = 0;

    for (const char *p = bitmap + strlen("0b"); *p != '\0'; p++) {
        if (*p != '_') {
            filter = filter << 1 | (*p != 'x');
            value = value << 1 | (*p == '1');
        }
    }
    return (word & ~filter) | value;
}

static uint64_t number_in(const json_t *object, const char *key)
{
    uint64_t value = 0;

    assert_true(
        mig_text_to_u64(json_string_value(json_object_get(object, key)), UINT64_MAX, &value));
    return value;
}

/* The edits that a template makes to @host; the caller frees. */
static char *template_edits(const json_t *template, const struct mig_snapshot *host)
{
    char *edits = mig_strdup("");
    json_t *leaf, *modifier;
    size_t i, k;

    json_array_foreach(json_object_get(template, "cpuid_modifiers"), i, leaf)
    {
        json_array_foreach(json_object_get(leaf, "modifiers"), k, modifier)
        {
            MIG_AUTO(mig_free)
            char *place =
                mig_strf("x86/cpuid/%llx.%llx/%s", (unsigned long long)number_in(leaf, "leaf"),
                         (unsigned long long)number_in(leaf, "subleaf"),
                         json_string_value(json_object_get(modifier, "register")));
            struct mig_reg reg;
            struct mig_error err;
            uint64_t word;
            char *longer;

            check_done(place, mig_reg_parse(place, &reg, &err), &err);
            (void)mig_snapshot_get(host, reg, &word);
            word = apply_bitmap(word, json_string_value(json_object_get(modifier, "bitmap")));
            longer = mig_strf("%s @%s=0x%llx", edits, place, (unsigned long long)word);
            mig_free(edits);
            edits = longer;
        }
    }
    return edits;
}

static void check_leftover(const char *label, const struct mig_result *r)
{
    static const char *const leftover[] = {"avx512_vbmi2", "vaes", "vpclmulqdq", "avx512_bitalg"};
    const struct mig_finding *f = move_finding(label, r, "inconsistent/guest");

    CHECK_EACH (name, leftover) {
        bool named = false;

        for (size_t i = 0; i < f->dependants_len; i++) {
            named = named || strcmp(f->dependants[i], *name) == 0;
        }
        check_true(*name, named);
    }
}

/* A template that was made for Skylake and Cascade Lake lets through what Ice
 * Lake has beside them: extensions of AVX-512 and AVX2 that are gone.  (GFNI
 * and FSRM, also left over, work without.)  The guest is called inconsistent,
 * which is no reason to strand it. */
CHECK_TEST(a_template_that_leaves_half_of_avx_512_is_named_inconsistent)
{
    MIG_AUTO(mig_free) char *path = check_shared_path("data/firecracker/templates/C3.json");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *icx = snapshot_host(ICX);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_free) char *edits = NULL;
    struct mig_choice choice = {0};
    struct mig_party dump;
    struct mig_result r;
    json_t *template;

    if (path == NULL) {
        skip();
    }
    template = json_load_file(path, 0, NULL);
    assert_non_null(template);
    edits = template_edits(template, icx);
    json_decref(template);
    shown = edit_snapshot(icx, edits);
    dump = (struct mig_party){"guest", shown};
    mig_baseline(&dump, 1, &choice, &r);
    check_leftover("as a dump", &r);
    mig_result_clear(&r);
    move_check(shown, icx, icx, &r);
    check_text("verdict", "compatible-masked", mig_verdict_name(r.verdict));
    check_leftover("as a running guest", &r);
    mig_result_clear(&r);
}

CHECK_MAIN(cmocka_unit_test(mpx_stops_only_a_guest_that_was_given_it),
           cmocka_unit_test(mpx_blocks_passthrough_both_ways_and_not_the_profile),
           cmocka_unit_test(a_guest_may_come_back_from_a_stronger_host),
           cmocka_unit_test(ice_lake_and_sapphire_rapids_need_rrsba_and_fb_clear),
           cmocka_unit_test(a_lost_immunity_blocks_unless_the_policy_only_warns),
           cmocka_unit_test(granite_rapids_to_sapphire_rapids_depends_on_what_the_guest_saw),
           cmocka_unit_test(bits_that_say_gone_count_the_other_way_round),
           cmocka_unit_test(a_template_that_leaves_half_of_avx_512_is_named_inconsistent))
