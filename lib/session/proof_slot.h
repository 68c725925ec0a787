/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/proof_slot.h: one host's proof and how far it can be believed.
 */
#pragma once

#include "pact/proof.h"

struct mig_trust;

struct mig_proof_slot {
    bool asked;                             /* this host is to prove */
    struct mig_proof proof;                 /* when asked and error.code is MIG_OK */
    unsigned char digest[MIG_DIGEST_BYTES]; /* evidence digest of the proof */
    struct mig_error error;
};

/* What a proof must repeat. */
struct mig_proof_want {
    const unsigned char *nonce; /* MIG_NONCE_BYTES */
    const char *name;           /* of the host */
    const struct mig_bytes *asked;
};

/* Open a sealed proof at time @now; all but @ret->asked is written on success only. */
MIG_MUST_CHECK bool mig_proof_slot_open(const struct mig_trust *trust,
                                        const struct mig_bytes *sealed,
                                        const struct mig_proof_want *want, int64_t now,
                                        struct mig_proof_slot *ret, struct mig_error *err);

void mig_proof_slot_clear(struct mig_proof_slot *s);
