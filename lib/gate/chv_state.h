/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_state.h: what Cloud Hypervisor says of a guest after its memory: the
 * registers of every vCPU as KVM holds them.  The only place in the stream that
 * tells what the guest was shown.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mig_findings;
struct mig_snapshot;

struct mig_chv_state {
    struct mig_snapshot *seen; /* what all vCPUs have in common; they may not differ */
    size_t vcpus;
};

/* How long the state of a VM with so many vCPUs may be. */
uint64_t mig_chv_state_max(uint32_t vcpus);

/* @ret is written on success only. */
MIG_MUST_CHECK bool mig_chv_state_read(const char *text, size_t len, struct mig_chv_state *ret,
                                       struct mig_error *err);

/* Hold it against what the contract says: a BLOCKER for each place that is
 * compared and not the same, named by register. */
void mig_chv_state_compare(const struct mig_snapshot *shown, const struct mig_chv_state *s,
                           struct mig_findings *ret);
void mig_chv_state_clear(struct mig_chv_state *s);
