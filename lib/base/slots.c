/* SPDX-License-Identifier: Apache-2.0 */
#include "base/slots.h"

#include <assert.h>

#include "base/alloc.h"
#include "base/error.h"

static_assert(sizeof(size_t) == sizeof(uint64_t), "a slot is what is left of a hash of 64 bits");

/* Half of the slots at least stay free, so that runs are short. */
static unsigned shift_for(size_t len)
{
    unsigned bits = 4;

    while (bits < 17 && (size_t)1 << bits < 2 * len) {
        bits++;
    }
    return 64 - bits;
}

void mig_slots_build(struct mig_slots *s, const void *array, size_t len, size_t size)
{
    size_t mask;

    MIG_ASSERT(len <= MIG_SLOTS_MAX);
    mig_slots_clear(s);
    s->shift = shift_for(len);
    mask = SIZE_MAX >> s->shift;
    s->items = mig_alloc(mask + 1, sizeof *s->items);
    for (size_t i = 0; i < len; i++) {
        uint64_t key = mig_slots_key(array, i, size);
        size_t slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> s->shift);

        while (s->items[slot] != 0) {
            slot = (slot + 1) & mask;
        }
        s->items[slot] = (uint16_t)(i + 1);
    }
}

void mig_slots_clear(struct mig_slots *s)
{
    mig_free(s->items);
    *s = (struct mig_slots){0};
}
