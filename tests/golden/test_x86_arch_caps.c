/* SPDX-License-Identifier: Apache-2.0 */
/*
 * IA32_ARCH_CAPABILITIES of a running guest against a host: the values that
 * Cloud Hypervisor's own check is tested with, its five-bit rule of FB_CLEAR,
 * and the rule by which Xen derives RSBA and RRSBA.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "support/move.h"
#include "support/small_host.h"

#define CAPS LEVEL_3 " arch_capabilities "
#define WORD "@x86/msr/10a="

/* Cascade Lake, Sapphire Rapids and Granite Rapids as in that check. */
#define CLX WORD "0x0c0aa0eb"
#define SPR WORD "0x400000000c08e1eb"
#define GNR WORD "0x400000000d08e1eb"
/* Ice Lake and Sapphire Rapids as captured: without TAA_NO as TSX is off. */
#define ICX WORD "0x0c02a0eb"
#define SPR_NO_TSX WORD "0x400000000c08e0eb"

static void ask(const char *guest, const char *host, struct mig_result *ret)
{
    MIG_AUTO(mig_free) char *from = mig_strf(CAPS "%s", guest);
    MIG_AUTO(mig_free) char *to = mig_strf(CAPS "%s", host);

    move_small(from, to, ret);
}

CHECK_TEST(published_values_are_judged_as_their_authors_do)
{
    static const struct {
        const char *label, *guest, *host;
        bool moves;
        const char *blockers[5];
    } cases[] = {
        {"CLX on CLX",           CLX,                CLX,                true,  {NULL}                                      },
        {"SPR on SPR",           SPR,                SPR,                true,  {NULL}                                      },
        {"GNR on GNR",           GNR,                GNR,                true,  {NULL}                                      },
        {"CLX to SPR",           CLX,                SPR,                true,  {NULL}                                      },
        {"CLX to GNR",           CLX,                GNR,                true,  {NULL}                                      },
        {"SPR to GNR",           SPR,                GNR,                true,  {NULL}                                      },
        {"GNR to SPR",           GNR,                SPR,                false, {"pbrsb_no"}                                },
        {"SPR to CLX",           SPR,                CLX,                false, {"taa_no", "fbsdp_no", "its_no"}            },
        {"GNR to CLX",           GNR,                CLX,                false, {"taa_no", "fbsdp_no", "its_no", "pbrsb_no"}},
        {"ICX to SPR",           ICX,                SPR,                false, {"rrsba"}                                   },
        {"SPR to ICX",           SPR,                ICX,                false, {"taa_no", "fbsdp_no", "its_no"}            },
        {"CLX to ICX",           CLX,                ICX,                true,  {NULL}                                      },
        {"ICX to CLX",           ICX,                CLX,                false, {"rrsba"}                                   },
        {"SPR, TSX off, to SPR", SPR_NO_TSX,         SPR,                true,  {NULL}                                      },
        {"no word, to CLX",      WORD "0",           WORD "0",           true,  {NULL}                                      },
        {"reserved bit 31",      WORD "0x80000000",  WORD "0x80000000",  false, {"x86/msr/10a/31"}                          },
        {"reserved bit 33",      WORD "0x200000000", WORD "0x200000000", false, {"x86/msr/10a/33"}                          },
    };

    CHECK_EACH (c, cases) {
        size_t expected = 0;
        struct mig_result r;

        ask(c->guest, c->host, &r);
        for (; c->blockers[expected] != NULL; expected++) {
            check_true(c->blockers[expected],
                       move_finding(c->label, &r, c->blockers[expected])->severity >= MIG_SECURITY);
        }
        move_check_count(c->label, &r, MIG_SECURITY, expected);
        check_number(c->label, c->moves,
                     r.verdict == MIG_COMPATIBLE || r.verdict == MIG_COMPATIBLE_MASKED);
        mig_result_clear(&r);
    }
}

/* A host without FB_CLEAR must be immune to all that VERW would clear; where
 * the guest has no TSX, asynchronous aborts are none of its worries. */
CHECK_TEST(fb_clear_may_be_missing_where_all_five_immunities_stand)
{
    static const char *const proofs[] = {"mds_no", "sbdr_ssdp_no", "fbsdp_no", "psdp_no"};
    const char *all = "mds_no taa_no sbdr_ssdp_no fbsdp_no psdp_no";
    struct mig_result r;

    ask("fb_clear", all, &r);
    move_check_count("all five", &r, MIG_SECURITY, 0);
    mig_result_clear(&r);
    CHECK_EACH (proof, proofs) {
        MIG_AUTO(mig_free) char *host = mig_strf("%s -%s", all, *proof);

        ask("fb_clear", host, &r);
        check_number(*proof, MIG_SECURITY, move_finding(*proof, &r, "fb_clear")->severity);
        mig_result_clear(&r);
    }
    ask("fb_clear", "mds_no sbdr_ssdp_no fbsdp_no psdp_no", &r);
    move_check_count("without TSX, four", &r, MIG_SECURITY, 0);
    mig_result_clear(&r);
    ask("fb_clear rtm", "mds_no sbdr_ssdp_no fbsdp_no psdp_no rtm", &r);
    check_number("with TSX, four", MIG_SECURITY, move_finding("TSX", &r, "fb_clear")->severity);
    mig_result_clear(&r);
    ask("fb_clear rtm", "mds_no taa_no sbdr_ssdp_no fbsdp_no psdp_no rtm", &r);
    move_check_count("with TSX, five", &r, MIG_SECURITY, 0);
    mig_result_clear(&r);
}

CHECK_TEST(other_mitigations_have_their_own_proofs)
{
    static const struct {
        const char *label, *guest, *host;
        bool safe;
    } cases[] = {
        {"MD_CLEAR, vulnerable",        "md_clear",     "",                    false},
        {"MD_CLEAR, MDS_NO",            "md_clear",     "mds_no",              true },
        {"MD_CLEAR, TSX and no TAA_NO", "md_clear rtm", "mds_no rtm",          false},
        {"MD_CLEAR, TSX and TAA_NO",    "md_clear rtm", "mds_no rtm taa_no",   true },
        {"RFDS_CLEAR, vulnerable",      "rfds_clear",   "",                    false},
        {"RFDS_CLEAR, RFDS_NO",         "rfds_clear",   "rfds_no",             true },
        {"VERW_CLEAR, vulnerable",      "verw_clear",   "",                    false},
        {"VERW_CLEAR, half a proof",    "verw_clear",   "tsa_sq_no",           false},
        {"VERW_CLEAR, TSA_*_NO",        "verw_clear",   "tsa_sq_no tsa_l1_no", true },
    };

    CHECK_EACH (c, cases) {
        struct mig_result r;

        ask(c->guest, c->host, &r);
        move_check_count(c->label, &r, MIG_SECURITY, c->safe ? 0 : 1);
        mig_result_clear(&r);
    }
}

/* The eight states of a host or guest: {eIBRS, RSBA, RRSBA}. */
struct state {
    const char *edits;
    bool eibrs, rsba, rrsba;
};

static const struct state states[] = {
    {"",                    false, false, false},
    {"rrsba",               false, false, true },
    {"rsba",                false, true,  false},
    {"rsba rrsba",          false, true,  true },
    {"ibrs_all",            true,  false, false},
    {"ibrs_all rrsba",      true,  false, true },
    {"ibrs_all rsba",       true,  true,  false},
    {"ibrs_all rsba rrsba", true,  true,  true },
};

static uint64_t profile_bit(const struct mig_profile *p, const char *name)
{
    const struct mig_field *f = mig_field_find(name);

    return mig_field_get(f, mig_profile_get(p, f->reg));
}

/* Xen's last step of levelling: where one host says either, a guest that sees
 * enhanced IBRS is told RRSBA and any other one RSBA. */
CHECK_TEST(a_profile_states_rrsba_with_enhanced_ibrs_and_rsba_without)
{
    struct mig_choice choice = {0};

    CHECK_EACH (a, states) {
        CHECK_EACH (b, states) {
            MIG_AUTO(mig_free) char *label = mig_strf("{%s} + {%s}", a->edits, b->edits);
            MIG_AUTO(mig_free) char *x = mig_strf(CAPS "%s", a->edits);
            MIG_AUTO(mig_free) char *y = mig_strf(CAPS "%s", b->edits);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *first = small_host(x);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *second = small_host(y);
            struct mig_party pair[2] = {
                {"alpha", first },
                {"beta",  second}
            };
            bool eibrs = a->eibrs && b->eibrs;
            bool either = a->rsba || a->rrsba || b->rsba || b->rrsba;
            struct mig_result r;

            mig_baseline(pair, 2, &choice, &r);
            check_true(label, r.profile != NULL);
            check_number(label, eibrs, profile_bit(r.profile, "ibrs_all"));
            check_number(label, either && !eibrs, profile_bit(r.profile, "rsba"));
            check_number(label, either && eibrs, profile_bit(r.profile, "rrsba"));
            mig_result_clear(&r);
        }
    }
}

/* Who was told by the bit it looks for has been warned; any other guest may
 * not go where a host announces what it did not see.  Losing enhanced IBRS is
 * a blocker of its own. */
CHECK_TEST(a_guest_that_was_not_told_may_not_go_where_returns_are_not_safe)
{
    CHECK_EACH (guest, states) {
        CHECK_EACH (host, states) {
            MIG_AUTO(mig_free) char *label = mig_strf("{%s} to {%s}", guest->edits, host->edits);
            bool told = guest->rsba || (guest->rrsba && guest->eibrs);
            bool news = (host->rsba && !guest->rsba) || (host->rrsba && !guest->rrsba);
            bool loses = guest->eibrs && !host->eibrs;
            struct mig_result r;

            ask(guest->edits, host->edits, &r);
            move_check_count(label, &r, MIG_SECURITY,
                             (news && !told ? 1u : 0u) + (loses ? 1u : 0u));
            check_number(label, loses, move_has_finding(&r, "ibrs_all"));
            mig_result_clear(&r);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(published_values_are_judged_as_their_authors_do),
           cmocka_unit_test(fb_clear_may_be_missing_where_all_five_immunities_stand),
           cmocka_unit_test(other_mitigations_have_their_own_proofs),
           cmocka_unit_test(a_profile_states_rrsba_with_enhanced_ibrs_and_rsba_without),
           cmocka_unit_test(a_guest_that_was_not_told_may_not_go_where_returns_are_not_safe))
