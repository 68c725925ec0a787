/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/attest.h: put this agent's word behind a snapshot: who, which boot,
 * when, for whom, and a signature over all of it.
 */
#pragma once

#include <stdint.h>

#include "base/file.h"

struct mig_key;
struct mig_proof;
struct mig_snapshot;

/* How long a snapshot that nobody asked for claims to be of use. */
#define MIG_ATTEST_FILED_EXPIRY_S (30 * 24 * 3600)

struct mig_attest {
    char boot_id[40];
    uint64_t sequence; /* last one given */
};

/* Learns which boot of this machine it is. */
MIG_MUST_CHECK bool mig_attest_init(struct mig_attest *a, struct mig_error *err);

struct mig_attest_terms {
    const unsigned char *nonce; /* MIG_NONCE_BYTES of the asker; NULL: nobody asked */
    bool replayed;
};

/* @s under a fresh stamp, sealed with @key. */
MIG_MUST_CHECK bool mig_attest_seal(struct mig_attest *a, const struct mig_key *key,
                                    const struct mig_snapshot *s,
                                    const struct mig_attest_terms *terms, struct mig_bytes *ret,
                                    struct mig_error *err);

/* Complete @p by who, which boot and when, for the asker's @nonce, and seal it. */
MIG_MUST_CHECK bool mig_attest_seal_proof(const struct mig_attest *a, const struct mig_key *key,
                                          const unsigned char *nonce, struct mig_proof *p,
                                          struct mig_bytes *ret, struct mig_error *err);
