/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/ask.h: one question to one agent, and its answer.
 */
#pragma once

#include "session/gather.h"
#include "wire/message.h"

/* Ask @host, "unix:/run/mig/agent.sock" or any other HOST word that is a live
 * agent.  An answer of another kind than @expected is an error; the agent's
 * own error is one as well, with what is its own trouble as MIG_REFUSED. */
MIG_MUST_CHECK bool mig_ask(const struct mig_gather *g, const char *host, struct mig_message *ask,
                            enum mig_message_kind expected, struct mig_message *ret,
                            struct mig_error *err);
