/* SPDX-License-Identifier: Apache-2.0 */
#include "support/party.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "support/check.h"

#define GUARD_MS 20000

static const char *const event_names[] = {
    [MIG_PEER_READY] = "READY",   [MIG_PEER_MESSAGE] = "MESSAGE", [MIG_PEER_TIMEOUT] = "TIMEOUT",
    [MIG_PEER_CLOSED] = "CLOSED", [MIG_PEER_FAILED] = "FAILED",   [MIG_PEER_DRAINED] = "DRAINED",
};

static bool admit(struct mig_peer *peer __attribute__((unused)), struct x509_st *leaf, void *data,
                  struct mig_error *err)
{
    const struct side *s = data;
    struct mig_identity id;

    if (!mig_identity_of_leaf(leaf, &id, err)) {
        return false;
    }
    if (s->role >= 0 && (int)id.role != s->role) {
        return mig_fail(err, MIG_REFUSED, "role %s may not ask here", mig_role_name(id.role));
    }
    if (s->name[0] != '\0' && strcmp(s->name, id.name) != 0) {
        return mig_fail(err, MIG_TRUST, "certificate is for %s, not for %s", id.name, s->name);
    }
    return true;
}

static void write_down(struct side *s, enum mig_peer_event event)
{
    size_t len = strlen(s->seen);

    /* DRAINED comes whenever the kernel likes; MESSAGE is counted. */
    if (event == MIG_PEER_DRAINED) {
        s->sent++;
    } else if (event == MIG_PEER_MESSAGE) {
        s->messages++;
        s->bytes = mig_peer_message(s->peer)->sealed.len;
    } else {
        (void)snprintf(s->seen + len, sizeof s->seen - len, "%s%s", len > 0 ? " " : "",
                       event_names[event]);
    }
}

void side_close(struct side *s)
{
    if (s->peer == NULL) {
        return;
    }
    mig_peer_close(s->peer);
    s->peer = NULL;
    s->party->open--;
    if (s->party->open == 0 && s->party->len >= s->party->awaited) {
        mig_loop_stop(s->party->loop);
    }
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct side *s = data;

    write_down(s, event);
    if (event == MIG_PEER_TIMEOUT || event == MIG_PEER_CLOSED || event == MIG_PEER_FAILED) {
        s->error = *mig_peer_error(peer);
        (void)snprintf(s->phase, sizeof s->phase, "%s", mig_peer_phase(peer));
        side_close(s);
    } else {
        s->act(s, event);
    }
}

static struct side *side_new(struct party *p, side_fn *act)
{
    struct side *s = &p->sides[p->len++];

    check_true("room for a side", p->len <= PARTY_SIDES);
    *s = (struct side){.party = p, .act = act, .name = "", .role = -1, .timeout_ms = 5000};
    p->open++;
    return s;
}

static struct mig_peer_options options_of(struct side *s, struct mig_tls *tls)
{
    return (struct mig_peer_options){
        .tls = tls, .fn = on_event, .admit = admit, .data = s, .timeout_ms = s->timeout_ms};
}

static void on_accept(int fd, void *data)
{
    struct party *p = data;
    struct side *s = side_new(p, p->serve);
    struct mig_peer_options o;

    s->role = p->serve_role;
    s->timeout_ms = p->serve_timeout_ms;
    o = options_of(s, p->tls);
    s->peer = mig_peer_accept(p->loop, fd, &o);
}

struct mig_tls *party_tls(const struct fleet *fleet, const char *cert, const char *ca,
                          const char *crl)
{
    MIG_AUTO(mig_free) char *cert_file = fleet_cert(fleet, cert);
    MIG_AUTO(mig_free) char *key_file = fleet_key_file(fleet, cert);
    const struct mig_tls_files files = {
        .ca = ca != NULL ? ca : fleet->ca, .cert = cert_file, .key = key_file, .crl = crl};
    struct mig_tls *tls = NULL;
    struct mig_error err;

    check_done(cert, mig_tls_new(&files, &tls, &err), &err);
    return tls;
}

char *party_socket(const struct fleet *fleet)
{
    return mig_strf("unix:%s/socket", fleet->dir);
}

void party_init(struct party *p, const struct fleet *fleet, const char *cert, const char *at)
{
    struct mig_address address;
    struct mig_error err;

    *p = (struct party){.serve = side_answers, .serve_role = -1, .serve_timeout_ms = 5000};
    p->loop = mig_loop_new();
    p->tls = party_tls(fleet, cert, NULL, NULL);
    check_done(at, mig_address_parse(at, &address, &err), &err);
    check_done(at, mig_listener_new(p->loop, &address, on_accept, p, &p->listener, &err), &err);
    check_done(at, mig_address_parse(mig_listener_where(p->listener), &p->at, &err), &err);
    p->fleet = (struct fleet *)(uintptr_t)fleet;
}

void party_clear(struct party *p)
{
    for (size_t i = 0; i < p->len; i++) {
        side_close(&p->sides[i]);
        mig_tls_free(p->sides[i].tls);
    }
    mig_listener_free(p->listener);
    mig_loop_free(p->loop);
    mig_tls_free(p->tls);
}

struct side *party_client(struct party *p, const char *cert, const char *ca, side_fn *act)
{
    struct side *s = side_new(p, act);

    s->tls = party_tls(p->fleet, cert, ca, NULL);
    return s;
}

void party_connect(struct side *s, const char *to)
{
    struct mig_peer_options o = options_of(s, s->tls);
    struct mig_address address = s->party->at;
    struct mig_error err;

    if (to != NULL) {
        check_done(to, mig_address_parse(to, &address, &err), &err);
    }
    if (s->name[0] != '\0') {
        (void)snprintf(address.name, sizeof address.name, "%s", s->name);
    }
    s->peer = mig_peer_connect(s->party->loop, &address, &o);
    (void)snprintf(s->where, sizeof s->where, "%s", mig_peer_where(s->peer));
}

static void on_guard(int fd __attribute__((unused)), void *data)
{
    struct party *p = data;

    p->late = true;
    mig_loop_stop(p->loop);
}

void party_run(struct party *p, unsigned sides)
{
    struct mig_watch *guard = mig_loop_timer(p->loop, GUARD_MS, on_guard, p);

    p->awaited = sides;
    if (p->open > 0 || p->len < sides) {
        (void)mig_loop_run(p->loop);
    }
    mig_watch_free(guard);
    check_true("all sides are over in time", !p->late);
}

struct side *party_server(struct party *p)
{
    for (size_t i = 0; i < p->len; i++) {
        if (p->sides[i].tls == NULL) {
            return &p->sides[i];
        }
    }
    fail_msg("nobody was accepted");
    return NULL;
}

/* ---- acts ---- */

void side_send(struct side *s, enum mig_message_kind kind, size_t sealed)
{
    struct mig_message m = {.kind = kind, .id = 1};

    if (kind == MIG_MESSAGE_CAPTURE) {
        m.nonce = (struct mig_bytes){mig_alloc(PARTY_NONCE_BYTES, 1), PARTY_NONCE_BYTES};
    } else {
        m.sealed = (struct mig_bytes){mig_alloc(sealed, 1), sealed};
    }
    mig_peer_send(s->peer, &m);
    mig_message_clear(&m);
}

void side_asks(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_READY) {
        side_send(s, MIG_MESSAGE_CAPTURE, 0);
    } else if (event == MIG_PEER_MESSAGE) {
        side_close(s);
    }
}

void side_answers(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        side_send(s, MIG_MESSAGE_CAPTURED, 1000);
    }
}

void side_watches(struct side *s __attribute__((unused)),
                  enum mig_peer_event event __attribute__((unused)))
{
}

void side_leaves(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_READY) {
        side_close(s);
    }
}
