/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/scratch.h: x86: a VM with one vCPU and a little memory that runs a stub,
 * which asks CPUID and RDMSR as a guest does.  A vCPU that does not come to its
 * end is stopped by a timer; SIGALRM is ours while it runs.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct kvm_run;

enum mig_kvm_ask { MIG_KVM_ASK_CPUID, MIG_KVM_ASK_MSR };

/* One question of the stub and its answer; the stub knows this layout. */
struct mig_kvm_probe {
    uint32_t function, index; /* CPUID: EAX and ECX; RDMSR: the MSR and 0 */
    uint32_t word[4];         /* RDMSR: low half in MIG_EAX, high half in MIG_EDX */
    uint16_t ask;             /* enum mig_kvm_ask */
    uint16_t faulted;         /* the guest got an exception instead */
    uint32_t unused;
};

/* What one run has room for. */
#define MIG_KVM_PROBES_MAX 1920

struct mig_kvm_scratch {
    int vm, vcpu; /* -1: none */
    struct kvm_run *run;
    size_t run_len;
    unsigned char *memory;
};

#define MIG_KVM_SCRATCH_NONE                                                                       \
    {                                                                                              \
        .vm = -1, .vcpu = -1                                                                       \
    }

/* 0 or errno, each. */
int mig_kvm_scratch_add_vm(struct mig_kvm_scratch *s, int kvm);
int mig_kvm_scratch_add_vcpu(struct mig_kvm_scratch *s, int kvm);
int mig_kvm_scratch_run(struct mig_kvm_scratch *s, struct mig_kvm_probe *probes, size_t len);
void mig_kvm_scratch_clear(struct mig_kvm_scratch *s);
