/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/chv.h: documents as Cloud Hypervisor sends them in a migration, of a
 * guest that was shown a snapshot.
 */
#pragma once

#include "snapshot/snapshot.h"

/* RAM is 0x8000 bytes at 0x1000 (slot 0) and 0x10000 at 0x20000 (slot 1).  @cpus
 * is what vm_config.cpus says after boot_vcpus and max_vcpus, with a
 * comma in front: ",\"nested\":false", or "".  The caller frees, as below. */
char *chv_config(const struct mig_snapshot *table, unsigned vcpus, const char *cpus);

/* Every vCPU has the registers of @seen; APIC ids differ. */
char *chv_state(const struct mig_snapshot *seen, unsigned vcpus, uint64_t xcr0);

/* The same on a VMM that keeps the rate of the TSC to itself. */
char *chv_state_without_rate(const struct mig_snapshot *seen, unsigned vcpus, uint64_t xcr0);
