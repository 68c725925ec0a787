/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/rule.h: the one switch of the judgement.  A rule is two pure functions
 * of field values (already shifted down to bit 0): what several hosts have in
 * common, and whether a guest that saw one value may run where another holds.
 * Both are stated in DESIGN section 4; the lattice laws are property tests.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

/* RULE(constant, name in text and JSON) */
enum mig_rule {
#define RULE(id, name) MIG_RULE_##id,
#include "cpu/rule.def"
    MIG_RULE_COUNT
};

/* What a rule needs to know of its field. */
struct mig_shape {
    enum mig_rule rule;
    uint8_t width; /* bits, 1 to 64 */
    bool has_safe; /* exact: a value every host may show instead */
    uint64_t safe;
};

enum mig_allow {
    MIG_ALLOW_YES,
    MIG_ALLOW_NO,       /* a blocker */
    MIG_ALLOW_INSECURE, /* runs, but without a protection it relies on */
    MIG_ALLOW_ASK,      /* only a constraint over whole snapshots can tell */
};

/* A text field (machine type) compares @text; all others @num. */
struct mig_value {
    uint64_t num;
    const char *text; /* borrowed; NULL unless the rule is EQUAL_TEXT */
};

/* Set @ret to what @a and @b have in common; false = conflict, no value
 * satisfies both.  Identity, derived and frozen fields keep the smaller value
 * here; the judgement replaces it (donor host, recomputation). */
MIG_MUST_CHECK bool mig_rule_merge(const struct mig_shape *shape, struct mig_value a,
                                   struct mig_value b, struct mig_value *ret);

enum mig_allow mig_rule_allows(const struct mig_shape *shape, struct mig_value guest,
                               struct mig_value host);

/* False for per_vcpu, runtime and frozen: never compared. */
bool mig_rule_is_compared(enum mig_rule rule);

const char *mig_rule_name(enum mig_rule rule);
MIG_MUST_CHECK bool mig_rule_parse(const char *name, enum mig_rule *ret);
