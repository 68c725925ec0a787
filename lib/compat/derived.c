/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that follow from others: the XSAVE area of the components that are
 * left, and the highest leaf of each block that still says something.
 *
 * A profile shows its own highest leaf: KVM answers what lies above it with
 * the highest basic leaf where the guest is Intel's, with zeros where it is
 * AMD's, but a leaf that the table lists is answered even above the highest.
 * So nothing is left up there, and no number promises a leaf that is empty.
 */
#include "base/array.h"
#include "compat/constraint.h"

#define XSAVE_LEAF 0xd
#define XSAVE_HEADER_END 576 /* legacy area and header, always there */

/* Index of the first word at or behind @reg. */
static size_t first_word(const struct mig_merge *m, struct mig_reg reg)
{
    uint64_t key = mig_reg_key(reg);
    size_t low = 0, high = m->words_len;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (m->words[middle].key < key) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static uint64_t both_halves(const struct mig_merge *m, uint16_t sub, enum mig_part low)
{
    return mig_merge_get(m, mig_reg_cpuid(XSAVE_LEAF, sub, MIG_EDX)) << 32 |
           mig_merge_get(m, mig_reg_cpuid(XSAVE_LEAF, sub, low));
}

static void take_word(struct mig_merge *m, size_t w)
{
    m->taken[w] |= m->words[w].value;
    m->words[w].value = 0;
}

/* Components that XCR0 or XSS no longer has lose their description; the area
 * ends where the last one of XCR0 does. */
static void size_xsave(struct mig_merge *m)
{
    uint64_t xcr0 = both_halves(m, 0, MIG_EAX), all = xcr0 | both_halves(m, 1, MIG_ECX);
    uint64_t end = XSAVE_HEADER_END, size = 0;
    struct mig_word *area = NULL;

    for (size_t w = first_word(m, mig_reg_cpuid(XSAVE_LEAF, 0, MIG_EAX)); w < m->words_len; w++) {
        struct mig_word *word = &m->words[w];
        struct mig_reg reg = mig_reg_from_key(word->key);

        if (reg.space != MIG_SPACE_CPUID || reg.index != XSAVE_LEAF) {
            break;
        }
        if (reg.sub < 2) {
            area = reg.sub == 0 && reg.part == MIG_ECX ? word : area;
        } else if ((all >> (reg.sub % 64) & 1) == 0) {
            take_word(m, w);
        } else if (reg.part == MIG_EAX) {
            size = word->covered ? word->value : 0;
        } else if (reg.part == MIG_EBX && (xcr0 >> (reg.sub % 64) & 1) != 0 && word->covered) {
            end = word->value + size > end ? word->value + size : end;
        }
    }
    if (area != NULL && area->covered && area->value != 0) {
        area->value = end;
    }
}

/* Topology leaves read 0 here because each vCPU gets its own; they count. */
static bool has_per_vcpu(const struct mig_merge *m, const struct mig_word *word)
{
    struct mig_reg reg = mig_reg_from_key(word->key);
    struct mig_fields fields = mig_field_of(reg);
    bool per_vcpu = false;

    for (size_t i = 0; i < fields.len; i++) {
        per_vcpu = per_vcpu || fields.items[i].shape.rule == MIG_RULE_PER_VCPU;
    }
    for (size_t i = 0; per_vcpu && i < m->len; i++) {
        if (mig_party_seen(&m->parties[i], reg).known == MIG_KNOWN) {
            return true;
        }
    }
    return false;
}

/* Does the profile still say something in this register? */
static bool is_alive(const struct mig_merge *m, const struct mig_word *word)
{
    return !word->covered || word->value != 0 || has_per_vcpu(m, word);
}

static void lower_max(struct mig_merge *m, struct mig_reg reg, uint64_t highest)
{
    struct mig_word *word = mig_merge_word(m, reg);

    if (word != NULL && word->covered && word->value > highest) {
        word->value = highest;
    }
}

/* From the top of the block down: what stands above the stated highest leaf
 * goes, the first one that still says something is the new highest. */
static void lower_max_leaf(struct mig_merge *m, uint32_t block, uint32_t end)
{
    const struct mig_word *stated = mig_merge_word(m, mig_reg_cpuid(block, 0, MIG_EAX));
    size_t w = first_word(m, mig_reg_cpuid(end, 0, MIG_EAX));

    for (; stated != NULL && w > 0; w--) {
        const struct mig_word *word = &m->words[w - 1];
        struct mig_reg reg = mig_reg_from_key(word->key);

        if (reg.space != MIG_SPACE_CPUID || reg.index <= block) {
            break;
        }
        if (stated->covered && reg.index > stated->value) {
            take_word(m, w - 1);
        } else if (is_alive(m, word)) {
            lower_max(m, mig_reg_cpuid(block, 0, MIG_EAX), reg.index);
            return;
        }
    }
    lower_max(m, mig_reg_cpuid(block, 0, MIG_EAX), block);
}

static void lower_max_subleaf(struct mig_merge *m)
{
    size_t w = first_word(m, mig_reg_cpuid(8, 0, MIG_EAX));

    for (; w > 0; w--) {
        struct mig_reg reg = mig_reg_from_key(m->words[w - 1].key);

        if (reg.space != MIG_SPACE_CPUID || reg.index != 7 || reg.sub == 0) {
            break;
        }
        if (is_alive(m, &m->words[w - 1])) {
            lower_max(m, mig_reg_cpuid(7, 0, MIG_EAX), reg.sub);
            return;
        }
    }
    lower_max(m, mig_reg_cpuid(7, 0, MIG_EAX), 0);
}

void mig_derived_merge(struct mig_merge *m)
{
    static const struct {
        uint32_t start, end;
    } blocks[] = {
        {0,          0x40000000},
        {0x40000000, 0x40000100},
        {0x80000000, 0x80010000},
        {0xc0000000, 0xc0010000}
    };

    size_xsave(m);
    for (size_t i = 0; i < MIG_COUNT(blocks); i++) {
        lower_max_leaf(m, blocks[i].start, blocks[i].end);
    }
    lower_max_subleaf(m);
}
