/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Every ordered pair of the real captures: the verdict, and everything that
 * each host gives up, named.  The numbers were counted by hand from the bits
 * in which the captures differ; what the profile holds is computed here once
 * more from the raw words.
 */
#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/negotiate.h"
#include "cpu/deps.h"
#include "support/snapshots.h"

/* Kernel 5.10 and 6.1. */
enum capture {
    CLX_5,
    CLX_6,
    ICX_5,
    ICX_6,
    SPR_5,
    SPR_6,
    GNR_5,
    GNR_6,
    MILAN_5,
    MILAN_6,
    GENOA_5,
    GENOA_6,
    CAPTURES
};

static const char *const captures[CAPTURES] = {
    [CLX_5] = "intel-cascadelake-5.10",     [CLX_6] = "intel-cascadelake-6.1",
    [ICX_5] = "intel-icelake-5.10",         [ICX_6] = "intel-icelake-6.1",
    [SPR_5] = "intel-sapphire-rapids-5.10", [SPR_6] = "intel-sapphire-rapids-6.1",
    [GNR_5] = "intel-granite-rapids-5.10",  [GNR_6] = "intel-granite-rapids-6.1",
    [MILAN_5] = "amd-milan-5.10",           [MILAN_6] = "amd-milan-6.1",
    [GENOA_5] = "amd-genoa-5.10",           [GENOA_6] = "amd-genoa-6.1",
};

enum { SAME = MIG_COMPATIBLE, MASKED = MIG_COMPATIBLE_MASKED, PROFILE = MIG_COMPATIBLE_ON_PROFILE };

/*
 * Plain feature bits that the newer CPU loses, as published for these
 * captures: Ice Lake beside Cascade Lake 13 (kernel 6.1: 16, with DTES64, DS
 * and PSFD), Sapphire Rapids beside Ice Lake 6 (16), Granite beside Sapphire
 * Rapids 0 (2), Genoa beside Milan 16.  Ours differ from these by what is no
 * plain bit, or is not offered:
 *   + virt_addr_bits beside Cascade Lake or Milan, phys_addr_bits of Granite
 *     Rapids and Genoa, leaf7_n_subleaves and max_std_leaf where they count;
 *   + rrsba, which Ice Lake alone does not announce (also where Ice Lake is
 *     the newer one), fbsdp_no and its_no of Sapphire and Granite Rapids,
 *     pbrsb_no of Granite Rapids;
 *   + components of XCR0 with their feature: 3 of AVX-512, 2 of AMX, and 8
 *     fields that describe tiles;
 *   - MPX of Cascade Lake, DTES64 and DS of Ice Lake: opt-ins, not in a host's
 *     own profile either.
 */
static const struct {
    enum capture a, b;
    unsigned there, back; /* verdicts of a to b, b to a */
    size_t a_loses, b_loses;
} pairs[] = {
    {CLX_5,   CLX_6,   SAME,    SAME,    0,  0 },
    {CLX_5,   ICX_5,   PROFILE, PROFILE, 0,  15},
    {CLX_5,   ICX_6,   PROFILE, PROFILE, 0,  17},
    {CLX_5,   SPR_5,   PROFILE, PROFILE, 0,  23},
    {CLX_5,   SPR_6,   PROFILE, PROFILE, 0,  45},
    {CLX_5,   GNR_5,   PROFILE, PROFILE, 0,  25},
    {CLX_5,   GNR_6,   PROFILE, PROFILE, 0,  49},
    {CLX_6,   ICX_5,   PROFILE, PROFILE, 0,  15},
    {CLX_6,   ICX_6,   PROFILE, PROFILE, 0,  17},
    {CLX_6,   SPR_5,   PROFILE, PROFILE, 0,  23},
    {CLX_6,   SPR_6,   PROFILE, PROFILE, 0,  45},
    {CLX_6,   GNR_5,   PROFILE, PROFILE, 0,  25},
    {CLX_6,   GNR_6,   PROFILE, PROFILE, 0,  49},
    {ICX_5,   ICX_6,   MASKED,  PROFILE, 0,  2 },
    {ICX_5,   SPR_5,   PROFILE, PROFILE, 1,  9 },
    {ICX_5,   SPR_6,   PROFILE, PROFILE, 1,  31},
    {ICX_5,   GNR_5,   PROFILE, PROFILE, 1,  11},
    {ICX_5,   GNR_6,   PROFILE, PROFILE, 1,  35},
    {ICX_6,   SPR_5,   PROFILE, PROFILE, 3,  9 },
    {ICX_6,   SPR_6,   PROFILE, PROFILE, 1,  29},
    {ICX_6,   GNR_5,   PROFILE, PROFILE, 3,  11},
    {ICX_6,   GNR_6,   PROFILE, PROFILE, 1,  33},
    {SPR_5,   SPR_6,   MASKED,  PROFILE, 0,  23},
    {SPR_5,   GNR_5,   MASKED,  PROFILE, 0,  2 },
    {SPR_5,   GNR_6,   MASKED,  PROFILE, 0,  27},
    {SPR_6,   GNR_5,   PROFILE, PROFILE, 23, 2 },
    {SPR_6,   GNR_6,   MASKED,  PROFILE, 0,  4 },
    {GNR_5,   GNR_6,   MASKED,  PROFILE, 0,  25},
    {MILAN_5, MILAN_6, MASKED,  PROFILE, 0,  2 },
    {MILAN_5, GENOA_5, MASKED,  PROFILE, 0,  22},
    {MILAN_5, GENOA_6, MASKED,  PROFILE, 0,  24},
    {MILAN_6, GENOA_5, PROFILE, PROFILE, 2,  22},
    {MILAN_6, GENOA_6, MASKED,  PROFILE, 0,  22},
    {GENOA_5, GENOA_6, MASKED,  PROFILE, 0,  2 },
};

static const struct mig_choice choice;

static bool same_vendor(const char *a, const char *b)
{
    return strncmp(a, b, 3) == 0;
}

static void check_digest(const char *label, const struct mig_profile *a,
                         const struct mig_profile *b)
{
    check_true(label,
               a != NULL && b != NULL && memcmp(a->digest, b->digest, sizeof a->digest) == 0);
}

/* What two values of a field come to, without asking the code under test.
 * False: nothing is promised about such a field here. */
static bool meet(const struct mig_field *f, uint64_t a, uint64_t b, uint64_t *ret)
{
    enum mig_rule rule = f->shape.rule;

    if (f->class_ == MIG_CLASS_CONSTANT) {
        return false;
    }
    if (rule == MIG_RULE_AND || rule == MIG_RULE_AND_IMMUNE) {
        *ret = a & b;
    } else if (rule == MIG_RULE_OR_MITIGATION || rule == MIG_RULE_OR_VULNERABLE ||
               rule == MIG_RULE_OR_INVERTED || rule == MIG_RULE_OR) {
        *ret = a | b;
    } else if (rule == MIG_RULE_MIN || rule == MIG_RULE_LOWER) {
        *ret = a < b ? a : b;
    } else if (rule == MIG_RULE_EXACT) {
        *ret = a == b ? a : f->shape.safe;
        return a == b || f->shape.has_safe;
    } else {
        return false;
    }
    return true;
}

/* Does it lack something that its hard dependencies say it needs? */
static bool lost_its_base(const struct mig_profile *p, struct mig_reg reg, uint64_t bit)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *d = &deps.items[i];

        if (mig_reg_key(d->feature.reg) == mig_reg_key(reg) && (d->feature.mask & bit) != 0 &&
            (mig_profile_get(p, d->base.reg) & d->base.mask) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_geometry(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID && reg.index == 0xd && reg.sub >= 2;
}

/* Highest leaves shrink to what is left, like the area and the description of
 * components. */
static bool is_recomputed(const struct mig_field *f, struct mig_reg reg)
{
    return (f->shape.rule == MIG_RULE_MIN && f->hi - f->lo == 31) || is_geometry(reg);
}

static void check_field(const char *label, const struct mig_profile *p, const struct mig_field *f,
                        struct mig_reg reg, uint64_t a, uint64_t b)
{
    uint64_t ours = mig_field_get(f, mig_profile_get(p, reg)), expected = 0;

    if (!meet(f, mig_field_get(f, a), mig_field_get(f, b), &expected)) {
        return;
    }
    if (f->offer != MIG_OFFER_ON) {
        expected = 0;
    }
    if (ours != expected && !(is_recomputed(f, reg) && ours < expected) &&
        !(ours == 0 && lost_its_base(p, reg, mig_bits_mask(f->hi, f->lo)))) {
        fail_msg("%s: %s is 0x%llx, the words say 0x%llx", label, f->name, (unsigned long long)ours,
                 (unsigned long long)expected);
    }
}

/* Every word of the profile, from the raw words of both hosts. */
static void check_profile(const char *label, const struct mig_profile *p,
                          const struct mig_snapshot *a, const struct mig_snapshot *b)
{
    for (size_t w = 0; w < p->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(p->words[w].key);
        struct mig_fields fields = mig_field_of(reg);
        uint64_t x, y;

        (void)mig_snapshot_get(a, reg, &x);
        (void)mig_snapshot_get(b, reg, &y);
        for (size_t i = 0; p->words[w].covered && i < fields.len; i++) {
            check_field(label, p, &fields.items[i], reg, x, y);
        }
        check_number(label, 0, p->words[w].value & ~mig_field_classified(reg));
    }
}

/* Does a guest of @own miss something in this field of the common profile? */
static bool is_lost(const struct mig_field *f, uint64_t own, uint64_t common)
{
    switch (f->shape.rule) {
    case MIG_RULE_AND:
    case MIG_RULE_AND_IMMUNE:
    case MIG_RULE_OR_MITIGATION:
        return (own & ~common) != 0;
    case MIG_RULE_OR_VULNERABLE:
    case MIG_RULE_OR_INVERTED:
        return (common & ~own) != 0;
    case MIG_RULE_MIN:
    case MIG_RULE_LOWER:
        return own > common;
    case MIG_RULE_EXACT:
        return own != common && f->class_ != MIG_CLASS_CONSTANT;
    case MIG_RULE_OR:
    case MIG_RULE_SIGNED_LOWER:
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
    case MIG_RULE_HIGHER_OR_ZERO:
    case MIG_RULE_SET:
    case MIG_RULE_EQUAL_TEXT:
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
    case MIG_RULE_FROZEN:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
    case MIG_RULE_DENY:
    case MIG_RULE_COUNT:
        break;
    }
    return false;
}

static const struct mig_loss *find_loss(const struct mig_result *r, const char *host,
                                        const char *id)
{
    for (size_t i = 0; i < r->losses_len; i++) {
        if (strcmp(r->losses[i].host, host) == 0 && strcmp(r->losses[i].id, id) == 0) {
            return &r->losses[i];
        }
    }
    return NULL;
}

/* Each field that the common profile lacks against the host's own one is a
 * loss under its own id; gives how many there are. */
static size_t check_lost_fields(const struct mig_party *host, const struct mig_result *r)
{
    struct mig_result own;
    size_t lost = 0;

    mig_baseline(host, 1, &choice, &own);
    assert_non_null(own.profile);
    for (size_t w = 0; w < own.profile->words_len; w++) {
        const struct mig_word *word = &own.profile->words[w];
        struct mig_reg reg = mig_reg_from_key(word->key);
        const struct mig_word *common = mig_profile_find(r->profile, reg);
        uint64_t left = common != NULL ? common->value : 0;
        struct mig_fields fields = mig_field_of(reg);

        if (is_geometry(reg) || (common != NULL && !common->covered)) {
            continue;
        }
        for (size_t i = 0; i < fields.len; i++) {
            const struct mig_field *f = &fields.items[i];
            char id[MIG_FIELD_ID_MAX];

            if (is_lost(f, mig_field_get(f, word->value), mig_field_get(f, left))) {
                mig_field_print_id(f, reg.sub, id);
                check_true(id, find_loss(r, host->name, id) != NULL);
                lost++;
            }
        }
    }
    mig_result_clear(&own);
    return lost;
}

static void check_losses(const char *label, const struct mig_party *host,
                         const struct mig_result *r, size_t expected)
{
    size_t told = 0;

    for (size_t i = 0; i < r->losses_len; i++) {
        const struct mig_loss *loss = &r->losses[i];

        if (strcmp(loss->host, host->name) == 0) {
            told++;
            check_true(label, loss->id[0] != '\0' && loss->name != NULL && loss->name[0] != '\0');
        }
    }
    check_number(label, expected, told);
    check_number(label, expected, check_lost_fields(host, r));
}

/* Nothing above a note for a guest of the profile, on any member; level with
 * a member again, and it is itself. */
static void check_member(const char *label, const struct mig_profile *p,
                         const struct mig_party *member)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = mig_profile_as_snapshot(p);
    struct mig_party pair[2] = {
        {"profile", shown},
        *member
    };
    struct mig_findings findings = {0};
    struct mig_result r;

    mig_judge(&pair[0], member, &choice, &findings);
    for (size_t i = 0; i < findings.len; i++) {
        if (findings.items[i].severity > MIG_NOTE) {
            fail_msg("%s: not allowed on %s: %s", label, member->name, findings.items[i].id);
        }
    }
    mig_findings_clear(&findings);
    mig_baseline(pair, 2, &choice, &r);
    check_digest(label, p, r.profile);
    mig_result_clear(&r);
}

static void check_laws(const char *label, const struct mig_party *a, const struct mig_party *b,
                       const struct mig_result *there, const struct mig_result *back)
{
    struct mig_party pair[2] = {*a, *b}, reversed[2] = {*b, *a};
    struct mig_result r, s;

    mig_baseline(pair, 2, &choice, &r);
    mig_baseline(reversed, 2, &choice, &s);
    check_digest(label, r.profile, s.profile);
    check_digest(label, r.profile, there->profile);
    check_digest(label, r.profile, back->profile);
    check_member(label, r.profile, a);
    check_member(label, r.profile, b);
    check_profile(label, r.profile, a->snapshot, b->snapshot);
    mig_result_clear(&r);
    mig_result_clear(&s);
}

static const char *mirrored(const char *direction)
{
    return strcmp(direction, "forward") == 0    ? "backward"
           : strcmp(direction, "backward") == 0 ? "forward"
                                                : direction;
}

static bool works(const struct mig_result *r)
{
    return r->passthrough == MIG_COMPATIBLE || r->passthrough == MIG_COMPATIBLE_MASKED;
}

static void check_direction(const char *label, const struct mig_result *there,
                            const struct mig_result *back)
{
    const char *expected = works(there) && works(back) ? "both"
                           : works(there)              ? "forward"
                           : works(back)               ? "backward"
                                                       : "none";

    check_text(label, expected, there->direction);
    check_text(label, mirrored(expected), back->direction);
    check_number(label, there->losses_len, back->losses_len);
}

static struct mig_party party_of(const char *name)
{
    return (struct mig_party){name, snapshot_host(name)};
}

static void leave(struct mig_party *p)
{
    /* The party borrows what was loaded for this test alone. */
    mig_snapshot_free((struct mig_snapshot *)(uintptr_t)p->snapshot);
}

CHECK_TEST(every_pair_of_one_vendor_gets_its_verdict_and_all_losses)
{
    CHECK_EACH (pair, pairs) {
        struct mig_party a = party_of(captures[pair->a]), b = party_of(captures[pair->b]);
        MIG_AUTO(mig_free)
        char *label = mig_strf("%s and %s", captures[pair->a], captures[pair->b]);
        struct mig_result there, back;

        mig_negotiate(&a, &b, &choice, &there);
        mig_negotiate(&b, &a, &choice, &back);
        check_number(label, pair->there, there.verdict);
        check_number(label, pair->back, back.verdict);
        assert_non_null(there.profile);
        assert_non_null(back.profile);
        check_losses(label, &a, &there, pair->a_loses);
        check_losses(label, &b, &there, pair->b_loses);
        check_losses(label, &a, &back, pair->a_loses);
        check_losses(label, &b, &back, pair->b_loses);
        check_direction(label, &there, &back);
        check_laws(label, &a, &b, &there, &back);
        mig_result_clear(&there);
        mig_result_clear(&back);
        leave(&a);
        leave(&b);
    }
}

/* The table above leaves no pair out. */
CHECK_TEST(every_pair_of_one_vendor_is_in_the_table)
{
    size_t expected = 0;

    for (size_t i = 0; i < CAPTURES; i++) {
        for (size_t j = i + 1; j < CAPTURES; j++) {
            size_t found = 0;

            CHECK_EACH (pair, pairs) {
                found += pair->a == i && pair->b == j;
            }
            check_number(captures[j], same_vendor(captures[i], captures[j]), found);
            expected += same_vendor(captures[i], captures[j]);
        }
    }
    check_number("pairs", expected, sizeof pairs / sizeof *pairs);
}

CHECK_TEST(a_pair_of_two_vendors_is_one_clear_blocker)
{
    size_t count = 0;

    for (size_t i = 0; i < CAPTURES; i++) {
        for (size_t j = 0; j < CAPTURES; j++) {
            struct mig_party a = party_of(captures[i]), b = party_of(captures[j]);
            struct mig_result r;

            if (!same_vendor(captures[i], captures[j])) {
                mig_negotiate(&a, &b, &choice, &r);
                check_text(captures[i], "incompatible", mig_verdict_name(r.verdict));
                check_text(captures[i], "incompatible", mig_verdict_name(r.passthrough));
                check_text(captures[i], "none", r.direction);
                check_number(captures[i], 1, r.findings.len);
                check_number(captures[i], MIG_BLOCKER, r.findings.items[0].severity);
                check_contains(captures[i], "GenuineIntel", r.findings.items[0].why);
                check_contains(captures[i], "AuthenticAMD", r.findings.items[0].why);
                check_true(captures[i], r.findings.items[0].remedy != NULL);
                check_true(captures[i], r.profile == NULL && r.losses_len == 0);
                mig_result_clear(&r);
                count++;
            }
            leave(&a);
            leave(&b);
        }
    }
    check_number("ordered pairs", 64, count);
}

CHECK_TEST(a_host_beside_itself_gives_nothing_up)
{
    for (size_t i = 0; i < CAPTURES; i++) {
        struct mig_party a = party_of(captures[i]);
        struct mig_result r;

        mig_negotiate(&a, &a, &choice, &r);
        check_text(captures[i], "compatible", mig_verdict_name(r.verdict));
        check_text(captures[i], "both", r.direction);
        check_number(captures[i], 0, r.losses_len);
        check_laws(captures[i], &a, &a, &r, &r);
        mig_result_clear(&r);
        leave(&a);
    }
}

CHECK_TEST(weighing_a_pair_gives_the_severity_of_its_worst_finding)
{
    for (size_t i = 0; i < CAPTURES * CAPTURES; i++) {
        struct mig_party a = party_of(captures[i / CAPTURES]), b = party_of(captures[i % CAPTURES]);
        struct mig_findings findings = {0};

        mig_judge(&a, &b, &choice, &findings);
        check_number(a.name, mig_findings_worst(&findings), mig_judge_worst(&a, &b, &choice));
        mig_findings_clear(&findings);
        leave(&a);
        leave(&b);
    }
}

CHECK_MAIN(cmocka_unit_test(every_pair_of_one_vendor_gets_its_verdict_and_all_losses),
           cmocka_unit_test(every_pair_of_one_vendor_is_in_the_table),
           cmocka_unit_test(a_pair_of_two_vendors_is_one_clear_blocker),
           cmocka_unit_test(a_host_beside_itself_gives_nothing_up),
           cmocka_unit_test(weighing_a_pair_gives_the_severity_of_its_worst_finding))
