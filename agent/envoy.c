/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/envoy.h"

#include <stdio.h>
#include <string.h>

#include "agent/credentials.h"
#include "base/alloc.h"
#include "base/now.h"
#include "seal/identity.h"
#include "wire/message.h"
#include "wire/peer.h"

struct mig_envoy {
    struct mig_credentials *creds;
    struct mig_peer *peer;
    struct mig_message ask; /* what we say there */
    char name[128];         /* expected there; "": by address */
    uint64_t started_ms, timeout_ms;
    mig_envoy_fn *fn;
    void *data;
};

static void fail(struct mig_envoy *e, const char *phase, enum mig_code code, const char *why)
{
    struct mig_error err;

    (void)mig_fail(&err, code, "destination %s: %s", mig_peer_where(e->peer), why);
    e->fn(NULL, phase, &err, e->data);
}

/* The text of a peer's own error has place and phase already. */
static void fail_peer(struct mig_envoy *e)
{
    const struct mig_error *why = mig_peer_error(e->peer);
    struct mig_error err;

    (void)mig_fail(&err, why->code, "destination %s", why->msg);
    e->fn(NULL, mig_peer_phase(e->peer), &err, e->data);
}

/* The time is for the whole errand. */
static uint64_t time_left(const struct mig_envoy *e)
{
    uint64_t gone = mig_now_ms() - e->started_ms;

    return gone < e->timeout_ms ? e->timeout_ms - gone : 1;
}

static bool admit(struct mig_peer *peer __attribute__((unused)), struct x509_st *leaf, void *data,
                  struct mig_error *err)
{
    const struct mig_envoy *e = data;
    struct mig_identity identity;

    if (!mig_identity_of_leaf(leaf, &identity, err)) {
        return false;
    }
    if (identity.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "certificate of role '%s', expected 'agent'",
                        mig_role_name(identity.role));
    }
    if (e->name[0] != '\0' && strcmp(e->name, identity.name) != 0) {
        return mig_fail(err, MIG_TRUST, "certificate of '%s', expected '%s'", identity.name,
                        e->name);
    }
    return true;
}

/* What the other side is busy with, and what it answers then. */
static const char *task_of(enum mig_message_kind kind)
{
    return kind == MIG_MESSAGE_CAPTURE ? "capture" : "agree";
}

static enum mig_message_kind answer_to(enum mig_message_kind kind)
{
    return kind == MIG_MESSAGE_CAPTURE ? MIG_MESSAGE_CAPTURED : MIG_MESSAGE_ACCEPTED;
}

static void on_message(struct mig_envoy *e)
{
    const struct mig_message *m = mig_peer_message(e->peer);
    const char *phase = m->phase != NULL && m->phase[0] != '\0' ? m->phase : task_of(e->ask.kind);
    const struct mig_error none = {0};

    if (m->id == e->ask.id && m->kind == answer_to(e->ask.kind)) {
        e->fn(m, NULL, &none, e->data);
    } else if (m->kind == MIG_MESSAGE_ERROR) {
        fail(e, phase, m->code == MIG_OK ? MIG_REFUSED : m->code,
             m->text != NULL ? m->text : "no reason given");
    } else {
        fail(e, task_of(e->ask.kind), MIG_FORMAT, "answered with another message than asked for");
    }
}

static void send_ask(struct mig_envoy *e)
{
    mig_peer_send(e->peer, &e->ask);
    mig_peer_expect(e->peer, task_of(e->ask.kind), time_left(e));
}

void mig_envoy_ask(struct mig_envoy *e, struct mig_message *ask)
{
    ask->id = e->ask.id + 1;
    mig_message_clear(&e->ask);
    e->ask = *ask;
    *ask = (struct mig_message){0};
    send_ask(e);
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct mig_envoy *e = data;

    switch (event) {
    case MIG_PEER_READY:
        send_ask(e);
        break;
    case MIG_PEER_MESSAGE:
        on_message(e);
        break;
    case MIG_PEER_TIMEOUT:
    case MIG_PEER_FAILED:
        fail_peer(e);
        break;
    case MIG_PEER_CLOSED:
        fail(e, mig_peer_phase(peer), MIG_UNREACHABLE, "closed the connection without an answer");
        break;
    case MIG_PEER_DRAINED:
        break;
    }
}

static bool take_name(struct mig_envoy *e, struct mig_address *to, const char *name,
                      struct mig_error *err)
{
    if (name != NULL && name[0] != '\0') {
        if (to->name[0] != '\0' && strcmp(to->name, name) != 0) {
            return mig_fail(err, MIG_USAGE, "destination named '%s' and '%s'", to->name, name);
        }
        if (strlen(name) >= sizeof to->name) {
            return mig_fail(err, MIG_USAGE, "destination's name is too long");
        }
        (void)snprintf(to->name, sizeof to->name, "%s", name);
    }
    memcpy(e->name, to->name, sizeof e->name);
    return true;
}

bool mig_envoy_new(struct mig_loop *loop, struct mig_credentials *creds,
                   const struct mig_envoy_errand *errand, mig_envoy_fn *fn, void *data,
                   struct mig_envoy **ret, struct mig_error *err)
{
    MIG_AUTO(mig_envoy_free) struct mig_envoy *e = MIG_NEW(struct mig_envoy);
    const struct mig_bytes *nonce = &errand->nonce;
    struct mig_address to;

    e->creds = mig_credentials_ref(creds);
    e->fn = fn;
    e->data = data;
    e->started_ms = mig_now_ms();
    e->timeout_ms = errand->timeout_ms;
    e->ask = (struct mig_message){
        .kind = MIG_MESSAGE_CAPTURE, .id = 1, .nonce = mig_bytes_copy(nonce->items, nonce->len)};
    if (!mig_address_parse(errand->address != NULL ? errand->address : "", &to, err) ||
        !take_name(e, &to, errand->name, err)) {
        return mig_wrap(err, "destination");
    }
    e->peer = mig_peer_connect(loop, &to,
                               &(struct mig_peer_options){.tls = e->creds->tls,
                                                          .fn = on_event,
                                                          .admit = admit,
                                                          .data = e,
                                                          .timeout_ms = errand->timeout_ms});
    *ret = mig_steal(&e);
    return true;
}

void mig_envoy_free(struct mig_envoy *e)
{
    if (e == NULL) {
        return;
    }
    if (e->peer != NULL) {
        mig_peer_close(e->peer);
    }
    mig_credentials_free(e->creds);
    mig_message_clear(&e->ask);
    mig_free(e);
}
