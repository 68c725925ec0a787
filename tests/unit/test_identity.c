/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/identity.h"

#include <openssl/err.h>

#include "base/alloc.h"
#include "seal/pem.h"
#include "support/check.h"
#include "support/forge.h"

#define LONGEST                                                                                    \
    "a23456789012345678901234567890123456789012345678901234567890123"                              \
    "a234567890123456789012345678901234567890123456789012345678901234"

CHECK_TEST(roles_are_named_as_in_certificates)
{
    static const struct {
        const char *word;
        enum mig_role role;
    } cases[] = {
        {"agent",      MIG_ROLE_AGENT     },
        {"negotiator", MIG_ROLE_NEGOTIATOR},
        {"operator",   MIG_ROLE_OPERATOR  },
        {"hook",       MIG_ROLE_HOOK      },
    };
    enum mig_role role;

    CHECK_EACH (c, cases) {
        check_true(c->word, mig_role_parse(c->word, &role));
        check_number(c->word, c->role, role);
        check_text(c->word, c->word, mig_role_name(c->role));
    }
    check_true("no other role", !mig_role_parse("Agent", &role) && !mig_role_parse("", &role));
}

CHECK_TEST(an_identity_is_a_strict_uri)
{
    static const struct {
        const char *label, *uri, *name, *trouble;
    } cases[] = {
        {"agent",             "mig://agent/alpha",        "alpha",    NULL                 },
        {"all signs",         "mig://hook/0a.B-c_9",      "0a.B-c_9", NULL                 },
        {"longest name",      "mig://agent/" LONGEST,     LONGEST,    NULL                 },
        {"too long",          "mig://agent/" LONGEST "x", NULL,       "up to 127"          },
        {"empty",             "",                         NULL,       "mig://ROLE/NAME"    },
        {"other scheme",      "spiffe://agent/alpha",     NULL,       "mig://ROLE/NAME"    },
        {"capital scheme",    "MIG://agent/alpha",        NULL,       "mig://ROLE/NAME"    },
        {"no name",           "mig://agent",              NULL,       "mig://ROLE/NAME"    },
        {"empty name",        "mig://agent/",             NULL,       "a name has"         },
        {"empty role",        "mig:///alpha",             NULL,       "unknown role ''"    },
        {"unknown role",      "mig://root/alpha",         NULL,       "unknown role 'root'"},
        {"two levels",        "mig://agent/alpha/beta",   NULL,       "a name has"         },
        {"starts with a dot", "mig://agent/.alpha",       NULL,       "a name has"         },
        {"dot dot",           "mig://agent/../x",         NULL,       "a name has"         },
        {"space",             "mig://agent/al pha",       NULL,       "a name has"         },
        {"escape code",       "mig://agent/\033[31m",     NULL,       "agent/?[31m'"       },
        {"role with escape",  "mig://\033[2J/x",          NULL,       "role '?[2J'"        },
    };

    CHECK_EACH (c, cases) {
        struct mig_identity id;
        struct mig_error err = {0};
        bool good = mig_identity_parse(c->uri, &id, &err);

        check_true(c->label, good == (c->trouble == NULL));
        if (good) {
            check_text(c->label, c->name, id.name);
        } else {
            check_contains(c->label, c->trouble, err.msg);
            check_number(c->label, MIG_TRUST, err.code);
        }
    }
}

/* The first certificate of NAME-cert.pem as a peer shows it. */
static bool identity_of(const struct fleet *f, const char *name, struct mig_identity *ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = fleet_cert(f, name);
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    unsigned char *der = NULL;
    X509 *cut = NULL;
    int len;
    bool good;

    check_done(name, mig_pem_certificates(path, 1, &certs, err), err);
    len = i2d_X509(sk_X509_value(certs, 0), &der);
    good = mig_identity_of_leaf(sk_X509_value(certs, 0), ret, err);
    check_true("a cut one is refused",
               !mig_certificate_parse(der, (size_t)len - 1, &cut, &(struct mig_error){0}));
    OPENSSL_free(der);
    check_number("error queue", 0, ERR_peek_error());
    return good;
}

CHECK_TEST(a_certificate_speaks_for_exactly_one_identity)
{
    static const struct {
        struct forge forge;
        const char *name, *trouble;
    } cases[] = {
        {{.name = "plain", .san = "URI:mig://agent/alpha"},                             "alpha", NULL                           },
        {{.name = "others", .san = "DNS:a,URI:https://x/,URI:mig://agent/beta,IP:::1"},
         "beta",                                                                                 NULL                           },
        {{.name = "none"},                                                              NULL,    "'CN=none' carries no identity"},
        {{.name = "nouri", .san = "DNS:alpha"},                                         NULL,    "carries no identity"          },
        {{.name = "two", .san = "URI:mig://agent/a,URI:mig://operator/b"},              NULL,    "two identities"               },
        {{.name = "twice", .san = "URI:mig://agent/a,URI:mig://agent/a"},               NULL,    "two identities"               },
        {{.name = "role", .san = "URI:mig://king/a"},                                   NULL,    "unknown role 'king'"          },
        {{.name = "capital", .san = "URI:Mig://agent/a"},                               NULL,    "mig://ROLE/NAME"              },
        {{.name = "hidden", .san = "URI:mig://agent/a,URI:MIG:agent"},                  NULL,    "two identities"               },
        {{.name = "tty\033[31m", .san = "DNS:a"},                                       NULL,    "carries no identity"          },
    };
    struct fleet *f = fleet_new();

    CHECK_EACH (c, cases) {
        struct mig_identity id;
        struct mig_error err = {0};
        bool good;

        forge_make(f, &c->forge);
        good = identity_of(f, c->forge.name, &id, &err);
        check_true(c->forge.name, good == (c->trouble == NULL));
        if (good) {
            check_text(c->forge.name, c->name, id.name);
            check_number(c->forge.name, MIG_ROLE_AGENT, id.role);
        } else {
            check_contains(c->forge.name, c->trouble, err.msg);
            check_true("no escape code reaches the terminal", strchr(err.msg, '\033') == NULL);
        }
    }
    fleet_free(f);
}

CHECK_TEST(bytes_that_are_no_certificate_are_refused)
{
    static const unsigned char noise[20000] = {0x30, 0x82, 0x01, 0x00};
    X509 *cert = NULL;
    struct mig_error err = {0};

    check_true("empty", !mig_certificate_parse(noise, 0, &cert, &err));
    check_contains("empty", "certificate is damaged", err.msg);
    check_true("noise", !mig_certificate_parse(noise, 300, &cert, &err));
    check_contains("noise", "certificate is damaged", err.msg);
    check_true("large", !mig_certificate_parse(noise, sizeof noise, &cert, &err));
    check_contains("large", "more than 16384", err.msg);
    check_number("error queue", 0, ERR_peek_error());
}

CHECK_MAIN(cmocka_unit_test(roles_are_named_as_in_certificates),
           cmocka_unit_test(an_identity_is_a_strict_uri),
           cmocka_unit_test(a_certificate_speaks_for_exactly_one_identity),
           cmocka_unit_test(bytes_that_are_no_certificate_are_refused))
