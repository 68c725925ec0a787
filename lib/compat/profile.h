/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/profile.h: a computed profile: the complete register set that every
 * host can show a guest.
 */
#pragma once

#include "base/cleanup.h"
#include "cpu/level.h"
#include "snapshot/snapshot.h"

struct mig_word {
    uint64_t key; /* mig_reg_key() */
    uint64_t value;
    bool covered; /* false: some host's evidence can not know; printed as null */
};

struct mig_profile {
    enum mig_arch arch;
    struct mig_word
        *words; /* sorted by key; CPUID, MSR and ID register spaces, Hyper-V on request */
    size_t words_len;
    enum mig_level level;  /* mig_level_of() */
    uint64_t maxphysaddr;  /* bits; 0 = not covered */
    uint64_t sve_vqs;      /* arm64: vector lengths, as host/sve-vqs; 0 = none */
    uint64_t tsc_khz;      /* common rate within tolerance; 0 = hosts differ or unknown */
    const char **features; /* names of every flag that is set, sorted; static text */
    size_t features_len;
    unsigned char digest[MIG_DIGEST_BYTES]; /* over arch and words */
};

/* The word itself, or NULL. */
const struct mig_word *mig_profile_find(const struct mig_profile *p, struct mig_reg reg);

/* What a guest booted on @p was shown, as evidence; the caller frees. */
struct mig_snapshot *mig_profile_as_snapshot(const struct mig_profile *p);

/* Value of a word; 0 when it is not there or not covered. */
uint64_t mig_profile_get(const struct mig_profile *p, struct mig_reg reg);

/* Fill in @features and @digest from the words. */
void mig_profile_sum_up(struct mig_profile *p);

void mig_profile_free(struct mig_profile *p);
MIG_AUTO_DEFINE(mig_profile_free, struct mig_profile *);
