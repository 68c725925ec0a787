/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/listener.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "wire/resolve.h"

#define UNIX_MODE 0660
/* Connections taken before others get their turn. */
#define ACCEPTS_PER_TURN 32
/* Out of descriptors, the socket stays readable: look again after this. */
#define EXHAUSTED_MS 200

struct mig_listener {
    struct mig_loop *loop;
    mig_listener_fn *fn;
    void *data;
    int fd;
    bool paused;
    struct mig_watch *readable;  /* NULL while paused or exhausted */
    struct mig_watch *exhausted; /* timer */
    char *path;                  /* to remove at the end; NULL for TCP */
    dev_t dev;                   /* of the socket file, so that we do not */
    ino_t ino;                   /* remove a successor's */
    char where[MIG_ADDRESS_TEXT];
};

static void watch(struct mig_listener *l);

static void on_exhausted_over(int fd __attribute__((unused)), void *data)
{
    struct mig_listener *l = data;

    mig_watch_free(mig_steal(&l->exhausted));
    watch(l);
}

static void rest(struct mig_listener *l)
{
    mig_log_warn("%s: no more connections can be accepted: %s", l->where, strerror(errno));
    mig_watch_free(mig_steal(&l->readable));
    l->exhausted = mig_loop_timer(l->loop, EXHAUSTED_MS, on_exhausted_over, l);
}

static void on_readable(int fd, void *data)
{
    struct mig_listener *l = data;

    for (int i = 0; i < ACCEPTS_PER_TURN && l->readable != NULL; i++) {
        int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (peer >= 0) {
            l->fn(peer, l->data);
        } else if (errno == EAGAIN) {
            return;
        } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
            rest(l);
        }
    }
}

static void watch(struct mig_listener *l)
{
    if (!l->paused && l->readable == NULL && l->exhausted == NULL) {
        l->readable = mig_loop_readable(l->loop, l->fd, on_readable, l);
    }
}

static int socket_new(int family, struct mig_error *err)
{
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0) {
        (void)mig_fail_errno(err, MIG_IO, "socket");
    }
    return fd;
}

/* ---- TCP ---- */

static bool bind_tcp(struct mig_listener *l, const struct addrinfo *ai, struct mig_error *err)
{
    int yes = 1, no = 0;

    l->fd = socket_new(ai->ai_family, err);
    if (l->fd < 0) {
        return false;
    }
    (void)setsockopt(l->fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (ai->ai_family == AF_INET6) {
        /* "[::]" is every address of the host, whatever the system's default. */
        (void)setsockopt(l->fd, IPPROTO_IPV6, IPV6_V6ONLY, &no, sizeof no);
    }
    if (bind(l->fd, ai->ai_addr, ai->ai_addrlen) != 0 || listen(l->fd, SOMAXCONN) != 0) {
        return mig_fail_errno(err, MIG_IO, "listen");
    }
    return true;
}

static void name_tcp(struct mig_listener *l)
{
    struct sockaddr_storage sa = {0};
    socklen_t len = sizeof sa;
    struct mig_address a = {0};

    if (getsockname(l->fd, (struct sockaddr *)&sa, &len) == 0 &&
        getnameinfo((struct sockaddr *)&sa, len, a.host, sizeof a.host, a.port, sizeof a.port,
                    NI_NUMERICHOST | NI_NUMERICSERV) == 0) {
        mig_address_format(&a, l->where, sizeof l->where);
    }
}

static bool open_tcp(struct mig_listener *l, const struct mig_address *at, struct mig_error *err)
{
    struct addrinfo *ai = mig_resolve_literal(at->host, at->port);
    bool done;

    if (ai == NULL) {
        return mig_fail(err, MIG_USAGE,
                        "to listen needs a numeric address, such as [::] or 127.0.0.1");
    }
    done = bind_tcp(l, ai, err);
    freeaddrinfo(ai);
    if (done) {
        name_tcp(l);
    }
    return done;
}

/* ---- unix ---- */

/* A socket file outlives its process; remove it only if nobody answers. */
static bool remove_stale(const struct sockaddr_un *sa, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = -1;
    struct stat st;

    if (lstat(sa->sun_path, &st) != 0) {
        return errno == ENOENT || mig_fail_errno(err, MIG_IO, "stat");
    }
    if (!S_ISSOCK(st.st_mode)) {
        return mig_fail(err, MIG_IO, "exists and is no socket");
    }
    fd = socket_new(AF_UNIX, err);
    if (fd < 0) {
        return false;
    }
    if (connect(fd, (const struct sockaddr *)sa, sizeof *sa) == 0 || errno == EAGAIN) {
        return mig_fail(err, MIG_IO, "another program listens there");
    }
    if (errno != ECONNREFUSED) {
        return mig_fail_errno(err, MIG_IO, "is there something that listens?");
    }
    if (unlink(sa->sun_path) != 0) {
        return mig_fail_errno(err, MIG_IO, "stale socket");
    }
    return true;
}

static bool open_unix(struct mig_listener *l, const struct mig_address *at, struct mig_error *err)
{
    struct sockaddr_un sa = {.sun_family = AF_UNIX};
    struct stat st;

    memcpy(sa.sun_path, at->path, strlen(at->path) + 1);
    if (!remove_stale(&sa, err)) {
        return false;
    }
    l->fd = socket_new(AF_UNIX, err);
    if (l->fd < 0) {
        return false;
    }
    /* The mode of the descriptor is what bind() starts from, so the file is
     * at no time open to others. */
    if (fchmod(l->fd, UNIX_MODE) != 0 ||
        bind(l->fd, (const struct sockaddr *)&sa, sizeof sa) != 0) {
        return mig_fail_errno(err, MIG_IO, "bind");
    }
    l->path = mig_strdup(at->path);
    if (chmod(l->path, UNIX_MODE) != 0 || lstat(l->path, &st) != 0 ||
        listen(l->fd, SOMAXCONN) != 0) {
        return mig_fail_errno(err, MIG_IO, "listen");
    }
    l->dev = st.st_dev;
    l->ino = st.st_ino;
    return true;
}

/* ---- life ---- */

bool mig_listener_new(struct mig_loop *loop, const struct mig_address *at, mig_listener_fn *fn,
                      void *data, struct mig_listener **ret, struct mig_error *err)
{
    MIG_AUTO(mig_listener_free) struct mig_listener *l = MIG_NEW(struct mig_listener);

    l->loop = loop;
    l->fn = fn;
    l->data = data;
    l->fd = -1;
    mig_address_format(at, l->where, sizeof l->where);
    if (!(at->path[0] != '\0' ? open_unix(l, at, err) : open_tcp(l, at, err))) {
        return mig_wrap(err, "%s", l->where);
    }
    watch(l);
    *ret = mig_steal(&l);
    return true;
}

const char *mig_listener_where(const struct mig_listener *l)
{
    return l->where;
}

void mig_listener_pause(struct mig_listener *l, bool paused)
{
    l->paused = paused;
    if (paused) {
        mig_watch_free(mig_steal(&l->readable));
    } else {
        watch(l);
    }
}

void mig_listener_free(struct mig_listener *l)
{
    struct stat st;

    if (l == NULL) {
        return;
    }
    mig_watch_free(l->readable);
    mig_watch_free(l->exhausted);
    mig_fd_close(l->fd);
    if (l->path != NULL && lstat(l->path, &st) == 0 && st.st_dev == l->dev && st.st_ino == l->ino) {
        (void)unlink(l->path);
    }
    mig_free(l->path);
    mig_free(l);
}
