/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/ledger.h: which agreements this host's agent has signed and how far
 * each has come, in a folder.  What is written is on disk when a call returns;
 * so an agreement that was used is never used again, whatever happens to the
 * agent.  One writer: the agent.
 */
#pragma once

#include "pact/agreement.h"

#define MIG_LEDGER_PATH "/var/lib/mig/agreements"
#define MIG_LEDGER_MAX 4096
/* A move under an approved agreement may take this long. */
#define MIG_LEDGER_MOVE_S (7 * 24 * 3600)

enum mig_ledger_state {
    MIG_LEDGER_SIGNED,    /* may be approved; a failed attempt leaves it so */
    MIG_LEDGER_APPROVED,  /* the move runs: no other under this agreement */
    MIG_LEDGER_COMPLETED, /* the guest is at the destination */
    MIG_LEDGER_ABANDONED, /* it stayed at the source */
    MIG_LEDGER_STATE_COUNT
};

/* "signed" */
const char *mig_ledger_state_name(enum mig_ledger_state state);

struct mig_ledger {
    char *dir;
    const struct mig_trust *trust;
    int64_t now;
};

/* Forgets what can not be asked for any more at @now.  @trust is borrowed. */
MIG_MUST_CHECK bool mig_ledger_open(const char *dir, const struct mig_trust *trust, int64_t now,
                                    struct mig_ledger *ret, struct mig_error *err);

/* As signed by both. */
MIG_MUST_CHECK bool mig_ledger_add(const struct mig_ledger *l, const struct mig_agreement *a,
                                   const struct mig_bytes *sealed, struct mig_error *err);

/* MIG_MISSING when this agent does not know of it. */
MIG_MUST_CHECK bool mig_ledger_find(const struct mig_ledger *l, const struct mig_agreement *a,
                                    enum mig_ledger_state *ret, struct mig_error *err);

/* The newest that may be approved, on moving @vm to @host, for a gate that was
 * handed none: any of them is both hosts' word, the newest on the instance that
 * runs.  MIG_MISSING: there is none; MIG_REFUSED: they are from two hosts. */
MIG_MUST_CHECK bool mig_ledger_pick(const struct mig_ledger *l, const char *vm, const char *host,
                                    struct mig_bytes *ret, struct mig_error *err);

/* From a state before, or no change. */
MIG_MUST_CHECK bool mig_ledger_advance(const struct mig_ledger *l, const struct mig_agreement *a,
                                       enum mig_ledger_state to, struct mig_error *err);

void mig_ledger_close(struct mig_ledger *l);
static inline void mig_ledger_close_auto(struct mig_ledger *l)
{
    mig_ledger_close(l);
}
