/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/loop.h"

#include "support/check.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/now.h"

struct count {
    struct mig_loop *loop;
    struct mig_watch *watch;
    int calls, stop_at, last;
};

static void on_call(int fd_or_signal, void *data)
{
    struct count *c = data;

    c->last = fd_or_signal;
    if (++c->calls == c->stop_at) {
        mig_loop_stop(c->loop);
    }
}

CHECK_TEST(a_timer_rings_once_and_in_time)
{
    struct count c = {.loop = mig_loop_new(), .stop_at = 2};
    uint64_t since = mig_now_ms(), took;
    struct mig_watch *a = mig_loop_timer(c.loop, 30, on_call, &c);
    struct mig_watch *b = mig_loop_timer(c.loop, 60, on_call, &c);

    check_true("run", mig_loop_run(c.loop));
    took = mig_now_ms() - since;
    check_number("calls", 2, (uint64_t)c.calls);
    check_true("not early", took >= 50); /* libevent's clock ticks with the kernel's, up to 10 ms */
    check_true("not late", took < 1000);
    mig_watch_free(a);
    mig_watch_free(b);
    mig_loop_free(c.loop);
}

CHECK_TEST(a_freed_timer_does_not_ring)
{
    struct count never = {.loop = mig_loop_new()}, end = {.loop = never.loop, .stop_at = 1};
    struct mig_watch *a = mig_loop_timer(never.loop, 5, on_call, &never);
    struct mig_watch *b = mig_loop_timer(never.loop, 20, on_call, &end);

    mig_watch_free(a);
    check_true("run", mig_loop_run(never.loop));
    check_number("calls", 0, (uint64_t)never.calls);
    mig_watch_free(b);
    mig_watch_free(NULL);
    mig_loop_free(never.loop);
}

static void on_free_self(int fd __attribute__((unused)), void *data)
{
    struct count *c = data;

    c->calls++;
    mig_watch_free(c->watch);
    c->watch = NULL;
    mig_loop_stop(c->loop);
}

CHECK_TEST(a_watch_may_be_freed_in_its_own_call)
{
    struct count c = {.loop = mig_loop_new()};

    c.watch = mig_loop_timer(c.loop, 1, on_free_self, &c);
    check_true("run", mig_loop_run(c.loop));
    check_number("calls", 1, (uint64_t)c.calls);
    mig_loop_free(c.loop);
}

CHECK_TEST(a_descriptor_is_told_until_its_watch_is_freed)
{
    struct count c = {.loop = mig_loop_new(), .stop_at = 3};
    int pipe_fds[2];
    struct mig_watch *w;

    check_true("pipe", pipe(pipe_fds) == 0 && write(pipe_fds[1], "x", 1) == 1);
    w = mig_loop_readable(c.loop, pipe_fds[0], on_call, &c);
    check_true("run", mig_loop_run(c.loop)); /* nobody reads: three times */
    check_number("calls", 3, (uint64_t)c.calls);
    check_number("descriptor", (uint64_t)pipe_fds[0], (uint64_t)c.last);
    mig_watch_free(w);
    mig_loop_free(c.loop);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

CHECK_TEST(signals_arrive_in_the_loop)
{
    struct count c = {.loop = mig_loop_new(), .stop_at = 1};
    struct mig_watch *w = mig_loop_signal(c.loop, SIGUSR1, on_call, &c);

    for (int i = 1; i <= 2; i++) {
        c.stop_at = i;
        check_true("raise", raise(SIGUSR1) == 0);
        check_true("run", mig_loop_run(c.loop));
        check_number("calls", (uint64_t)i, (uint64_t)c.calls);
        check_number("signal", SIGUSR1, (uint64_t)c.last);
    }
    mig_watch_free(w);
    mig_loop_free(c.loop);
}

CHECK_TEST(a_loop_without_anything_to_wait_for_ends)
{
    struct mig_loop *loop = mig_loop_new();

    check_true("ends", !mig_loop_run(loop));
    mig_loop_stop(loop);
    check_true("stopped before it ran", mig_loop_run(loop));
    mig_loop_free(loop);
    mig_loop_free(NULL);
}

static void bury(void *data)
{
    ++*(int *)data;
}

CHECK_TEST(what_is_buried_goes_at_the_next_turn_or_with_the_loop)
{
    struct count c = {.loop = mig_loop_new(), .stop_at = 1};
    int buried = 0;
    struct mig_watch *w;

    mig_loop_bury(c.loop, bury, &buried);
    check_number("not at once", 0, (uint64_t)buried);
    w = mig_loop_timer(c.loop, 1, on_call, &c);
    check_true("run", mig_loop_run(c.loop));
    check_number("next turn", 1, (uint64_t)buried);
    mig_loop_bury(c.loop, bury, &buried);
    mig_watch_free(w);
    mig_loop_free(c.loop);
    check_number("with the loop", 2, (uint64_t)buried);
}

CHECK_TEST(a_loop_at_rest_is_not_woken)
{
    struct count c = {.loop = mig_loop_new(), .stop_at = 1};
    int pipe_fds[2];
    struct rusage before, after;
    struct mig_watch *r, *t;

    check_true("pipe", pipe(pipe_fds) == 0);
    r = mig_loop_readable(c.loop, pipe_fds[0], on_call, &c);
    t = mig_loop_timer(c.loop, 300, on_call, &c);
    (void)getrusage(RUSAGE_THREAD, &before);
    check_true("run", mig_loop_run(c.loop));
    (void)getrusage(RUSAGE_THREAD, &after);
    check_true("slept at most three times", after.ru_nvcsw - before.ru_nvcsw <= 3);
    mig_watch_free(r);
    mig_watch_free(t);
    mig_loop_free(c.loop);
    (void)close(pipe_fds[0]);
    (void)close(pipe_fds[1]);
}

/* A peer that has gone must not kill us, and a program that we start must not
 * inherit our deafness. */
CHECK_TEST(a_broken_pipe_is_an_error_here_and_a_signal_in_children)
{
    struct mig_loop *loop = mig_loop_new();
    int pipe_fds[2], status = 0;
    pid_t child;

    check_true("pipe", pipe(pipe_fds) == 0);
    (void)close(pipe_fds[0]);
    check_true("error", write(pipe_fds[1], "x", 1) == -1);
    (void)close(pipe_fds[1]);
    child = fork();
    if (child == 0) {
        (void)execl("/bin/sh", "sh", "-c", "kill -PIPE $$", (char *)NULL);
        _exit(1);
    }
    check_true("wait", waitpid(child, &status, 0) == child);
    check_true("signal", WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE);
    mig_loop_free(loop);
}

CHECK_MAIN(cmocka_unit_test(a_timer_rings_once_and_in_time),
           cmocka_unit_test(a_freed_timer_does_not_ring),
           cmocka_unit_test(a_watch_may_be_freed_in_its_own_call),
           cmocka_unit_test(a_descriptor_is_told_until_its_watch_is_freed),
           cmocka_unit_test(signals_arrive_in_the_loop),
           cmocka_unit_test(a_loop_without_anything_to_wait_for_ends),
           cmocka_unit_test(what_is_buried_goes_at_the_next_turn_or_with_the_loop),
           cmocka_unit_test(a_loop_at_rest_is_not_woken),
           cmocka_unit_test(a_broken_pipe_is_an_error_here_and_a_signal_in_children))
