/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "cpu/level.h"
#include "snapshot/entries.h"

#define ROWS_MAX 4096
#define WORD_BITS 64

static uint64_t merged_word(const void *merge, struct mig_reg reg)
{
    return mig_merge_get(merge, reg);
}

/* Flags by name, and the place of each row among them: features are listed by
 * name without sorting them for each profile. */
static const struct mig_field *by_name[ROWS_MAX];
static uint16_t rank[ROWS_MAX];
static size_t ranks_len;
static once_flag ranked = ONCE_FLAG_INIT;

static int compare_names(const void *a, const void *b)
{
    const struct mig_field *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void rank_flags(void)
{
    struct mig_fields all = mig_field_all();

    MIG_ASSERT(all.len <= ROWS_MAX);
    for (size_t i = 0; i < all.len; i++) {
        if (mig_field_is_flag(&all.items[i])) {
            by_name[ranks_len++] = &all.items[i];
        }
    }
    qsort(by_name, ranks_len, sizeof(const struct mig_field *), compare_names);
    for (size_t i = 0; i < ranks_len; i++) {
        rank[by_name[i] - all.items] = (uint16_t)i;
    }
}

static void list_features(struct mig_profile *p)
{
    uint64_t set[ROWS_MAX / WORD_BITS] = {0};
    const struct mig_field *first = mig_field_all().items;
    size_t len = 0;

    call_once(&ranked, rank_flags);
    for (size_t w = 0; w < p->words_len; w++) {
        const struct mig_sheet *s = mig_sheet_of(p->words[w].key);

        for (uint64_t bits = p->words[w].value & s->flags; bits != 0; bits &= bits - 1) {
            size_t r = rank[mig_sheet_row(s, (unsigned)__builtin_ctzll(bits)) - first];

            set[r / WORD_BITS] |= UINT64_C(1) << r % WORD_BITS;
            len++;
        }
    }
    p->features = mig_alloc(len, sizeof *p->features);
    for (size_t i = 0; i < (ranks_len + WORD_BITS - 1) / WORD_BITS; i++) {
        for (uint64_t bits = set[i]; bits != 0; bits &= bits - 1) {
            size_t r = i * WORD_BITS + (size_t)__builtin_ctzll(bits);

            p->features[p->features_len++] = by_name[r]->name;
        }
    }
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

void mig_profile_sum_up(struct mig_profile *p)
{
    list_features(p);
    digest(p);
}

/* A register of value 0 is kept, as an MSR is, unless nothing was ever in it;
 * not kept is what a VMM leaves alone. */
static bool is_kept_idreg(const struct mig_merge *m, const struct mig_word *word,
                          struct mig_reg reg)
{
    const struct mig_sheet *s = mig_sheet_of(word->key);

    return !mig_aarch32_is_moot(m, reg) &&
           (!word->covered || word->value != 0 || (s->on & s->compared) != 0);
}

/* The fewest bits of any host; 0: some host does not say. */
static uint64_t common_ipa(const struct mig_merge *m)
{
    uint64_t fewest = UINT64_MAX;

    for (size_t i = 0; i < m->len; i++) {
        uint64_t bits =
            mig_party_get(&m->parties[i], mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_IPA_BITS));

        fewest = bits < fewest ? bits : fewest;
    }
    return fewest;
}

/* A leaf that reads 0 in all four registers need not be listed; an MSR of
 * value 0 must be, or KVM would show the host's. */
static bool is_kept(const struct mig_merge *m, size_t first, size_t end)
{
    struct mig_reg reg = mig_reg_from_key(m->words[first].key);

    if (reg.space == MIG_SPACE_MSR) {
        return mig_merge_offered(m, mig_sheet_of(m->words[first].key)) != 0;
    }
    if (reg.space == MIG_SPACE_IDREG) {
        return is_kept_idreg(m, &m->words[first], reg);
    }
    for (size_t w = first; w < end; w++) {
        if (!m->words[w].covered || m->words[w].value != 0) {
            return true;
        }
    }
    return false;
}

/* The registers of one leaf stand together; an MSR stands alone. */
static size_t leaf_end(const struct mig_merge *m, size_t first)
{
    size_t end = first + 1;

    while (end < m->words_len && m->words[end].key >> 8 == m->words[first].key >> 8) {
        end++;
    }
    return end;
}

static void keep_words(const struct mig_merge *m, struct mig_profile *p)
{
    size_t end;

    p->words = mig_alloc(m->words_len, sizeof *p->words);
    for (size_t first = 0; first < m->words_len; first = end) {
        end = leaf_end(m, first);
        if (!is_kept(m, first, end)) {
            continue;
        }
        for (size_t w = first; w < end; w++) {
            p->words[p->words_len] = m->words[w];
            p->words[p->words_len++].value = m->words[w].covered ? m->words[w].value : 0;
        }
    }
}

struct mig_profile *mig_merge_finish(const struct mig_merge *m)
{
    struct mig_profile *p = MIG_NEW(struct mig_profile);

    p->arch = m->parties[0].snapshot->arch;
    keep_words(m, p);
    p->level = mig_level_of(p->arch, merged_word, m);
    p->maxphysaddr =
        p->arch == MIG_ARCH_ARM64
            ? common_ipa(m)
            : mig_bits_get(merged_word(m, mig_reg_cpuid(0x80000008, 0, MIG_EAX)), 7, 0);
    p->sve_vqs = m->sve_vqs;
    p->tsc_khz = common_tsc(m);
    mig_profile_sum_up(p);
    return p;
}
