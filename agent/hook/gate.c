/* SPDX-License-Identifier: Apache-2.0 */
#include "gate.h"

#include <string.h>

#include "base/log.h"
#include "base/now.h"
#include "hook.h"
#include "pact/contract.h"
#include "seal/key.h"
#include "seal/seal.h"

static bool begin(const struct mig_options *o, int argc, char **argv, struct gate *g,
                  struct mig_words *words, struct mig_error *err)
{
    g->net = -1;
    if (!mig_host_options_parse(o, argc, argv, &g->host, words, err)) {
        return false;
    }
    mig_log_init("mig-hook", g->host.quiet ? MIG_LOG_WARN : MIG_LOG_INFO);
    if (g->host.ca == NULL || g->host.cert == NULL || g->host.key == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "--ca, --cert and --key of this host's hook are needed, here or in "
                        "migctl.conf");
    }
    return mig_tls_new(&g->host.gather.tls, &g->tls, err) &&
           mig_trust_load(g->host.ca, g->host.crl, &g->trust, err);
}

static void end(const struct mig_options *o, struct gate *g)
{
    mig_tunnel_close(g->tunnel);
    mig_fd_close(g->net);
    mig_move_clear(&g->move);
    mig_contract_free(g->contract);
    mig_trust_free(g->trust);
    mig_tls_free(g->tls);
    mig_host_options_clear(o, &g->host);
}

static bool run(const struct gate_form *form, int argc, char **argv, struct gate *g,
                struct mig_error *err)
{
    struct mig_words words;

    if (!begin(&form->options, argc, argv, g, &words, err) ||
        (form->begin != NULL && !form->begin(g, err))) {
        return false;
    }
    if (words.operands_len != form->operands || words.rest_len != 0 || !form->has_all(g)) {
        return mig_fail(err, MIG_USAGE, "usage: mig-hook %s", form->usage);
    }
    return form->act(g, &words, err);
}

int gate_run(const struct gate_form *form, int argc, char **argv, struct gate *g)
{
    struct mig_error err;
    int status;

    if (hook_helps(argc, argv, &form->options)) {
        return 0;
    }
    status = run(form, argc, argv, g, &err) ? 0 : hook_fail(&err);
    if (form->end != NULL) {
        form->end(g);
    }
    end(&form->options, g);
    return status;
}

/* ---- the agreement ---- */

/* The agreement and contract in @g->move, opened and held against each other. */
static bool open_move(struct gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    if (!mig_agreement_open(g->trust, &g->move.agreement, mig_now_unix(), &g->agreement, err) ||
        !mig_seal_open(g->trust, MIG_PAYLOAD_CONTRACT, g->move.contract.items, g->move.contract.len,
                       &payload, err) ||
        !mig_contract_decode(payload, &g->contract, err)) {
        return false;
    }
    if (g->agreement.data_path != MIG_DATA_TUNNEL) {
        return mig_fail(err, MIG_REFUSED,
                        "agreed on was data path '%s', and the gates are a tunnel",
                        mig_data_path_name(g->agreement.data_path));
    }
    return memcmp(payload->digest, g->agreement.contract, sizeof payload->digest) == 0 ||
           mig_fail(err, MIG_TRUST, "the contract is not the one that was agreed on");
}

bool gate_agree(struct gate *g, const struct mig_words *words, struct mig_error *err)
{
    const struct mig_move_wish wish = {.vm = words->operands[0],
                                       .instance = g->instance,
                                       .destination = words->operands[1],
                                       .data_path = MIG_DATA_TUNNEL};

    if (!mig_move_agree(&g->host.gather, g->agent, &wish, &g->move, err) || !open_move(g, err)) {
        return false;
    }
    mig_log_info("%s may move from %s to %s, say both", g->agreement.vm, g->agreement.source.host,
                 g->agreement.destination.host);
    return true;
}

bool gate_advance(struct gate *g, enum mig_step step, const struct mig_bytes *contract,
                  struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_move m = {g->move.agreement,
                               contract != NULL ? *contract : (struct mig_bytes){0}};

    return mig_move_advance(&g->host.gather, g->agent, step, &m, ret, err);
}

void gate_abandon(struct gate *g)
{
    struct mig_error err;

    if (g->approved && !gate_advance(g, MIG_STEP_ABANDON, NULL, NULL, &err)) {
        mig_log_warn("%s", err.msg);
    }
    g->approved = false;
}

/* ---- send ---- */

static bool offer(struct gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    struct mig_tunnel_frame f = {.kind = MIG_TUNNEL_OFFER};

    link_offer_encode(&g->move, &body);
    f.bytes = body.items;
    f.len = body.len;
    return (body.len <= MIG_TUNNEL_BODY_MAX ||
            mig_fail(err, MIG_LIMIT, "agreement and contract of %zu bytes, at most %u fit",
                     body.len, MIG_TUNNEL_BODY_MAX)) &&
           mig_tunnel_send(g->tunnel, &f, GATE_PATIENCE_MS, err);
}

static bool greet(struct gate *g, struct mig_error *err)
{
    unsigned char body[MIG_TUNNEL_HELLO_BYTES];
    const struct mig_tunnel_frame f = {MIG_TUNNEL_HELLO, body, sizeof body};
    struct mig_tunnel_hello hello = {.channel = 0, .channels = 1};

    mig_random(hello.session, sizeof hello.session);
    mig_tunnel_hello_encode(&hello, body);
    return mig_tunnel_send(g->tunnel, &f, GATE_PATIENCE_MS, err);
}

bool gate_connect(struct gate *g, struct mig_error *err)
{
    struct mig_tunnel_options o = {.tls = g->tls, .to = &g->to, .where = g->where};

    if (!mig_address_parse(g->other, &g->to, err)) {
        return false;
    }
    if (!link_dial(&g->to, g->host.timeout_ms, &g->net, err)) {
        return mig_wrap(err, "gate");
    }
    mig_address_format(&g->to, g->where, sizeof g->where);
    o.fd = g->net;
    return mig_tunnel_open(&o, GATE_PATIENCE_MS, &g->tunnel, err) &&
           link_check_peer(g->tunnel, g->agreement.destination.host, g->to.name, err);
}

/* Both hosts' yes, and then ours: it is used up from here on. */
bool gate_get_approval(struct gate *g, struct mig_error *err)
{
    bool no;

    if (!greet(g, err) || !offer(g, err)) {
        return false;
    }
    if (!link_receive_verdict(g->tunnel, g->host.timeout_ms + GATE_APPROVAL_MS, &no, err)) {
        return no ? mig_wrap(err, "%s", g->agreement.destination.host) : false;
    }
    g->approved = gate_advance(g, MIG_STEP_APPROVE, &g->move.contract, NULL, err);
    return g->approved;
}

bool gate_depart(struct gate *g, const struct mig_tunnel_frame *f, struct mig_error *err)
{
    const struct mig_bytes contract = {(unsigned char *)(uintptr_t)f->bytes, f->len};

    if (!gate_advance(g, MIG_STEP_DEPART, &contract, NULL, err)) {
        return mig_wrap(err, "%s runs on %s now, but its contract here stays active",
                        g->agreement.vm, g->agreement.destination.host);
    }
    mig_log_info("%s runs on %s now", g->agreement.vm, g->agreement.destination.host);
    return true;
}

/* ---- receive ---- */

/* Whoever was there has gone, and nothing of it counts for the next one. */
static void forget_peer(struct gate *g)
{
    mig_tunnel_close(g->tunnel);
    g->tunnel = NULL;
    mig_fd_close(g->net);
    g->net = -1;
    mig_move_clear(&g->move);
    mig_contract_free(g->contract);
    g->contract = NULL;
}

static bool meet(struct gate *g, struct link_door *door, struct mig_error *err)
{
    struct mig_tunnel_options o = {.tls = g->tls, .where = "source"};

    if (!link_door_wait(door, &g->net, err)) {
        return false;
    }
    o.fd = g->net;
    return mig_tunnel_open(&o, GATE_PATIENCE_MS, &g->tunnel, err);
}

bool gate_await(struct gate *g, gate_fn *approve, gate_fn *again, void *data, struct mig_error *err)
{
    MIG_AUTO(link_door_close) struct link_door *door = NULL;
    struct mig_address at;

    if (!mig_address_parse(g->listen, &at, err) || !link_door_open(&at, &door, err)) {
        return false;
    }
    while (!meet(g, door, err) || !approve(data, err)) {
        if (g->net < 0 || g->approved) {
            gate_abandon(g);
            return false;
        }
        mig_log_error("%s", err->msg);
        forget_peer(g);
        if (!again(data, err)) {
            return false;
        }
    }
    return true;
}

bool gate_take_offer(struct gate *g, struct mig_error *err)
{
    struct mig_tunnel_hello hello;
    struct mig_tunnel_frame f;

    if (!mig_tunnel_receive(g->tunnel, MIG_TUNNEL_ONLY(MIG_TUNNEL_HELLO), GATE_PATIENCE_MS, &f,
                            err) ||
        !mig_tunnel_hello_decode(&f, &hello, err)) {
        return false;
    }
    if (hello.channels != 1) {
        return mig_fail(err, MIG_REFUSED, "%u channels, and the gate carries one", hello.channels);
    }
    return mig_tunnel_receive(g->tunnel, MIG_TUNNEL_ONLY(MIG_TUNNEL_OFFER), GATE_PATIENCE_MS, &f,
                              err) &&
           link_offer_decode(&f, &g->move, err) && open_move(g, err) &&
           link_check_peer(g->tunnel, g->agreement.source.host, g->peer, err);
}

bool gate_answer_offer(struct gate *g, bool good, struct mig_error *err)
{
    struct mig_error unheard;

    g->approved = good && gate_advance(g, MIG_STEP_APPROVE, &g->move.contract, NULL, err);
    return link_send_verdict(g->tunnel, g->approved ? NULL : err, g->approved ? err : &unheard) &&
           g->approved;
}

bool gate_complete(struct gate *g, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes contract = {0};
    struct mig_tunnel_frame f = {.kind = MIG_TUNNEL_OFFER};

    mig_log_info("%s runs here now", g->agreement.vm);
    if (!gate_advance(g, MIG_STEP_COMPLETE, NULL, &contract, err)) {
        return mig_wrap(err, "%s runs here, but its contract could not be made active",
                        g->agreement.vm);
    }
    f.bytes = contract.items;
    f.len = contract.len;
    return mig_tunnel_send(g->tunnel, &f, GATE_PATIENCE_MS, err) ||
           mig_wrap(err,
                    "%s runs here, but the source has not heard of it: mig-hook advance "
                    "depart there",
                    g->agreement.vm);
}
