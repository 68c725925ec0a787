/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/keyset.h: the registers that a dump gave so far: one given twice is
 * refused even if both agree, for then one of the two is about something else.
 */
#pragma once

#include <stddef.h>

#include "cpu/reg.h"

/* Zero-initialised is empty; sorted. */
struct mig_keyset {
    uint64_t *items;
    size_t len, cap;
};

MIG_MUST_CHECK bool mig_keyset_add(struct mig_keyset *set, struct mig_reg reg,
                                   struct mig_error *err);
void mig_keyset_clear(struct mig_keyset *set);
static inline void mig_keyset_clear_auto(struct mig_keyset *set)
{
    mig_keyset_clear(set);
}
