/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/held.h: the contracts that an agent stores, one asked for or given.
 */
#pragma once

#include "session/gather.h"
#include "wire/message.h"

struct mig_contract; /* pact/contract.h */

/* Sealed, as the agent gave it: whose it is stands inside. */
struct mig_held {
    struct mig_bytes sealed;
    enum mig_standing standing;
};

/* @instance may be NULL: whichever is stored.  The caller clears @ret->sealed. */
MIG_MUST_CHECK bool mig_held_get(const struct mig_gather *g, const char *agent, const char *vm,
                                 const char *instance, struct mig_held *ret, struct mig_error *err);

/* The one of a guest that is on its way there, also beside one that stands for
 * an instance that ran there before.  MIG_MISSING: no such guest is. */
MIG_MUST_CHECK bool mig_held_get_incoming(const struct mig_gather *g, const char *agent,
                                          const char *vm, struct mig_held *ret,
                                          struct mig_error *err);

/* The agent signs @c, which nobody has yet, and stores it. */
MIG_MUST_CHECK bool mig_held_put(const struct mig_gather *g, const char *agent,
                                 const struct mig_contract *c, struct mig_held *ret,
                                 struct mig_error *err);
