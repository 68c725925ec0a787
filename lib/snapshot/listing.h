/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/listing.h: facts that an operator writes as lists and rules read as
 * numbers (listing.def).  A snapshot holds no such fact of another form, so
 * that a slip of the pen is never taken for "not listed".
 */
#pragma once

#include "snapshot/snapshot.h"

struct mig_text; /* base/text.h */

enum mig_listing {
#define LISTING(constant, ...) MIG_LISTING_##constant,
#include "snapshot/listing.def"
    MIG_LISTING_COUNT
};

#define MIG_LISTING_NUMBERS 3

/* One word; numbers that its kind does not have are 0. */
struct mig_listed {
    uint64_t numbers[MIG_LISTING_NUMBERS];
};

/* "guest.target-cpus" */
const char *mig_listing_name(enum mig_listing which);

/* Of the form that its row expects?  Facts without a row and unreadable ones
 * are of any. */
MIG_MUST_CHECK bool mig_listing_check(const struct mig_fact *fact, struct mig_error *err);

/* Does the fact of @s, if there is one, list @wanted? */
bool mig_listing_has(const struct mig_snapshot *s, enum mig_listing which,
                     const struct mig_listed *wanted);

/* What the numbers are called, "Neoverse-N1 r3p1 (0x413fd0c1)/0x0/0x0"; false:
 * no list. */
bool mig_listing_print(const struct mig_fact *fact, struct mig_text *ret);
