/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/proven.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "base/array.h"

const char *mig_stage_name(enum mig_stage stage)
{
    static const char *const names[MIG_STAGE_COUNT] = {
#define STAGE(id, name, what) [MIG_STAGE_##id] = name,
#include "compat/stage.def"
    };

    return names[stage];
}

const char *mig_outcome_name(enum mig_outcome outcome)
{
    static const char *const names[MIG_OUTCOME_COUNT] = {
        [MIG_OUTCOME_HELD] = "held",
        [MIG_OUTCOME_CONTRADICTED] = "contradicted",
        [MIG_OUTCOME_NOT_ENFORCED] = "not-enforced",
        [MIG_OUTCOME_NOT_TRIED] = "not-tried",
    };

    return names[outcome];
}

void mig_proven_add(struct mig_proven *p, const struct mig_mismatch *m)
{
    if (p->len < MIG_MISMATCHES_MAX) {
        *MIG_PUSH(p) = *m;
    }
}

static int by_place(const void *a, const void *b)
{
    const struct mig_mismatch *x = a, *y = b;

    if (x->key != y->key) {
        return x->key < y->key ? -1 : 1;
    }
    return (x->stage > y->stage) - (x->stage < y->stage);
}

void mig_proven_settle(struct mig_proven *p)
{
    if (p->len > 0) {
        qsort(p->items, p->len, sizeof *p->items, by_place);
    }
    if (p->outcome == MIG_OUTCOME_HELD && p->len > 0) {
        p->outcome = MIG_OUTCOME_CONTRADICTED;
    }
}

void mig_proven_clear(struct mig_proven *p)
{
    mig_free(p->items);
    *p = (struct mig_proven){0};
}
