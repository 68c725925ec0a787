/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ID registers of 32-bit code mean nothing to a guest that has none.  VMMs
 * restore them all the same, and KVM on a host with 32-bit code refuses what
 * one without shows (0 where it wants at least 6): the registers are told as
 * one, tolerated where the VMM leaves out those that are refused.
 */
#include "base/alloc.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/settable.h"
#include "compat/vmm.h"
#include "cpu/arm64_reg.h"

#define ID "arm64/aarch32"

enum has { UNKNOWN_CODE, NO_32_BIT, HAS_32_BIT };

static bool describes_aarch32(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_IDREG && reg.index >= MIG_ARM64_ID_PFR0_EL1 &&
           reg.index <= MIG_ARM64_ID_MMFR5_EL1;
}

static enum has code_of(const struct mig_party *p)
{
    struct mig_seen pfr0 = mig_party_seen(p, mig_reg_arm64(MIG_ARM64_ID_AA64PFR0_EL1));
    uint64_t el0 = mig_bits_get(pfr0.value, MIG_ARM64_HI_ID_AA64PFR0_EL1_EL0,
                                MIG_ARM64_LO_ID_AA64PFR0_EL1_EL0);

    return pfr0.known != MIG_KNOWN ? UNKNOWN_CODE : el0 >= 2 ? HAS_32_BIT : NO_32_BIT;
}

bool mig_aarch32_is_moot(const struct mig_merge *m, struct mig_reg reg)
{
    for (size_t i = 0; describes_aarch32(reg) && i < m->len; i++) {
        if (code_of(&m->parties[i]) == NO_32_BIT) {
            return true;
        }
    }
    return false;
}

bool mig_aarch32_is_useless(const struct mig_party *guest, struct mig_reg reg)
{
    return describes_aarch32(reg) && code_of(guest) == NO_32_BIT;
}

/* Registers that @guest carries and KVM on @host refuses. */
struct refused {
    const struct mig_party *guest, *host;
    struct mig_reg items[32];
    size_t len;
    bool left_out; /* by the VMM, all of them */
};

static void find_refused(struct refused *r)
{
    const struct mig_vmm *vmm = mig_vmm_of(r->guest, r->host);
    struct mig_limit limit;
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(r->guest->snapshot, MIG_SPACE_IDREG, &len);

    mig_limit_init(&limit, r->host, mig_feature_of(r->guest));
    r->left_out = true;
    for (size_t i = 0; i < len && r->len < sizeof r->items / sizeof *r->items; i++) {
        struct mig_reg reg = mig_reg_from_key(entries[i].key);
        struct mig_settable s;

        if (!describes_aarch32(reg) || entries[i].errnum != 0) {
            continue;
        }
        s = mig_settable_ask(&limit, reg, entries[i].value);
        if (s.answer == MIG_ANSWER_EINVAL) {
            r->items[r->len++] = reg;
            r->left_out = r->left_out && mig_vmm_leaves_out(vmm, r->guest, r->host, reg);
        }
    }
}

static void tell(const struct refused *r, struct mig_findings *list)
{
    enum mig_severity severity = r->left_out ? MIG_WARNING : MIG_BLOCKER;
    const struct mig_vmm *vmm = mig_vmm_of(r->guest, r->host);
    const char *how = mig_vmm_how(vmm);
    struct mig_finding *f;

    f = mig_constraint_add(list, ID, severity, "aarch32", MIG_REASON_VMM);
    if (f != NULL) {
        for (size_t i = 0; i < r->len; i++) {
            char id[MIG_REG_TEXT_MAX];

            mig_reg_print(r->items[i], id);
            mig_finding_add_dependant(f, id);
        }
        f->why = mig_strf("%s%s has no 32-bit code; %zu register%s that describe%s it hold what "
                          "KVM on %s refuses, although no guest of %s can read anything from "
                          "them",
                          r->left_out ? "tolerated, as the VMM leaves them out: " : "",
                          r->guest->name, r->len, r->len == 1 ? "" : "s", r->len == 1 ? "s" : "",
                          r->host->name, r->guest->name);
        if (r->left_out) {
            f->remedy = mig_strdup("nothing: the destination keeps its own values");
        } else if (how != NULL) {
            f->remedy = mig_strf("have %s leave these registers out of what it restores: %s (tell "
                                 "it in fact vmm.left-out-regs)",
                                 mig_vmm_name(vmm), how);
        } else {
            f->remedy = mig_strf("tolerable if %s left these registers out of what it restores, "
                                 "which it does not",
                                 mig_vmm_name(vmm));
        }
    }
}

void mig_aarch32_judge(const struct mig_party *guest, const struct mig_party *host,
                       struct mig_findings *ret)
{
    struct refused r = {.guest = guest, .host = host};

    if (code_of(guest) == NO_32_BIT && code_of(host) == HAS_32_BIT) {
        find_refused(&r);
        if (r.len > 0) {
            tell(&r, ret);
        }
    }
}

/* Two hosts, one without 32-bit code and one with, where guests of the former
 * do not get by; the worst pair is told. */
static void merge_pairs(struct mig_merge *m)
{
    struct refused worst = {.len = 0};

    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            struct refused r = {.guest = &m->parties[i], .host = &m->parties[j]};

            if (code_of(r.guest) == NO_32_BIT && code_of(r.host) == HAS_32_BIT) {
                find_refused(&r);
            }
            if (r.len > 0 && (worst.len == 0 || (worst.left_out && !r.left_out))) {
                worst = r;
            }
        }
    }
    m->unsettable = m->unsettable || (worst.len > 0 && !worst.left_out);
    if (worst.len > 0 && m->findings != NULL) {
        tell(&worst, m->findings);
    }
}

void mig_aarch32_merge(struct mig_merge *m)
{
    for (size_t w = 0; w < m->words_len; w++) {
        if (mig_aarch32_is_moot(m, mig_reg_from_key(m->words[w].key))) {
            m->words[w].value = 0;
        }
    }
    merge_pairs(m);
}
