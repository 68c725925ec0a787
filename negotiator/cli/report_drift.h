/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/report_drift.h: the answer of "drift": for people, what is dangerous
 * first and software last; for programs, schema/drift.json.
 */
#pragma once

#include <jansson.h>

#include "compat/drift.h"
#include "session/report_text.h"

/* @hosts: the older, the newer; @names as the findings call them. */
void report_drift_text(const struct mig_report *r, const struct mig_evidence *hosts,
                       const struct mig_drift *d, const char *const names[2]);

/* A new reference. */
json_t *report_drift_json(const struct mig_evidence *hosts, const struct mig_drift *d);
