/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/envoy.h: go and ask another agent for its snapshot, with the nonce of
 * whoever asked us.  What comes back is sealed for that asker, not for us, and
 * is handed on as it is.
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

/* Called once: the envelope, or NULL with the phase it failed in and why.
 * May free the envoy. */
typedef void mig_envoy_fn(const struct mig_bytes *sealed, const char *phase,
                          const struct mig_error *err, void *data);

/* @ask is an EXCHANGE: address, name and nonce.  The other side must hold an
 * agent's certificate, of that name or else of that address. */
MIG_MUST_CHECK bool mig_envoy_new(struct mig_loop *loop, struct mig_credentials *creds,
                                  const struct mig_message *ask, uint64_t timeout_ms,
                                  mig_envoy_fn *fn, void *data, struct mig_envoy **ret,
                                  struct mig_error *err);
/* Also calls it back before it arrived; @fn is then not called. */
void mig_envoy_free(struct mig_envoy *e);
MIG_AUTO_DEFINE(mig_envoy_free, struct mig_envoy *);
