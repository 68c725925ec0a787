/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/plan.h: how a guest should move between two VMMs, before anything is
 * copied: what both can do, what stands against it, how long it will take.
 */
#pragma once

#include <stddef.h>

#include "plan/course.h"

struct mig_capture; /* plan/capture.h */

enum mig_ability {
#define CONDITION(id, ...) MIG_ABILITY_##id,
#define CAPABILITY(id, ...) MIG_ABILITY_##id,
#include "plan/ability.def"
    MIG_ABILITY_COUNT
};

enum mig_ability_role {
    MIG_ABILITY_CONDITION,
    MIG_ABILITY_ALWAYS,
    MIG_ABILITY_CHOSEN,
    MIG_ABILITY_KEPT
};

struct mig_ability_row {
    const char *name; /* in QMP */
    const char *since;
    bool both; /* else the source alone */
    enum mig_ability_role role;
    uint32_t needs, excludes; /* 1 << enum mig_ability */
    const char *what;
};
extern const struct mig_ability_row mig_ability_rows[MIG_ABILITY_COUNT];

/* What is asked; 0 and NULL: not said. */
struct mig_wish {
    int data_path; /* enum mig_data_path (pact/agreement.h) */
    uint64_t bandwidth_bytes_s, dirty_bytes_s, downtime_ms;
    const char *uri;
    const char *tls_creds, *tls_hostname; /* of QEMU's own TLS */
    bool no_post_copy;
};

enum mig_plan_answer { MIG_PLAN_READY, MIG_PLAN_BLOCKED, MIG_PLAN_UNKNOWN };

enum mig_remark_kind { MIG_REMARK_BLOCKER, MIG_REMARK_MISSING, MIG_REMARK_NOTE };

struct mig_remark {
    enum mig_remark_kind kind;
    char *id;     /* "plan/machine-type" */
    char *text;   /* what is the matter */
    char *remedy; /* NULL for a note */
};

struct mig_plan {
    enum mig_plan_answer answer;
    struct mig_load load;               /* numbers that were used; 0: not known, but for ... */
    bool knows_dirty;                   /* ... what is written */
    bool bandwidth_is_the_vmms;         /* not given: the VMM's own limit */
    uint32_t on;                        /* 1 << enum mig_ability */
    const char *why[MIG_ABILITY_COUNT]; /* a row was chosen, for people; or NULL */
    unsigned channels;                  /* with MIG_ABILITY_MULTIFD */
    const char *compression;            /* "none", "zstd" ... */
    bool predicted;
    struct mig_course course;          /* of pre-copy as the guest is */
    uint64_t wanted_bandwidth_bytes_s; /* where it does not converge */
    unsigned wanted_throttle;          /* percent; 0: none would do */
    struct {
        struct mig_remark *items;
        size_t len, cap;
    } remarks;
};

/* The caller clears. */
void mig_plan_make(const struct mig_capture *source, const struct mig_capture *destination,
                   const struct mig_wish *wish, struct mig_plan *ret);
void mig_plan_clear(struct mig_plan *p);
static inline void mig_plan_clear_auto(struct mig_plan *p)
{
    mig_plan_clear(p);
}

static inline bool mig_plan_has(const struct mig_plan *p, enum mig_ability a)
{
    return (p->on >> a & 1) != 0;
}
