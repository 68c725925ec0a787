/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/channel.h: TLS over one non-blocking socket, with reasons instead of
 * error codes.  No events here: each call does what it can at once.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/file.h"

struct mig_address;
struct mig_channel;
struct x509_st;
struct mig_tls;

enum mig_channel_state {
    MIG_CHANNEL_DONE,
    MIG_CHANNEL_WANTS_READ, /* call again when the socket is readable */
    MIG_CHANNEL_WANTS_WRITE,
    MIG_CHANNEL_ENDED, /* the other side said farewell */
    MIG_CHANNEL_BROKEN
};

/* @fd, @tls and @where (for messages) are borrowed for the channel's life.
 * @to is whom a client wants to reach, NULL for a server. */
struct mig_channel *mig_channel_new(const struct mig_tls *tls, int fd, const struct mig_address *to,
                                    const char *where);
void mig_channel_free(struct mig_channel *ch);

/* Before the handshake: much will pass.  Buffers are kept between records, and the key
 * changes after each @rekey_bytes written; 0 = well before RFC 8446, 5.5 asks. */
void mig_channel_expect_bulk(struct mig_channel *ch, uint64_t rekey_bytes);
MIG_AUTO_DEFINE(mig_channel_free, struct mig_channel *);

enum mig_channel_state mig_channel_handshake(struct mig_channel *ch, struct mig_error *err);

/* Did the handshake break because the peer's certificate is refused? */
bool mig_channel_blames_certificate(const struct mig_channel *ch);

/* The peer's certificate once the handshake is done; the channel keeps it. */
MIG_MUST_CHECK bool mig_channel_leaf(const struct mig_channel *ch, struct x509_st **ret,
                                     struct mig_error *err);

/* DONE: *@ret is at least 1. */
enum mig_channel_state mig_channel_read(struct mig_channel *ch, unsigned char *bytes, size_t len,
                                        size_t *ret, struct mig_error *err);
enum mig_channel_state mig_channel_write(struct mig_channel *ch, const unsigned char *bytes,
                                         size_t len, size_t *ret, struct mig_error *err);

/* Tell the other side that nothing follows; does not wait for its answer. */
void mig_channel_farewell(struct mig_channel *ch);
