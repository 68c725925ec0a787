/* SPDX-License-Identifier: Apache-2.0 */
#include "session/terms.h"

#include "base/alloc.h"
#include "base/text.h"
#include "pact/policy.h"
#include "snapshot/builder.h"
#include "support/check.h"

static const char *const mpx_and_pmu[] = {"mpx", "pmu"};

/* A host whose agent signed "key=value key=value". */
static struct mig_snapshot *host_with(enum mig_arch arch, const char *facts)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(arch);
    MIG_AUTO(mig_free) char *copy = mig_strdup(facts);
    struct mig_snapshot *s = NULL;
    char *rest = copy, *word;
    struct mig_error err;

    while ((word = strsep(&rest, " ")) != NULL) {
        char *value = strchr(word, '=');

        if (value != NULL) {
            MIG_AUTO(mig_free) char *name = NULL;

            *value++ = '\0';
            name = mig_strf("policy.%s", word);
            mig_builder_add_fact(b, name, value, "");
        }
    }
    check_done(facts, mig_builder_freeze(b, &s, &err), &err);
    return s;
}

static void hear(struct mig_terms *t, const char *name, enum mig_arch arch, const char *facts)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = host_with(arch, facts);
    struct mig_error err;

    check_done(name, mig_terms_hear(t, name, s, &err), &err);
}

/* What all of them make of choice and belief. */
static struct mig_terms *terms_of(const struct mig_choice *choice, struct mig_belief *belief,
                                  struct mig_policy *own, const char *alpha, const char *beta)
{
    struct mig_terms *t;

    belief->policy = own;
    belief->policy_file = "own.conf";
    t = mig_terms_new(choice, belief);
    hear(t, "alpha", MIG_ARCH_X86, alpha);
    hear(t, "beta", MIG_ARCH_X86, beta);
    return t;
}

CHECK_TEST(the_strictest_word_counts)
{
    static const struct {
        const char *label, *alpha, *beta;
        enum mig_level asked_minimum, minimum;
        int64_t asked_age_s, max_age_s;
        const char *max_age_by;
        size_t allowed;
        bool asked_warns, warns;
    } cases[] = {
        {"no policy",       "",                  "",                  0,                   0,                   100,            100, NULL,                  2, false, false},
        {"minimum",         "minimum=x86-64-v2", "minimum=x86-64-v3", MIG_LEVEL_NONE,      MIG_LEVEL_X86_64_V3,
         100,                                                                                                                   100, NULL,                  2, false, false},
        {"asked for more",  "minimum=x86-64-v2", "",                  MIG_LEVEL_X86_64_V4, MIG_LEVEL_X86_64_V4, 100,
         100,                                                                                                                        NULL,                  2, false, false},
        {"shorter",         "max-age=10s",       "max-age=20s",       0,                   0,                   100,            10,  "the policy of alpha", 2, false,
         false                                                                                                                                                             },
        {"asked for less",  "max-age=200s",      "",                  0,                   0,                   100,            100, NULL,                  2, false, false},
        {"any age",         "",                  "max-age=200s",      0,                   MIG_LEVEL_NONE,      MIG_LEVEL_NONE, 200,
         "the policy of beta",                                                                                                                              2, false, false},
        {"part of one",     "max-age=1ms",       "",                  0,                   0,                   100,            1,   "the policy of alpha", 2, false, false},
        {"allowed by both", "allow=mpx,pmu",     "allow=mpx,nested",  0,                   0,                   100,            100, NULL,                  1, false,
         false                                                                                                                                                             },
        {"allowed by none", "allow=",            "",                  0,                   0,                   100,            100, NULL,                  0, false, false},
        {"both warn",       "security=warn",     "security=warn",     0,                   0,                   100,            100, NULL,                  2, false, true },
        {"one warns",       "security=warn",     "",                  0,                   0,                   100,            100, NULL,                  2, false, true },
        {"one blocks",      "security=warn",     "security=block",    0,                   0,                   100,            100, NULL,                  2, true,  false},
        {"none speaks",     "",                  "",                  0,                   0,                   100,            100, NULL,                  2, true,  true },
    };

    CHECK_EACH (c, cases) {
        const struct mig_choice choice = {.allow = mpx_and_pmu,
                                          .allow_len = 2,
                                          .minimum = mig_level_set(c->asked_minimum),
                                          .security_warns = c->asked_warns};
        struct mig_belief belief = {.max_age_s = c->asked_age_s};
        struct mig_policy own = {0};
        MIG_AUTO(mig_terms_free)
        struct mig_terms *t = terms_of(&choice, &belief, &own, c->alpha, c->beta);
        const char *by = mig_terms_belief(t)->max_age_by;

        check_number(c->label, mig_level_set(c->minimum), mig_terms_choice(t)->minimum);
        check_number(c->label, (uint64_t)c->max_age_s, (uint64_t)mig_terms_belief(t)->max_age_s);
        check_text(c->label, c->max_age_by == NULL ? "" : c->max_age_by, by == NULL ? "" : by);
        check_number(c->label, c->allowed, mig_terms_choice(t)->allow_len);
        check_number(c->label, c->warns, mig_terms_choice(t)->security_warns);
    }
}

CHECK_TEST(a_tolerated_group_is_one_that_all_tolerate)
{
    struct mig_choice choice = {0};
    struct mig_belief belief = {0};
    struct mig_policy own = {.says_tolerate = true};
    MIG_AUTO(mig_terms_free) struct mig_terms *t = NULL;

    choice.tolerate[MIG_GROUP_TSC] = choice.tolerate[MIG_GROUP_CAP] = true;
    own.tolerate[MIG_GROUP_TSC] = own.tolerate[MIG_GROUP_MSR] = true;
    t = terms_of(&choice, &belief, &own, "tolerate=tsc,kvm-cap", "");
    check_true("tsc", mig_terms_choice(t)->tolerate[MIG_GROUP_TSC]);
    check_true("kvm-cap", !mig_terms_choice(t)->tolerate[MIG_GROUP_CAP]);
    check_true("msr was not asked for", !mig_terms_choice(t)->tolerate[MIG_GROUP_MSR]);
}

static const char *why_of(const struct mig_result *r, const char *id)
{
    const struct mig_finding *f = mig_findings_find(&r->findings, id);

    return f == NULL ? "" : f->why;
}

CHECK_TEST(whose_word_it_was_is_told)
{
    struct mig_choice choice = {.allow = mpx_and_pmu, .allow_len = 2};
    struct mig_belief belief = {0};
    struct mig_policy own = {.minimum = mig_level_set(MIG_LEVEL_X86_64_V2), .says_allow = true};
    struct mig_result r = {0};
    MIG_AUTO(mig_terms_free) struct mig_terms *t = NULL;

    choice.tolerate[MIG_GROUP_TSC] = true;
    t = terms_of(&choice, &belief, &own, "minimum=x86-64-v3 security=warn", "tolerate= allow=pmu");
    mig_findings_add(&r.findings, "policy/minimum", MIG_BLOCKER)->why = mig_strdup("too low");
    mig_findings_add(&r.findings, "coverage/tsc", MIG_WARNING)->why = mig_strdup("not covered");
    mig_terms_explain(t, true, &r);
    check_text("minimum", "too low; the policy of alpha demands x86-64-v3",
               why_of(&r, "policy/minimum"));
    check_text("coverage", "not covered; the policy of beta does not tolerate that",
               why_of(&r, "coverage/tsc"));
    check_text("allow",
               "mpx, pmu not offered: policy own.conf does not allow it; mpx not offered: the "
               "policy of beta does not allow it",
               why_of(&r, "policy/allow"));
    check_number("asked for in vain", MIG_WARNING,
                 mig_findings_find(&r.findings, "policy/allow")->severity);
    check_text("security",
               "a lost immunity or mitigation does not stop this guest: the policy of alpha says "
               "warn",
               why_of(&r, "policy/security"));
    mig_result_clear(&r);
}

/* Two ways up: neither policy outdoes the other, so both are named. */
CHECK_TEST(policies_that_ask_for_different_levels_are_both_named)
{
    static const struct {
        const char *own, *alpha, *beta, *why;
    } cases[] = {
        {"Armv8.4", "minimum=Armv8.6", "minimum=Armv9.0",
         "too low; the policy of alpha demands Armv8.6; the policy of beta demands Armv9.0"         },
        {"Armv9.1", "minimum=Armv8.6", "minimum=Armv9.0",
         "too low; policy own.conf demands Armv9.1"                                                 },
        {"Armv8.2", "minimum=Armv8.2", "",                "too low; policy own.conf demands Armv8.2"},
        {"Armv8.1", "minimum=Armv8.1", "",                "too low"                                 },
    };

    CHECK_EACH (c, cases) {
        struct mig_choice choice = {.minimum = mig_level_set(MIG_LEVEL_ARMV8_1)};
        struct mig_policy own = {.minimum = mig_level_set(mig_level_find(c->own))};
        const struct mig_belief belief = {.policy = &own, .policy_file = "own.conf"};
        MIG_AUTO(mig_terms_free) struct mig_terms *t = mig_terms_new(&choice, &belief);
        struct mig_result r = {0};

        hear(t, "alpha", MIG_ARCH_ARM64, c->alpha);
        hear(t, "beta", MIG_ARCH_ARM64, c->beta);
        mig_findings_add(&r.findings, "policy/minimum", MIG_BLOCKER)->why = mig_strdup("too low");
        mig_terms_explain(t, false, &r);
        check_text(c->own, c->why, why_of(&r, "policy/minimum"));
        mig_result_clear(&r);
    }
}

CHECK_TEST(without_a_policy_nothing_is_said)
{
    struct mig_choice choice = {
        .allow = mpx_and_pmu, .allow_len = 2, .minimum = mig_level_set(MIG_LEVEL_X86_64_V3)};
    struct mig_belief belief = {.max_age_s = 5};
    struct mig_policy own = {0};
    struct mig_result r = {0};
    MIG_AUTO(mig_terms_free) struct mig_terms *t = terms_of(&choice, &belief, &own, "", "");

    mig_findings_add(&r.findings, "policy/minimum", MIG_BLOCKER)->why = mig_strdup("too low");
    mig_terms_explain(t, true, &r);
    check_number("findings", 1, r.findings.len);
    check_text("minimum", "too low", r.findings.items[0].why);
    mig_result_clear(&r);
}

CHECK_TEST(a_policy_that_is_not_understood_names_its_host)
{
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = host_with(MIG_ARCH_X86, "agree=always");
    MIG_AUTO(mig_terms_free) struct mig_terms *t = mig_terms_new(&choice, &belief);
    struct mig_error err = {0};

    check_true("refused", !mig_terms_hear(t, "alpha", s, &err));
    check_contains("message", "alpha: policy: unknown key 'agree'", err.msg);
}

CHECK_MAIN(cmocka_unit_test(the_strictest_word_counts),
           cmocka_unit_test(a_tolerated_group_is_one_that_all_tolerate),
           cmocka_unit_test(whose_word_it_was_is_told),
           cmocka_unit_test(policies_that_ask_for_different_levels_are_both_named),
           cmocka_unit_test(without_a_policy_nothing_is_said),
           cmocka_unit_test(a_policy_that_is_not_understood_names_its_host))
