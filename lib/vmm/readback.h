/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/readback.h: what a scratch guest saw, held against what a guest was
 * shown.
 */
#pragma once

#include "compat/proven.h"

struct mig_bytes;   /* base/file.h */
struct mig_builder; /* snapshot/builder.h */

/* The report of a probe (vmm/probe.h), poured into @b. */
MIG_MUST_CHECK bool mig_readback_pour(const struct mig_bytes *report, struct mig_builder *b,
                                      struct mig_error *err);

/* Every CPUID leaf and MSR that @shown tells of, and those that @seen has
 * beside; the rate of the TSC where both tell.  What is of one vCPU, or of the
 * running guest, is in neither. */
void mig_readback_compare(const struct mig_snapshot *shown, const struct mig_snapshot *seen,
                          struct mig_proven *ret);
