/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/explain_report.h: an explanation as text for people and as an object for
 * programs, with what the named hosts have of it.
 */
#pragma once

#include <jansson.h>

#include "compat/explain_host.h"

/* Hosts of --host; all of an explanation's statements on them come last. */
struct explain_hosts {
    const struct mig_party *items;
    size_t len;
};

void explain_page_print(const struct mig_explanation *e, struct explain_hosts hosts, bool painted);

/* One line per row of @reg, which @word names, and one per host below it. */
void explain_page_register(const char *word, struct mig_reg reg, struct mig_fields fields,
                           struct explain_hosts hosts);

json_t *explain_json_object(const struct mig_explanation *e, struct explain_hosts hosts);

static inline bool explain_is_value(struct mig_seen seen)
{
    return seen.known == MIG_KNOWN || seen.known == MIG_ABSENT;
}
