/* SPDX-License-Identifier: Apache-2.0 */
/*
 * chv_pass.h: hands for gate/chv_proxy.h: one migration between a VMM's socket
 * and the tunnel to the other gate.
 */
#pragma once

#include "chv.h"
#include "gate/chv_proxy.h"

struct chv_pass {
    struct gate *gate;
    enum mig_chv_side near;             /* which of the two the VMM here is */
    int vmm;                            /* its socket; -1: it has yet to come to @listen */
    const struct mig_address *listen;   /* NULL: none */
    uint64_t parting_ms;                /* how long the receiver may take to let go */
    enum mig_chv_outcome outcome;       /* out, from here on */
    bool handed_over;                   /* the guest is the receiver's */
    char reason[MIG_TUNNEL_REASON_MAX]; /* "" */
    enum mig_tunnel_kind word;          /* OFFER or VERDICT that came; 0: none */
    struct mig_bytes said;              /* its body; the caller clears */
};

/* False: it never began. */
MIG_MUST_CHECK bool chv_pass_run(struct chv_pass *p, struct mig_error *err);

/* The other gate's last word, in @p->word and @p->said, if it has not come yet. */
MIG_MUST_CHECK bool chv_pass_hear(struct chv_pass *p, uint64_t timeout_ms, struct mig_error *err);

/* The guest stays: say why, hear what the other gate says; always false. */
bool chv_pass_fail(struct chv_pass *p, struct mig_error *err);
