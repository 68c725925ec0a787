/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/prove.h: try a register set on a scratch VM and vCPU: apply, read back,
 * and run a stub that looks as a guest does (CPUID for every leaf and beyond
 * the last, mrs of every ID register).  To be called in a process that ends
 * soon: tile permission is process-wide and can not be undone.
 */
#pragma once

#include "kvm/apply.h"

/* Never fails: what went wrong is an outcome.  @kvm is the device's path. */
void mig_kvm_prove(const char *kvm, const struct mig_snapshot *shown, struct mig_proven *ret);
