/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 *   DIALLING --> SHAKING --> READY --> OVER
 *                   |          |        ^
 *                   +--> PARTING -------+
 *
 * DIALLING  (outgoing only) dial.c resolves and connects.
 * SHAKING   TLS; OpenSSL verifies chain and name inside of it, then admit()
 *           decides about the certificate.
 * READY     frames both ways.
 * PARTING   (accepted only) we refused: an ERROR frame goes out if TLS stands,
 *           then our half of the connection is closed and what still comes is
 *           thrown away for a moment.  To close at once would let the kernel
 *           answer a request on its way with a reset, which may overtake the
 *           reason.  The owner hears FAILED at the end, so that a peer that is
 *           parting still counts against its limit.
 * OVER      FAILED, CLOSED or TIMEOUT was given; only close is left.
 *
 * A TLS 1.3 client is done before the server has seen its certificate.  A
 * refusal therefore reaches a client that is READY already, as an alert or as
 * an ERROR frame with id 0; both become FAILED.  If the request could not be
 * written because the server has gone, the reason is still in the receive
 * queue: a failed write is reported only after reading all there is.
 *
 * Every event is given from turn() or from the deadline, which libevent calls;
 * no function of peer.h calls back.  What is to happen "now" in one of those
 * is left for the next turn by wake().  The owner may close from inside any
 * event: `closed` is checked behind each one, and the memory is buried by the
 * loop after the stack has unwound.
 */
#include "wire/peer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include <event2/event.h>

#include "base/alloc.h"
#include "wire/dial.h"
#include "wire/message.h"
#include "wire/stream.h"

/* Messages taken from one peer before others get their turn. */
#define MESSAGES_PER_TURN 8
/* How long a refused peer may take to close its side, and what is thrown away
 * of what it still sends before others get their turn. */
#define PARTING_MS 1000
#define DISCARDS_PER_TURN 16

enum state { DIALLING, SHAKING, READY, PARTING, OVER };

struct mig_peer {
    struct mig_loop *loop;
    struct mig_peer_options o;
    enum state state;
    bool accepted;
    bool closed;        /* by the owner */
    bool inside;        /* turn() is on the stack and will flush */
    bool flooded;       /* the owner sent more than may wait */
    bool sending;       /* DRAINED is owed */
    bool parted;        /* our half is closed */
    bool until_drained; /* the deadline is for the other side to read */
    const char *phase;
    const char *expected; /* phase that mig_peer_expect() named, NULL = none */
    char told_phase[32];  /* phase that the other side named in an ERROR frame */
    uint64_t deadline_ms; /* as set, for messages */
    struct mig_address to;
    char where[MIG_ADDRESS_TEXT];
    struct mig_dial *dial;
    int fd;
    struct mig_stream stream;
    struct event *readable, *writable, *deadline, *waker;
    struct mig_message message;
    struct mig_error error;
};

static void turn(evutil_socket_t fd, short what, void *data);

/* ---- ends ---- */

static void free_event(struct event **e)
{
    if (*e != NULL) {
        event_free(*e);
        *e = NULL;
    }
}

/* Let go of everything that can call us. */
static void hang_up(struct mig_peer *p)
{
    free_event(&p->readable);
    free_event(&p->writable);
    free_event(&p->deadline);
    free_event(&p->waker);
    mig_dial_free(mig_steal(&p->dial));
    mig_stream_clear(&p->stream);
    mig_fd_close(p->fd);
    p->fd = -1;
}

/* False if the owner closed the peer in its callback. */
static bool emit(struct mig_peer *p, enum mig_peer_event event)
{
    p->o.fn(p, event, p->o.data);
    return !p->closed;
}

static void end(struct mig_peer *p, enum mig_peer_event event)
{
    p->state = OVER;
    hang_up(p);
    (void)emit(p, event);
}

static void set_deadline(struct mig_peer *p, uint64_t ms)
{
    struct timeval after = {.tv_sec = (time_t)(ms / 1000),
                            .tv_usec = (suseconds_t)(ms % 1000 * 1000)};

    p->deadline_ms = ms;
    p->until_drained = false;
    if (ms == 0) {
        (void)event_del(p->deadline);
    } else {
        MIG_ASSERT(event_add(p->deadline, &after) == 0);
    }
}

/* What was expected has come. */
static void settle(struct mig_peer *p)
{
    set_deadline(p, 0);
    p->expected = NULL;
    p->phase = "ready";
}

/* Nothing follows from us. */
static void close_half(struct mig_peer *p)
{
    if (!p->parted) {
        p->parted = true;
        if (p->stream.channel != NULL) {
            mig_channel_farewell(p->stream.channel);
        }
        (void)shutdown(p->fd, SHUT_WR);
    }
}

/* "127.0.0.1:7443: TLS: peer does not speak TLS", unless the text speaks of a
 * certificate and says already whose it is. */
static void name_peer(struct mig_peer *p)
{
    const struct mig_channel *ch = p->stream.channel;

    if (ch == NULL || !mig_channel_blames_certificate(ch)) {
        (void)mig_wrap(&p->error, "%s: %s", p->where, p->phase);
    }
}

/* p->error says why.  Nothing more can be said to the other side. */
static void fail(struct mig_peer *p)
{
    name_peer(p);
    end(p, MIG_PEER_FAILED);
}

static void part(struct mig_peer *p)
{
    name_peer(p);
    p->state = PARTING;
    set_deadline(p, PARTING_MS);
}

/* As fail(), but an asker shall hear p->error first. */
static void refuse(struct mig_peer *p)
{
    MIG_AUTO(mig_message_clear)
    struct mig_message m = {
        .kind = MIG_MESSAGE_ERROR, .code = p->error.code, .phase = mig_strdup(p->phase)};
    struct mig_error too_long;

    m.text = mig_strdup(p->error.msg);
    if (p->accepted && mig_stream_queue(&p->stream, &m, &too_long)) {
        part(p);
    } else {
        close_half(p);
        fail(p);
    }
}

static void on_deadline(evutil_socket_t fd __attribute__((unused)),
                        short what __attribute__((unused)), void *data)
{
    struct mig_peer *p = data;

    if (p->state == PARTING) {
        end(p, MIG_PEER_FAILED);
        return;
    }
    if (p->dial != NULL) {
        p->phase = mig_dial_phase(p->dial);
    }
    (void)mig_fail(&p->error, MIG_UNREACHABLE, "%s: %s: %s within %llu ms", p->where, p->phase,
                   p->until_drained ? "our answer was not read" : "no answer",
                   (unsigned long long)p->deadline_ms);
    end(p, MIG_PEER_TIMEOUT);
}

/* ---- write ---- */

/* Have turn() called soon. */
static void wake(struct mig_peer *p)
{
    event_active(p->waker, EV_TIMEOUT, 0);
}

/* Write what waits.  False and p->error if the connection does not take it. */
static bool flush(struct mig_peer *p)
{
    enum mig_channel_state state = mig_stream_flush(&p->stream, &p->error);

    if (state == MIG_CHANNEL_WANTS_WRITE) {
        MIG_ASSERT(event_add(p->writable, NULL) == 0);
    }
    return state <= MIG_CHANNEL_WANTS_WRITE;
}

/* DRAINED when the last byte has gone; false if the owner closed in it. */
static bool tell_drained(struct mig_peer *p)
{
    if (!p->sending || !mig_stream_is_drained(&p->stream)) {
        return true;
    }
    p->sending = false;
    if (p->until_drained) {
        settle(p);
    }
    return emit(p, MIG_PEER_DRAINED);
}

/* The deadline of a message that nobody named a phase for: an asker waits for
 * the answer, an answerer until the asker has read it. */
static void expect_by_default(struct mig_peer *p)
{
    if (p->expected == NULL && p->o.timeout_ms > 0 && p->state == READY) {
        mig_peer_expect(p, p->accepted ? "send" : "answer", p->o.timeout_ms);
        p->until_drained = p->accepted;
    }
}

void mig_peer_send(struct mig_peer *p, const struct mig_message *m)
{
    if (p->closed || p->state >= PARTING || p->flooded) {
        return;
    }
    if (mig_stream_queue(&p->stream, m, &p->error)) {
        p->sending = true;
        expect_by_default(p);
    } else {
        p->flooded = true;
    }
    if (p->flooded || !p->inside) {
        wake(p);
    }
}

/* ---- read ---- */

/* The other side gave up on the connection and says why. */
static void take_farewell(struct mig_peer *p)
{
    (void)snprintf(p->told_phase, sizeof p->told_phase, "%s", p->message.phase);
    p->phase = p->told_phase[0] != '\0' ? p->told_phase : "ready";
    (void)mig_fail(&p->error, p->message.code, "peer refused: %s", p->message.text);
    fail(p);
}

/* False if the peer ended. */
static bool take_message(struct mig_peer *p)
{
    bool open = false;

    if (p->message.kind == MIG_MESSAGE_ERROR && p->message.id == 0) {
        take_farewell(p);
    } else {
        if (!p->until_drained) {
            settle(p);
        }
        open = emit(p, MIG_PEER_MESSAGE);
    }
    mig_message_clear(&p->message);
    return open;
}

static void take_break(struct mig_peer *p)
{
    if (p->error.code == MIG_FORMAT || p->error.code == MIG_LIMIT) {
        refuse(p);
        return;
    }
    if (p->error.code == MIG_REFUSED) {
        p->phase = "verify"; /* the server judges while we are READY already */
    }
    fail(p);
}

/* False if the peer ended. */
static bool read_all(struct mig_peer *p)
{
    for (int i = 0; i < MESSAGES_PER_TURN; i++) {
        switch (mig_stream_receive(&p->stream, &p->message, &p->error)) {
        case MIG_CHANNEL_DONE:
            if (!take_message(p)) {
                return false;
            }
            break;
        case MIG_CHANNEL_WANTS_READ:
        case MIG_CHANNEL_WANTS_WRITE:
            return true;
        case MIG_CHANNEL_ENDED:
            close_half(p);
            end(p, MIG_PEER_CLOSED);
            return false;
        case MIG_CHANNEL_BROKEN:
            take_break(p);
            return false;
        }
    }
    /* The rest may be in our buffers, where the kernel does not see it. */
    wake(p);
    return true;
}

/* ---- turns ---- */

static void converse(struct mig_peer *p)
{
    struct mig_error lost;

    if (!flush(p)) {
        lost = p->error;
        if (read_all(p)) {
            p->error = lost;
            fail(p);
        }
        return;
    }
    if (!tell_drained(p) || !read_all(p)) {
        return;
    }
    /* Answers of this turn go out in this turn. */
    if (flush(p)) {
        (void)tell_drained(p);
    } else {
        wake(p);
    }
}

static void discard(struct mig_peer *p)
{
    unsigned char waste[4096];

    if (!flush(p)) {
        end(p, MIG_PEER_FAILED);
        return;
    }
    if (!mig_stream_is_drained(&p->stream)) {
        return;
    }
    close_half(p);
    for (int i = 0; i < DISCARDS_PER_TURN; i++) {
        ssize_t got = recv(p->fd, waste, sizeof waste, 0);

        if (got == 0 || (got < 0 && errno != EAGAIN && errno != EINTR)) {
            end(p, MIG_PEER_FAILED);
            return;
        }
        if (got < 0) {
            return;
        }
    }
}

static void admit(struct mig_peer *p)
{
    struct x509_st *leaf;
    bool admitted;

    p->phase = "verify";
    admitted = mig_channel_leaf(p->stream.channel, &leaf, &p->error) &&
               p->o.admit(p, leaf, p->o.data, &p->error);
    if (p->closed) {
        return;
    }
    if (!admitted) {
        refuse(p);
        return;
    }
    p->state = READY;
    if (p->expected != NULL) {
        p->phase = p->expected;
    } else {
        settle(p);
    }
    if (!mig_stream_is_drained(&p->stream)) {
        expect_by_default(p);
    }
    if (emit(p, MIG_PEER_READY)) {
        converse(p);
    }
}

/* OpenSSL has sent an alert; what it still holds is of no use. */
static void break_off(struct mig_peer *p)
{
    if (p->accepted) {
        part(p);
        mig_stream_clear(&p->stream);
    } else {
        fail(p);
    }
}

static void shake(struct mig_peer *p)
{
    switch (mig_channel_handshake(p->stream.channel, &p->error)) {
    case MIG_CHANNEL_DONE:
        admit(p);
        break;
    case MIG_CHANNEL_WANTS_READ:
        break;
    case MIG_CHANNEL_WANTS_WRITE:
        MIG_ASSERT(event_add(p->writable, NULL) == 0);
        break;
    case MIG_CHANNEL_ENDED:
    case MIG_CHANNEL_BROKEN:
        if (p->error.code == MIG_TRUST || p->error.code == MIG_REFUSED) {
            p->phase = "verify";
        }
        break_off(p);
        break;
    }
}

static void turn(evutil_socket_t fd __attribute__((unused)), short what __attribute__((unused)),
                 void *data)
{
    struct mig_peer *p = data;

    p->inside = true;
    if (p->flooded && p->state < PARTING) {
        fail(p);
    } else if (p->state == SHAKING) {
        shake(p);
    } else if (p->state == READY) {
        converse(p);
    }
    if (!p->closed && p->state == PARTING) {
        discard(p);
    }
    p->inside = false;
}

static void begin_tls(struct mig_peer *p, int fd)
{
    struct event_base *base = mig_loop_base(p->loop);

    p->fd = fd;
    p->state = SHAKING;
    p->phase = "TLS";
    p->stream.channel = mig_channel_new(p->o.tls, fd, p->accepted ? NULL : &p->to, p->where);
    p->readable = event_new(base, fd, EV_READ | EV_PERSIST, turn, p);
    p->writable = event_new(base, fd, EV_WRITE, turn, p);
    MIG_ASSERT(p->readable != NULL && p->writable != NULL && event_add(p->readable, NULL) == 0);
}

static void on_dialled(int fd, const struct mig_error *err, void *data)
{
    struct mig_peer *p = data;

    p->phase = mig_dial_phase(p->dial);
    if (fd < 0) {
        p->error = *err;
        fail(p);
        return;
    }
    mig_dial_free(mig_steal(&p->dial));
    begin_tls(p, fd);
    turn(fd, 0, p);
}

/* ---- life ---- */

static struct mig_peer *peer_new(struct mig_loop *loop, const struct mig_peer_options *o)
{
    struct mig_peer *p = MIG_NEW(struct mig_peer);
    struct event_base *base = mig_loop_base(loop);

    MIG_ASSERT(o->tls != NULL && o->fn != NULL && o->admit != NULL);
    p->loop = loop;
    p->o = *o;
    p->fd = -1;
    p->deadline = event_new(base, -1, 0, on_deadline, p);
    p->waker = event_new(base, -1, 0, turn, p);
    MIG_ASSERT(p->deadline != NULL && p->waker != NULL);
    set_deadline(p, o->timeout_ms);
    return p;
}

struct mig_peer *mig_peer_connect(struct mig_loop *loop, const struct mig_address *to,
                                  const struct mig_peer_options *o)
{
    struct mig_peer *p = peer_new(loop, o);

    p->to = *to;
    p->phase = "resolve";
    mig_address_format(to, p->where, sizeof p->where);
    p->dial = mig_dial_start(loop, &p->to, o->timeout_ms, on_dialled, p);
    return p;
}

struct mig_peer *mig_peer_accept(struct mig_loop *loop, int fd, const struct mig_peer_options *o)
{
    struct mig_peer *p = peer_new(loop, o);

    p->accepted = true;
    mig_dial_name(fd, p->where, sizeof p->where);
    (void)fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    mig_dial_tune(fd);
    begin_tls(p, fd);
    wake(p);
    return p;
}

const struct mig_message *mig_peer_message(const struct mig_peer *p)
{
    return &p->message;
}

const struct mig_error *mig_peer_error(const struct mig_peer *p)
{
    return &p->error;
}

const char *mig_peer_phase(const struct mig_peer *p)
{
    return p->dial != NULL ? mig_dial_phase(p->dial) : p->phase;
}

const char *mig_peer_where(const struct mig_peer *p)
{
    return p->where;
}

void mig_peer_expect(struct mig_peer *p, const char *phase, uint64_t timeout_ms)
{
    if (p->closed || p->state >= PARTING) {
        return;
    }
    set_deadline(p, timeout_ms);
    p->expected = phase;
    if (p->state == READY) {
        p->phase = phase;
    }
}

static void peer_free(void *data)
{
    struct mig_peer *p = data;

    mig_message_clear(&p->message);
    mig_free(p);
}

void mig_peer_close(struct mig_peer *p)
{
    if (p == NULL || p->closed) {
        return;
    }
    p->closed = true;
    if (p->state == READY) {
        mig_channel_farewell(p->stream.channel);
    }
    hang_up(p);
    mig_loop_bury(p->loop, peer_free, p);
}
