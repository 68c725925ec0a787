/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/meaning.h"

#include "base/array.h"
#include "compat/merge.h"
#include "cpu/place.h"

struct meaning {
    enum mig_space space;
    uint32_t first, last;
    struct mig_bit without; /* empty: never judged by its fields */
};

/* In order of space and index. */
static const struct meaning rows[] = {
#define MEANINGLESS(space, first, last, without)                                                   \
    {MIG_SPACE_##space, first, last, MIG_PLACE_BIT(without)},
#define WHOLE(leaf) {.space = MIG_SPACE_CPUID, .first = (leaf), .last = (leaf)},
#include "compat/meaning.def"
};

/* Most words are none of these; low leaves are told at a glance. */
static const struct meaning *find(struct mig_reg reg)
{
    static const uint64_t low_leaves = 0
#define MEANINGLESS(space, first, last, without)                                                   \
    | (MIG_SPACE_##space == MIG_SPACE_CPUID && (first) < 64                                        \
           ? (2ULL << ((last)&63)) - (1ULL << ((first)&63))                                        \
           : 0)
#define WHOLE(leaf) | ((leaf) < 64 ? 1ULL << ((leaf)&63) : 0)
#include "compat/meaning.def"
        ;

    if (reg.space != MIG_SPACE_CPUID && reg.space != MIG_SPACE_MSR) {
        return NULL;
    }
    if (reg.space == MIG_SPACE_CPUID && reg.index < 64 && (low_leaves >> reg.index & 1) == 0) {
        return NULL;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (rows[i].space == reg.space && rows[i].first <= reg.index && reg.index <= rows[i].last) {
            return &rows[i];
        }
    }
    return NULL;
}

bool mig_meaning_is_dead(const struct mig_party *guest, struct mig_reg reg)
{
    const struct meaning *row = find(reg);
    struct mig_seen seen;

    if (row == NULL || row->without.mask == 0) {
        return row != NULL;
    }
    seen = mig_party_seen(guest, row->without.reg);
    return mig_seen_is_value(seen) && (seen.value & row->without.mask) == 0;
}
