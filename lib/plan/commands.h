/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/commands.h: a plan as the QMP commands that carry it out, in order.
 */
#pragma once

#include <jansson.h>

struct mig_capture;
struct mig_plan;
struct mig_wish;

/* A list of commands; the "id" of each says whose it is: "destination/1",
 * "source/3".  Without a URI it ends where the stream would be opened. */
json_t *mig_commands_make(const struct mig_plan *plan, const struct mig_capture *source,
                          const struct mig_capture *destination, const struct mig_wish *wish);
