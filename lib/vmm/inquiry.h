/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/inquiry.h: what a running QEMU says about its guest over QMP, above all
 * every property that its first CPU really has.
 */
#pragma once

#include "vmm/qmp.h"

struct mig_builder;
struct mig_launch; /* vmm/launch.h */

struct mig_inquiry {
    char *version; /* "7.2.22 (Debian ...)" */
    char *uuid;    /* all zero when it has none */
    char *name;    /* NULL when it has none */
    char *machine; /* "pc-q35-7.2": an alias is told by what it stands for */
    char *cpu;     /* "max-x86_64-cpu" */
    bool kvm;
    json_t *properties; /* of the CPU; true, false, text, numbers, lists */
    json_t *topology;   /* "sockets": 1.0, "cores": 2.0 ... */
    bool differed;      /* mig_inquiry_check() found another property */
};

MIG_MUST_CHECK bool mig_inquiry_ask(struct mig_qmp *q, struct mig_inquiry *ret,
                                    struct mig_error *err);
/* Of one that waits for its guest (-incoming). */
MIG_MUST_CHECK bool mig_inquiry_ask_incoming(struct mig_qmp *q, struct mig_inquiry *ret,
                                             struct mig_error *err);
void mig_inquiry_clear(struct mig_inquiry *i);
static inline void mig_inquiry_clear_auto(struct mig_inquiry *i)
{
    mig_inquiry_clear(i);
}

/* The model with every property spelt out, and the topology with one vCPU
 * plugged of all that there may be.  Only with @asks_tsc the rate of the TSC:
 * QEMU tells it whether it was asked for or not, and that makes a difference. */
void mig_inquiry_add_cpu(const struct mig_inquiry *i, bool asks_tsc, struct mig_launch *l);

/* The answer of @q is the same QEMU with the same CPU (mig_probe_check_fn). */
MIG_MUST_CHECK bool mig_inquiry_check(struct mig_qmp *q, void *inquiry, struct mig_error *err);

/* Facts vmm.*, vCPUs and their topology. */
MIG_MUST_CHECK bool mig_inquiry_pour(const struct mig_inquiry *i, struct mig_builder *b,
                                     struct mig_error *err);
