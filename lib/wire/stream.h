/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/stream.h: messages over a channel: a bounded queue out, whole frames
 * in.  Like the channel it never waits and knows no events.
 */
#pragma once

#include "wire/buffer.h"
#include "wire/channel.h"

struct mig_message;

/* Zero-initialised has no channel yet, but takes messages. */
struct mig_stream {
    struct mig_channel *channel; /* owned; set when the socket stands */
    struct mig_buffer in, out;
};

/* False if @m, or what waits already, is too long. */
MIG_MUST_CHECK bool mig_stream_queue(struct mig_stream *s, const struct mig_message *m,
                                     struct mig_error *err);
bool mig_stream_is_drained(const struct mig_stream *s);

/* DONE: all is with the kernel. */
enum mig_channel_state mig_stream_flush(struct mig_stream *s, struct mig_error *err);

/* DONE: @ret holds one message.  BROKEN with MIG_FORMAT or MIG_LIMIT: the
 * channel stands, but what came over it is no message. */
enum mig_channel_state mig_stream_receive(struct mig_stream *s, struct mig_message *ret,
                                          struct mig_error *err);
void mig_stream_clear(struct mig_stream *s);
