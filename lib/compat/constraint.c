/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/constraint.h"

#include "base/alloc.h"

#define PART_0(fn) NULL
#define PART_1(fn) fn

const struct mig_constraint *mig_constraint_all(void)
{
    static const struct mig_constraint rows[] = {
#define CONSTRAINT(arch, name, merge, judge)                                                       \
    {#name, MIG_ARCH_##arch, PART_##merge(mig_##name##_merge), PART_##judge(mig_##name##_judge)},
#include "compat/constraints.def"
        {0},
    };

    return rows;
}

bool mig_constraint_is_for(const struct mig_constraint *c, enum mig_arch arch)
{
    return c->arch == MIG_ARCH_NONE || c->arch == arch;
}

struct mig_finding *mig_constraint_add(struct mig_findings *list, const char *id,
                                       enum mig_severity severity, const char *rule,
                                       enum mig_reason reason)
{
    struct mig_finding *f;

    if (!mig_findings_want(list, severity)) {
        return NULL;
    }
    f = mig_findings_add(list, id, severity);
    f->rule = rule;
    f->reason = reason;
    return f;
}

struct mig_finding *mig_constraint_raise(struct mig_findings *list, struct mig_bit bit,
                                         enum mig_severity severity)
{
    const struct mig_field *f;
    struct mig_finding *found;

    if (!mig_findings_want(list, severity)) {
        return NULL;
    }
    found = mig_findings_on(list, bit);
    if (found == NULL) {
        f = mig_field_at(bit.reg, (unsigned)__builtin_ctzll(bit.mask));
        MIG_ASSERT(f != NULL);
        found = mig_findings_add_field(list, bit.reg, f, f->hi, f->lo, severity);
    }
    found->severity = severity > found->severity ? severity : found->severity;
    return found;
}

void mig_constraint_say(struct mig_finding *f, char *why, char *remedy)
{
    mig_free(f->why);
    mig_free(f->remedy);
    f->why = why;
    f->remedy = remedy;
}
