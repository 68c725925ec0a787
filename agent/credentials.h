/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/credentials.h: everything read from the key, certificate, authority
 * and revocation files at one moment.  A reload makes a new one; connections
 * keep the one they began with.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_agent_options;

struct mig_credentials {
    unsigned refs;
    struct mig_tls *tls;
    struct mig_key *key;
    struct mig_trust *trust;
    const char *name; /* of this agent; borrowed from key */
};

/* @now must lie within the certificate's validity; the certificate must be an
 * agent's, and of the configured name if there is one. */
MIG_MUST_CHECK bool mig_credentials_load(const struct mig_agent_options *o, int64_t now,
                                         struct mig_credentials **ret, struct mig_error *err);
struct mig_credentials *mig_credentials_ref(struct mig_credentials *c);
/* Gives one reference back; the last one frees. */
void mig_credentials_free(struct mig_credentials *c);
MIG_AUTO_DEFINE(mig_credentials_free, struct mig_credentials *);
