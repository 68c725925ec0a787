/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/oneshot.h: "mig-agentd snapshot": one capture or replay into a file,
 * sealed for a month, or as unsigned JSON.
 */
#pragma once

#include "agent/options.h"

MIG_MUST_CHECK bool mig_oneshot_run(const struct mig_agent_options *o, struct mig_error *err);
