/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/dial.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "base/now.h"
#include "wire/address.h"
#include "wire/loop.h"
#include "wire/resolve.h"

/* The kernel asks, so that no timer of ours wakes an idle program. */
#define KEEP_IDLE_S 30
#define KEEP_INTERVAL_S 10
#define KEEP_PROBES 3

struct mig_dial {
    struct event_base *base;
    const struct mig_address *to;
    mig_dial_fn *fn;
    void *data;
    uint64_t deadline; /* 0 = none */
    const char *phase;
    struct mig_loop *loop;
    struct mig_resolve *resolve;
    struct addrinfo *list, *next; /* next to try */
    struct event *event;          /* the start, then each attempt */
    int fd;
    struct mig_error error; /* of the last attempt */
};

void mig_dial_tune(int fd)
{
    static const struct {
        int level, name, value;
    } rows[] = {
        {SOL_SOCKET,  SO_KEEPALIVE,  1              },
        {IPPROTO_TCP, TCP_NODELAY,   1              },
        {IPPROTO_TCP, TCP_KEEPIDLE,  KEEP_IDLE_S    },
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEP_INTERVAL_S},
        {IPPROTO_TCP, TCP_KEEPCNT,   KEEP_PROBES    },
    };

    /* A unix socket refuses them, and needs none. */
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        (void)setsockopt(fd, rows[i].level, rows[i].name, &rows[i].value, sizeof rows[i].value);
    }
}

void mig_dial_name(int fd, char *ret, size_t size)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    struct ucred cred = {0};
    socklen_t cred_len = sizeof cred;
    struct mig_address a = {0};

    (void)getpeername(fd, (struct sockaddr *)&sa, &len);
    if (sa.ss_family == AF_UNIX && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &cred_len) == 0) {
        (void)snprintf(ret, size, "process %ld of user %lu", (long)cred.pid,
                       (unsigned long)cred.uid);
    } else if (getnameinfo((struct sockaddr *)&sa, len, a.host, sizeof a.host, a.port,
                           sizeof a.port, NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        mig_address_format(&a, ret, size);
    } else {
        (void)snprintf(ret, size, "a peer that has gone");
    }
}

static void report(struct mig_dial *d, int fd)
{
    d->fn(fd, &d->error, d->data); /* may free @d */
}

static void drop_attempt(struct mig_dial *d)
{
    if (d->event != NULL) {
        event_free(mig_steal(&d->event));
    }
    mig_fd_close(d->fd);
    d->fd = -1;
}

/* Its part of what is left, if others wait behind it. */
static uint64_t share_of(const struct mig_dial *d, const struct addrinfo *ai)
{
    uint64_t now = mig_now_ms();
    unsigned left = 0;

    for (; ai != NULL; ai = ai->ai_next) {
        left++;
    }
    if (d->deadline == 0 || left < 2) {
        return 0;
    }
    return (d->deadline > now ? d->deadline - now : 0) / left + 1;
}

static void try_next(struct mig_dial *d);

static void on_connected(evutil_socket_t fd, short what, void *data)
{
    struct mig_dial *d = data;
    int code = ETIMEDOUT;
    socklen_t len = sizeof code;

    if ((what & EV_WRITE) != 0 && getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &len) != 0) {
        code = errno;
    }
    if (code != 0) {
        (void)mig_fail(&d->error, MIG_UNREACHABLE, "%s", strerror(code));
        drop_attempt(d);
        try_next(d);
        return;
    }
    d->fd = -1;
    report(d, fd);
}

/* True if the attempt is under way; its end, even at once, comes as an event. */
static bool attempt(struct mig_dial *d, const struct sockaddr *sa, socklen_t len, uint64_t ms)
{
    struct timeval share = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

    drop_attempt(d);
    d->fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (d->fd < 0) {
        return mig_fail_errno(&d->error, MIG_UNREACHABLE, "socket");
    }
    mig_dial_tune(d->fd);
    if (connect(d->fd, sa, len) != 0 && errno != EINPROGRESS) {
        return mig_fail(&d->error, MIG_UNREACHABLE, "%s", strerror(errno));
    }
    d->event = event_new(d->base, d->fd, EV_WRITE, on_connected, d);
    MIG_ASSERT(d->event != NULL && event_add(d->event, ms > 0 ? &share : NULL) == 0);
    return true;
}

static void try_next(struct mig_dial *d)
{
    d->phase = "connect";
    while (d->next != NULL) {
        const struct addrinfo *ai = d->next;

        d->next = ai->ai_next;
        if (attempt(d, ai->ai_addr, ai->ai_addrlen, share_of(d, ai))) {
            return;
        }
    }
    report(d, -1);
}

static void on_resolved(struct addrinfo *list, const struct mig_error *err, void *data)
{
    struct mig_dial *d = data;

    if (list == NULL) {
        d->error = *err;
        report(d, -1);
        return;
    }
    d->list = d->next = list;
    try_next(d);
}

static void try_unix(struct mig_dial *d)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};

    d->phase = "connect";
    memcpy(sa.sun_path, d->to->path, strlen(d->to->path) + 1);
    if (!attempt(d, (const struct sockaddr *)&sa, sizeof sa, 0)) {
        report(d, -1);
    }
}

static void on_start(evutil_socket_t fd __attribute__((unused)), short what __attribute__((unused)),
                     void *data)
{
    struct mig_dial *d = data;

    if (d->to->path[0] != '\0') {
        try_unix(d);
        return;
    }
    d->list = d->next = mig_resolve_literal(d->to->host, d->to->port);
    if (d->list != NULL) {
        try_next(d);
    } else {
        d->resolve = mig_resolve_start(d->loop, d->to->host, d->to->port, on_resolved, d);
    }
}

struct mig_dial *mig_dial_start(struct mig_loop *loop, const struct mig_address *to,
                                uint64_t timeout_ms, mig_dial_fn *fn, void *data)
{
    struct mig_dial *d = MIG_NEW(struct mig_dial);

    d->loop = loop;
    d->base = mig_loop_base(loop);
    d->to = to;
    d->fn = fn;
    d->data = data;
    d->deadline = timeout_ms > 0 ? mig_now_ms() + timeout_ms : 0;
    d->phase = "resolve";
    d->fd = -1;
    d->event = event_new(d->base, -1, 0, on_start, d);
    MIG_ASSERT(d->event != NULL);
    event_active(d->event, EV_TIMEOUT, 0);
    return d;
}

const char *mig_dial_phase(const struct mig_dial *d)
{
    return d->phase;
}

void mig_dial_free(struct mig_dial *d)
{
    if (d == NULL) {
        return;
    }
    drop_attempt(d);
    mig_resolve_cancel(d->resolve);
    if (d->list != NULL) {
        freeaddrinfo(d->list);
    }
    mig_free(d);
}
