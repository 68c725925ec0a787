/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  At the source (seek):
 *
 *   its active contract -> envoy: the destination's snapshot for our nonce
 *   -> our own, with that snapshot's evidence digest as its nonce
 *   -> judge -> sign -> envoy: propose -> two signatures -> ledger -> answer
 *
 * At the destination (weigh), which has just given a snapshot to that peer:
 *
 *   the offer names this very snapshot, and the source's was made for it
 *   -> judge -> prove -> ledger, incoming contract -> sign -> answer
 *
 * So each side's snapshot is fresh by the other's word, without a third
 * message.  An accord whose asker has gone waits, unanswered, for the capture
 * or proof that will call it.
 */
#include "agent/accord.h"

#include <stdio.h>
#include <string.h>

#include "agent/attest.h"
#include "agent/capturer.h"
#include "agent/credentials.h"
#include "agent/envoy.h"
#include "agent/means.h"
#include "agent/options.h"
#include "agent/prover.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "pact/audit.h"
#include "pact/ledger.h"
#include "pact/policy.h"
#include "pact/proof.h"
#include "pact/store.h"
#include "seal/seal.h"
#include "session/contract_file.h"
#include "session/decision.h"
#include "session/prove.h"
#include "session/terms.h"
#include "snapshot/codec.h"

/* All of it: unless the asker says less. */
#define ACCORD_MS 20000
#define ACCORD_MAX_MS 60000

enum { SOURCE, DESTINATION, HOSTS };

struct mig_accord {
    struct mig_means means;
    struct mig_credentials *creds;
    struct mig_message ask;
    char asker[MIG_NAME_MAX];             /* weigh */
    struct mig_bytes given;               /* weigh: our snapshot that the asker has */
    unsigned char nonce[MIG_NONCE_BYTES]; /* the destination's snapshot is for it */
    mig_accord_fn *fn;
    void *data;
    bool working; /* the capturer or the prover will call */
    bool dropped;
    struct mig_envoy *envoy;           /* seek */
    struct mig_stored stored;          /* seek: the guest's contract */
    struct mig_contract_file contract; /* as it is judged */
    struct mig_decision decision;
    struct mig_agreement agreement;
    struct mig_message answer;
};

static void accord_free(struct mig_accord *a)
{
    mig_envoy_free(a->envoy);
    mig_message_clear(&a->ask);
    mig_message_clear(&a->answer);
    mig_bytes_clear(&a->given);
    mig_stored_clear(&a->stored);
    mig_contract_file_clear(&a->contract);
    mig_decision_clear(&a->decision);
    mig_credentials_free(a->creds);
    mig_free(a);
}

void mig_accord_drop(struct mig_accord *a)
{
    if (a == NULL) {
        return;
    }
    a->dropped = true;
    mig_envoy_free(a->envoy);
    a->envoy = NULL;
    if (!a->working) {
        accord_free(a);
    }
}

/* The last thing that is done with @a. */
static void fail(struct mig_accord *a, const char *phase, const struct mig_error *err)
{
    a->fn(NULL, phase, err, a->data);
}

static void answer(struct mig_accord *a)
{
    static const struct mig_error none = {0};

    a->fn(&a->answer, NULL, &none, a->data);
}

/* ---- judging ---- */

static bool is_yes(enum mig_verdict v)
{
    return v == MIG_COMPATIBLE || v == MIG_COMPATIBLE_MASKED;
}

/* A refusal is one line; the whole report is migctl's to give. */
static bool fail_verdict(const struct mig_result *r, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text why = {0};
    bool more = mig_findings_sum_up(&r->findings, mig_findings_worst(&r->findings), &why);

    return mig_fail(err, MIG_REFUSED, "verdict '%s': %s%s", mig_verdict_name(r->verdict),
                    why.len > 0 ? why.items : "no reason is known",
                    more ? "; and more, see migctl contract check" : "");
}

/* What may stay unknown is this host's own word; the other's makes it stricter. */
static bool choose(const struct mig_accord *a, struct mig_choice *ret, struct mig_error *err)
{
    int own = a->ask.kind == MIG_MESSAGE_AGREE ? SOURCE : DESTINATION;
    MIG_AUTO(mig_policy_clear) struct mig_policy policy = {0};

    if (!mig_policy_of_snapshot(a->decision.hosts[own].snapshot, &policy, err)) {
        return false;
    }
    *ret = (struct mig_choice){.require_complete = true};
    memcpy(ret->tolerate, policy.tolerate, sizeof ret->tolerate);
    return true;
}

/* Both snapshots are in the decision, the contract beside it.  What only a proof
 * can tell is the destination's to find out before it signs. */
static bool judge(struct mig_accord *a, struct mig_error *err)
{
    struct mig_choice choice;
    const struct mig_belief belief = {.live_only = true, .prove_default = MIG_PROVE_LIVE};

    a->decision.contract = &a->contract;
    return choose(a, &choice, err) &&
           mig_decision_judge(&a->decision, &choice, &belief, true, err) &&
           (is_yes(a->decision.result.verdict) || a->decision.result.provable ||
            fail_verdict(&a->decision.result, err));
}

static bool take_evidence(struct mig_accord *a, int which, const struct mig_bytes *sealed,
                          const unsigned char *nonce, const char *name, struct mig_error *err)
{
    return mig_evidence_open(a->creds->trust, sealed->items, sealed->len, nonce, name,
                             mig_now_unix(), &a->decision.hosts[which], err);
}

static void describe(const struct mig_evidence *e, struct mig_pledge *p)
{
    memcpy(p->host, e->name, sizeof p->host);
    memcpy(p->evidence, e->digest, sizeof p->evidence);
    mig_snapshot_capability_digest(e->snapshot, p->capability);
    mig_policy_digest(e->snapshot, p->policy);
}

static bool keep(struct mig_accord *a, const struct mig_bytes *sealed, struct mig_error *err)
{
    MIG_AUTO(mig_ledger_close) struct mig_ledger l = {0};

    return mig_ledger_open(a->means.options->agreements, a->creds->trust, mig_now_unix(), &l,
                           err) &&
           mig_ledger_add(&l, &a->agreement, sealed, err);
}

/* ---- at the source ---- */

static bool find_contract(struct mig_accord *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    return mig_store_open(a->means.options->contracts, a->creds->trust, &store, err) &&
           mig_store_get(&store, MIG_STORE_ACTIVE, a->ask.vm, a->ask.instance, &a->stored, err) &&
           mig_contract_file_open(a->creds->trust, a->ask.vm, &a->stored.sealed, mig_now_unix(),
                                  &a->contract, err);
}

static bool sign(struct mig_accord *a, struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_contract *c = a->contract.contract;
    struct mig_agreement *g = &a->agreement;

    memcpy(g->vm, c->vm, sizeof g->vm);
    memcpy(g->instance, c->instance, sizeof g->instance);
    memcpy(g->contract, a->contract.digest, sizeof g->contract);
    describe(&a->decision.hosts[SOURCE], &g->source);
    describe(&a->decision.hosts[DESTINATION], &g->destination);
    mig_random(g->nonce, sizeof g->nonce);
    g->issued_at = mig_now_unix();
    g->expires_at = g->issued_at + MIG_AGREEMENT_LIFE_S;
    if (a->ask.data_path >= MIG_DATA_PATH_COUNT) {
        return mig_fail(err, MIG_USAGE, "data path %u is none that we know", a->ask.data_path);
    }
    g->data_path = (enum mig_data_path)a->ask.data_path;
    return mig_agreement_seal(g, a->creds->key, ret, err);
}

static void propose(struct mig_accord *a, const struct mig_bytes *own)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_PROPOSE};
    struct mig_error err;

    if (!judge(a, &err)) {
        fail(a, "judge", &err);
    } else if (!sign(a, &m.agreement, &err)) {
        fail(a, "agree", &err);
    } else {
        m.sealed = mig_bytes_copy(own->items, own->len);
        m.contract = mig_bytes_copy(a->stored.sealed.items, a->stored.sealed.len);
        mig_envoy_ask(a->envoy, &m);
    }
}

static void on_own(const struct mig_snapshot *s, const struct mig_error *failure, void *data)
{
    struct mig_accord *a = data;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes own = {0};
    struct mig_attest_terms terms = {.nonce = a->decision.hosts[DESTINATION].digest};
    struct mig_error err = *failure;

    a->working = false;
    if (a->dropped) {
        accord_free(a);
        return;
    }
    terms.replayed = mig_capturer_replays(a->means.capturer);
    if (s == NULL || !mig_attest_seal(a->means.attest, a->creds->key, s, &terms, &own, &err) ||
        !take_evidence(a, SOURCE, &own, terms.nonce, a->creds->name, &err)) {
        fail(a, "capture", &err);
    } else {
        propose(a, &own);
    }
}

static void on_captured(struct mig_accord *a, const struct mig_message *m)
{
    struct mig_error err;

    if (!take_evidence(a, DESTINATION, &m->sealed, a->nonce, NULL, &err)) {
        fail(a, "verify", &err);
        return;
    }
    a->working = true;
    mig_capturer_ask(a->means.capturer, on_own, a);
}

/* What comes back is what we signed, and signed by the one we judged. */
static void on_accepted(struct mig_accord *a, const struct mig_message *m)
{
    struct mig_agreement got;
    struct mig_error err;

    if (!mig_agreement_open(a->creds->trust, &m->agreement, mig_now_unix(), &got, &err)) {
        fail(a, "verify", &err);
        return;
    }
    if (memcmp(got.id, a->agreement.id, sizeof got.id) != 0) {
        (void)mig_fail(&err, MIG_TRUST, "destination answered with another agreement");
        fail(a, "verify", &err);
        return;
    }
    if (!keep(a, &m->agreement, &err)) {
        fail(a, "agree", &err);
        return;
    }
    a->answer = (struct mig_message){
        .kind = MIG_MESSAGE_AGREED,
        .agreement = mig_bytes_copy(m->agreement.items, m->agreement.len),
        .contract = mig_bytes_copy(a->stored.sealed.items, a->stored.sealed.len)};
    answer(a);
}

static void on_envoy(const struct mig_message *m, const char *phase, const struct mig_error *err,
                     void *data)
{
    struct mig_accord *a = data;

    if (m == NULL) {
        fail(a, phase, err);
    } else if (m->kind == MIG_MESSAGE_CAPTURED) {
        on_captured(a, m);
    } else {
        on_accepted(a, m);
    }
}

static uint64_t time_of(const struct mig_message *ask)
{
    uint64_t ms = ask->timeout_ms != 0 ? ask->timeout_ms : ACCORD_MS;

    return ms < ACCORD_MAX_MS ? ms : ACCORD_MAX_MS;
}

static void seek(struct mig_accord *a)
{
    const struct mig_envoy_errand errand = {
        .address = a->ask.address,
        .name = a->ask.name,
        .nonce = {a->nonce, sizeof a->nonce},
        .timeout_ms = time_of(&a->ask)
    };
    struct mig_error err;

    mig_random(a->nonce, sizeof a->nonce);
    if (!find_contract(a, &err)) {
        fail(a, "contract", &err);
    } else if (!mig_envoy_new(a->means.loop, a->creds, &errand, on_envoy, a, &a->envoy, &err)) {
        fail(a, "resolve", &err);
    }
}

/* ---- at the destination ---- */

static bool check_digest(const char *what, const unsigned char *said, const unsigned char *is,
                         struct mig_error *err)
{
    return memcmp(said, is, MIG_DIGEST_BYTES) == 0 ||
           mig_fail(err, MIG_TRUST, "agreement names another %s than the one that came with it",
                    what);
}

static bool check_pledge(const char *which, const struct mig_pledge *said,
                         const struct mig_evidence *e, struct mig_error *err)
{
    struct mig_pledge is = {0};

    describe(e, &is);
    if (strcmp(said->host, is.host) != 0) {
        return mig_fail(err, MIG_TRUST, "agreement is with %s '%s', and this is '%s'", which,
                        said->host, is.host);
    }
    return (check_digest("evidence digest", said->evidence, is.evidence, err) &&
            check_digest("capability digest", said->capability, is.capability, err) &&
            check_digest("policy", said->policy, is.policy, err)) ||
           mig_wrap(err, "%s", which);
}

static bool check_guest(struct mig_accord *a, struct mig_error *err)
{
    const struct mig_contract *c = a->contract.contract;
    const struct mig_agreement *g = &a->agreement;

    if (strcmp(c->vm, g->vm) != 0 || strcmp(c->instance, g->instance) != 0) {
        return mig_fail(err, MIG_TRUST,
                        "agreement is on guest '%s' instance '%s', its contract on '%s' '%s'",
                        g->vm, g->instance, c->vm, c->instance);
    }
    if (strcmp(mig_contract_holder(c), g->source.host) != 0) {
        return mig_fail(err, MIG_TRUST, "by its contract %s runs on %s, not on %s", c->vm,
                        mig_contract_holder(c), g->source.host);
    }
    return check_digest("contract", g->contract, a->contract.digest, err);
}

/* Nothing of what was said is taken for granted. */
static bool examine(struct mig_accord *a, struct mig_error *err)
{
    const struct mig_evidence *hosts = a->decision.hosts;

    if (a->given.len == 0) {
        return mig_fail(err, MIG_STALE,
                        "no snapshot of this host was asked for first, over the "
                        "same connection");
    }
    return take_evidence(a, DESTINATION, &a->given, a->nonce, a->creds->name, err) &&
           take_evidence(a, SOURCE, &a->ask.sealed, hosts[DESTINATION].digest, a->asker, err) &&
           mig_agreement_open_offer(a->creds->trust, &a->ask.agreement, mig_now_unix(),
                                    &a->agreement, err) &&
           check_pledge("source", &a->agreement.source, &hosts[SOURCE], err) &&
           check_pledge("destination", &a->agreement.destination, &hosts[DESTINATION], err) &&
           mig_contract_file_open(a->creds->trust, "contract", &a->ask.contract, mig_now_unix(),
                                  &a->contract, err) &&
           check_guest(a, err);
}

/* The contract is on disk before anybody learns that we agreed. */
static bool store_incoming(struct mig_accord *a, struct mig_error *err)
{
    MIG_AUTO(mig_store_close) struct mig_store store = {0};

    return mig_store_open(a->means.options->contracts, a->creds->trust, &store, err) &&
           mig_store_put(&store, MIG_STORE_INCOMING, a->ask.contract.items, a->ask.contract.len,
                         err);
}

static void accept(struct mig_accord *a)
{
    struct mig_message *m = &a->answer;
    struct mig_error err;

    m->kind = MIG_MESSAGE_ACCEPTED;
    if (!mig_seal_add(a->creds->key, a->ask.agreement.items, a->ask.agreement.len, &m->agreement,
                      &err) ||
        !store_incoming(a, &err) || !keep(a, &m->agreement, &err)) {
        fail(a, "agree", &err);
    } else {
        answer(a);
    }
}

/* What was proved is what was judged: the same state of this host. */
static bool hear_proof(struct mig_accord *a, const struct mig_proof *p, struct mig_error *err)
{
    struct mig_result *r = &a->decision.result;

    if (memcmp(p->capability, a->agreement.destination.capability, sizeof p->capability) != 0) {
        return mig_fail(err, MIG_STALE,
                        "what this host grants a guest changed between its "
                        "snapshot and its proof: ask again");
    }
    mig_proven_tell(&p->proven, a->creds->name, r);
    return is_yes(r->verdict) || fail_verdict(r, err);
}

static void on_proof(struct mig_proof *p, const struct mig_error *failure, void *data)
{
    struct mig_accord *a = data;
    struct mig_error err = *failure;

    a->working = false;
    if (a->dropped) {
        accord_free(a);
    } else if (p == NULL || !hear_proof(a, p, &err)) {
        fail(a, "prove", &err);
    } else {
        accept(a);
    }
}

static void prove(struct mig_accord *a)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes asked = {0};

    mig_proof_ask(a->contract.contract->shown, &asked);
    a->working = true;
    mig_prover_ask(a->means.prover, &asked, 0, on_proof, a);
}

static void weigh(struct mig_accord *a)
{
    struct mig_error err;

    if (!examine(a, &err)) {
        fail(a, "verify", &err);
    } else if (!judge(a, &err)) {
        fail(a, "judge", &err);
    } else if (mig_prove_is_due(&a->decision)) {
        prove(a);
    } else {
        accept(a);
    }
}

/* ---- life ---- */

void mig_accord_describe(const struct mig_accord *a, struct mig_audit *ret)
{
    const struct mig_agreement *g = &a->agreement;

    ret->what = a->ask.kind == MIG_MESSAGE_AGREE ? "agree" : "propose";
    if (a->contract.contract != NULL) {
        memcpy(ret->vm, a->contract.contract->vm, sizeof ret->vm);
        memcpy(ret->instance, a->contract.contract->instance, sizeof ret->instance);
        memcpy(ret->contract, a->contract.digest, sizeof ret->contract);
    } else {
        (void)snprintf(ret->vm, sizeof ret->vm, "%s", a->ask.vm != NULL ? a->ask.vm : "");
    }
    memcpy(ret->source, a->decision.hosts[SOURCE].name, sizeof ret->source);
    memcpy(ret->destination, a->decision.hosts[DESTINATION].name, sizeof ret->destination);
    ret->has_agreement = g->issued_at != 0;
    memcpy(ret->agreement, g->id, sizeof ret->agreement);
    ret->verdict = a->decision.terms != NULL ? mig_verdict_name(a->decision.result.verdict) : NULL;
}

static char *copy_text(const char *text)
{
    return text != NULL ? mig_strdup(text) : NULL;
}

struct mig_accord *mig_accord_new(const struct mig_means *means, struct mig_credentials *creds,
                                  const struct mig_message *ask,
                                  const struct mig_accord_visit *visit, mig_accord_fn *fn,
                                  void *data)
{
    struct mig_accord *a = MIG_NEW(struct mig_accord);

    a->means = *means;
    a->creds = mig_credentials_ref(creds);
    a->fn = fn;
    a->data = data;
    a->ask =
        (struct mig_message){.kind = ask->kind,
                             .vm = copy_text(ask->vm),
                             .instance = copy_text(ask->instance),
                             .address = copy_text(ask->address),
                             .name = copy_text(ask->name),
                             .timeout_ms = ask->timeout_ms,
                             .data_path = ask->data_path,
                             .agreement = mig_bytes_copy(ask->agreement.items, ask->agreement.len),
                             .sealed = mig_bytes_copy(ask->sealed.items, ask->sealed.len),
                             .contract = mig_bytes_copy(ask->contract.items, ask->contract.len)};
    a->decision.hosts = mig_alloc(HOSTS, sizeof *a->decision.hosts);
    a->decision.hosts_len = HOSTS;
    if (visit != NULL) {
        MIG_ASSERT(strlen(visit->asker) < sizeof a->asker);
        memcpy(a->asker, visit->asker, strlen(visit->asker) + 1);
        a->given = mig_bytes_copy(visit->sealed.items, visit->sealed.len);
        memcpy(a->nonce, visit->nonce, sizeof a->nonce);
    }
    return a;
}

void mig_accord_start(struct mig_accord *a)
{
    (a->ask.kind == MIG_MESSAGE_AGREE ? seek : weigh)(a);
}
