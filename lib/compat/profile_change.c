/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/profile_change.h"

#include <string.h>

#include "base/array.h"

static void compare_field(struct mig_profile_changes *list, const struct mig_field *f,
                          struct mig_reg reg, uint64_t old, uint64_t now)
{
    bool lost = mig_loss_is(f, old, now), gained = mig_loss_is(f, now, old);
    struct mig_profile_change *change;

    if (!lost && !gained) {
        return;
    }
    change = MIG_PUSH(list);
    mig_field_print_id(f, reg.sub, change->id);
    change->key = mig_reg_key(reg);
    change->field = f;
    change->kind = lost && gained ? MIG_CHANGE_OTHER : lost ? MIG_CHANGE_LOST : MIG_CHANGE_GAINED;
    change->security = mig_loss_is_security(f);
    change->old = old;
    change->now = now;
}

static void compare_word(struct mig_profile_changes *list, uint64_t key, const struct mig_word *old,
                         const struct mig_word *now)
{
    struct mig_reg reg = mig_reg_from_key(key);
    struct mig_fields fields = mig_field_of(reg);

    if ((old != NULL && !old->covered) || (now != NULL && !now->covered)) {
        return;
    }
    for (size_t i = 0; i < fields.len; i++) {
        compare_field(list, &fields.items[i], reg,
                      mig_field_get(&fields.items[i], old != NULL ? old->value : 0),
                      mig_field_get(&fields.items[i], now != NULL ? now->value : 0));
    }
}

void mig_profile_changes_find(const struct mig_profile *old, const struct mig_profile *now,
                              struct mig_profile_changes *ret)
{
    const struct mig_word *x = old->words, *x_end = x + old->words_len;
    const struct mig_word *y = now->words, *y_end = y + now->words_len;

    while (x < x_end || y < y_end) { /* both are sorted */
        uint64_t a = x < x_end ? x->key : UINT64_MAX, b = y < y_end ? y->key : UINT64_MAX;

        compare_word(ret, a < b ? a : b, a <= b ? x : NULL, b <= a ? y : NULL);
        x += a <= b ? 1 : 0;
        y += b <= a ? 1 : 0;
    }
}

void mig_profile_changes_drop(struct mig_profile_changes *list, size_t at)
{
    memmove(&list->items[at], &list->items[at + 1], (list->len - at - 1) * sizeof *list->items);
    list->len--;
}

void mig_profile_changes_clear(struct mig_profile_changes *list)
{
    mig_free(list->items);
    *list = (struct mig_profile_changes){0};
}

const char *mig_change_kind_name(enum mig_change_kind kind)
{
    static const char *const names[MIG_CHANGE_COUNT] = {
        [MIG_CHANGE_GAINED] = "gained", [MIG_CHANGE_LOST] = "lost", [MIG_CHANGE_OTHER] = "changed"};

    return names[kind];
}
