/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/loop.h"

#include <signal.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/array.h"

struct grave {
    mig_bury_fn *fn;
    void *data;
};

struct mig_loop {
    struct event_base *base;
    struct event *turn; /* empties the graves */
    bool stopped;
    struct {
        struct grave *items;
        size_t len, cap;
    } graves;
};

struct mig_watch {
    struct event *event;
    mig_watch_fn *fn;
    void *data;
    int fd_or_signal;
};

static void empty_graves(struct mig_loop *loop)
{
    /* A burial may cause another, which moves the array. */
    for (size_t i = 0; i < loop->graves.len; i++) {
        struct grave grave = loop->graves.items[i];

        grave.fn(grave.data);
    }
    loop->graves.len = 0;
}

static void on_turn(evutil_socket_t fd __attribute__((unused)), short what __attribute__((unused)),
                    void *data)
{
    empty_graves(data);
}

static void on_broken_pipe(int signo __attribute__((unused)))
{
}

/* A peer that has gone is an error of write(), not the end of the program.  A
 * handler, unlike SIG_IGN, is not handed on to programs that we start. */
static void survive_broken_pipes(void)
{
    struct sigaction now, ours = {.sa_handler = on_broken_pipe, .sa_flags = SA_RESTART};

    if (sigaction(SIGPIPE, NULL, &now) == 0 && now.sa_handler == SIG_DFL) {
        (void)sigaction(SIGPIPE, &ours, NULL);
    }
}

/* One thread owns a loop, so no locks; a signal handler of libevent itself
 * only writes to a pipe. */
struct mig_loop *mig_loop_new(void)
{
    struct mig_loop *loop = MIG_NEW(struct mig_loop);
    struct event_config *config = event_config_new();

    MIG_ASSERT(config != NULL);
    survive_broken_pipes();
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_IGNORE_ENV);
    /* A deadline counts from the call, not from when the turn began. */
    (void)event_config_set_flag(config, EVENT_BASE_FLAG_NO_CACHE_TIME);
    loop->base = event_base_new_with_config(config);
    event_config_free(config);
    MIG_ASSERT(loop->base != NULL);
    loop->turn = event_new(loop->base, -1, 0, on_turn, loop);
    MIG_ASSERT(loop->turn != NULL);
    return loop;
}

void mig_loop_free(struct mig_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    empty_graves(loop);
    event_free(loop->turn);
    event_base_free(loop->base);
    mig_free(loop->graves.items);
    mig_free(loop);
}

/* A loop that has nothing left to wait for ends, too: better than to hang. */
bool mig_loop_run(struct mig_loop *loop)
{
    bool stopped = loop->stopped || (event_base_dispatch(loop->base) >= 0 && loop->stopped);

    loop->stopped = false;
    return stopped;
}

void mig_loop_stop(struct mig_loop *loop)
{
    loop->stopped = true;
    (void)event_base_loopbreak(loop->base);
}

static void on_event(evutil_socket_t fd __attribute__((unused)), short what __attribute__((unused)),
                     void *data)
{
    const struct mig_watch *w = data;

    w->fn(w->fd_or_signal, w->data); /* may free @w */
}

static struct mig_watch *watch_new(struct mig_loop *loop, int fd_or_signal, short what,
                                   mig_watch_fn *fn, void *data)
{
    struct mig_watch *w = MIG_NEW(struct mig_watch);

    w->fn = fn;
    w->data = data;
    w->fd_or_signal = fd_or_signal;
    w->event = event_new(loop->base, fd_or_signal, what, on_event, w);
    MIG_ASSERT(w->event != NULL);
    return w;
}

struct mig_watch *mig_loop_timer(struct mig_loop *loop, uint64_t ms, mig_watch_fn *fn, void *data)
{
    struct timeval after = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};
    struct mig_watch *w = watch_new(loop, -1, 0, fn, data);

    MIG_ASSERT(event_add(w->event, &after) == 0);
    return w;
}

struct mig_watch *mig_loop_signal(struct mig_loop *loop, int signo, mig_watch_fn *fn, void *data)
{
    struct mig_watch *w = watch_new(loop, signo, EV_SIGNAL | EV_PERSIST, fn, data);

    MIG_ASSERT(event_add(w->event, NULL) == 0);
    return w;
}

struct mig_watch *mig_loop_readable(struct mig_loop *loop, int fd, mig_watch_fn *fn, void *data)
{
    struct mig_watch *w = watch_new(loop, fd, EV_READ | EV_PERSIST, fn, data);

    MIG_ASSERT(event_add(w->event, NULL) == 0);
    return w;
}

void mig_watch_free(struct mig_watch *w)
{
    if (w != NULL) {
        event_free(w->event);
        mig_free(w);
    }
}

struct event_base *mig_loop_base(struct mig_loop *loop)
{
    return loop->base;
}

void mig_loop_bury(struct mig_loop *loop, mig_bury_fn *fn, void *data)
{
    *MIG_PUSH(&loop->graves) = (struct grave){.fn = fn, .data = data};
    event_active(loop->turn, EV_TIMEOUT, 0);
}
