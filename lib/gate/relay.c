/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"

/* What a pipe holds at most without privilege, unless the host says less. */
#define PIPE_BYTES (1 << 20)

/* One direction.  Bytes wait in the pipe while spliced, in the buffer when
 * they have to be copied. */
struct flow {
    const char *from_name, *to_name;
    int from, *to;
    int pipe[2];
    unsigned char *buffer; /* PIPE_BYTES; NULL while spliced */
    size_t at, held;       /* at is of the buffer */
    const unsigned char *first;
    size_t first_len;
    uint64_t moved;
    bool full, ended, done;
};

bool mig_relay_prepare(int fd, const char *name, struct mig_error *err)
{
    int flags = fcntl(fd, F_GETFL);

    return (flags >= 0 && fcntl(fd, F_SETFL, flags | O_NONBLOCK) == 0) ||
           mig_fail_errno(err, MIG_IO, "%s: descriptor %d", name, fd);
}

bool mig_relay_shut(int *fd, const char *name, struct mig_error *err)
{
    if (shutdown(*fd, SHUT_WR) == 0 || errno == ENOTCONN) {
        return true;
    }
    if (errno != ENOTSOCK) {
        return mig_fail_errno(err, MIG_IO, "ending what goes to %s", name);
    }
    mig_fd_close(*fd);
    *fd = -1;
    return true;
}

static bool is_wait(ssize_t done)
{
    return done < 0 && (errno == EAGAIN || errno == EINTR);
}

/* ---- one direction ---- */

/* Not every kind of file can be spliced. */
static bool copy_from_now_on(struct flow *f, struct mig_error *err)
{
    f->buffer = mig_alloc(PIPE_BYTES, 1);
    while (f->at < f->held) {
        ssize_t got = read(f->pipe[0], f->buffer + f->at, f->held - f->at);

        if (got <= 0) {
            return mig_fail_errno(err, MIG_INTERNAL, "relay: own pipe");
        }
        f->at += (size_t)got;
    }
    f->at = 0;
    return true;
}

static ssize_t read_some(struct flow *f)
{
    if (f->buffer == NULL) {
        return splice(f->from, NULL, f->pipe[1], NULL, PIPE_BYTES,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    }
    return read(f->from, f->buffer, PIPE_BYTES);
}

static bool fill(struct flow *f, struct mig_error *err)
{
    ssize_t got;

    if (f->ended || f->full || (f->buffer != NULL && f->held > 0)) {
        return true;
    }
    got = read_some(f);
    if (got < 0 && errno == EINVAL && f->buffer == NULL) {
        return copy_from_now_on(f, err);
    }
    if (is_wait(got)) {
        f->full = f->held > 0; /* or nothing to read: the next bytes out tell */
        return true;
    }
    if (got < 0) {
        return mig_fail_errno(err, MIG_IO, "relay: reading from %s", f->from_name);
    }
    f->ended = got == 0;
    f->held += (size_t)got;
    f->moved += (uint64_t)got;
    return true;
}

static ssize_t write_some(struct flow *f)
{
    if (f->first_len > 0) {
        return write(*f->to, f->first, f->first_len);
    }
    if (f->buffer == NULL) {
        return splice(f->pipe[0], NULL, *f->to, NULL, f->held,
                      SPLICE_F_MOVE | SPLICE_F_NONBLOCK | (f->ended ? 0 : SPLICE_F_MORE));
    }
    return write(*f->to, f->buffer + f->at, f->held);
}

static void note_written(struct flow *f, size_t len)
{
    if (f->first_len > 0) {
        f->first += len;
        f->first_len -= len;
        return;
    }
    f->held -= len;
    f->full = false;
    f->at = f->held == 0 || f->buffer == NULL ? 0 : f->at + len;
}

static bool has_to_write(const struct flow *f)
{
    return f->first_len > 0 || f->held > 0;
}

static bool drain(struct flow *f, struct mig_error *err)
{
    while (has_to_write(f)) {
        ssize_t put = write_some(f);

        if (put < 0 && errno == EINVAL && f->buffer == NULL && f->first_len == 0) {
            if (!copy_from_now_on(f, err)) {
                return false;
            }
            continue;
        }
        if (is_wait(put)) {
            return true;
        }
        if (put < 0) {
            return mig_fail_errno(err, MIG_IO, "relay: writing to %s", f->to_name);
        }
        note_written(f, (size_t)put);
    }
    return true;
}

/* ---- both ---- */

static bool start(struct flow *f, struct mig_error *err)
{
    if (pipe2(f->pipe, O_CLOEXEC | O_NONBLOCK) != 0) {
        return mig_fail_errno(err, MIG_IO, "relay: pipe");
    }
    (void)fcntl(f->pipe[1], F_SETPIPE_SZ, PIPE_BYTES); /* a smaller one is only slower */
    return mig_relay_prepare(f->from, f->from_name, err) &&
           mig_relay_prepare(*f->to, f->to_name, err);
}

static void stop(struct flow *f)
{
    mig_fd_close(f->pipe[0]);
    mig_fd_close(f->pipe[1]);
    mig_free(f->buffer);
}

static bool turn(struct mig_relay *r, struct flow *f, int from, struct mig_error *err)
{
    if (f->done) {
        return true;
    }
    if (!fill(f, err) || !drain(f, err)) {
        return false;
    }
    r->moved[from] = f->moved;
    if (!f->ended || has_to_write(f)) {
        return true;
    }
    f->done = true;
    if (!mig_relay_shut(f->to, f->to_name, err)) {
        return false;
    }
    if (r->ended != NULL) {
        r->ended(from, f->moved, r->data);
    }
    return true;
}

static bool wants_to_read(const struct flow *f)
{
    return !f->done && !f->ended && !f->full && (f->buffer == NULL || f->held == 0);
}

/* A reader that went away shows even with nothing to write, but for a socket
 * only to the direction that reads it. */
static bool await(const struct flow flows[2], struct mig_error *err)
{
    struct pollfd p[4];

    for (int i = 0; i < 2; i++) {
        const struct flow *f = &flows[i];
        bool is_socket = *f->to == flows[1 - i].from;

        p[i] = (struct pollfd){.fd = wants_to_read(f) ? f->from : -1, .events = POLLIN};
        p[2 + i] = (struct pollfd){.fd = f->done || (is_socket && !has_to_write(f)) ? -1 : *f->to,
                                   .events = has_to_write(f) ? POLLOUT : 0};
    }
    if (poll(p, 4, -1) < 0 && errno != EINTR) {
        return mig_fail_errno(err, MIG_IO, "relay: poll");
    }
    for (int i = 0; i < 2; i++) {
        if (p[2 + i].events == 0 && (p[2 + i].revents & (POLLERR | POLLHUP)) != 0) {
            return mig_fail(err, MIG_IO, "relay: %s reads no more", flows[i].to_name);
        }
    }
    return true;
}

static bool run(struct mig_relay *r, struct flow flows[2], struct mig_error *err)
{
    while (!flows[0].done || !flows[1].done) {
        if (!turn(r, &flows[0], 0, err) || !turn(r, &flows[1], 1, err)) {
            return false;
        }
        if ((!flows[0].done || !flows[1].done) && !await(flows, err)) {
            return false;
        }
    }
    return true;
}

bool mig_relay_run(struct mig_relay *r, struct mig_error *err)
{
    struct flow flows[2];
    bool done = true;

    for (int i = 0; i < 2; i++) {
        struct mig_relay_end *to = &r->end[1 - i];

        flows[i] = (struct flow){
            .from_name = r->end[i].name,
            .to_name = to->name,
            .from = r->end[i].in,
            .to = &to->out,
            .pipe = {-1, -1},
            .first = to->first,
            .first_len = to->first_len
        };
        r->moved[i] = 0;
    }
    for (int i = 0; i < 2 && done; i++) {
        done = start(&flows[i], err);
    }
    done = done && run(r, flows, err);
    for (int i = 0; i < 2; i++) {
        stop(&flows[i]);
    }
    return done;
}
