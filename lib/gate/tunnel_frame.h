/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/tunnel_frame.h: what goes through a tunnel: one byte of kind, four of
 * length, high byte first, and the body.  Data are framed too, so that the
 * other kinds can come between.  No I/O here.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MIG_TUNNEL_PREFIX 5
#define MIG_TUNNEL_BODY_MAX (1u << 20)
#define MIG_TUNNEL_VERSION 1
#define MIG_TUNNEL_SESSION 16
#define MIG_TUNNEL_CHANNELS_MAX 256 /* multifd of QEMU counts in a byte, and the main one */
#define MIG_TUNNEL_REASON_MAX 511

enum mig_tunnel_kind {
#define FRAME(kind, number, least, most, carries) MIG_TUNNEL_##kind = (number),
#include "gate/tunnel_frame.def"
};

struct mig_tunnel_frame {
    enum mig_tunnel_kind kind;
    const unsigned char *bytes; /* borrowed */
    size_t len;
};

enum mig_tunnel_state { MIG_TUNNEL_PARTIAL, MIG_TUNNEL_WHOLE, MIG_TUNNEL_BAD };

const char *mig_tunnel_kind_name(enum mig_tunnel_kind kind); /* "OFFER" */

/* Read a prefix.  PARTIAL: fewer than MIG_TUNNEL_PREFIX bytes.  WHOLE: @ret's
 * body is to follow, whether it is there or not.  BAD: no kind of ours, or a
 * length that it can not have. */
enum mig_tunnel_state mig_tunnel_frame_next(const unsigned char *bytes, size_t len,
                                            struct mig_tunnel_frame *ret, struct mig_error *err);
void mig_tunnel_frame_prefix(enum mig_tunnel_kind kind, size_t len,
                             unsigned char ret[MIG_TUNNEL_PREFIX]);

/* One stream of several channels is one session; each channel is a tunnel. */
struct mig_tunnel_hello {
    unsigned char session[MIG_TUNNEL_SESSION]; /* random, of the side that connects */
    uint16_t channel, channels;                /* 0 is the main one */
};

#define MIG_TUNNEL_HELLO_BYTES 24

/* MIG_TUNNEL_HELLO_BYTES to @ret. */
void mig_tunnel_hello_encode(const struct mig_tunnel_hello *hello, unsigned char *ret);
MIG_MUST_CHECK bool mig_tunnel_hello_decode(const struct mig_tunnel_frame *f,
                                            struct mig_tunnel_hello *ret, struct mig_error *err);

/* @why NULL is yes.  How many bytes went to @ret. */
size_t mig_tunnel_verdict_encode(const struct mig_error *why,
                                 unsigned char ret[1 + MIG_TUNNEL_REASON_MAX]);

/* True is yes; else @err says what the peer said, or that it said nothing
 * readable. */
MIG_MUST_CHECK bool mig_tunnel_verdict_decode(const struct mig_tunnel_frame *f,
                                              struct mig_error *err);
