/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/constraint.h"

#define PART_0(fn) NULL
#define PART_1(fn) fn

const struct mig_constraint *mig_constraint_all(void)
{
    static const struct mig_constraint rows[] = {
#define CONSTRAINT(name, merge, judge)                                                             \
    {#name, PART_##merge(mig_##name##_merge), PART_##judge(mig_##name##_judge)},
#include "compat/constraints.def"
        {0},
    };

    return rows;
}
