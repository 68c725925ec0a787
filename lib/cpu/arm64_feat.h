/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_feat.h: the FEAT_ names of the Arm architecture, each a statement
 * on one or more fields.  Names are for people; judgement goes by fields.
 */
#pragma once

#include "cpu/arm64_term.h"

struct mig_arm64_feat {
    const char *name; /* "FEAT_PMULL" */
    const char *note; /* "" or what is special about it */
    struct mig_arm64_terms terms;
};

struct mig_arm64_feats {
    const struct mig_arm64_feat *items;
    size_t len;
};

/* In the order of the alphabet; static storage. */
struct mig_arm64_feats mig_arm64_feat_all(void);

/* In any case; NULL if there is none. */
const struct mig_arm64_feat *mig_arm64_feat_find(const char *name);

bool mig_arm64_feat_holds(const struct mig_arm64_feat *feat, mig_word_fn *word, const void *words);

/* The same feature in the ID registers of 32-bit code; len 0: not told there. */
struct mig_arm64_terms mig_arm64_feat_aa32(const struct mig_arm64_feat *feat);

/* A feature that one field tells by itself: the least value of it.  False when
 * it takes several terms. */
MIG_MUST_CHECK bool mig_arm64_feat_value(const struct mig_arm64_feat *feat,
                                         const struct mig_field **ret, uint64_t *ret_value);

/* The features that @f tells by itself with @value: what they have in common
 * with the other spellings.  At most @max; gives their number. */
#define MIG_ARM64_FEATS_MAX 16
size_t mig_arm64_feat_at(const struct mig_field *f, uint64_t value,
                         const struct mig_arm64_feat *ret[], size_t max);
