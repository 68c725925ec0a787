/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/agreement.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/now.h"
#include "pact/ledger.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "support/check.h"
#include "support/forge.h"

#define NOW 2040000000

static struct mig_agreement sample(void)
{
    struct mig_agreement a = {
        .vm = "web3",
        .instance = "7f3a",
        .source.host = "alpha",
        .destination.host = "beta",
        .issued_at = NOW,
        .expires_at = NOW + MIG_AGREEMENT_LIFE_S,
    };

    memset(a.contract, 1, sizeof a.contract);
    memset(a.source.evidence, 2, sizeof a.source.evidence);
    memset(a.destination.capability, 3, sizeof a.destination.capability);
    memset(a.nonce, 4, sizeof a.nonce);
    return a;
}

CHECK_TEST(decode_of_encode_is_the_same_agreement)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0}, again = {0};
    struct mig_agreement a = sample(), b = {0};
    struct mig_error err;

    a.data_path = MIG_DATA_VMM_TLS;
    mig_agreement_encode(&a, &bytes);
    check_done("decode", mig_agreement_decode_untrusted(bytes.items, bytes.len, &b, &err), &err);
    check_text("vm", "web3", b.vm);
    check_text("destination", "beta", b.destination.host);
    check_number("data path", MIG_DATA_VMM_TLS, b.data_path);
    mig_agreement_encode(&b, &again);
    assert_int_equal(bytes.len, again.len);
    assert_memory_equal(bytes.items, again.items, bytes.len);
    for (size_t len = 0; len < bytes.len; len++) {
        /* The data path is the last field and may be left out. */
        assert_true(!mig_agreement_decode_untrusted(bytes.items, len, &b, &err) ||
                    b.data_path == MIG_DATA_TUNNEL);
    }
}

CHECK_TEST(agreements_that_make_no_sense_are_refused_by_name)
{
    static const struct {
        const char *label, *vm, *source, *trouble;
        int64_t issued_at, life_s;
    } cases[] = {
        {"no vm",      "",     "alpha", "vm: expected 1 to 63",            NOW, 300      },
        {"slash",      "a/b",  "alpha", "vm: expected 1 to 63",            NOW, 300      },
        {"no source",  "web3", "",      "source: '' is no host's name",    NOW, 300      },
        {"to itself",  "web3", "beta",  "source and destination are both", NOW, 300      },
        {"no time",    "web3", "alpha", "expected at most 3600 seconds",   0,   300      },
        {"backwards",  "web3", "alpha", "expected at most 3600 seconds",   NOW, -1       },
        {"for a week", "web3", "alpha", "expected at most 3600 seconds",   NOW, 7 * 86400},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_agreement a = sample(), b;
        struct mig_error err;

        (void)snprintf(a.vm, sizeof a.vm, "%s", c->vm);
        (void)snprintf(a.source.host, sizeof a.source.host, "%s", c->source);
        a.issued_at = c->issued_at;
        a.expires_at = c->issued_at + c->life_s;
        mig_agreement_encode(&a, &bytes);
        check_true(c->label, !mig_agreement_decode_untrusted(bytes.items, bytes.len, &b, &err));
        check_contains(c->label, c->trouble, err.msg);
    }
}

/* ---- signatures ---- */

struct world {
    struct fleet *fleet;
    struct mig_trust *trust;
};

static struct world world_new(void)
{
    struct world w = {.fleet = fleet_new()};

    fleet_issue(w.fleet, MIG_ROLE_AGENT, "alpha", 2000000000, 2100000000);
    fleet_issue(w.fleet, MIG_ROLE_AGENT, "beta", 2000000000, 2100000000);
    fleet_issue(w.fleet, MIG_ROLE_AGENT, "gamma", 2000000000, 2100000000);
    fleet_issue(w.fleet, MIG_ROLE_OPERATOR, "ops", 2000000000, 2100000000);
    w.trust = fleet_trust(w.fleet, false);
    return w;
}

static void world_free(struct world *w)
{
    mig_trust_free(w->trust);
    fleet_free(w->fleet);
}

/* By @first, and by @second unless it is NULL. */
static struct mig_bytes sign(const struct world *w, struct mig_agreement *a, const char *first,
                             const char *second)
{
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(w->fleet, first), *other = NULL;
    struct mig_bytes one = {0}, both = {0};
    struct mig_error err;

    check_done(first, mig_agreement_seal(a, key, &one, &err), &err);
    if (second == NULL) {
        return one;
    }
    other = fleet_key(w->fleet, second);
    check_done(second, mig_seal_add(other, one.items, one.len, &both, &err), &err);
    mig_bytes_clear(&one);
    return both;
}

CHECK_TEST(only_both_agents_make_an_agreement)
{
    struct world w = world_new();
    static const struct {
        const char *label, *first, *second, *trouble;
    } cases[] = {
        {"both",               "alpha", "beta",  NULL                                           },
        {"source alone",       "alpha", NULL,    "has 1 signature, expected exactly two"        },
        {"in another order",   "beta",  "alpha", "with source 'alpha' is signed by 'beta'"      },
        {"another host",       "alpha", "gamma", "with destination 'beta' is signed by 'gamma'" },
        {"an operator's word", "alpha", "ops",
         "signed by operator 'ops', expected the destination"                                   },
        {"operator's alone",   "ops",   NULL,    "has 1 signature"                              },
        {"operator and host",  "ops",   "beta",  "signed by operator 'ops', expected the source"},
    };

    CHECK_EACH (c, cases) {
        struct mig_agreement a = sample(), b;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sign(&w, &a, c->first, c->second);
        struct mig_error err = {0};
        bool good = mig_agreement_open(w.trust, &sealed, NOW + 1, &b, &err);

        check_true(c->label, good == (c->trouble == NULL));
        if (c->trouble != NULL) {
            check_contains(c->label, c->trouble, err.msg);
            check_number(c->label, MIG_TRUST, err.code);
        } else {
            assert_memory_equal(a.id, b.id, sizeof a.id);
        }
    }
    world_free(&w);
}

CHECK_TEST(an_agreement_has_its_time)
{
    struct world w = world_new();
    struct mig_agreement a = sample(), b;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sign(&w, &a, "alpha", "beta");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes offer = sign(&w, &a, "alpha", NULL);
    struct mig_error err;

    check_done("offer", mig_agreement_open_offer(w.trust, &offer, NOW, &b, &err), &err);
    check_true("offer expired", !mig_agreement_open_offer(w.trust, &offer, NOW + 300, &b, &err));
    check_true("expired", !mig_agreement_open(w.trust, &sealed, NOW + 300, &b, &err));
    check_contains("expired", "has expired, 0 seconds ago", err.msg);
    check_number("expired", MIG_STALE, err.code);
    check_true("future", !mig_agreement_open(w.trust, &sealed, NOW - 61, &b, &err));
    check_contains("future", "of the future, by 61 seconds", err.msg);
    check_done("for showing", mig_agreement_open_ever(w.trust, &sealed, &b, &err), &err);
    world_free(&w);
}

CHECK_TEST(any_changed_bit_voids_it)
{
    struct world w = world_new();
    struct mig_agreement a = sample(), b;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sign(&w, &a, "alpha", "beta");
    struct mig_error err;

    for (size_t i = 0; i < sealed.len; i += 7) {
        sealed.items[i] ^= 1;
        assert_false(mig_agreement_open(w.trust, &sealed, NOW, &b, &err));
        sealed.items[i] ^= 1;
    }
    world_free(&w);
}

/* ---- the ledger ---- */

CHECK_TEST(an_agreement_is_used_once)
{
    struct world w = world_new();
    struct mig_agreement a = sample(), other = sample();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sign(&w, &a, "alpha", "beta");
    MIG_AUTO(mig_free) char *dir = fleet_path(w.fleet, "ledger/deep");
    MIG_AUTO(mig_ledger_close) struct mig_ledger l = {0}, again = {0};
    enum mig_ledger_state where;
    struct mig_error err;

    other.nonce[0]++;
    check_done("open", mig_ledger_open(dir, w.trust, NOW, &l, &err), &err);
    check_true("unknown", !mig_ledger_find(&l, &a, &where, &err) && err.code == MIG_MISSING);
    check_done("add", mig_ledger_add(&l, &a, &sealed, &err), &err);
    check_true("twice", !mig_ledger_add(&l, &a, &sealed, &err));
    check_contains("twice", "known already, and signed", err.msg);
    check_done("approve", mig_ledger_advance(&l, &a, MIG_LEDGER_APPROVED, &err), &err);
    check_done("reopened", mig_ledger_open(dir, w.trust, NOW + 1, &again, &err), &err);
    check_done("find", mig_ledger_find(&again, &a, &where, &err), &err);
    check_number("kept", MIG_LEDGER_APPROVED, where);
    check_true("replayed", !mig_ledger_advance(&again, &a, MIG_LEDGER_APPROVED, &err));
    check_contains("replayed", "is approved already and can not be approved", err.msg);
    check_number("replayed", MIG_STALE, err.code);
    check_done("done", mig_ledger_advance(&l, &a, MIG_LEDGER_COMPLETED, &err), &err);
    check_done("done again", mig_ledger_advance(&l, &a, MIG_LEDGER_COMPLETED, &err), &err);
    check_true("not back", !mig_ledger_advance(&l, &a, MIG_LEDGER_ABANDONED, &err));
    check_true("nor in again", !mig_ledger_add(&l, &a, &sealed, &err));
    world_free(&w);
}

CHECK_TEST(what_has_expired_is_forgotten_unless_its_move_runs)
{
    struct world w = world_new();
    struct mig_agreement a = sample(), moving = sample();
    MIG_AUTO(mig_free) char *dir = fleet_path(w.fleet, "ledger");
    MIG_AUTO(mig_ledger_close) struct mig_ledger l = {0}, later = {0}, last = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes one = {0}, two = {0};
    enum mig_ledger_state where;
    struct mig_error err;

    moving.nonce[0]++;
    one = sign(&w, &a, "alpha", "beta");
    two = sign(&w, &moving, "alpha", "beta");
    check_done("open", mig_ledger_open(dir, w.trust, NOW, &l, &err), &err);
    check_done("add", mig_ledger_add(&l, &a, &one, &err), &err);
    check_done("add", mig_ledger_add(&l, &moving, &two, &err), &err);
    check_done("approve", mig_ledger_advance(&l, &moving, MIG_LEDGER_APPROVED, &err), &err);
    check_done("later", mig_ledger_open(dir, w.trust, NOW + 3600, &later, &err), &err);
    check_true("expired", !mig_ledger_find(&later, &a, &where, &err));
    check_done("moving", mig_ledger_find(&later, &moving, &where, &err), &err);
    check_done("last", mig_ledger_open(dir, w.trust, NOW + 8 * 86400, &last, &err), &err);
    check_true("nobody moves that long", !mig_ledger_find(&last, &moving, &where, &err));
    world_free(&w);
}

CHECK_TEST(a_gate_that_was_handed_none_gets_the_newest_that_may_be_approved)
{
    struct world w = world_new();
    struct mig_agreement old = sample(), new = sample(), other = sample();
    MIG_AUTO(mig_free) char *dir = fleet_path(w.fleet, "ledger");
    MIG_AUTO(mig_ledger_close) struct mig_ledger l = {0}, later = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes one = {0}, two = {0}, three = {0}, got = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes left = {0};
    struct mig_error err;

    new.issued_at++;
    new.expires_at++;
    (void)snprintf(other.source.host, sizeof other.source.host, "gamma");
    one = sign(&w, &old, "alpha", "beta");
    two = sign(&w, &new, "alpha", "beta");
    three = sign(&w, &other, "gamma", "beta");
    check_done("open", mig_ledger_open(dir, w.trust, NOW + 2, &l, &err), &err);
    check_true("none", !mig_ledger_pick(&l, old.vm, "beta", &got, &err));
    check_number("none", MIG_MISSING, err.code);
    check_done("add", mig_ledger_add(&l, &new, &two, &err), &err);
    check_done("add", mig_ledger_add(&l, &old, &one, &err), &err);
    check_true("another guest", !mig_ledger_pick(&l, "another", "beta", &got, &err));
    check_true("another way", !mig_ledger_pick(&l, old.vm, "alpha", &got, &err));
    check_done("newest", mig_ledger_pick(&l, old.vm, "beta", &got, &err), &err);
    check_true("newest", got.len == two.len && memcmp(got.items, two.items, two.len) == 0);
    check_done("approve", mig_ledger_advance(&l, &new, MIG_LEDGER_APPROVED, &err), &err);
    check_done("left", mig_ledger_pick(&l, old.vm, "beta", &left, &err), &err);
    check_true("left", left.len == one.len && memcmp(left.items, one.items, one.len) == 0);
    check_done("add", mig_ledger_add(&l, &other, &three, &err), &err);
    check_true("two sources", !mig_ledger_pick(&l, old.vm, "beta", &got, &err));
    check_number("two sources", MIG_REFUSED, err.code);
    check_contains("two sources", "which one comes is not known", err.msg);
    check_done("later", mig_ledger_open(dir, w.trust, old.expires_at + 1000, &later, &err), &err);
    check_true("expired", !mig_ledger_pick(&later, old.vm, "beta", &got, &err));
    world_free(&w);
}

CHECK_MAIN(cmocka_unit_test(decode_of_encode_is_the_same_agreement),
           cmocka_unit_test(agreements_that_make_no_sense_are_refused_by_name),
           cmocka_unit_test(only_both_agents_make_an_agreement),
           cmocka_unit_test(an_agreement_has_its_time), cmocka_unit_test(any_changed_bit_voids_it),
           cmocka_unit_test(an_agreement_is_used_once),
           cmocka_unit_test(a_gate_that_was_handed_none_gets_the_newest_that_may_be_approved),
           cmocka_unit_test(what_has_expired_is_forgotten_unless_its_move_runs))
