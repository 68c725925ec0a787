/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/drift.h: two captures of one host, or of one class of hosts with two
 * software stacks: what the newer one changes for guests that will be powered
 * on, for those that run, and what is known about it (compat/known.h).
 */
#pragma once

#include "compat/known.h"
#include "compat/profile_change.h"

/* Which move of a running guest is asked about. */
enum mig_drift_way {
    MIG_DRIFT_FORWARD, /* from the old state to the new one */
    MIG_DRIFT_BACK,    /* back, while not all hosts are updated */
    MIG_DRIFT_WAY_COUNT
};

/* A fact about the software; borrowed, NULL when that side does not tell. */
struct mig_drift_software {
    const char *name, *old, *now;
};

struct mig_drift_known {
    const struct mig_known_row *row;
    bool concerns[MIG_DRIFT_WAY_COUNT];
    const char *old, *now; /* versions; borrowed */
    bool visible;          /* what it explains differs in what KVM shows a guest */
    char **explains;       /* ids of differences */
    size_t explains_len;
};

/* A finding is told once: what is dangerous is not in @running too.  The
 * guest of @running is one that was given all that its host can grant. */
struct mig_drift {
    struct mig_findings dangerous[MIG_DRIFT_WAY_COUNT];
    struct mig_findings running[MIG_DRIFT_WAY_COUNT];
    struct mig_profile_changes changes; /* of what a new guest is offered */
    struct {
        struct mig_drift_software *items;
        size_t len, cap;
    } software;
    struct {
        struct mig_drift_known *items;
        size_t len, cap;
    } known;
    struct mig_findings warnings; /* another host or CPU; what is not compared */
};

/* @ret starts zeroed, borrows from both parties and is cleared by the caller in
 * both cases.  False when the captures can not be of one class of hosts, or
 * one of them tells too little. */
MIG_MUST_CHECK bool mig_drift_find(const struct mig_party *old, const struct mig_party *now,
                                   const struct mig_choice *choice, struct mig_drift *ret,
                                   struct mig_error *err);

/* Nothing differs, except perhaps the name of the host. */
bool mig_drift_is_same(const struct mig_drift *d);

/* Is a guest with all that its host can grant still taken, and safe there? */
bool mig_drift_accepts(const struct mig_drift *d, enum mig_drift_way way);

size_t mig_drift_running(const struct mig_drift *d);   /* findings, both ways */
size_t mig_drift_dangerous(const struct mig_drift *d); /* the same */

const char *mig_drift_way_name(enum mig_drift_way way); /* "forward", "back" */
void mig_drift_clear(struct mig_drift *d);
