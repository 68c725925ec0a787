/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/decision.h: from HOST words to a verdict that is no better than its
 * evidence.  Shared by every program that answers the two questions.
 */
#pragma once

#include "compat/negotiate.h"
#include "pact/policy.h"
#include "session/gather.h"

struct mig_contract_file; /* session/contract_file.h */
struct mig_terms;         /* session/terms.h */

/* What a site believes beside what signatures say. */
struct mig_belief {
    bool allow_unsigned;
    bool live_only;                  /* gates: nothing filed or replayed */
    int64_t max_age_s;               /* filed and replayed evidence; 0 = any age */
    const char *max_age_by;          /* the policy that says so; NULL: the operator */
    const struct mig_policy *policy; /* our own, or NULL */
    const char *policy_file;         /* where it stands */
    enum mig_prove prove;            /* the operator's word on proofs, or none */
    enum mig_prove prove_default;    /* what holds when nobody says a word */
};

struct mig_decision {
    /* Asked about this running guest instead of new ones; borrowed, set by the
     * caller, or NULL. */
    const struct mig_contract_file *contract;
    struct mig_evidence *hosts; /* in the order they were named */
    size_t hosts_len;
    struct mig_proof_slot *proofs; /* of the hosts, or NULL: nothing was to prove */
    struct mig_terms *terms;       /* what the result was measured by */
    struct mig_result result;
};

/* What moves exit statuses 1 and 3, and nothing else. */
enum mig_fail_on { MIG_FAIL_ON_BLOCKER, MIG_FAIL_ON_WARN, MIG_FAIL_ON_NEVER };

/* Ask @len hosts and answer: the pair question when @pair (then @len is 2),
 * else the baseline.  With a contract: from the first of a pair to the second,
 * or restored on the only one.  Policies, our own and those that agents signed,
 * make @choice and @belief stricter, and hosts may be asked to
 * prove the answer (session/prove.h).  Evidence that is refused lowers the verdict to unknown
 * and is logged.  False when there is no verdict at all: a host that can not
 * be reached, a wrong command line; further hosts' errors are logged.  @ret
 * starts zeroed but for the contract; the caller clears it in both cases. */
MIG_MUST_CHECK bool mig_decision_make(const struct mig_gather *g, const struct mig_choice *choice,
                                      const struct mig_belief *belief, const char *const *words,
                                      size_t len, bool pair, struct mig_decision *ret,
                                      struct mig_error *err);

/* The middle of mig_decision_make(): evidence in @d->hosts is there, judge it. */
MIG_MUST_CHECK bool mig_decision_judge(struct mig_decision *d, const struct mig_choice *choice,
                                       const struct mig_belief *belief, bool pair,
                                       struct mig_error *err);

/* Log every error in @hosts; false with the one that outranks the others when
 * it leaves no room for a verdict. */
MIG_MUST_CHECK bool mig_decision_check(const struct mig_evidence *hosts, size_t len,
                                       struct mig_error *err);

/* No host twice; dumps without a host name of their own are told apart by
 * @words, their paths. */
MIG_MUST_CHECK bool mig_decision_check_names(struct mig_evidence *hosts, const char *const *words,
                                             size_t len, bool pair, struct mig_error *err);

/* One finding per reason for which @e does not carry a verdict; @list is then
 * worth an unknown.  False when there is one. */
bool mig_decision_believe(const struct mig_belief *belief, const struct mig_evidence *e,
                          struct mig_result *result);

int mig_decision_exit_status(const struct mig_result *r, bool strict, enum mig_fail_on fail_on);
void mig_decision_clear(struct mig_decision *d);
static inline void mig_decision_clear_auto(struct mig_decision *d)
{
    mig_decision_clear(d);
}
