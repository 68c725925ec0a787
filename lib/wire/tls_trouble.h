/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/tls_trouble.h: why TLS failed, in an operator's words: what OpenSSL's
 * queue, an alert (tls_trouble.def) or a refused certificate mean.
 */
#pragma once

#include "base/error.h"

struct mig_tls;
struct ssl_st;
struct x509_store_ctx_st;

/* "@fmt: reason of OpenSSL"; empties its queue. */
bool mig_tls_trouble(struct mig_error *err, enum mig_code code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What the queue says about a failed handshake, read or write; empties it. */
bool mig_tls_trouble_of_queue(const struct mig_tls *tls, const struct ssl_st *ssl,
                              struct mig_error *err);

/* Why the chain in @store is refused; @where is the peer. */
bool mig_tls_trouble_of_chain(const struct mig_tls *tls, struct x509_store_ctx_st *store,
                              const char *where, struct mig_error *err);
