/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: until QEMU is told to continue from pre-switchover, any
 * failure leaves the guest running where it is: QEMU is told to cancel, and a
 * stream that breaks ends the migration by itself.  After that word the guest
 * has stopped.  It is resumed here only when the other gate says that it does
 * not run there; without an answer it stays stopped, for two of it would be
 * worse than none.
 */
#include "qemu.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/log.h"
#include "hook.h"
#include "seal/seal.h"

/* How often QEMU is asked how far it is. */
#define ASK_NS (20L * 1000 * 1000)
/* The other QEMU loads devices and starts the guest. */
#define ARRIVAL_MS 60000

static const struct mig_option rows[] = {
#define OPTION MIG_HOST_OPTION
#include "session/host_options.def"
    MIG_HOST_OPTION_CONFIG,
    GATE_SEND_ROWS(qemu_gate, "qemu"),
    GATE_ROW(qemu_gate, "stream", 0, TEXT, stream, "ADDRESS", NULL,
             "somebody else tells QEMU to migrate: to unix:/PATH or a loopback HOST:PORT, or with "
             "- by exec: of this command"),
    QEMU_ROWS,
};
/* What is going on while memory moves. */
struct passage {
    struct qemu_gate *gate;
    int timer;
    enum mig_migration_state state;
    bool asked, continued;
    bool said_no;  /* the other gate: nothing runs there */
    char why[256]; /* QEMU's words */
};

/* ---- the head ---- */

static bool wait_readable(int fd, struct mig_error *err)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int got;

    do {
        got = poll(&p, 1, QEMU_HEAD_MS);
    } while (got < 0 && errno == EINTR);
    return got > 0 || mig_fail(err, MIG_UNREACHABLE, "QEMU sends nothing");
}

/* Off QEMU's socket or pipe; what came behind it is in @ret_more. */
static bool read_head(struct mig_qemu_head *h, int qemu, struct mig_bytes *ret_more,
                      struct mig_error *err)
{
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;

    while (state == MIG_QEMU_NEEDS_MORE) {
        unsigned char bytes[4096];
        size_t used = 0;
        ssize_t got;

        if (!wait_readable(qemu, err)) {
            return false;
        }
        got = read(qemu, bytes, sizeof bytes);
        if (got <= 0) {
            return mig_qemu_head_ended(h, err);
        }
        state = mig_qemu_head_feed(h, bytes, (size_t)got, &used, err);
        if (state == MIG_QEMU_DONE && used < (size_t)got) {
            *ret_more = mig_bytes_copy(bytes + used, (size_t)got - used);
        }
    }
    return state == MIG_QEMU_DONE;
}

static bool send_data(struct qemu_gate *g, const unsigned char *bytes, size_t len,
                      struct mig_error *err)
{
    const struct mig_tunnel_frame f = {MIG_TUNNEL_DATA, bytes, len};

    return len == 0 || mig_tunnel_send(g->base.tunnel, &f, QEMU_PATIENCE_MS, err);
}

/* Nothing goes before all of it has been looked at. */
static bool send_head(struct qemu_gate *g, int qemu, struct mig_error *err)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes more = {0};
    const unsigned char *bytes;
    size_t len;

    if (!read_head(h, qemu, &more, err) || !qemu_check_head(g, h, err)) {
        return false;
    }
    bytes = mig_qemu_head_bytes(h, &len);
    return send_data(g, bytes, len, err) && send_data(g, more.items, more.len, err);
}

/* ---- while memory moves ---- */

static void ask_second_check(struct passage *p)
{
    const struct mig_tunnel_frame f = {MIG_TUNNEL_CHECK, NULL, 0};

    p->asked = true;
    mig_tunnel_queue(p->gate->base.tunnel, &f);
}

static bool on_tick(struct mig_tunnel *t __attribute__((unused)), void *data, struct mig_error *err)
{
    struct passage *p = data;
    uint64_t ticks;

    if (read(p->timer, &ticks, sizeof ticks) < 0 && errno != EAGAIN) {
        return mig_fail_errno(err, MIG_INTERNAL, "timer");
    }
    if (p->continued) { /* QEMU answers nothing until we have read what it still sends */
        return true;
    }
    mig_qmp_extend(p->gate->monitor, QEMU_PATIENCE_MS);
    if (!mig_migration_ask(p->gate->monitor, &p->state, p->why, err)) {
        return false;
    }
    if (p->state == MIG_MIGRATION_WAITS && !p->asked) {
        ask_second_check(p);
    }
    return true;
}

static bool on_frame(struct mig_tunnel *t __attribute__((unused)), const struct mig_tunnel_frame *f,
                     void *data, struct mig_error *err)
{
    struct passage *p = data;
    const struct mig_tunnel_frame verdict = {MIG_TUNNEL_VERDICT, f->bytes, f->len};

    if (f->kind == MIG_TUNNEL_VERDICT && !mig_tunnel_verdict_decode(f, err)) {
        p->said_no = true;
        err->code = MIG_REFUSED; /* whatever it is there, here it is a no */
        return mig_wrap(err, "%s", p->gate->base.agreement.destination.host);
    }
    if (f->kind != MIG_TUNNEL_CHECK || f->len == 0 || !p->asked || p->continued) {
        return mig_fail(err, MIG_FORMAT, "the other gate says %s out of turn",
                        mig_tunnel_kind_name(f->kind));
    }
    if (!mig_tunnel_verdict_decode(&verdict, err)) {
        err->code = MIG_REFUSED;
        return mig_wrap(err, "before the guest stopped for good: %s",
                        p->gate->base.agreement.destination.host);
    }
    p->continued = true;
    return mig_migration_continue(p->gate->monitor, err);
}

static int timer_new(void)
{
    const struct itimerspec often = {.it_interval.tv_nsec = ASK_NS, .it_value.tv_nsec = ASK_NS};
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);

    if (fd >= 0 && timerfd_settime(fd, 0, &often, NULL) != 0) {
        mig_fd_close(fd);
        return -1;
    }
    return fd;
}

static bool pump(struct passage *p, int in, int out, struct mig_error *err)
{
    struct mig_tunnel_pump stream = {.name = "QEMU",
                                     .in = in,
                                     .out = out,
                                     .frame = on_frame,
                                     .watch = p->timer,
                                     .watched = on_tick,
                                     .data = p};

    if (p->timer < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "timer");
    }
    if (!mig_tunnel_pump(p->gate->base.tunnel, &stream, err)) {
        return false;
    }
    mig_log_info("%llu bytes sent, %llu received", (unsigned long long)stream.sent,
                 (unsigned long long)stream.received);
    return true;
}

static bool send_and_pump(struct passage *p, int in, int out, struct mig_error *err)
{
    return send_head(p->gate, in, err) && pump(p, in, out, err);
}

/* We tell QEMU to migrate, into a socket that it is given. */
static bool drive(struct passage *p, struct mig_error *err)
{
    struct qemu_gate *g = p->gate;
    unsigned char uuid[MIG_QEMU_UUID];
    MIG_AUTO(mig_fd_close) int ours = -1;
    int pair[2];
    bool good;

    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) != 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "socketpair");
    }
    ours = pair[0];
    good = mig_migration_prepare_source(g->monitor, qemu_has_uuid(g, uuid), err) &&
           mig_migration_send(g->monitor, pair[1], err);
    mig_fd_close(pair[1]);
    return good && send_and_pump(p, ours, ours, err);
}

/* Somebody else does, and QEMU comes to us. */
static bool await(struct passage *p, struct mig_error *err)
{
    struct qemu_gate *g = p->gate;
    MIG_AUTO(link_door_close) struct link_door *door = NULL;
    MIG_AUTO(mig_fd_close) int qemu = -1;
    unsigned char uuid[MIG_QEMU_UUID];
    struct mig_address at;
    bool piped = strcmp(g->stream, "-") == 0;

    if (!piped && (!mig_address_parse(g->stream, &at, err) || !link_door_open(&at, &door, err) ||
                   !link_door_wait(door, &qemu, err))) {
        return false;
    }
    mig_qmp_extend(g->monitor, QEMU_PATIENCE_MS);
    return mig_migration_check_source(g->monitor, qemu_has_uuid(g, uuid), err) &&
           send_and_pump(p, piped ? STDIN_FILENO : qemu, piped ? STDOUT_FILENO : qemu, err);
}

static bool pass(struct passage *p, struct mig_error *err)
{
    mig_qmp_extend(p->gate->monitor, QEMU_PATIENCE_MS);
    return p->gate->stream == NULL ? drive(p, err) : await(p, err);
}

/* ---- how it ended ---- */

/* Nothing runs there: the guest goes on here. */
static void go_on(struct passage *p)
{
    struct mig_error err;

    mig_qmp_extend(p->gate->monitor, QEMU_PATIENCE_MS);
    if (!mig_migration_cancel(p->gate->monitor, &err) ||
        (p->continued && !mig_migration_resume(p->gate->monitor, &err))) {
        mig_log_error("%s: it may have to be resumed by hand (cont)", err.msg);
    }
    gate_abandon(&p->gate->base);
}

static bool hear_end(struct passage *p, struct mig_error *err)
{
    struct qemu_gate *g = p->gate;
    struct mig_tunnel_frame f;

    if (!mig_tunnel_receive(g->base.tunnel,
                            MIG_TUNNEL_ONLY(MIG_TUNNEL_OFFER) | MIG_TUNNEL_ONLY(MIG_TUNNEL_VERDICT),
                            ARRIVAL_MS, &f, err)) {
        if (!p->continued) {
            go_on(p);
            return false;
        }
        return mig_wrap(err,
                        "not known whether %s runs on %s: it stays stopped here; ask there, and "
                        "only if it does not, resume it here (cont)",
                        g->base.agreement.vm, g->base.agreement.destination.host);
    }
    if (f.kind == MIG_TUNNEL_OFFER) {
        return gate_depart(&g->base, &f, err);
    }
    if (mig_tunnel_verdict_decode(&f, err)) {
        (void)mig_fail(err, MIG_FORMAT, "said yes out of turn");
    }
    go_on(p);
    err->code = MIG_REFUSED;
    return mig_wrap(err, "%s", g->base.agreement.destination.host);
}

/* What comes there is not encrypted. */
static bool check_stream(const struct qemu_gate *g, struct mig_error *err)
{
    struct mig_address at;

    if (g->stream == NULL || strcmp(g->stream, "-") == 0) {
        return true;
    }
    return mig_address_parse(g->stream, &at, err) &&
           (link_is_local(&at) ||
            mig_fail(err, MIG_USAGE, "stream %s: expected -, unix:/PATH or a loopback address",
                     g->stream));
}

static bool move(void *gate, const struct mig_words *words, struct mig_error *err)
{
    struct qemu_gate *g = gate;
    struct passage p = {.gate = g, .timer = -1};
    bool passed;

    if (!check_stream(g, err) || !gate_agree(&g->base, words, err) ||
        !gate_connect(&g->base, err) || !gate_get_approval(&g->base, err)) {
        gate_abandon(&g->base);
        return false;
    }
    p.timer = timer_new();
    passed = pass(&p, err);
    mig_fd_close(p.timer);
    if (passed) {
        return hear_end(&p, err);
    }
    if (p.continued && !p.said_no) {
        return mig_wrap(err,
                        "the stream broke after the guest had stopped: not known whether it runs "
                        "on %s; ask there, and only if it does not, resume it here (cont)",
                        g->base.agreement.destination.host);
    }
    go_on(&p);
    return false;
}

static bool has_all(const void *gate)
{
    return ((const struct qemu_gate *)gate)->base.other != NULL;
}

int qemu_send(int argc, char **argv)
{
    static const struct gate_form form = {
        .options = {rows, sizeof rows / sizeof *rows},
        .usage = "qemu send --qmp SOCKET --gate ADDRESS [options] VM DST",
        .operands = 2,
        .has_all = has_all,
        .begin = qemu_begin,
        .act = move,
        .end = qemu_end,
    };
    struct qemu_gate g = {0};

    return gate_run(&form, argc, argv, &g.base);
}
