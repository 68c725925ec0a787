/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of the judgement of arm64 hosts, over random ones and the captures of
 * emulated ones: a host goes with itself, a baseline depends on no order, and
 * KVM on every host takes each register of a profile that is said to do.
 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "compat/merge.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "snapshot/import.h"
#include "support/prop.h"
#include "support/snapshots.h"

static const struct mig_choice choice;

static const char *const captures[] = {
    "a64fx",    "cortex-a72", "max",         "max-mte",     "max-nosve",
    "max-nvhe", "max-sve256", "neoverse-n1", "neoverse-v1",
};

static struct mig_snapshot *capture(const char *name)
{
    MIG_AUTO(mig_free) char *relative = mig_strf("data/emulated-hosts/arm64-6.12-%s.json", name);
    MIG_AUTO(mig_free) char *path = check_shared_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes text = {0};
    struct mig_snapshot *s = NULL;
    const char *format;
    struct mig_error err;

    if (path == NULL) {
        skip();
    }
    check_done(path, mig_file_read(path, 1 << 20, &text, &err), &err);
    check_done(path, mig_import(name, (const char *)text.items, text.len, &s, &format, &err), &err);
    return s;
}

/* A second host that often is near the first: the same, but for a register. */
static struct mig_snapshot *random_twin(struct prop *p, const struct mig_snapshot *of)
{
    struct mig_snapshot *s = snapshot_random_arm64(p);
    bool is_near = !prop_once_in(p, 4);

    for (size_t i = 0; is_near && i < s->entries_len; i++) {
        uint64_t value;

        if (mig_snapshot_get(of, mig_reg_from_key(s->entries[i].key), &value) == MIG_KNOWN &&
            !prop_once_in(p, 40)) {
            s->entries[i].value = value;
        }
    }
    return s;
}

/* A profile is what KVM on every member takes from a VMM, vCPU features as the
 * profile tells them. */
static void check_settable(const char *label, const struct mig_profile *p,
                           const struct mig_party *members, size_t len)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = mig_profile_as_snapshot(p);
    struct mig_party guest = {"profile", shown};

    for (size_t i = 0; i < len; i++) {
        struct mig_limit limit;

        mig_limit_init(&limit, &members[i], mig_feature_of(&guest));
        for (size_t w = 0; w < p->words_len; w++) {
            struct mig_reg reg = mig_reg_from_key(p->words[w].key);
            struct mig_settable s = mig_settable_ask(&limit, reg, p->words[w].value);
            char name[MIG_REG_TEXT_MAX];

            mig_reg_print(reg, name);
            if (p->words[w].covered && s.answer == MIG_ANSWER_EINVAL) {
                fail_msg("%s: %s does not take %s = 0x%llx of the profile", label, members[i].name,
                         name, (unsigned long long)p->words[w].value);
            }
        }
    }
}

static void check_digest(const char *label, const struct mig_result *a, const struct mig_result *b)
{
    check_text(label, mig_verdict_name(a->verdict), mig_verdict_name(b->verdict));
    check_number(label, a->profile != NULL, b->profile != NULL);
    check_number(label, a->findings.len, b->findings.len);
    if (a->profile != NULL && b->profile != NULL) {
        assert_memory_equal(a->profile->digest, b->profile->digest, sizeof a->profile->digest);
        check_number(label, a->profile->sve_vqs, b->profile->sve_vqs);
    }
}

/* Each id once, each with words, and blockers say what to do. */
static void check_words(const char *label, const struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        for (size_t j = 0; j < i; j++) {
            if (strcmp(f->id, list->items[j].id) == 0) {
                fail_msg("%s: finding %s is there twice", label, f->id);
            }
        }
        check_true(f->id, f->rule != NULL && f->why != NULL);
        check_true(f->id, f->severity < MIG_BLOCKER || f->remedy != NULL);
    }
}

static void check_pair(const char *label, const struct mig_snapshot *a,
                       const struct mig_snapshot *b)
{
    const struct mig_party there[2] = {
        {"alpha", a},
        {"beta",  b}
    };
    const struct mig_party back[2] = {
        {"beta",  b},
        {"alpha", a}
    };
    struct mig_result x, y, n;
    struct mig_findings told = {0};

    mig_baseline(there, 2, &choice, &x);
    mig_baseline(back, 2, &choice, &y);
    check_digest(label, &x, &y);
    check_words(label, &x.findings);
    if (x.profile != NULL && !x.possible) {
        check_settable(label, x.profile, there, 2);
    }
    mig_judge(&there[0], &there[1], &choice, &told);
    check_words(label, &told);
    check_number(label, mig_findings_worst(&told), mig_judge_worst(&there[0], &there[1], &choice));
    mig_findings_clear(&told);
    mig_negotiate(&there[0], &there[1], &choice, &n);
    check_words(label, &n.findings);
    mig_result_clear(&n);
    mig_result_clear(&x);
    mig_result_clear(&y);
}

static void check_itself(const char *label, const struct mig_snapshot *s)
{
    struct mig_party host = {"host", s}, twin = {"twin", s};
    struct mig_findings list = {0};
    struct mig_result r;

    mig_judge(&host, &twin, &choice, &list);
    for (size_t i = 0; i < list.len; i++) {
        if (list.items[i].severity > MIG_WARNING) {
            fail_msg("%s: %s keeps a host from itself (%s)", label, list.items[i].id,
                     list.items[i].why);
        }
    }
    mig_findings_clear(&list);
    mig_negotiate(&host, &twin, &choice, &r);
    if (r.verdict != MIG_COMPATIBLE && r.verdict != MIG_UNKNOWN) {
        fail_msg("%s: a host is %s with itself", label, mig_verdict_name(r.verdict));
    }
    mig_result_clear(&r);
}

CHECK_TEST(a_host_goes_with_itself)
{
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "itself");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_random_arm64(&p);

        check_itself("random", s);
    }
}

CHECK_TEST(random_pairs_are_judged_alike_both_ways)
{
    unsigned runs = prop_runs(1000), settable = 0;
    struct prop p;

    prop_init(&p, "pairs");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = snapshot_random_arm64(&p);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = random_twin(&p, a);
        const struct mig_party pair[2] = {
            {"alpha", a},
            {"beta",  b}
        };
        struct mig_result r;

        check_pair("random", a, b);
        mig_baseline(pair, 2, &choice, &r);
        settable += r.profile != NULL && !r.possible ? 1 : 0;
        mig_result_clear(&r);
    }
    print_message("%u of %u pairs have a profile that both take\n", settable, runs);
}

CHECK_TEST(a_baseline_of_three_depends_on_no_order)
{
    unsigned runs = prop_runs(300);
    struct prop p;

    prop_init(&p, "three");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = snapshot_random_arm64(&p);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = random_twin(&p, a);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *c = random_twin(&p, b);
        const struct mig_party all[3] = {
            {"alpha", a},
            {"beta",  b},
            {"gamma", c}
        };
        const struct mig_party other[3] = {all[2], all[0], all[1]};
        struct mig_result x, y;

        mig_baseline(all, 3, &choice, &x);
        mig_baseline(other, 3, &choice, &y);
        check_digest("three", &x, &y);
        mig_result_clear(&x);
        mig_result_clear(&y);
    }
}

CHECK_TEST(the_captures_keep_the_same_laws)
{
    struct mig_snapshot *hosts[MIG_COUNT(captures)];

    for (size_t i = 0; i < MIG_COUNT(captures); i++) {
        hosts[i] = capture(captures[i]);
    }
    for (size_t i = 0; i < MIG_COUNT(captures); i++) {
        check_itself(captures[i], hosts[i]);
        for (size_t j = 0; j < MIG_COUNT(captures); j++) {
            MIG_AUTO(mig_free) char *label = mig_strf("%s and %s", captures[i], captures[j]);

            check_pair(label, hosts[i], hosts[j]);
        }
    }
    for (size_t i = 0; i < MIG_COUNT(captures); i++) {
        mig_snapshot_free(hosts[i]);
    }
}

CHECK_MAIN(cmocka_unit_test(a_host_goes_with_itself),
           cmocka_unit_test(random_pairs_are_judged_alike_both_ways),
           cmocka_unit_test(a_baseline_of_three_depends_on_no_order),
           cmocka_unit_test(the_captures_keep_the_same_laws))
