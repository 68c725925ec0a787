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

    MIG_ASSERT(f != NULL);
    added = mig_findings_add_field(list, f->reg, f, f->hi, f->lo, MIG_BLOCKER);
    added->guest = added->source = (struct mig_seen){MIG_KNOWN, guest};
    added->destination = (struct mig_seen){MIG_KNOWN, host};
    mig_reason_attribute(added, has, lacks);
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
    }
}
