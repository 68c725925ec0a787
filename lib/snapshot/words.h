/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/words.h: registers put together from single bits that a dump calls
 * by name.  A register enters a snapshot only when all its bits are known.
 */
#pragma once

#include <stddef.h>

#include "cpu/reg.h"

struct mig_builder;
struct mig_field;

struct mig_named_word {
    uint64_t key; /* mig_reg_key() */
    uint64_t value, known;
};

/* Zero-initialised is empty. */
struct mig_words {
    struct mig_named_word *items;
    size_t len, cap;
};

/* The bits @mask of @reg are all on or all off; what was said before about
 * them is forgotten. */
void mig_words_put(struct mig_words *w, struct mig_reg reg, uint64_t mask, bool on);

/* Nothing is known of the register any more, whatever is put later. */
void mig_words_doubt(struct mig_words *w, struct mig_reg reg);

/* NULL when nobody spoke of @reg. */
const struct mig_named_word *mig_words_get(const struct mig_words *w, struct mig_reg reg);

/* Only a CPUID word or ARCH_CAPABILITIES; other MSRs hold more than flags. */
bool mig_words_take(struct mig_reg reg);

/* How to tell that a register is known whole. */
enum mig_words_rule {
    MIG_WORDS_QEMU,    /* a guest of QEMU: every bit that QEMU names (qemu_word.def),
                          all others are 0 there */
    MIG_WORDS_SILICON, /* a CPU itself: every bit that some table row compares */
};

/* @vendor is "AuthenticAMD", "GenuineIntel" or NULL: AMD's CPUs and QEMU's
 * repeat bits of leaf 1 in leaf 80000001.  A group that gets a register is
 * covered in part, by @source. */
void mig_words_pour(const struct mig_words *w, enum mig_words_rule rule, const char *vendor,
                    const char *source, struct mig_builder *b);

void mig_words_clear(struct mig_words *w);
static inline void mig_words_clear_auto(struct mig_words *w)
{
    mig_words_clear(w);
}
