/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/contract_source.h: where a contract's registers come from; a row of
 * contract_source.def per source.
 */
#pragma once

#include "base/error.h"

struct mig_contract;

enum contract_source_id {
#define SOURCE(id, option, metavar, help, fn) CONTRACT_SOURCE_##id,
#include "negotiator/cli/contract_source.def"
    CONTRACT_SOURCE_COUNT
};

/* Fill c->shown from what the option's @word names, and c->vm and c->instance
 * where the source tells them and they are "". */
typedef bool contract_source_fn(const char *word, struct mig_contract *c, struct mig_error *err);

struct contract_source {
    const char *option; /* "cloud-hypervisor" */
    contract_source_fn *fill;
};

const struct contract_source *contract_source_get(enum contract_source_id id);

/* "--from, --cloud-hypervisor, ...": for messages.  The caller frees. */
char *contract_source_options(void);

#define SOURCE(id, option, metavar, help, fn) contract_source_fn fn;
#include "negotiator/cli/contract_source.def"
