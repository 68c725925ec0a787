/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/prop.h"

/* A file with @text; the caller removes and frees. */
static char *policy_file(const char *text)
{
    char *path = mig_strdup("/tmp/policy-XXXXXX");
    int fd = mkstemp(path);
    struct mig_error err;

    check_true("file", fd >= 0);
    check_done("file", mig_fd_write(fd, path, text, strlen(text), &err), &err);
    (void)close(fd);
    return path;
}

static bool load_text(const char *text, struct mig_policy *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = policy_file(text);
    bool good = mig_policy_load(path, ret, err);

    (void)unlink(path);
    return good;
}

/* The policy as the facts of a snapshot. */
static struct mig_snapshot *signed_policy(const struct mig_policy *p)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_policy_add_facts(p, "/etc/mig/policy.conf", b);
    check_done("facts", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

/* "minimum=x86-64-v2 allow=mpx": what @p says, in key order. */
static void print(const struct mig_policy *p, struct mig_text *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = signed_policy(p);

    mig_text_add(ret, "");
    for (size_t i = 0; i < s->facts_len; i++) {
        mig_text_addf(ret, "%s%s=%s", i > 0 ? " " : "", s->facts[i].name + strlen("policy."),
                      s->facts[i].value);
    }
}

static void check_policy(const char *label, const char *expected, const struct mig_policy *p)
{
    MIG_AUTO(mig_text_clear) struct mig_text got = {0};

    print(p, &got);
    check_text(label, expected, got.items);
}

CHECK_TEST(a_file_says_what_a_site_insists_on)
{
    static const struct {
        const char *label, *text, *says;
    } cases[] = {
        {"nothing",    "",                                                                      ""                         },
        {"comments",   "# nothing\n\n   # at all\n",                                            ""                         },
        {"minimum",    "minimum = x86-64-v3\n",                                                 "minimum=x86-64-v3"        },
        {"minimums",   "minimum = Armv8.4, x86-64-v2\n",                                        "minimum=x86-64-v2,Armv8.4"},
        {"days",       "max-age = 7d",                                                          "max-age=7d"               },
        {"hours",      "max-age=36h",                                                           "max-age=36h"              },
        {"odd time",   "max-age = 90061ms",                                                     "max-age=90061ms"          },
        {"groups",     "tolerate = tsc, kvm-cap",                                               "tolerate=kvm-cap,tsc"     },
        {"no group",   "tolerate =",                                                            "tolerate="                },
        {"security",   "security = warn",                                                       "security=warn"            },
        {"block",      "security = block",                                                      "security=block"           },
        {"opt-ins",    "allow = pmu,mpx , pmu",                                                 "allow=mpx,pmu"            },
        {"no opt-in",  "allow = # none\n",                                                      "allow="                   },
        {"everything", "allow=mpx\nsecurity=warn\ntolerate=tsc\nmax-age=1d\nminimum=x86-64-v2",
         "allow=mpx max-age=1d minimum=x86-64-v2 security=warn tolerate=tsc"                                               },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
        struct mig_error err;

        check_done(c->label, load_text(c->text, &p, &err), &err);
        check_policy(c->label, c->says, &p);
    }
}

CHECK_TEST(what_is_wrong_is_named_with_file_and_line)
{
    static const struct {
        const char *label, *text, *message;
    } cases[] = {
        {"no pair",         "minimum\n",                     "line 1: expected 'key = value'"               },
        {"unknown key",     "\n\nagree = yes\n",             "line 3: unknown key 'agree'; keys are minimum"},
        {"strange key",     "\x1b[2J = 1\n",                 "line 1: unknown key '?[2J'"                   },
        {"unknown level",   "minimum = x86-64-v9",           "line 1: minimum: unknown level 'x86-64-v9'"   },
        {"no level",        "minimum =",                     "line 1: minimum: unknown level ''"            },
        {"strange level",   "minimum = \x1b[31m",            "minimum: unknown level '?[31m'"               },
        {"no unit",         "# age\nmax-age = 7",            "line 2: max-age: expected a time"             },
        {"no time",         "max-age = 0s",                  "max-age: expected a time such as 12h"         },
        {"unknown group",   "tolerate = tsc,gpu",            "line 1: tolerate: unknown group 'gpu'; groups"},
        {"unknown word",    "security = maybe",              "security: expected block or warn, got 'maybe'"},
        {"unknown opt-in",  "allow = warp-drive",            "allow: 'warp-drive' is no opt-in feature; th" },
        {"given twice",     "security=warn\nsecurity=block", "line 2: security: given twice"                },
        {"empty and twice", "allow=\nallow=mpx",             "line 2: allow: given twice"                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
        struct mig_error err = {0};

        check_true(c->label, !load_text(c->text, &p, &err));
        check_contains(c->label, "/tmp/policy-", err.msg);
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, MIG_USAGE, err.code);
    }
}

CHECK_TEST(a_file_that_is_no_text_is_a_wrong_configuration)
{
    static const struct {
        const char *label;
        size_t len;
        const char *message;
    } cases[] = {
        {"hides a line", 64,      "holds a NUL byte, expected text"},
        {"too large",    1 << 19, "larger than 262144 bytes"       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
        MIG_AUTO(mig_free) char *text = mig_alloc(c->len, 1);
        char path[] = "/tmp/policy-XXXXXX";
        struct mig_error err = {0};
        int fd = mkstemp(path);

        (void)snprintf(text, c->len, "minimum = x86-64-v2\n"); /* zeros behind it */
        check_true(c->label, fd >= 0);
        check_true(c->label, write(fd, text, c->len) == (ssize_t)c->len);
        mig_fd_close(fd);
        check_true(c->label, !mig_policy_load(path, &p, &err));
        check_contains(c->label, path, err.msg);
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, MIG_USAGE, err.code);
        (void)unlink(path);
    }
}

CHECK_TEST(an_unknown_opt_in_is_answered_with_all_there_are)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
    struct mig_error err = {0};

    check_true("refused", !load_text("allow = nothing-like-it", &p, &err));
    check_contains("known", "mpx", err.msg);
    check_contains("known", "nested", err.msg);
    check_contains("known", "pmu", err.msg);
}

CHECK_TEST(only_the_usual_file_may_be_missing)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
    struct mig_error err = {0};

    check_true("named", !mig_policy_load("/nonexistent/policy.conf", &p, &err));
    check_contains("named", "/nonexistent/policy.conf", err.msg);
    if (access(MIG_POLICY_PATH, F_OK) != 0) {
        check_done("usual", mig_policy_load(MIG_POLICY_PATH, &p, &err), &err);
        check_policy("usual", "", &p);
    }
}

CHECK_TEST(what_an_agent_signed_is_read_back)
{
    static const char *const texts[] = {"", "allow=", "tolerate=\nminimum=x86-64-v4",
                                        "allow=mpx,nested\nmax-age=12h\nsecurity=warn"};

    CHECK_EACH (text, texts) {
        MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
        MIG_AUTO(mig_policy_clear) struct mig_policy back = {0};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        MIG_AUTO(mig_text_clear) struct mig_text says = {0};
        struct mig_error err;

        check_done(*text, load_text(*text, &p, &err), &err);
        s = signed_policy(&p);
        check_done(*text, mig_policy_of_snapshot(s, &back, &err), &err);
        print(&p, &says);
        check_policy(*text, says.items, &back);
    }
}

CHECK_TEST(a_signed_policy_that_is_not_understood_is_refused)
{
    static const struct {
        const char *label, *name, *value, *message;
    } cases[] = {
        {"newer key",  "policy.agree",    "yes",  "policy: unknown key 'agree'"       },
        {"newer word", "policy.security", "ask",  "policy: security: expected block"  },
        {"newer name", "policy.allow",    "warp", "policy: allow: 'warp' is no opt-in"},
        {"unreadable", "policy.minimum",  NULL,   "policy.minimum: is unreadable"     },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        MIG_AUTO(mig_policy_clear) struct mig_policy p = {0};
        struct mig_error err = {0};

        if (c->value != NULL) {
            mig_builder_add_fact(b, c->name, c->value, "");
        } else {
            mig_builder_add_unreadable_fact(b, c->name, EIO, "");
        }
        check_done(c->label, mig_builder_freeze(b, &s, &err), &err);
        check_true(c->label, !mig_policy_of_snapshot(s, &p, &err));
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(the_stricter_of_two_policies_wins_key_by_key)
{
    static const struct {
        const char *label, *a, *b, *both;
    } cases[] = {
        {"nothing",            "",                     "",                  ""                         },
        {"one side speaks",    "",                     "minimum=x86-64-v2", "minimum=x86-64-v2"        },
        {"higher minimum",     "minimum=x86-64-v3",    "minimum=x86-64-v2", "minimum=x86-64-v3"        },
        {"two ways up",        "minimum=Armv8.6",      "minimum=Armv9.0",   "minimum=Armv9.1"          },
        {"one of each",        "minimum=x86-64-v3",    "minimum=Armv8.2",   "minimum=x86-64-v3,Armv8.2"},
        {"lower age",          "max-age=1d",           "max-age=7d",        "max-age=1d"               },
        {"shared groups",      "tolerate=tsc,kvm-cap", "tolerate=tsc,msr",  "tolerate=tsc"             },
        {"no shared group",    "tolerate=kvm-cap",     "tolerate=msr",      "tolerate="                },
        {"silent on groups",   "tolerate=kvm-cap",     "minimum=x86-64-v1",
         "minimum=x86-64-v1 tolerate=kvm-cap"                                                          },
        {"block beats warn",   "security=warn",        "security=block",    "security=block"           },
        {"both warn",          "security=warn",        "security=warn",     "security=warn"            },
        {"silence is no word", "security=warn",        "allow=",            "allow= security=warn"     },
        {"shared opt-ins",     "allow=mpx,nested",     "allow=pmu,nested",  "allow=nested"             },
        {"silent on opt-ins",  "allow=mpx,nested",     "",                  "allow=mpx,nested"         },
        {"none at all",        "allow=mpx,nested",     "allow=",            "allow="                   },
    };

    CHECK_EACH (c, cases) {
        for (int turned = 0; turned < 2; turned++) {
            MIG_AUTO(mig_policy_clear) struct mig_policy a = {0}, b = {0};
            struct mig_error err;

            check_done(c->label, load_text(turned ? c->b : c->a, &a, &err), &err);
            check_done(c->label, load_text(turned ? c->a : c->b, &b, &err), &err);
            mig_policy_tighten(&a, &b);
            check_policy(c->label, c->both, &a);
        }
    }
}

static void random_policy(struct prop *p, struct mig_policy *ret)
{
    static const char *const opt_ins[] = {"mpx", "nested", "pmu"};

    ret->minimum = mig_level_set((enum mig_level)prop_below(p, MIG_LEVEL_COUNT));
    ret->max_age_ms = prop_below(p, 4) * 3600000;
    ret->says_tolerate = prop_once_in(p, 2);
    for (int g = 0; g < MIG_GROUP_COUNT && ret->says_tolerate; g++) {
        ret->tolerate[g] = prop_once_in(p, 2);
    }
    ret->says_security = prop_once_in(p, 2);
    ret->security_warns = ret->says_security && prop_once_in(p, 2);
    ret->says_allow = prop_once_in(p, 2);
    ret->allow = mig_alloc(3, sizeof *ret->allow);
    for (size_t i = 0; i < 3 && ret->says_allow; i++) {
        if (prop_once_in(p, 2)) {
            ret->allow[ret->allow_len++] = mig_strdup(opt_ins[i]);
        }
    }
}

/* @ret = @a tightened by @b tightened by ... in this order. */
static void tighten_all(const struct mig_policy *const *list, size_t len, struct mig_text *ret)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy all = {0};

    for (size_t i = 0; i < len; i++) {
        mig_policy_tighten(&all, list[i]);
    }
    print(&all, ret);
}

CHECK_TEST(tightening_knows_no_order_and_no_repetition)
{
    unsigned runs = prop_runs(500);
    struct prop p;

    prop_init(&p, "policy");
    for (unsigned run = 0; run < runs; run++) {
        MIG_AUTO(mig_policy_clear) struct mig_policy a = {0}, b = {0}, c = {0}, bc = {0};
        const struct mig_policy *const orders[][5] = {
            {&a, &b,  &c,  &c,  &c },
            {&c, &b,  &a,  &a,  &a },
            {&b, &a,  &b,  &c,  &a },
            {&a, &bc, &bc, &bc, &bc},
        };
        MIG_AUTO(mig_text_clear) struct mig_text first = {0};

        random_policy(&p, &a);
        random_policy(&p, &b);
        random_policy(&p, &c);
        mig_policy_tighten(&bc, &b);
        mig_policy_tighten(&bc, &c);
        tighten_all(orders[0], 5, &first);
        for (size_t i = 1; i < 4; i++) {
            MIG_AUTO(mig_text_clear) struct mig_text other = {0};

            tighten_all(orders[i], 5, &other);
            check_text("order", first.items, other.items);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(a_file_says_what_a_site_insists_on),
           cmocka_unit_test(what_is_wrong_is_named_with_file_and_line),
           cmocka_unit_test(a_file_that_is_no_text_is_a_wrong_configuration),
           cmocka_unit_test(an_unknown_opt_in_is_answered_with_all_there_are),
           cmocka_unit_test(only_the_usual_file_may_be_missing),
           cmocka_unit_test(what_an_agent_signed_is_read_back),
           cmocka_unit_test(a_signed_policy_that_is_not_understood_is_refused),
           cmocka_unit_test(the_stricter_of_two_policies_wins_key_by_key),
           cmocka_unit_test(tightening_knows_no_order_and_no_repetition))
