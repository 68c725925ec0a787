/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_feat.h"

#include <strings.h>

#include "base/array.h"
#include "base/bits.h"
#include "cpu/field.h"

#define AT_LEAST(reg, field, value) MIG_ARM64_TERM(AT_LEAST, reg, field, value)
#define SIGNED_AT_LEAST(reg, field, value) MIG_ARM64_TERM(SIGNED_AT_LEAST, reg, field, value)
#define EQUAL(reg, field, value) MIG_ARM64_TERM(EQUAL, reg, field, value)
#define UNEQUAL(reg, field, value) MIG_ARM64_TERM(UNEQUAL, reg, field, value)
#define OR MIG_ARM64_TERM_OR

#define ROW(name, note, terms)                                                                     \
    {                                                                                              \
        (name), (note),                                                                            \
        {                                                                                          \
            (terms), MIG_COUNT(terms)                                                              \
        }                                                                                          \
    }
#define MIRROR(name, terms)                                                                        \
    {                                                                                              \
        (name),                                                                                    \
        {                                                                                          \
            (terms), MIG_COUNT(terms)                                                              \
        }                                                                                          \
    }

#define FEAT(name, note, ...) static const struct mig_arm64_term terms_##name[] = {__VA_ARGS__};
#define FEAT_AA32(name, ...) static const struct mig_arm64_term aa32_##name[] = {__VA_ARGS__};
#include "cpu/arm64_feat.def"

static const struct mig_arm64_feat feats[] = {
#define FEAT(name, note, ...) ROW("FEAT_" #name, note, terms_##name),
#define FEAT_AA32(name, ...)
#include "cpu/arm64_feat.def"
};

static const struct {
    const char *name;
    struct mig_arm64_terms terms;
} mirrors[] = {
#define FEAT(name, note, ...)
#define FEAT_AA32(name, ...) MIRROR("FEAT_" #name, aa32_##name),
#include "cpu/arm64_feat.def"
};

struct mig_arm64_feats mig_arm64_feat_all(void)
{
    return (struct mig_arm64_feats){feats, MIG_COUNT(feats)};
}

const struct mig_arm64_feat *mig_arm64_feat_find(const char *name)
{
    for (size_t i = 0; i < MIG_COUNT(feats); i++) {
        if (strcasecmp(feats[i].name, name) == 0) {
            return &feats[i];
        }
    }
    return NULL;
}

bool mig_arm64_feat_holds(const struct mig_arm64_feat *feat, mig_word_fn *word, const void *words)
{
    return mig_arm64_terms_hold(feat->terms, word, words);
}

struct mig_arm64_terms mig_arm64_feat_aa32(const struct mig_arm64_feat *feat)
{
    for (size_t i = 0; i < MIG_COUNT(mirrors); i++) {
        if (strcasecmp(mirrors[i].name, feat->name) == 0) {
            return mirrors[i].terms;
        }
    }
    return (struct mig_arm64_terms){NULL, 0};
}

bool mig_arm64_feat_value(const struct mig_arm64_feat *feat, const struct mig_field **ret,
                          uint64_t *ret_value)
{
    const struct mig_arm64_term *term = feat->terms.items;

    if (feat->terms.len != 1 || term->op == MIG_ARM64_UNEQUAL) {
        return false;
    }
    *ret = mig_field_at(term->reg, term->lo);
    *ret_value = term->value;
    return true;
}

struct one_field {
    const struct mig_field *field;
    uint64_t value;
};

static uint64_t one_word(const void *words, struct mig_reg reg)
{
    const struct one_field *one = words;

    return mig_reg_key(reg) == mig_reg_key(one->field->reg)
               ? mig_field_put(one->field, 0, one->value)
               : 0;
}

size_t mig_arm64_feat_at(const struct mig_field *f, uint64_t value,
                         const struct mig_arm64_feat *ret[], size_t max)
{
    struct one_field one = {f, value};
    size_t len = 0;

    for (size_t i = 0; i < MIG_COUNT(feats) && len < max; i++) {
        if (feats[i].terms.len == 1 && mig_arm64_terms_read(feats[i].terms, f) &&
            mig_arm64_feat_holds(&feats[i], one_word, &one)) {
            ret[len++] = &feats[i];
        }
    }
    return len;
}
