/* SPDX-License-Identifier: Apache-2.0 */
#include "session/ask.h"

#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/identity.h"
#include "wire/loop.h"
#include "wire/peer.h"

#define ASK_ID 1

struct errand {
    struct mig_loop *loop;
    struct mig_target to;
    struct mig_message *ask, *ret;
    enum mig_message_kind expected;
    uint64_t timeout_ms;
    bool done;
    struct mig_error err;
};

static bool on_admit(struct mig_peer *peer __attribute__((unused)), struct x509_st *leaf,
                     void *data, struct mig_error *err)
{
    const struct errand *e = data;
    const char *pinned = e->to.address.name;
    struct mig_identity id;

    if (!mig_identity_of_leaf(leaf, &id, err)) {
        return false;
    }
    if (id.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "certificate is for %s '%s', not for an agent",
                        mig_role_name(id.role), id.name);
    }
    return pinned[0] == '\0' || strcmp(pinned, id.name) == 0 ||
           mig_fail(err, MIG_TRUST, "certificate is for agent '%s', expected '%s'", id.name,
                    pinned);
}

/* A broken disk over there is not one of ours. */
static enum mig_code code_from_peer(enum mig_code code)
{
    return code == MIG_OK || code == MIG_IO || code == MIG_INTERNAL ? MIG_REFUSED : code;
}

static void take_answer(struct errand *e, const struct mig_message *m)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    if (m->kind == MIG_MESSAGE_ERROR) {
        (void)mig_fail(&e->err, code_from_peer(m->code), "%s: %s", e->to.where,
                       m->text != NULL ? m->text : "no reason given");
    } else if (m->kind != e->expected || m->id != ASK_ID) {
        (void)mig_fail(&e->err, MIG_FORMAT, "%s: answered with another message than asked for",
                       e->to.where);
    } else { /* the peer keeps its own */
        mig_message_encode(m, &bytes);
        e->done = mig_message_decode(bytes.items, bytes.len, e->ret, &e->err);
    }
    mig_loop_stop(e->loop);
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct errand *e = data;

    switch (event) {
    case MIG_PEER_READY:
        mig_peer_send(peer, e->ask);
        mig_peer_expect(peer, "answer", e->timeout_ms);
        break;
    case MIG_PEER_MESSAGE:
        take_answer(e, mig_peer_message(peer));
        break;
    case MIG_PEER_TIMEOUT:
    case MIG_PEER_FAILED:
        e->err = *mig_peer_error(peer);
        mig_loop_stop(e->loop);
        break;
    case MIG_PEER_CLOSED:
        (void)mig_fail(&e->err, MIG_UNREACHABLE, "%s: closed the connection without an answer",
                       e->to.where);
        mig_loop_stop(e->loop);
        break;
    case MIG_PEER_DRAINED:
        break;
    }
}

static bool converse(struct errand *e, struct mig_tls *tls, struct mig_error *err)
{
    struct mig_peer *peer;
    bool ran;

    e->loop = mig_loop_new();
    peer = mig_peer_connect(
        e->loop, &e->to.address,
        &(struct mig_peer_options){
            .tls = tls, .fn = on_event, .admit = on_admit, .data = e, .timeout_ms = e->timeout_ms});
    ran = mig_loop_run(e->loop);
    mig_peer_close(peer);
    mig_loop_free(e->loop);
    if (!ran) {
        return mig_fail(err, MIG_INTERNAL, "the event loop broke");
    }
    *err = e->err;
    return e->done;
}

bool mig_ask(const struct mig_gather *g, const char *host, struct mig_message *ask,
             enum mig_message_kind expected, struct mig_message *ret, struct mig_error *err)
{
    struct errand e = {.ask = ask, .ret = ret, .expected = expected, .timeout_ms = g->timeout_ms};
    struct mig_tls *tls = NULL;
    bool done;

    ask->id = ASK_ID;
    if (!mig_target_parse(host, g->lookup, g->lookup_data, &e.to, err)) {
        return false;
    }
    if (e.to.kind != MIG_TARGET_LIVE) {
        return mig_fail(err, MIG_USAGE, "%s: expected the address of an agent", host);
    }
    if (g->tls.ca == NULL || g->tls.cert == NULL || g->tls.key == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "to ask %s, --ca, --cert and --key are needed, here or in migctl.conf",
                        e.to.where);
    }
    if (!mig_tls_new(&g->tls, &tls, err)) {
        err->code = err->code != MIG_INTERNAL ? MIG_USAGE : err->code;
        return false;
    }
    done = converse(&e, tls, err);
    mig_tls_free(tls);
    return done;
}
