/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "base/text.h"
#include "cpu/level.h"
#include "libmig/failure.h"
#include "libmig/handles.h"
#include "pact/profile_json.h"

int libmig_profile_read(const char *json, size_t len, struct libmig_profile **ret,
                        struct libmig_error *err)
{
    struct mig_profile *profile;
    struct mig_error why;

    if (!mig_profile_from_json(json, len, &profile, &why)) {
        return mig_failure_tell(err, &why);
    }
    *ret = MIG_NEW(struct libmig_profile);
    (*ret)->profile = profile;
    mig_text_hex(profile->digest, sizeof profile->digest, (*ret)->digest);
    return mig_failure_none(err);
}

const char *libmig_profile_digest(const struct libmig_profile *profile)
{
    return profile->digest;
}

const char *libmig_profile_level(const struct libmig_profile *profile)
{
    return profile->profile->level != MIG_LEVEL_NONE ? mig_level_name(profile->profile->level) : "";
}

void libmig_profile_free(struct libmig_profile *profile)
{
    if (profile != NULL) {
        mig_profile_free(profile->profile);
        mig_free(profile);
    }
}
