/* SPDX-License-Identifier: Apache-2.0 */
/* Frames one after the other, as stream.c takes them from a peer. */
#include "wire/frame.h"

#include <stdint.h>

#include "wire/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mig_error err;
    size_t body = 0;

    while (mig_frame_next(data, size, &body, &err) == MIG_FRAME_WHOLE) {
        struct mig_message m = {0};

        MIG_ASSERT(body > 0 && body <= MIG_FRAME_MAX && body <= size - MIG_FRAME_PREFIX);
        if (mig_message_decode(data + MIG_FRAME_PREFIX, body, &m, &err)) {
            mig_message_clear(&m);
        }
        data += MIG_FRAME_PREFIX + body;
        size -= MIG_FRAME_PREFIX + body;
    }
    return 0;
}
