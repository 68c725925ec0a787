/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/mover.h: ask a QEMU what it can do to migrate a guest: the one that has
 * it, one that waits for it (-incoming defer), or one started only to be asked
 * (-S, -machine none).
 */
#pragma once

#include "vmm/qmp.h"

struct mig_capture; /* plan/capture.h */

/* @measure: a guest that runs is watched for a second for what it writes.  The
 * caller clears @ret in both cases. */
MIG_MUST_CHECK bool mig_mover_ask(struct mig_qmp *q, bool measure, struct mig_capture *ret,
                                  struct mig_error *err);
