/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/record.h: the contract of a guest that a QEMU on this host runs: what
 * QEMU says of it, completed by a look from inside a scratch guest with the
 * same program, accelerator, machine and CPU.  To be recorded on the host on
 * which the guest was powered on.
 *
 * Covered: CPUID and feature MSRs in full, Hyper-V's leaves in full, the rate
 * of the TSC with KVM, topology and machine type.  QEMU never shows: what XSAVE
 * components the guest uses (guest/xcr0), and, without a guest's help, what its
 * virtio devices agreed on.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/error.h"

struct mig_contract; /* pact/contract.h */

/* Enough for a start of QEMU on a busy host. */
#define MIG_RECORD_TIMEOUT_MS 30000

/* Who records, and how. */
struct mig_recorder {
    const char *host;    /* name of this host's agent; NULL: an unsigned contract */
    int64_t now;         /* seconds since the epoch */
    uint64_t timeout_ms; /* of each step; 0: MIG_RECORD_TIMEOUT_MS */
    const char *program; /* QEMU to probe with; NULL: the file that the guest's was started from */
    const char *vm;      /* NULL: the guest's UUID, or its name when it has none */
};

/* @socket: a QMP socket of the guest that nobody else uses. */
MIG_MUST_CHECK bool mig_qemu_record(const struct mig_recorder *recorder, const char *socket,
                                    struct mig_contract **ret, struct mig_error *err);

/* @xml: the running domain as "virsh dumpxml" prints it.  libvirt keeps the QMP
 * socket to itself, so the CPU is that of the command line of @pid (0: the
 * process that was started with the domain's UUID), held against the XML. */
MIG_MUST_CHECK bool mig_libvirt_record(const struct mig_recorder *recorder, const char *xml,
                                       size_t len, pid_t pid, struct mig_contract **ret,
                                       struct mig_error *err);
