/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/capture.h: what the guest on a vCPU is shown right now, from its
 * descriptors, into a builder: the registers of a contract.  x86: KVM_GET_CPUID2,
 * feature MSRs, XCR0, rate of the TSC; arm64: KVM_GET_REG_LIST and all of its
 * registers that tell features, vector lengths.  Runs no vCPU.
 */
#pragma once

#include "snapshot/builder.h"

MIG_MUST_CHECK bool mig_kvm_capture_vcpu(int kvm, int vm, int vcpu, struct mig_builder *b,
                                         struct mig_error *err);
