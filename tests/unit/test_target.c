/* SPDX-License-Identifier: Apache-2.0 */
#include "session/target.h"

#include "support/check.h"

static const char *lookup(const void *data, const char *name)
{
    (void)data;
    if (strcmp(name, "alpha") == 0) {
        return "10.0.0.1:7443";
    }
    if (strcmp(name, "local") == 0) {
        return "local@unix:/run/mig/agent.sock";
    }
    return strcmp(name, "liar") == 0 ? "other@10.0.0.1:7443" : NULL;
}

CHECK_TEST(a_host_word_is_a_name_then_an_address_then_a_file)
{
    static const struct {
        const char *word;
        enum mig_target_kind kind;
        const char *name, *where;
    } cases[] = {
        {"alpha",            MIG_TARGET_LIVE,  "alpha", "10.0.0.1:7443"           },
        {"local",            MIG_TARGET_LIVE,  "local", "unix:/run/mig/agent.sock"},
        {"10.0.0.2:7444",    MIG_TARGET_LIVE,  "",      "10.0.0.2:7444"           },
        {"[::1]:7443",       MIG_TARGET_LIVE,  "",      "[::1]:7443"              },
        {"[::1]",            MIG_TARGET_LIVE,  "",      "[::1]:7443"              },
        {"beta@10.0.0.2",    MIG_TARGET_LIVE,  "beta",  "10.0.0.2:7443"           },
        {"unix:/run/x",      MIG_TARGET_LIVE,  "",      "unix:/run/x"             },
        {"beta@unix:/run/x", MIG_TARGET_LIVE,  "beta",  "unix:/run/x"             },
        {"-",                MIG_TARGET_STDIN, "",      ""                        },
        {"/proc/self/exe",   MIG_TARGET_FILE,  "",      ""                        },
    };

    CHECK_EACH (c, cases) {
        struct mig_target t;
        struct mig_error err;

        check_done(c->word, mig_target_parse(c->word, lookup, NULL, &t, &err), &err);
        check_number(c->word, c->kind, t.kind);
        check_text(c->word, c->name, t.address.name);
        check_text(c->word, c->where, t.where);
    }
}

CHECK_TEST(a_word_that_is_no_host_is_a_usage_error)
{
    static const struct {
        const char *word, *says;
    } cases[] = {
        {"nosuch",         "'nosuch' is no HOST: expected a configured name, HOST:PORT"},
        {"nosuch\033[2J",  "'nosuch?[2J' is no HOST"                                   },
        {"./nosuch",       "./nosuch: No such file or directory"                       },
        {"/proc",          "/proc: is a directory"                                     },
        {"10.0.0.2:70000", "70000"                                                     },
        {"[::1",           "IPv6"                                                      },
        {"unix:relative",  "unix"                                                      },
        {"liar",           "another name than its own"                                 },
    };

    CHECK_EACH (c, cases) {
        struct mig_target t;
        struct mig_error err = {0};

        check_true(c->word, !mig_target_parse(c->word, lookup, NULL, &t, &err));
        check_contains(c->word, c->says, err.msg);
        check_number(c->word, MIG_USAGE, err.code);
    }
}

CHECK_TEST(one_place_is_known_under_its_spellings)
{
    static const struct {
        const char *a, *b;
        bool same;
    } cases[] = {
        {"alpha",          "10.0.0.1",               false}, /* no address without a port */
        {"alpha",          "x@10.0.0.1",             true },
        {"alpha",          "10.0.0.1:7444",          false},
        {"unix:/run/x",    "beta@unix:/run/x",       true },
        {"/proc/self/exe", "/proc/self/../self/exe", true },
        {"/proc/self/exe", "/proc/self/maps",        false},
        {"-",              "-",                      true },
        {"-",              "/proc/self/exe",         false},
    };

    CHECK_EACH (c, cases) {
        struct mig_target a, b;
        struct mig_error err;

        if (mig_target_parse(c->a, lookup, NULL, &a, &err) &&
            mig_target_parse(c->b, lookup, NULL, &b, &err)) {
            check_number(c->b, c->same, mig_target_is_same(&a, &b));
        } else {
            check_true(c->b, !c->same);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(a_host_word_is_a_name_then_an_address_then_a_file),
           cmocka_unit_test(a_word_that_is_no_host_is_a_usage_error),
           cmocka_unit_test(one_place_is_known_under_its_spellings))
