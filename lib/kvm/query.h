/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/query.h: x86: the tables and MSRs of KVM, one question each.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct kvm_cpuid2;
struct kvm_msr_list;

/* A table that the caller frees, or NULL and @ret_errno. */
struct kvm_cpuid2 *mig_kvm_ask_cpuid(int fd, unsigned long request, int *ret_errno);
struct kvm_msr_list *mig_kvm_ask_msr_list(int kvm, unsigned long request, int *ret_errno);

/* One MSR at a time: KVM ends a batch at the first that it refuses, without a
 * number.  0 or errno; EINVAL is what such a refusal is called here. */
int mig_kvm_get_msr(int fd, uint32_t index, uint64_t *ret);
int mig_kvm_set_msr(int vcpu, uint32_t index, uint64_t value);

/* errno that is no answer of KVM: what was asked is no KVM, or is gone. */
bool mig_kvm_is_broken(int errnum);
