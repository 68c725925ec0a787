/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/child.h: work in a process of its own.  It gets nothing open but a
 * pipe for its result (and stdio), is killed at its deadline, dies with us, and
 * is always reaped; what it started does not outlive it.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/file.h"

struct mig_loop;

/* What a child may send back. */
#define MIG_CHILD_BYTES_MAX (1024u * 1024)

/* Runs in the child; what it returns true with is sent. */
typedef bool mig_child_fn(const void *work, struct mig_bytes *ret, struct mig_error *err);

/* Runs in the parent, once, never from within mig_child_start().  @bytes is
 * NULL when it failed, borrowed otherwise. */
typedef void mig_child_done_fn(const struct mig_bytes *bytes, const struct mig_error *err,
                               void *data);

struct mig_child_kind {
    const char *name; /* "capture", for messages */
    bool writes;      /* it may write files */
};

/* Children of one loop that do the same. */
struct mig_children;

/* @kind is borrowed. */
struct mig_children *mig_children_new(struct mig_loop *loop, const struct mig_child_kind *kind);
/* Kills and reaps who is left; no callback comes any more. */
void mig_children_free(struct mig_children *c);
MIG_AUTO_DEFINE(mig_children_free, struct mig_children *);

/* False only when there is no process or pipe to be had. */
MIG_MUST_CHECK bool mig_child_start(struct mig_children *c, mig_child_fn *fn, const void *work,
                                    uint64_t timeout_ms, mig_child_done_fn *done, void *data,
                                    struct mig_error *err);

/* A capture without a loop: wait for the answer. */
MIG_MUST_CHECK bool mig_child_run(mig_child_fn *fn, const void *work, uint64_t timeout_ms,
                                  struct mig_bytes *ret, struct mig_error *err);
