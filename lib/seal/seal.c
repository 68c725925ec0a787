/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation.  Opening asks, in this order, and the first no ends it:
 *
 *   1. form       one encoding, within limits, nothing allocated    envelope.c
 *   2. type       the kind that the caller expects, as many signatures
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

/* What a signature is made of; the spans of @s borrow from here and the key. */
struct signing {
    struct mig_bytes sig;
    unsigned char key_id[MIG_ENVELOPE_KEYID];
};

static bool sign(const struct mig_key *key, const struct mig_text *what, struct signing *with,
                 struct mig_signature *s, struct mig_error *err)
{
    const struct mig_bytes *chain;

    if (!mig_key_sign(key, (const unsigned char *)what->items, what->len, &with->sig, err)) {
        return false;
    }
    mig_key_id(key, with->key_id);
    s->keyid = (struct mig_span){with->key_id, sizeof with->key_id};
    s->sig = (struct mig_span){with->sig.items, with->sig.len};
    s->certs_len = mig_key_chain(key, &chain);
    for (size_t i = 0; i < s->certs_len; i++) {
        s->certs[i] = (struct mig_span){chain[i].items, chain[i].len};
    }
    return true;
}

bool mig_seal(const struct mig_key *key, enum mig_payload_type type, const unsigned char *bytes,
              size_t len, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text signed_bytes = {0};
    struct signing with = {0};
    struct mig_envelope e = {
        .payload = {bytes, len},
          .signatures_len = 1
    };
    bool good;

    MIG_ASSERT(type < MIG_PAYLOAD_COUNT);
    if (len == 0 || len > MIG_SEALED_MAX) {
        return mig_fail(err, MIG_LIMIT, "cannot seal %zu bytes, expected 1 to %u", len,
                        MIG_SEALED_MAX);
    }
    e.type = (struct mig_span){(const unsigned char *)media[type], strlen(media[type])};
    authenticated(media[type], bytes, len, &signed_bytes);
    good =
        sign(key, &signed_bytes, &with, &e.signatures[0], err) && mig_envelope_pack(&e, ret, err);
    mig_bytes_clear(&with.sig);
    return mig_crypto_drain(good);
}

bool mig_seal_add(const struct mig_key *key, const unsigned char *sealed, size_t len,
                  struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text signed_bytes = {0};
    MIG_AUTO(mig_free) char *type = NULL;
    struct signing with = {0};
    struct mig_envelope e;
    bool good;

    if (!mig_envelope_parse(sealed, len, &e, err)) {
        return false;
    }
    if (e.signatures_len != 1) {
        return mig_fail(err, MIG_REFUSED, "envelope has %zu signatures already, expected one",
                        e.signatures_len);
    }
    type = mig_strndup((const char *)e.type.bytes, e.type.len);
    authenticated(type, e.payload.bytes, e.payload.len, &signed_bytes);
    good = sign(key, &signed_bytes, &with, &e.signatures[e.signatures_len++], err) &&
           mig_envelope_pack(&e, ret, err);
    mig_bytes_clear(&with.sig);
    return mig_crypto_drain(good);
}

static bool check_kind(const struct mig_envelope *e, enum mig_payload_type type, size_t signatures,
                       struct mig_error *err)
{
    if (e->type.len != strlen(media[type]) ||
        memcmp(e->type.bytes, media[type], e->type.len) != 0) {
        char other[MIG_ENVELOPE_TYPE_MAX + 1];

        (void)snprintf(other, sizeof other, "%.*s", (int)e->type.len, (const char *)e->type.bytes);
        mig_text_make_printable(other);
        return mig_fail(err, MIG_TRUST, "payload type is '%s', expected '%s'", other, media[type]);
    }
    if (e->signatures_len != signatures) {
        return mig_fail(err, MIG_TRUST, "envelope has %zu signature%s, expected exactly %s",
                        e->signatures_len, e->signatures_len == 1 ? "" : "s",
                        signatures == 1 ? "one" : "two");
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

static bool check_signature(const struct mig_envelope *e, const struct mig_signature *s, X509 *leaf,
                            struct mig_error *err)
{
    MIG_AUTO(EVP_MD_CTX_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    MIG_AUTO(mig_text_clear) struct mig_text signed_bytes = {0};
    MIG_AUTO(mig_free) char *type = mig_strndup((const char *)e->type.bytes, e->type.len);
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

/* Who made a signature, and when the chain behind it is valid. */
struct vouching {
    struct mig_identity signer;
    int64_t window[2];
};

static bool check_signer(const struct mig_trust *trust, const struct mig_envelope *e,
                         const struct mig_signature *s, struct vouching *ret, struct mig_error *err)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *chain = sk_X509_new_null();
    X509 *leaf;

    MIG_ASSERT(chain != NULL);
    if (!parse_chain(trust, s, chain, err)) {
        return false;
    }
    leaf = sk_X509_value(chain, 0);
    return mig_trust_verify(trust, leaf, chain, ret->window, err) &&
           mig_certificate_may_sign(leaf, err) &&
           mig_certificate_identity(leaf, &ret->signer, err) && check_signature(e, s, leaf, err);
}

static struct mig_payload *payload_new(const struct mig_envelope *e, enum mig_payload_type type,
                                       const struct vouching *by)
{
    struct opened *o = mig_alloc(1, sizeof *o + e->payload.len + 1);
    struct mig_payload *p = &o->payload;

    memcpy(o->bytes, e->payload.bytes, e->payload.len);
    *p = (struct mig_payload){
        .type = type,
        .bytes = o->bytes,
        .len = e->payload.len,
        .signer = by[0].signer,
        .valid_from = by[0].window[0],
        .valid_to = by[0].window[1],
    };
    if (e->signatures_len == 2) {
        p->cosigner = by[1].signer;
        if (by[1].window[0] > p->valid_from) {
            p->valid_from = by[1].window[0];
        }
        if (by[1].window[1] < p->valid_to) {
            p->valid_to = by[1].window[1];
        }
    }
    mig_sha256(o->bytes, e->payload.len, p->digest);
    return p;
}

/* Two signatures of one are not two. */
static bool check_differ(const struct vouching by[2], struct mig_error *err)
{
    return by[0].signer.role != by[1].signer.role ||
           strcmp(by[0].signer.name, by[1].signer.name) != 0 ||
           mig_fail(err, MIG_TRUST, "both signatures are by %s/%s",
                    mig_role_name(by[0].signer.role), by[0].signer.name);
}

static bool open_envelope(const struct mig_trust *trust, enum mig_payload_type type,
                          const struct mig_envelope *e, size_t signatures, struct mig_payload **ret,
                          struct mig_error *err)
{
    struct vouching by[MIG_ENVELOPE_SIGNATURES_MAX] = {0};

    if (!check_kind(e, type, signatures, err)) {
        return false;
    }
    for (size_t i = 0; i < signatures; i++) {
        if (!check_signer(trust, e, &e->signatures[i], &by[i], err)) {
            return signatures == 1 ? false : mig_wrap(err, "signature %zu", i + 1);
        }
    }
    if (signatures == 2 && !check_differ(by, err)) {
        return false;
    }
    *ret = payload_new(e, type, by);
    return true;
}

static bool open_with(const struct mig_trust *trust, enum mig_payload_type type,
                      const unsigned char *sealed, size_t len, size_t signatures,
                      struct mig_payload **ret, struct mig_error *err)
{
    struct mig_envelope e;

    MIG_ASSERT(trust != NULL && type < MIG_PAYLOAD_COUNT);
    return mig_crypto_drain(mig_envelope_parse(sealed, len, &e, err) &&
                            open_envelope(trust, type, &e, signatures, ret, err));
}

bool mig_seal_open(const struct mig_trust *trust, enum mig_payload_type type,
                   const unsigned char *sealed, size_t len, struct mig_payload **ret,
                   struct mig_error *err)
{
    return open_with(trust, type, sealed, len, 1, ret, err);
}

bool mig_seal_open_pair(const struct mig_trust *trust, enum mig_payload_type type,
                        const unsigned char *sealed, size_t len, struct mig_payload **ret,
                        struct mig_error *err)
{
    return open_with(trust, type, sealed, len, 2, ret, err);
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
