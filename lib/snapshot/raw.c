/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/raw.h"

#include "base/array.h"
#include "base/bits.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/normalise.h"

#define LEAVES_MAX (MIG_ENTRIES_MAX / 4)
#define HYPERVISOR_BASE 0x40000000u
#define HYPERVISOR_BLOCK 0x100u
#define HYPERVISOR_BLOCKS 0x100u

static const struct mig_raw_leaf *find(const struct mig_raw *raw, uint32_t index, uint16_t sub)
{
    for (size_t i = 0; i < raw->len; i++) {
        if (raw->items[i].index == index && raw->items[i].sub == sub) {
            return &raw->items[i];
        }
    }
    return NULL;
}

bool mig_raw_add(struct mig_raw *raw, const struct mig_raw_leaf *leaf, struct mig_error *err)
{
    if (raw->len == LEAVES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d CPUID leaves", LEAVES_MAX);
    }
    if (find(raw, leaf->index, leaf->sub) != NULL) {
        return mig_fail(err, MIG_FORMAT, "CPUID leaf %x.%x is there twice", leaf->index, leaf->sub);
    }
    *MIG_PUSH(raw) = *leaf;
    return true;
}

/* The last leaf of the range that @index belongs to, or 0 when the silicon
 * does not answer for that range at all. */
static uint32_t range_end(const struct mig_raw *raw, uint32_t index)
{
    uint32_t base = index & 0xffff0000;
    const struct mig_raw_leaf *head;

    if (index >> 28 == 4) {
        return 0;
    }
    head = find(raw, base, 0);
    return head != NULL && (head->words[MIG_EAX] & 0xffff0000) == base ? head->words[MIG_EAX] : 0;
}

static bool is_there(const struct mig_raw *raw, uint32_t index)
{
    return index == 0 || index <= range_end(raw, index);
}

/* Fields that tell hosts apart; an unknown bit may well be the CPU's number. */
static uint64_t compared_bits(struct mig_reg reg)
{
    return mig_normalise_mask(reg) & mig_field_classified(reg);
}

bool mig_raw_check_same(const struct mig_raw *first, const struct mig_raw *other, const char *name,
                        struct mig_error *err)
{
    static const uint32_t none[4] = {0};

    if (first->len != other->len) {
        return mig_fail(err, MIG_FORMAT, "%s has %zu CPUID leaves, the first CPU has %zu", name,
                        other->len, first->len);
    }
    for (size_t i = 0; i < first->len; i++) {
        const struct mig_raw_leaf *leaf = &first->items[i];
        const struct mig_raw_leaf *same = find(other, leaf->index, leaf->sub);
        const uint32_t *words = same == NULL ? none : same->words;

        for (unsigned part = 0; part < 4 && is_there(first, leaf->index); part++) {
            struct mig_reg reg = mig_reg_cpuid(leaf->index, leaf->sub, (enum mig_part)part);
            char text[MIG_REG_TEXT_MAX];

            if (((leaf->words[part] ^ words[part]) & compared_bits(reg)) != 0) {
                mig_reg_print(reg, text);
                return mig_fail(err, MIG_FORMAT,
                                "the CPUs differ: %s is 0x%x on %s, 0x%x on the first", text,
                                words[part], name, leaf->words[part]);
            }
        }
    }
    return true;
}

bool mig_raw_pour(const struct mig_raw *raw, struct mig_builder *b, struct mig_error *err)
{
    if (range_end(raw, 0) == 0) {
        return mig_fail(err, MIG_FORMAT, "CPUID leaf 0 is missing or empty");
    }
    for (size_t i = 0; i < raw->len; i++) {
        const struct mig_raw_leaf *leaf = &raw->items[i];

        for (unsigned part = 0; part < 4 && is_there(raw, leaf->index); part++) {
            mig_builder_set(b, mig_reg_cpuid(leaf->index, leaf->sub, (enum mig_part)part),
                            leaf->words[part]);
        }
    }
    return true;
}

/* ebx, ecx, edx of the first leaf */
static bool is_signed(const struct mig_raw_leaf *head, uint32_t b, uint32_t c, uint32_t d)
{
    return head->words[MIG_EBX] == b && head->words[MIG_ECX] == c && head->words[MIG_EDX] == d;
}

/* The block of 256 leaves that @base begins, into @space. */
static void pour_block(const struct mig_raw *raw, uint32_t base, enum mig_space space,
                       struct mig_builder *b)
{
    for (size_t i = 0; i < raw->len; i++) {
        const struct mig_raw_leaf *leaf = &raw->items[i];

        for (unsigned part = 0; part < 4 && leaf->index - base < HYPERVISOR_BLOCK; part++) {
            struct mig_reg reg = mig_reg_cpuid(HYPERVISOR_BASE + (leaf->index - base), leaf->sub,
                                               (enum mig_part)part);
            uint32_t word = leaf->words[part];

            reg.space = space;
            if (leaf->index == base && part == MIG_EAX && word >= base) {
                word = HYPERVISOR_BASE + (word - base);
            }
            mig_builder_set(b, reg, word);
        }
    }
}

void mig_raw_pour_hypervisor(const struct mig_raw *raw, struct mig_builder *b, const char *source)
{
    bool kvm = false, hyperv = false;

    for (uint32_t i = 0; i < HYPERVISOR_BLOCKS; i++) {
        uint32_t base = HYPERVISOR_BASE + i * HYPERVISOR_BLOCK;
        const struct mig_raw_leaf *head = find(raw, base, 0);

        if (head == NULL) {
            continue;
        }
        if (!kvm && is_signed(head, 0x4b4d564b, 0x564b4d56, 0x4d)) { /* KVMKVMKVM */
            pour_block(raw, base, MIG_SPACE_CPUID, b);
            kvm = true;
        } else if (!hyperv && is_signed(head, 0x7263694d, 0x666f736f, 0x76482074)) {
            pour_block(raw, base, MIG_SPACE_CPUID_HV, b); /* Microsoft Hv */
            hyperv = true;
        }
    }
    if (kvm || hyperv) {
        mig_builder_cover(b, MIG_GROUP_CPUID_HV, MIG_COVER_FULL, 0, source);
    }
}

void mig_raw_clear(struct mig_raw *raw)
{
    mig_free(raw->items);
    *raw = (struct mig_raw){0};
}
