/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include "seal/seal.h"

void mig_sha256(const void *bytes, size_t len, unsigned char ret[32])
{
    MIG_ASSERT(EVP_Digest(bytes, len, ret, NULL, EVP_sha256(), NULL) == 1);
}

void mig_random(unsigned char *ret, size_t len)
{
    MIG_ASSERT(len <= INT_MAX);
    MIG_ASSERT(RAND_bytes(ret, (int)len) == 1);
}
