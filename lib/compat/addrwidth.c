/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address widths: the field tier takes the smaller one; what is left is the
 * guest's own physical width, where 0 stands for "as the host's".
 */
#include "base/alloc.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/reason.h"
#include "cpu/place.h"

#define PHYS_HI 7
#define PHYS_LO 0
#define GUEST_HI 23
#define GUEST_LO 16

#define CAP_SMALLER_MAXPHYADDR 185 /* cap.def */

static const struct mig_reg word_reg = MIG_PLACE_REG(phys_addr_bits);

/* The narrower of the physical width and the guest's own. */
static uint64_t usable_width(uint64_t word)
{
    uint64_t phys = mig_bits_get(word, PHYS_HI, PHYS_LO);
    uint64_t stated = mig_bits_get(word, GUEST_HI, GUEST_LO);

    return stated != 0 && stated < phys ? stated : phys;
}

uint64_t mig_addrwidth_stated(struct mig_reg reg, uint64_t word)
{
    return mig_reg_key(reg) == mig_reg_key(word_reg)
               ? mig_bits_put(word, GUEST_HI, GUEST_LO, usable_width(word))
               : word;
}

/* The merge compared stated widths; a profile of hosts that state none does
 * not begin to. */
void mig_addrwidth_merge(struct mig_merge *m)
{
    struct mig_word *word = mig_merge_word(m, word_reg);
    uint64_t stated = 0;

    for (size_t i = 0; i < m->len; i++) {
        stated |= mig_bits_get(mig_party_get(&m->parties[i], word_reg), GUEST_HI, GUEST_LO);
    }
    if (word != NULL && stated == 0) {
        word->value = mig_bits_put(word->value, GUEST_HI, GUEST_LO, 0);
    }
}

static void add_finding(struct mig_findings *list, unsigned bit, uint64_t guest, uint64_t host,
                        const struct mig_party *has, const struct mig_party *lacks)
{
    const struct mig_field *f = mig_field_at(word_reg, bit);
    struct mig_finding *added;

    if (!mig_findings_want(list, MIG_BLOCKER)) {
        return;
    }
    MIG_ASSERT(f != NULL);
    added = mig_findings_add_field(list, f->reg, f, f->hi, f->lo, MIG_BLOCKER);
    added->guest = added->source = (struct mig_seen){MIG_KNOWN, guest};
    added->destination = (struct mig_seen){MIG_KNOWN, host};
    mig_reason_attribute(added, has, lacks);
    mig_constraint_say(
        added,
        mig_strf("%s may place memory and devices up to %llu address bits, %s has %llu: what lies "
                 "above faults at the next access, long after the move",
                 has->name, (unsigned long long)guest, lacks->name, (unsigned long long)host),
        mig_strf(
            "a running guest can not be narrowed; power cycle it with phys-bits=%llu (libvirt: "
            "<maxphysaddr mode='emulate' bits='%llu'/>), or choose a host with %llu address bits",
            (unsigned long long)host, (unsigned long long)host, (unsigned long long)guest));
}

/* A hypervisor in the guest counts on faults at reserved address bits; the
 * hardware raises them by the host's width only. */
static void warn_of_nesting(struct mig_findings *list, uint64_t guest, uint64_t host,
                            const struct mig_party *who, const struct mig_party *where)
{
    static const struct mig_bit vmx = MIG_PLACE_BIT(vmx), svm = MIG_PLACE_BIT(svm);
    struct mig_reg smaller = mig_reg_plain(MIG_SPACE_CAP, CAP_SMALLER_MAXPHYADDR);
    struct mig_finding *f;

    if ((!mig_party_has(who, vmx) && !mig_party_has(who, svm)) ||
        mig_party_get(where, smaller) != 0 || !mig_findings_want(list, MIG_WARNING)) {
        return;
    }
    f = mig_findings_add(list, "host/maxphysaddr", MIG_WARNING);
    f->rule = "addrwidth";
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, guest};
    f->destination = (struct mig_seen){MIG_KNOWN, host};
    f->reason = MIG_REASON_HARDWARE;
    f->why = mig_strf("%s was given nested virtualisation and %llu address bits, %s has %llu: page "
                      "faults at reserved bits that a hypervisor in the guest sets on purpose "
                      "would not come",
                      who->name, (unsigned long long)guest, where->name, (unsigned long long)host);
    f->remedy = mig_strf("keep guests that run guests of their own on hosts with %llu address bits",
                         (unsigned long long)guest);
}

void mig_addrwidth_judge(const struct mig_party *guest, const struct mig_party *host,
                         struct mig_findings *ret)
{
    struct mig_seen g = mig_party_seen(guest, word_reg), h = mig_party_seen(host, word_reg);
    uint64_t g_phys = mig_bits_get(g.value, PHYS_HI, PHYS_LO);
    uint64_t h_phys = mig_bits_get(h.value, PHYS_HI, PHYS_LO);

    if (!mig_seen_is_value(g) || !mig_seen_is_value(h)) {
        return;
    }
    if (g_phys > h_phys) {
        add_finding(ret, PHYS_LO, g_phys, h_phys, guest, host);
    } else if (usable_width(g.value) > usable_width(h.value)) {
        add_finding(ret, GUEST_LO, usable_width(g.value), usable_width(h.value), guest, host);
    } else if (g_phys != 0 && g_phys < h_phys) {
        warn_of_nesting(ret, g_phys, h_phys, guest, host);
    }
}
