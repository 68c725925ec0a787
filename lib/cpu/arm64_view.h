/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/arm64_view.h: several fields that mean one thing: versions with a
 * fraction in a field of its own ("1.1"), and switches behind many fields
 * ("sve: on").
 */
#pragma once

#include "cpu/arm64_term.h"

enum mig_arm64_view_kind { MIG_ARM64_VIEW_FRACTION, MIG_ARM64_VIEW_COMPOSITE };

struct mig_arm64_label {
    const char *label, *note;
    struct mig_arm64_terms terms;
};

/* A field by its place. */
struct mig_arm64_part {
    struct mig_reg reg;
    uint8_t lo;
};

struct mig_arm64_view {
    const char *name, *note;
    enum mig_arm64_view_kind kind;
    const struct mig_arm64_label *labels; /* ascending */
    const struct mig_arm64_part *parts;
    size_t labels_len, parts_len;
};

struct mig_arm64_views {
    const struct mig_arm64_view *items;
    size_t len;
};

struct mig_arm64_views mig_arm64_view_all(void);

/* In any case; NULL if there is none. */
const struct mig_arm64_view *mig_arm64_view_find(const char *name);

/* "1.1", "on", "off"; NULL for a combination that the architecture does not
 * know. */
const char *mig_arm64_view_label(const struct mig_arm64_view *view, mig_word_fn *word,
                                 const void *words);

bool mig_arm64_view_has(const struct mig_arm64_view *view, const struct mig_field *f);
