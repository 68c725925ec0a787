/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/probe.h: run the sweep (vmm/sweep.h) once in a scratch guest of QEMU: no
 * disk, no network, no window, a few MiB of memory.  It has its own process
 * group, is killed at the deadline and with us, and nothing of it remains.
 */
#pragma once

#include <stdint.h>

#include "base/file.h"

struct mig_launch; /* vmm/launch.h */
struct mig_qmp;    /* vmm/qmp.h */

/* Asked before the first instruction runs: is this the CPU that is meant? */
typedef bool mig_probe_check_fn(struct mig_qmp *q, void *data, struct mig_error *err);

struct mig_probe {
    int program;      /* opened file to execute ... */
    const char *path; /* ... or one to execute instead; NULL: none */
    const struct mig_launch *launch;
    uint64_t timeout_ms;
    mig_probe_check_fn *check; /* NULL: nothing to compare with */
    void *data;
};

/* No guest: only @probe->check, of a QEMU without any machine. */
MIG_MUST_CHECK bool mig_probe_ask(const struct mig_probe *probe, struct mig_error *err);

/* @ret gets the raw report (mig_sweep_read). */
MIG_MUST_CHECK bool mig_probe_run(const struct mig_probe *probe, struct mig_bytes *ret,
                                  struct mig_error *err);
