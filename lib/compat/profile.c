/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/profile.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cpu/field.h"
#include "snapshot/builder.h"

static int compare_words(const void *a, const void *b)
{
    uint64_t x = ((const struct mig_word *)a)->key, y = ((const struct mig_word *)b)->key;

    return x < y ? -1 : x > y;
}

const struct mig_word *mig_profile_find(const struct mig_profile *p, struct mig_reg reg)
{
    struct mig_word wanted = {.key = mig_reg_key(reg)};

    if (p->words_len == 0) {
        return NULL;
    }
    return bsearch(&wanted, p->words, p->words_len, sizeof wanted, compare_words);
}

uint64_t mig_profile_get(const struct mig_profile *p, struct mig_reg reg)
{
    const struct mig_word *word = mig_profile_find(p, reg);

    return word != NULL && word->covered ? word->value : 0;
}

/* Coverage is partial where a word is unknown: what is not listed is then not
 * known either. */
static enum mig_coverage coverage_of(const struct mig_profile *p, enum mig_space space)
{
    for (size_t i = 0; i < p->words_len; i++) {
        if (!p->words[i].covered && mig_reg_from_key(p->words[i].key).space == space) {
            return MIG_COVER_PARTIAL;
        }
    }
    return MIG_COVER_FULL;
}

static bool has_words(const struct mig_profile *p, enum mig_space space)
{
    for (size_t i = 0; i < p->words_len; i++) {
        if (mig_reg_from_key(p->words[i].key).space == space) {
            return true;
        }
    }
    return false;
}

/* Registers that are not listed are the host's own: nothing is known of them. */
static void cover_arm64(const struct mig_profile *p, struct mig_builder *b)
{
    mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_PARTIAL, 0, "computed profile");
    if (p->sve_vqs != 0) {
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_SVE_VQS), p->sve_vqs);
        mig_builder_cover(b, MIG_GROUP_ARM64, MIG_COVER_PARTIAL, 0, "computed profile");
    }
}

struct mig_snapshot *mig_profile_as_snapshot(const struct mig_profile *p)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(p->arch);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    for (size_t i = 0; i < p->words_len; i++) {
        if (p->words[i].covered) {
            mig_builder_set(b, mig_reg_from_key(p->words[i].key), p->words[i].value);
        }
    }
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, "computed profile");
    if (p->arch == MIG_ARCH_ARM64) {
        cover_arm64(p, b);
    } else {
        mig_builder_cover(b, MIG_GROUP_CPUID, coverage_of(p, MIG_SPACE_CPUID), 0,
                          "computed profile");
        mig_builder_cover(b, MIG_GROUP_MSR, coverage_of(p, MIG_SPACE_MSR), 0, "computed profile");
    }
    if (has_words(p, MIG_SPACE_CPUID_HV)) {
        mig_builder_cover(b, MIG_GROUP_CPUID_HV, coverage_of(p, MIG_SPACE_CPUID_HV), 0,
                          "computed profile");
    }
    MIG_ASSERT(mig_builder_freeze(b, &s, &err));
    return s;
}

void mig_profile_free(struct mig_profile *p)
{
    if (p != NULL) {
        mig_free(p->words);
        mig_free(p->features);
        mig_free(p);
    }
}
