/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/judge.h: single words as mig_judge() (compat/negotiate.h) sees them.
 * Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

/* @value of @reg without the unclassified bits that block everywhere. */
uint64_t mig_judge_movable(struct mig_reg reg, uint64_t value);

/* Is there a value of @reg on a host that would stop @guest? */
bool mig_judge_depends(const struct mig_party *guest, struct mig_reg reg);
