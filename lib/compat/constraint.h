/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/constraint.h: rules that need several fields or whole snapshots, one
 * file each.  Private to this room.
 */
#pragma once

#include "compat/merge.h"

/* Take away, or add findings about, what the field tier alone gets wrong. */
typedef void mig_constraint_merge_fn(struct mig_merge *m);

/* Add what stands against a guest shown all of @guest moving to @host. */
typedef void mig_constraint_judge_fn(const struct mig_party *guest, const struct mig_party *host,
                                     struct mig_findings *ret);

struct mig_constraint {
    const char *name;
    enum mig_arch arch;             /* NONE: of any */
    mig_constraint_merge_fn *merge; /* NULL: nothing to do */
    mig_constraint_judge_fn *judge;
};

#define CONSTRAINT(arch, name, merge, judge)                                                       \
    mig_constraint_merge_fn mig_##name##_merge;                                                    \
    mig_constraint_judge_fn mig_##name##_judge;
#include "compat/constraints.def"

/* In the order in which they run; ends with a NULL name. */
const struct mig_constraint *mig_constraint_all(void);
bool mig_constraint_is_for(const struct mig_constraint *c, enum mig_arch arch);

/* A finding that is no field of a register, by @id, with the name of the
 * constraint as its rule.  NULL: the list is silent. */
struct mig_finding *mig_constraint_add(struct mig_findings *list, const char *id,
                                       enum mig_severity severity, const char *rule,
                                       enum mig_reason reason);

/* The finding about the field of @bit, made if the field tier made none, with
 * at least @severity.  NULL: the list is silent. */
struct mig_finding *mig_constraint_raise(struct mig_findings *list, struct mig_bit bit,
                                         enum mig_severity severity);

/* Give @f these words instead of those it has; NULL is none.  Both are taken
 * over. */
void mig_constraint_say(struct mig_finding *f, char *why, char *remedy);
