/* SPDX-License-Identifier: Apache-2.0 */
#include "session/decision.h"

#include <stdio.h>

#include "base/alloc.h"
#include "session/contract_file.h"
#include "support/check.h"
#include "support/guest.h"
#include "support/small_host.h"

#define DAY_S 86400

/* One host as evidence; edits NULL: it was refused. */
static struct mig_evidence evidence(const char *name, const char *edits)
{
    struct mig_evidence e = {.kind = MIG_EVIDENCE_LIVE};

    (void)snprintf(e.name, sizeof e.name, "%s", name);
    if (edits != NULL) {
        MIG_AUTO(mig_free) char *all = mig_strf(LEVEL_3 " %s", edits);

        e.snapshot = small_host(all);
    } else {
        (void)mig_fail(&e.error, MIG_REFUSED, "%s says no", name);
        e.refusal = "trust/refused";
    }
    return e;
}

static void set_hosts(struct mig_decision *d, const char *alpha, const char *beta)
{
    d->hosts = mig_alloc(2, sizeof *d->hosts);
    d->hosts[d->hosts_len++] = evidence("alpha", alpha);
    if (beta != NULL) {
        d->hosts[d->hosts_len++] = evidence("beta", beta);
    }
}

static const struct mig_finding *find(const struct mig_decision *d, const char *id)
{
    return mig_findings_find(&d->result.findings, id);
}

CHECK_TEST(evidence_is_believed_as_far_as_its_kind_goes)
{
    static const struct {
        const char *label;
        struct mig_belief belief;
        enum mig_evidence_kind kind;
        int64_t age_s, sealed_age_s;
        const char *id; /* "" = believed */
        const char *text;
    } cases[] = {
        {"live",               {0},                      MIG_EVIDENCE_LIVE,     0,          0,          "",               NULL              },
        {"live is never old",  {.max_age_s = 1},         MIG_EVIDENCE_LIVE,     9,          9,          "",               NULL              },
        {"filed, any age",     {0},                      MIG_EVIDENCE_FILED,    99 * DAY_S, 99 * DAY_S, "",               NULL              },
        {"filed, of that age", {.max_age_s = DAY_S},     MIG_EVIDENCE_FILED,    DAY_S,      0,          "",               NULL              },
        {"filed and older",
         {.max_age_s = DAY_S},
         MIG_EVIDENCE_FILED,                                                    2 * DAY_S,
         0,                                                                                             "trust/expired",
         "filed evidence is 2 days old, accepted are 1"                                                                                     },
        {"by the operator",
         {.max_age_s = DAY_S},
         MIG_EVIDENCE_FILED,                                                    2 * DAY_S,
         0,                                                                                             "trust/expired",
         "or accept older ones with --max-age"                                                                                              },
        {"by a policy",
         {.max_age_s = DAY_S, .max_age_by = "policy x"},
         MIG_EVIDENCE_FILED,                                                    2 * DAY_S,
         0,                                                                                             "trust/expired",
         "accepted are 1 by policy x"                                                                                                       },
        {"an old seal",
         {.max_age_s = DAY_S},
         MIG_EVIDENCE_REPLAYED,                                                 0,
         2 * DAY_S,
         "trust/expired",                                                                                                 "2 days"          },
        {"age not known",
         {.max_age_s = 1, .allow_unsigned = true},
         MIG_EVIDENCE_FOREIGN,                                                  -1,
         0,                                                                                             "",
         NULL                                                                                                                               },
        {"unsigned",           {0},                      MIG_EVIDENCE_UNSIGNED, 0,          0,          "trust/unsigned", "--allow-unsigned"},
        {"foreign",            {0},                      MIG_EVIDENCE_FOREIGN,  0,          0,          "trust/unsigned", "--allow-unsigned"},
        {"unsigned, allowed",  {.allow_unsigned = true}, MIG_EVIDENCE_UNSIGNED, 0,          0,          "",               NULL              },
        {"unsigned at a gate",
         {.allow_unsigned = true, .live_only = true},
         MIG_EVIDENCE_UNSIGNED,                                                 0,
         0,                                                                                             "trust/unsigned",
         "ask the host's own agent"                                                                                                         },
        {"filed at a gate",
         {.live_only = true},
         MIG_EVIDENCE_FILED,                                                    0,
         0,                                                                                             "trust/not-live",
         "live answers"                                                                                                                     },
        {"replayed at a gate",
         {.live_only = true},
         MIG_EVIDENCE_REPLAYED,                                                 0,
         0,                                                                                             "trust/not-live",
         "live answers"                                                                                                                     },
        {"live at a gate",     {.live_only = true},      MIG_EVIDENCE_LIVE,     0,          0,          "",               NULL              },
    };

    CHECK_EACH (c, cases) {
        struct mig_evidence e = {
            .name = "alpha", .kind = c->kind, .age_s = c->age_s, .sealed_age_s = c->sealed_age_s};
        struct mig_result r = {.verdict = MIG_COMPATIBLE};

        check_number(c->label, c->id[0] == '\0', mig_decision_believe(&c->belief, &e, &r));
        check_number(c->label, c->id[0] == '\0' ? MIG_COMPATIBLE : MIG_UNKNOWN, r.verdict);
        if (c->id[0] != '\0') {
            MIG_AUTO(mig_free)
            char *all = mig_strf("%s; %s", r.findings.items[0].why, r.findings.items[0].remedy);

            check_text(c->label, c->id, r.findings.items[0].id);
            check_contains(c->label, c->text, all);
        } else {
            check_number(c->label, 0, r.findings.len);
        }
        mig_result_clear(&r);
    }
}

CHECK_TEST(each_refusal_has_a_remedy_of_its_own)
{
    static const struct {
        const char *refusal, *remedy;
    } cases[] = {
        {"trust/future",     "set both clocks"            },
        {"trust/expired",    "ask again"                  },
        {"trust/replayed",   "ask the host itself"        },
        {"trust/wrong-host", "correct the address"        },
        {"trust/malformed",  "must speak the same version"},
        {"trust/unverified", "migctl pki check"           },
        {"trust/refused",    "a role that may"            },
        {"trust/missing",    "the agent's log"            },
        {"trust/stale",      "make the snapshot again"    },
    };

    CHECK_EACH (c, cases) {
        struct mig_evidence e = evidence("alpha", NULL);
        const struct mig_belief belief = {0};
        struct mig_result r = {0};

        e.refusal = c->refusal;
        check_true(c->refusal, !mig_decision_believe(&belief, &e, &r));
        check_text(c->refusal, c->refusal, r.findings.items[0].id);
        check_text(c->refusal, "alpha says no", r.findings.items[0].why);
        check_contains(c->refusal, c->remedy, r.findings.items[0].remedy);
        mig_result_clear(&r);
    }
}

CHECK_TEST(no_host_stands_there_twice)
{
    static const struct {
        const char *label, *first, *second;
        enum mig_evidence_kind first_kind, second_kind;
        bool refused, pair;
        const char *expected; /* the error, or the names after it */
    } cases[] = {
        {"two hosts",              "a", "b", MIG_EVIDENCE_LIVE,    MIG_EVIDENCE_LIVE,    false, true,  "a b"        },
        {"a pair of one",          "a", "a", MIG_EVIDENCE_LIVE,    MIG_EVIDENCE_FILED,   false, true,
         "source and destination are the same host 'a': one/x and two/x"                                            },
        {"a set with one twice",   "a", "a", MIG_EVIDENCE_LIVE,    MIG_EVIDENCE_LIVE,    false, false,
         "the same host is there twice: 'a', one/x and two/x"                                                       },
        {"dumps of one file name", "x", "x", MIG_EVIDENCE_FOREIGN, MIG_EVIDENCE_FOREIGN, false,
         true,                                                                                         "one/x two/x"},
        {"a host and a dump",      "x", "x", MIG_EVIDENCE_LIVE,    MIG_EVIDENCE_FOREIGN, false, true,
         "x two/x"                                                                                                  },
        {"a dump and a host",      "x", "x", MIG_EVIDENCE_FOREIGN, MIG_EVIDENCE_LIVE,    false, true,
         "one/x x"                                                                                                  },
        {"one of them failed",     "a", "a", MIG_EVIDENCE_LIVE,    MIG_EVIDENCE_LIVE,    true,  true,  "a a"        },
    };
    static const char *const words[] = {"one/x", "two/x"};

    CHECK_EACH (c, cases) {
        for (size_t failed = 0; failed < (c->refused ? 2 : 1); failed++) {
            struct mig_evidence hosts[2] = {{.kind = c->first_kind}, {.kind = c->second_kind}};
            struct mig_error err;
            bool done;

            (void)snprintf(hosts[0].name, sizeof hosts[0].name, "%s", c->first);
            (void)snprintf(hosts[1].name, sizeof hosts[1].name, "%s", c->second);
            hosts[failed].error.code = c->refused ? MIG_TRUST : MIG_OK;
            done = mig_decision_check_names(hosts, words, 2, c->pair, &err);
            MIG_AUTO(mig_free) char *names = mig_strf("%s %s", hosts[0].name, hosts[1].name);

            check_text(c->label, c->expected, done ? names : err.msg);
        }
    }
}

CHECK_TEST(a_long_path_keeps_its_end_as_a_name)
{
    char path[3 * MIG_NAME_MAX];
    struct mig_evidence hosts[2] = {
        {.name = "x", .kind = MIG_EVIDENCE_FOREIGN},
        {.name = "x", .kind = MIG_EVIDENCE_LIVE   }
    };
    const char *const words[] = {path, "y"};
    struct mig_error err;

    memset(path, 'd', sizeof path);
    (void)snprintf(path + sizeof path - 3, 3, "/x");
    check_done("names", mig_decision_check_names(hosts, words, 2, true, &err), &err);
    check_number("length", sizeof hosts[0].name - 1, strlen(hosts[0].name));
    check_text("end", "/x", hosts[0].name + sizeof hosts[0].name - 3);
}

CHECK_TEST(a_running_guest_is_asked_about_by_its_contract)
{
    static const struct {
        const char *label, *shown, *source, *destination;
        bool pair;
        enum mig_verdict verdict;
    } cases[] = {
        {"it moves",               "erms", "erms", "erms", true,  MIG_COMPATIBLE       },
        {"it may not",             "erms", "erms", "",     true,  MIG_NEEDS_POWER_CYCLE},
        {"weaker than its source", "",     "erms", "",     true,  MIG_COMPATIBLE       },
        {"restored",               "",     "",     NULL,   false, MIG_COMPATIBLE       },
        {"restored elsewhere",     "erms", "",     NULL,   false, MIG_NEEDS_POWER_CYCLE},
    };
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *shown = mig_strf(LEVEL_3 " %s", c->shown);
        MIG_AUTO(mig_contract_free) struct mig_contract *contract = guest_small(shown);
        const struct mig_contract_file file = {.kind = MIG_EVIDENCE_FILED, .contract = contract};
        struct mig_decision d = {.contract = &file};
        struct mig_error err;

        set_hosts(&d, c->source, c->destination);
        check_done(c->label, mig_decision_judge(&d, &choice, &belief, c->pair, &err), &err);
        check_text(c->label, mig_verdict_name(c->verdict), mig_verdict_name(d.result.verdict));
        check_true(c->label, d.result.contract);
        check_true(c->label, find(&d, "contract/elsewhere") == NULL);
        mig_decision_clear(&d);
    }
}

CHECK_TEST(where_a_guest_runs_is_compared_with_its_contract)
{
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};
    static const struct {
        const char *label, *recorder, *hop;
        bool pair;
        const char *why; /* NULL: no word on it */
    } cases[] = {
        {"on its recorder",   "alpha", NULL,    true,  NULL                                              },
        {"arrived there",     "beta",  "alpha", true,  NULL                                              },
        {"elsewhere",         "gamma", NULL,    true,  "by its contract web3 runs on gamma, not on alpha"},
        {"it has left",       "alpha", "gamma", true,  "by its contract web3 runs on gamma, not on alpha"},
        {"nobody says",       "",      NULL,    true,  "does not say on which host it runs"              },
        {"restored anywhere", "gamma", NULL,    false, NULL                                              },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_contract_free) struct mig_contract *contract = guest_small(LEVEL_3);
        const struct mig_contract_file file = {.kind = MIG_EVIDENCE_FILED, .contract = contract};
        struct mig_decision d = {.contract = &file};
        const struct mig_finding *f;
        struct mig_error err;

        (void)snprintf(contract->recorder, sizeof contract->recorder, "%s", c->recorder);
        if (c->hop != NULL) {
            guest_hops(contract, c->hop, 1);
        }
        set_hosts(&d, "", c->pair ? "" : NULL);
        check_done(c->label, mig_decision_judge(&d, &choice, &belief, c->pair, &err), &err);
        f = find(&d, "contract/elsewhere");
        check_number(c->label, c->why != NULL, f != NULL);
        if (f != NULL) {
            check_contains(c->label, c->why, f->why);
            check_text(c->label, "warning", mig_severity_name(f->severity));
        }
        mig_decision_clear(&d);
    }
}

CHECK_TEST(what_can_not_be_read_leaves_the_answer_open)
{
    static const struct {
        const char *label, *alpha, *beta;
        bool contract, contract_failed;
        const char *id;
    } cases[] = {
        {"a host",                     "",                        NULL,                       false, false, "trust/refused"  },
        {"the other host",             NULL,                      "",                         false, false, "trust/refused"  },
        {"a host of a guest",          "",                        NULL,                       true,  false, "trust/refused"  },
        {"the contract",               "",                        "",                         true,  true,  "trust/malformed"},
        {"a policy",                   "!policy.minimum=9",       "",                         false, false, "trust/policy"   },
        {"a policy of arm64",          "!policy.minimum=Armv8.2", "",                         false, false, "trust/policy"   },
        {"a policy of a guest's host", "",                        "!policy.security=perhaps", true,  false, "trust/policy"   },
    };
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_contract_free) struct mig_contract *contract = guest_small(LEVEL_3);
        struct mig_contract_file file = {.kind = MIG_EVIDENCE_FILED, .contract = contract};
        struct mig_decision d = {.contract = c->contract ? &file : NULL};
        struct mig_error err;

        if (c->contract_failed) {
            file.contract = NULL;
            file.refusal = "trust/malformed";
            (void)mig_fail(&file.error, MIG_FORMAT, "no");
        }
        d.hosts = mig_alloc(2, sizeof *d.hosts);
        d.hosts[d.hosts_len++] = evidence("alpha", c->alpha);
        d.hosts[d.hosts_len++] = evidence("beta", c->beta);
        check_done(c->label, mig_decision_judge(&d, &choice, &belief, true, &err), &err);
        check_text(c->label, "unknown", mig_verdict_name(d.result.verdict));
        check_true(c->label, find(&d, c->id) != NULL);
        check_true(c->label, d.result.profile == NULL);
        mig_decision_clear(&d);
    }
}

CHECK_TEST(one_refusal_of_two_hosts_is_one_finding)
{
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};
    struct mig_decision d = {0};
    struct mig_error err;

    d.hosts = mig_alloc(2, sizeof *d.hosts);
    d.hosts[d.hosts_len++] = evidence("alpha", NULL);
    d.hosts[d.hosts_len++] = evidence("beta", NULL);
    check_done("judge", mig_decision_judge(&d, &choice, &belief, true, &err), &err);
    check_number("findings", 1, d.result.findings.len);
    check_text("why", "alpha says no; beta says no", d.result.findings.items[0].why);
    check_text("severity", "blocker", mig_severity_name(d.result.findings.items[0].severity));
    check_text("reason", "evidence", mig_reason_name(d.result.findings.items[0].reason));
    check_text("rule", "trust", d.result.findings.items[0].rule);
    mig_decision_clear(&d);
}

CHECK_TEST(what_policies_say_of_security_is_told_to_running_guests)
{
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};

    for (int runs = 0; runs < 2; runs++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *contract = guest_small(LEVEL_3);
        const struct mig_contract_file file = {.kind = MIG_EVIDENCE_FILED, .contract = contract};
        struct mig_decision d = {.contract = runs ? &file : NULL};
        struct mig_error err;

        set_hosts(&d, "!policy.security=warn", "");
        check_done("judge", mig_decision_judge(&d, &choice, &belief, true, &err), &err);
        check_number("told", (uint64_t)runs, find(&d, "policy/security") != NULL);
        mig_decision_clear(&d);
    }
}

CHECK_TEST(every_policy_that_is_not_understood_is_named)
{
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};
    struct mig_decision d = {0};
    const struct mig_finding *f;
    struct mig_error err;

    set_hosts(&d, "!policy.minimum=9", "!policy.security=perhaps");
    check_done("judge", mig_decision_judge(&d, &choice, &belief, true, &err), &err);
    f = find(&d, "trust/policy");
    assert_non_null(f);
    check_true("alpha first", strncmp(f->why, "alpha: ", strlen("alpha: ")) == 0);
    check_contains("then beta", "; beta: ", f->why);
    mig_decision_clear(&d);
}

/* A level of the other architecture asks for nothing here: who says so is
 * told, before there is an answer. */
CHECK_TEST(a_minimum_is_one_of_the_hosts_architecture)
{
    static const struct {
        const char *label;
        enum mig_level asked, own;
        const char *error; /* NULL: an answer */
    } cases[] = {
        {"none",            MIG_LEVEL_NONE,      MIG_LEVEL_NONE,    NULL                                     },
        {"of x86",          MIG_LEVEL_X86_64_V2, MIG_LEVEL_NONE,    NULL                                     },
        {"of arm64",        MIG_LEVEL_ARMV8_2,   MIG_LEVEL_NONE,    "minimum: Armv8.2 says nothing of x86-64"},
        {"policy of arm64", MIG_LEVEL_NONE,      MIG_LEVEL_ARMV8_2,
         "policy own.conf: minimum: Armv8.2 says nothing of x86-64"                                          },
        {"one each",        MIG_LEVEL_X86_64_V2, MIG_LEVEL_ARMV8_2, NULL                                     },
    };

    CHECK_EACH (c, cases) {
        const struct mig_choice choice = {.minimum = mig_level_set(c->asked)};
        const struct mig_policy own = {.minimum = mig_level_set(c->own)};
        const struct mig_belief belief = {.policy = &own, .policy_file = "own.conf"};
        struct mig_decision d = {0};
        struct mig_error err = {0};
        bool done;

        set_hosts(&d, "", "");
        done = mig_decision_judge(&d, &choice, &belief, true, &err);
        check_number(c->label, c->error == NULL, done);
        if (!done) {
            check_contains(c->label, c->error != NULL ? c->error : "", err.msg);
            check_number(c->label, MIG_USAGE, err.code);
        }
        mig_decision_clear(&d);
    }
}

CHECK_TEST(the_policies_of_hosts_decide_with_us)
{
    static const struct {
        const char *label, *alpha, *beta, *verdict;
    } cases[] = {
        {"none",               "",                          "",                          "compatible"  },
        {"met",                "!policy.minimum=x86-64-v3", "",                          "compatible"  },
        {"of the source",      "!policy.minimum=x86-64-v4", "",                          "incompatible"},
        {"of the destination", "",                          "!policy.minimum=x86-64-v4", "incompatible"},
    };
    const struct mig_choice choice = {0};
    const struct mig_belief belief = {0};

    CHECK_EACH (c, cases) {
        struct mig_decision d = {0};
        struct mig_error err;

        set_hosts(&d, c->alpha, c->beta);
        check_done(c->label, mig_decision_judge(&d, &choice, &belief, true, &err), &err);
        check_text(c->label, c->verdict, mig_verdict_name(d.result.verdict));
        mig_decision_clear(&d);
    }
}

CHECK_MAIN(cmocka_unit_test(evidence_is_believed_as_far_as_its_kind_goes),
           cmocka_unit_test(each_refusal_has_a_remedy_of_its_own),
           cmocka_unit_test(no_host_stands_there_twice),
           cmocka_unit_test(a_long_path_keeps_its_end_as_a_name),
           cmocka_unit_test(a_running_guest_is_asked_about_by_its_contract),
           cmocka_unit_test(where_a_guest_runs_is_compared_with_its_contract),
           cmocka_unit_test(what_can_not_be_read_leaves_the_answer_open),
           cmocka_unit_test(one_refusal_of_two_hosts_is_one_finding),
           cmocka_unit_test(what_policies_say_of_security_is_told_to_running_guests),
           cmocka_unit_test(every_policy_that_is_not_understood_is_named),
           cmocka_unit_test(a_minimum_is_one_of_the_hosts_architecture),
           cmocka_unit_test(the_policies_of_hosts_decide_with_us))
