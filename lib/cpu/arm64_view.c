/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_view.h"

#include <strings.h>

#include "base/array.h"
#include "cpu/field.h"

#define AT_LEAST(reg, field, value) MIG_ARM64_TERM(AT_LEAST, reg, field, value)
#define SIGNED_AT_LEAST(reg, field, value) MIG_ARM64_TERM(SIGNED_AT_LEAST, reg, field, value)
#define EQUAL(reg, field, value) MIG_ARM64_TERM(EQUAL, reg, field, value)
#define UNEQUAL(reg, field, value) MIG_ARM64_TERM(UNEQUAL, reg, field, value)
#define OR MIG_ARM64_TERM_OR

#define ROW(label, note, terms)                                                                    \
    {                                                                                              \
        (label), (note),                                                                           \
        {                                                                                          \
            (terms), MIG_COUNT(terms)                                                              \
        }                                                                                          \
    }

/* Rows stand together by view: from FIRST up to END. */
enum label_index {
#define VIEW(id, kind, name, note) LABEL_FIRST_##id, LABEL_BACK_##id = LABEL_FIRST_##id - 1,
#define LABEL(id, rank, label, note, ...) LABEL_##id##_##rank,
#define PART(id, reg, field)
#define END(id) LABEL_END_##id, LABEL_REST_##id = LABEL_END_##id - 1,
#include "cpu/arm64_view.def"
};

enum part_index {
#define VIEW(id, kind, name, note) PART_FIRST_##id, PART_BACK_##id = PART_FIRST_##id - 1,
#define LABEL(id, rank, label, note, ...)
#define PART(id, reg, field) PART_##id##_##reg##_##field,
#define END(id) PART_END_##id, PART_REST_##id = PART_END_##id - 1,
#include "cpu/arm64_view.def"
};

#define VIEW(id, kind, name, note)
#define LABEL(id, rank, label, note, ...)                                                          \
    static const struct mig_arm64_term terms_##id##_##rank[] = {__VA_ARGS__};
#define PART(id, reg, field)
#define END(id)
#include "cpu/arm64_view.def"

static const struct mig_arm64_label labels[] = {
#define VIEW(id, kind, name, note)
#define LABEL(id, rank, label, note, ...) ROW(label, note, terms_##id##_##rank),
#define PART(id, reg, field)
#define END(id)
#include "cpu/arm64_view.def"
};

static const struct mig_arm64_part parts[] = {
#define VIEW(id, kind, name, note)
#define LABEL(id, rank, label, note, ...)
#define PART(id, reg, field) {MIG_ARM64_PLACE(reg), MIG_ARM64_LO_##reg##_##field},
#define END(id)
#include "cpu/arm64_view.def"
};

static const struct mig_arm64_view views[] = {
#define VIEW(id, kind, name, note)                                                                 \
    {name,                                                                                         \
     note,                                                                                         \
     MIG_ARM64_VIEW_##kind,                                                                        \
     &labels[LABEL_FIRST_##id],                                                                    \
     &parts[PART_FIRST_##id],                                                                      \
     LABEL_END_##id - LABEL_FIRST_##id,                                                            \
     PART_END_##id - PART_FIRST_##id},
#define LABEL(id, rank, label, note, ...)
#define PART(id, reg, field)
#define END(id)
#include "cpu/arm64_view.def"
};

struct mig_arm64_views mig_arm64_view_all(void)
{
    return (struct mig_arm64_views){views, MIG_COUNT(views)};
}

const struct mig_arm64_view *mig_arm64_view_find(const char *name)
{
    for (size_t i = 0; i < MIG_COUNT(views); i++) {
        if (strcasecmp(views[i].name, name) == 0) {
            return &views[i];
        }
    }
    return NULL;
}

const char *mig_arm64_view_label(const struct mig_arm64_view *view, mig_word_fn *word,
                                 const void *words)
{
    for (size_t i = 0; i < view->labels_len; i++) {
        if (mig_arm64_terms_hold(view->labels[i].terms, word, words)) {
            return view->labels[i].label;
        }
    }
    return view->kind == MIG_ARM64_VIEW_COMPOSITE ? "off" : NULL;
}

bool mig_arm64_view_has(const struct mig_arm64_view *view, const struct mig_field *f)
{
    for (size_t i = 0; i < view->parts_len; i++) {
        if (mig_reg_key(view->parts[i].reg) == mig_reg_key(f->reg) && view->parts[i].lo == f->lo) {
            return true;
        }
    }
    return false;
}
