/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/owner.h: numbers that describe a feature, which goes where hosts do
 * not agree about them (owner.def).  Private to this room.
 */
#pragma once

#include "compat/merge.h"

/* Take away what @f describes. */
void mig_owner_take(struct mig_merge *m, const struct mig_field *f);

/* The feature that went with @f is told with it. */
void mig_owner_tell(struct mig_merge *m, const struct mig_field *f);

/* The finding that says why @bit is gone, or NULL: about the bit itself, or
 * about what describes its feature. */
struct mig_finding *mig_owner_root(const struct mig_merge *m, struct mig_bit bit);
