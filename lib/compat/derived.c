/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Words that follow from others: the XSAVE area of the components that are
 * left, and the highest leaf of each block that still says something.
 */
#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"

#define XSAVE_HEADER_END 576 /* legacy area and header, always there */

/* Components that XCR0 or XSS no longer has lose their description. */
static void clear_components(struct mig_merge *m)
{
    uint64_t low = mig_merge_get(m, mig_reg_cpuid(0xd, 0, MIG_EAX)) |
                   mig_merge_get(m, mig_reg_cpuid(0xd, 1, MIG_ECX));
    uint64_t high = mig_merge_get(m, mig_reg_cpuid(0xd, 0, MIG_EDX)) |
                    mig_merge_get(m, mig_reg_cpuid(0xd, 1, MIG_EDX));

    for (size_t w = 0; w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);

        if (mig_merge_is_geometry(reg) && ((high << 32 | low) >> (reg.sub % 64) & 1) == 0) {
            mig_merge_take(m, reg, UINT64_MAX);
        }
    }
}

/* Where the area of the components in XCR0 ends, in its standard form. */
static uint64_t area_end(const struct mig_merge *m)
{
    uint64_t low = mig_merge_get(m, mig_reg_cpuid(0xd, 0, MIG_EAX));
    uint64_t xcr0 = mig_merge_get(m, mig_reg_cpuid(0xd, 0, MIG_EDX)) << 32 | low;
    uint64_t end = XSAVE_HEADER_END;

    for (uint16_t component = 2; component < 63; component++) {
        uint64_t size, offset;

        if ((xcr0 >> component & 1) != 0) {
            size = mig_merge_get(m, mig_reg_cpuid(0xd, component, MIG_EAX));
            offset = mig_merge_get(m, mig_reg_cpuid(0xd, component, MIG_EBX));
            end = offset + size > end ? offset + size : end;
        }
    }
    return end;
}

static void size_xsave(struct mig_merge *m)
{
    struct mig_word *word = mig_merge_word(m, mig_reg_cpuid(0xd, 0, MIG_ECX));

    clear_components(m);
    if (word != NULL && word->covered && word->value != 0) {
        word->value = area_end(m);
    }
}

/* Topology leaves read 0 here because each vCPU gets its own; they count. */
static bool has_per_vcpu(struct mig_reg reg)
{
    struct mig_fields fields = mig_field_of(reg);

    for (size_t i = 0; i < fields.len; i++) {
        if (fields.items[i].shape.rule == MIG_RULE_PER_VCPU) {
            return true;
        }
    }
    return false;
}

static bool any_party_has(const struct mig_merge *m, struct mig_reg reg)
{
    for (size_t i = 0; i < m->len; i++) {
        if (mig_party_seen(&m->parties[i], reg).known == MIG_KNOWN) {
            return true;
        }
    }
    return false;
}

/* Does the profile still say something in this register? */
static bool is_alive(const struct mig_merge *m, const struct mig_word *word)
{
    struct mig_reg reg = mig_reg_from_key(word->key);

    return !word->covered || word->value != 0 || (has_per_vcpu(reg) && any_party_has(m, reg));
}

static void lower_max(struct mig_merge *m, struct mig_reg reg, unsigned hi, unsigned lo,
                      uint64_t highest)
{
    struct mig_word *word = mig_merge_word(m, reg);

    if (word != NULL && word->covered && mig_bits_get(word->value, hi, lo) > highest) {
        word->value = mig_bits_put(word->value, hi, lo, highest);
    }
}

static void lower_max_leaf(struct mig_merge *m, uint32_t block, uint32_t end)
{
    uint64_t highest = block;

    for (size_t i = 0; i < m->words_len; i++) {
        struct mig_reg reg = mig_reg_from_key(m->words[i].key);

        if (reg.space == MIG_SPACE_CPUID && reg.index > block && reg.index < end &&
            reg.index > highest && is_alive(m, &m->words[i])) {
            highest = reg.index;
        }
    }
    lower_max(m, mig_reg_cpuid(block, 0, MIG_EAX), 31, 0, highest);
}

static void lower_max_subleaf(struct mig_merge *m)
{
    uint64_t highest = 0;

    for (size_t i = 0; i < m->words_len; i++) {
        struct mig_reg reg = mig_reg_from_key(m->words[i].key);

        if (reg.space == MIG_SPACE_CPUID && reg.index == 7 && reg.sub > highest &&
            is_alive(m, &m->words[i])) {
            highest = reg.sub;
        }
    }
    lower_max(m, mig_reg_cpuid(7, 0, MIG_EAX), 31, 0, highest);
}

/* A leaf above the announced maximum must go: KVM would still answer it. */
static void drop_above_max(struct mig_merge *m, uint32_t block, uint32_t end)
{
    const struct mig_word *word = mig_merge_word(m, mig_reg_cpuid(block, 0, MIG_EAX));

    for (size_t i = 0; word != NULL && word->covered && i < m->words_len; i++) {
        struct mig_reg reg = mig_reg_from_key(m->words[i].key);

        if (reg.space == MIG_SPACE_CPUID && reg.index > block && reg.index < end &&
            reg.index > word->value) {
            m->taken[i] |= m->words[i].value;
            m->words[i].value = 0;
        }
    }
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
        drop_above_max(m, blocks[i].start, blocks[i].end);
        lower_max_leaf(m, blocks[i].start, blocks[i].end);
    }
    lower_max_subleaf(m);
}
