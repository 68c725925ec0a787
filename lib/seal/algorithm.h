/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/algorithm.h: the kinds of key whose signatures we make and believe.
 * The key alone says how it signs; an envelope has no say in it.
 */
#pragma once

#include <openssl/evp.h>

#include "base/error.h"

struct mig_algorithm {
    const char *type, *group;
    int least_bits, most_bits;
    const EVP_MD *(*digest)(void); /* gives NULL where the scheme hashes by itself */
    const char *name;
};

/* NULL when we accept no such key. */
const struct mig_algorithm *mig_algorithm_of(const EVP_PKEY *key);

/* "ECDSA P-256", "RSA 4096" or what OpenSSL calls a kind that we refuse;
 * @ret has room for MIG_ALGORITHM_TEXT bytes. */
#define MIG_ALGORITHM_TEXT 64
void mig_algorithm_describe(const EVP_PKEY *key, char *ret);
