/* SPDX-License-Identifier: Apache-2.0 */
#include "base/alloc.h"
#include "libmig/failure.h"
#include "libmig/handles.h"

static struct libmig_cpu *give(struct mig_snapshot *shown)
{
    struct libmig_cpu *cpu = MIG_NEW(struct libmig_cpu);

    cpu->shown = shown;
    return cpu;
}

struct libmig_cpu *libmig_cpu_of_profile(const struct libmig_profile *profile)
{
    return give(mig_profile_as_snapshot(profile->profile));
}

struct libmig_cpu *libmig_cpu_of_contract(const struct libmig_contract *contract)
{
    return give(mig_handles_copy(contract->contract->shown));
}

int libmig_cpu_value(const struct libmig_cpu *cpu, const char *id, uint64_t *ret,
                     struct libmig_error *err)
{
    enum mig_known known;
    struct mig_reg reg;
    struct mig_error why;
    uint64_t value;

    if (!mig_reg_parse(id, &reg, &why)) {
        return mig_failure_tell(err, &why);
    }
    known = mig_snapshot_get(cpu->shown, reg, &value);
    if (known != MIG_KNOWN && known != MIG_ABSENT) {
        return mig_failure_say(err, LIBMIG_ERROR_MISSING, "%s: not covered", id);
    }
    *ret = value;
    return mig_failure_none(err);
}

void libmig_cpu_free(struct libmig_cpu *cpu)
{
    if (cpu != NULL) {
        mig_snapshot_free(cpu->shown);
        mig_free(cpu);
    }
}
