/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/keyset.h"

#include <string.h>

#include "base/array.h"
#include "snapshot/builder.h"

/* Where @key stands or belongs; dumps are sorted as a rule: look at the end
 * first. */
static size_t place_of(const struct mig_keyset *set, uint64_t key)
{
    size_t low = 0, high = set->len;

    if (high == 0 || set->items[high - 1] < key) {
        return high;
    }
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->items[middle] < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool mig_keyset_add(struct mig_keyset *set, struct mig_reg reg, struct mig_error *err)
{
    uint64_t key = mig_reg_key(reg);
    size_t place = place_of(set, key);

    if (place < set->len && set->items[place] == key) {
        char what[MIG_REG_TEXT_MAX];

        mig_reg_print(reg, what);
        return mig_fail(err, MIG_FORMAT, "%s is there twice", what);
    }
    if (set->len == MIG_ENTRIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d registers", MIG_ENTRIES_MAX);
    }
    (void)MIG_PUSH(set);
    memmove(set->items + place + 1, set->items + place,
            (set->len - 1 - place) * sizeof *set->items);
    set->items[place] = key;
    return true;
}

void mig_keyset_clear(struct mig_keyset *set)
{
    mig_free(set->items);
    *set = (struct mig_keyset){0};
}
