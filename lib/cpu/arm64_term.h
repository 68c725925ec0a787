/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_term.h: statements on fields of arm64 registers, from which the
 * tables of features and views are made: "AES at least 2", joined by and; an
 * OR among them begins another way to be true.
 */
#pragma once

#include <stddef.h>

#include "cpu/arm64_reg.h"
#include "cpu/level.h"

struct mig_field;
struct mig_text;

enum mig_arm64_op {
    MIG_ARM64_AT_LEAST,
    MIG_ARM64_SIGNED_AT_LEAST,
    MIG_ARM64_EQUAL,
    MIG_ARM64_UNEQUAL,
    MIG_ARM64_OR,
};

struct mig_arm64_term {
    enum mig_arm64_op op;
    struct mig_reg reg;
    uint8_t hi, lo, value;
};

struct mig_arm64_terms {
    const struct mig_arm64_term *items;
    size_t len;
};

/* Initialisers for the tables. */
#define MIG_ARM64_TERM(op, reg, field, value)                                                      \
    {                                                                                              \
        MIG_ARM64_##op, MIG_ARM64_PLACE(reg), MIG_ARM64_HI_##reg##_##field,                        \
            MIG_ARM64_LO_##reg##_##field, (value)                                                  \
    }
#define MIG_ARM64_TERM_OR                                                                          \
    {                                                                                              \
        .op = MIG_ARM64_OR                                                                         \
    }

bool mig_arm64_terms_hold(struct mig_arm64_terms terms, mig_word_fn *word, const void *words);

/* Some term is about @f. */
bool mig_arm64_terms_read(struct mig_arm64_terms terms, const struct mig_field *f);

/* "ID_AA64ISAR1_EL1.APA >= 1 or ID_AA64ISAR1_EL1.API >= 1" */
void mig_arm64_terms_print(struct mig_arm64_terms terms, struct mig_text *t);
