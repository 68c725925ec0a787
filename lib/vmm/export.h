/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/export.h: the arguments with which a QEMU shows a guest what a contract
 * says, from the contract alone: machine type, accelerator, topology, and a CPU
 * model with every property that stands for a bit of CPUID spelt out
 * (property.def).  What no argument sets comes with the model, the machine or
 * the host, and is told beside.
 */
#pragma once

#include "vmm/launch.h"

struct mig_snapshot;

/* What the QEMU that is to take the arguments knows. */
struct mig_export_taker {
    const char *version;            /* "7.2.22"; NULL: as new as the guest's */
    const struct mig_launch *known; /* names of properties; NULL: those of its version */
    bool one_vcpu;                  /* plug one vCPU of all that there may be */
};

struct mig_export {
    struct mig_launch arguments;
    struct mig_launch unexpressed; /* "x86/cpuid/4.0/eax", "vmm.machine-type" */
};

/* @shown: a guest's, of x86. */
void mig_export_make(const struct mig_snapshot *shown, const struct mig_export_taker *taker,
                     struct mig_export *ret);

/* The model that its contract names ("EPYC"), or QEMU's own empty one; the
 * caller frees. */
char *mig_export_model(const struct mig_snapshot *shown);
/* "EPYC-x86_64-cpu"; the caller frees. */
char *mig_export_type(const struct mig_snapshot *shown);

void mig_export_clear(struct mig_export *e);
static inline void mig_export_clear_auto(struct mig_export *e)
{
    mig_export_clear(e);
}
