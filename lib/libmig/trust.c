/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "libmig/failure.h"
#include "libmig/handles.h"
#include "seal/key.h"

int libmig_trust_load(const char *ca_file, const char *crl_file, struct libmig_trust **ret,
                      struct libmig_error *err)
{
    struct mig_trust *trust;
    struct mig_error why;

    if (!mig_trust_load(ca_file, crl_file, &trust, &why)) {
        return mig_failure_tell(err, &why);
    }
    *ret = MIG_NEW(struct libmig_trust);
    (*ret)->trust = trust;
    return mig_failure_none(err);
}

void libmig_trust_free(struct libmig_trust *trust)
{
    if (trust != NULL) {
        mig_trust_free(trust->trust);
        mig_free(trust);
    }
}
