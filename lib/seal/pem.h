/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/pem.h: files in PEM, read with limits; each error names the file.
 */
#pragma once

#include "seal/certificate.h"

#define MIG_PEM_FILE_MAX (4u * 1024 * 1024) /* revocation lists grow */
#define MIG_PEM_KEY_MAX (16u * 1024)
#define MIG_PEM_ITEMS_MAX 64

static inline void mig_crls_free(STACK_OF(X509_CRL) * crls)
{
    sk_X509_CRL_pop_free(crls, X509_CRL_free);
}
MIG_AUTO_DEFINE(mig_crls_free, STACK_OF(X509_CRL) *);

/* One to @max certificates, in the order of the file. */
MIG_MUST_CHECK bool mig_pem_certificates(const char *path, int max, STACK_OF(X509) * *ret,
                                         struct mig_error *err);

MIG_MUST_CHECK bool mig_pem_crls(const char *path, STACK_OF(X509_CRL) * *ret,
                                 struct mig_error *err);

/* A key without passphrase, in a regular file that only its owner may read. */
MIG_MUST_CHECK bool mig_pem_private_key(const char *path, EVP_PKEY **ret, struct mig_error *err);
