/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/stub_arm64.h: a guest that reads registers as any guest does and tells
 * what it sees by stores to a device that is not there.  Its memory would not
 * do: without a page table a guest does not share caches with its host.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

#define MIG_STUB_LOOKS_MAX 128

struct mig_stub_look {
    uint64_t id; /* KVM's; a system register that EL1 may read */
    uint64_t value;
    bool seen; /* false: the guest was given an exception instead */
};

struct mig_stub {
    struct mig_stub_look items[MIG_STUB_LOOKS_MAX];
    size_t len;
};

/* Run it on a vCPU that did not run before, in a VM without memory.  0, or
 * errno: ETIMEDOUT when @timeout_ms were not enough, ENOEXEC when the guest
 * did what no guest of ours does.  Uses SIGALRM and the timer behind it. */
int mig_stub_run(struct mig_stub *stub, int kvm, int vm, int vcpu, unsigned timeout_ms);
