/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/cpuid.h"

#if defined(__x86_64__)

#include <linux/kvm.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "cpu/field.h"
#include "snapshot/normalise.h"

#define HYPERVISOR_FIRST UINT32_C(0x40000000)
#define HYPERVISOR_LAST UINT32_C(0x4fffffff)
/* KVM's own leaves stand in the next block when Hyper-V has the first. */
#define BLOCK UINT32_C(0x100)
#define EXTENDED UINT32_C(0x80000000)
#define CENTAUR UINT32_C(0xc0000000)

static bool is_block(uint32_t function, uint32_t first)
{
    return function >= first && function < first + BLOCK;
}

bool mig_kvm_shows_hyperv(const struct mig_snapshot *shown)
{
    struct mig_reg top = {MIG_SPACE_CPUID_HV, HYPERVISOR_FIRST, 0, MIG_EAX};
    uint64_t value;

    return mig_snapshot_get(shown, top, &value) == MIG_KNOWN && value != 0;
}

struct mig_reg mig_kvm_cpuid_place(bool hyperv, uint32_t function, uint32_t index)
{
    struct mig_reg reg = mig_reg_cpuid(function, (uint16_t)index, MIG_EAX);

    if (hyperv && is_block(function, HYPERVISOR_FIRST)) {
        reg.space = MIG_SPACE_CPUID_HV;
    } else if (hyperv && is_block(function, HYPERVISOR_FIRST + BLOCK)) {
        reg.index -= BLOCK;
    }
    return reg;
}

/* The leaf that a guest asks for to read @reg, and 0 or what its highest leaf
 * is moved by. */
static uint32_t function_of(bool hyperv, struct mig_reg reg, uint32_t *ret_moved)
{
    bool moved = hyperv && reg.space == MIG_SPACE_CPUID && is_block(reg.index, HYPERVISOR_FIRST);

    *ret_moved = moved && reg.index == HYPERVISOR_FIRST && reg.part == MIG_EAX ? BLOCK : 0;
    return moved ? reg.index + BLOCK : reg.index;
}

bool mig_kvm_cpuid_is_indexed(uint32_t function)
{
    static const uint32_t indexed[] = {
#define INDEXED(leaf) leaf,
#include "kvm/indexed.def"
    };

    for (size_t i = 0; i < MIG_COUNT(indexed); i++) {
        if (indexed[i] == function) {
            return true;
        }
    }
    return false;
}

uint32_t mig_kvm_cpuid_sub(const struct kvm_cpuid_entry2 *e)
{
    return (e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) != 0 ? e->index : 0;
}

void mig_kvm_cpuid_words(const struct kvm_cpuid_entry2 *e, uint32_t ret[4])
{
    ret[MIG_EAX] = e->eax;
    ret[MIG_EBX] = e->ebx;
    ret[MIG_ECX] = e->ecx;
    ret[MIG_EDX] = e->edx;
}

uint32_t *mig_kvm_cpuid_word(struct kvm_cpuid_entry2 *e, enum mig_part part)
{
    switch (part) {
    case MIG_EAX:
        return &e->eax;
    case MIG_EBX:
        return &e->ebx;
    case MIG_ECX:
        return &e->ecx;
    case MIG_EDX:
        break;
    }
    return &e->edx;
}

const struct kvm_cpuid_entry2 *mig_kvm_cpuid_find(const struct kvm_cpuid2 *t, uint32_t function,
                                                  uint32_t index)
{
    for (uint32_t i = 0; i < t->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &t->entries[i];

        if (e->function == function &&
            ((e->flags & KVM_CPUID_FLAG_SIGNIFCANT_INDEX) == 0 || e->index == index)) {
            return e;
        }
    }
    return NULL;
}

/* Bits of @reg that the VMM builds for each vCPU. */
static uint32_t per_vcpu(struct mig_reg reg)
{
    struct mig_fields rows = mig_field_of(reg);
    uint64_t mask = 0;

    for (size_t i = 0; i < rows.len; i++) {
        if (rows.items[i].shape.rule == MIG_RULE_PER_VCPU) {
            mask |= mig_bits_mask(rows.items[i].hi, rows.items[i].lo);
        }
    }
    return (uint32_t)mask;
}

/* Nothing but what a VMM builds for each vCPU, which normal forms leave out. */
static bool is_topology(bool hyperv, const struct kvm_cpuid_entry2 *e)
{
    struct mig_reg reg = mig_kvm_cpuid_place(hyperv, e->function, mig_kvm_cpuid_sub(e));
    uint32_t words[4];
    bool any = false;

    mig_kvm_cpuid_words(e, words);
    for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
        reg.part = (enum mig_part)part;
        if ((words[part] & ~per_vcpu(reg)) != 0) {
            return false;
        }
        any = any || words[part] != 0;
    }
    return any;
}

static struct kvm_cpuid_entry2 *entry_for(struct kvm_cpuid2 *t, uint32_t function, uint32_t index)
{
    struct kvm_cpuid_entry2 *e;

    for (uint32_t i = 0; i < t->nent; i++) {
        if (t->entries[i].function == function && t->entries[i].index == index) {
            return &t->entries[i];
        }
    }
    e = &t->entries[t->nent++];
    e->function = function;
    e->index = index;
    /* A subleaf that is there tells one from the other, whoever defines it. */
    e->flags =
        mig_kvm_cpuid_is_indexed(function) || index != 0 ? KVM_CPUID_FLAG_SIGNIFCANT_INDEX : 0;
    return e;
}

static void add_space(struct kvm_cpuid2 *t, const struct mig_snapshot *shown, enum mig_space space,
                      bool hyperv)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(shown, space, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(entries[i].key);
        uint32_t moved, function = function_of(hyperv, reg, &moved);

        if (entries[i].errnum == 0) {
            uint32_t value = (uint32_t)entries[i].value;

            *mig_kvm_cpuid_word(entry_for(t, function, reg.sub), reg.part) =
                value != 0 ? value + moved : 0;
        }
    }
}

static void take_over(struct kvm_cpuid2 *t, const struct kvm_cpuid2 *own, bool hyperv)
{
    uint32_t len = t->nent;

    for (uint32_t i = 0; i < len; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        struct mig_reg reg = mig_kvm_cpuid_place(hyperv, e->function, mig_kvm_cpuid_sub(e));
        const struct kvm_cpuid_entry2 *had = mig_kvm_cpuid_find(own, e->function, e->index);
        uint32_t words[4] = {0};

        if (had != NULL) {
            mig_kvm_cpuid_words(had, words);
        }
        for (unsigned part = MIG_EAX; had != NULL && part <= MIG_EDX; part++) {
            uint32_t *word = mig_kvm_cpuid_word(e, (enum mig_part)part), mask;

            reg.part = (enum mig_part)part;
            mask = per_vcpu(reg);
            *word = (*word & ~mask) | (words[part] & mask);
        }
    }
    for (uint32_t i = 0; i < own->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &own->entries[i];

        if (mig_kvm_cpuid_find(t, e->function, mig_kvm_cpuid_sub(e)) == NULL &&
            is_topology(hyperv, e)) {
            t->entries[t->nent++] = *e;
        }
    }
}

struct kvm_cpuid2 *mig_kvm_cpuid_of(const struct mig_snapshot *shown, const struct kvm_cpuid2 *own)
{
    bool hyperv = mig_kvm_shows_hyperv(shown);
    size_t len, hv_len, own_len = own != NULL ? own->nent : 0;
    struct kvm_cpuid2 *t;

    (void)mig_snapshot_space(shown, MIG_SPACE_CPUID, &len);
    (void)mig_snapshot_space(shown, MIG_SPACE_CPUID_HV, &hv_len);
    t = mig_alloc(1, sizeof *t + (len + hv_len + own_len) * sizeof t->entries[0]);
    add_space(t, shown, MIG_SPACE_CPUID, hyperv);
    if (hyperv) {
        add_space(t, shown, MIG_SPACE_CPUID_HV, hyperv);
    }
    if (own != NULL) {
        take_over(t, own, hyperv);
    }
    return t;
}

/* Vendors whose CPUs answer zeros above their highest leaf. */
static bool answers_zeros(const struct kvm_cpuid_entry2 *basic)
{
    static const struct {
        uint32_t ebx, edx, ecx;
    } vendors[] = {
        {0x68747541, 0x69746e65, 0x444d4163}, /* AuthenticAMD */
        {0x69444d41, 0x74656273, 0x21726574}, /* AMDisbetter! */
        {0x6f677948, 0x6e65476e, 0x656e6975}, /* HygonGenuine */
    };

    for (size_t i = 0; i < MIG_COUNT(vendors); i++) {
        if (basic->ebx == vendors[i].ebx && basic->edx == vendors[i].edx &&
            basic->ecx == vendors[i].ecx) {
            return true;
        }
    }
    return false;
}

/* Linux arch/x86/kvm/cpuid.c, get_out_of_range_cpuid_entry(): sets @function to
 * the leaf that answers instead. */
static const struct kvm_cpuid_entry2 *out_of_range(const struct kvm_cpuid2 *t, uint32_t *function,
                                                   uint32_t index)
{
    const struct kvm_cpuid_entry2 *basic = mig_kvm_cpuid_find(t, 0, 0), *top;
    uint32_t first = *function & EXTENDED;

    if (basic == NULL || answers_zeros(basic)) {
        return NULL;
    }
    if (*function >= HYPERVISOR_FIRST && *function <= HYPERVISOR_LAST) {
        first = *function & ~(BLOCK - 1);
    } else if (*function >= CENTAUR) {
        first = CENTAUR;
    }
    top = mig_kvm_cpuid_find(t, first, 0);
    if (top != NULL && *function <= top->eax) {
        return NULL;
    }
    *function = basic->eax;
    return mig_kvm_cpuid_find(t, basic->eax, index);
}

const struct kvm_cpuid_entry2 *mig_kvm_cpuid_answer(const struct kvm_cpuid2 *t, uint32_t function,
                                                    uint32_t index, uint32_t ret[4])
{
    const struct kvm_cpuid_entry2 *e = mig_kvm_cpuid_find(t, function, index), *first;

    if (e == NULL) {
        e = out_of_range(t, &function, index);
    }
    for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
        ret[part] = 0;
    }
    if (e != NULL) {
        mig_kvm_cpuid_words(e, ret);
        return e;
    }
    /* Topology leaves say who asks, whatever the subleaf. */
    first = function == 0xb || function == 0x1f ? mig_kvm_cpuid_find(t, function, 1) : NULL;
    if (first != NULL) {
        ret[MIG_ECX] = index & 0xff;
        ret[MIG_EDX] = first->edx;
    }
    return NULL;
}

uint64_t mig_kvm_cpuid_kept(struct mig_reg reg, bool fresh)
{
    enum when { ALWAYS, ASKED };
    static const struct {
        uint32_t leaf;
        uint16_t sub;
        enum mig_part part;
        uint8_t hi, lo;
        enum when when;
    } rows[] = {
#define REWRITE(leaf, sub, part, hi, lo, when, what) {leaf, sub, MIG_##part, hi, lo, when},
#include "kvm/rewrite.def"
    };
    uint64_t mask = mig_normalise(reg, UINT32_MAX);

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t key = mig_reg_key(mig_reg_cpuid(rows[i].leaf, rows[i].sub, rows[i].part));

        if (key == mig_reg_key(reg) && (rows[i].when == ALWAYS || !fresh)) {
            mask &= ~mig_bits_mask(rows[i].hi, rows[i].lo);
        }
    }
    return mask;
}

struct kvm_msrs *mig_kvm_msrs_of(const struct mig_snapshot *shown)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(shown, MIG_SPACE_MSR, &len);
    struct kvm_msrs *m = mig_alloc(1, sizeof *m + len * sizeof m->entries[0]);

    for (size_t i = 0; i < len; i++) {
        if (entries[i].errnum == 0) {
            struct kvm_msr_entry *e = &m->entries[m->nmsrs++];

            e->index = mig_reg_from_key(entries[i].key).index;
            e->data = entries[i].value;
        }
    }
    return m;
}

bool mig_kvm_next_msr(uint32_t *index)
{
    /* Of each row; those of one MSR are neighbours. */
    static const uint32_t rows[] = {
#define MSR(index, hi, lo, rule, cls, offer, who, id, why) index,
#include "cpu/x86_msr.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (rows[i] > *index) {
            *index = rows[i];
            return true;
        }
    }
    return false;
}

#endif
