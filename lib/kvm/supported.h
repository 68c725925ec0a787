/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/supported.h: x86: KVM takes CPUID bits and MSR bits that it does not
 * support, and a guest sees them; so what KVM says that it supports is asked.
 */
#pragma once

#include "compat/proven.h"

/* Add each word of @shown with bits that neither KVM lists nor a VMM may show
 * without it: what was got is KVM's own word.  0, or the errno of KVM. */
int mig_kvm_check_supported(const struct mig_snapshot *shown, int kvm, struct mig_proven *ret);

/* As mig_proven_add(), but one place keeps one line for each stage: an errno
 * joins a word that stands there. */
void mig_kvm_note(struct mig_proven *ret, const struct mig_mismatch *m);

/* Did KVM refuse what was to be written there? */
bool mig_kvm_was_refused(const struct mig_proven *ret, uint64_t key);
