/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/seal.h: a DSSE envelope over exact payload bytes.  Each kind of payload
 * has its own type and mig_seal_open() refuses any other; it is the only maker
 * of a struct mig_payload, so what was not verified can not be decoded.
 *
 * Trust in a signature needs a time.  The chain is checked without one, and
 * the payload carries the window in which the whole chain is valid; the
 * decoder of each kind holds its own issued-at against that window.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/file.h"
#include "seal/identity.h"

#define MIG_SEALED_MAX (768u * 1024)

/* PAYLOAD(constant, media type) */
enum mig_payload_type {
#define PAYLOAD(id, media) MIG_PAYLOAD_##id,
#include "seal/payload.def"
    MIG_PAYLOAD_COUNT
};

struct mig_key;   /* private key and certificate chain; seal/key.h */
struct mig_trust; /* CAs and CRLs; seal/key.h */

struct mig_payload {
    enum mig_payload_type type;
    const unsigned char *bytes;
    size_t len;
    struct mig_identity signer;
    struct mig_identity cosigner; /* of the second signature; no name: there is none */
    int64_t valid_from, valid_to; /* of all chains, seconds, UTC */
    unsigned char digest[32];     /* SHA-256 of bytes: the evidence digest */
};

/* Sign @bytes; @ret is the envelope (proto/envelope.proto). */
MIG_MUST_CHECK bool mig_seal(const struct mig_key *key, enum mig_payload_type type,
                             const unsigned char *bytes, size_t len, struct mig_bytes *ret,
                             struct mig_error *err);

/* @sealed with one signature, and @key's beside it. */
MIG_MUST_CHECK bool mig_seal_add(const struct mig_key *key, const unsigned char *sealed, size_t len,
                                 struct mig_bytes *ret, struct mig_error *err);

/* Verify signature, chain and type of an envelope.  The payload owns its bytes. */
MIG_MUST_CHECK bool mig_seal_open(const struct mig_trust *trust, enum mig_payload_type type,
                                  const unsigned char *sealed, size_t len, struct mig_payload **ret,
                                  struct mig_error *err);

/* The same of an envelope with exactly two signatures, of two identities. */
MIG_MUST_CHECK bool mig_seal_open_pair(const struct mig_trust *trust, enum mig_payload_type type,
                                       const unsigned char *sealed, size_t len,
                                       struct mig_payload **ret, struct mig_error *err);

/* Does this file look like an envelope at all?  No verification. */
bool mig_seal_is_envelope(const unsigned char *bytes, size_t len);

/* What an envelope claims to hold, for messages only: nothing is verified.
 * False when it is no envelope or of no type of ours. */
bool mig_seal_peek(const unsigned char *bytes, size_t len, enum mig_payload_type *ret);

void mig_payload_free(struct mig_payload *p);
MIG_AUTO_DEFINE(mig_payload_free, struct mig_payload *);

void mig_sha256(const void *bytes, size_t len, unsigned char ret[32]);
void mig_random(unsigned char *ret, size_t len);
