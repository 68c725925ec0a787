/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/jobs.h"

#include "base/alloc.h"

struct job {
    struct mig_jobs *jobs;
    struct job *next;
    struct mig_job is;
};

struct mig_jobs {
    struct mig_children *children;
    struct job *waiting, *running; /* the first to wait is the first */
    unsigned running_len, at_once;
};

struct mig_jobs *mig_jobs_new(struct mig_loop *loop, const struct mig_child_kind *kind,
                              unsigned at_once)
{
    struct mig_jobs *j = MIG_NEW(struct mig_jobs);

    j->children = mig_children_new(loop, kind);
    j->at_once = at_once;
    return j;
}

/* Tell and free one that is in no list. */
static void finish(struct job *job, const struct mig_bytes *bytes, const struct mig_error *err)
{
    job->is.done(bytes, err, job->is.data);
    mig_free(job);
}

static void refuse_all(struct job *list)
{
    struct mig_error err;

    (void)mig_fail(&err, MIG_UNREACHABLE, "the agent is ending");
    while (list != NULL) {
        struct job *next = list->next;

        finish(list, NULL, &err);
        list = next;
    }
}

void mig_jobs_free(struct mig_jobs *j)
{
    if (j == NULL) {
        return;
    }
    mig_children_free(j->children);
    refuse_all(j->running);
    refuse_all(j->waiting);
    mig_free(j);
}

static void start_waiting(struct mig_jobs *j);

static void on_done(const struct mig_bytes *bytes, const struct mig_error *err, void *data)
{
    struct job *job = data, **link = &job->jobs->running;
    struct mig_jobs *j = job->jobs;

    while (*link != job) {
        link = &(*link)->next;
    }
    *link = job->next;
    j->running_len--;
    finish(job, bytes, err);
    start_waiting(j);
}

static void start_waiting(struct mig_jobs *j)
{
    while (j->waiting != NULL && j->running_len < j->at_once) {
        struct job *job = j->waiting;
        struct mig_error err = {0};

        j->waiting = job->next;
        job->next = j->running;
        j->running = job;
        j->running_len++;
        if (!mig_child_start(j->children, job->is.fn, job->is.work, job->is.timeout_ms, on_done,
                             job, &err)) {
            on_done(NULL, &err, job);
            return; /* which went on with what waits */
        }
    }
}

void mig_jobs_add(struct mig_jobs *j, const struct mig_job *job)
{
    struct job *fresh = MIG_NEW(struct job), **last = &j->waiting;

    fresh->jobs = j;
    fresh->is = *job;
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = fresh;
    start_waiting(j);
}

void mig_jobs_withdraw(struct mig_jobs *j, const void *asker)
{
    struct job **link = &j->waiting, *withdrawn = NULL;
    struct mig_error err;

    while (*link != NULL) {
        struct job *job = *link;

        if (job->is.asker != asker) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        job->next = withdrawn;
        withdrawn = job;
    }
    (void)mig_fail(&err, MIG_UNREACHABLE, "the asker has gone");
    while (withdrawn != NULL) {
        struct job *next = withdrawn->next;

        finish(withdrawn, NULL, &err);
        withdrawn = next;
    }
}
