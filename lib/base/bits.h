/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/bits.h: bit ranges as manuals write them, high bit first.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline uint64_t mig_bits_mask(unsigned hi, unsigned lo)
{
    return (hi - lo == 63 ? ~0ULL : (1ULL << (hi - lo + 1)) - 1) << lo;
}

static inline uint64_t mig_bits_get(uint64_t word, unsigned hi, unsigned lo)
{
    return (word & mig_bits_mask(hi, lo)) >> lo;
}

static inline uint64_t mig_bits_put(uint64_t word, unsigned hi, unsigned lo, uint64_t value)
{
    uint64_t mask = mig_bits_mask(hi, lo);

    return (word & ~mask) | ((value << lo) & mask);
}

/* @value is @width bits wide, two's complement. */
static inline int64_t mig_bits_signed(uint64_t value, unsigned width)
{
    uint64_t sign = 1ULL << (width - 1);

    return (int64_t)((value ^ sign) - sign);
}
