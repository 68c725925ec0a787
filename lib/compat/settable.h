/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/settable.h: what KVM on a host answers when a VMM writes a value to
 * an ID register of a new vCPU, computed from the host's limits, its writable
 * masks and rows of special cases (arm64_special.def).
 */
#pragma once

#include "compat/limit.h"

enum mig_answer {
    MIG_ANSWER_TAKES,    /* and shows it */
    MIG_ANSWER_REWRITES, /* takes it and shows another value, as documented */
    MIG_ANSWER_IGNORES,  /* takes it and keeps its own */
    MIG_ANSWER_EINVAL,
    MIG_ANSWER_ENOENT,  /* has no such register */
    MIG_ANSWER_UNKNOWN, /* the evidence does not tell */
};

struct mig_settable {
    enum mig_answer answer;
    uint64_t reads;          /* what the vCPU shows then */
    uint64_t refused;        /* EINVAL, UNKNOWN: bits of the fields that are not taken */
    const char *why, *cited; /* of a special case that had a say, or NULL; static */
};

struct mig_settable mig_settable_ask(const struct mig_limit *l, struct mig_reg reg, uint64_t value);

static inline bool mig_settable_is_taken(const struct mig_settable *s)
{
    return s->answer <= MIG_ANSWER_IGNORES;
}

/* KVM took @wanted and shows @got: does it only rewrite as documented?  That it
 * took the value is all the evidence that is needed. */
bool mig_settable_is_rewrite(struct mig_reg reg, uint64_t wanted, uint64_t got);

/* Would a guest that was shown @value in @reg miss nothing on a kernel that has
 * no such register (register_list.def)? */
bool mig_settable_may_miss(struct mig_reg reg, uint64_t value);

/* Values of one field that @l takes, all else in the register left as it is,
 * lowest first.  A wide field lists only the host's own and @more is set. */
#define MIG_VALUES_MAX 64
struct mig_values {
    uint64_t items[MIG_VALUES_MAX];
    size_t len;
    bool more;
};
void mig_settable_values(const struct mig_limit *l, const struct mig_field *f,
                         struct mig_values *ret);

/* SVE: vector lengths as a set, bit n for 128 * (n + 1) bits.  KVM caps the
 * longest and hides no single one. */
bool mig_settable_is_vl_set(uint64_t host, uint64_t wanted);
