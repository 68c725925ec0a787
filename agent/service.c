/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a client is a connection; it has at most one request at
 * work and may send the next when that is answered.  A request needs our own
 * snapshot and, for an EXCHANGE, another agent's, fetched meanwhile by an
 * envoy; a PROVE needs a proof instead, and what is asked of stored contracts
 * their answer (contracts.c).  It answers when it has all, or at the first
 * failure.  A client may go at any time: its request then loses the envoy and
 * waits unanswered for the capture, which other requests may share, or for the
 * proof or contract, if that has begun.  Agreements and the steps of a move
 * are jobs of their own (accord.c, advance.c).
 */
#include "agent/service.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent/access.h"
#include "agent/accord.h"
#include "agent/advance.h"
#include "agent/attest.h"
#include "agent/capturer.h"
#include "agent/contracts.h"
#include "agent/credentials.h"
#include "agent/envoy.h"
#include "agent/means.h"
#include "agent/options.h"
#include "agent/prover.h"
#include "base/array.h"
#include "base/log.h"
#include "base/now.h"
#include "base/text.h"
#include "pact/audit.h"
#include "pact/proof.h"
#include "snapshot/snapshot.h"
#include "wire/listener.h"

/* To the end of TLS, and for an asker to take its answer. */
#define HANDSHAKE_MS 5000
#define SEND_MS 5000
/* A connection without a request. */
#define IDLE_MS 30000
/* Asking another agent: unless the asker says less. */
#define EXCHANGE_MS 10000
#define EXCHANGE_MAX_MS 60000

struct request;

struct client {
    struct mig_service *service;
    struct client *next;
    struct mig_peer *peer;
    struct mig_credentials *creds;
    struct mig_identity who;
    bool local, ready;
    uid_t user; /* of a local one */
    struct request *request;
    struct mig_bytes given;                     /* to an agent: our last snapshot for it ... */
    unsigned char given_nonce[MIG_NONCE_BYTES]; /* ... and the nonce it asked with */
};

struct request {
    struct mig_service *service;
    struct client *client; /* NULL: has gone or was answered */
    enum mig_message_kind kind;
    uint64_t id, started_ms;
    unsigned char nonce[MIG_NONCE_BYTES];
    bool working; /* the capturer, the prover or the contracts will call */
    char *vm;     /* of a contract, or NULL */
    struct mig_envoy *envoy;
    struct mig_accord *accord;
    struct mig_advance *advance;
    struct mig_bytes sealed, sealed_peer;
};

struct mig_service {
    struct mig_loop *loop;
    const struct mig_agent_options *options;
    struct mig_capturer *capturer;
    struct mig_prover *prover;
    struct mig_contracts *contracts;
    struct mig_credentials *creds;
    struct mig_attest attest;
    struct client *clients;
    size_t clients_len;
    struct {
        struct mig_listener **items;
        size_t len, cap;
    } listeners;
};

/* ---- requests ---- */

static void audit(const struct request *r, const char *result)
{
    const struct client *c = r->client;
    bool named = r->vm != NULL && r->vm[0] != '\0';

    mig_log_info("audit: %s/%s from %s: %s%s%s: %s", mig_role_name(c->who.role), c->who.name,
                 mig_peer_where(c->peer), mig_access_name(r->kind), named ? " " : "",
                 named ? r->vm : "", result);
}

/* Let go of a request that has been answered or lost its client; it stays only
 * for what is at work and will call it. */
static void request_drop(struct request *r)
{
    if (r->client != NULL) {
        r->client->request = NULL;
        r->client = NULL;
    }
    mig_envoy_free(r->envoy);
    mig_accord_drop(r->accord);
    mig_advance_drop(r->advance);
    r->envoy = NULL;
    r->accord = NULL;
    r->advance = NULL;
    mig_bytes_clear(&r->sealed);
    mig_bytes_clear(&r->sealed_peer);
    if (!r->working) {
        mig_free(r->vm);
        mig_free(r);
    } else if (r->kind == MIG_MESSAGE_PROVE) { /* dropped again if it has not begun */
        mig_prover_withdraw(r->service->prover, r);
    } else if (mig_contracts_wanted(r->kind)) {
        mig_contracts_withdraw(r->service->contracts, r);
    }
}

static void reply(struct client *c, const struct mig_message *m)
{
    mig_peer_expect(c->peer, "send", SEND_MS);
    mig_peer_send(c->peer, m);
}

static void reply_error(struct client *c, uint64_t id, const char *phase,
                        const struct mig_error *err)
{
    struct mig_message m = {.kind = MIG_MESSAGE_ERROR, .id = id, .code = err->code};

    m.phase = mig_strdup(phase);
    m.text = mig_strdup(err->msg);
    reply(c, &m);
    mig_message_clear(&m);
}

/* Of a decision on a move: for good, beside the log. */
static void record(const struct request *r, const struct mig_error *err)
{
    const struct client *c = r->client;
    const char *path = r->service->options->audit;
    struct mig_audit a = {.at = mig_now_unix(), .result = err != NULL ? err->code : MIG_OK};
    struct mig_error why;

    if ((r->accord == NULL && r->advance == NULL) || path == NULL || path[0] == '\0') {
        return;
    }
    (void)snprintf(a.host, sizeof a.host, "%s", r->service->creds->name);
    (void)snprintf(a.who, sizeof a.who, "%s/%s", mig_role_name(c->who.role), c->who.name);
    (void)snprintf(a.from, sizeof a.from, "%s", mig_peer_where(c->peer));
    (void)snprintf(a.reason, sizeof a.reason, "%s", err != NULL ? err->msg : "");
    if (r->accord != NULL) {
        mig_accord_describe(r->accord, &a);
    } else {
        mig_advance_describe(r->advance, &a);
    }
    if (!mig_audit_append(path, &a, &why)) {
        mig_log_error("%s", why.msg);
    }
}

static void fail(struct request *r, const char *phase, const struct mig_error *err)
{
    char result[sizeof err->msg + 64];

    (void)snprintf(result, sizeof result, "failed: %s: %s", phase, err->msg);
    audit(r, result);
    record(r, err);
    reply_error(r->client, r->id, phase, err);
    request_drop(r);
}

static enum mig_message_kind answer_to(enum mig_message_kind kind)
{
    switch ((int)kind) {
    case MIG_MESSAGE_EXCHANGE:
        return MIG_MESSAGE_EXCHANGED;
    case MIG_MESSAGE_PROVE:
        return MIG_MESSAGE_PROVED;
    default:
        return MIG_MESSAGE_CAPTURED;
    }
}

/* An agent that goes on to propose is held to what it was given. */
static void remember(const struct request *r)
{
    struct client *c = r->client;

    if (r->kind == MIG_MESSAGE_CAPTURE && c->who.role == MIG_ROLE_AGENT) {
        mig_bytes_clear(&c->given);
        c->given = mig_bytes_copy(r->sealed.items, r->sealed.len);
        memcpy(c->given_nonce, r->nonce, sizeof c->given_nonce);
    }
}

/* Answer if all is there. */
static void complete(struct request *r)
{
    struct mig_message m = {.id = r->id, .sealed = r->sealed, .sealed_peer = r->sealed_peer};
    char result[64];

    if (r->sealed.len == 0 || (r->kind == MIG_MESSAGE_EXCHANGE && r->sealed_peer.len == 0)) {
        return;
    }
    m.kind = answer_to(r->kind);
    remember(r);
    reply(r->client, &m); /* borrows both */
    (void)snprintf(result, sizeof result, "answered in %" PRIu64 " ms%s",
                   mig_now_ms() - r->started_ms,
                   mig_capturer_replays(r->service->capturer) ? " (replayed)" : "");
    audit(r, result);
    request_drop(r);
}

static void on_snapshot(const struct mig_snapshot *s, const struct mig_error *failure, void *data)
{
    struct request *r = data;
    struct mig_service *service = r->service; /* may be gone when the client is */
    struct mig_attest_terms terms = {.nonce = r->nonce};
    struct mig_error err = *failure;

    r->working = false;
    if (r->client == NULL) {
        request_drop(r);
        return;
    }
    terms.replayed = mig_capturer_replays(service->capturer);
    if (s == NULL ||
        !mig_attest_seal(&service->attest, service->creds->key, s, &terms, &r->sealed, &err)) {
        fail(r, "capture", &err);
    } else {
        complete(r);
    }
}

static void on_proof(struct mig_proof *p, const struct mig_error *failure, void *data)
{
    struct request *r = data;
    struct mig_service *service = r->service; /* may be gone when the client is */
    struct mig_error err = *failure;

    r->working = false;
    if (r->client == NULL) {
        request_drop(r);
    } else if (p == NULL || !mig_attest_seal_proof(&service->attest, service->creds->key, r->nonce,
                                                   p, &r->sealed, &err)) {
        fail(r, "prove", &err);
    } else {
        mig_log_info("proof: %s, %u words compared", mig_outcome_name(p->proven.outcome),
                     p->proven.compared);
        complete(r);
    }
}

static void on_contract(const struct mig_message *answer, const struct mig_error *err, void *data)
{
    struct request *r = data;
    struct mig_message m;

    r->working = false;
    if (r->client == NULL) {
        request_drop(r);
    } else if (answer == NULL) {
        fail(r, "contract", err);
    } else {
        m = *answer;
        m.id = r->id;
        reply(r->client, &m);
        audit(r, "done");
        request_drop(r);
    }
}

static void on_envoy(const struct mig_message *m, const char *phase, const struct mig_error *err,
                     void *data)
{
    struct request *r = data;

    if (m == NULL) {
        fail(r, phase, err);
        return;
    }
    r->sealed_peer = mig_bytes_copy(m->sealed.items, m->sealed.len);
    mig_envoy_free(r->envoy);
    r->envoy = NULL;
    complete(r);
}

static uint64_t exchange_time(const struct mig_message *m)
{
    uint64_t ms = m->timeout_ms != 0 ? m->timeout_ms : EXCHANGE_MS;

    return ms < EXCHANGE_MAX_MS ? ms : EXCHANGE_MAX_MS;
}

/* Who speaks for a host has no KVM of it; what makes no sense needs no child. */
static void begin_proof(struct request *r, const struct mig_message *m)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    struct mig_error err;

    if (mig_capturer_replays(r->service->capturer)) {
        r->working = false;
        (void)mig_fail(&err, MIG_MISSING,
                       "this agent replays a stored snapshot and has no KVM of that host to ask");
        fail(r, "prove", &err);
    } else if (!mig_proof_read_ask(m->shown.items, m->shown.len, &shown, &err)) {
        r->working = false;
        fail(r, "prove", &err);
    } else {
        mig_prover_ask(r->service->prover, &m->shown, m->timeout_ms, on_proof, r);
    }
}

static void begin_contract(struct request *r, const struct mig_message *m)
{
    struct mig_error err;

    if (mig_contracts_subject(m, &r->vm, &err)) {
        mig_contracts_ask(r->service->contracts, r->service->creds, m, on_contract, r);
    } else {
        r->working = false;
        fail(r, "contract", &err);
    }
}

static struct request *request_new(struct client *c, const struct mig_message *m)
{
    struct request *r = MIG_NEW(struct request);

    *r = (struct request){.service = c->service,
                          .client = c,
                          .kind = m->kind,
                          .id = m->id,
                          .started_ms = mig_now_ms()};
    c->request = r;
    mig_peer_expect(c->peer, "request", 0); /* its parts have deadlines of their own */
    return r;
}

static bool send_envoy(struct request *r, const struct mig_message *m, struct mig_error *err)
{
    const struct mig_envoy_errand errand = {
        .address = m->address, .name = m->name, .nonce = m->nonce, .timeout_ms = exchange_time(m)};
    struct mig_service *s = r->service;

    return mig_envoy_new(s->loop, s->creds, &errand, on_envoy, r, &r->envoy, err);
}

static void begin(struct client *c, const struct mig_message *m)
{
    struct request *r = request_new(c, m);
    struct mig_error err;

    r->working = true;
    if (mig_contracts_wanted(m->kind)) {
        begin_contract(r, m);
        return;
    }
    memcpy(r->nonce, m->nonce.items, sizeof r->nonce);
    if (m->kind == MIG_MESSAGE_EXCHANGE && !send_envoy(r, m, &err)) {
        r->working = false;
        fail(r, "resolve", &err);
        return;
    }
    if (m->kind == MIG_MESSAGE_PROVE) {
        begin_proof(r, m);
    } else {
        mig_capturer_ask(c->service->capturer, on_snapshot, r);
    }
}

/* ---- moves ---- */

static bool is_move(enum mig_message_kind kind)
{
    return kind == MIG_MESSAGE_AGREE || kind == MIG_MESSAGE_PROPOSE || kind == MIG_MESSAGE_ADVANCE;
}

/* Of a job; it stays the owner of @m. */
static void on_job(const struct mig_message *m, const char *phase, const struct mig_error *err,
                   void *data)
{
    struct request *r = data;
    struct mig_message copy;
    char result[64];

    if (m == NULL) {
        fail(r, phase, err);
        return;
    }
    copy = *m;
    copy.id = r->id;
    reply(r->client, &copy);
    (void)snprintf(result, sizeof result, "done in %" PRIu64 " ms", mig_now_ms() - r->started_ms);
    audit(r, result);
    record(r, NULL);
    request_drop(r);
}

static void begin_move(struct client *c, const struct mig_message *m)
{
    struct mig_service *s = c->service;
    const struct mig_means means = {s->loop, s->options, s->capturer, s->prover, &s->attest};
    const struct mig_accord_visit visit = {c->who.name, c->given, c->given_nonce};
    const struct mig_advance_ask ask = {m, c->local ? NULL : c->who.name};
    struct request *r = request_new(c, m);

    r->vm = m->vm != NULL ? mig_strdup(m->vm) : NULL;
    if (m->kind == MIG_MESSAGE_ADVANCE) {
        r->advance = mig_advance_new(&means, s->creds, &ask, on_job, r);
        mig_advance_start(r->advance);
    } else {
        r->accord = mig_accord_new(&means, s->creds, m,
                                   m->kind == MIG_MESSAGE_PROPOSE ? &visit : NULL, on_job, r);
        mig_accord_start(r->accord);
    }
}

static bool check(const struct client *c, const struct mig_message *m, struct mig_error *err)
{
    if (!mig_access_check(m->kind, c->who.role, c->local, err)) {
        return false;
    }
    if (c->request != NULL) {
        return mig_fail(err, MIG_REFUSED, "a request is at work on this connection");
    }
    if (mig_contracts_wanted(m->kind) || is_move(m->kind)) {
        return !c->local || mig_contracts_check_user(m->kind, c->user, err);
    }
    if (m->nonce.len != MIG_NONCE_BYTES) {
        return mig_fail(err, MIG_FORMAT, "nonce of %zu bytes, expected %d", m->nonce.len,
                        MIG_NONCE_BYTES);
    }
    return true;
}

static void on_message(struct client *c, const struct mig_message *m)
{
    struct mig_error err;

    if (check(c, m, &err)) {
        (is_move(m->kind) ? begin_move : begin)(c, m);
        return;
    }
    mig_log_warn("audit: %s/%s from %s: %s: refused: %s", mig_role_name(c->who.role), c->who.name,
                 mig_peer_where(c->peer), mig_access_name(m->kind), err.msg);
    reply_error(c, m->id, "verify", &err);
}

/* ---- clients ---- */

static void pause_listeners(struct mig_service *s, bool paused)
{
    for (size_t i = 0; i < s->listeners.len; i++) {
        mig_listener_pause(s->listeners.items[i], paused);
    }
}

static void client_free(struct client *c)
{
    struct mig_service *s = c->service;
    struct client **link = &s->clients;

    while (*link != c) {
        link = &(*link)->next;
    }
    *link = c->next;
    if (s->clients_len-- == s->options->max_peers) {
        pause_listeners(s, false);
    }
    if (c->request != NULL) {
        audit(c->request, "asker has gone");
        request_drop(c->request);
    }
    mig_peer_close(c->peer);
    mig_credentials_free(c->creds);
    mig_bytes_clear(&c->given);
    mig_free(c);
}

static bool admit(struct mig_peer *peer __attribute__((unused)), struct x509_st *leaf, void *data,
                  struct mig_error *err)
{
    struct client *c = data;

    return mig_identity_of_leaf(leaf, &c->who, err);
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct client *c = data;

    switch (event) {
    case MIG_PEER_READY:
        c->ready = true;
        mig_log_debug("%s: connected as %s/%s", mig_peer_where(peer), mig_role_name(c->who.role),
                      c->who.name);
        mig_peer_expect(peer, "idle", IDLE_MS);
        break;
    case MIG_PEER_MESSAGE:
        on_message(c, mig_peer_message(peer));
        break;
    case MIG_PEER_DRAINED:
        if (c->request == NULL) {
            mig_peer_expect(peer, "idle", IDLE_MS);
        }
        break;
    case MIG_PEER_TIMEOUT: /* of one that is ready: it had nothing more to ask */
        mig_log(c->ready ? MIG_LOG_DEBUG : MIG_LOG_INFO, "%s", mig_peer_error(peer)->msg);
        client_free(c);
        break;
    case MIG_PEER_FAILED:
        mig_log_info("%s", mig_peer_error(peer)->msg);
        client_free(c);
        break;
    case MIG_PEER_CLOSED:
        mig_log_debug("%s: closed", mig_peer_where(peer));
        client_free(c);
        break;
    }
}

/* Over a unix socket; whose process that is, the kernel knows. */
static bool is_local(int fd, uid_t *ret_user)
{
    struct sockaddr_storage at = {0};
    struct ucred cred;
    socklen_t len = sizeof at, cred_len = sizeof cred;

    if (getsockname(fd, (struct sockaddr *)&at, &len) != 0 || at.ss_family != AF_UNIX ||
        getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) != 0) {
        return false;
    }
    *ret_user = cred.uid;
    return true;
}

static void on_accept(int fd, void *data)
{
    struct mig_service *s = data;
    struct client *c;

    if (s->clients_len == s->options->max_peers) {
        mig_fd_close(fd);
        return;
    }
    c = MIG_NEW(struct client);
    c->service = s;
    c->local = is_local(fd, &c->user);
    c->creds = mig_credentials_ref(s->creds);
    c->next = s->clients;
    s->clients = c;
    c->peer = mig_peer_accept(s->loop, fd,
                              &(struct mig_peer_options){.tls = c->creds->tls,
                                                         .fn = on_event,
                                                         .admit = admit,
                                                         .data = c,
                                                         .timeout_ms = HANDSHAKE_MS});
    if (++s->clients_len == s->options->max_peers) {
        mig_log_warn("%zu peers are connected: no more until one goes", s->clients_len);
        pause_listeners(s, true);
    }
}

/* ---- life ---- */

bool mig_service_new(struct mig_loop *loop, const struct mig_agent_options *o,
                     struct mig_capturer *capturer, struct mig_credentials *creds,
                     struct mig_service **ret, struct mig_error *err)
{
    MIG_AUTO(mig_service_free) struct mig_service *s = MIG_NEW(struct mig_service);

    s->loop = loop;
    s->options = o;
    s->capturer = capturer;
    s->prover = mig_prover_new(loop, o);
    s->contracts = mig_contracts_new(loop, o->contracts);
    s->creds = mig_credentials_ref(creds);
    if (!mig_attest_init(&s->attest, err)) {
        return false;
    }
    *ret = mig_steal(&s);
    return true;
}

void mig_service_free(struct mig_service *s)
{
    if (s == NULL) {
        return;
    }
    for (size_t i = 0; i < s->listeners.len; i++) {
        mig_listener_free(s->listeners.items[i]);
    }
    s->listeners.len = 0;
    while (s->clients != NULL) {
        client_free(s->clients);
    }
    mig_prover_free(s->prover);
    mig_contracts_free(s->contracts);
    mig_free(s->listeners.items);
    mig_credentials_free(s->creds);
    mig_free(s);
}

bool mig_service_listen(struct mig_service *s, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *list = mig_strdup(s->options->listen);
    char *rest = list, *word;

    while ((word = strsep(&rest, ",")) != NULL) {
        struct mig_listener *listener;
        struct mig_address at;

        word = mig_text_trim(word);
        if (!mig_address_parse(word, &at, err) ||
            !mig_listener_new(s->loop, &at, on_accept, s, &listener, err)) {
            return mig_wrap(err, "listen");
        }
        *MIG_PUSH(&s->listeners) = listener;
        mig_log_info("listening on %s", mig_listener_where(listener));
    }
    return true;
}

void mig_service_use(struct mig_service *s, struct mig_credentials *creds)
{
    struct mig_credentials *old = s->creds;

    s->creds = mig_credentials_ref(creds);
    mig_credentials_free(old);
}
