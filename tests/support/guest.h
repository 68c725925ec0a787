/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/guest.h: contracts for tests: a guest that was shown what a host has.
 */
#pragma once

#include "pact/contract.h"

#define GUEST_RECORDED INT64_C(1800000000)

struct prop;

/* Guest "web3", instance "7f3a", recorded on "alpha" at GUEST_RECORDED: every
 * register of @host that a guest can see, with its coverage. */
struct mig_contract *guest_of(const struct mig_snapshot *host);

/* The same of small_host(@edits), of tests/hosts/@name.json, and of anything. */
struct mig_contract *guest_small(const char *edits);
struct mig_contract *guest_real(const char *name);
struct mig_contract *guest_random(struct prop *p);

/* It goes to @host and arrives @after_s seconds after it was recorded. */
void guest_hops(struct mig_contract *c, const char *host, int64_t after_s);

/* Fails the test with what differs. */
void guest_check_same(const char *label, const struct mig_contract *expected,
                      const struct mig_contract *got);
