/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate.h: what the two gates of a guest have in common, whatever its VMM: whom
 * they ask, how they find each other, and what was agreed on.
 */
#pragma once

#include "link.h"
#include "session/host_options.h"

#define GATE_PATIENCE_MS 20000
#define GATE_APPROVAL_MS 30000

struct gate {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *agent, *instance, *other, *listen, *peer;
    bool help;

    struct mig_tls *tls; /* from here on the gate's own */
    struct mig_trust *trust;
    struct mig_tunnel *tunnel;
    int net;               /* under the tunnel; -1: none */
    struct mig_address to; /* send: the other gate */
    char where[MIG_ADDRESS_TEXT];
    struct mig_move move;
    struct mig_agreement agreement;
    struct mig_contract *contract;
    bool approved; /* at this host's agent */
};

/* One verb.  Each function gets the struct whose first member is the gate. */
struct gate_form {
    struct mig_options options;
    const char *usage; /* for when operands are too many or few, or has_all() says no */
    size_t operands;
    bool (*has_all)(const void *whole);
    bool (*begin)(void *whole, struct mig_error *err); /* once options are read; may be NULL */
    bool (*act)(void *whole, const struct mig_words *words, struct mig_error *err);
    void (*end)(void *whole); /* may be NULL */
};

/* From the command line to the exit status; @g is zeroed but for what is not. */
int gate_run(const struct gate_form *form, int argc, char **argv, struct gate *g);

/* Send: have both agents agree on VM and DST, the operands. */
MIG_MUST_CHECK bool gate_agree(struct gate *g, const struct mig_words *words,
                               struct mig_error *err);
/* Send: reach the other gate, offer, get its yes and then this host's. */
MIG_MUST_CHECK bool gate_connect(struct gate *g, struct mig_error *err);
MIG_MUST_CHECK bool gate_get_approval(struct gate *g, struct mig_error *err);

/* Receive: wait for a gate whose guest @approve takes.  Before that a refusal
 * costs nothing: the next one may come, if @again says so. */
typedef bool gate_fn(void *data, struct mig_error *err);
MIG_MUST_CHECK bool gate_await(struct gate *g, gate_fn *approve, gate_fn *again, void *data,
                               struct mig_error *err);
/* For @approve: hear the offer, and say whether @good, which is what was found
 * here, and this host's agent take it. */
MIG_MUST_CHECK bool gate_take_offer(struct gate *g, struct mig_error *err);
MIG_MUST_CHECK bool gate_answer_offer(struct gate *g, bool good, struct mig_error *err);

/* Take the next step at this host's agent. */
MIG_MUST_CHECK bool gate_advance(struct gate *g, enum mig_step step,
                                 const struct mig_bytes *contract, struct mig_bytes *ret,
                                 struct mig_error *err);
/* It goes on at the source: say so to the agent, if it had approved. */
void gate_abandon(struct gate *g);
/* Receive: the guest runs here; its contract is made active and shown to the source. */
MIG_MUST_CHECK bool gate_complete(struct gate *g, struct mig_error *err);
/* Send: @f is that contract. */
MIG_MUST_CHECK bool gate_depart(struct gate *g, const struct mig_tunnel_frame *f,
                                struct mig_error *err);

/* Options of either gate, in a @whole whose first member is "struct gate base". */
#define GATE_ROW(whole, name, letter, kind, member, metavar, fallback, help)                       \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct whole, member), metavar, fallback, help   \
    }
#define GATE_ROWS(whole)                                                                           \
    GATE_ROW(whole, "agent", 0, TEXT, base.agent, "ADDRESS", HOOK_AGENT,                           \
             "agent of this host, over its unix socket"),                                          \
        GATE_ROW(whole, "help", 'h', FLAG, base.help, NULL, NULL, "this text")
#define GATE_SEND_ROWS(whole, word)                                                                \
    GATE_ROW(whole, "instance", 0, TEXT, base.instance, "ID", NULL,                                \
             "this power-on of it and no other"),                                                  \
        GATE_ROW(whole, "gate", 0, TEXT, base.other, "ADDRESS", NULL,                              \
                 "of mig-hook " word " receive at DST; NAME@ pins its hook's name")
#define GATE_RECEIVE_ROWS(whole, word)                                                             \
    GATE_ROW(whole, "listen", 0, TEXT, base.listen, "ADDRESS", NULL,                               \
             "wait for mig-hook " word " send here"),                                              \
        GATE_ROW(whole, "peer", 0, TEXT, base.peer, "NAME", "",                                    \
                 "name of the hook that may send (default: that of the source's host)")
