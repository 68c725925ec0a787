/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/prover.h: register sets tried on this host's KVM on demand, each in a
 * fresh process that is killed at its deadline and leaves nothing behind.  The
 * process captures the host too, so that the proof says which state of it was
 * asked.  A few at once; who comes then waits for its turn.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/file.h"

struct mig_agent_options;
struct mig_loop;
struct mig_proof;
struct mig_prover;

/* @p, borrowed for the call, is without name and time yet; NULL with @err. */
typedef void mig_prover_fn(struct mig_proof *p, const struct mig_error *err, void *data);

struct mig_prover *mig_prover_new(struct mig_loop *loop, const struct mig_agent_options *o);
/* Ends all proofs; who still waits for one is told so. */
void mig_prover_free(struct mig_prover *p);
MIG_AUTO_DEFINE(mig_prover_free, struct mig_prover *);

/* Try @shown (mig_proof_ask()); @timeout_ms 0: the agent's own, which is also
 * the most.  @fn is called once, perhaps before this returns. */
void mig_prover_ask(struct mig_prover *p, const struct mig_bytes *shown, uint64_t timeout_ms,
                    mig_prover_fn *fn, void *data);

/* Nobody is there any more for what was asked with @data: if that still waits
 * for its turn, its @fn is called now. */
void mig_prover_withdraw(struct mig_prover *p, const void *data);
