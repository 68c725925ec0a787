/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/report_json.h: the same answers for programs, one object per kind; the
 * contract of each is schema/<kind>.json.
 */
#pragma once

#include <jansson.h>

#include "session/decision.h"

/* Each gives a new reference.  Negotiation and ContractCheck speak of the
 * running guest when there is a contract. */
json_t *report_json_negotiation(const struct mig_decision *d);
json_t *report_json_baseline(const struct mig_decision *d);
json_t *report_json_contract_check(const struct mig_decision *d);
json_t *report_json_difference(const struct mig_evidence *a, const struct mig_evidence *b,
                               const struct mig_findings *differences);

/* Parts that other kinds share. */
json_t *report_json_head(const char *kind);
json_t *report_json_hosts(const struct mig_evidence *hosts, size_t len);
json_t *report_json_profile(const struct mig_profile *p); /* null for NULL */
json_t *report_json_findings(const struct mig_findings *list);
void report_json_add_coverage(json_t *object, const struct mig_result *r);

/* Print @object on stdout and give up the reference. */
void report_json_print(json_t *object);
