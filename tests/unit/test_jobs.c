/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <stdio.h>
#include <unistd.h>

#include "agent/jobs.h"
#include "base/alloc.h"
#include "support/fleet.h"
#include "wire/loop.h"

#define LATE_MS 10000
#define AT_ONCE 2

static const struct mig_child_kind kind = {.name = "test"};
static const struct mig_child_kind writing = {.name = "test", .writes = true};

struct outcome {
    struct mig_loop *loop;
    char said[32];
    struct mig_error err;
    unsigned calls, *left; /* of all: the loop ends with the last */
};

static void on_done(const struct mig_bytes *bytes, const struct mig_error *err, void *data)
{
    struct outcome *o = data;

    o->calls++;
    o->err = *err;
    if (bytes != NULL) {
        (void)snprintf(o->said, sizeof o->said, "%.*s", (int)bytes->len,
                       (const char *)bytes->items);
    }
    if (--*o->left == 0) {
        mig_loop_stop(o->loop);
    }
}

static bool echo(const void *work, struct mig_bytes *ret,
                 struct mig_error *err __attribute__((unused)))
{
    *ret = (struct mig_bytes){(unsigned char *)mig_strdup(work), strlen(work)};
    return true;
}

static _Noreturn void wait_for_ever(void)
{
    for (;;) {
        (void)pause();
    }
}

static bool hang(const void *work __attribute__((unused)),
                 struct mig_bytes *ret __attribute__((unused)),
                 struct mig_error *err __attribute__((unused)))
{
    wait_for_ever();
}

static void add(struct mig_jobs *j, mig_child_fn *fn, const char *work, struct outcome *o)
{
    mig_jobs_add(
        j,
        &(struct mig_job){
            .fn = fn, .work = work, .timeout_ms = LATE_MS, .done = on_done, .data = o, .asker = o});
}

CHECK_TEST(more_than_work_at_once_each_get_their_own_answer)
{
    static const char *const words[] = {"a", "b", "c", "d", "e", "f", "g"};
    struct mig_loop *loop = mig_loop_new();
    struct mig_jobs *j = mig_jobs_new(loop, &kind, AT_ONCE);
    struct outcome outcomes[sizeof words / sizeof *words];
    unsigned left = sizeof words / sizeof *words;

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        outcomes[i] = (struct outcome){.loop = loop, .left = &left};
        add(j, echo, words[i], &outcomes[i]);
    }
    check_number("none before the loop runs", 7, left);
    check_true("loop", mig_loop_run(loop));
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        check_text(words[i], words[i], outcomes[i].said);
        check_number(words[i], 1, outcomes[i].calls);
    }
    mig_jobs_free(j);
    mig_loop_free(loop);
}

CHECK_TEST(what_nobody_wants_any_more_does_not_begin)
{
    struct mig_loop *loop = mig_loop_new();
    struct mig_jobs *j = mig_jobs_new(loop, &kind, AT_ONCE);
    struct outcome outcomes[5];
    unsigned left = 5;

    for (size_t i = 0; i < 5; i++) {
        outcomes[i] = (struct outcome){.loop = loop, .left = &left};
        add(j, hang, "", &outcomes[i]);
    }
    mig_jobs_withdraw(j, &outcomes[0]); /* at work */
    mig_jobs_withdraw(j, &outcomes[3]);
    mig_jobs_withdraw(j, &left); /* nobody's */
    check_number("one was told", 4, left);
    check_contains("why", "the asker has gone", outcomes[3].err.msg);
    mig_jobs_withdraw(j, &outcomes[3]);
    check_number("once", 1, outcomes[3].calls);

    mig_jobs_free(j);
    check_number("all were told", 0, left);
    check_contains("at work", "the agent is ending", outcomes[0].err.msg);
    check_contains("waiting", "the agent is ending", outcomes[4].err.msg);
    mig_loop_free(loop);
}

static bool write_file(const void *work, struct mig_bytes *ret, struct mig_error *err)
{
    return mig_file_write(work, "x", 1, 0600, err) && echo("written", ret, err);
}

/* A capture has nothing to write; a process that keeps contracts has. */
CHECK_TEST(only_a_kind_that_writes_may)
{
    struct mig_loop *loop = mig_loop_new();
    struct fleet *fleet = fleet_new();
    MIG_AUTO(mig_free) char *path = fleet_path(fleet, "file");
    const struct mig_child_kind *kinds[] = {&kind, &writing};

    for (int i = 0; i < 2; i++) {
        struct mig_jobs *j = mig_jobs_new(loop, kinds[i], AT_ONCE);
        unsigned left = 1;
        struct outcome o = {.loop = loop, .left = &left};

        add(j, write_file, path, &o);
        check_true("loop", mig_loop_run(loop));
        check_text("said", kinds[i]->writes ? "written" : "", o.said);
        check_true("file", (access(path, F_OK) == 0) == kinds[i]->writes);
        mig_jobs_free(j);
    }
    fleet_free(fleet);
    mig_loop_free(loop);
}

CHECK_MAIN(cmocka_unit_test(more_than_work_at_once_each_get_their_own_answer),
           cmocka_unit_test(what_nobody_wants_any_more_does_not_begin),
           cmocka_unit_test(only_a_kind_that_writes_may))
