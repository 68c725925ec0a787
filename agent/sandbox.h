/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/sandbox.h: give up what serving does not need.
 */
#pragma once

#include "base/error.h"

/* Once, when sockets are open and keys are read. */
MIG_MUST_CHECK bool mig_sandbox_enter(struct mig_error *err);
