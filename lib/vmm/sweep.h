/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/sweep.h: the program that looks at a CPU as a guest does, and what it
 * reports.  It takes the place of a firmware (probe.S); its answers come out
 * of the debug console.
 */
#pragma once

#include "base/file.h"
#include "snapshot/raw.h"

#define MIG_SWEEP_IMAGE_BYTES 65536
#define MIG_SWEEP_ANSWER_BYTES_MAX 65536
#define MIG_SWEEP_MSRS_MAX 64

struct mig_builder;

struct mig_sweep_msr {
    uint32_t index;
    bool there; /* false: reading it faults */
    uint64_t value;
};

struct mig_sweep {
    struct mig_raw cpuid;
    struct mig_sweep_msr msrs[MIG_SWEEP_MSRS_MAX];
    size_t msrs_len;
    uint64_t tsc_khz; /* as KVM's clock tells guests; 0: it does not */
};

/* A whole ROM, with the questions in it. */
void mig_sweep_image(unsigned char ret[MIG_SWEEP_IMAGE_BYTES]);

/* How many bytes a whole report has. */
size_t mig_sweep_answer_bytes(void);

/* Strict: the questions that were asked, each with its answer, in order. */
MIG_MUST_CHECK bool mig_sweep_read(const unsigned char *bytes, size_t len, struct mig_sweep *ret,
                                   struct mig_error *err);

/* All of it: CPUID, the hypervisor's leaves, feature MSRs, rate of the TSC,
 * with the coverage that a look from inside the guest has. */
MIG_MUST_CHECK bool mig_sweep_pour(const struct mig_sweep *s, struct mig_builder *b,
                                   struct mig_error *err);

void mig_sweep_clear(struct mig_sweep *s);
static inline void mig_sweep_clear_auto(struct mig_sweep *s)
{
    mig_sweep_clear(s);
}
