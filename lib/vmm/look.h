/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/look.h: a look from inside a scratch guest that is like the one a QEMU
 * process runs.
 */
#pragma once

#include "vmm/inquiry.h"
#include "vmm/probe.h"
#include "vmm/record.h"

struct mig_builder;
struct mig_process; /* vmm/process.h */

/* Of each step. */
uint64_t mig_look_timeout(const struct mig_recorder *recorder);

/* Run @probe, which has launch and check, for @p and put what it saw into @b. */
MIG_MUST_CHECK bool mig_look(const struct mig_recorder *recorder, const struct mig_process *p,
                             struct mig_probe *probe, struct mig_builder *b, struct mig_error *err);

/* With the CPU that @i tells of. */
MIG_MUST_CHECK bool mig_look_alike(const struct mig_recorder *recorder, const struct mig_process *p,
                                   struct mig_inquiry *i, struct mig_builder *b,
                                   struct mig_error *err);
