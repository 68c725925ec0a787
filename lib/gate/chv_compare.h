/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_compare.h: a stream's registers against those of a contract, place
 * by place.  In each finding "guest" is the contract's value and "source" the
 * stream's.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

struct mig_findings;
struct mig_snapshot;

/* @seen is what the guest's vCPUs have: all that is compared is equal, or a
 * BLOCKER; what one of the two does not tell is one too. */
void mig_chv_compare_seen(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                          struct mig_findings *ret);

/* @table is what the guest's host makes for such a VM: a BLOCKER where it can
 * not be the origin of @shown, a NOTE where it has more. */
void mig_chv_compare_table(const struct mig_snapshot *shown, const struct mig_snapshot *table,
                           struct mig_findings *ret);

/* A number of the VM's definition, with @why in words; a BLOCKER. */
void mig_chv_compare_add(struct mig_findings *ret, const char *id, uint64_t contract,
                         uint64_t stream, const char *why);

/* What stands against the guest in one line for a log or a peer: the first few
 * blockers with both values.  NULL: nothing does.  The caller frees. */
char *mig_chv_compare_tell(const struct mig_findings *findings);
