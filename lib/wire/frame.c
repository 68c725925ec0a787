/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include <stdint.h>

#include "wire/message.h"

enum mig_frame_state mig_frame_next(const unsigned char *bytes, size_t len, size_t *ret_body,
                                    struct mig_error *err)
{
    uint32_t body;

    if (len < MIG_FRAME_PREFIX) {
        return MIG_FRAME_PARTIAL;
    }
    body = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
    if (body == 0) {
        (void)mig_fail(err, MIG_FORMAT, "frame of 0 bytes");
        return MIG_FRAME_BAD;
    }
    if (body > MIG_FRAME_MAX) {
        (void)mig_fail(err, MIG_LIMIT, "frame of %u bytes, at most %u are allowed", body,
                       MIG_FRAME_MAX);
        return MIG_FRAME_BAD;
    }
    if (len - MIG_FRAME_PREFIX < body) {
        return MIG_FRAME_PARTIAL;
    }
    *ret_body = body;
    return MIG_FRAME_WHOLE;
}

void mig_frame_prefix(size_t body, unsigned char ret[MIG_FRAME_PREFIX])
{
    MIG_ASSERT(body > 0 && body <= MIG_FRAME_MAX);
    for (size_t i = 0; i < MIG_FRAME_PREFIX; i++) {
        ret[i] = (unsigned char)(body >> (24 - 8 * i));
    }
}
