/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/shown.h: x86: what of a register set is neither CPUID nor an MSR.
 */
#pragma once

#include "snapshot/snapshot.h"

/* False when nothing is to be set. */
bool mig_kvm_shown_tsc(const struct mig_snapshot *shown, uint64_t *ret_khz);
/* The guest's own XCR0, else all that CPUID shows; @ret_reg says which. */
bool mig_kvm_shown_xcr0(const struct mig_snapshot *shown, struct mig_reg *ret_reg,
                        uint64_t *ret_xcr0);

/* Is the guest shown what it must have to reach this MSR (msr_gate.def)? */
bool mig_kvm_shows_msr(const struct mig_snapshot *shown, uint32_t index);
