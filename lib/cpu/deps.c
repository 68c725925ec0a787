/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/deps.h"

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

/* The same edges by their base; made before main() starts, const from then on. */
static struct mig_dep by_base[MIG_COUNT(edges)];

/* Insertion keeps the table's order within one register. */
static void __attribute__((constructor)) sort_by_base(void)
{
    for (size_t i = 0; i < MIG_COUNT(edges); i++) {
        size_t at = i;

        while (at > 0 && mig_reg_key(by_base[at - 1].base.reg) > mig_reg_key(edges[i].base.reg)) {
            by_base[at] = by_base[at - 1];
            at--;
        }
        by_base[at] = edges[i];
    }
}

struct mig_deps mig_deps_on(uint64_t key)
{
    size_t low = 0, high = MIG_COUNT(by_base), end;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (mig_reg_key(by_base[middle].base.reg) < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    end = low;
    while (end < MIG_COUNT(by_base) && mig_reg_key(by_base[end].base.reg) == key) {
        end++;
    }
    return (struct mig_deps){&by_base[low], end - low};
}
