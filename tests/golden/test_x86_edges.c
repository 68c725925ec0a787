/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Real CPUs break what dependency tables of others assume.  Whatever a capture
 * shows without what it "needs" is listed here, and levelling such a host with
 * itself takes nothing away.
 */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "cpu/deps.h"
#include "support/edit.h"
#include "support/snapshots.h"

static const struct mig_choice choice;

/* Usual pairings that silicon does not keep, by a capture and what it is
 * short of that silicon ("": the capture itself is the evidence). */
static const struct {
    const char *host, *edits, *feature, *base;
    const char *evidence;
} pairings[] = {
    {"intel-sapphire-rapids-5.10", "",                         "tsxldtrk",       "rtm",       "TSX off, every kernel"               },
    {"intel-sapphire-rapids-6.1",  NULL,                       "tsxldtrk",       "rtm",       "TSX off, every kernel"               },
    {"intel-granite-rapids-5.10",  NULL,                       "tsxldtrk",       "rtm",       "TSX off, every kernel"               },
    {"intel-granite-rapids-6.1",   NULL,                       "tsxldtrk",       "rtm",       "TSX off, every kernel"               },
    {"amd-milan-6.1",              "-spec_ctrl",               "intel_stibp",    "spec_ctrl", "kernel 6.18: EDX 0x88000000"         },
    {"amd-milan-6.1",              "-spec_ctrl",               "spec_ctrl_ssbd", "spec_ctrl", "kernel 6.18: EDX 0x88000000"         },
    {"amd-milan-6.1",              "-amd_ibrs",                "amd_stibp",      "amd_ibrs",  "Ryzen 9 3900X, old microcode"        },
    {"amd-milan-6.1",              "-amd_ibrs",                "amd_ssbd",       "amd_ibrs",  "Ryzen 9 3900X, old microcode"        },
    {"amd-genoa-6.1",              "-amd_ibrs ibrs_same_mode", "ibrs_same_mode", "amd_ibrs",
     "Ryzen 9 3900X, old microcode"                                                                                                 },
    {"amd-genoa-6.1",              "-nx svm",                  "svm",            "nx",        "Phenom B95, NX off in firmware"      },
    {"intel-cascadelake-6.1",      "hle -rtm",                 "hle",            "rtm",       "TSX_CTRL toggles both, microcode one"},
};

/* Hard edges that a capture breaks: a KVM that works without the hardware
 * reports the XCR0 of its host, whose features it hides. */
static const struct {
    const char *host, *feature;
    size_t edges;
} broken[] = {
    {"nested-pvm", "xcr0_avx",              2},
    {"nested-pvm", "xcr0_avx512_opmask",    2},
    {"nested-pvm", "xcr0_avx512_zmm_hi256", 2},
    {"nested-pvm", "xcr0_avx512_hi16_zmm",  2},
    {"nested-pvm", "xcr0_pkru",             2},
};

static const char *const captures[] = {
    "amd-genoa-5.10",
    "amd-genoa-6.1",
    "amd-milan-5.10",
    "amd-milan-6.1",
    "emulated-epyc-genoa-6.12",
    "emulated-epyc-milan-6.1",
    "emulated-epyc-milan-6.12",
    "emulated-epyc-rome-6.12",
    "emulated-max-6.12",
    "intel-cascadelake-5.10",
    "intel-cascadelake-6.1",
    "intel-granite-rapids-5.10",
    "intel-granite-rapids-6.1",
    "intel-icelake-5.10",
    "intel-icelake-6.1",
    "intel-sapphire-rapids-5.10",
    "intel-sapphire-rapids-6.1",
    "nested-pvm",
};

static bool has(const struct mig_snapshot *s, const char *name)
{
    const struct mig_field *f = mig_field_find(name);
    uint64_t word;

    if (f == NULL) {
        fail_msg("no field is called '%s'", name);
        return false;
    }
    (void)mig_snapshot_get(s, f->reg, &word);
    return mig_field_get(f, word) != 0;
}

static bool is_broken(const struct mig_snapshot *s, const struct mig_dep *d)
{
    uint64_t feature, base;
    enum mig_known known;

    (void)mig_snapshot_get(s, d->feature.reg, &feature);
    known = mig_snapshot_get(s, d->base.reg, &base);
    return (feature & d->feature.mask) != 0 && (known == MIG_KNOWN || known == MIG_ABSENT) &&
           (base & d->base.mask) == 0;
}

static size_t expected_edges(const char *host, const char *feature)
{
    CHECK_EACH (row, broken) {
        if (strcmp(row->host, host) == 0 && strcmp(row->feature, feature) == 0) {
            return row->edges;
        }
    }
    return 0;
}

/* level(x, x) = x: with itself a host gives up nothing, and what it offers is
 * what it shows, bit for bit. */
static void check_level(const char *label, const struct mig_snapshot *s)
{
    struct mig_party twice[2] = {
        {"x",     s},
        {"again", s}
    };
    struct mig_result once, both;

    mig_baseline(twice, 1, &choice, &once);
    mig_baseline(twice, 2, &choice, &both);
    check_number(label, once.verdict, both.verdict);
    check_number(label, 0, both.losses_len);
    check_number(label, once.profile != NULL, both.profile != NULL);
    if (once.profile != NULL && both.profile != NULL) {
        check_true(label, memcmp(once.profile->digest, both.profile->digest,
                                 sizeof both.profile->digest) == 0);
        for (size_t w = 0; w < both.profile->words_len; w++) {
            struct mig_reg reg = mig_reg_from_key(both.profile->words[w].key);
            struct mig_fields fields = mig_field_of(reg);
            uint64_t shown;

            (void)mig_snapshot_get(s, reg, &shown);
            for (size_t i = 0; both.profile->words[w].covered && i < fields.len; i++) {
                const struct mig_field *f = &fields.items[i];

                if (mig_field_is_flag(f) && f->offer == MIG_OFFER_ON &&
                    f->shape.rule == MIG_RULE_AND &&
                    mig_field_get(f, shown) != mig_field_get(f, both.profile->words[w].value)) {
                    fail_msg("%s: levelled with itself it loses %s", label, f->name);
                }
            }
        }
    }
    mig_result_clear(&once);
    mig_result_clear(&both);
}

CHECK_TEST(levelling_a_host_with_itself_changes_nothing)
{
    CHECK_EACH (name, captures) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(*name);

        check_level(*name, s);
    }
}

CHECK_TEST(captures_keep_every_hard_edge_but_the_listed_ones)
{
    struct mig_deps deps = mig_deps_all();
    size_t found = 0, expected = 0;

    CHECK_EACH (name, captures) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(*name);

        for (size_t i = 0; i < deps.len; i++) {
            if (is_broken(s, &deps.items[i])) {
                if (expected_edges(*name, deps.items[i].name) == 0) {
                    fail_msg("%s: %s without its base", *name, deps.items[i].name);
                }
                found++;
            }
        }
    }
    CHECK_EACH (row, broken) {
        expected += row->edges;
    }
    check_number("edges", expected, found);
}

CHECK_TEST(what_silicon_shows_without_its_usual_partner_stays_in_the_profile)
{
    CHECK_EACH (row, pairings) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = edit_host(row->host, row->edits);
        MIG_AUTO(mig_free)
        char *label = mig_strf("%s without %s (%s)", row->feature, row->base, row->evidence);
        const struct mig_field *f = mig_field_find(row->feature);
        struct mig_party self = {"x", s};
        struct mig_result r;

        check_true(label, has(s, row->feature) && !has(s, row->base));
        check_level(label, s);
        mig_baseline(&self, 1, &choice, &r);
        assert_non_null(r.profile);
        if (f->offer == MIG_OFFER_ON) {
            check_number(label, 1, mig_field_get(f, mig_profile_get(r.profile, f->reg)));
        }
        mig_result_clear(&r);
    }
}

/* Is @name, or the id of its field, folded under @root? */
static bool is_folded(const struct mig_finding *root, const char *name)
{
    const struct mig_field *f = mig_field_find(name);
    char id[MIG_FIELD_ID_MAX];

    mig_field_print_id(f, f->reg.sub, id);
    for (size_t i = 0; i < root->dependants_len; i++) {
        if (strcmp(root->dependants[i], id) == 0 || strcmp(root->dependants[i], name) == 0) {
            return true;
        }
    }
    return false;
}

/* What the computation itself takes away, as hosts do not agree about it,
 * takes its dependants along; they are folded under it. */
CHECK_TEST(what_the_computation_takes_away_takes_what_needs_it)
{
    static const struct {
        const char *label, *edits, *root, *dependants[4];
    } cases[] = {
        {"another place of ZMM state",
         "@x86/cpuid/d.6/ebx=0x500",                               "x86/xsave/6",
         {"avx512f", "avx512dq", "xcr0_avx512_opmask"}                                               },
        {"another place of PKRU",      "@x86/cpuid/d.9/ebx=0x340", "x86/xsave/9",             {"pku"}},
        {"other tiles",
         "amx_tile_row_size=32",                                   "x86/cpuid/1d.1/ebx/15:0",
         {"amx_tile", "amx_int8", "xcr0_tiledata"}                                                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *full = snapshot_host("intel-sapphire-rapids-6.1");
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *less = edit_host("intel-sapphire-rapids-6.1", c->edits);
        struct mig_party pair[2] = {
            {"full", full},
            {"less", less}
        };
        const struct mig_finding *root;
        struct mig_result r;

        mig_baseline(pair, 2, &choice, &r);
        root = mig_findings_find(&r.findings, c->root);
        check_true(c->label, root != NULL);
        for (const char *const *d = c->dependants; *d != NULL; d++) {
            const struct mig_field *f = mig_field_find(*d);

            check_number(*d, 0, mig_field_get(f, mig_profile_get(r.profile, f->reg)));
            check_true(*d, is_folded(root, *d));
        }
        mig_result_clear(&r);
    }
}

CHECK_MAIN(cmocka_unit_test(levelling_a_host_with_itself_changes_nothing),
           cmocka_unit_test(captures_keep_every_hard_edge_but_the_listed_ones),
           cmocka_unit_test(what_silicon_shows_without_its_usual_partner_stays_in_the_profile),
           cmocka_unit_test(what_the_computation_takes_away_takes_what_needs_it))
