/* SPDX-License-Identifier: Apache-2.0 */
/*
 * hook.h: the verbs of mig-hook, one file each; what they have in common.
 */
#pragma once

#include "base/error.h"

#define HOOK_AGENT "unix:/run/mig/agent.sock"

/* @argv[0] is the verb; the exit status. */
typedef int hook_run_fn(int argc, char **argv);
#define HOOK(name, fn, operands, help) hook_run_fn fn;
#include "agent/hook/hook.def"

struct mig_options;

/* Write the error; the exit status. */
int hook_fail(const struct mig_error *err);

/* Does the command line, up to "--", ask for help?  Then it is printed. */
bool hook_helps(int argc, char **argv, const struct mig_options *o);
