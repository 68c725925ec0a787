/* SPDX-License-Identifier: Apache-2.0 */
/*
 * qemu.h: the two gates of a guest of QEMU: "qemu send" beside the QEMU that
 * has it, "qemu receive" beside the one that waits for it.
 *
 *   send                         receive
 *     agree (its agent)
 *     connect, OFFER    ------->   is it ours to take, is the waiting QEMU's CPU
 *                                  the contract's, approve (its agent)
 *                       <-------   VERDICT
 *     approve (its agent)
 *     QEMU: migrate, head ----->   the head is the guest's that was agreed on
 *     memory            ------->   QEMU: migrate-incoming
 *     QEMU: pre-switchover
 *     CHECK             ------->   the host is still what was agreed on
 *                       <-------   CHECK
 *     QEMU: migrate-continue
 *                                  QEMU: cont, complete (its agent)
 *     depart (its agent) <------   OFFER: the contract, signed there
 */
#pragma once

#include "gate/qemu_check.h"
#include "gate/qemu_head.h"
#include "link.h"
#include "session/host_options.h"
#include "vmm/migration.h"

#define QEMU_PATIENCE_MS 20000
#define QEMU_HEAD_MS 30000

struct qemu_gate {
    struct mig_host_options host; /* first: migctl.conf fills it */
    char *agent, *instance, *qmp, *gate, *stream, *listen, *peer;
    bool help;

    struct mig_tls *tls; /* from here on the gate's own */
    struct mig_trust *trust;
    struct mig_qmp *monitor;
    struct mig_tunnel *tunnel;
    int net;               /* under the tunnel; -1: none */
    struct mig_address to; /* send: the other gate */
    char where[MIG_ADDRESS_TEXT];
    struct mig_move move;
    struct mig_agreement agreement;
    struct mig_contract *contract;
    bool approved; /* at this host's agent */
};

/* The agreement and contract in @g->move, opened and held against each other. */
MIG_MUST_CHECK bool qemu_open_move(struct qemu_gate *g, struct mig_error *err);

/* What the stream of that guest has to say. */
MIG_MUST_CHECK bool qemu_check_head(const struct qemu_gate *g, const struct mig_qemu_head *h,
                                    struct mig_error *err);

/* Take the next step at this host's agent. */
MIG_MUST_CHECK bool qemu_advance(struct qemu_gate *g, enum mig_step step,
                                 const struct mig_bytes *contract, struct mig_bytes *ret,
                                 struct mig_error *err);

/* It goes on at the source: say so to the agent, if it had approved. */
void qemu_abandon(struct qemu_gate *g);

/* Is the VM's id a UUID that its stream can carry? */
bool qemu_has_uuid(const struct qemu_gate *g, unsigned char ret[MIG_QEMU_UUID]);

/* Options, connections, memory; the exit status is @status. */
struct mig_options;
MIG_MUST_CHECK bool qemu_begin(const struct mig_options *o, int argc, char **argv,
                               struct qemu_gate *g, struct mig_words *words, struct mig_error *err);
void qemu_end(const struct mig_options *o, struct qemu_gate *g);

#define QEMU_ROW(name, letter, kind, member, metavar, fallback, help)                              \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct qemu_gate, member), metavar, fallback,    \
            help                                                                                   \
    }
#define QEMU_ROWS                                                                                  \
    QEMU_ROW("agent", 0, TEXT, agent, "ADDRESS", HOOK_AGENT,                                       \
             "agent of this host, over its unix socket"),                                          \
        QEMU_ROW("qmp", 0, TEXT, qmp, "SOCKET", NULL,                                              \
                 "QMP socket of the QEMU on this side, which nobody else uses"),                   \
        QEMU_ROW("help", 'h', FLAG, help, NULL, NULL, "this text")
