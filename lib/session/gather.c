/* SPDX-License-Identifier: Apache-2.0 */
#include "session/gather.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/now.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/session.h"
#include "wire/loop.h"
#include "wire/peer.h"

struct call {
    struct run *run;
    struct mig_session session;
    struct mig_peer *peer;
};

/* Everything of one mig_gather_run(). */
struct run {
    const struct mig_gather *g;
    struct mig_target *targets;
    size_t len;
    struct mig_trust *trust;
    bool trusts;              /* the authorities are read */
    struct mig_error trouble; /* they could not be */
    struct mig_tls *tls;
    struct mig_loop *loop;
    struct call *calls;
    size_t calls_len, pending;
    unsigned char nonce[MIG_NONCE_BYTES];
};

static void act(struct call *call, enum mig_session_action action);

static struct mig_session_input input(enum mig_session_event event)
{
    return (struct mig_session_input){
        .event = event, .now_ms = mig_now_ms(), .now_unix = mig_now_unix()};
}

static bool on_admit(struct mig_peer *peer, struct x509_st *leaf, void *data, struct mig_error *err)
{
    struct call *call = data;

    (void)peer;
    mig_trust_introduce(call->run->trust, leaf);
    return mig_session_admit(&call->session, leaf, err);
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct call *call = data;
    struct mig_session_input in;

    switch (event) {
    case MIG_PEER_READY:
        in = input(MIG_SESSION_READY);
        break;
    case MIG_PEER_MESSAGE:
        in = input(MIG_SESSION_MESSAGE);
        in.message = mig_peer_message(peer);
        break;
    case MIG_PEER_TIMEOUT:
    case MIG_PEER_FAILED:
        in = input(MIG_SESSION_BROKEN);
        in.error = mig_peer_error(peer);
        in.phase = mig_peer_phase(peer);
        break;
    case MIG_PEER_CLOSED:
        in = input(MIG_SESSION_ENDED);
        break;
    case MIG_PEER_DRAINED:
    default:
        return;
    }
    act(call, mig_session_step(&call->session, &in));
}

static void start_peer(struct call *call)
{
    const struct mig_peer_options options = {
        .tls = call->run->tls,
        .fn = on_event,
        .admit = on_admit,
        .data = call,
        .timeout_ms = call->session.timeout_ms,
    };

    call->peer = mig_peer_connect(call->run->loop, &call->session.target->address, &options);
}

/* What is wrong with our own files tells nothing about a host's evidence. */
static bool blame_configuration(struct mig_error *err)
{
    if (err->code != MIG_INTERNAL) {
        err->code = MIG_USAGE;
    }
    return false;
}

static bool read_authorities(struct run *r, struct mig_error *err)
{
    if (!r->trusts) {
        r->trusts = mig_trust_prepare(r->trust, r->g->tls.ca, r->g->tls.crl, err) ||
                    blame_configuration(err);
    }
    return r->trusts;
}

/* While the first host is busy with its answer there is time to read what the
 * answer will be verified by. */
static void send_ask(struct call *call)
{
    uint64_t deadline = mig_session_deadline(&call->session), now = mig_now_ms();

    mig_peer_send(call->peer, &call->session.ask);
    mig_peer_expect(call->peer, mig_session_task(&call->session),
                    deadline > now ? deadline - now : 1);
    if (!read_authorities(call->run, &call->run->trouble)) {
        mig_loop_stop(call->run->loop);
    }
}

static void act(struct call *call, enum mig_session_action action)
{
    switch (action) {
    case MIG_SESSION_WAIT:
        break;
    case MIG_SESSION_DO_CONNECT:
        start_peer(call);
        break;
    case MIG_SESSION_DO_SEND:
        send_ask(call);
        break;
    case MIG_SESSION_FINISH:
        mig_peer_close(call->peer);
        call->run->pending--;
        if (call->run->pending == 0) {
            mig_loop_stop(call->run->loop);
        }
        break;
    }
}

static bool is_live(const struct run *r, size_t i)
{
    return r->targets[i].kind == MIG_TARGET_LIVE;
}

static bool parse_targets(struct run *r, const char *const *hosts, struct mig_error *err)
{
    for (size_t i = 0; i < r->len; i++) {
        if (!mig_target_parse(hosts[i], r->g->lookup, r->g->lookup_data, &r->targets[i], err)) {
            return false;
        }
        for (size_t j = 0; j < i; j++) {
            bool stdin_twice = r->targets[i].kind == MIG_TARGET_STDIN;

            if (mig_target_is_same(&r->targets[i], &r->targets[j]) &&
                (stdin_twice || !r->g->allow_same)) {
                return mig_fail(err, MIG_USAGE,
                                r->len == 2 ? "source and destination are the same host: %s and %s"
                                            : "the same host is named twice: %s and %s",
                                hosts[j], hosts[i]);
            }
        }
    }
    if (r->g->via_first && (r->len != 2 || !is_live(r, 0) || !is_live(r, 1))) {
        return mig_fail(err, MIG_USAGE, "--via-source needs two live hosts, not files");
    }
    return true;
}

/* Files can do without keys, conversations can not. */
static bool load_keys(struct run *r, struct mig_error *err)
{
    const struct mig_tls_files *files = &r->g->tls;
    bool live = false;
    size_t i;

    for (i = 0; i < r->len && !live; i++) {
        live = is_live(r, i);
    }
    r->trust = files->ca != NULL ? mig_trust_new() : NULL;
    if (!live) {
        return r->trust == NULL || read_authorities(r, err);
    }
    if (files->ca == NULL || files->cert == NULL || files->key == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "%s is a live agent: --ca, --cert and --key are needed, "
                        "here or in migctl.conf",
                        r->targets[i - 1].word);
    }
    return mig_tls_new(files, &r->tls, err) || blame_configuration(err);
}

bool mig_gather_load_trust(const struct mig_gather *g, struct mig_trust **ret,
                           struct mig_error *err)
{
    return g->tls.ca == NULL || mig_trust_load(g->tls.ca, g->tls.crl, ret, err) ||
           blame_configuration(err);
}

static void add_call(struct run *r, size_t i, size_t beyond, struct mig_evidence *slots)
{
    struct call *call = &r->calls[r->calls_len++];

    call->run = r;
    call->session = (struct mig_session){
        .trust = r->trust,
        .nonce = r->nonce,
        .target = &r->targets[i],
        .beyond = beyond != 0 ? &r->targets[beyond] : NULL,
        .slot = &slots[i],
        .beyond_slot = beyond != 0 ? &slots[beyond] : NULL,
        .timeout_ms = r->g->timeout_ms,
    };
}

static bool converse(struct run *r, struct mig_error *err)
{
    const struct mig_session_input start = input(MIG_SESSION_START);

    if (r->calls_len == 0) {
        return true;
    }
    r->loop = mig_loop_new();
    r->pending = r->calls_len;
    for (size_t i = 0; i < r->calls_len; i++) {
        act(&r->calls[i], mig_session_step(&r->calls[i].session, &start));
    }
    if (!mig_loop_run(r->loop)) {
        return mig_fail(err, MIG_INTERNAL, "the event loop broke");
    }
    *err = r->trouble;
    return r->trouble.code == MIG_OK && read_authorities(r, err);
}

static void read_files(const struct run *r, struct mig_evidence *slots)
{
    for (size_t i = 0; i < r->len; i++) {
        struct mig_error err;

        if (!is_live(r, i) &&
            !mig_evidence_read(r->trust, r->targets[i].word, mig_now_unix(), &slots[i], &err)) {
            slots[i].error = err;
        }
    }
}

static bool capture(struct run *r, struct mig_evidence *slots, struct mig_error *err)
{
    r->calls = mig_alloc(r->len, sizeof *r->calls);
    if (r->g->via_first) {
        add_call(r, 0, 1, slots);
    }
    for (size_t i = 0; i < r->len && !r->g->via_first; i++) {
        if (is_live(r, i)) {
            add_call(r, i, 0, slots);
        }
    }
    return converse(r, err);
}

/* A failed slot is still called something in the report. */
static void name_failed(const struct run *r, struct mig_evidence *slots)
{
    for (size_t i = 0; i < r->len; i++) {
        const struct mig_target *t = &r->targets[i];
        const char *name = is_live(r, i) && t->address.name[0] != '\0' ? t->address.name
                           : is_live(r, i)                             ? t->where
                                                                       : t->word;

        if (slots[i].error.code != MIG_OK) {
            (void)strncpy(slots[i].name, name, sizeof slots[i].name - 1);
            slots[i].age_s = -1;
        }
    }
}

static void end(struct run *r)
{
    for (size_t i = 0; i < r->calls_len; i++) {
        mig_session_clear(&r->calls[i].session);
    }
    mig_loop_free(r->loop);
    mig_tls_free(r->tls);
    mig_trust_free(r->trust);
    mig_free(r->calls);
    mig_free(r->targets);
}

bool mig_gather_run(const struct mig_gather *g, const char *const *hosts, size_t len,
                    struct mig_evidence *ret, struct mig_error *err)
{
    struct run r = {.g = g, .len = len};
    bool good;

    memset(ret, 0, len * sizeof *ret);
    r.targets = mig_alloc(len, sizeof *r.targets);
    mig_random(r.nonce, sizeof r.nonce);
    good = parse_targets(&r, hosts, err) && load_keys(&r, err) && capture(&r, ret, err);
    if (good) {
        read_files(&r, ret);
        name_failed(&r, ret);
    }
    end(&r);
    return good;
}

/* Whoever answers under another name than before is not the host that was judged. */
static bool prove(struct run *r, const struct mig_evidence *known, const struct mig_bytes *shown,
                  struct mig_proof_slot *slots, struct mig_error *err)
{
    r->calls = mig_alloc(r->len, sizeof *r->calls);
    for (size_t i = 0; i < r->len; i++) {
        struct call *call = &r->calls[r->calls_len];

        if (!slots[i].asked) {
            continue;
        }
        (void)snprintf(r->targets[i].address.name, sizeof r->targets[i].address.name, "%s",
                       known[i].name);
        call->run = r;
        call->session = (struct mig_session){
            .trust = r->trust,
            .nonce = r->nonce,
            .target = &r->targets[i],
            .shown = shown,
            .proof = &slots[i],
            .timeout_ms = r->g->timeout_ms,
        };
        r->calls_len++;
    }
    return converse(r, err);
}

bool mig_gather_prove(const struct mig_gather *g, const char *const *hosts,
                      const struct mig_evidence *known, size_t len, const struct mig_bytes *shown,
                      struct mig_proof_slot *ret, struct mig_error *err)
{
    struct run r = {.g = g, .len = len};
    bool good;

    r.targets = mig_alloc(len, sizeof *r.targets);
    mig_random(r.nonce, sizeof r.nonce);
    good = parse_targets(&r, hosts, err) && load_keys(&r, err) && prove(&r, known, shown, ret, err);
    end(&r);
    return good;
}
