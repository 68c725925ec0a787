/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/accord.h: how two agents come to an agreement on moving one guest.
 * Each judges both snapshots and the contract for itself, under the stricter
 * of both hosts' policies; the destination proves the contract on its KVM too
 * unless a policy says that the tables are enough.  No agreement is signed on
 * evidence that is filed or replayed.
 */
#pragma once

#include "base/cleanup.h"
#include "wire/message.h"

struct mig_accord;
struct mig_credentials;
struct mig_means;

/* Called once: @answer, which stays the accord's, or NULL with the phase it
 * failed in and why.  The accord may be dropped in it. */
typedef void mig_accord_fn(const struct mig_message *answer, const char *phase,
                           const struct mig_error *err, void *data);

/* What this agent gave the one who proposes, over the same connection. */
struct mig_accord_visit {
    const char *asker;          /* name in its certificate */
    struct mig_bytes sealed;    /* our last snapshot for it; empty: none */
    const unsigned char *nonce; /* that it was asked with, MIG_NONCE_BYTES */
};

/* @ask is an AGREE, or with @visit a PROPOSE.  All is copied. */
struct mig_accord *mig_accord_new(const struct mig_means *means, struct mig_credentials *creds,
                                  const struct mig_message *ask,
                                  const struct mig_accord_visit *visit, mig_accord_fn *fn,
                                  void *data);

/* @fn may be called before this returns. */
void mig_accord_start(struct mig_accord *a);

struct mig_audit; /* pact/audit.h */

/* What is known of it by now. */
void mig_accord_describe(const struct mig_accord *a, struct mig_audit *ret);

/* Nobody waits any more: @fn is not called from here on. */
void mig_accord_drop(struct mig_accord *a);
