/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/envoy.h: go to another agent, ask for its snapshot, and ask further over
 * the same connection.  What comes back is checked by whoever it is for.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"
#include "base/file.h"

struct mig_credentials;
struct mig_envoy;
struct mig_loop;
struct mig_message;

/* Called once for each question: the answer, of the kind that fits it, or NULL
 * with the phase it failed in and why, and then never again.  May free the
 * envoy. */
typedef void mig_envoy_fn(const struct mig_message *answer, const char *phase,
                          const struct mig_error *err, void *data);

/* The other side must hold an agent's certificate, of that name or else of that
 * address.  All is copied. */
struct mig_envoy_errand {
    const char *address, *name; /* name NULL or "": by address */
    struct mig_bytes nonce;     /* of the capture */
    uint64_t timeout_ms;        /* for everything */
};

MIG_MUST_CHECK bool mig_envoy_new(struct mig_loop *loop, struct mig_credentials *creds,
                                  const struct mig_envoy_errand *errand, mig_envoy_fn *fn,
                                  void *data, struct mig_envoy **ret, struct mig_error *err);

/* The next question, after an answer; @ask is emptied. */
void mig_envoy_ask(struct mig_envoy *e, struct mig_message *ask);

/* Also calls it back before it arrived; @fn is then not called. */
void mig_envoy_free(struct mig_envoy *e);
MIG_AUTO_DEFINE(mig_envoy_free, struct mig_envoy *);
