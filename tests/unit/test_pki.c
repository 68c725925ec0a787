/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/issue.h"

#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "pki/check.h"
#include "pki/date.h"
#include "pki/revoke.h"
#include "pki/show.h"
#include "seal/pem.h"
#include "support/check.h"
#include "support/forge.h"

#define NOW INT64_C(1800000000)

CHECK_TEST(dates_are_rfc_3339_in_utc)
{
    static const struct {
        const char *text;
        int64_t when; /* -1: refused */
    } cases[] = {
        {"1970-01-01",           0           },
        {"2026-11-21",           1795219200  },
        {"2026-11-21T08:30:01Z", 1795249801  },
        {"2024-02-29",           1709164800  },
        {"9999-12-31T23:59:59Z", 253402300799},
        {"2026-02-29",           -1          },
        {"2026-13-01",           -1          },
        {"2026-00-01",           -1          },
        {"2026-06-31",           -1          },
        {"2026-06-30T24:00:00Z", -1          },
        {"2026-06-30T10:60:00Z", -1          },
        {"2026-06-30T10:00:00",  -1          },
        {"2026-06-30 10:00:00Z", -1          },
        {"2026-6-3",             -1          },
        {"1969-12-31",           -1          },
        {"tomorrow",             -1          },
        {"",                     -1          },
    };

    CHECK_EACH (c, cases) {
        char text[MIG_DATE_TEXT];
        struct mig_error err = {0};
        int64_t when = -1;

        check_true(c->text, mig_date_parse(c->text, &when, &err) == (c->when >= 0));
        check_number(c->text, (uint64_t)c->when, (uint64_t)when);
        if (c->when >= 0) {
            mig_date_format(when, text);
            check_true(c->text, strncmp(c->text, text, strlen(c->text)) == 0);
        } else {
            check_number(c->text, MIG_USAGE, err.code);
        }
    }
}

/* Whole text that "pki show" prints of a file in the fleet. */
static char *show(const struct fleet *f, const char *file)
{
    MIG_AUTO(mig_free) char *path = fleet_path(f, file);
    struct mig_text text = {0};
    struct mig_error err;

    check_done(file, mig_show_file(path, NOW, &text, &err), &err);
    check_number("error queue", 0, ERR_peek_error());
    return text.items;
}

CHECK_TEST(each_role_gets_the_certificate_that_it_needs)
{
    static const struct {
        enum mig_role role;
        const char *name, *dns, *ip, *names;
        uint32_t use;
    } cases[] = {
        {MIG_ROLE_AGENT,      "alpha", NULL,          NULL,               "names        URI mig://agent/alpha, DNS alpha\n",
         XKU_SSL_SERVER | XKU_SSL_CLIENT                                                                                                                    },
        {MIG_ROLE_AGENT,      "beta",  "b.example,b", "10.0.0.2,fe80::2",
         "URI mig://agent/beta, DNS b.example, DNS b, IP 10.0.0.2, IP fe80::2\n",                                            XKU_SSL_SERVER | XKU_SSL_CLIENT},
        {MIG_ROLE_AGENT,      "gamma", NULL,          "10.0.0.3",         "URI mig://agent/gamma, IP 10.0.0.3\n",
         XKU_SSL_SERVER | XKU_SSL_CLIENT                                                                                                                    },
        {MIG_ROLE_OPERATOR,   "ann",   NULL,          NULL,               "names        URI mig://operator/ann\n",
         XKU_SSL_CLIENT                                                                                                                                     },
        {MIG_ROLE_NEGOTIATOR, "n1",    NULL,          NULL,               "URI mig://negotiator/n1\n",                       XKU_SSL_CLIENT                 },
        {MIG_ROLE_HOOK,       "h-1",   NULL,          NULL,               "URI mig://hook/h-1\n",                            XKU_SSL_SERVER | XKU_SSL_CLIENT},
    };
    struct fleet *f = fleet_new();

    CHECK_EACH (c, cases) {
        const struct mig_leaf leaf = {
            .role = c->role,
            .name = c->name,
            .dns = c->dns,
            .ip = c->ip,
            .window = {NOW - 10, NOW + 10 * MIG_DAY_S}
        };
        MIG_AUTO(mig_free) char *file = mig_strf("%s-cert.pem", c->name);
        MIG_AUTO(mig_free) char *path = fleet_path(f, file);
        MIG_AUTO(mig_free) char *text = NULL;
        MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
        struct mig_error err;
        X509 *cert;

        check_done(c->name, mig_issue_leaf(f->dir, &leaf, &err), &err);
        text = show(f, file);
        check_contains(c->name, c->names, text);
        check_contains(c->name, "(10 days left)", text);
        check_contains(c->name, "ECDSA P-256", text);
        check_done(c->name, mig_pem_certificates(path, 1, &certs, &err), &err);
        cert = sk_X509_value(certs, 0);
        check_number(c->name, c->use, X509_get_extended_key_usage(cert));
        check_number(c->name, KU_DIGITAL_SIGNATURE, X509_get_key_usage(cert));
        check_true("no authority", X509_check_ca(cert) == 0);
        check_true("key ids", X509_get0_subject_key_id(cert) != NULL &&
                                  X509_get0_authority_key_id(cert) != NULL);
        check_true("serial of 128 random bits",
                   ASN1_STRING_length(X509_get0_serialNumber(cert)) > 12);
    }
    fleet_free(f);
}

static mode_t mode_of(const char *path)
{
    struct stat st;

    check_true(path, stat(path, &st) == 0);
    return st.st_mode & 07777;
}

CHECK_TEST(keys_are_for_their_owner_alone)
{
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *ca_key = fleet_path(f, "ca-key.pem");
    MIG_AUTO(mig_free) char *key = fleet_path(f, "alpha-key.pem");
    MIG_AUTO(mig_free) char *cert = fleet_path(f, "alpha-cert.pem");

    (void)umask(0);
    fleet_issue(f, MIG_ROLE_AGENT, "alpha", 0, 0);
    check_number("authority's key", 0600, mode_of(ca_key));
    check_number("key", 0600, mode_of(key));
    check_number("certificate", 0644, mode_of(cert));
    fleet_free(f);
}

CHECK_TEST(nothing_is_written_over_unasked)
{
    static const struct mig_window window = {NOW, NOW + MIG_DAY_S};
    struct mig_leaf leaf = {.role = MIG_ROLE_AGENT, .name = "alpha", .window = window};
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *key = fleet_path(f, "alpha-key.pem");
    MIG_AUTO(mig_free) char *first = NULL;
    MIG_AUTO(mig_free) char *second = NULL;
    struct mig_error err = {0};

    check_true("authority", !mig_issue_authority(f->dir, "Other", &window, false, &err));
    check_contains("authority", "ca-key.pem: exists already and is not written over", err.msg);
    check_done("leaf", mig_issue_leaf(f->dir, &leaf, &err), &err);
    first = show(f, "alpha-cert.pem");
    check_true("leaf", !mig_issue_leaf(f->dir, &leaf, &err));
    check_contains("leaf", "alpha-key.pem: exists already", err.msg);
    check_true("remove", unlink(key) == 0);
    check_true("certificate alone", !mig_issue_leaf(f->dir, &leaf, &err));
    check_contains("certificate alone", "alpha-cert.pem: exists already", err.msg);
    check_true("no key was left behind", access(key, F_OK) != 0);
    leaf.replace = true;
    check_done("replace", mig_issue_leaf(f->dir, &leaf, &err), &err);
    second = show(f, "alpha-cert.pem");
    check_true("replaced", strcmp(first, second) != 0);
    fleet_free(f);
}

CHECK_TEST(requests_that_make_no_sense_are_refused)
{
    static const struct {
        struct mig_leaf leaf;
        const char *trouble;
    } cases[] = {
        {{.name = "ca", .window = {0, 10}},                  "would take the authority's own files"},
        {{.name = "../x", .window = {0, 10}},                "name '../x': expected letters"       },
        {{.name = "", .window = {0, 10}},                    "name ''"                             },
        {{.name = "a\033b", .window = {0, 10}},              "name 'a?b'"                          },
        {{.name = "a", .window = {10, 10}},                  "must end after it begins"            },
        {{.name = "a", .window = {0, FLEET_TO + 1}},
         "2100-01-01T00:00:01Z would outlive its authority (2100-01-01T00:00:00Z)"                 },
        {{.name = "a", .dns = "a b", .window = {0, 10}},     "'a b' is not a DNS name"             },
        {{.name = "a", .dns = "a,,b", .window = {0, 10}},    "'' is not a DNS name"                },
        {{.name = "a", .dns = "x..y", .window = {0, 10}},    "'x..y' is not a DNS name"            },
        {{.name = "a", .ip = "1.2.3", .window = {0, 10}},    "'1.2.3' is not an IP address"        },
        {{.name = "a", .ip = "::1,host", .window = {0, 10}}, "'host' is not an IP address"         },
    };
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *key = fleet_path(f, "a-key.pem");
    const struct mig_leaf good = {
        .name = "a", .window = {0, 10}
    };
    struct mig_error err = {0};

    CHECK_EACH (c, cases) {
        check_true(c->trouble, !mig_issue_leaf(f->dir, &c->leaf, &err));
        check_contains(c->trouble, c->trouble, err.msg);
        check_number(c->trouble, MIG_USAGE, err.code);
        check_number("error queue", 0, ERR_peek_error());
    }
    check_true("nothing was written", access(key, F_OK) != 0);
    check_true("no authority here", !mig_issue_leaf("/nonexistent", &good, &err));
    check_contains("no authority here", "/nonexistent/ca-cert.pem: No such file", err.msg);
    check_true("name", !mig_issue_authority(f->dir, "", &good.window, true, &err));
    check_true("name", !mig_issue_authority(f->dir, "a\nb", &good.window, true, &err));
    fleet_free(f);
}

/* One line per finding: "trust PASS text". */
static char *check_text_of(const struct mig_check_files *files, int64_t now,
                           enum mig_check_result *ret_worst)
{
    MIG_AUTO(mig_check_clear) struct mig_check c = {0};
    struct mig_text text = {0};

    mig_check_files(files, now, &c);
    check_number("error queue", 0, ERR_peek_error());
    for (size_t i = 0; i < c.len; i++) {
        mig_text_addf(&text, "%s %s %s\n", c.items[i].section,
                      mig_check_result_name(c.items[i].result), c.items[i].text);
    }
    *ret_worst = mig_check_worst(&c);
    return text.items;
}

static struct fleet *fleet_to_check(void)
{
    static const struct forge odd[] = {
        {.name = "silent",         .san = "URI:mig://agent/silent"},
        {               .name = "nobody",     .san = "DNS:nobody"                               },
        { .name = "usage", .san = "URI:mig://agent/a,DNS:a",                                .usage = "keyAgreement"},
    };
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *open = fleet_path(f, "open-key.pem");

    fleet_issue(f, MIG_ROLE_AGENT, "good", NOW - MIG_DAY_S, NOW + 100 * MIG_DAY_S);
    fleet_issue(f, MIG_ROLE_AGENT, "soon", NOW - MIG_DAY_S, NOW + 5 * MIG_DAY_S);
    fleet_issue(f, MIG_ROLE_AGENT, "old", NOW - 9 * MIG_DAY_S, NOW - 3 * MIG_DAY_S);
    fleet_issue(f, MIG_ROLE_AGENT, "early", NOW + 2 * MIG_DAY_S, NOW + 90 * MIG_DAY_S);
    fleet_issue(f, MIG_ROLE_AGENT, "open", NOW - MIG_DAY_S, NOW + 100 * MIG_DAY_S);
    fleet_issue(f, MIG_ROLE_AGENT, "gone", NOW - MIG_DAY_S, NOW + 100 * MIG_DAY_S);
    fleet_revoke(f, "gone");
    check_true("mode", chmod(open, 0644) == 0);
    CHECK_EACH (forge, odd) {
        forge_make(f, forge);
    }
    return f;
}

CHECK_TEST(check_says_which_file_is_broken_and_why)
{
    static const struct {
        const char *label, *ca, *cert, *key;
        enum mig_check_result worst;
        const char *line;
    } cases[] = {
        {"good",                  "ca",   "good",   "good",   MIG_CHECK_PASS, "good-key.pem: belongs to"              },
        {"identity",              "ca",   "good",   "good",   MIG_CHECK_PASS, "good-cert.pem: identity agent good\n"  },
        {"authority",             "ca",   "good",   "good",   MIG_CHECK_PASS,
         "ca-cert.pem: authority 'CN=Test Fleet CA', valid from 1970-01-01T00:00:00Z"                                 },
        {"list",                  "ca",   "good",   "good",   MIG_CHECK_PASS,
         "crl.pem: revocation list of 'CN=Test Fleet CA' is current, 1 revoked"                                       },
        {"ends soon",             "ca",   "soon",   "soon",   MIG_CHECK_WARN,
         "certificate WARN %s/soon-cert.pem: certificate, valid from 2027-01-14T08:00:00Z to "
         "2027-01-20T08:00:00Z (5 days left)"                                                                         },
        {"expired",               "ca",   "old",    "old",    MIG_CHECK_FAIL,
         "certificate FAIL %s/old-cert.pem: certificate, valid from 2027-01-06T08:00:00Z to "
         "2027-01-12T08:00:00Z (expired 3 days ago)"                                                                  },
        {"too early",             "ca",   "early",  "early",  MIG_CHECK_FAIL, "(begins in 2 days)"                    },
        {"revoked",               "ca",   "gone",   "gone",   MIG_CHECK_FAIL,
         "certificate FAIL %s/gone-cert.pem: certificate 'CN=gone' was revoked"                                       },
        {"open key",              "ca",   "open",   "open",   MIG_CHECK_FAIL,
         "key FAIL %s/open-key.pem: private key has mode 0644"                                                        },
        {"other key",             "ca",   "good",   "soon",   MIG_CHECK_FAIL,
         "key FAIL %s/soon-key.pem: does not belong to the certificate in"                                            },
        {"no trust",              "none", "good",   "good",   MIG_CHECK_FAIL,
         "trust FAIL %s/none-cert.pem: No such file"                                                                  },
        {"no trust, second line", "none", "good",   "good",   MIG_CHECK_FAIL,
         "good-cert.pem: not verified"                                                                                },
        {"leaf as trust",         "good", "good",   "good",   MIG_CHECK_FAIL,
         "good-cert.pem: certificate 'CN=good' is not an authority's"                                                 },
        {"no certificate",        "ca",   "none",   "good",   MIG_CHECK_FAIL,
         "certificate FAIL %s/none-cert.pem: No such file"                                                            },
        {"no key",                "ca",   "good",   "none",   MIG_CHECK_FAIL, "key FAIL %s/none-key.pem: No such file"},
        {"nobody",                "ca",   "nobody", "nobody", MIG_CHECK_FAIL,
         "nobody-cert.pem: certificate 'CN=nobody' carries no identity"                                               },
        {"usage",                 "ca",   "usage",  "usage",  MIG_CHECK_FAIL,
         "usage-cert.pem: certificate 'CN=usage' may not make digital signatures"                                     },
        {"unreachable",           "ca",   "silent", "silent", MIG_CHECK_WARN,
         "silent-cert.pem: no DNS name or IP address"                                                                 },
    };
    struct fleet *f = fleet_to_check();

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *ca = fleet_cert(f, c->ca);
        MIG_AUTO(mig_free) char *cert = fleet_cert(f, c->cert);
        MIG_AUTO(mig_free) char *key = fleet_key_file(f, c->key);
        const char *gap = strstr(c->line, "%s");
        MIG_AUTO(mig_free)
        char *line = gap == NULL
                         ? mig_strdup(c->line)
                         : mig_strf("%.*s%s%s", (int)(gap - c->line), c->line, f->dir, gap + 2);
        enum mig_check_result worst;
        MIG_AUTO(mig_free)
        char *text = check_text_of(&(struct mig_check_files){ca, cert, key, f->crl}, NOW, &worst);

        check_contains(c->label, line, text);
        check_number(c->label, c->worst, worst);
    }
    fleet_free(f);
}

CHECK_TEST(an_old_authority_is_a_warning_beside_a_new_one)
{
    static const struct mig_window past = {NOW - 20 * MIG_DAY_S, NOW - 10 * MIG_DAY_S};
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *dir = fleet_path(f, "old");
    MIG_AUTO(mig_free) char *old_ca = mig_strf("%s/ca-cert.pem", dir);
    MIG_AUTO(mig_free) char *bundle = fleet_path(f, "bundle.pem");
    MIG_AUTO(mig_free) char *cert = fleet_cert(f, "alpha");
    MIG_AUTO(mig_free) char *key = fleet_key_file(f, "alpha");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes now_ca = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes then_ca = {0};
    MIG_AUTO(mig_free) char *text = NULL;
    enum mig_check_result worst;
    struct mig_error err;

    fleet_issue(f, MIG_ROLE_OPERATOR, "alpha", NOW - MIG_DAY_S, NOW + 100 * MIG_DAY_S);
    check_done("old", mig_issue_authority(dir, "Old CA", &past, false, &err), &err);
    check_done("read", mig_file_read(f->ca, 65536, &now_ca, &err), &err);
    check_done("read", mig_file_read(old_ca, 65536, &then_ca, &err), &err);
    text = mig_strf("%s%s", (char *)now_ca.items, (char *)then_ca.items);
    check_done("bundle", mig_file_write(bundle, text, strlen(text), 0644, &err), &err);
    mig_free(mig_steal(&text));
    text = check_text_of(&(struct mig_check_files){old_ca, cert, key, NULL}, NOW, &worst);
    check_number("alone", MIG_CHECK_FAIL, worst);
    check_contains("alone", "expired 10 days ago", text);
    check_contains("alone", "is from an unknown authority 'CN=Test Fleet CA' (key ", text);
    mig_free(mig_steal(&text));
    text = check_text_of(&(struct mig_check_files){bundle, cert, key, NULL}, NOW, &worst);
    check_number("together", MIG_CHECK_WARN, worst);
    check_contains("together", "trust WARN", text);
    fleet_free(f);
}

CHECK_TEST(revocation_lists_grow_and_stay_signed)
{
    struct fleet *f = fleet_new();
    struct fleet *stranger = fleet_new();
    MIG_AUTO(mig_free) char *text = show(f, "crl.pem");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes foreign = {0};
    struct mig_error err = {0};

    check_contains("empty", "entries      0\n", text);
    fleet_issue(f, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(f, MIG_ROLE_AGENT, "beta", 0, 0);
    fleet_issue(stranger, MIG_ROLE_AGENT, "gamma", 0, 0);
    fleet_revoke(f, "alpha");
    fleet_revoke(f, "alpha");
    fleet_revoke(f, "beta");
    mig_free(mig_steal(&text));
    text = show(f, "crl.pem");
    check_contains("two", "entries      2\n", text);
    check_true("missing", !mig_revoke_identity(f->dir, "gamma", NOW, &err));
    check_contains("missing", "gamma-cert.pem: No such file", err.msg);
    check_true("path", !mig_revoke_identity(f->dir, "../x", NOW, &err));
    check_true("the authority is no identity", !mig_revoke_identity(f->dir, "ca", NOW, &err));
    check_done("read", mig_file_read(stranger->crl, 65536, &foreign, &err), &err);
    check_done("swap", mig_file_write(f->crl, foreign.items, foreign.len, 0644, &err), &err);
    check_true("another's list", !mig_revoke_identity(f->dir, "beta", NOW, &err));
    check_contains("another's list", "signed by the authority in", err.msg);
    check_true("remove", unlink(f->crl) == 0);
    fleet_revoke(f, "beta");
    check_number("error queue", 0, ERR_peek_error());
    fleet_free(stranger);
    fleet_free(f);
}

CHECK_TEST(show_prints_nothing_that_a_terminal_obeys)
{
    static const struct forge plain = {.name = "t\033[2Jy",
                                       .san = "URI:mig://agent/a,DNS:x\033[31m,email:q\033@x"};
    struct fleet *f = fleet_new();
    MIG_AUTO(mig_free) char *text = NULL;
    MIG_AUTO(mig_free) char *key = fleet_path(f, "ca-key.pem");
    struct mig_text out = {0};
    struct mig_error err = {0};

    forge_make(f, &plain);
    text = show(f, "t\033[2Jy-cert.pem");
    check_contains("names", "URI mig://agent/a, DNS x?[31m, mail q?@x", text);
    check_true("a key is not shown", !mig_show_file(key, NOW, &out, &err) && out.items == NULL);
    check_contains("a key is not shown", "no certificate in it", err.msg);
    fleet_free(f);
}

CHECK_MAIN(cmocka_unit_test(dates_are_rfc_3339_in_utc),
           cmocka_unit_test(each_role_gets_the_certificate_that_it_needs),
           cmocka_unit_test(keys_are_for_their_owner_alone),
           cmocka_unit_test(nothing_is_written_over_unasked),
           cmocka_unit_test(requests_that_make_no_sense_are_refused),
           cmocka_unit_test(check_says_which_file_is_broken_and_why),
           cmocka_unit_test(an_old_authority_is_a_warning_beside_a_new_one),
           cmocka_unit_test(revocation_lists_grow_and_stay_signed),
           cmocka_unit_test(show_prints_nothing_that_a_terminal_obeys))
