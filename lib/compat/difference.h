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

/* Is there a compared field of which a guest of @a would see another value on
 * @b, were nothing masked? */
bool mig_difference_shows(const struct mig_snapshot *a, const struct mig_snapshot *b);
