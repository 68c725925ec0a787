/* SPDX-License-Identifier: Apache-2.0 */
/*
 * KVM_ARM_VCPU_INIT: features that no ID register tells, asked for by the VMM
 * when it makes a vCPU.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "compat/limit.h"

static const struct {
    uint64_t bit;
    const char *what;
} rows[] = {
    {UINT64_C(1) << 1, "kernels of 32-bit code at EL1"  },
    {UINT64_C(1) << 7, "EL2, to run guests of its own"  },
    {UINT64_C(1) << 8, "EL2 without the host extensions"},
};

void mig_vcpu_init_judge(const struct mig_party *guest, const struct mig_party *host,
                         struct mig_findings *ret)
{
    struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_VCPU_FEATURES);
    struct mig_seen wanted = mig_party_seen(guest, reg), own = mig_party_seen(host, reg);
    bool is_host = guest->snapshot->groups[MIG_GROUP_CAP].coverage != MIG_COVER_NONE;

    if (wanted.known != MIG_KNOWN || own.known != MIG_KNOWN) {
        return;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        struct mig_bit bit = {reg, rows[i].bit};
        struct mig_finding *f;

        if ((wanted.value & ~own.value & rows[i].bit) == 0) {
            continue;
        }
        /* Of a host it is what guests may have, not what this one was given. */
        f = mig_constraint_raise(ret, bit, is_host ? MIG_WARNING : MIG_BLOCKER);
        if (f != NULL) {
            f->rule = "vcpu_init";
            f->reason = MIG_REASON_HARDWARE;
            f->likely = true;
            f->guest = f->source = wanted;
            f->destination = own;
            mig_constraint_say(
                f,
                mig_strf("%s %s given %s, which KVM on %s refuses to a new vCPU", guest->name,
                         is_host ? "has guests that may be" : "was", rows[i].what, host->name),
                mig_strdup("keep such guests on hosts that give it, or power cycle them without"));
        }
    }
}
