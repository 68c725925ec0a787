/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/tunnel.h: one connection of mutual TLS between two gates.  First frames
 * are said and heard one at a time; then bytes are pumped both ways between
 * the tunnel and a local end; then frames again.  Who the peer is is for the
 * program to judge.  The process ignores SIGPIPE.
 *
 *     open -> send, receive ... -> pump -> send, receive ... -> close
 *
 * Frames other than DATA and END may come while pumping, in either direction.
 * A stream of several channels takes one tunnel for each.
 */
#pragma once

#include "gate/tunnel_frame.h"

struct mig_address;
struct mig_identity;
struct mig_tls;
struct mig_tunnel;

/* All borrowed for the life of the tunnel. */
struct mig_tunnel_options {
    const struct mig_tls *tls;
    int fd;                       /* a connected socket; non-blocking from here on */
    const struct mig_address *to; /* whom a client wants to reach; NULL for a server */
    const char *where;            /* the peer, for messages */
    uint64_t rekey_bytes;         /* as in wire/channel.h; 0 = what TLS 1.3 advises */
};

/* TLS both ways, within @timeout_ms (0 = none). */
MIG_MUST_CHECK bool mig_tunnel_open(const struct mig_tunnel_options *o, uint64_t timeout_ms,
                                    struct mig_tunnel **ret, struct mig_error *err);

/* Of the peer's certificate: valid, but whether it may is not asked here. */
const struct mig_identity *mig_tunnel_peer(const struct mig_tunnel *t);

/* One frame, with the kernel on return.  A peer that refuses and leaves makes it
 * fail; why it did may still be received. */
MIG_MUST_CHECK bool mig_tunnel_send(struct mig_tunnel *t, const struct mig_tunnel_frame *f,
                                    uint64_t timeout_ms, struct mig_error *err);

/* One whole frame of a kind in @kinds, bits of MIG_TUNNEL_ONLY(); its bytes are
 * valid until the next call.  A peer that left and another kind are errors. */
#define MIG_TUNNEL_ONLY(kind) (1u << (kind))
MIG_MUST_CHECK bool mig_tunnel_receive(struct mig_tunnel *t, unsigned kinds, uint64_t timeout_ms,
                                       struct mig_tunnel_frame *ret, struct mig_error *err);

/* Receiving would not wait for more than the rest of a frame, or the peer left;
 * else the socket becomes readable first. */
bool mig_tunnel_ready(struct mig_tunnel *t);

/* A frame that came while pumping, or @watch that became readable; may queue
 * frames.  False with @err ends the pump. */
typedef bool mig_tunnel_frame_fn(struct mig_tunnel *t, const struct mig_tunnel_frame *f, void *data,
                                 struct mig_error *err);
typedef bool mig_tunnel_watch_fn(struct mig_tunnel *t, void *data, struct mig_error *err);

struct mig_tunnel_pump {
    const char *name;           /* the local end, for messages: "QEMU" */
    int in, out;                /* as in a relay; a pipe's out is closed at the end */
    const unsigned char *first; /* to the local end before all else */
    size_t first_len;
    mig_tunnel_frame_fn *frame; /* NULL: other frames than DATA are an error */
    int watch;                  /* -1 = none, also from a callback */
    mig_tunnel_watch_fn *watched;
    void *data;              /* for both */
    uint64_t sent, received; /* out: bytes of the stream, without first */
};

/* Until both sides have sent all they had.  When the connection breaks, frames
 * that came before are still handed over. */
MIG_MUST_CHECK bool mig_tunnel_pump(struct mig_tunnel *t, struct mig_tunnel_pump *p,
                                    struct mig_error *err);

/* For callbacks of a pump, which sends it before further data. */
void mig_tunnel_queue(struct mig_tunnel *t, const struct mig_tunnel_frame *f);

/* Say farewell, free; the socket stays open. */
void mig_tunnel_close(struct mig_tunnel *t);
MIG_AUTO_DEFINE(mig_tunnel_close, struct mig_tunnel *);
