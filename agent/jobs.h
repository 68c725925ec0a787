/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/jobs.h: work for processes of their own (child.h), a few at once; what
 * comes then waits for its turn, for as long as somebody wants it.
 */
#pragma once

#include "agent/child.h"

struct mig_jobs;

struct mig_job {
    mig_child_fn *fn;
    const void *work; /* borrowed until @done is called */
    uint64_t timeout_ms;
    mig_child_done_fn *done; /* called once, perhaps before mig_jobs_add() returns */
    void *data;
    const void *asker; /* who wants it */
};

struct mig_jobs *mig_jobs_new(struct mig_loop *loop, const struct mig_child_kind *kind,
                              unsigned at_once);
/* Ends all; who still waits for one is told so. */
void mig_jobs_free(struct mig_jobs *j);
MIG_AUTO_DEFINE(mig_jobs_free, struct mig_jobs *);

void mig_jobs_add(struct mig_jobs *j, const struct mig_job *job);

/* Nobody is there any more for what @asker wanted: jobs that have not begun
 * fail at once. */
void mig_jobs_withdraw(struct mig_jobs *j, const void *asker);
