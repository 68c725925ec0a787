/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/vcpu.h: what the ID registers of an imported arm64 dump tell of the
 * vCPU that they were read from.
 */
#pragma once

#include "snapshot/snapshot.h"

struct mig_builder;

/* Refuse registers in the other byte order; say which features the vCPU had,
 * and that the ID registers are not the most that the host can grant when it
 * lacked one that the host may have. */
MIG_MUST_CHECK bool mig_vcpu_finish(struct mig_builder *b, const struct mig_snapshot *s,
                                    struct mig_error *err);
