/* SPDX-License-Identifier: Apache-2.0 */
/* Wire bytes from anyone: refused, or the only encoding of what they mean. */
#include <string.h>

#include "cpu/field.h"
#include "pact/contract.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *unvouched = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
    struct mig_error err;

    if (mig_contract_decode_unsigned(data, size, &unvouched, &err)) {
        MIG_ASSERT(!mig_contract_decode_untrusted(data, size, &c, &err));
        return 0;
    }
    if (!mig_contract_decode_untrusted(data, size, &c, &err)) {
        return 0;
    }
    mig_contract_encode(c, &again);
    if (c->shown->stamp.table_version <= MIG_TABLE_VERSION) {
        MIG_ASSERT(again.len == size && memcmp(again.items, data, size) == 0);
    }
    return 0;
}
