/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tunnel.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "gate/relay.h"
#include "seal/identity.h"
#include "wire/channel.h"

/*
 * Theory of operation
 *
 * In: records are decrypted straight into one buffer, where frames are read in
 * place.  DATA go on from there as they come; other frames wait until they are
 * whole, and the buffer holds the largest.  Out: the local end is read behind
 * room for a prefix, so that a chunk is encrypted from where it was read.
 * What is queued goes out between two chunks.
 *
 * Nothing waits but poll(): each turn does what it can both ways, so that a
 * peer that does not read never stops what comes from it.
 */

/* Fits the second-level cache together with what TLS makes of it. */
#define CHUNK (256u * 1024)
#define IN_BYTES (MIG_TUNNEL_PREFIX + MIG_TUNNEL_BODY_MAX)
/* Rather move what little is left than read into less room than a record. */
#define RECORD (16u * 1024)

struct mig_tunnel {
    struct mig_tunnel_options o;
    struct mig_channel *channel;
    struct mig_identity peer;
    unsigned char *in; /* IN_BYTES */
    size_t in_at, in_len;
    size_t data_left;   /* of the DATA frame that is passing */
    unsigned char *out; /* a prefix and CHUNK */
    size_t out_at, out_len;
    struct {
        unsigned char *items;
        size_t at, len, cap;
    } queue;
    short read_wants, write_wants; /* what poll() has to say first; 0 = go on */
    bool left; /* nothing more comes: the peer said farewell, or what is in lost */
    struct mig_error lost;
};

#define trouble(t, err) mig_wrap((err), "tunnel to %s", (t)->o.where)

/* ---- waiting ---- */

static uint64_t deadline_of(uint64_t timeout_ms)
{
    return timeout_ms == 0 ? 0 : mig_now_ms() + timeout_ms;
}

static short wants(enum mig_channel_state state)
{
    return state == MIG_CHANNEL_WANTS_READ    ? POLLIN
           : state == MIG_CHANNEL_WANTS_WRITE ? POLLOUT
                                              : 0;
}

static bool await_socket(const struct mig_tunnel *t, short events, uint64_t deadline,
                         const char *what, struct mig_error *err)
{
    struct pollfd p = {.fd = t->o.fd, .events = events};
    uint64_t now = mig_now_ms();
    int left = deadline == 0 ? -1 : deadline <= now ? 0 : (int)(deadline - now);
    int got = poll(&p, 1, left);

    if (got < 0 && errno != EINTR) {
        return mig_fail_errno(err, MIG_INTERNAL, "poll");
    }
    return got != 0 || mig_fail(err, MIG_UNREACHABLE, "peer is silent too long, expected %s", what);
}

/* ---- open and close ---- */

static bool shake_hands(struct mig_tunnel *t, uint64_t timeout_ms, struct mig_error *err)
{
    uint64_t deadline = deadline_of(timeout_ms);
    struct x509_st *leaf = NULL;

    for (;;) {
        enum mig_channel_state state = mig_channel_handshake(t->channel, err);

        if (state == MIG_CHANNEL_DONE) {
            return mig_channel_leaf(t->channel, &leaf, err) &&
                   mig_identity_of_leaf(leaf, &t->peer, err);
        }
        if (wants(state) == 0 ||
            !await_socket(t, wants(state), deadline, "its part of the TLS handshake", err)) {
            return false;
        }
    }
}

bool mig_tunnel_open(const struct mig_tunnel_options *o, uint64_t timeout_ms,
                     struct mig_tunnel **ret, struct mig_error *err)
{
    struct mig_tunnel *t = MIG_NEW(struct mig_tunnel);

    t->o = *o;
    t->in = mig_alloc(IN_BYTES, 1);
    t->out = mig_alloc(MIG_TUNNEL_PREFIX + CHUNK, 1);
    t->channel = mig_channel_new(o->tls, o->fd, o->to, t->o.where);
    mig_channel_expect_bulk(t->channel, o->rekey_bytes);
    if (!mig_relay_prepare(o->fd, o->where, err) || !shake_hands(t, timeout_ms, err)) {
        mig_tunnel_close(t);
        return mig_wrap(err, "tunnel to %s", o->where);
    }
    *ret = t;
    return true;
}

const struct mig_identity *mig_tunnel_peer(const struct mig_tunnel *t)
{
    return &t->peer;
}

void mig_tunnel_close(struct mig_tunnel *t)
{
    if (t != NULL) {
        mig_channel_farewell(t->channel);
        mig_channel_free(t->channel);
        mig_free(t->in);
        mig_free(t->out);
        mig_free(t->queue.items);
        mig_free(t);
    }
}

/* ---- out ---- */

void mig_tunnel_queue(struct mig_tunnel *t, const struct mig_tunnel_frame *f)
{
    size_t len = t->queue.len + MIG_TUNNEL_PREFIX + f->len;

    if (len > t->queue.cap) {
        t->queue.cap = len * 2;
        t->queue.items = mig_resize(t->queue.items, t->queue.cap, 1);
    }
    mig_tunnel_frame_prefix(f->kind, f->len, t->queue.items + t->queue.len);
    if (f->len > 0) {
        memcpy(t->queue.items + t->queue.len + MIG_TUNNEL_PREFIX, f->bytes, f->len);
    }
    t->queue.len = len;
}

static bool has_to_send(const struct mig_tunnel *t)
{
    return t->out_at < t->out_len || t->queue.at < t->queue.len;
}

/* What was begun is finished before anything else. */
static enum mig_channel_state write_some(struct mig_tunnel *t, struct mig_error *err)
{
    bool chunk = t->out_at < t->out_len;
    const unsigned char *bytes = chunk ? t->out + t->out_at : t->queue.items + t->queue.at;
    size_t len = chunk ? t->out_len - t->out_at : t->queue.len - t->queue.at, put = 0;
    enum mig_channel_state state = mig_channel_write(t->channel, bytes, len, &put, err);

    if (state != MIG_CHANNEL_DONE) {
        return state;
    }
    if (chunk) {
        t->out_at += put;
    } else {
        t->queue.at += put;
    }
    if (t->queue.at == t->queue.len) {
        t->queue.at = t->queue.len = 0;
    }
    return state;
}

/* As much as goes at once. */
static bool flush(struct mig_tunnel *t, struct mig_error *err)
{
    t->write_wants = 0;
    while (has_to_send(t) && t->write_wants == 0) {
        enum mig_channel_state state = write_some(t, err);

        t->write_wants = wants(state);
        if (state == MIG_CHANNEL_ENDED) {
            return mig_fail(err, MIG_UNREACHABLE, "peer left before it was sent everything");
        }
        if (state == MIG_CHANNEL_BROKEN) {
            return false;
        }
    }
    return true;
}

bool mig_tunnel_send(struct mig_tunnel *t, const struct mig_tunnel_frame *f, uint64_t timeout_ms,
                     struct mig_error *err)
{
    uint64_t deadline = deadline_of(timeout_ms);

    mig_tunnel_queue(t, f);
    for (;;) {
        if (!flush(t, err)) {
            return trouble(t, err);
        }
        if (!has_to_send(t)) {
            return true;
        }
        if (!await_socket(t, t->write_wants, deadline, "it to read", err)) {
            return trouble(t, err);
        }
    }
}

/* ---- in ---- */

static void make_room(struct mig_tunnel *t)
{
    size_t held = t->in_len - t->in_at;

    if (held == 0) {
        t->in_at = t->in_len = 0;
    } else if (IN_BYTES - t->in_len < RECORD && held < RECORD) {
        memmove(t->in, t->in + t->in_at, held);
        t->in_at = 0;
        t->in_len = held;
    }
}

/* Up to a chunk at once, so that what comes moves on while it is in the cache.
 * What came before a connection broke is still heard. */
static void fill(struct mig_tunnel *t)
{
    struct mig_error why;
    size_t limit;

    make_room(t);
    limit = IN_BYTES - t->in_len < CHUNK ? IN_BYTES : t->in_len + CHUNK;
    t->read_wants = 0;
    while (t->in_len < limit && t->read_wants == 0 && !t->left) {
        size_t got = 0;
        enum mig_channel_state state =
            mig_channel_read(t->channel, t->in + t->in_len, IN_BYTES - t->in_len, &got, &why);

        if (state == MIG_CHANNEL_BROKEN) {
            t->lost = why;
        }
        t->in_len += state == MIG_CHANNEL_DONE ? got : 0;
        t->left = state == MIG_CHANNEL_ENDED || state == MIG_CHANNEL_BROKEN;
        t->read_wants = wants(state);
    }
}

static bool left_early(const struct mig_tunnel *t, const char *expected, struct mig_error *err)
{
    if (t->lost.code != MIG_OK) {
        *err = t->lost;
        return false;
    }
    return mig_fail(err, MIG_UNREACHABLE, "peer left, expected %s", expected);
}

/* The next frame, if its prefix is there; its body may not be. */
static enum mig_tunnel_state peek(struct mig_tunnel *t, struct mig_tunnel_frame *ret,
                                  struct mig_error *err)
{
    return mig_tunnel_frame_next(t->in + t->in_at, t->in_len - t->in_at, ret, err);
}

/* The same whole, its bytes in one piece. */
static enum mig_tunnel_state peek_whole(struct mig_tunnel *t, struct mig_tunnel_frame *ret,
                                        struct mig_error *err)
{
    enum mig_tunnel_state state = peek(t, ret, err);
    size_t held = t->in_len - t->in_at;

    if (state != MIG_TUNNEL_WHOLE || held >= MIG_TUNNEL_PREFIX + ret->len) {
        return state;
    }
    if (IN_BYTES - t->in_at < MIG_TUNNEL_PREFIX + ret->len) {
        memmove(t->in, t->in + t->in_at, held);
        t->in_at = 0;
        t->in_len = held;
    }
    return MIG_TUNNEL_PARTIAL;
}

static void take(struct mig_tunnel *t, const struct mig_tunnel_frame *f)
{
    t->in_at += MIG_TUNNEL_PREFIX + f->len;
}

static void name_kinds(unsigned kinds, struct mig_text *ret)
{
    for (unsigned kind = 1; kinds >> kind != 0; kind++) {
        if ((kinds & MIG_TUNNEL_ONLY(kind)) != 0) {
            mig_text_addf(ret, "%s%s", ret->len > 0 ? " or " : "",
                          mig_tunnel_kind_name((enum mig_tunnel_kind)kind));
        }
    }
}

static bool receive(struct mig_tunnel *t, uint64_t deadline, const char *expected,
                    struct mig_tunnel_frame *ret, struct mig_error *err)
{
    for (;;) {
        enum mig_tunnel_state state = peek_whole(t, ret, err);

        if (state == MIG_TUNNEL_WHOLE) {
            take(t, ret);
            return true;
        }
        if (state == MIG_TUNNEL_BAD) {
            return false;
        }
        if (t->left) {
            return left_early(t, expected, err);
        }
        if (t->read_wants != 0 && !await_socket(t, t->read_wants, deadline, expected, err)) {
            return false;
        }
        fill(t);
    }
}

bool mig_tunnel_receive(struct mig_tunnel *t, unsigned kinds, uint64_t timeout_ms,
                        struct mig_tunnel_frame *ret, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text expected = {0};
    struct mig_tunnel_frame f;

    name_kinds(kinds, &expected);
    if (!receive(t, deadline_of(timeout_ms), expected.items, &f, err)) {
        return trouble(t, err);
    }
    if ((kinds & MIG_TUNNEL_ONLY(f.kind)) == 0) {
        (void)mig_fail(err, MIG_FORMAT, "peer sent %s, expected %s", mig_tunnel_kind_name(f.kind),
                       expected.items);
        return trouble(t, err);
    }
    *ret = f;
    return true;
}

bool mig_tunnel_ready(struct mig_tunnel *t)
{
    do {
        if (t->in_len - t->in_at >= MIG_TUNNEL_PREFIX || t->left) {
            return true;
        }
        fill(t);
    } while (t->read_wants == 0);
    return t->in_len - t->in_at >= MIG_TUNNEL_PREFIX || t->left;
}

/* ---- pump ---- */

struct pump {
    struct mig_tunnel *t;
    struct mig_tunnel_pump *p;
    bool dry;       /* nothing to read at the local end */
    bool blocked;   /* the local end takes no more */
    bool said_end;  /* we did */
    bool heard_end; /* the peer did */
};

static bool is_over(const struct pump *s)
{
    return s->said_end && s->heard_end && !has_to_send(s->t);
}

static void begin_chunk(struct mig_tunnel *t, enum mig_tunnel_kind kind, size_t len)
{
    mig_tunnel_frame_prefix(kind, len, t->out);
    t->out_at = 0;
    t->out_len = MIG_TUNNEL_PREFIX + len;
}

static bool read_local(struct pump *s, struct mig_error *err)
{
    ssize_t got = read(s->p->in, s->t->out + MIG_TUNNEL_PREFIX, CHUNK);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        s->dry = true;
        return true;
    }
    if (got < 0) {
        return mig_fail_errno(err, MIG_IO, "reading from %s", s->p->name);
    }
    begin_chunk(s->t, got > 0 ? MIG_TUNNEL_DATA : MIG_TUNNEL_END, (size_t)got);
    s->said_end = got == 0;
    s->p->sent += (uint64_t)got;
    return true;
}

/* One chunk. */
static bool pump_out(struct pump *s, struct mig_error *err)
{
    if (!flush(s->t, err)) {
        return trouble(s->t, err);
    }
    if (has_to_send(s->t) || s->said_end || s->dry) {
        return true;
    }
    return read_local(s, err) && (flush(s->t, err) || trouble(s->t, err));
}

/* How much of @bytes the local end took; less than @len: it is blocked. */
static bool write_local(struct pump *s, const unsigned char *bytes, size_t len, size_t *ret,
                        struct mig_error *err)
{
    *ret = 0;
    while (*ret < len) {
        ssize_t put = write(s->p->out, bytes + *ret, len - *ret);

        if (put < 0 && errno == EAGAIN) {
            s->blocked = true;
            return true;
        }
        if (put < 0 && errno != EINTR) {
            return mig_fail_errno(err, MIG_IO, "writing to %s", s->p->name);
        }
        *ret += put > 0 ? (size_t)put : 0;
    }
    return true;
}

static bool pass_data(struct pump *s, struct mig_error *err)
{
    struct mig_tunnel *t = s->t;
    size_t held = t->in_len - t->in_at, put = 0;

    if (!write_local(s, t->in + t->in_at, held < t->data_left ? held : t->data_left, &put, err)) {
        return false;
    }
    t->in_at += put;
    t->data_left -= put;
    s->p->received += put;
    return true;
}

/* A frame that is no DATA and is whole. */
static bool hear(struct pump *s, const struct mig_tunnel_frame *f, struct mig_error *err)
{
    take(s->t, f);
    if (f->kind == MIG_TUNNEL_END && !s->heard_end) {
        s->heard_end = true;
        return mig_relay_shut(&s->p->out, s->p->name, err);
    }
    if (f->kind == MIG_TUNNEL_END || s->p->frame == NULL) {
        (void)mig_fail(err, MIG_FORMAT, "peer sent %s, expected %s", mig_tunnel_kind_name(f->kind),
                       s->heard_end ? "nothing after END" : "DATA or END");
        return trouble(s->t, err);
    }
    return s->p->frame(s->t, f, s->p->data, err);
}

/* One frame, or what there is of DATA.  @ret_more: there may be another. */
static bool pass_frame(struct pump *s, bool *ret_more, struct mig_error *err)
{
    struct mig_tunnel_frame f;
    enum mig_tunnel_state state = peek(s->t, &f, err);

    if (state == MIG_TUNNEL_WHOLE && f.kind == MIG_TUNNEL_DATA) {
        if (s->heard_end) {
            (void)mig_fail(err, MIG_FORMAT, "peer sent DATA, expected nothing after END");
            return trouble(s->t, err);
        }
        s->t->in_at += MIG_TUNNEL_PREFIX;
        s->t->data_left = f.len;
        return true;
    }
    state = state == MIG_TUNNEL_WHOLE ? peek_whole(s->t, &f, err) : state;
    *ret_more = state == MIG_TUNNEL_WHOLE;
    return state == MIG_TUNNEL_BAD ? trouble(s->t, err) : !*ret_more || hear(s, &f, err);
}

/* All that is in the buffer; what follows when both have ended stays there. */
static bool pass_on(struct pump *s, struct mig_error *err)
{
    bool more = true;

    while (more && !s->blocked && s->t->in_at < s->t->in_len && !is_over(s)) {
        if (!(s->t->data_left > 0 ? pass_data(s, err) : pass_frame(s, &more, err))) {
            return false;
        }
    }
    return true;
}

static bool pass_first(struct pump *s, struct mig_error *err)
{
    size_t put = 0;

    if (s->p->first_len == 0) {
        return true;
    }
    if (!write_local(s, s->p->first, s->p->first_len, &put, err)) {
        return false;
    }
    s->p->first += put;
    s->p->first_len -= put;
    return true;
}

/* One chunk. */
static bool pump_in(struct pump *s, struct mig_error *err)
{
    if (!pass_first(s, err)) {
        return false;
    }
    if (s->t->read_wants == 0) {
        fill(s->t);
    }
    if (!pass_on(s, err)) {
        return false;
    }
    make_room(s->t);
    if (s->t->left && !s->blocked && !is_over(s)) {
        (void)left_early(s->t, s->heard_end ? "it to take what is sent" : "DATA or END", err);
        return trouble(s->t, err);
    }
    return true;
}

static bool has_room(const struct mig_tunnel *t)
{
    return t->in_len < IN_BYTES && !t->left;
}

static struct pollfd watch_for(int fd, int events)
{
    return (struct pollfd){.fd = events != 0 ? fd : -1, .events = (short)events};
}

/* Sleep until a turn can do something. */
static bool await(struct pump *s, struct mig_error *err)
{
    struct mig_tunnel *t = s->t;
    bool reads = has_room(t) && !(s->blocked && t->in_len - t->in_at >= CHUNK);
    bool sends = has_to_send(t);
    struct pollfd p[] = {
        watch_for(t->o.fd, (reads ? t->read_wants : 0) | (sends ? t->write_wants : 0)),
        watch_for(s->p->in, s->dry && !s->said_end && !sends ? POLLIN : 0),
        watch_for(s->p->out, s->blocked ? POLLOUT : 0),
        watch_for(s->p->watch, s->p->watched != NULL && s->p->watch >= 0 ? POLLIN : 0)};
    bool busy = (reads && t->read_wants == 0) || (sends && t->write_wants == 0) ||
                (!sends && !s->dry && !s->said_end);

    if (poll(p, MIG_COUNT(p), busy ? 0 : -1) < 0 && errno != EINTR) {
        return mig_fail_errno(err, MIG_INTERNAL, "poll");
    }
    if ((p[0].revents & ~POLLOUT) != 0 || (p[0].revents & t->read_wants) != 0) {
        t->read_wants = 0;
    }
    s->dry = s->dry && p[1].revents == 0;
    s->blocked = s->blocked && p[2].revents == 0;
    return p[3].revents == 0 || s->p->watched(t, s->p->data, err);
}

/* Who leaves says why, and then takes no more: that what we send is lost shows
 * before the reason was read.  Always false; a callback may put its own error. */
static bool hear_last_words(struct pump *s, struct mig_error *err)
{
    struct mig_error words;

    fill(s->t);
    if (!s->blocked && !pass_on(s, &words)) {
        *err = words;
    }
    return false;
}

bool mig_tunnel_pump(struct mig_tunnel *t, struct mig_tunnel_pump *p, struct mig_error *err)
{
    struct pump s = {.t = t, .p = p};

    p->sent = p->received = 0;
    t->read_wants = 0;
    if (!mig_relay_prepare(p->in, p->name, err) || !mig_relay_prepare(p->out, p->name, err)) {
        return false;
    }
    while (!is_over(&s)) {
        if (!pump_out(&s, err)) {
            return hear_last_words(&s, err);
        }
        if (!pump_in(&s, err) || (!is_over(&s) && !await(&s, err))) {
            return false;
        }
    }
    return true;
}
