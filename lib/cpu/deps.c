/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/deps.h"

#include <stdlib.h>

#include "base/array.h"
#include "cpu/place.h"

#define WORD(space, index, sub, part, mask)                                                        \
    {                                                                                              \
        {MIG_SPACE_##space, (index), (sub), MIG_##part}, (mask)                                    \
    }

static const struct mig_dep edges[] = {
#define DEP(feature, base, reason) {MIG_PLACE_BIT(feature), MIG_PLACE_BIT(base), #feature},
#define DEP_WORD(space, index, sub, part, mask, name, base, reason)                                \
    {WORD(space, index, sub, part, mask), MIG_PLACE_BIT(base), (name)},
#define DEP_ANY(feature, space, index, sub, part, mask, reason)                                    \
    {MIG_PLACE_BIT(feature), WORD(space, index, sub, part, mask), #feature},
#include "cpu/x86_deps.def"
};

struct mig_deps mig_deps_all(void)
{
    return (struct mig_deps){edges, MIG_COUNT(edges)};
}

/* The same edges by the register of either end; made before main() starts,
 * const from then on. */
static struct mig_dep by_base[MIG_COUNT(edges)], by_feature[MIG_COUNT(edges)];

static uint64_t base_key(const struct mig_dep *dep)
{
    return mig_reg_key(dep->base.reg);
}

static uint64_t feature_key(const struct mig_dep *dep)
{
    return mig_reg_key(dep->feature.reg);
}

/* By key; edges of one register stay in the table's order. */
static int compare(uint64_t x, uint64_t y, const struct mig_dep *a, const struct mig_dep *b)
{
    return x != y ? (x < y ? -1 : 1) : a < b ? -1 : a > b;
}

static int compare_bases(const void *a, const void *b)
{
    const struct mig_dep *const *x = a, *const *y = b;

    return compare(base_key(*x), base_key(*y), *x, *y);
}

static int compare_features(const void *a, const void *b)
{
    const struct mig_dep *const *x = a, *const *y = b;

    return compare(feature_key(*x), feature_key(*y), *x, *y);
}

static void sort(struct mig_dep *ret, int (*order)(const void *, const void *))
{
    const struct mig_dep *rows[MIG_COUNT(edges)];

    for (size_t i = 0; i < MIG_COUNT(edges); i++) {
        rows[i] = &edges[i];
    }
    qsort(rows, MIG_COUNT(edges), sizeof(const struct mig_dep *), order);
    for (size_t i = 0; i < MIG_COUNT(edges); i++) {
        ret[i] = *rows[i];
    }
}

static void __attribute__((constructor)) sort_both(void)
{
    sort(by_base, compare_bases);
    sort(by_feature, compare_features);
}

static struct mig_deps find(const struct mig_dep *sorted,
                            uint64_t (*key_of)(const struct mig_dep *), uint64_t key)
{
    size_t low = 0, high = MIG_COUNT(edges), end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (key_of(&sorted[middle]) < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    end = low;
    while (end < MIG_COUNT(edges) && key_of(&sorted[end]) == key) {
        end++;
    }
    return (struct mig_deps){&sorted[low], end - low};
}

struct mig_deps mig_deps_on(uint64_t key)
{
    return find(by_base, base_key, key);
}

struct mig_deps mig_deps_of(uint64_t key)
{
    return find(by_feature, feature_key, key);
}
