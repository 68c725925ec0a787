/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workarounds that firmware offers against speculation: a guest asked once, at
 * boot, what is needed, and acts on the answer.  A lower level elsewhere means
 * that it goes unprotected, and KVM refuses to restore it.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/reason.h"
#include "compat/settable.h"
#include "compat/vmm.h"
#include "cpu/arm64_reg.h"

static const struct row {
    enum mig_arm64 index;
    const char *against;
} rows[] = {
    {MIG_ARM64_SMCCC_ARCH_WORKAROUND_1, "branch target injection (Spectre v2)"  },
    {MIG_ARM64_SMCCC_ARCH_WORKAROUND_2, "speculative store bypass"              },
    {MIG_ARM64_SMCCC_ARCH_WORKAROUND_3, "branch history injection (Spectre-BHB)"},
};

#define LEVEL_BITS 0xfu

/* Does a guest of @guest lose the protection on @host? */
static bool is_lost(const struct row *row, const struct mig_party *guest,
                    const struct mig_party *host)
{
    struct mig_seen wanted = mig_party_seen(guest, mig_reg_arm64(row->index));
    struct mig_settable s;
    struct mig_limit limit;

    if (wanted.known != MIG_KNOWN) {
        return false;
    }
    mig_limit_init(&limit, host, 0);
    s = mig_settable_ask(&limit, mig_reg_arm64(row->index), wanted.value);
    return s.answer == MIG_ANSWER_EINVAL;
}

static void tell(const struct row *row, const struct mig_party *guest, const struct mig_party *host,
                 enum mig_severity severity, struct mig_findings *list)
{
    struct mig_bit level = {mig_reg_arm64(row->index), LEVEL_BITS};
    struct mig_finding *f = mig_constraint_raise(list, level, severity);

    if (f == NULL) {
        return;
    }
    f->rule = "smccc";
    f->reason = MIG_REASON_FIRMWARE;
    f->likely = true;
    f->source = mig_party_seen(guest, level.reg);
    f->source.value &= LEVEL_BITS;
    f->destination = mig_party_seen(host, level.reg);
    f->destination.value &= LEVEL_BITS;
    mig_constraint_say(
        f,
        mig_strf("guests of %s are told level %llu of the workaround against %s, %s has %llu: they "
                 "would run unprotected, and KVM refuses to restore them",
                 guest->name, (unsigned long long)f->source.value, row->against, host->name,
                 (unsigned long long)f->destination.value),
        mig_strf("on %s, update firmware and kernel, and take mitigations=off or the like off the "
                 "kernel command line; else boot guests where the level is lowest",
                 host->name));
    (void)mig_reason_arm64_switch(f, host);
}

#define LEVEL_AVAILABLE 2

/* Older kernels say with it that a workaround which can be switched is on; KVM
 * refuses it beside any other level. */
static void drop_switch(struct mig_merge *m)
{
    struct mig_reg reg = mig_reg_arm64(MIG_ARM64_SMCCC_ARCH_WORKAROUND_2);

    if ((mig_merge_get(m, reg) & MIG_ARM64_MASK(SMCCC_ARCH_WORKAROUND_2, level)) !=
        LEVEL_AVAILABLE) {
        mig_merge_take(m, reg, MIG_ARM64_MASK(SMCCC_ARCH_WORKAROUND_2, enabled));
    }
}

/* The profile has the lowest level: it holds everywhere, and guests know. */
void mig_smccc_merge(struct mig_merge *m)
{
    drop_switch(m);
    for (size_t r = 0; m->findings != NULL && r < MIG_COUNT(rows); r++) {
        bool told = false;

        for (size_t i = 0; i < m->len; i++) {
            for (size_t j = 0; j < m->len && !told; j++) {
                if (is_lost(&rows[r], &m->parties[i], &m->parties[j])) {
                    tell(&rows[r], &m->parties[i], &m->parties[j],
                         m->directional && i != 0 ? MIG_NOTE : MIG_SECURITY, m->findings);
                    told = true;
                }
            }
        }
    }
}

void mig_smccc_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    const struct mig_vmm *vmm = mig_vmm_of(guest, host);

    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        if (is_lost(&rows[r], guest, host)) {
            bool left = mig_vmm_leaves_out(vmm, guest, host, mig_reg_arm64(rows[r].index));

            tell(&rows[r], guest, host, left ? MIG_SECURITY : MIG_BLOCKER, ret);
        }
    }
}
