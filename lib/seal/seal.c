/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  Opening asks, in this order, and the first no ends it:
 *
 *   1. form       one encoding, within limits, nothing allocated    envelope.c
 *   2. type       the kind that the caller expects, exactly one signature
 *   3. chain      ends at an authority of ours, nobody in it revoked   trust.c
 *   4. signer     no authority itself, may sign, has one mig:// identity
 *   5. signature  by the leaf's key over type and payload
 *
 * Keys of strangers are not used before 3 said that they are no strangers.
 * Time is not asked: the payload carries the window in which 3 holds.
 */
#include "seal/seal.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/algorithm.h"
#include "seal/crypto_error.h"
#include "seal/envelope.h"
#include "seal/key.h"
#include "seal/trust.h"

static const char *const media[MIG_PAYLOAD_COUNT] = {
#define PAYLOAD(id, type) [MIG_PAYLOAD_##id] = type,
#include "seal/payload.def"
};

struct opened {
    struct mig_payload payload;
    unsigned char bytes[];
};

MIG_AUTO_DEFINE(EVP_MD_CTX_free, EVP_MD_CTX *);

/* DSSE's pre-authentication encoding: what is signed. */
static void authenticated(const char *type, const unsigned char *bytes, size_t len,
                          struct mig_text *ret)
{
    mig_text_addf(ret, "DSSEv1 %zu %s %zu ", strlen(type), type, len);
    mig_text_add_bytes(ret, (const char *)bytes, len);
}

bool mig_seal(const struct mig_key *key, enum mig_payload_type type, const unsigned char *bytes,
              size_t len, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text signed_bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sig = {0};
    unsigned char key_id[MIG_ENVELOPE_KEYID];
    const struct mig_bytes *chain;
    struct mig_envelope e = {
        .payload = {bytes, len},
          .signatures_len = 1
    };
    struct mig_signature *s = &e.signatures[0];

    MIG_ASSERT(type < MIG_PAYLOAD_COUNT);
    if (len == 0 || len > MIG_SEALED_MAX) {
        return mig_fail(err, MIG_LIMIT, "cannot seal %zu bytes, expected 1 to %u", len,
                        MIG_SEALED_MAX);
    }
    authenticated(media[type], bytes, len, &signed_bytes);
    if (!mig_key_sign(key, (const unsigned char *)signed_bytes.items, signed_bytes.len, &sig,
                      err)) {
        return false;
    }
    e.type = (struct mig_span){(const unsigned char *)media[type], strlen(media[type])};
    mig_key_id(key, key_id);
    s->keyid = (struct mig_span){key_id, sizeof key_id};
    s->sig = (struct mig_span){sig.items, sig.len};
    s->certs_len = mig_key_chain(key, &chain);
    for (size_t i = 0; i < s->certs_len; i++) {
        s->certs[i] = (struct mig_span){chain[i].items, chain[i].len};
    }
    return mig_crypto_drain(mig_envelope_pack(&e, ret, err));
}

static bool check_kind(const struct mig_envelope *e, enum mig_payload_type type,
                       struct mig_error *err)
{
    if (e->type.len != strlen(media[type]) ||
        memcmp(e->type.bytes, media[type], e->type.len) != 0) {
        char other[MIG_ENVELOPE_TYPE_MAX + 1];

        (void)snprintf(other, sizeof other, "%.*s", (int)e->type.len, (const char *)e->type.bytes);
        mig_text_make_printable(other);
        return mig_fail(err, MIG_TRUST, "payload type is '%s', expected '%s'", other, media[type]);
    }
    if (e->signatures_len != 1) {
        return mig_fail(err, MIG_TRUST, "envelope has %zu signatures, expected exactly one",
                        e->signatures_len);
    }
    return true;
}

static bool parse_chain(const struct mig_trust *trust, const struct mig_signature *s,
                        STACK_OF(X509) * ret, struct mig_error *err)
{
    for (size_t i = 0; i < s->certs_len; i++) {
        X509 *cert = mig_trust_known(trust, s->certs[i].bytes, s->certs[i].len);

        if (cert == NULL &&
            !mig_certificate_parse(s->certs[i].bytes, s->certs[i].len, &cert, err)) {
            return mig_wrap(err, "signer's chain, %zu of %zu", i + 1, s->certs_len);
        }
        (void)sk_X509_push(ret, cert);
    }
    return true;
}

static bool check_signature(const struct mig_envelope *e, X509 *leaf, struct mig_error *err)
{
    MIG_AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    MIG_AUTO(mig_text_clear) struct mig_text signed_bytes = {0};
    MIG_AUTO(mig_free) char *type = mig_strndup((const char *)e->type.bytes, e->type.len);
    const struct mig_signature *s = &e->signatures[0];
    EVP_PKEY *key = X509_get0_pubkey(leaf);
    unsigned char key_id[MIG_ENVELOPE_KEYID];

    mig_certificate_key_id(leaf, key_id);
    if (memcmp(key_id, s->keyid.bytes, sizeof key_id) != 0) {
        return mig_fail(err, MIG_TRUST, "signature names another key than its certificate");
    }
    authenticated(type, e->payload.bytes, e->payload.len, &signed_bytes);
    MIG_ASSERT(ctx != NULL);
    if (EVP_DigestVerifyInit(ctx, NULL, mig_algorithm_of(key)->digest(), NULL, key) != 1) {
        return mig_crypto_fail(err, MIG_INTERNAL, "cannot verify");
    }
    if (EVP_DigestVerify(ctx, s->sig.bytes, s->sig.len, (const unsigned char *)signed_bytes.items,
                         signed_bytes.len) != 1) {
        return mig_fail(err, MIG_TRUST, "signature does not match the payload");
    }
    return true;
}

static struct mig_payload *payload_new(const struct mig_envelope *e, enum mig_payload_type type,
                                       const struct mig_identity *signer, const int64_t window[2])
{
    struct opened *o = mig_alloc(1, sizeof *o + e->payload.len + 1);

    memcpy(o->bytes, e->payload.bytes, e->payload.len);
    o->payload = (struct mig_payload){
        .type = type,
        .bytes = o->bytes,
        .len = e->payload.len,
        .signer = *signer,
        .valid_from = window[0],
        .valid_to = window[1],
    };
    mig_sha256(o->bytes, e->payload.len, o->payload.digest);
    return &o->payload;
}

static bool open_envelope(const struct mig_trust *trust, enum mig_payload_type type,
                          const struct mig_envelope *e, struct mig_payload **ret,
                          struct mig_error *err)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *chain = sk_X509_new_null();
    struct mig_identity signer;
    int64_t window[2];
    X509 *leaf;

    MIG_ASSERT(chain != NULL);
    if (!check_kind(e, type, err) || !parse_chain(trust, &e->signatures[0], chain, err)) {
        return false;
    }
    leaf = sk_X509_value(chain, 0);
    if (!mig_trust_verify(trust, leaf, chain, window, err) ||
        !mig_certificate_may_sign(leaf, err) || !mig_certificate_identity(leaf, &signer, err) ||
        !check_signature(e, leaf, err)) {
        return false;
    }
    *ret = payload_new(e, type, &signer, window);
    return true;
}

bool mig_seal_open(const struct mig_trust *trust, enum mig_payload_type type,
                   const unsigned char *sealed, size_t len, struct mig_payload **ret,
                   struct mig_error *err)
{
    struct mig_envelope e;

    MIG_ASSERT(trust != NULL && type < MIG_PAYLOAD_COUNT);
    return mig_crypto_drain(mig_envelope_parse(sealed, len, &e, err) &&
                            open_envelope(trust, type, &e, ret, err));
}

bool mig_seal_peek(const unsigned char *bytes, size_t len, enum mig_payload_type *ret)
{
    struct mig_envelope e;
    struct mig_error err;

    if (!mig_envelope_parse(bytes, len, &e, &err)) {
        return false;
    }
    for (int type = 0; type < MIG_PAYLOAD_COUNT; type++) {
        if (e.type.len == strlen(media[type]) &&
            memcmp(e.type.bytes, media[type], e.type.len) == 0) {
            *ret = (enum mig_payload_type)type;
            return true;
        }
    }
    return false;
}

void mig_payload_free(struct mig_payload *p)
{
    mig_free(p);
}
