/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/move.h: a guest that wants to move, for tables of cases.  It is
 * called "guest" in answers, the hosts "alpha" and "beta".
 */
#pragma once

#include "compat/negotiate.h"

/* What a guest that was shown @guest meets on its way from @source, or NULL
 * when it is restored, to @destination. */
void move_check(const struct mig_snapshot *guest, const struct mig_snapshot *source,
                const struct mig_snapshot *destination, struct mig_result *ret);

/* The same for one thought-up guest and destination (support/small_host.h). */
void move_small(const char *guest, const char *destination, struct mig_result *ret);

/* The finding whose id is @name, or that of the field of this name; fails the
 * test when there is none. */
const struct mig_finding *move_finding(const char *label, const struct mig_result *r,
                                       const char *name);
bool move_has_finding(const struct mig_result *r, const char *name);

/* Findings of at least this severity. */
size_t move_count(const struct mig_result *r, enum mig_severity severity);

/* Fails with every such finding unless there are @expected. */
void move_check_count(const char *label, const struct mig_result *r, enum mig_severity severity,
                      size_t expected);
