/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "cpu/level.h"
#include "snapshot/entries.h"

static uint64_t profile_word(const void *words, struct mig_reg reg)
{
    return mig_profile_get(words, reg);
}

/* A leaf that reads 0 in all four registers need not be listed; an MSR of
 * value 0 must be, or KVM would show the host's. */
static bool is_leaf_empty(const struct mig_merge *m, size_t w)
{
    struct mig_reg reg = mig_reg_from_key(m->words[w].key);

    for (int part = MIG_EAX; part <= MIG_EDX; part++) {
        const struct mig_word *word =
            mig_merge_word(m, mig_reg_cpuid(reg.index, reg.sub, (enum mig_part)part));

        if (word != NULL && (!word->covered || word->value != 0)) {
            return false;
        }
    }
    return true;
}

static bool is_kept(const struct mig_merge *m, size_t w)
{
    struct mig_reg reg = mig_reg_from_key(m->words[w].key);

    return reg.space == MIG_SPACE_MSR ? mig_choice_shows(m->choice, reg) : !is_leaf_empty(m, w);
}

static int compare_names(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void list_features(struct mig_profile *p)
{
    p->features = mig_alloc(mig_field_all().len, sizeof *p->features);
    for (size_t w = 0; w < p->words_len; w++) {
        struct mig_fields fields = mig_field_of(mig_reg_from_key(p->words[w].key));

        for (size_t i = 0; i < fields.len; i++) {
            const struct mig_field *f = &fields.items[i];

            if (mig_field_is_flag(f) && mig_field_get(f, p->words[w].value) != 0) {
                p->features[p->features_len++] = f->name;
            }
        }
    }
    qsort(p->features, p->features_len, sizeof *p->features, compare_names);
}

/* One rate for all, where every host runs within 250 ppm of the slowest. */
static uint64_t common_tsc(const struct mig_merge *m)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);
    uint64_t slowest = UINT64_MAX, fastest = 0;

    for (size_t i = 0; i < m->len; i++) {
        uint64_t khz = mig_party_get(&m->parties[i], reg);

        slowest = khz < slowest ? khz : slowest;
        fastest = khz > fastest ? khz : fastest;
    }
    return slowest != UINT64_MAX && fastest - slowest <= slowest / 4000 ? slowest : 0;
}

static void digest(struct mig_profile *p)
{
    struct mig_entry *entries = mig_alloc(p->words_len, sizeof *entries);

    for (size_t i = 0; i < p->words_len; i++) {
        entries[i] =
            (struct mig_entry){p->words[i].key, p->words[i].value, p->words[i].covered ? 0 : 1};
    }
    mig_entries_digest(p->arch, entries, p->words_len, p->digest);
    mig_free(entries);
}

struct mig_profile *mig_merge_finish(const struct mig_merge *m)
{
    struct mig_profile *p = MIG_NEW(struct mig_profile);

    p->arch = m->parties[0].snapshot->arch;
    p->words = mig_alloc(m->words_len, sizeof *p->words);
    for (size_t w = 0; w < m->words_len; w++) {
        if (is_kept(m, w)) {
            p->words[p->words_len] = m->words[w];
            p->words[p->words_len].value = m->words[w].covered ? m->words[w].value : 0;
            p->words_len++;
        }
    }
    p->level = mig_level_of(profile_word, p);
    p->maxphysaddr = mig_bits_get(mig_profile_get(p, mig_reg_cpuid(0x80000008, 0, MIG_EAX)), 7, 0);
    p->tsc_khz = common_tsc(m);
    list_features(p);
    digest(p);
    return p;
}
