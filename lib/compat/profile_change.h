/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/profile_change.h: what one profile gives a guest that another does
 * not, field by field.
 */
#pragma once

#include "compat/negotiate.h"

enum mig_change_kind {
    MIG_CHANGE_GAINED,
    MIG_CHANGE_LOST,
    MIG_CHANGE_OTHER, /* neither value does for a guest of the other */
    MIG_CHANGE_COUNT
};

struct mig_profile_change {
    char id[MIG_FIELD_ID_MAX];
    uint64_t key; /* mig_reg_key() of the id */
    const struct mig_field *field;
    enum mig_change_kind kind;
    bool security; /* an immunity or a mitigation */
    uint64_t old, now;
};

struct mig_profile_changes {
    struct mig_profile_change *items;
    size_t len, cap;
};

/* Adds every field in which a guest of the one would miss something with the
 * other, in register order; words that either can not know are left out. */
void mig_profile_changes_find(const struct mig_profile *old, const struct mig_profile *now,
                              struct mig_profile_changes *ret);

void mig_profile_changes_drop(struct mig_profile_changes *list, size_t at);
void mig_profile_changes_clear(struct mig_profile_changes *list);
const char *mig_change_kind_name(enum mig_change_kind kind); /* "gained" ... */
