/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/agreement.h: one guest, two hosts, two signatures.  Each agent signs
 * after it has judged for itself; a move begins only under what the agent of
 * its destination signed, and only once (pact/ledger.h).
 */
#pragma once

#include "base/file.h"
#include "pact/contract.h"

struct mig_key;   /* seal/key.h */
struct mig_trust; /* seal/key.h */

#define MIG_AGREEMENT_BYTES_MAX 4096u
/* From the signature to the first byte of memory. */
#define MIG_AGREEMENT_LIFE_S 300
#define MIG_AGREEMENT_LIFE_MAX_S 3600
/* Clocks of the two hosts may differ by this much. */
#define MIG_AGREEMENT_SKEW_S 60

enum mig_data_path {
    MIG_DATA_TUNNEL,
    MIG_DATA_VMM_TLS,
    MIG_DATA_LOCAL,
    MIG_DATA_PATH_COUNT,
};

/* "tunnel" */
const char *mig_data_path_name(enum mig_data_path path);
MIG_MUST_CHECK bool mig_data_path_parse(const char *word, enum mig_data_path *ret,
                                        struct mig_error *err);

/* One end, as it was judged. */
struct mig_pledge {
    char host[MIG_NAME_MAX];
    unsigned char evidence[MIG_DIGEST_BYTES], capability[MIG_DIGEST_BYTES];
    unsigned char policy[MIG_DIGEST_BYTES]; /* mig_policy_digest() */
};

struct mig_agreement {
    char vm[MIG_VM_ID_MAX], instance[MIG_VM_ID_MAX];
    unsigned char contract[MIG_DIGEST_BYTES];
    struct mig_pledge source, destination;
    unsigned char nonce[MIG_NONCE_BYTES];
    int64_t issued_at, expires_at; /* seconds since the epoch, UTC */
    enum mig_data_path data_path;
    /* SHA-256 of the canonical bytes; set by decoding and sealing. */
    unsigned char id[MIG_DIGEST_BYTES];
};

/* Names, times and ids within their bounds, two different hosts. */
MIG_MUST_CHECK bool mig_agreement_check(const struct mig_agreement *a, struct mig_error *err);

/* Canonical bytes (proto/agreement.proto). */
void mig_agreement_encode(const struct mig_agreement *a, struct mig_bytes *ret);

/* By the source's agent; sets the id. */
MIG_MUST_CHECK bool mig_agreement_seal(struct mig_agreement *a, const struct mig_key *key,
                                       struct mig_bytes *ret, struct mig_error *err);

/* What the source's agent alone has signed; the destination adds its own
 * (mig_seal_add).  @now: neither expired nor of the future. */
MIG_MUST_CHECK bool mig_agreement_open_offer(const struct mig_trust *trust,
                                             const struct mig_bytes *sealed, int64_t now,
                                             struct mig_agreement *ret, struct mig_error *err);

/* Signed by both.  MIG_STALE when it is expired or of the future. */
MIG_MUST_CHECK bool mig_agreement_open(const struct mig_trust *trust,
                                       const struct mig_bytes *sealed, int64_t now,
                                       struct mig_agreement *ret, struct mig_error *err);

/* The same at any time, for showing. */
MIG_MUST_CHECK bool mig_agreement_open_ever(const struct mig_trust *trust,
                                            const struct mig_bytes *sealed,
                                            struct mig_agreement *ret, struct mig_error *err);

/* MIG_STALE with the reason when it does not hold at @now. */
MIG_MUST_CHECK bool mig_agreement_check_time(const struct mig_agreement *a, int64_t now,
                                             struct mig_error *err);

/* For fuzzing. */
MIG_MUST_CHECK bool mig_agreement_decode_untrusted(const unsigned char *bytes, size_t len,
                                                   struct mig_agreement *ret,
                                                   struct mig_error *err);

/* Schema "migctl/v1" kind "Agreement". */
char *mig_agreement_to_json(const struct mig_agreement *a);
