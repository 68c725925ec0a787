/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: what is read from one side is written to the other
 * before more is read, so that nothing piles up here; the protocol answers
 * every message before the next, so that this can not lock up.  The tunnel's
 * DATA are the bytes of the main lane, its END is that this lane was closed.
 * There is no other lane: a second connection of the VMM is turned away.
 */
#include "chv_pass.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/log.h"
#include "base/now.h"
#include "compat/finding.h"
#include "gate/chv_compare.h"
#include "pact/contract.h"
#include "wire/dial.h"
#include "wire/listener.h"
#include "wire/loop.h"

#define CHUNK (256u * 1024)
#define TICK_MS 500
#define START_MS 300000 /* for send-migration, which somebody else calls */
#define SILENCE_MS 120000
#define WORD_MS 10000

#define ONE_LANE "one connection is carried: connections=1, memory_mode=Precopy"

struct passage {
    struct chv_pass *p;
    struct mig_loop *loop;
    struct mig_chv_proxy *proxy;
    struct mig_listener *listener;
    struct mig_watch *from_vmm, *from_far, *tick;
    uint64_t deadline;
    bool parting, finished, far_closed, turned_away;
    unsigned char bytes[CHUNK];
};

static enum mig_chv_side far_side(const struct passage *s)
{
    return s->p->near == MIG_CHV_SENDER ? MIG_CHV_RECEIVER : MIG_CHV_SENDER;
}

static void allow(struct passage *s)
{
    s->deadline = mig_now_ms() + (s->parting ? s->p->parting_ms : SILENCE_MS);
}

static void part(struct passage *s)
{
    if (!s->parting) {
        s->parting = true;
        allow(s);
    }
}

/* ---- out ---- */

/* One that breaks is told by reading from it. */
static void write_vmm(struct passage *s, const unsigned char *bytes, size_t len)
{
    while (len > 0) {
        ssize_t put = send(s->p->vmm, bytes, len, MSG_NOSIGNAL);
        struct pollfd p = {.fd = s->p->vmm, .events = POLLOUT};

        if (put > 0) {
            bytes += put;
            len -= (size_t)put;
        } else if ((errno != EAGAIN && errno != EINTR) ||
                   (errno == EAGAIN && poll(&p, 1, SILENCE_MS) == 0)) {
            (void)shutdown(s->p->vmm, SHUT_RDWR);
            return;
        }
    }
}

static void write_far(struct passage *s, enum mig_tunnel_kind kind, const unsigned char *bytes,
                      size_t len)
{
    const struct mig_tunnel_frame f = {kind, bytes, len};
    struct mig_error err;

    if (!mig_tunnel_send(s->p->gate->tunnel, &f, SILENCE_MS, &err)) {
        mig_log_info("%s", err.msg);
        (void)shutdown(s->p->gate->net, SHUT_WR);
    }
}

static void write_side(struct passage *s, enum mig_chv_side side, const unsigned char *bytes,
                       size_t len)
{
    if (side == s->p->near) {
        write_vmm(s, bytes, len);
        return;
    }
    while (len > 0 && !s->far_closed) {
        size_t some = len < CHUNK ? len : CHUNK;

        write_far(s, MIG_TUNNEL_DATA, bytes, some);
        bytes += some;
        len -= some;
    }
}

static void pad(struct passage *s, enum mig_chv_side side, size_t len)
{
    static const unsigned char zeros[4096];

    while (len > 0) {
        size_t some = len < sizeof zeros ? len : sizeof zeros;

        write_side(s, side, zeros, some);
        len -= some;
    }
}

static void close_side(struct passage *s, enum mig_chv_side side)
{
    if (side == s->p->near) {
        mig_watch_free(mig_steal(&s->from_vmm));
        mig_fd_close(s->p->vmm);
        s->p->vmm = -1;
    } else if (!s->far_closed) {
        write_far(s, MIG_TUNNEL_END, NULL, 0);
        s->far_closed = true;
    }
    part(s);
}

/* ---- judging ---- */

/* What stands against it; the caller frees. */
static char *look_at(struct passage *s, enum mig_chv_act what)
{
    const struct mig_snapshot *shown = s->p->gate->contract->shown;
    struct mig_findings findings = {0};
    struct mig_error err;
    char *told;

    if (what == MIG_CHV_JUDGE_CONFIG) {
        mig_chv_config_compare(shown, mig_chv_proxy_config(s->proxy), &findings);
    } else {
        mig_chv_state_compare(shown, mig_chv_proxy_state(s->proxy), &findings);
    }
    told = mig_chv_compare_tell(&findings);
    mig_findings_clear(&findings);
    if (told == NULL && what == MIG_CHV_JUDGE_STATE && s->p->near == MIG_CHV_RECEIVER &&
        !gate_advance(s->p->gate, MIG_STEP_SWITCH, NULL, NULL, &err)) {
        (void)mig_wrap(&err, "before the guest stopped for good");
        told = mig_strdup(err.msg);
    }
    return told;
}

static void judge(struct passage *s, enum mig_chv_act what)
{
    MIG_AUTO(mig_free) char *told = look_at(s, what);

    if (told == NULL) {
        mig_log_info("%s is that of the contract",
                     what == MIG_CHV_JUDGE_CONFIG ? "Config" : "State");
        mig_chv_proxy_approve(s->proxy);
    } else {
        part(s);
        (void)mig_chv_proxy_refuse(s->proxy, told);
    }
    allow(s);
}

static void finish(struct passage *s, const struct mig_chv_action *a)
{
    s->finished = true;
    s->p->outcome = a->outcome;
    (void)snprintf(s->p->reason, sizeof s->p->reason, "%s%s%s", a->reason,
                   s->turned_away ? "; it opened another connection, and " : "",
                   s->turned_away ? ONE_LANE : "");
    mig_loop_stop(s->loop);
}

static void perform(struct passage *s, const struct mig_chv_action *a)
{
    switch (a->act) {
    case MIG_CHV_WRITE:
        write_side(s, a->side, a->head, a->head_len);
        write_side(s, a->side, a->bytes, a->len);
        mig_fd_close(a->fd);
        break;
    case MIG_CHV_PAD:
        pad(s, a->side, a->len);
        break;
    case MIG_CHV_CONNECT:
        break; /* no other lane was accepted */
    case MIG_CHV_CLOSE:
        close_side(s, a->side);
        break;
    case MIG_CHV_JUDGE_CONFIG:
    case MIG_CHV_JUDGE_STATE:
        judge(s, a->act);
        break;
    case MIG_CHV_HANDED_OVER:
        s->p->handed_over = true;
        part(s);
        break;
    case MIG_CHV_FINISH:
        finish(s, a);
        break;
    }
}

static void drain(struct passage *s)
{
    struct mig_chv_action a;

    while (mig_chv_proxy_next(s->proxy, &a)) {
        perform(s, &a);
    }
}

/* ---- in ---- */

static void end(struct passage *s, enum mig_chv_side side)
{
    mig_chv_proxy_end(s->proxy, MIG_CHV_MAIN_LANE, side);
    drain(s);
}

/* Descriptors that came with the bytes are closed by the kernel: memory that is
 * passed by one can not go to another host, and the engine says so. */
static void on_vmm(int fd, void *data)
{
    struct passage *s = data;
    ssize_t got = read(fd, s->bytes, sizeof s->bytes);

    if (got > 0) {
        allow(s);
        mig_chv_proxy_take(s->proxy, MIG_CHV_MAIN_LANE, s->p->near, s->bytes, (size_t)got, -1);
        drain(s);
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        mig_watch_free(mig_steal(&s->from_vmm));
        end(s, s->p->near);
    }
}

static void keep_word(struct chv_pass *p, const struct mig_tunnel_frame *f)
{
    p->word = f->kind;
    p->said = mig_bytes_copy(f->bytes, f->len);
}

#define ANY                                                                                        \
    (MIG_TUNNEL_ONLY(MIG_TUNNEL_DATA) | MIG_TUNNEL_ONLY(MIG_TUNNEL_END) |                          \
     MIG_TUNNEL_ONLY(MIG_TUNNEL_OFFER) | MIG_TUNNEL_ONLY(MIG_TUNNEL_VERDICT))

static void end_far(struct passage *s)
{
    mig_watch_free(mig_steal(&s->from_far));
    end(s, far_side(s));
}

static void take_frame(struct passage *s)
{
    struct mig_tunnel_frame f;
    struct mig_error err;

    if (!mig_tunnel_receive(s->p->gate->tunnel, ANY, SILENCE_MS, &f, &err)) {
        mig_log_info("%s", err.msg);
        end_far(s);
        return;
    }
    allow(s);
    if (f.kind == MIG_TUNNEL_DATA) {
        mig_chv_proxy_take(s->proxy, MIG_CHV_MAIN_LANE, far_side(s), f.bytes, f.len, -1);
        drain(s);
        return;
    }
    if (f.kind != MIG_TUNNEL_END) {
        keep_word(s->p, &f);
    }
    end_far(s);
}

static void on_far(int fd __attribute__((unused)), void *data)
{
    struct passage *s = data;

    while (!s->finished && s->from_far != NULL && mig_tunnel_ready(s->p->gate->tunnel)) {
        take_frame(s);
    }
}

/* ---- time ---- */

/* Whom it waits for in vain: the receiver, unless it has the guest. */
static void on_silence(struct passage *s)
{
    if (s->parting) {
        end(s, s->p->handed_over ? MIG_CHV_SENDER : MIG_CHV_RECEIVER);
        return;
    }
    part(s);
    if (!mig_chv_proxy_refuse(s->proxy, "nothing moved for too long")) {
        end(s, MIG_CHV_RECEIVER);
    }
    drain(s);
}

static void tick(struct passage *s);

static void on_tick(int unused __attribute__((unused)), void *data)
{
    struct passage *s = data;

    mig_watch_free(mig_steal(&s->tick));
    if (s->proxy == NULL && mig_now_ms() > s->deadline) {
        mig_loop_stop(s->loop);
        return;
    }
    if (s->proxy != NULL) {
        on_far(-1, s);
    }
    if (!s->finished && s->proxy != NULL && mig_now_ms() > s->deadline) {
        on_silence(s);
    }
    tick(s);
}

static void tick(struct passage *s)
{
    s->tick = mig_loop_timer(s->loop, TICK_MS, on_tick, s);
}

/* ---- from start to end ---- */

static void begin(struct passage *s, int vmm)
{
    s->p->vmm = vmm;
    mig_dial_tune(vmm);
    s->proxy = mig_chv_proxy_new();
    s->from_vmm = mig_loop_readable(s->loop, vmm, on_vmm, s);
    s->from_far = mig_loop_readable(s->loop, s->p->gate->net, on_far, s);
    s->deadline = mig_now_ms() + START_MS;
}

static void on_connection(int fd, void *data)
{
    struct passage *s = data;

    if (s->proxy == NULL) {
        begin(s, fd);
        return;
    }
    mig_log_error("another connection is turned away: " ONE_LANE);
    s->turned_away = true;
    mig_fd_close(fd);
}

static bool start(struct passage *s, struct mig_error *err)
{
    if (s->p->listen == NULL) {
        begin(s, s->p->vmm);
        return true;
    }
    s->deadline = mig_now_ms() + START_MS;
    if (!mig_listener_new(s->loop, s->p->listen, on_connection, s, &s->listener, err)) {
        return false;
    }
    mig_log_info("listening on %s", mig_listener_where(s->listener));
    return true;
}

bool chv_pass_run(struct chv_pass *p, struct mig_error *err)
{
    struct passage *s = MIG_NEW(struct passage);
    bool ran;

    s->p = p;
    s->loop = mig_loop_new();
    tick(s);
    ran = start(s, err);
    if (ran && !mig_loop_run(s->loop)) {
        ran = mig_fail(err, MIG_INTERNAL, "the event loop broke");
    } else if (ran && s->proxy == NULL) {
        ran = mig_fail(err, MIG_UNREACHABLE, "the VMM sends nothing");
    }
    if (ran) {
        mig_log_info("%llu bytes of memory went by: %s",
                     (unsigned long long)mig_chv_proxy_memory(s->proxy),
                     mig_chv_outcome_name(p->outcome));
    }
    mig_watch_free(s->from_vmm);
    mig_watch_free(s->from_far);
    mig_watch_free(s->tick);
    mig_listener_free(s->listener);
    mig_fd_close(p->vmm);
    p->vmm = -1;
    mig_chv_proxy_free(s->proxy);
    mig_loop_free(s->loop);
    mig_free(s);
    return ran;
}

/* ---- last words ---- */

bool chv_pass_hear(struct chv_pass *p, uint64_t timeout_ms, struct mig_error *err)
{
    while (p->word == 0) {
        struct mig_tunnel_frame f;

        if (!mig_tunnel_receive(p->gate->tunnel, ANY, timeout_ms, &f, err)) {
            return false;
        }
        if (f.kind == MIG_TUNNEL_OFFER || f.kind == MIG_TUNNEL_VERDICT) {
            keep_word(p, &f);
        }
    }
    return true;
}

bool chv_pass_fail(struct chv_pass *p, struct mig_error *err)
{
    const struct gate *g = p->gate;
    const char *other =
        p->near == MIG_CHV_SENDER ? g->agreement.destination.host : g->agreement.source.host;
    struct mig_error theirs;

    (void)mig_fail(err, p->outcome == MIG_CHV_REFUSED ? MIG_REFUSED : MIG_UNREACHABLE, "%s",
                   p->reason);
    if (!link_send_verdict(g->tunnel, err, &theirs)) {
        mig_log_info("%s", theirs.msg);
    }
    if (p->outcome != MIG_CHV_REFUSED && chv_pass_hear(p, WORD_MS, &theirs) &&
        p->word == MIG_TUNNEL_VERDICT) {
        const struct mig_tunnel_frame f = {p->word, p->said.items, p->said.len};

        if (!mig_tunnel_verdict_decode(&f, &theirs)) {
            (void)mig_fail(err, MIG_REFUSED, "%s; %s: %s", p->reason, other, theirs.msg);
        }
    }
    return false;
}
