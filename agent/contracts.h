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
struct mig_loop;

/* Is @kind one of these requests? */
bool mig_contracts_wanted(enum mig_message_kind kind);

/* May the process of @uid at the other end of a unix socket change what is
 * stored?  Whoever may is root or this agent's own user: a role is a file that
 * can be copied, a user of this host is not. */
MIG_MUST_CHECK bool mig_contracts_check_user(enum mig_message_kind kind, uid_t uid,
                                             struct mig_error *err);

/* The VM that @ask is about, for the audit log; NULL when it is about none.  What
 * is to be signed must make sense. */
MIG_MUST_CHECK bool mig_contracts_subject(const struct mig_message *ask, char **ret,
                                          struct mig_error *err);

/* Do what @ask wants with the store in @dir and fill @ret, but for its id; the
 * caller clears it.  May wait for another writer and for the disk. */
MIG_MUST_CHECK bool mig_contracts_answer(const char *dir, const struct mig_credentials *creds,
                                         const struct mig_message *ask, struct mig_message *ret,
                                         struct mig_error *err);

/* The same in processes of their own, a few at once, so that the loop goes on. */
struct mig_contracts;

/* @answer, borrowed for the call, is without id; NULL with @err. */
typedef void mig_contracts_fn(const struct mig_message *answer, const struct mig_error *err,
                              void *data);

struct mig_contracts *mig_contracts_new(struct mig_loop *loop, const char *dir);
/* Ends all; who still waits for an answer is told so. */
void mig_contracts_free(struct mig_contracts *c);

/* @fn is called once, perhaps before this returns. */
void mig_contracts_ask(struct mig_contracts *c, struct mig_credentials *creds,
                       const struct mig_message *ask, mig_contracts_fn *fn, void *data);
/* Nobody is there any more for what was asked with @data: if that still waits
 * for its turn, its @fn is called now. */
void mig_contracts_withdraw(struct mig_contracts *c, const void *data);
