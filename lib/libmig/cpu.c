/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/kvm.h>
#include <string.h>

#include "base/alloc.h"
#include "libmig/failure.h"
#include "libmig/handles.h"

#if defined(__x86_64__)
#include "kvm/cpuid.h"
#endif

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

#if defined(__x86_64__)
static int copy(const void *table, size_t needed, void *ret, size_t *bytes,
                struct libmig_error *err)
{
    size_t size = *bytes;

    *bytes = needed;
    if (ret == NULL || size < needed) {
        return mig_failure_say(err, LIBMIG_ERROR_SPACE, "needs a buffer of %zu bytes", needed);
    }
    memcpy(ret, table, needed);
    return mig_failure_none(err);
}
#endif

static int refuse_tables(struct libmig_error *err)
{
    return mig_failure_say(err, LIBMIG_ERROR_USAGE, "only x86 has such tables");
}

int libmig_cpu_cpuid(const struct libmig_cpu *cpu, const struct kvm_cpuid2 *own,
                     struct kvm_cpuid2 *ret, size_t *bytes, struct libmig_error *err)
{
#if defined(__x86_64__)
    if (cpu->shown->arch == MIG_ARCH_X86) {
        struct kvm_cpuid2 *table = mig_kvm_cpuid_of(cpu->shown, own);
        int code =
            copy(table, sizeof *table + table->nent * sizeof *table->entries, ret, bytes, err);

        mig_free(table);
        return code;
    }
#endif
    (void)cpu, (void)own, (void)ret, (void)bytes;
    return refuse_tables(err);
}

int libmig_cpu_msrs(const struct libmig_cpu *cpu, struct kvm_msrs *ret, size_t *bytes,
                    struct libmig_error *err)
{
#if defined(__x86_64__)
    if (cpu->shown->arch == MIG_ARCH_X86) {
        struct kvm_msrs *list = mig_kvm_msrs_of(cpu->shown);
        int code = copy(list, sizeof *list + list->nmsrs * sizeof *list->entries, ret, bytes, err);

        mig_free(list);
        return code;
    }
#endif
    (void)cpu, (void)ret, (void)bytes;
    return refuse_tables(err);
}

void libmig_cpu_free(struct libmig_cpu *cpu)
{
    if (cpu != NULL) {
        mig_snapshot_free(cpu->shown);
        mig_free(cpu);
    }
}
