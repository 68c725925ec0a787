/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The counter unit: both or none, and as many counters as the guest saw.  KVM
 * takes PMCR_EL0 with more than it has, and silently keeps its own number.
 */
#include "base/alloc.h"
#include "compat/constraint.h"
#include "compat/limit.h"
#include "cpu/arm64_reg.h"

static const struct mig_bit version = {MIG_ARM64_PLACE(ID_AA64DFR0_EL1),
                                       MIG_ARM64_MASK(ID_AA64DFR0_EL1, PMUVer)};

void mig_pmu_merge(struct mig_merge *m)
{
    if ((mig_merge_get(m, version.reg) & version.mask) == 0) {
        mig_feature_take(m, MIG_FEATURE_PMU);
    }
}

void mig_pmu_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    struct mig_bit counters = {mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_PMU_COUNTERS), UINT8_MAX};
    struct mig_seen wanted = mig_party_seen(guest, counters.reg);
    struct mig_seen own = mig_party_seen(host, counters.reg);
    struct mig_finding *f;

    if ((mig_feature_of(guest) >> MIG_FEATURE_PMU & 1) == 0 || wanted.known != MIG_KNOWN ||
        own.known != MIG_KNOWN || wanted.value <= own.value) {
        return;
    }
    f = mig_constraint_raise(ret, counters, MIG_BLOCKER);
    if (f != NULL) {
        f->rule = "pmu";
        f->reason = MIG_REASON_HARDWARE;
        f->guest = f->source = wanted;
        f->destination = own;
        mig_constraint_say(
            f,
            mig_strf("%s was shown %llu event counters, %s has %llu: KVM takes PMCR_EL0 without "
                     "an error and keeps its own number, so the guest's upper counters are gone",
                     guest->name, (unsigned long long)wanted.value, host->name,
                     (unsigned long long)own.value),
            mig_strf("power cycle the guest with at most %llu counters, or without a PMU (QEMU: "
                     "-cpu host,pmu=off)",
                     (unsigned long long)own.value));
    }
}
