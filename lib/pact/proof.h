/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/proof.h: a host's signed word that a register set was tried on its KVM:
 * which set, on which state of the host, and what came of it.
 */
#pragma once

#include "base/file.h"
#include "compat/proven.h"

struct mig_payload; /* seal/seal.h */

#define MIG_PROOF_BYTES_MAX (512u * 1024)

struct mig_proof {
    char host[MIG_NAME_MAX];
    char boot_id[40];
    unsigned char nonce[MIG_NONCE_BYTES];
    int64_t issued_at, expires_at; /* seconds since the epoch, UTC */
    uint32_t table_version;
    unsigned char capability[MIG_DIGEST_BYTES]; /* of the host when it proved */
    unsigned char subject[MIG_DIGEST_BYTES];    /* mig_proof_subject() of what was tried */
    struct mig_proven proven;
};

void mig_proof_clear(struct mig_proof *p);
static inline void mig_proof_clear_auto(struct mig_proof *p)
{
    mig_proof_clear(p);
}

/* The bytes that ask for a proof of @shown, and how the proof calls them. */
void mig_proof_ask(const struct mig_snapshot *shown, struct mig_bytes *ret);
void mig_proof_subject(const unsigned char *asked, size_t len, unsigned char ret[MIG_DIGEST_BYTES]);

/* Those bytes back: only what a guest can be shown, under no host's name. */
MIG_MUST_CHECK bool mig_proof_read_ask(const unsigned char *bytes, size_t len,
                                       struct mig_snapshot **ret, struct mig_error *err);

/* Canonical bytes (proto/proof.proto). */
void mig_proof_encode(const struct mig_proof *p, struct mig_bytes *ret);

/* Also refuses a signer that is no agent or not of the host, and a time outside
 * the signer's validity. */
MIG_MUST_CHECK bool mig_proof_decode(const struct mig_payload *payload, struct mig_proof *ret,
                                     struct mig_error *err);

/* For bytes of our own child process, which carry no name and time yet, and for
 * fuzzing. */
MIG_MUST_CHECK bool mig_proof_decode_untrusted(const unsigned char *bytes, size_t len,
                                               struct mig_proof *ret, struct mig_error *err);
