/* SPDX-License-Identifier: Apache-2.0 */
/* Wire bytes from anyone: refused, or the only encoding of what they mean. */
#include <string.h>

#include "pact/proof.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
    struct mig_error err;

    if (mig_proof_decode_untrusted(data, size, &p, &err)) {
        mig_proof_encode(&p, &again);
        MIG_ASSERT(again.len == size && memcmp(again.items, data, size) == 0);
    }
    return 0;
}
