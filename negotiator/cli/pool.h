/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/pool.h: a folder of snapshots is a pool; what would one more host cost
 * the guests that are booted on the pool's profile?
 */
#pragma once

#include "session/host_options.h"

#define POOL_MEMBERS_MAX 10000

enum pool_answer { POOL_JOINS, POOL_JOINS_WITH_LOSS, POOL_REFUSED, POOL_UNKNOWN };

struct pool_loss {
    char id[MIG_FIELD_ID_MAX];
    const char *name; /* NULL for what is no flag */
    struct mig_seen pool, with_host;
    bool security;
};

struct pool {
    const char *directory; /* borrowed */
    char **paths;          /* members, sorted; then the host's word */
    size_t members;
    char *replaced;           /* file of an older snapshot of the host, or NULL */
    struct mig_decision with; /* hosts: members, then the host; judged together */
    struct mig_result alone;  /* the members without the host */
    enum pool_answer answer;
    struct {
        struct pool_loss *items;
        size_t len, cap;
    } lost; /* of the pool's profile */
};

/* Read every snapshot in @directory.  Files of no known format are skipped
 * with a warning, unless their name says that they are snapshots. */
MIG_MUST_CHECK bool pool_load(const char *directory, const struct mig_host_options *o,
                              struct pool *ret, struct mig_error *err);

/* Ask @host and fill the rest of @p. */
MIG_MUST_CHECK bool pool_check(struct pool *p, const char *host, const struct mig_host_options *o,
                               struct mig_error *err);

const char *pool_answer_name(enum pool_answer answer);
int pool_answer_exit_status(enum pool_answer answer);

/* @p starts zeroed. */
void pool_clear(struct pool *p);
