/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/contract_store.h: contracts that are kept: by an agent (--agent), or in a
 * folder that is used without one (--store).
 */
#pragma once

#include "base/error.h"

struct command;
struct mig_contract_file;

/* Can @word only be a VM: no file, no path, and the verb knows where to ask? */
bool contract_is_stored(const struct command *c, const char *word);

/* The contract of @vm, verified by our own authorities. */
MIG_MUST_CHECK bool contract_read_stored(const struct command *c, const char *vm,
                                         struct mig_contract_file *ret, struct mig_error *err);

/* Verbs; each gives its exit status. */
int contract_record(struct command *c);
int contract_list(struct command *c);
int contract_forget(struct command *c);
