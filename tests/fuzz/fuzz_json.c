/* SPDX-License-Identifier: Apache-2.0 */
/* Unsigned JSON: what is read writes and reads again as the same text. */
#include <string.h>

#include "base/alloc.h"
#include "snapshot/json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    MIG_AUTO(mig_free) char *again = NULL;
    struct mig_error err;

    if (!mig_snapshot_from_json((const char *)data, size, &s, &err)) {
        return 0;
    }
    text = mig_snapshot_to_json(s);
    MIG_ASSERT(mig_snapshot_from_json(text, strlen(text), &back, &err));
    again = mig_snapshot_to_json(back);
    MIG_ASSERT(strcmp(text, again) == 0);
    return 0;
}
