/* SPDX-License-Identifier: Apache-2.0 */
/* A stream as a gate takes it, the first byte says in which pieces. */
#include <stdint.h>
#include <string.h>

#include "gate/qemu_check.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const unsigned char uuid[MIG_QEMU_UUID];
    static const char *const capabilities[] = {"return-path", NULL};
    static const struct mig_qemu_expected expected = {uuid, "pc", 4096, capabilities};
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;
    size_t piece = size > 0 ? data[0] + 1u : 1, at = 1, kept = 0;
    struct mig_error err;

    while (state == MIG_QEMU_NEEDS_MORE && at < size) {
        size_t used = 0, left = size - at;

        state = mig_qemu_head_feed(h, data + at, left < piece ? left : piece, &used, &err);
        at += state == MIG_QEMU_REFUSED ? 0 : used;
    }
    if (state == MIG_QEMU_DONE) {
        const unsigned char *bytes = mig_qemu_head_bytes(h, &kept);

        MIG_ASSERT(kept == at - 1 && memcmp(bytes, data + 1, kept) == 0);
        MIG_ASSERT(!mig_qemu_check(mig_qemu_head_stream(h), &expected, &err) || kept > 0);
    } else {
        MIG_ASSERT(!mig_qemu_head_ended(h, &err));
    }
    return 0;
}
