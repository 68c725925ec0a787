/* SPDX-License-Identifier: Apache-2.0 */
#include "session/decision.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "compat/minimum.h"
#include "session/contract_file.h"
#include "session/prove.h"
#include "session/terms.h"

#define DAY_S 86400

/* The higher, the less sense a verdict makes beside it; 0 = an unknown. */
static unsigned rank(enum mig_code code)
{
    switch (mig_error_exit_status(code)) {
    case 70:
        return 3;
    case 2:
        return 2;
    case 5:
        return 1;
    default:
        return 0;
    }
}

bool mig_decision_check(const struct mig_evidence *hosts, size_t len, struct mig_error *err)
{
    const struct mig_evidence *worst = NULL;

    for (size_t i = 0; i < len; i++) {
        if (rank(hosts[i].error.code) > (worst != NULL ? rank(worst->error.code) : 0)) {
            worst = &hosts[i];
        }
    }
    for (size_t i = 0; i < len; i++) {
        if (hosts[i].error.code != MIG_OK && &hosts[i] != worst) {
            mig_log_error("%s", hosts[i].error.msg);
        }
    }
    if (worst == NULL) {
        return true;
    }
    *err = worst->error;
    return false;
}

static void distrust(struct mig_result *r, const char *id, const char *remedy, char *why)
{
    mig_result_distrust(r, id, why, remedy);
    mig_free(why);
}

static const char *remedy_of(const char *refusal)
{
    static const struct {
        const char *id, *remedy;
    } rows[] = {
        {"trust/future",     "set both clocks by one source of time (chrony, NTP)"             },
        {"trust/expired",    "ask again; set both clocks by one source of time (chrony, NTP)"  },
        {"trust/replayed",   "look for a proxy or an agent that answers for others; ask the host "
                           "itself"                                  },
        {"trust/wrong-host", "correct the address, or the name that is pinned to it"           },
        {"trust/malformed",  "make the snapshot again; both builds must speak the same version"},
        {"trust/unverified", "check the certificates with migctl pki check; the CA must be the one "
                             "that signed this host"               },
        {"trust/refused",    "ask with a certificate of a role that may (operator, negotiator)"},
        {"trust/missing",    "see the agent's log on that host"                                },
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (strcmp(rows[i].id, refusal) == 0) {
            return rows[i].remedy;
        }
    }
    return "make the snapshot again";
}

static bool believe_age(const struct mig_belief *belief, const struct mig_evidence *e,
                        struct mig_result *r)
{
    int64_t age = e->age_s > e->sealed_age_s ? e->age_s : e->sealed_age_s;

    if (belief->max_age_s == 0 || e->kind == MIG_EVIDENCE_LIVE || age <= belief->max_age_s) {
        return true;
    }
    distrust(r, "trust/expired",
             belief->max_age_by != NULL
                 ? "make the snapshot again"
                 : "make the snapshot again, or accept older ones with --max-age",
             mig_strf("%s: %s evidence is %" PRId64 " days old, accepted are %" PRId64 "%s%s",
                      e->name, mig_evidence_kind_name(e->kind), age / DAY_S,
                      belief->max_age_s / DAY_S, belief->max_age_by != NULL ? " by " : "",
                      belief->max_age_by != NULL ? belief->max_age_by : ""));
    return false;
}

bool mig_decision_believe(const struct mig_belief *belief, const struct mig_evidence *e,
                          struct mig_result *r)
{
    const char *kind = mig_evidence_kind_name(e->kind);
    bool is_signed = e->kind == MIG_EVIDENCE_LIVE || e->kind == MIG_EVIDENCE_FILED ||
                     e->kind == MIG_EVIDENCE_REPLAYED;

    if (e->error.code != MIG_OK) {
        distrust(r, e->refusal, remedy_of(e->refusal), mig_strdup(e->error.msg));
        return false;
    }
    if (!is_signed && (belief->live_only || !belief->allow_unsigned)) {
        distrust(r, "trust/unsigned",
                 belief->live_only ? "ask the host's own agent"
                                   : "use a sealed snapshot, or accept this one with "
                                     "--allow-unsigned",
                 mig_strf("%s: %s evidence carries no signature; anyone may have written it",
                          e->name, kind));
        return false;
    }
    if (belief->live_only && e->kind != MIG_EVIDENCE_LIVE) {
        distrust(r, "trust/not-live", "ask the agent that runs on the host itself",
                 mig_strf("%s: %s evidence tells of another time; this gate takes live answers "
                          "only",
                          e->name, kind));
        return false;
    }
    return believe_age(belief, e, r);
}

/* Dumps carry no host name; two of one file name are told apart by path. */
static void tell_apart(struct mig_evidence *e, const char *word)
{
    size_t len = strlen(word);

    word += len >= sizeof e->name ? len - sizeof e->name + 1 : 0;
    (void)snprintf(e->name, sizeof e->name, "%s", word);
}

bool mig_decision_check_names(struct mig_evidence *hosts, const char *const *words, size_t len,
                              bool pair, struct mig_error *err)
{
    for (size_t i = 0; i < len; i++) {
        for (size_t j = 0; j < i; j++) {
            if (strcmp(hosts[i].name, hosts[j].name) != 0 || hosts[i].error.code != MIG_OK ||
                hosts[j].error.code != MIG_OK) {
                continue;
            }
            if (hosts[i].kind != MIG_EVIDENCE_FOREIGN && hosts[j].kind != MIG_EVIDENCE_FOREIGN) {
                return mig_fail(err, MIG_USAGE,
                                pair ? "source and destination are the same host '%s': %s and %s"
                                     : "the same host is there twice: '%s', %s and %s",
                                hosts[i].name, words[j], words[i]);
            }
            if (hosts[i].kind == MIG_EVIDENCE_FOREIGN) {
                tell_apart(&hosts[i], words[i]);
            }
            if (hosts[j].kind == MIG_EVIDENCE_FOREIGN) {
                tell_apart(&hosts[j], words[j]);
            }
        }
    }
    return true;
}

/* @source is NULL for a guest that is restored. */
static void ask_contract(struct mig_decision *d, const struct mig_choice *choice,
                         const struct mig_party *source, const struct mig_party *destination)
{
    const struct mig_contract *c = d->contract->contract;
    const struct mig_party guest = {c->vm, c->shown};

    mig_check_contract(&guest, source, destination, choice, &d->result);
}

static void ask(struct mig_decision *d, const struct mig_choice *choice, bool pair)
{
    struct mig_party *parties = mig_alloc(d->hosts_len, sizeof *parties);
    bool whole = d->contract == NULL || d->contract->contract != NULL;

    for (size_t i = 0; i < d->hosts_len; i++) {
        parties[i] = (struct mig_party){d->hosts[i].name, d->hosts[i].snapshot};
        whole = whole && d->hosts[i].snapshot != NULL;
    }
    if (!whole) {
        d->result = (struct mig_result){
            .verdict = MIG_UNKNOWN, .passthrough = MIG_UNKNOWN, .partial = true};
    } else if (d->contract != NULL) {
        ask_contract(d, choice, pair ? &parties[0] : NULL, &parties[d->hosts_len - 1]);
    } else if (pair) {
        mig_negotiate(&parties[0], &parties[1], choice, &d->result);
    } else {
        mig_baseline(parties, d->hosts_len, choice, &d->result);
    }
    mig_free(parties);
}

/* A guest is not known to run where the contract does not say so. */
static void check_whereabouts(struct mig_decision *d)
{
    const struct mig_contract *c = d->contract->contract;
    const char *holder = mig_contract_holder(c), *source = d->hosts[0].name;
    struct mig_finding *f;

    if (strcmp(holder, source) == 0) {
        return;
    }
    f = mig_findings_add(&d->result.findings, "contract/elsewhere", MIG_WARNING);
    f->rule = "contract";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = holder[0] == '\0'
                 ? mig_strf("the contract of %s does not say on which host it runs", c->vm)
                 : mig_strf("by its contract %s runs on %s, not on %s", c->vm, holder, source);
    f->remedy = mig_strdup("name the host that has the guest as the source, or take a newer "
                           "contract from it");
}

/* Policies that are not understood can not be kept. */
static struct mig_terms *settle(const struct mig_decision *d, const struct mig_choice *choice,
                                const struct mig_belief *belief, struct mig_text *ret_refused)
{
    struct mig_terms *terms = mig_terms_new(choice, belief);

    for (size_t i = 0; i < d->hosts_len; i++) {
        const struct mig_evidence *e = &d->hosts[i];
        struct mig_error err;

        if (e->snapshot != NULL && !mig_terms_hear(terms, e->name, e->snapshot, &err)) {
            mig_text_addf(ret_refused, "%s%s", ret_refused->len > 0 ? "; " : "", err.msg);
        }
    }
    return terms;
}

/* The operator's word and our own policy have one for the hosts' architecture. */
static bool check_minimum(const struct mig_decision *d, const struct mig_choice *choice,
                          const struct mig_belief *belief, struct mig_error *err)
{
    uint32_t policy = belief->policy != NULL ? belief->policy->minimum : 0;
    bool fits = true;

    for (size_t i = 0; i < d->hosts_len; i++) {
        const struct mig_snapshot *s = d->hosts[i].snapshot;

        if (s == NULL || s->arch == MIG_ARCH_NONE) {
            continue;
        }
        if (mig_minimum_fits(choice->minimum | policy, s->arch, err)) {
            return true;
        }
        fits = false;
    }
    return fits || (choice->minimum == 0 && mig_wrap(err, "policy %s", belief->policy_file));
}

bool mig_decision_judge(struct mig_decision *d, const struct mig_choice *choice,
                        const struct mig_belief *belief, bool pair, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text refused = {0};

    if (!mig_decision_check(d->hosts, d->hosts_len, err) ||
        !check_minimum(d, choice, belief, err)) {
        return false;
    }
    d->terms = settle(d, choice, belief, &refused);
    ask(d, mig_terms_choice(d->terms), pair);
    mig_terms_explain(d->terms, d->contract != NULL, &d->result);
    if (d->contract != NULL && d->contract->contract != NULL && pair) {
        check_whereabouts(d);
    }
    if (d->contract != NULL) {
        (void)mig_contract_file_believe(belief, d->contract, &d->result);
    }
    for (size_t i = 0; i < d->hosts_len; i++) {
        (void)mig_decision_believe(mig_terms_belief(d->terms), &d->hosts[i], &d->result);
    }
    if (refused.len > 0) {
        mig_result_distrust(&d->result, "trust/policy", refused.items,
                            "correct the policy of that host, or use one version of the programs");
    }
    return true;
}

bool mig_decision_make(const struct mig_gather *g, const struct mig_choice *choice,
                       const struct mig_belief *belief, const char *const *words, size_t len,
                       bool pair, struct mig_decision *ret, struct mig_error *err)
{
    ret->hosts = mig_alloc(len, sizeof *ret->hosts);
    ret->hosts_len = len;
    return mig_gather_run(g, words, len, ret->hosts, err) &&
           mig_decision_check_names(ret->hosts, words, len, pair, err) &&
           mig_decision_judge(ret, choice, belief, pair, err) &&
           (!(pair || ret->contract != NULL) || mig_prove_decision(g, words, ret, err));
}

/* "yes, but" is status 3: losses that --strict does not take, or warnings. */
int mig_decision_exit_status(const struct mig_result *r, bool strict, enum mig_fail_on fail_on)
{
    int status = mig_verdict_exit_status(r->verdict);

    if (strict && r->verdict == MIG_COMPATIBLE_ON_PROFILE) {
        status = 3;
    }
    if (fail_on == MIG_FAIL_ON_WARN && status == 0 &&
        mig_findings_worst(&r->findings) >= MIG_WARNING) {
        status = 3;
    }
    if (fail_on == MIG_FAIL_ON_NEVER && (status == 1 || status == 3)) {
        status = 0;
    }
    return status;
}

void mig_decision_clear(struct mig_decision *d)
{
    for (size_t i = 0; i < d->hosts_len; i++) {
        mig_evidence_clear(&d->hosts[i]);
        if (d->proofs != NULL) {
            mig_proof_slot_clear(&d->proofs[i]);
        }
    }
    mig_free(d->hosts);
    mig_free(d->proofs);
    mig_terms_free(d->terms);
    mig_result_clear(&d->result);
    *d = (struct mig_decision){0};
}
