/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory tags: one level on both sides, one number of tags per instruction
 * (GMID_EL1), and a VMM that takes the tags along.
 */
#include "base/alloc.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/limit.h"
#include "compat/vmm.h"
#include "cpu/arm64_reg.h"

#define LEVEL                                                                                      \
    {                                                                                              \
        MIG_ARM64_PLACE(ID_AA64PFR1_EL1), MIG_ARM64_MASK(ID_AA64PFR1_EL1, MTE)                     \
    }
#define BLOCK                                                                                      \
    {                                                                                              \
        MIG_ARM64_PLACE(GMID_EL1), MIG_ARM64_MASK(GMID_EL1, BS)                                    \
    }

static const struct mig_bit level = LEVEL, block = BLOCK;

static bool differ(const struct mig_party *a, const struct mig_party *b, struct mig_bit bit)
{
    struct mig_seen x = mig_party_seen(a, bit.reg), y = mig_party_seen(b, bit.reg);

    return mig_seen_is_value(x) && mig_seen_is_value(y) && ((x.value ^ y.value) & bit.mask) != 0;
}

static bool are_even(const struct mig_merge *m, struct mig_bit bit)
{
    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = i + 1; j < m->len; j++) {
            if (differ(&m->parties[i], &m->parties[j], bit)) {
                return false;
            }
        }
    }
    return true;
}

/* A guest without tags never asks for the number of them. */
static void settle_block(struct mig_merge *m)
{
    struct mig_finding *f = m->findings != NULL ? mig_findings_on(m->findings, block) : NULL;

    if (f != NULL) {
        f->severity = MIG_NOTE;
        f->rule = "mte";
        mig_constraint_say(f,
                           mig_strdup("the hosts move different numbers of memory tags by one "
                                      "instruction; guests of the profile have no tags"),
                           mig_strdup("nothing: boot guests without MTE, as the profile has it"));
    }
}

void mig_mte_merge(struct mig_merge *m)
{
    bool even = are_even(m, level) && are_even(m, block);

    if (!even || (mig_merge_get(m, level.reg) & level.mask) == 0) {
        mig_feature_take(m, MIG_FEATURE_MTE);
        settle_block(m);
    }
}

static void judge_vmm(const struct mig_party *guest, const struct mig_party *host,
                      struct mig_findings *ret)
{
    const struct mig_vmm *vmm = mig_vmm_of(guest, host);
    struct mig_finding *f;

    if (vmm == NULL || mig_vmm_moves_tags(vmm)) {
        return;
    }
    f = mig_constraint_add(ret, "vmm/memory-tags", MIG_BLOCKER, "mte", MIG_REASON_VMM);
    if (f != NULL) {
        f->why = mig_strf("%s was given memory tags, and %s on %s takes none along", guest->name,
                          mig_vmm_name(vmm), host->name);
        f->remedy = mig_strdup("power cycle the guest without MTE (QEMU: -machine virt,mte=off)");
    }
}

void mig_mte_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    struct mig_finding *f;

    if ((mig_party_get(guest, level.reg) & level.mask) == 0) {
        return;
    }
    judge_vmm(guest, host, ret);
    if (differ(guest, host, block)) {
        f = mig_constraint_raise(ret, block, MIG_BLOCKER);
        if (f != NULL) {
            f->rule = "mte";
            f->reason = MIG_REASON_HARDWARE;
            f->guest = f->source = mig_party_seen(guest, block.reg);
            f->destination = mig_party_seen(host, block.reg);
            mig_constraint_say(
                f,
                mig_strf(
                    "%s moves as many memory tags by one instruction as the CPU told it; on %s "
                    "it is another number (GMID_EL1)",
                    guest->name, host->name),
                mig_strf("keep guests with MTE on CPUs like that of %s, or power cycle without it",
                         guest->name));
        }
    }
}
