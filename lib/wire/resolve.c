/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/resolve.h"

#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "wire/loop.h"

/* Enough for every NSS module in use; the default would be 8 MiB each. */
#define STACK_BYTES (256u * 1024)

/* Shared by the thread and whoever waits; the last of them frees it. */
struct question {
    atomic_int holders;
    char *host, *port;
    int done;         /* eventfd that wakes the loop */
    atomic_bool told; /* code and list are set */
    int code;
    struct addrinfo *list;
};

struct mig_resolve {
    struct question *question;
    struct mig_watch *watch;
    mig_resolve_fn *fn;
    void *data;
};

static void question_release(struct question *q)
{
    if (atomic_fetch_sub(&q->holders, 1) > 1) {
        return;
    }
    if (q->list != NULL) {
        freeaddrinfo(q->list);
    }
    mig_fd_close(q->done);
    mig_free(q->host);
    mig_free(q->port);
    mig_free(q);
}

/* The asking side's last act. */
static void tell(struct question *q)
{
    atomic_store(&q->told, true);
    (void)eventfd_write(q->done, 1);
    question_release(q);
}

static void *ask(void *data)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICSERV};
    struct question *q = data;

    q->code = getaddrinfo(q->host, q->port, &hints, &q->list);
    tell(q);
    return NULL;
}

/* Signals stay with the loop's thread. */
static int ask_in_thread(struct question *q)
{
    pthread_attr_t attr;
    pthread_t thread;
    sigset_t all, before;
    int code = pthread_attr_init(&attr);

    if (code != 0) {
        return code;
    }
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    (void)pthread_attr_setstacksize(&attr, STACK_BYTES);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    code = pthread_create(&thread, &attr, ask, q);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
    return code;
}

static void on_done(int fd __attribute__((unused)), void *data)
{
    struct mig_resolve *r = data;
    struct question *q = r->question;
    struct addrinfo *list;
    struct mig_error err = {0};

    MIG_ASSERT(atomic_load(&q->told));
    list = q->list;
    mig_watch_free(mig_steal(&r->watch));
    q->list = NULL;
    if (q->code != 0) {
        (void)mig_fail(&err, MIG_UNREACHABLE, "name '%s': %s", q->host, gai_strerror(q->code));
    }
    r->fn(list, &err, r->data); /* may free @r */
}

struct mig_resolve *mig_resolve_start(struct mig_loop *loop, const char *host, const char *port,
                                      mig_resolve_fn *fn, void *data)
{
    struct mig_resolve *r = MIG_NEW(struct mig_resolve);
    struct question *q = MIG_NEW(struct question);

    q->host = mig_strdup(host);
    q->port = mig_strdup(port);
    q->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    MIG_ASSERT(q->done >= 0);
    atomic_init(&q->holders, 2);
    r->question = q;
    r->fn = fn;
    r->data = data;
    r->watch = mig_loop_readable(loop, q->done, on_done, r);
    if (ask_in_thread(q) != 0) {
        q->code = EAI_MEMORY;
        tell(q);
    }
    return r;
}

void mig_resolve_cancel(struct mig_resolve *r)
{
    if (r != NULL) {
        mig_watch_free(r->watch);
        question_release(r->question);
        mig_free(r);
    }
}

struct addrinfo *mig_resolve_literal(const char *host, const char *port)
{
    const struct addrinfo hints = {.ai_socktype = SOCK_STREAM,
                                   .ai_flags = AI_NUMERICHOST | AI_NUMERICSERV};
    struct addrinfo *list = NULL;

    return getaddrinfo(host, port, &hints, &list) == 0 ? list : NULL;
}
