/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of the whole judgement, over every pair and triple of the real captures
 * and over random snapshots: a baseline does not depend on order, is allowed
 * on every member, and a host is always compatible with itself.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "support/prop.h"
#include "support/snapshots.h"

static const char *const captures[] = {
    "intel-cascadelake-5.10",
    "intel-cascadelake-6.1",
    "intel-icelake-5.10",
    "intel-icelake-6.1",
    "intel-sapphire-rapids-5.10",
    "intel-sapphire-rapids-6.1",
    "intel-granite-rapids-5.10",
    "intel-granite-rapids-6.1",
    "amd-milan-5.10",
    "amd-milan-6.1",
    "amd-genoa-5.10",
    "amd-genoa-6.1",
};
enum { CAPTURES = sizeof captures / sizeof *captures };

static const struct mig_choice choice;

static void check_digest(const char *label, const struct mig_profile *a,
                         const struct mig_profile *b)
{
    check_number(label, a != NULL, b != NULL);
    if (a != NULL && b != NULL && memcmp(a->digest, b->digest, sizeof a->digest) != 0) {
        fail_msg("%s: the baseline depends on the order of hosts", label);
    }
}

/* Nothing above a note when a guest of the profile moves to any member. */
static void check_allowed(const char *label, const struct mig_profile *p,
                          const struct mig_party *member)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = mig_profile_as_snapshot(p);
    struct mig_party guest = {"profile", shown};
    struct mig_findings findings = {0};

    mig_judge(&guest, member, &choice, &findings);
    for (size_t i = 0; i < findings.len; i++) {
        if (findings.items[i].severity > MIG_NOTE) {
            fail_msg("%s: profile not allowed on %s: %s (%s)", label, member->name,
                     findings.items[i].id, findings.items[i].why);
        }
    }
    mig_findings_clear(&findings);
}

/* One finding per id: programs key their answers by it. */
static void check_unique(const char *label, const struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(list->items[i].id, list->items[j].id) == 0) {
                fail_msg("%s: finding %s is there twice", label, list->items[i].id);
            }
        }
    }
}

/* Source and destination, both ways. */
static void check_pair(const char *label, const struct mig_party *a, const struct mig_party *b)
{
    struct mig_result r;

    mig_negotiate(a, b, &choice, &r);
    check_unique(label, &r.findings);
    mig_result_clear(&r);
    mig_negotiate(b, a, &choice, &r);
    check_unique(label, &r.findings);
    mig_result_clear(&r);
}

static void check_set(const char *label, const struct mig_party *parties, size_t len)
{
    struct mig_result forward, backward;
    struct mig_party reversed[3];

    for (size_t i = 0; i < len; i++) {
        reversed[i] = parties[len - 1 - i];
    }
    mig_baseline(parties, len, &choice, &forward);
    mig_baseline(reversed, len, &choice, &backward);
    check_unique(label, &forward.findings);
    if (len == 2) {
        check_pair(label, &parties[0], &parties[1]);
    }
    check_digest(label, forward.profile, backward.profile);
    check_number(label, forward.verdict, backward.verdict);
    for (size_t i = 0; forward.profile != NULL && i < len; i++) {
        check_allowed(label, forward.profile, &parties[i]);
    }
    mig_result_clear(&forward);
    mig_result_clear(&backward);
}

/* Levelling what is level already changes nothing: baseline of a profile and
 * one of its members is that profile. */
static void check_idempotent(const char *label, const struct mig_party *p)
{
    struct mig_party twice[2] = {
        *p, {"again", p->snapshot}
    };
    struct mig_result once, both;

    mig_baseline(p, 1, &choice, &once);
    mig_baseline(twice, 2, &choice, &both);
    check_digest(label, once.profile, both.profile);
    check_number(label, 0, both.losses_len);
    mig_result_clear(&once);
    mig_result_clear(&both);
}

/* A host below the policy's minimum is refused, also beside its twin. */
static bool is_policy(const struct mig_finding *f)
{
    return strcmp(f->id, "policy/minimum") == 0;
}

static void check_self(const char *label, const struct mig_party *p)
{
    struct mig_party other = {"twin", p->snapshot};
    struct mig_result r;

    mig_negotiate(p, &other, &choice, &r);
    if (r.passthrough == MIG_UNKNOWN) {
        /* A register that no profile shows could not be read. */
        check_true(label, r.verdict > MIG_COMPATIBLE_MASKED);
        check_text(label, "none", r.direction);
    } else if (r.profile != NULL) {
        check_text(label, "compatible", mig_verdict_name(r.verdict));
        check_text(label, "both", r.direction);
    }
    for (size_t i = 0; i < r.findings.len; i++) {
        if (r.findings.items[i].severity > MIG_WARNING && !is_policy(&r.findings.items[i])) {
            fail_msg("%s: against itself: %s %s", label, r.findings.items[i].id,
                     r.findings.items[i].why);
        }
    }
    mig_result_clear(&r);
}

static void load(struct mig_party parties[CAPTURES])
{
    for (size_t i = 0; i < CAPTURES; i++) {
        parties[i] = (struct mig_party){captures[i], snapshot_host(captures[i])};
    }
}

static void unload(struct mig_party parties[CAPTURES])
{
    for (size_t i = 0; i < CAPTURES; i++) {
        /* The party borrows what the loader made for this test alone. */
        mig_snapshot_free((struct mig_snapshot *)(uintptr_t)parties[i].snapshot);
    }
}

CHECK_TEST(laws_hold_for_every_pair_and_triple_of_real_captures)
{
    struct mig_party parties[CAPTURES];

    load(parties);
    for (size_t i = 0; i < CAPTURES; i++) {
        check_self(captures[i], &parties[i]);
        check_idempotent(captures[i], &parties[i]);
        check_set(captures[i], &parties[i], 1);
        for (size_t j = i + 1; j < CAPTURES; j++) {
            struct mig_party set[3] = {parties[i], parties[j]};

            check_set(captures[i], set, 2);
            for (size_t k = j + 1; k < CAPTURES; k++) {
                set[2] = parties[k];
                check_set(captures[i], set, 3);
            }
        }
    }
    unload(parties);
}

CHECK_TEST(laws_hold_for_random_snapshots)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "judgement");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = snapshot_random(&p);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = snapshot_random(&p);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *c = snapshot_random(&p);
        struct mig_party set[3] = {
            {"a", a},
            {"b", b},
            {"c", c}
        };

        check_self("random", &set[0]);
        check_idempotent("random", &set[0]);
        check_set("random", set, 2);
        check_set("random", set, 3);
    }
}

/* (a, b), c and a, (b, c): a profile takes part as a host of its own. */
CHECK_TEST(baselines_associate)
{
    struct mig_party parties[CAPTURES];

    load(parties);
    for (size_t i = 0; i + 2 < 8; i++) {
        struct mig_party all[3] = {parties[i], parties[i + 1], parties[i + 2]};
        struct mig_result whole, front;

        mig_baseline(all, 3, &choice, &whole);
        mig_baseline(all, 2, &choice, &front);
        if (whole.profile != NULL && front.profile != NULL) {
            MIG_AUTO(mig_snapshot_free)
            struct mig_snapshot *level = mig_profile_as_snapshot(front.profile);
            struct mig_party pair[2] = {
                {"level", level},
                all[2]
            };
            struct mig_result again;

            mig_baseline(pair, 2, &choice, &again);
            check_digest(captures[i], whole.profile, again.profile);
            mig_result_clear(&again);
        }
        mig_result_clear(&whole);
        mig_result_clear(&front);
    }
    unload(parties);
}

CHECK_MAIN(cmocka_unit_test(laws_hold_for_every_pair_and_triple_of_real_captures),
           cmocka_unit_test(laws_hold_for_random_snapshots), cmocka_unit_test(baselines_associate))
