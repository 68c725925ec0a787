/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/stream.h"

#include "wire/frame.h"
#include "wire/message.h"

/* One TLS record. */
#define READ_BYTES (16u * 1024)
/* What may wait for a peer that does not read. */
#define QUEUE_MAX (4u * MIG_FRAME_MAX)

bool mig_stream_queue(struct mig_stream *s, const struct mig_message *m, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    unsigned char prefix[MIG_FRAME_PREFIX];

    mig_message_encode(m, &body);
    if (body.len > MIG_FRAME_MAX) {
        return mig_fail(err, MIG_LIMIT, "message of %zu bytes, at most %u are allowed", body.len,
                        MIG_FRAME_MAX);
    }
    if (mig_buffer_len(&s->out) + body.len > QUEUE_MAX) {
        return mig_fail(err, MIG_LIMIT, "peer does not read: %zu bytes wait for it",
                        mig_buffer_len(&s->out));
    }
    mig_frame_prefix(body.len, prefix);
    mig_buffer_add(&s->out, prefix, sizeof prefix);
    mig_buffer_add(&s->out, body.items, body.len);
    return true;
}

bool mig_stream_is_drained(const struct mig_stream *s)
{
    return mig_buffer_len(&s->out) == 0;
}

enum mig_channel_state mig_stream_flush(struct mig_stream *s, struct mig_error *err)
{
    while (!mig_stream_is_drained(s)) {
        size_t done = 0;
        enum mig_channel_state state = mig_channel_write(s->channel, mig_buffer_front(&s->out),
                                                         mig_buffer_len(&s->out), &done, err);

        if (state != MIG_CHANNEL_DONE) {
            return state;
        }
        mig_buffer_drop(&s->out, done);
    }
    return MIG_CHANNEL_DONE;
}

/* What is in the buffer already. */
static enum mig_channel_state take_frame(struct mig_stream *s, struct mig_message *ret,
                                         struct mig_error *err)
{
    const unsigned char *front = mig_buffer_front(&s->in);
    size_t body = 0;

    switch (mig_frame_next(front, mig_buffer_len(&s->in), &body, err)) {
    case MIG_FRAME_PARTIAL:
        return MIG_CHANNEL_WANTS_READ;
    case MIG_FRAME_WHOLE:
        if (mig_message_decode(front + MIG_FRAME_PREFIX, body, ret, err)) {
            mig_buffer_drop(&s->in, MIG_FRAME_PREFIX + body);
            return MIG_CHANNEL_DONE;
        }
        return MIG_CHANNEL_BROKEN;
    case MIG_FRAME_BAD:
    default:
        return MIG_CHANNEL_BROKEN;
    }
}

static enum mig_channel_state read_more(struct mig_stream *s, struct mig_error *err)
{
    size_t got = 0;
    unsigned char *room = mig_buffer_reserve(&s->in, READ_BYTES);
    enum mig_channel_state state = mig_channel_read(s->channel, room, READ_BYTES, &got, err);

    mig_buffer_commit(&s->in, got);
    if (mig_buffer_len(&s->in) == 0) {
        mig_buffer_clear(&s->in);
    } else if (state == MIG_CHANNEL_ENDED) {
        (void)mig_fail(err, MIG_FORMAT, "peer ended in the middle of a frame, %zu bytes in",
                       mig_buffer_len(&s->in));
        return MIG_CHANNEL_BROKEN;
    }
    return state;
}

enum mig_channel_state mig_stream_receive(struct mig_stream *s, struct mig_message *ret,
                                          struct mig_error *err)
{
    enum mig_channel_state state = take_frame(s, ret, err);

    while (state == MIG_CHANNEL_WANTS_READ) {
        state = read_more(s, err);
        if (state != MIG_CHANNEL_DONE) {
            return state;
        }
        state = take_frame(s, ret, err);
    }
    return state;
}

void mig_stream_clear(struct mig_stream *s)
{
    mig_channel_free(s->channel);
    mig_buffer_clear(&s->in);
    mig_buffer_clear(&s->out);
    *s = (struct mig_stream){0};
}
