/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/relay.h: bytes both ways between two ends on this host until both
 * directions have ended.  An end that stops sending is told to the other end
 * and may still be sent to, as the return path of a migration needs.
 * Spliced in the kernel where it can, copied where it can not.  The process
 * ignores SIGPIPE.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mig_relay_end {
    const char *name;           /* for messages, "QEMU" */
    int in, out;                /* the same for a socket; non-blocking from here on */
    const unsigned char *first; /* goes out before all else: what a gate held back */
    size_t first_len;
};

/* What came from end[@from] is all with the other one. */
typedef void mig_relay_ended_fn(int from, uint64_t bytes, void *data);

struct mig_relay {
    struct mig_relay_end end[2];
    mig_relay_ended_fn *ended; /* may be NULL */
    void *data;
    uint64_t moved[2]; /* out: bytes that came from end[i], without first */
};

/* Descriptors and bytes are borrowed, but a pipe's out is closed, and -1, once
 * nothing follows.  An error names the end and whether it was read or written. */
MIG_MUST_CHECK bool mig_relay_run(struct mig_relay *r, struct mig_error *err);

/* ---- for the files of this room ---- */

/* Nothing more goes to @fd: half of a socket is shut, anything else is closed
 * and -1. */
MIG_MUST_CHECK bool mig_relay_shut(int *fd, const char *name, struct mig_error *err);

/* Make @fd non-blocking. */
MIG_MUST_CHECK bool mig_relay_prepare(int fd, const char *name, struct mig_error *err);
