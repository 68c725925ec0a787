/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/serve.h: the daemon: prepare, listen, answer until a signal ends it.
 */
#pragma once

#include "agent/options.h"

MIG_MUST_CHECK bool mig_serve_run(const struct mig_agent_options *o, struct mig_error *err);
