/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/folder.h: what stands where in the folder of an authority.
 */
#pragma once

#include "base/cleanup.h"
#include "seal/pem.h"

#define MIG_FOLDER_CA "ca"

struct mig_authority {
    X509 *cert;
    EVP_PKEY *key;
};

/* Paths; the caller frees. */
char *mig_folder_cert(const char *dir, const char *name);
char *mig_folder_key(const char *dir, const char *name);
char *mig_folder_crl(const char *dir);

/* Refuse when a file of @name is there already. */
MIG_MUST_CHECK bool mig_folder_is_free(const char *dir, const char *name, struct mig_error *err);

/* NAME-key.pem, mode 0600, and NAME-cert.pem, or neither of them. */
MIG_MUST_CHECK bool mig_folder_write_pair(const char *dir, const char *name, X509 *cert,
                                          EVP_PKEY *key, struct mig_error *err);
MIG_MUST_CHECK bool mig_folder_write_crl(const char *dir, X509_CRL *crl, struct mig_error *err);

MIG_MUST_CHECK bool mig_folder_authority(const char *dir, struct mig_authority *ret,
                                         struct mig_error *err);
void mig_authority_clear(struct mig_authority *a);
static inline void mig_authority_clear_auto(struct mig_authority *a)
{
    mig_authority_clear(a);
}

/* The digest that @key signs with; NULL where the scheme hashes by itself. */
const EVP_MD *mig_authority_digest(const EVP_PKEY *key);
