/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/policy.h: what a site insists on (policy.conf, "key = value").  Each
 * agent reads its own and puts it into what it signs; where two policies meet,
 * the stricter value of each key wins.
 */
#pragma once

#include "compat/negotiate.h"

#define MIG_POLICY_PATH "/etc/mig/policy.conf"

/* How far a verdict rests on proofs; in order of strictness. */
enum mig_prove {
    MIG_PROVE_UNSAID,
    MIG_PROVE_OFF,      /* the tables alone decide */
    MIG_PROVE_LIVE,     /* every host that can be asked proves */
    MIG_PROVE_REQUIRED, /* without all proofs there is no verdict */
};

/* Default: nothing beyond what the programs do without a policy. */
struct mig_policy {
    uint32_t minimum;    /* set of levels to reach (cpu/level.h); 0 = the lowest */
    uint64_t max_age_ms; /* of filed evidence; 0 = no word on it */
    bool says_tolerate;
    bool tolerate[MIG_GROUP_COUNT]; /* groups that may stay uncovered, if says_tolerate */
    bool says_security;
    bool security_warns; /* a lost immunity does not stop a running guest, if says_security */
    enum mig_prove prove;
    bool says_allow;
    char **allow; /* opt-ins that may be offered at all, sorted, if says_allow */
    size_t allow_len;
};

/* A missing file is an error unless it is MIG_POLICY_PATH. */
MIG_MUST_CHECK bool mig_policy_load(const char *path, struct mig_policy *ret,
                                    struct mig_error *err);

/* The policy that an agent signed into @s as facts "policy.KEY". */
MIG_MUST_CHECK bool mig_policy_of_snapshot(const struct mig_snapshot *s, struct mig_policy *ret,
                                           struct mig_error *err);

struct mig_builder; /* snapshot/builder.h */

/* Facts for what @p says; @source is the file it stands in. */
void mig_policy_add_facts(const struct mig_policy *p, const char *source, struct mig_builder *b);

/* Is this the name of such a fact? */
bool mig_policy_is_fact(const char *name);

/* SHA-256 of those facts in @s: what the host insists on, apart from where that
 * stands. */
void mig_policy_digest(const struct mig_snapshot *s, unsigned char ret[MIG_DIGEST_BYTES]);

/* @into becomes the stricter of both, key by key. */
void mig_policy_tighten(struct mig_policy *into, const struct mig_policy *other);

/* Does @p leave the offer of opt-in @name open? */
bool mig_policy_allows(const struct mig_policy *p, const char *name);

void mig_policy_clear(struct mig_policy *p);
static inline void mig_policy_clear_auto(struct mig_policy *p)
{
    mig_policy_clear(p);
}
