/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest physical addresses: the memory map of a guest must fit what KVM can
 * translate on the host.
 */
#include "base/alloc.h"
#include "compat/constraint.h"

void mig_ipa_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    struct mig_bit bits = {mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_IPA_BITS), UINT8_MAX};
    struct mig_seen wanted = mig_party_seen(guest, bits.reg);
    struct mig_seen own = mig_party_seen(host, bits.reg);
    struct mig_finding *f;

    if (wanted.known != MIG_KNOWN || own.known != MIG_KNOWN || wanted.value <= own.value) {
        return;
    }
    f = mig_constraint_raise(ret, bits, MIG_BLOCKER);
    if (f != NULL) {
        f->rule = "ipa";
        f->reason = MIG_REASON_HARDWARE;
        f->guest = f->source = wanted;
        f->destination = own;
        mig_constraint_say(
            f,
            mig_strf("%s may place memory and devices up to %llu address bits, KVM on %s "
                     "translates %llu: the VM can not be made there",
                     guest->name, (unsigned long long)wanted.value, host->name,
                     (unsigned long long)own.value),
            mig_strf("power cycle the guest with a memory map of at most %llu bits (QEMU's virt "
                     "machine takes what its memory needs)",
                     (unsigned long long)own.value));
    }
}
