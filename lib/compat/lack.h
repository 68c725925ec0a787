/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/lack.h: a field that one party shows and another does not, and those
 * of its bases that are missing there too: one of them may be what somebody
 * took away.  Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

#define MIG_LACK_ROOTS_MAX 24

struct mig_lack {
    const struct mig_field *field;          /* NULL: no field of a register */
    const struct mig_party *shows, *misses; /* by value, whatever the rule makes of it */
    struct {
        uint64_t key, mask; /* mig_reg_key() */
    } roots[MIG_LACK_ROOTS_MAX];
    size_t roots_len;
    uint64_t indices; /* which low six bits of a register's index some root has */
};

/* @has and @lacks as the rule of @field sees them: for a vulnerability, the
 * one that lacks is the one that shows the bit. */
void mig_lack_init(struct mig_lack *l, const struct mig_field *field, const struct mig_party *has,
                   const struct mig_party *lacks);

bool mig_lack_has_root(const struct mig_lack *l, struct mig_bit bit);

/* Would taking @bit from the party that misses explain it?  Tables ask it of
 * each of their rows. */
static inline bool mig_lack_is_of(const struct mig_lack *l, struct mig_bit bit)
{
    return (l->indices >> bit.reg.index % 64 & 1) != 0 && mig_lack_has_root(l, bit);
}

/* What the party that misses says of itself; NULL when it says nothing. */
const char *mig_lack_fact(const struct mig_lack *l, const char *name);

/* Leaf 1 names one CPU: family and model; with @exact the stepping too.  On
 * arm64 MIDR_EL1 does. */
bool mig_lack_is_one_model(const struct mig_party *a, const struct mig_party *b, bool exact);
