/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of the whole judgement, over every pair and triple of the real captures
 * and over random snapshots: a baseline does not depend on order, is allowed
 * on every member, a host is always compatible with itself, and a running guest
 * goes wherever the host is no worse than the one it runs on.
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

/* Weighed or told, one judgement. */
static void check_worst(const char *label, const struct mig_party *guest,
                        const struct mig_party *host)
{
    struct mig_findings told = {0};

    mig_judge(guest, host, &choice, &told);
    check_number(label, mig_findings_worst(&told), mig_judge_worst(guest, host, &choice));
    mig_findings_clear(&told);
}

/* A guest that was booted on what all members have moves from one of them, and
 * out of a file, to another. */
static void check_contract_of(const char *label, const struct mig_profile *p,
                              const struct mig_party *members, size_t len)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = mig_profile_as_snapshot(p);
    struct mig_party guest = {"guest", shown};

    for (size_t i = 0; i < 2 * len; i++) {
        const struct mig_party *to = &members[i / 2], *from = &members[(i / 2 + 1) % len];
        struct mig_result r;

        mig_check_contract(&guest, i % 2 == 0 ? from : NULL, to, &choice, &r);
        check_unique(label, &r.findings);
        if (r.verdict > MIG_COMPATIBLE_MASKED) {
            fail_msg("%s: a guest of the baseline is %s on %s", label, mig_verdict_name(r.verdict),
                     to->name);
        }
        mig_result_clear(&r);
    }
}

/* A host below the policy's minimum is refused, also beside its twin. */
static bool is_policy(const struct mig_finding *f)
{
    return strcmp(f->id, "policy/minimum") == 0;
}

/* Another vendor, or state that both have and no row explains. */
static bool is_no_presentation(const struct mig_finding *f)
{
    return strcmp(f->id, "x86/cpuid/0.0/ebx") == 0 ||
           (f->reason == MIG_REASON_UNCLASSIFIED && f->guest.value == f->source.value);
}

/* Whatever the guest was shown: it runs on one of two equal hosts, so hardly
 * anything keeps it from the other but what nobody knows of either. */
static void check_presentation(const char *label, const struct mig_party *guest,
                               const struct mig_party *host)
{
    struct mig_party twin = {"twin", host->snapshot};
    struct mig_result r;

    mig_check_contract(guest, host, &twin, &choice, &r);
    check_unique(label, &r.findings);
    for (size_t i = 0; i < r.findings.len; i++) {
        const struct mig_finding *f = &r.findings.items[i];

        if (f->severity > MIG_WARNING && f->reason != MIG_REASON_EVIDENCE &&
            !is_no_presentation(f) && !is_policy(f)) {
            fail_msg("%s: %s keeps %s from a twin of its host: %s (%s)", label, f->id, guest->name,
                     mig_severity_name(f->severity), f->why);
        }
    }
    mig_result_clear(&r);
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
        check_worst(label, &parties[0], &parties[1]);
        check_worst(label, &parties[1], &parties[0]);
        check_presentation(label, &parties[0], &parties[1]);
        check_presentation(label, &parties[1], &parties[0]);
    }
    check_digest(label, forward.profile, backward.profile);
    check_number(label, forward.verdict, backward.verdict);
    if (forward.profile != NULL) {
        check_contract_of(label, forward.profile, parties, len);
    }
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

static void check_self(const char *label, const struct mig_party *p)
{
    struct mig_party other = {"twin", p->snapshot};
    struct mig_result r;

    check_worst(label, p, &other);
    check_presentation(label, p, p);
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
