/* SPDX-License-Identifier: Apache-2.0 */
/* Profile JSON: what is read can be shown to a guest. */
#include "pact/profile_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    MIG_AUTO(mig_profile_free) struct mig_profile *p = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    struct mig_error err;

    if (mig_profile_from_json((const char *)data, size, &p, &err)) {
        shown = mig_profile_as_snapshot(p);
    }
    return 0;
}
