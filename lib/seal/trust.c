/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/trust.h"

#include <openssl/x509_vfy.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/crypto_error.h"
#include "seal/pem.h"

/* 112 bits: what is still out there as a company root (RSA 2048), no SHA-1. */
#define CHAIN_SECURITY_LEVEL 2

/* Introductions of one program run; more are simply parsed again. */
#define KNOWN_MAX 64

struct mig_trust {
    X509_STORE *store; /* NULL until prepared */
    STACK_OF(X509) * known;
};

MIG_AUTO_DEFINE(X509_STORE_CTX_free, X509_STORE_CTX *);

static bool add_authorities(struct mig_trust *trust, const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;

    if (!mig_pem_certificates(path, MIG_PEM_ITEMS_MAX, &certs, err)) {
        return false;
    }
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);

        if (X509_check_ca(cert) == 0) {
            MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);

            return mig_fail(err, MIG_TRUST, "%s: certificate '%s' is not an authority's", path,
                            subject);
        }
        if (X509_STORE_add_cert(trust->store, cert) != 1) {
            return mig_crypto_fail(err, MIG_TRUST, "%s", path);
        }
    }
    return true;
}

static bool add_crls(struct mig_trust *trust, const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_crls_free) STACK_OF(X509_CRL) *crls = NULL;

    if (!mig_pem_crls(path, &crls, err)) {
        return false;
    }
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        if (X509_STORE_add_crl(trust->store, sk_X509_CRL_value(crls, i)) != 1) {
            return mig_crypto_fail(err, MIG_TRUST, "%s", path);
        }
    }
    return true;
}

struct mig_trust *mig_trust_new(void)
{
    struct mig_trust *trust = MIG_NEW(struct mig_trust);

    trust->known = sk_X509_new_null();
    MIG_ASSERT(trust->known != NULL);
    return trust;
}

void mig_trust_introduce(struct mig_trust *trust, struct x509_st *leaf)
{
    if (sk_X509_num(trust->known) < KNOWN_MAX && X509_up_ref(leaf) == 1) {
        (void)sk_X509_push(trust->known, leaf);
    }
}

static bool has_bytes(X509 *cert, const unsigned char *der, size_t len)
{
    unsigned char *own = NULL;
    int own_len = i2d_X509(cert, &own);
    bool equal = own_len > 0 && (size_t)own_len == len && memcmp(own, der, len) == 0;

    OPENSSL_free(own);
    return equal;
}

X509 *mig_trust_known(const struct mig_trust *trust, const unsigned char *der, size_t len)
{
    for (int i = 0; i < sk_X509_num(trust->known); i++) {
        X509 *cert = sk_X509_value(trust->known, i);

        if (has_bytes(cert, der, len)) {
            (void)X509_up_ref(cert);
            return cert;
        }
    }
    return NULL;
}

bool mig_trust_prepare(struct mig_trust *trust, const char *ca_file, const char *crl_file,
                       struct mig_error *err)
{
    unsigned long flags = X509_V_FLAG_NO_CHECK_TIME;

    X509_STORE_free(trust->store); /* of an attempt that failed */
    trust->store = X509_STORE_new();
    MIG_ASSERT(trust->store != NULL);
    if (!add_authorities(trust, ca_file, err) ||
        (crl_file != NULL && !add_crls(trust, crl_file, err))) {
        return mig_crypto_drain(false);
    }
    /* With a list in hand, an authority without one is an answer that lacks. */
    flags |= crl_file != NULL ? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL : 0;
    (void)X509_STORE_set_flags(trust->store, flags);
    (void)X509_STORE_set_depth(trust->store, MIG_CHAIN_MAX);
    X509_VERIFY_PARAM_set_auth_level(X509_STORE_get0_param(trust->store), CHAIN_SECURITY_LEVEL);
    return mig_crypto_drain(true);
}

bool mig_trust_load(const char *ca_file, const char *crl_file, struct mig_trust **ret,
                    struct mig_error *err)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = mig_trust_new();

    if (!mig_trust_prepare(trust, ca_file, crl_file, err)) {
        return false;
    }
    *ret = mig_steal(&trust);
    return true;
}

void mig_trust_free(struct mig_trust *trust)
{
    if (trust != NULL) {
        X509_STORE_free(trust->store);
        mig_certificates_free(trust->known);
        mig_free(trust);
    }
}

/* Two authorities may share a name during roll-over; the key tells them apart. */
static char *authority_key(const X509 *cert)
{
    AUTHORITY_KEYID *id = X509_get_ext_d2i(cert, NID_authority_key_identifier, NULL, NULL);
    char hex[41] = "";
    char *text;

    if (id != NULL && id->keyid != NULL && ASN1_STRING_length(id->keyid) <= 20) {
        mig_text_hex(ASN1_STRING_get0_data(id->keyid), (size_t)ASN1_STRING_length(id->keyid), hex);
    }
    text = hex[0] != '\0' ? mig_strf(" (key %s)", hex) : mig_strdup("");
    AUTHORITY_KEYID_free(id);
    return text;
}

static bool explain(X509_STORE_CTX *ctx, X509 *leaf, struct mig_error *err)
{
    int why = X509_STORE_CTX_get_error(ctx);
    const X509 *at = X509_STORE_CTX_get_current_cert(ctx);
    const X509 *cert = at != NULL ? at : leaf;
    MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);
    MIG_AUTO(mig_free) char *issuer = mig_certificate_issuer(cert);
    MIG_AUTO(mig_free) char *key = authority_key(cert);

    switch (why) {
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return mig_fail(err, MIG_TRUST, "certificate '%s' is from an unknown authority '%s'%s",
                        subject, issuer, key);
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return mig_fail(err, MIG_TRUST,
                        "certificate '%s' is from an unknown authority: '%s' did not sign it",
                        subject, issuer);
    case X509_V_ERR_CERT_REVOKED:
        return mig_fail(err, MIG_TRUST, "certificate '%s' was revoked by '%s'", subject, issuer);
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return mig_fail(err, MIG_TRUST,
                        "certificate '%s': the revocation lists hold none of its authority '%s'%s",
                        subject, issuer, key);
    default:
        return mig_fail(err, MIG_TRUST, "certificate '%s' of '%s': %s", subject, issuer,
                        X509_verify_cert_error_string(why));
    }
}

static bool chain_window(STACK_OF(X509) * chain, int64_t window[2], struct mig_error *err)
{
    window[0] = INT64_MIN;
    window[1] = INT64_MAX;
    for (int i = 0; i < sk_X509_num(chain); i++) {
        int64_t from, to;

        if (!mig_certificate_validity(sk_X509_value(chain, i), &from, &to, err)) {
            return false;
        }
        window[0] = from > window[0] ? from : window[0];
        window[1] = to < window[1] ? to : window[1];
    }
    return true;
}

bool mig_trust_verify(const struct mig_trust *trust, X509 *leaf, STACK_OF(X509) * others,
                      int64_t ret_window[2], struct mig_error *err)
{
    MIG_AUTO(X509_STORE_CTX_free) X509_STORE_CTX *ctx = X509_STORE_CTX_new();
    int64_t window[2];
    bool good;

    MIG_ASSERT(trust->store != NULL);
    MIG_ASSERT(ctx != NULL && X509_STORE_CTX_init(ctx, trust->store, leaf, others) == 1);
    good = X509_verify_cert(ctx) == 1 ? chain_window(X509_STORE_CTX_get0_chain(ctx), window, err)
                                      : explain(ctx, leaf, err);
    if (good) {
        ret_window[0] = window[0];
        ret_window[1] = window[1];
    }
    return mig_crypto_drain(good);
}
