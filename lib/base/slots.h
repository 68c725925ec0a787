/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/slots.h: where in an array does a key stand, in a few nanoseconds
 * instead of a search.  Any array whose items begin with a unique 64-bit key
 * will do, as long as its keys stay where they are.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MIG_SLOTS_MAX UINT16_MAX /* items that one array may have */

/* Zero-initialised is empty and finds nothing. */
struct mig_slots {
    uint16_t *items; /* open addressing: index plus one; 0 is free */
    unsigned shift;
};

/* Forget what was there and index @len items of @size bytes at @array. */
void mig_slots_build(struct mig_slots *s, const void *array, size_t len, size_t size);
void mig_slots_clear(struct mig_slots *s);

static inline uint64_t mig_slots_key(const void *array, size_t i, size_t size)
{
    return *(const uint64_t *)(const void *)((const char *)array + i * size);
}

/* Index of @key in the array that was indexed, or SIZE_MAX. */
static inline size_t mig_slots_find(const struct mig_slots *s, const void *array, size_t size,
                                    uint64_t key)
{
    size_t mask, slot;

    if (s->items == NULL) {
        return SIZE_MAX;
    }
    mask = SIZE_MAX >> s->shift;
    slot = (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> s->shift);
    while (s->items[slot] != 0) {
        size_t i = s->items[slot] - 1u;

        if (mig_slots_key(array, i, size) == key) {
            return i;
        }
        slot = (slot + 1) & mask;
    }
    return SIZE_MAX;
}
