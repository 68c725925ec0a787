/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/key.h"

#include <openssl/evp.h>
#include <string.h>

#include "base/alloc.h"
#include "seal/algorithm.h"
#include "seal/certificate.h"
#include "seal/crypto_error.h"
#include "seal/pem.h"

struct mig_key {
    EVP_PKEY *pair;
    struct mig_identity identity;
    unsigned char id[32];
    struct mig_bytes chain[MIG_CHAIN_MAX];
    size_t chain_len;
    int64_t valid_from, valid_to;
};

MIG_AUTO_DEFINE(EVP_MD_CTX_free, EVP_MD_CTX *);

static bool add_certificate(struct mig_key *key, X509 *cert, struct mig_error *err)
{
    struct mig_bytes *der = &key->chain[key->chain_len];
    int64_t from, to;
    int len = i2d_X509(cert, NULL);
    unsigned char *p;

    if (len <= 0 || len > (int)MIG_CERTIFICATE_MAX) {
        return mig_crypto_fail(err, MIG_LIMIT, "certificate %zu has %d bytes, more than %u",
                               key->chain_len + 1, len, MIG_CERTIFICATE_MAX);
    }
    if (!mig_certificate_validity(cert, &from, &to, err)) {
        return false;
    }
    der->items = p = mig_alloc((size_t)len + 1, 1);
    der->len = (size_t)len;
    (void)i2d_X509(cert, &p);
    key->valid_from = from > key->valid_from ? from : key->valid_from;
    key->valid_to = to < key->valid_to ? to : key->valid_to;
    key->chain_len++;
    return true;
}

static bool load_chain(struct mig_key *key, const char *path, X509 **ret_leaf,
                       struct mig_error *err)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;

    if (!mig_pem_certificates(path, MIG_CHAIN_MAX, &certs, err)) {
        return false;
    }
    key->valid_from = INT64_MIN;
    key->valid_to = INT64_MAX;
    for (int i = 0; i < sk_X509_num(certs); i++) {
        if (!add_certificate(key, sk_X509_value(certs, i), err)) {
            return mig_wrap(err, "%s", path);
        }
    }
    if (!mig_certificate_may_sign(sk_X509_value(certs, 0), err) ||
        !mig_certificate_identity(sk_X509_value(certs, 0), &key->identity, err)) {
        return mig_wrap(err, "%s", path);
    }
    mig_certificate_key_id(sk_X509_value(certs, 0), key->id);
    *ret_leaf = sk_X509_shift(certs);
    return true;
}

static bool load(struct mig_key *key, const char *cert_file, const char *key_file,
                 struct mig_error *err)
{
    MIG_AUTO(X509_free) X509 *leaf = NULL;

    if (!load_chain(key, cert_file, &leaf, err) ||
        !mig_pem_private_key(key_file, &key->pair, err)) {
        return false;
    }
    if (X509_check_private_key(leaf, key->pair) != 1) {
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_TRUST, "%s: private key does not belong to the certificate in %s",
                        key_file, cert_file);
    }
    return true;
}

bool mig_key_load(const char *cert_file, const char *key_file, struct mig_key **ret,
                  struct mig_error *err)
{
    MIG_AUTO(mig_key_free) struct mig_key *key = MIG_NEW(struct mig_key);

    if (!load(key, cert_file, key_file, err)) {
        return mig_crypto_drain(false);
    }
    *ret = mig_steal(&key);
    return mig_crypto_drain(true);
}

const struct mig_identity *mig_key_identity(const struct mig_key *key)
{
    return &key->identity;
}

void mig_key_validity(const struct mig_key *key, int64_t *ret_from, int64_t *ret_to)
{
    *ret_from = key->valid_from;
    *ret_to = key->valid_to;
}

void mig_key_id(const struct mig_key *key, unsigned char ret[32])
{
    memcpy(ret, key->id, sizeof key->id);
}

size_t mig_key_chain(const struct mig_key *key, const struct mig_bytes **ret)
{
    *ret = key->chain;
    return key->chain_len;
}

bool mig_key_sign(const struct mig_key *key, const unsigned char *bytes, size_t len,
                  struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    const struct mig_algorithm *how = mig_algorithm_of(key->pair);
    struct mig_bytes sig = {0};

    MIG_ASSERT(ctx != NULL && how != NULL);
    if (EVP_DigestSignInit(ctx, NULL, how->digest(), NULL, key->pair) != 1 ||
        EVP_DigestSign(ctx, NULL, &sig.len, bytes, len) != 1) {
        return mig_crypto_fail(err, MIG_INTERNAL, "cannot sign");
    }
    sig.items = mig_alloc(sig.len + 1, 1);
    if (EVP_DigestSign(ctx, sig.items, &sig.len, bytes, len) != 1) {
        mig_bytes_clear(&sig);
        return mig_crypto_fail(err, MIG_INTERNAL, "cannot sign");
    }
    *ret = sig;
    return mig_crypto_drain(true);
}

/* OpenSSL wipes the private part when its last reference goes. */
void mig_key_free(struct mig_key *key)
{
    if (key == NULL) {
        return;
    }
    EVP_PKEY_free(key->pair);
    for (size_t i = 0; i < key->chain_len; i++) {
        mig_bytes_clear(&key->chain[i]);
    }
    mig_free(key);
}
