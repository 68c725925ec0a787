/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/certificate.h: questions that are asked of one certificate.  For this
 * room and lib/pki; all names that come back are safe for a terminal.
 */
#pragma once

#include <openssl/x509v3.h>

#include "base/cleanup.h"
#include "seal/identity.h"

#define MIG_CERTIFICATE_MAX (16u * 1024)
#define MIG_CHAIN_MAX 4

MIG_AUTO_DEFINE(X509_free, X509 *);
MIG_AUTO_DEFINE(EVP_PKEY_free, EVP_PKEY *);
static inline void mig_certificates_free(STACK_OF(X509) * certs)
{
    sk_X509_pop_free(certs, X509_free);
}
MIG_AUTO_DEFINE(mig_certificates_free, STACK_OF(X509) *);

/* DER with nothing behind it. */
MIG_MUST_CHECK bool mig_certificate_parse(const unsigned char *der, size_t len, X509 **ret,
                                          struct mig_error *err);

MIG_MUST_CHECK bool mig_certificate_identity(const X509 *cert, struct mig_identity *ret,
                                             struct mig_error *err);

/* May it sign evidence: no authority, digital signature, a key we accept? */
MIG_MUST_CHECK bool mig_certificate_may_sign(X509 *cert, struct mig_error *err);

/* Seconds, UTC. */
MIG_MUST_CHECK bool mig_certificate_validity(const X509 *cert, int64_t *ret_from, int64_t *ret_to,
                                             struct mig_error *err);

/* The caller frees. */
char *mig_certificate_subject(const X509 *cert);
char *mig_certificate_issuer(const X509 *cert);
char *mig_certificate_name_text(const X509_NAME *name);

/* SHA-256 of the public key in DER. */
void mig_certificate_key_id(X509 *cert, unsigned char ret[32]);
