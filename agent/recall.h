/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/recall.h: facts that are too slow to find out for each answer.  The
 * daemon notes which file stands behind a fact before a capture, learns the
 * fact from the captured snapshot, and hands it to later captures for as long
 * as that file stays the same file.
 */
#pragma once

#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_builder;
struct mig_recall;
struct mig_snapshot;

/* Which file, in which state.  All zero: never changes while we run. */
struct mig_mark {
    uint64_t device, inode, size;
    int64_t changed_s, changed_ns;
};

struct mig_recall *mig_recall_new(void);
void mig_recall_free(struct mig_recall *r);
MIG_AUTO_DEFINE(mig_recall_free, struct mig_recall *);

/* The next snapshot will hold fact @name, found while @mark held. */
void mig_recall_expect(struct mig_recall *r, const char *name, const struct mig_mark *mark);

/* Take expected facts from @s; unreadable ones as well, so that a program that
 * hangs is not started again for every answer. */
void mig_recall_learn(struct mig_recall *r, const struct mig_snapshot *s);

/* Put fact @name into @b if it is known under @mark; @r may be NULL. */
bool mig_recall_add(const struct mig_recall *r, struct mig_builder *b, const char *name,
                    const struct mig_mark *mark);

/* Mark of the file @path below folder @root; false if there is none. */
MIG_MUST_CHECK bool mig_mark_get(int root, const char *path, struct mig_mark *ret);
