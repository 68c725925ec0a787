/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/making.h: a plan while it is made; inside of this room.
 */
#pragma once

#include "base/alloc.h"
#include "plan/plan.h"

struct mig_making {
    const struct mig_capture *source, *destination;
    const struct mig_wish *wish;
    struct mig_plan *plan;
};

/* Takes @id, @text and @remedy. */
void mig_making_remark(const struct mig_making *m, enum mig_remark_kind kind, char *id, char *text,
                       char *remedy);

#define MIG_BLOCK(m, id, text, remedy)                                                             \
    mig_making_remark(m, MIG_REMARK_BLOCKER, mig_strdup(id), text, remedy)
#define MIG_MISS(m, id, text, remedy)                                                              \
    mig_making_remark(m, MIG_REMARK_MISSING, mig_strdup(id), text, remedy)
#define MIG_NOTE(m, id, text) mig_making_remark(m, MIG_REMARK_NOTE, mig_strdup(id), text, NULL)

/* Whatever stands against any move of this guest; what is on already and stays
 * so is part of the plan. */
void mig_making_find_obstacles(const struct mig_making *m);
