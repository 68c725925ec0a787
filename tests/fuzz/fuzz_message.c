/* SPDX-License-Identifier: Apache-2.0 */
/* What decodes encodes again, to something that decodes. */
#include "wire/message.h"

#include "base/cleanup.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {0};
    MIG_AUTO(mig_message_clear) struct mig_message again = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    struct mig_error err;

    if (mig_message_decode(data, size, &m, &err)) {
        mig_message_encode(&m, &body);
        MIG_ASSERT(mig_message_decode(body.items, body.len, &again, &err));
        MIG_ASSERT(again.kind == m.kind && again.id == m.id && again.code == m.code);
    }
    return 0;
}
