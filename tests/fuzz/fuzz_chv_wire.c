/* SPDX-License-Identifier: Apache-2.0 */
/* A stream of Cloud Hypervisor, either way and on either kind of connection:
 * the first byte says which. */
#include <stdint.h>

#include "gate/chv_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct mig_chv_range items[] = {
        {0x1000,  0x8000 },
        {0x20000, 0x10000},
    };
    static const struct mig_chv_ram ram = {.items = items, .len = 2};
    struct mig_chv_reader r = {.commands = ~0u, .state_max = 1u << 20, .ram = &ram};
    enum mig_chv_event event = MIG_CHV_MORE;
    struct mig_error err;
    size_t used;

    if (size == 0) {
        return 0;
    }
    r.answers = (data[0] & 1) != 0;
    r.role = (enum mig_chv_role)(data[0] / 2 % MIG_CHV_ROLE_COUNT);
    r.has_role = (data[0] & 8) != 0;
    r.content_due = r.answers && (data[0] & 16) != 0 ? 5 : 0;
    for (size_t at = 1; at < size && event != MIG_CHV_BAD; at += used) {
        event = mig_chv_reader_next(&r, data + at, size - at, &used, &err);
        MIG_ASSERT(event == MIG_CHV_BAD || (used > 0 && used <= size - at));
        MIG_ASSERT(event != MIG_CHV_MESSAGE || r.answers || r.payload_len == r.payload_due);
    }
    mig_chv_reader_clear(&r);
    return 0;
}
