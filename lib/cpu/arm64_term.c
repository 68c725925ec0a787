/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_term.h"

#include "base/bits.h"
#include "base/text.h"
#include "cpu/field.h"

static bool holds(const struct mig_arm64_term *term, uint64_t word)
{
    uint64_t value = mig_bits_get(word, term->hi, term->lo);
    unsigned width = term->hi - term->lo + 1u;

    switch (term->op) {
    case MIG_ARM64_AT_LEAST:
        return value >= term->value;
    case MIG_ARM64_SIGNED_AT_LEAST:
        return mig_bits_signed(value, width) >= mig_bits_signed(term->value, width);
    case MIG_ARM64_EQUAL:
        return value == term->value;
    case MIG_ARM64_UNEQUAL:
        return value != term->value;
    case MIG_ARM64_OR:
        break;
    }
    return false;
}

bool mig_arm64_terms_hold(struct mig_arm64_terms terms, mig_word_fn *word, const void *words)
{
    bool all = true;

    for (size_t i = 0; i < terms.len; i++) {
        const struct mig_arm64_term *term = &terms.items[i];

        if (term->op != MIG_ARM64_OR) {
            all = all && holds(term, word(words, term->reg));
        } else if (all) {
            return true;
        } else {
            all = true;
        }
    }
    return all;
}

bool mig_arm64_terms_read(struct mig_arm64_terms terms, const struct mig_field *f)
{
    for (size_t i = 0; i < terms.len; i++) {
        const struct mig_arm64_term *term = &terms.items[i];

        if (term->op != MIG_ARM64_OR && mig_reg_key(term->reg) == mig_reg_key(f->reg) &&
            term->lo == f->lo) {
            return true;
        }
    }
    return false;
}

void mig_arm64_terms_print(struct mig_arm64_terms terms, struct mig_text *t)
{
    static const char *const signs[] = {[MIG_ARM64_AT_LEAST] = ">=",
                                        [MIG_ARM64_SIGNED_AT_LEAST] = ">= (signed)",
                                        [MIG_ARM64_EQUAL] = "==",
                                        [MIG_ARM64_UNEQUAL] = "!="};
    const char *between = "";

    for (size_t i = 0; i < terms.len; i++) {
        const struct mig_arm64_term *term = &terms.items[i];

        if (term->op == MIG_ARM64_OR) {
            between = " or ";
            continue;
        }
        mig_text_addf(t, "%s%s %s %u", between, mig_field_at(term->reg, term->lo)->name,
                      signs[term->op], term->value);
        between = " and ";
    }
}
