/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/report.h: how a merge in progress words what it finds.  All of these
 * do nothing when the merge keeps no findings.  Private to this room.
 */
#pragma once

#include "compat/merge.h"

/* Two values that no rule reconciles. @words: one per party. */
void mig_report_conflict(struct mig_merge *m, const struct mig_field *f, struct mig_reg reg,
                         const uint64_t *words);
void mig_report_difference(struct mig_merge *m, const struct mig_field *f, struct mig_reg reg,
                           const uint64_t *words);
/* Party @who failed to read @reg. */
void mig_report_unreadable(struct mig_merge *m, struct mig_reg reg, size_t who);
void mig_report_unclassified(struct mig_merge *m, struct mig_reg reg, const uint64_t *words);
/* The lists of MSRs that KVM saves, as one finding. */
void mig_report_lists(struct mig_merge *m);
