/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/key.h: private keys and the certificates they answer for, and the
 * authorities we believe.  Keys are read once and wiped when freed; nothing of
 * them reaches a message or a log.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "seal/identity.h"

struct mig_key;
struct mig_trust;

/* PEM files; the certificate file holds the leaf first, then intermediates.
 * The leaf must carry a mig:// identity and belong to the key; a key file that
 * others may read is refused. */
MIG_MUST_CHECK bool mig_key_load(const char *cert_file, const char *key_file, struct mig_key **ret,
                                 struct mig_error *err);
const struct mig_identity *mig_key_identity(const struct mig_key *key);
void mig_key_validity(const struct mig_key *key, int64_t *ret_from, int64_t *ret_to);
/* SHA-256 of the public key in DER. */
void mig_key_id(const struct mig_key *key, unsigned char ret[32]);
/* Certificates in DER, the leaf first; @ret is borrowed from the key. */
size_t mig_key_chain(const struct mig_key *key, const struct mig_bytes **ret);
/* Signature of the key's own scheme; callers other than seal.c want mig_seal(). */
MIG_MUST_CHECK bool mig_key_sign(const struct mig_key *key, const unsigned char *bytes, size_t len,
                                 struct mig_bytes *ret, struct mig_error *err);
void mig_key_free(struct mig_key *key);
MIG_AUTO_DEFINE(mig_key_free, struct mig_key *);

/* @ca_file may hold several authorities (roll-over); @crl_file may be NULL. */
MIG_MUST_CHECK bool mig_trust_load(const char *ca_file, const char *crl_file,
                                   struct mig_trust **ret, struct mig_error *err);

/* The two halves of the above: a program that waits for answers anyway reads
 * the files meanwhile.  Nothing can be verified before prepare succeeded. */
struct mig_trust *mig_trust_new(void);
MIG_MUST_CHECK bool mig_trust_prepare(struct mig_trust *trust, const char *ca_file,
                                      const char *crl_file, struct mig_error *err);

/* A certificate that TLS has parsed: what it signed need not be parsed again.
 * It is believed no more for that. */
struct x509_st; /* OpenSSL's X509 */
void mig_trust_introduce(struct mig_trust *trust, struct x509_st *leaf);
void mig_trust_free(struct mig_trust *trust);
MIG_AUTO_DEFINE(mig_trust_free, struct mig_trust *);
