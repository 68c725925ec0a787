/* SPDX-License-Identifier: Apache-2.0 */
#include "session/terms.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "compat/minimum.h"
#include "cpu/level.h"
#include "cpu/wordlist.h"
#include "pact/policy.h"

/* One policy and whose it is, as a sentence names it. */
struct voice {
    char *who; /* "policy /etc/mig/policy.conf", "the policy of beta" */
    struct mig_policy policy;
};

struct mig_terms {
    const struct mig_choice *asked; /* by the operator, borrowed */
    int64_t asked_age_s;
    enum mig_prove asked_prove;
    struct {
        struct voice *items;
        size_t len, cap;
    } voices;
    struct mig_policy policy; /* the stricter of all */
    struct mig_choice choice;
    struct mig_belief belief;
    const char *allow[MIG_OPT_INS_MAX];
};

/* Seconds that a policy grants; a part of one counts as one. */
static int64_t seconds(uint64_t ms)
{
    return (int64_t)((ms + 999) / 1000);
}

/* Who brought the value that @is_source finds in a policy. */
static const char *who_says(const struct mig_terms *t,
                            bool (*is_source)(const struct mig_terms *, const struct mig_policy *))
{
    for (size_t i = 0; i < t->voices.len; i++) {
        if (is_source(t, &t->voices.items[i].policy)) {
            return t->voices.items[i].who;
        }
    }
    return NULL;
}

static bool sets_max_age(const struct mig_terms *t, const struct mig_policy *p)
{
    return p->max_age_ms != 0 && p->max_age_ms == t->policy.max_age_ms;
}

static bool sets_security(const struct mig_terms *t, const struct mig_policy *p)
{
    return p->says_security && p->security_warns == t->policy.security_warns;
}

static void settle_max_age(struct mig_terms *t)
{
    int64_t policy_s = seconds(t->policy.max_age_ms);

    t->belief.max_age_s = t->asked_age_s;
    t->belief.max_age_by = NULL;
    if (policy_s != 0 && (t->asked_age_s == 0 || policy_s < t->asked_age_s)) {
        t->belief.max_age_s = policy_s;
        t->belief.max_age_by = who_says(t, sets_max_age);
    }
}

/* The strictest word that somebody says; else what the program does by itself. */
static void settle_prove(struct mig_terms *t)
{
    enum mig_prove word = t->asked_prove > t->policy.prove ? t->asked_prove : t->policy.prove;

    t->belief.prove = word != MIG_PROVE_UNSAID ? word : t->belief.prove_default;
}

static void settle(struct mig_terms *t)
{
    const struct mig_policy *p = &t->policy;

    t->choice = *t->asked;
    t->choice.minimum |= p->minimum;
    for (int g = 0; g < MIG_GROUP_COUNT && p->says_tolerate; g++) {
        t->choice.tolerate[g] = t->choice.tolerate[g] && p->tolerate[g];
    }
    if (p->says_security) {
        t->choice.security_warns = p->security_warns;
    }
    t->choice.allow = t->allow;
    t->choice.allow_len = 0;
    for (size_t i = 0; i < t->asked->allow_len && i < MIG_OPT_INS_MAX; i++) {
        if (mig_policy_allows(p, t->asked->allow[i])) {
            t->allow[t->choice.allow_len++] = t->asked->allow[i];
        }
    }
    settle_max_age(t);
    settle_prove(t);
}

struct mig_terms *mig_terms_new(const struct mig_choice *choice, const struct mig_belief *belief)
{
    struct mig_terms *t = MIG_NEW(struct mig_terms);

    t->asked = choice;
    t->asked_age_s = belief->max_age_s;
    t->asked_prove = belief->prove;
    t->belief = *belief;
    if (belief->policy != NULL) {
        struct voice *own = MIG_PUSH(&t->voices);

        own->who = mig_strf("policy %s", belief->policy_file);
        mig_policy_tighten(&own->policy, belief->policy);
        mig_policy_tighten(&t->policy, belief->policy);
    }
    settle(t);
    return t;
}

bool mig_terms_hear(struct mig_terms *t, const char *name, const struct mig_snapshot *s,
                    struct mig_error *err)
{
    struct mig_policy theirs = {0};
    struct voice *voice;

    if (!mig_policy_of_snapshot(s, &theirs, err) ||
        !mig_minimum_fits(theirs.minimum, s->arch, err)) {
        mig_policy_clear(&theirs);
        return mig_wrap(err, "%s", name);
    }
    voice = MIG_PUSH(&t->voices);
    voice->who = mig_strf("the policy of %s", name);
    voice->policy = theirs;
    mig_policy_tighten(&t->policy, &theirs);
    settle(t);
    return true;
}

const struct mig_choice *mig_terms_choice(const struct mig_terms *t)
{
    return &t->choice;
}

const struct mig_belief *mig_terms_belief(const struct mig_terms *t)
{
    return &t->belief;
}

/* @text behind the why of finding @id, if there is one. */
static void append(struct mig_result *r, const char *id, const char *text)
{
    for (size_t i = 0; i < r->findings.len; i++) {
        struct mig_finding *f = &r->findings.items[i];

        if (strcmp(f->id, id) == 0) {
            char *longer =
                mig_strf("%s%s%s", f->why != NULL ? f->why : "", f->why != NULL ? "; " : "", text);

            mig_free(f->why);
            f->why = longer;
            return;
        }
    }
}

static struct mig_finding *add(struct mig_result *r, const char *id, enum mig_severity severity)
{
    struct mig_finding *f = mig_findings_add(&r->findings, id, severity);

    f->rule = "policy";
    f->reason = MIG_REASON_POLICY;
    return f;
}

/* Does another policy demand all of it and more, or an earlier one the same? */
static bool is_outdone(const struct mig_terms *t, size_t v)
{
    uint32_t own = t->voices.items[v].policy.minimum;

    for (size_t i = 0; i < t->voices.len; i++) {
        uint32_t other = t->voices.items[i].policy.minimum;

        if ((own & ~other) == 0 && (other != own || i < v)) {
            return true;
        }
    }
    return false;
}

static void explain_minimum(const struct mig_terms *t, struct mig_result *r)
{
    for (size_t v = 0; v < t->voices.len; v++) {
        MIG_AUTO(mig_text_clear) struct mig_text text = {0};
        uint32_t demanded = t->voices.items[v].policy.minimum;

        if ((demanded & ~t->asked->minimum) != 0 && !is_outdone(t, v)) {
            mig_text_addf(&text, "%s demands ", t->voices.items[v].who);
            mig_level_print_set(demanded, &text);
            append(r, "policy/minimum", text.items);
        }
    }
}

static void explain_tolerate(const struct mig_terms *t, struct mig_result *r)
{
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        char id[MIG_FIELD_ID_MAX];

        (void)snprintf(id, sizeof id, "coverage/%s", mig_group_name((enum mig_group)g));
        for (size_t i = 0; i < t->voices.len && t->asked->tolerate[g]; i++) {
            const struct voice *v = &t->voices.items[i];
            MIG_AUTO(mig_free) char *text = mig_strf("%s does not tolerate that", v->who);

            if (v->policy.says_tolerate && !v->policy.tolerate[g]) {
                append(r, id, text);
                break;
            }
        }
    }
}

static void explain_allow(const struct mig_terms *t, struct mig_result *r)
{
    MIG_AUTO(mig_text_clear) struct mig_text why = {0};
    struct mig_finding *f;

    for (size_t v = 0; v < t->voices.len; v++) {
        const char *comma = "";

        for (size_t i = 0; i < t->asked->allow_len; i++) {
            if (!mig_policy_allows(&t->voices.items[v].policy, t->asked->allow[i])) {
                mig_text_addf(&why, "%s%s", *comma == '\0' && why.len > 0 ? "; " : comma,
                              t->asked->allow[i]);
                comma = ", ";
            }
        }
        if (*comma != '\0') {
            mig_text_addf(&why, " not offered: %s does not allow it", t->voices.items[v].who);
        }
    }
    if (why.len > 0) {
        f = add(r, "policy/allow", MIG_WARNING); /* asked for in vain */
        f->why = mig_strdup(why.items);
        f->remedy = mig_strdup("list it behind 'allow' in that policy, or leave it out of --allow");
    }
}

static void explain_security(const struct mig_terms *t, struct mig_result *r)
{
    if (t->policy.says_security) {
        bool warns = t->policy.security_warns;

        add(r, "policy/security", MIG_NOTE)->why =
            mig_strf("a lost immunity or mitigation %s this guest: %s says %s",
                     warns ? "does not stop" : "stops", who_says(t, sets_security),
                     warns ? "warn" : "block");
    }
}

static bool sets_prove(const struct mig_terms *t, const struct mig_policy *p)
{
    return p->prove == t->policy.prove;
}

static void explain_prove(const struct mig_terms *t, struct mig_result *r)
{
    if (t->policy.prove == MIG_PROVE_REQUIRED && t->asked_prove < MIG_PROVE_REQUIRED) {
        add(r, "policy/prove", MIG_NOTE)->why =
            mig_strf("every host must prove: %s demands it", who_says(t, sets_prove));
    }
}

void mig_terms_explain(const struct mig_terms *t, bool running, struct mig_result *result)
{
    explain_minimum(t, result);
    explain_tolerate(t, result);
    explain_allow(t, result);
    explain_prove(t, result);
    if (running) {
        explain_security(t, result);
    }
}

void mig_terms_free(struct mig_terms *t)
{
    if (t == NULL) {
        return;
    }
    for (size_t i = 0; i < t->voices.len; i++) {
        mig_free(t->voices.items[i].who);
        mig_policy_clear(&t->voices.items[i].policy);
    }
    mig_free(t->voices.items);
    mig_policy_clear(&t->policy);
    mig_free(t);
}
