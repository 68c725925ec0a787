/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/check.h: "mig-agentd --check": would this agent serve, and what?
 */
#pragma once

#include <stdio.h>

#include "agent/options.h"

/* One line per question on @out, "PASS", "WARN" or "FAIL" first; false if any
 * failed. */
bool mig_check_run(const struct mig_agent_options *o, FILE *out);
