/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/cure.h: KVM refuses a value of an arm64 ID register: who is to blame,
 * and what would lift it: the host, a newer kernel, the VMM.  Private to this
 * room.
 */
#pragma once

#include "compat/settable.h"

struct mig_refusal {
    const struct mig_limit *limit; /* of the host that refuses */
    struct mig_reg reg;
    const struct mig_field *field; /* NULL: bits without a row */
    uint64_t mask, value;          /* the bits that are refused, and the whole word */
    const struct mig_settable *answer;
    const struct mig_party *wants; /* who shows or was shown the value */
};

/* Fill reason, likely, why and remedy of @f. */
void mig_cure_tell(struct mig_finding *f, const struct mig_refusal *r);

/* Append a sentence to the remedy. */
void mig_cure_add(struct mig_finding *f, const char *text);
