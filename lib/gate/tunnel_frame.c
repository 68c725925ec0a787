/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tunnel_frame.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"

static const struct {
    enum mig_tunnel_kind kind;
    uint32_t least, most;
    const char *name;
} kinds[] = {
#define FRAME(kind, number, least, most, carries) {MIG_TUNNEL_##kind, (least), (most), #kind},
#include "gate/tunnel_frame.def"
};

/* Numbers on the wire stay, whatever becomes of ours. */
static const enum mig_code refusals[] = {
#define REFUSAL(number, code) [number] = MIG_##code,
#include "gate/tunnel_frame.def"
};

static unsigned char number_of(enum mig_code code)
{
    unsigned char i = 1;

    while (refusals[i] != code) {
        MIG_ASSERT(++i < MIG_COUNT(refusals));
    }
    return i;
}

static uint32_t number(const unsigned char *bytes, size_t width)
{
    uint32_t value = 0;

    for (size_t i = 0; i < width; i++) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static void put(unsigned char *ret, size_t width, uint32_t value)
{
    for (size_t i = 0; i < width; i++) {
        ret[i] = (unsigned char)(value >> 8 * (width - 1 - i));
    }
}

const char *mig_tunnel_kind_name(enum mig_tunnel_kind kind)
{
    return kinds[kind - 1].name;
}

enum mig_tunnel_state mig_tunnel_frame_next(const unsigned char *bytes, size_t len,
                                            struct mig_tunnel_frame *ret, struct mig_error *err)
{
    uint32_t body;

    if (len < MIG_TUNNEL_PREFIX) {
        return MIG_TUNNEL_PARTIAL;
    }
    body = number(bytes + 1, 4);
    if (bytes[0] == 0 || bytes[0] > MIG_COUNT(kinds)) {
        (void)mig_fail(err, MIG_FORMAT, "frame of kind %u, expected 1 to %zu", bytes[0],
                       MIG_COUNT(kinds));
        return MIG_TUNNEL_BAD;
    }
    if (body < kinds[bytes[0] - 1].least || body > kinds[bytes[0] - 1].most) {
        (void)mig_fail(err, MIG_LIMIT, "%s of %u bytes, expected %u to %u",
                       kinds[bytes[0] - 1].name, body, kinds[bytes[0] - 1].least,
                       kinds[bytes[0] - 1].most);
        return MIG_TUNNEL_BAD;
    }
    ret->kind = kinds[bytes[0] - 1].kind;
    ret->bytes = bytes + MIG_TUNNEL_PREFIX;
    ret->len = body;
    return MIG_TUNNEL_WHOLE;
}

void mig_tunnel_frame_prefix(enum mig_tunnel_kind kind, size_t len,
                             unsigned char ret[MIG_TUNNEL_PREFIX])
{
    MIG_ASSERT(len >= kinds[kind - 1].least && len <= kinds[kind - 1].most);
    ret[0] = (unsigned char)kind;
    put(ret + 1, 4, (uint32_t)len);
}

/* ---- hello: version, session, channel, channels, 2 bytes of zero ---- */

void mig_tunnel_hello_encode(const struct mig_tunnel_hello *hello, unsigned char *ret)
{
    put(ret, 2, MIG_TUNNEL_VERSION);
    memcpy(ret + 2, hello->session, MIG_TUNNEL_SESSION);
    put(ret + 18, 2, hello->channel);
    put(ret + 20, 2, hello->channels);
    put(ret + 22, 2, 0);
}

bool mig_tunnel_hello_decode(const struct mig_tunnel_frame *f, struct mig_tunnel_hello *ret,
                             struct mig_error *err)
{
    const unsigned char *b = f->bytes;
    struct mig_tunnel_hello h = {.channels = 0};

    MIG_ASSERT(f->kind == MIG_TUNNEL_HELLO && f->len == MIG_TUNNEL_HELLO_BYTES);
    if (number(b, 2) != MIG_TUNNEL_VERSION) {
        return mig_fail(err, MIG_FORMAT, "HELLO of version %u, expected %d", number(b, 2),
                        MIG_TUNNEL_VERSION);
    }
    memcpy(h.session, b + 2, MIG_TUNNEL_SESSION);
    h.channel = (uint16_t)number(b + 18, 2);
    h.channels = (uint16_t)number(b + 20, 2);
    if (h.channels == 0 || h.channels > MIG_TUNNEL_CHANNELS_MAX || h.channel >= h.channels) {
        return mig_fail(err, MIG_LIMIT,
                        "HELLO of channel %u of %u, expected less than the count, which is 1 to %d",
                        h.channel, h.channels, MIG_TUNNEL_CHANNELS_MAX);
    }
    if (number(b + 22, 2) != 0) {
        return mig_fail(err, MIG_FORMAT, "HELLO ends with 0x%04x, expected 0", number(b + 22, 2));
    }
    *ret = h;
    return true;
}

/* ---- verdict: 0, or a number of tunnel_frame.def and text ---- */

size_t mig_tunnel_verdict_encode(const struct mig_error *why,
                                 unsigned char ret[1 + MIG_TUNNEL_REASON_MAX])
{
    size_t len = why != NULL ? strnlen(why->msg, MIG_TUNNEL_REASON_MAX) : 0;

    ret[0] = why != NULL ? number_of(why->code) : 0;
    if (len > 0) {
        memcpy(ret + 1, why->msg, len);
    }
    return 1 + len;
}

bool mig_tunnel_verdict_decode(const struct mig_tunnel_frame *f, struct mig_error *err)
{
    char text[MIG_TUNNEL_REASON_MAX + 1] = "no reason given";
    size_t len = f->len - 1;

    MIG_ASSERT(f->kind == MIG_TUNNEL_VERDICT && f->len > 0);
    if (f->bytes[0] == 0 && len == 0) {
        return true;
    }
    if (f->bytes[0] >= MIG_COUNT(refusals) || f->bytes[0] == 0 || len > MIG_TUNNEL_REASON_MAX) {
        return mig_fail(err, MIG_FORMAT,
                        "VERDICT of code %u with %zu bytes, expected 0 alone, or 1 to %zu with at "
                        "most %d",
                        f->bytes[0], len, MIG_COUNT(refusals) - 1, MIG_TUNNEL_REASON_MAX);
    }
    if (len > 0) {
        memcpy(text, f->bytes + 1, len);
        text[len] = '\0';
        mig_text_make_printable(text);
    }
    return mig_fail(err, refusals[f->bytes[0]], "peer refused: %s", text);
}
