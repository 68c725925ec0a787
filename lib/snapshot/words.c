/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/words.h"

#include <string.h>

#include "base/array.h"
#include "cpu/field.h"
#include "cpu/place.h"
#include "snapshot/builder.h"
#include "snapshot/normalise.h"

#define ARCH_CAPABILITIES 0x10a

/* 80000001.EDX as AMD defines it: these bits are those of 1.EDX. */
#define REPEATED UINT64_C(0x0183f3ff)

/* Leaves 12 and 14 hold numbers beside their flags. */
bool mig_words_take(struct mig_reg reg)
{
    return (reg.space == MIG_SPACE_CPUID && reg.index != 0x12 && reg.index != 0x14) ||
           (reg.space == MIG_SPACE_MSR && reg.index == ARCH_CAPABILITIES);
}

static struct mig_named_word *find(const struct mig_words *w, struct mig_reg reg)
{
    uint64_t key = mig_reg_key(reg);

    for (size_t i = 0; i < w->len; i++) {
        if (w->items[i].key == key) {
            return &w->items[i];
        }
    }
    return NULL;
}

static struct mig_named_word *find_or_add(struct mig_words *w, struct mig_reg reg)
{
    struct mig_named_word *word = find(w, reg);

    if (word == NULL) {
        word = MIG_PUSH(w);
        word->key = mig_reg_key(reg);
    }
    return word;
}

/* Doubt is a known bit without a place: above the 32 of a CPUID word, and the
 * highest of an MSR, which no feature has. */
#define DOUBT (UINT64_C(1) << 63)

void mig_words_put(struct mig_words *w, struct mig_reg reg, uint64_t mask, bool on)
{
    struct mig_named_word *word = find_or_add(w, reg);

    word->known |= mask & ~DOUBT;
    word->value = on ? word->value | (mask & ~DOUBT) : word->value & ~mask;
}

void mig_words_doubt(struct mig_words *w, struct mig_reg reg)
{
    find_or_add(w, reg)->known |= DOUBT;
}

const struct mig_named_word *mig_words_get(const struct mig_words *w, struct mig_reg reg)
{
    return find(w, reg);
}

static const struct mig_reg leaf_1_edx = {MIG_SPACE_CPUID, 1, 0, MIG_EDX};
static const struct mig_reg leaf_80000001_edx = {MIG_SPACE_CPUID, 0x80000001, 0, MIG_EDX};

/* Bits of @reg that must be known before the whole is. */
static bool read_needed(struct mig_reg reg, enum mig_words_rule rule, uint64_t *ret)
{
    static const struct {
        uint32_t index;
        uint16_t sub;
        enum mig_part part;
        enum mig_space space;
        uint64_t named;
    } rows[] = {
#define QEMU_CPUID(leaf, sub, part, named) {leaf, sub, MIG_##part, MIG_SPACE_CPUID, named},
#define QEMU_MSR(index, named) {index, 0, MIG_EAX, MIG_SPACE_MSR, named},
#include "snapshot/qemu_word.def"
    };

    if (rule == MIG_WORDS_SILICON) {
        *ret = mig_field_classified(reg) & mig_normalise_mask(reg);
        return *ret != 0;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (rows[i].space == reg.space && rows[i].index == reg.index && rows[i].sub == reg.sub &&
            rows[i].part == reg.part) {
            *ret = rows[i].named;
            return true;
        }
    }
    return false;
}

/* What the other leaf says about the bits that AMD repeats; false: nothing. */
static bool add_repeated(const struct mig_words *w, const char *vendor, struct mig_named_word *word)
{
    const struct mig_named_word *first = find(w, leaf_1_edx);

    if (vendor == NULL ||
        (strcmp(vendor, "AuthenticAMD") != 0 && strcmp(vendor, "GenuineIntel") != 0)) {
        return false;
    }
    if (vendor[0] == 'A') {
        if (first == NULL || (first->known & DOUBT) != 0 || (REPEATED & ~first->known) != 0) {
            return false;
        }
        word->value |= first->value & REPEATED;
    }
    word->known |= REPEATED;
    return true;
}

/* ARCH_CAPABILITIES can be read only where CPUID says so. */
static bool is_shown(const struct mig_words *w, struct mig_reg reg)
{
    static const struct mig_reg place = MIG_PLACE_REG(arch_capabilities);
    const struct mig_named_word *word = find(w, place);

    return reg.space != MIG_SPACE_MSR ||
           (word != NULL && (word->value & MIG_PLACE_MASK(arch_capabilities)) != 0);
}

void mig_words_pour(const struct mig_words *w, enum mig_words_rule rule, const char *vendor,
                    const char *source, struct mig_builder *b)
{
    for (size_t i = 0; i < w->len; i++) {
        struct mig_named_word word = w->items[i];
        struct mig_reg reg = mig_reg_from_key(word.key);
        uint64_t needed;

        if ((word.known & DOUBT) != 0 || !read_needed(reg, rule, &needed) || !is_shown(w, reg)) {
            continue;
        }
        if (word.key == mig_reg_key(leaf_80000001_edx) && !add_repeated(w, vendor, &word)) {
            continue;
        }
        if ((needed & ~word.known) == 0) {
            mig_builder_cover(b, mig_group_of(reg), MIG_COVER_PARTIAL, 0, source);
            mig_builder_set(b, reg, word.value);
        }
    }
}

void mig_words_clear(struct mig_words *w)
{
    mig_free(w->items);
    *w = (struct mig_words){0};
}
