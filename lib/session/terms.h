/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/terms.h: what an answer is measured by: the operator's choice and
 * belief, made as strict as every policy that has a say in it, our own and
 * that of each host.  What a policy changed is told with its name.
 */
#pragma once

#include "session/decision.h"

struct mig_terms;

struct mig_terms *mig_terms_new(const struct mig_choice *choice, const struct mig_belief *belief);
void mig_terms_free(struct mig_terms *t);
MIG_AUTO_DEFINE(mig_terms_free, struct mig_terms *);

/* Add what the agent of host @name says; false when its policy can not be
 * understood, and then no answer can be given in its name. */
MIG_MUST_CHECK bool mig_terms_hear(struct mig_terms *t, const char *name,
                                   const struct mig_snapshot *s, struct mig_error *err);

/* Valid until the next mig_terms_hear(). */
const struct mig_choice *mig_terms_choice(const struct mig_terms *t);
const struct mig_belief *mig_terms_belief(const struct mig_terms *t);

/* Tell in @result where a policy decided; @running: of a guest that runs. */
void mig_terms_explain(const struct mig_terms *t, bool running, struct mig_result *result);
