/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/tls.h: mutual TLS 1.3 only, by tls_policy.def.  Both ends show a
 * certificate of the fleet; what it entitles to is asked of the program
 * through admit().
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_tls;

struct mig_tls_files {
    const char *ca, *cert, *key;
    const char *crl; /* may be NULL */
};

/* One context that serves and connects. */
MIG_MUST_CHECK bool mig_tls_new(const struct mig_tls_files *files, struct mig_tls **ret,
                                struct mig_error *err);
void mig_tls_free(struct mig_tls *tls);
MIG_AUTO_DEFINE(mig_tls_free, struct mig_tls *);

/* Text of the policy in force, for a golden file and --dump-config. */
char *mig_tls_describe(const struct mig_tls *tls);

/* ---- for the files of this room ---- */

struct ssl_st;
struct ssl_st *mig_tls_session(const struct mig_tls *tls);
bool mig_tls_is_our_protocol(const struct ssl_st *ssl);
const char *mig_tls_ca_file(const struct mig_tls *tls);
const char *mig_tls_crl_file(const struct mig_tls *tls);
const char *mig_tls_cert_file(const struct mig_tls *tls);
