/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/apply.h: show a guest a register set, on descriptors of KVM that the
 * caller made, in the one right order:
 *
 *   mig_kvm_apply_process()   before the first vCPU of this process
 *   KVM_CREATE_VM             the caller
 *   mig_kvm_apply_vm()        before the first vCPU of this VM
 *   KVM_CREATE_VCPU           the caller; arm64: interrupt controller after it
 *   mig_kvm_apply_vcpu()      before the vCPU runs
 *   mig_kvm_read_vcpu()       everything back, compared
 *
 * What KVM refuses or changes goes into @ret, place by place, and the rest is
 * still tried.  False only for what is no answer of KVM: a broken descriptor.
 *
 * @shown is what a guest is to see (mig_profile_as_snapshot(), or a contract's):
 * x86: CPUID and MSR spaces, host/tsc-khz, guest/xcr0; arm64: ID registers and
 * firmware registers, host/sve-vqs, vCPU features that follow from them.  What
 * it does not cover is left as KVM has it.  Per-vCPU words (APIC ids, topology,
 * MPIDR_EL1) are the caller's: x86 takes them over from the table that the vCPU
 * has already; one that was given none has zeros there.
 */
#pragma once

#include "compat/proven.h"

struct mig_kvm_show {
    const struct mig_snapshot *shown;
    bool filter_msrs;  /* x86: deny feature MSRs that @shown does not have */
    bool without_vcpu; /* arm64: the caller does KVM_ARM_VCPU_INIT itself */
};

MIG_MUST_CHECK bool mig_kvm_apply_process(const struct mig_kvm_show *show, int kvm,
                                          struct mig_proven *ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_kvm_apply_vm(const struct mig_kvm_show *show, int kvm, int vm,
                                     struct mig_proven *ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_kvm_apply_vcpu(const struct mig_kvm_show *show, int vm, int vcpu,
                                       struct mig_proven *ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_kvm_read_vcpu(const struct mig_kvm_show *show, int vm, int vcpu,
                                      struct mig_proven *ret, struct mig_error *err);

/* Type for KVM_CREATE_VM that @shown needs (arm64: address bits); 0 elsewhere. */
unsigned long mig_kvm_vm_type(const struct mig_kvm_show *show, int kvm);
