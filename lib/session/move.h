/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/move.h: what a gate says to the agent of its own host when a guest is
 * to move: first ask for an agreement, then take it step by step.
 */
#pragma once

#include "pact/agreement.h"
#include "session/gather.h"
#include "wire/message.h"

/* The word of both hosts, and what it is about; sealed, as agents gave them. */
struct mig_move {
    struct mig_bytes agreement, contract;
};

void mig_move_clear(struct mig_move *m);
static inline void mig_move_clear_auto(struct mig_move *m)
{
    mig_move_clear(m);
}

/* Which guest, and where to; @instance and @data_path may stay zero. */
struct mig_move_wish {
    const char *vm, *instance;
    const char *destination; /* HOST word: a configured name or NAME@HOST:PORT */
    enum mig_data_path data_path;
};

/* @agent is the source's own, "unix:/run/mig/agent.sock". */
MIG_MUST_CHECK bool mig_move_agree(const struct mig_gather *g, const char *agent,
                                   const struct mig_move_wish *wish, struct mig_move *ret,
                                   struct mig_error *err);

/* At the destination, by a gate that was handed neither: approve the move whose
 * contract waits there. */
MIG_MUST_CHECK bool mig_move_approve_waiting(const struct mig_gather *g, const char *agent,
                                             const char *vm, const char *instance,
                                             struct mig_error *err);

/* @agent may be the destination's, for the source's hook to complete or abandon.
 * @ret_contract, which may be NULL, gets what COMPLETE answers. */
MIG_MUST_CHECK bool mig_move_advance(const struct mig_gather *g, const char *agent,
                                     enum mig_step step, const struct mig_move *m,
                                     struct mig_bytes *ret_contract, struct mig_error *err);

/* "approve" */
const char *mig_step_name(enum mig_step step);
MIG_MUST_CHECK bool mig_step_parse(const char *word, enum mig_step *ret);
