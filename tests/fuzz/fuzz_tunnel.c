/* SPDX-License-Identifier: Apache-2.0 */
/* Frames one after the other, as a tunnel takes them from its peer. */
#include "gate/tunnel_frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct mig_tunnel_hello hello;
    struct mig_tunnel_frame f;
    struct mig_error err;
    bool done = true;

    while (mig_tunnel_frame_next(data, size, &f, &err) == MIG_TUNNEL_WHOLE &&
           f.len <= size - MIG_TUNNEL_PREFIX) {
        MIG_ASSERT(f.len <= MIG_TUNNEL_BODY_MAX && f.bytes == data + MIG_TUNNEL_PREFIX);
        if (f.kind == MIG_TUNNEL_HELLO && mig_tunnel_hello_decode(&f, &hello, &err)) {
            MIG_ASSERT(hello.channel < hello.channels);
        } else if (f.kind == MIG_TUNNEL_VERDICT) {
            done = mig_tunnel_verdict_decode(&f, &err);
            MIG_ASSERT(!done || f.len == 1);
        }
        data += MIG_TUNNEL_PREFIX + f.len;
        size -= MIG_TUNNEL_PREFIX + f.len;
    }
    return 0;
}
