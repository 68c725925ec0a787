/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The registers that KVM saves: each of them is written back on the other
 * side, and a kernel that does not know one answers ENOENT.  Registers of
 * features that the guest was not given do not count.
 */
#include "base/alloc.h"
#include "compat/constraint.h"
#include "compat/limit.h"
#include "compat/reason.h"
#include "compat/settable.h"
#include "compat/vmm.h"

#define ID "arm64/reg-list"
#define KIND_SHIFT 16
#define KIND_CORE 0x10 /* in every list, under one of two ids with SVE */
#define TOLD_MAX 100

/* What @has saves and @lacks does not know. */
struct gap {
    const struct mig_party *has, *lacks;
    struct mig_reg first[TOLD_MAX];
    size_t len, harmful; /* of all; of those that a guest would miss */
    bool let_miss;       /* the VMM ignores all of them */
};

static bool is_listed(const struct mig_party *p, struct mig_reg reg)
{
    struct mig_seen seen = mig_party_seen(p, reg);

    return !mig_seen_is_value(seen) || seen.value != 0;
}

static bool is_of(struct mig_reg reg, unsigned features)
{
    enum mig_feature feature = mig_feature_saves(reg);

    return reg.index >> KIND_SHIFT != KIND_CORE &&
           (feature == MIG_FEATURE_COUNT || (features >> feature & 1) != 0);
}

static bool is_harmful(const struct mig_party *has, struct mig_reg reg)
{
    struct mig_reg value = reg;

    value.space = MIG_SPACE_IDREG;
    return !mig_settable_may_miss(reg, mig_party_get(has, value));
}

static void find_gap(struct gap *g, const struct mig_party *guest, unsigned features)
{
    const struct mig_vmm *vmm = mig_vmm_of(guest, g->lacks);
    size_t len;
    const struct mig_entry *list = mig_snapshot_space(g->has->snapshot, MIG_SPACE_REG_LIST, &len);

    g->let_miss = true;
    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(list[i].key);

        if (list[i].value == 0 || is_listed(g->lacks, reg) || !is_of(reg, features)) {
            continue;
        }
        if (g->len < TOLD_MAX) {
            g->first[g->len] = reg;
        }
        g->len++;
        g->harmful += is_harmful(guest, reg) ? 1 : 0;
        g->let_miss = g->let_miss && mig_vmm_lets_miss(vmm, guest, g->lacks, reg);
    }
}

/* A VMM that is not known may well ignore what holds nothing. */
static enum mig_severity weigh(const struct gap *g, const struct mig_vmm *vmm)
{
    if (g->let_miss || (g->harmful == 0 && vmm == NULL)) {
        return MIG_WARNING;
    }
    return MIG_BLOCKER;
}

static void tell(const struct gap *g, const struct mig_vmm *vmm, enum mig_severity severity,
                 struct mig_findings *list)
{
    struct mig_finding *f = mig_constraint_add(list, ID, severity, "register_list",
                                               g->harmful > 0 ? MIG_REASON_KERNEL : MIG_REASON_VMM);
    const char *how = mig_vmm_how(vmm);

    if (f == NULL) {
        return;
    }
    for (size_t i = 0; i < g->len && i < TOLD_MAX; i++) {
        char id[MIG_REG_TEXT_MAX];

        mig_reg_print(g->first[i], id);
        mig_finding_add_dependant(f, id);
    }
    f->why = mig_strf("KVM on %s saves %zu register%s that %s does not know%s", g->has->name,
                      g->len, g->len == 1 ? "" : "s", g->lacks->name,
                      g->harmful == 0 ? "; none holds anything that the guest would miss" : "");
    if (g->harmful > 0) {
        mig_reason_attribute(f, g->has, g->lacks);
    } else if (how != NULL) {
        f->remedy = mig_strf("have %s ignore them: %s", mig_vmm_name(vmm), how);
    } else {
        f->remedy = mig_strf("%s must ignore registers that the destination does not have; QEMU "
                             "fails with 'failed to load cpu:cpreg_vmstate_array_len', but from "
                             "11.1 on ignores TCR2_EL1, PIRE0_EL1, PIR_EL1 and an unused "
                             "VENDOR_HYP_BMAP_2",
                             mig_vmm_name(vmm));
    }
}

static void judge(const struct mig_party *guest, const struct mig_party *has,
                  const struct mig_party *lacks, struct mig_findings *ret)
{
    const struct mig_vmm *vmm = mig_vmm_of(guest, lacks);
    struct gap g = {.has = has, .lacks = lacks};

    find_gap(&g, guest, mig_feature_of(guest));
    if (g.len > 0) {
        tell(&g, vmm, weigh(&g, vmm), ret);
    }
}

void mig_register_list_judge(const struct mig_party *guest, const struct mig_party *host,
                             struct mig_findings *ret)
{
    judge(guest, guest, host, ret);
}

/* The worst gap between two hosts, for guests with what both have. */
void mig_register_list_merge(struct mig_merge *m)
{
    struct gap worst = {.len = 0};
    enum mig_severity severity = MIG_NOTE;

    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            struct gap g = {.has = &m->parties[i], .lacks = &m->parties[j]};
            unsigned both = mig_feature_of(g.has) & mig_feature_of(g.lacks);

            find_gap(&g, g.has, both);
            if (g.len > 0 && weigh(&g, mig_vmm_of(g.has, g.lacks)) > severity) {
                severity = weigh(&g, mig_vmm_of(g.has, g.lacks));
                worst = g;
            }
        }
    }
    m->unsettable = m->unsettable || severity == MIG_BLOCKER;
    if (worst.len > 0 && m->findings != NULL) {
        tell(&worst, mig_vmm_of(worst.has, worst.lacks), severity, m->findings);
    }
}
