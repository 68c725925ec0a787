/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/difference.h: plain comparison of two snapshots for "diff": every
 * field, fact and group that is not the same, without judgement.
 */
#pragma once

#include "compat/finding.h"

/* Adds one NOTE per difference, in register order, then facts by name. */
void mig_difference(const struct mig_snapshot *a, const struct mig_snapshot *b,
                    struct mig_findings *ret);

/* Would a guest of @a see another value on @b in something that is compared,
 * were nothing masked?  What only the VMM sees (capabilities) does not count. */
bool mig_difference_shows(const struct mig_snapshot *a, const struct mig_snapshot *b);
