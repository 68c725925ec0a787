/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/address.h"

#include "support/check.h"

#define LONG_LABEL "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define LONG_128 LONG_LABEL LONG_LABEL
#define LONG_256 LONG_128 LONG_128

CHECK_TEST(an_address_is_taken_apart)
{
    static const struct {
        const char *text, *name, *host, *port, *path, *shown;
    } cases[] = {
        {"127.0.0.1:7443",             "",        "127.0.0.1",          "7443",  "",                    "127.0.0.1:7443"          },
        {"host-1.example.org:1",       "",        "host-1.example.org", "1",     "",                    "host-1.example.org:1"    },
        {"host",                       "",        "host",               "7443",  "",                    "host:7443"               },
        {"[::1]:80",                   "",        "::1",                "80",    "",                    "[::1]:80"                },
        {"[::1]",                      "",        "::1",                "7443",  "",                    "[::1]:7443"              },
        {"[fe80::1%eth0]:0",           "",        "fe80::1%eth0",       "0",     "",                    "[fe80::1%eth0]:0"        },
        {"alpha@10.0.0.1:65535",       "alpha",   "10.0.0.1",           "65535", "",                    "10.0.0.1:65535"          },
        {"alpha@[2001:db8::1]:007443", "alpha",   "2001:db8::1",        "7443",  "",                    "[2001:db8::1]:7443"      },
        {"unix:/run/mig/agent.sock",   "",        "",                   "",      "/run/mig/agent.sock", "unix:/run/mig/agent.sock"},
        {"a.b-c_d@unix:/x",            "a.b-c_d", "",                   "",      "/x",                  "unix:/x"                 },
    };

    CHECK_EACH (c, cases) {
        struct mig_address a;
        struct mig_error err;
        char shown[MIG_ADDRESS_TEXT];

        check_done(c->text, mig_address_parse(c->text, &a, &err), &err);
        check_text(c->text, c->name, a.name);
        check_text(c->text, c->host, a.host);
        check_text(c->text, c->port, a.port);
        check_text(c->text, c->path, a.path);
        mig_address_format(&a, shown, sizeof shown);
        check_text(c->text, c->shown, shown);
        check_true(c->text, strcmp(c->text, "host") == 0 || mig_address_looks_like(c->text));
    }
}

CHECK_TEST(what_is_no_address_is_refused_with_the_reason)
{
    static const struct {
        const char *text, *says;
    } cases[] = {
        {"",                 "expected HOST:PORT"                  },
        {":7443",            "expected HOST:PORT"                  },
        {"a b:1",            "expected HOST:PORT"                  },
        {"@host:1",          "expected HOST:PORT"                  },
        {"a@b@host:1",       "expected HOST:PORT"                  },
        {"host:",            "port '' is no number from 0 to 65535"},
        {"host:65536",       "port '65536' is no number"           },
        {"host:0x10",        "port '0x10' is no number"            },
        {"host:-1",          "port '-1' is no number"              },
        {"host:1 ",          "port '1 ' is no number"              },
        {"::1",              "an IPv6 address needs brackets"      },
        {"fe80::1:7443",     "an IPv6 address needs brackets"      },
        {"[::1",             "between '[' and ']'"                 },
        {"[]:1",             "between '[' and ']'"                 },
        {"[127.0.0.1]:1",    "between '[' and ']'"                 },
        {"[::1]7443",        "expected ':' and a port behind ']'"  },
        {"unix:run/mig",     "must start with '/'"                 },
        {"unix:",            "must start with '/'"                 },
        {"unix:/" LONG_128,  "is longer than 107 bytes"            },
        {LONG_128 "@host:1", "name is longer than 127 characters"  },
        {LONG_256 ":1",      "expected HOST:PORT"                  },
    };

    CHECK_EACH (c, cases) {
        struct mig_address a;
        struct mig_error err;

        check_true(c->text, !mig_address_parse(c->text, &a, &err));
        check_contains(c->text, c->says, err.msg);
        check_contains(c->text, "address '", err.msg);
        check_number(c->text, MIG_USAGE, err.code);
    }
}

CHECK_TEST(addresses_are_told_from_names_and_files)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {"host:7443",        true },
        {"10.0.0.1:1",       true },
        {"[::1]:7443",       true },
        {"[::1]",            true },
        {"unix:/run/a.sock", true },
        {"alpha@host",       true },
        {"alpha@unix:/x",    true },
        {"::1",              true },
        {"unix:relative",    true },
        {"alpha",            false},
        {"host.json",        false},
        {"./host:7443",      false},
        {"dir/host:1",       false},
        {"/tmp/x",           false},
        {"C:file",           false},
        {"host:",            false},
        {":1",               false},
        {"",                 false},
        {"-",                false},
        {"a@b/c",            false},
    };

    CHECK_EACH (c, cases) {
        check_number(c->text, c->is, mig_address_looks_like(c->text));
    }
}

CHECK_MAIN(cmocka_unit_test(an_address_is_taken_apart),
           cmocka_unit_test(what_is_no_address_is_refused_with_the_reason),
           cmocka_unit_test(addresses_are_told_from_names_and_files))
