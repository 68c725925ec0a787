/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/contracts.h: requests about the contracts of the guests on this host.
 * The agent puts its name under what a local program says that a guest was
 * shown, keeps it, and gives it to those who judge.
 */
#pragma once

#include <sys/types.h>

#include "wire/message.h"

struct mig_credentials;

/* Is @kind one of these requests? */
bool mig_contracts_wanted(enum mig_message_kind kind);

/* May the process of @uid at the other end of a unix socket change what is
 * stored?  Whoever may is root or this agent's own user: a role is a file that
 * can be copied, a user of this host is not. */
MIG_MUST_CHECK bool mig_contracts_check_user(enum mig_message_kind kind, uid_t uid,
                                             struct mig_error *err);

/* Do what @ask wants with the store in @dir and fill @ret, but for its id; the
 * caller clears it. */
MIG_MUST_CHECK bool mig_contracts_answer(const char *dir, const struct mig_credentials *creds,
                                         const struct mig_message *ask, struct mig_message *ret,
                                         struct mig_error *err);
