/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the ledger says how far a move has come, the store whose
 * contract it is.  A step that needs the host as it was agreed on waits for a
 * capture; the change itself comes after it, in one go.
 *
 *            source                          destination
 *   APPROVE  contract is still active        contract waits as incoming
 *   SWITCH   (host is the same)              (host is the same)
 *   COMPLETE -                               incoming becomes active, new hop
 *   DEPART   active is retired, on the       -
 *            destination's own word
 *   ABANDON  -                               incoming is forgotten, if approved
 *
 * A failed attempt before APPROVE leaves all as it is, for the next one.
 *
 * A VMM that tells its host's gate only which guest is to come (libvirt) has no
 * agreement to show: then it is the newest in the ledger, and the contract that
 * waits must be its own.  Such a gate never hears how the move ended; so the
 * source's hook may say COMPLETE and ABANDON here.  It can only give away or
 * keep a guest that is its host's, and only once this host's gate approved.
 */
#include "agent/advance.h"

#include <string.h>

#include "agent/capturer.h"
#include "agent/credentials.h"
#include "agent/means.h"
#include "agent/options.h"
#include "base/alloc.h"
#include "base/now.h"
#include "pact/audit.h"
#include "pact/ledger.h"
#include "pact/store.h"
#include "seal/seal.h"
#include "session/move.h"
#include "snapshot/codec.h"

struct mig_advance {
    struct mig_means means;
    struct mig_credentials *creds;
    enum mig_step step;
    struct mig_bytes sealed, contract; /* as asked */
    char *vm, *instance;               /* instead of both */
    char *from_afar;
    mig_advance_fn *fn;
    void *data;
    bool working; /* the capturer will call */
    bool dropped;
    struct mig_ledger ledger;
    struct mig_agreement agreement;
    const struct mig_pledge *own; /* which side this host is */
    struct mig_message answer;
};

static void advance_free(struct mig_advance *a)
{
    mig_bytes_clear(&a->sealed);
    mig_bytes_clear(&a->contract);
    mig_free(a->vm);
    mig_free(a->instance);
    mig_free(a->from_afar);
    mig_message_clear(&a->answer);
    mig_ledger_close(&a->ledger);
    mig_credentials_free(a->creds);
    mig_free(a);
}

void mig_advance_drop(struct mig_advance *a)
{
    if (a == NULL) {
        return;
    }
    a->dropped = true;
    if (!a->working) {
        advance_free(a);
    }
}

/* ---- which agreement, which side ---- */

static bool is_destination(const struct mig_advance *a)
{
    return a->own == &a->agreement.destination;
}

/* On one host it is both sides; then the step says which. */
static bool find_side(struct mig_advance *a, struct mig_error *err)
{
    const struct mig_agreement *g = &a->agreement;
    const char *name = a->creds->name;

    if (strcmp(name, g->destination.host) == 0 && a->step != MIG_STEP_DEPART) {
        a->own = &g->destination;
    } else if (strcmp(name, g->source.host) == 0 && a->step != MIG_STEP_COMPLETE) {
        a->own = &g->source;
    } else {
        return mig_fail(err, MIG_TRUST,
                        "agreement is on a move from '%s' to '%s'; '%s' can not %s it",
                        g->source.host, g->destination.host, name, mig_step_name(a->step));
    }
    return true;
}

/* The guest's gate has none to show. */
static bool pick_agreement(struct mig_advance *a, struct mig_error *err)
{
    return mig_ledger_pick(&a->ledger, a->vm, a->creds->name, &a->sealed, err);
}

static bool check_picked(const struct mig_advance *a, struct mig_error *err)
{
    return a->vm == NULL || a->instance[0] == '\0' ||
           strcmp(a->instance, a->agreement.instance) == 0 ||
           mig_fail(err, MIG_STALE, "the agreement is on instance '%s' of '%s', not on '%s'",
                    a->agreement.instance, a->vm, a->instance);
}

static bool check_asker(const struct mig_advance *a, struct mig_error *err)
{
    const struct mig_agreement *g = &a->agreement;
    bool ends = a->step == MIG_STEP_COMPLETE || a->step == MIG_STEP_ABANDON;

    return a->from_afar == NULL ||
           (ends && is_destination(a) && strcmp(a->from_afar, g->source.host) == 0) ||
           mig_fail(err, MIG_REFUSED,
                    "hook '%s' of another host may not %s a move from '%s' to '%s': only that of "
                    "'%s' may, to complete or abandon it at '%s'",
                    a->from_afar, mig_step_name(a->step), g->source.host, g->destination.host,
                    g->source.host, g->destination.host);
}

static bool open_agreement(struct mig_advance *a, struct mig_error *err)
{
    const struct mig_trust *trust = a->creds->trust;

    if (a->vm != NULL && !pick_agreement(a, err)) {
        return false;
    }
    /* Once approved a move takes as long as it takes. */
    return (a->step == MIG_STEP_APPROVE
                ? mig_agreement_open(trust, &a->sealed, mig_now_unix(), &a->agreement, err)
                : mig_agreement_open_ever(trust, &a->sealed, &a->agreement, err)) &&
           find_side(a, err) && check_picked(a, err) && check_asker(a, err);
}

static bool open_store(const struct mig_advance *a, struct mig_store *ret, struct mig_error *err)
{
    return mig_store_open(a->means.options->contracts, a->creds->trust, ret, err);
}

static bool check_state(const struct mig_advance *a, enum mig_ledger_state expected,
                        struct mig_error *err)
{
    enum mig_ledger_state state;

    if (!mig_ledger_find(&a->ledger, &a->agreement, &state, err)) {
        return false;
    }
    return state == expected || mig_fail(err, MIG_STALE,
                                         "agreement is %s here, and to %s it must be %s: ask both "
                                         "hosts again",
                                         mig_ledger_state_name(state), mig_step_name(a->step),
                                         mig_ledger_state_name(expected));
}

static bool set_state(const struct mig_advance *a, enum mig_ledger_state to, struct mig_error *err)
{
    return mig_ledger_advance(&a->ledger, &a->agreement, to, err);
}

/* ---- steps that need the host as it was agreed on ---- */

static bool check_contract(const struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    const struct mig_agreement *g = &a->agreement;

    if (!open_store(a, &store, err) ||
        !mig_store_get(&store, is_destination(a) ? MIG_STORE_INCOMING : MIG_STORE_ACTIVE, g->vm,
                       g->instance, &found, err)) {
        return false;
    }
    return memcmp(found.digest, g->contract, sizeof found.digest) == 0 ||
           mig_fail(err, MIG_STALE, "the contract of '%s' is not the one that was agreed on",
                    g->vm);
}

static bool check_came_with(const struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    if (a->contract.len == 0) {
        return mig_fail(err, MIG_FORMAT, "the contract is missing");
    }
    return mig_seal_open(a->creds->trust, MIG_PAYLOAD_CONTRACT, a->contract.items, a->contract.len,
                         &payload, err) &&
           (memcmp(payload->digest, a->agreement.contract, MIG_DIGEST_BYTES) == 0 ||
            mig_fail(err, MIG_TRUST, "the contract that came is not the one that was agreed on"));
}

static bool check_host(const struct mig_advance *a, const struct mig_snapshot *s,
                       struct mig_error *err)
{
    unsigned char capability[MIG_DIGEST_BYTES];

    mig_snapshot_capability_digest(s, capability);
    return memcmp(capability, a->own->capability, sizeof capability) == 0 ||
           mig_fail(err, MIG_STALE,
                    "what %s grants a guest has changed since it was agreed on: ask both hosts "
                    "again",
                    a->own->host);
}

static bool act(struct mig_advance *a, const struct mig_snapshot *s, struct mig_error *err)
{
    if (!check_host(a, s, err) || !check_contract(a, err)) {
        return false;
    }
    return a->step != MIG_STEP_APPROVE || set_state(a, MIG_LEDGER_APPROVED, err);
}

/* ---- steps that end a move ---- */

/* Said before, when nobody heard the answer. */
static bool is_complete(struct mig_advance *a, const struct mig_store *store)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    const struct mig_agreement *g = &a->agreement;
    struct mig_error why;

    if (!mig_store_get(store, MIG_STORE_ACTIVE, g->vm, g->instance, &found, &why) ||
        strcmp(mig_contract_holder(found.contract), a->creds->name) != 0) {
        return false;
    }
    a->answer.contract = found.sealed;
    found.sealed = (struct mig_bytes){0};
    return true;
}

static bool activate(struct mig_advance *a, const struct mig_store *store, struct mig_error *err)
{
    MIG_AUTO(mig_stored_clear) struct mig_stored found = {0};
    struct mig_bytes *sealed = &a->answer.contract;
    const struct mig_agreement *g = &a->agreement;

    return mig_store_get(store, MIG_STORE_INCOMING, g->vm, g->instance, &found, err) &&
           mig_contract_add_hop(found.contract, a->creds->name, mig_now_unix(), err) &&
           mig_contract_seal(found.contract, a->creds->key, sealed, err) &&
           mig_store_activate(store, g->vm, g->instance, sealed, err);
}

/* The guest runs here: sign for it, and only then say so. */
static bool complete(struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    enum mig_ledger_state state;

    if (!open_store(a, &store, err) || !mig_ledger_find(&a->ledger, &a->agreement, &state, err)) {
        return false;
    }
    if (state != MIG_LEDGER_COMPLETED && !check_state(a, MIG_LEDGER_APPROVED, err)) {
        return false;
    }
    return (is_complete(a, &store) || activate(a, &store, err)) &&
           set_state(a, MIG_LEDGER_COMPLETED, err);
}

/* Its agent signed that the guest is there: this very guest. */
static bool check_arrived(const struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    const struct mig_agreement *g = &a->agreement;

    if (a->contract.len == 0) {
        return mig_fail(err, MIG_FORMAT, "the contract that %s signed on arrival is missing",
                        g->destination.host);
    }
    if (!mig_seal_open(a->creds->trust, MIG_PAYLOAD_CONTRACT, a->contract.items, a->contract.len,
                       &payload, err) ||
        !mig_contract_decode(payload, &c, err)) {
        return false;
    }
    return (strcmp(c->vm, g->vm) == 0 && strcmp(c->instance, g->instance) == 0 &&
            strcmp(mig_contract_holder(c), g->destination.host) == 0) ||
           mig_fail(err, MIG_TRUST,
                    "contract of '%s' instance '%s' on %s, expected '%s' '%s' on %s", c->vm,
                    c->instance, mig_contract_holder(c), g->vm, g->instance, g->destination.host);
}

static bool depart(struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    const struct mig_agreement *g = &a->agreement;

    return check_arrived(a, err) && open_store(a, &store, err) &&
           mig_store_retire(&store, g->vm, g->instance, err) &&
           set_state(a, MIG_LEDGER_COMPLETED, err);
}

/* Before it was approved all stays as it is, for the next attempt. */
static bool abandon(struct mig_advance *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};
    const struct mig_agreement *g = &a->agreement;
    enum mig_ledger_state state;

    if (!mig_ledger_find(&a->ledger, g, &state, err)) {
        return false;
    }
    if (state == MIG_LEDGER_SIGNED) {
        return true;
    }
    return set_state(a, MIG_LEDGER_ABANDONED, err) &&
           (!is_destination(a) ||
            (open_store(a, &store, err) && mig_store_turn_away(&store, g->vm, g->instance, err)));
}

static bool end(struct mig_advance *a, struct mig_error *err)
{
    switch ((int)a->step) { /* the others need a capture */
    case MIG_STEP_COMPLETE:
        return complete(a, err);
    case MIG_STEP_DEPART:
        return depart(a, err);
    default:
        return abandon(a, err);
    }
}

/* ---- life ---- */

static void answer(struct mig_advance *a, const char *phase, bool good, const struct mig_error *err)
{
    static const struct mig_error none = {0};

    a->answer.kind = MIG_MESSAGE_ADVANCED;
    a->fn(good ? &a->answer : NULL, phase, good ? &none : err, a->data);
}

static void on_snapshot(const struct mig_snapshot *s, const struct mig_error *failure, void *data)
{
    struct mig_advance *a = data;
    struct mig_error err = *failure;

    a->working = false;
    if (a->dropped) {
        advance_free(a);
    } else if (s == NULL) {
        answer(a, "capture", false, &err);
    } else {
        answer(a, mig_step_name(a->step), act(a, s, &err), &err);
    }
}

static bool prepare(struct mig_advance *a, struct mig_error *err)
{
    if (a->step == MIG_STEP_APPROVE) {
        return check_state(a, MIG_LEDGER_SIGNED, err) && (a->vm != NULL || check_came_with(a, err));
    }
    return a->step != MIG_STEP_SWITCH || check_state(a, MIG_LEDGER_APPROVED, err);
}

void mig_advance_start(struct mig_advance *a)
{
    struct mig_error err;

    if (!mig_ledger_open(a->means.options->agreements, a->creds->trust, mig_now_unix(), &a->ledger,
                         &err) ||
        !open_agreement(a, &err) || !prepare(a, &err)) {
        answer(a, "verify", false, &err);
    } else if (a->step == MIG_STEP_APPROVE || a->step == MIG_STEP_SWITCH) {
        a->working = true;
        mig_capturer_ask(a->means.capturer, on_snapshot, a);
    } else {
        answer(a, mig_step_name(a->step), end(a, &err), &err);
    }
}

void mig_advance_describe(const struct mig_advance *a, struct mig_audit *ret)
{
    const struct mig_agreement *g = &a->agreement;

    ret->what = mig_step_name(a->step);
    memcpy(ret->vm, g->vm, sizeof ret->vm);
    memcpy(ret->instance, g->instance, sizeof ret->instance);
    memcpy(ret->source, g->source.host, sizeof ret->source);
    memcpy(ret->destination, g->destination.host, sizeof ret->destination);
    ret->has_agreement = g->issued_at != 0;
    memcpy(ret->agreement, g->id, sizeof ret->agreement);
    memcpy(ret->contract, g->contract, sizeof ret->contract);
}

struct mig_advance *mig_advance_new(const struct mig_means *means, struct mig_credentials *creds,
                                    const struct mig_advance_ask *ask, mig_advance_fn *fn,
                                    void *data)
{
    const struct mig_message *m = ask->message;
    struct mig_advance *a = MIG_NEW(struct mig_advance);
    bool named = m->agreement.len == 0;

    *a = (struct mig_advance){.means = *means,
                              .creds = mig_credentials_ref(creds),
                              .step = m->step,
                              .sealed = mig_bytes_copy(m->agreement.items, m->agreement.len),
                              .contract = mig_bytes_copy(m->contract.items, m->contract.len),
                              .fn = fn,
                              .data = data};
    if (named) {
        a->vm = mig_strdup(m->vm);
        a->instance = mig_strdup(m->instance != NULL ? m->instance : "");
    }
    if (ask->from_afar != NULL) {
        a->from_afar = mig_strdup(ask->from_afar);
    }
    return a;
}
