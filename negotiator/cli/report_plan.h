/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/report_plan.h: a plan for people and for programs.
 */
#pragma once

#include <jansson.h>

struct mig_capture;
struct mig_plan;

/* [0] is the source. */
struct report_plan {
    const char *names[2];
    const struct mig_capture *captures[2];
    const char *data_path;
    const struct mig_plan *plan;
};

json_t *report_plan_json(const struct report_plan *r);
void report_plan_text(const struct report_plan *r);
