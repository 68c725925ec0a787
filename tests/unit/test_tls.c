/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls.h"

#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/file.h"
#include "base/now.h"
#include "support/forge.h"
#include "support/party.h"
#include "support/rogue.h"

#define DAY INT64_C(86400)

static struct fleet *fleet, *other;

static int set_up(void **state __attribute__((unused)))
{
    int64_t now = mig_now_unix();
    const struct forge far = {.name = "far",
                              .san = "URI:mig://agent/far,DNS:far.example,IP:10.0.0.1"};

    fleet = fleet_new();
    other = fleet_new();
    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(fleet, MIG_ROLE_OPERATOR, "olive", 0, 0);
    fleet_issue(fleet, MIG_ROLE_HOOK, "hook", 0, 0);
    fleet_issue(fleet, MIG_ROLE_AGENT, "old", now - 30 * DAY, now - DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "young", now + DAY, now + 30 * DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "gone", 0, 0);
    fleet_issue(other, MIG_ROLE_AGENT, "stranger", 0, 0);
    fleet_revoke(fleet, "gone");
    forge_make(fleet, &far);
    return 0;
}

static int tear_down(void **state __attribute__((unused)))
{
    fleet_free(fleet);
    fleet_free(other);
    return 0;
}

/* One client asks one server; who shows what is the case. */
struct meeting {
    const char *label;
    const char *server, *client; /* names of certificates */
    const char *to;              /* host to connect to, NULL = 127.0.0.1 */
    const char *pin;             /* name pinned by the client */
    int role;                    /* admitted by the server, -1 = any */
    const char *client_seen, *client_says;
    const char *server_seen, *server_says;
};

static void check_side(const char *label, const char *who, const struct side *s, const char *seen,
                       const char *says)
{
    char full[160];

    (void)snprintf(full, sizeof full, "%s, %s", label, who);
    if (says[0] != '\0') {
        check_contains(full, says, s->error.msg);
    } else {
        check_text(full, "", s->error.msg);
    }
    check_text(full, seen, s->seen);
}

static void meet(const struct meeting *c, const char *at)
{
    struct party p;
    struct side *client;
    char to[200];

    party_init(&p, fleet, c->server, at);
    p.serve_role = c->role;
    client = party_client(&p, c->client, NULL, side_asks);
    client->name = c->pin != NULL ? c->pin : "";
    (void)snprintf(to, sizeof to, "%s:%s", c->to != NULL ? c->to : "127.0.0.1", p.at.port);
    party_connect(client, p.at.path[0] != '\0' ? NULL : to);
    party_run(&p, 2);
    check_side(c->label, "client", client, c->client_seen, c->client_says);
    check_side(c->label, "server", party_server(&p), c->server_seen, c->server_says);
    check_number(c->label, client->error.msg[0] == '\0' ? 1 : 0, client->messages);
    party_clear(&p);
}

CHECK_TEST(a_good_pair_talks_over_tcp_and_unix)
{
    static const struct meeting cases[] = {
        {"by IPv4",        "alpha", "olive", NULL,        NULL,    -1,                "READY", "", "READY CLOSED", ""},
        {"by name",        "alpha", "olive", "localhost", NULL,    -1,                "READY", "", "READY CLOSED", ""},
        {"by pinned name", "far",   "olive", NULL,        "far",   -1,                "READY", "", "READY CLOSED", ""},
        {"right role",     "alpha", "olive", NULL,        "alpha", MIG_ROLE_OPERATOR, "READY", "",
         "READY CLOSED",                                                                                           ""},
    };
    MIG_AUTO(mig_free) char *socket = party_socket(fleet);

    CHECK_EACH (c, cases) {
        meet(c, "127.0.0.1:0");
        meet(c, socket);
    }
}

CHECK_TEST(a_client_refuses_a_server_and_says_why)
{
    static const struct meeting cases[] = {
        {"expired",       "old",   "olive", NULL,        NULL,   -1, "FAILED", " expired on 20",          "FAILED",
         "peer refused our certificate: expired ("                                                                                                                                                       },
        {"not yet valid", "young", "olive", NULL,        NULL,   -1, "FAILED", " is not valid before 20",
         "FAILED",                                                                                                        "peer refused our certificate: not acceptable to it (wrong name, not yet valid"},
        {"other address", "far",   "olive", NULL,        NULL,   -1, "FAILED",
         " is for mig://agent/far, far.example, 10.0.0.1, not for 127.0.0.1",                             "FAILED",
         "peer refused our certificate"                                                                                                                                                                  },
        {"other name",    "far",   "olive", "localhost", NULL,   -1, "FAILED", ", not for localhost",
         "FAILED",                                                                                                        "peer refused our certificate"                                                 },
        {"other pin",     "alpha", "olive", NULL,        "beta", -1, "FAILED",
         "verify: certificate is for alpha, not for beta",                                                "READY CLOSED", ""                                                                             },
    };

    CHECK_EACH (c, cases) {
        meet(c, "127.0.0.1:0");
    }
}

CHECK_TEST(a_server_refuses_a_client_and_both_say_why)
{
    static const struct meeting cases[] = {
        {"expired",       "alpha", "old",   NULL, NULL, -1,                "READY FAILED",
         "verify: peer refused our certificate: expired (",            "FAILED", " expired on 20"},
        {"not yet valid", "alpha", "young", NULL, NULL, -1,                "READY FAILED",
         "verify: peer refused our certificate: not acceptable to it", "FAILED",
         " is not valid before 20"                                                               },
        {"wrong role",    "alpha", "hook",  NULL, NULL, MIG_ROLE_OPERATOR, "READY FAILED",
         "verify: peer refused: role hook may not ask here",           "FAILED",
         "verify: role hook may not ask here"                                                    },
    };
    MIG_AUTO(mig_free) char *socket = party_socket(fleet);

    CHECK_EACH (c, cases) {
        meet(c, "127.0.0.1:0");
        meet(c, socket);
    }
}

CHECK_TEST(a_certificate_of_another_authority_is_refused_by_either_side)
{
    struct party p;
    struct side *client;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", other->ca, side_asks);
    party_connect(client, NULL);
    party_run(&p, 2);
    check_text("client", "FAILED", client->seen);
    check_contains("client", "is issued by 'Test Fleet CA'", client->error.msg);
    check_contains("client", other->ca, client->error.msg);
    check_contains("server", "issued by an authority that it does not know",
                   party_server(&p)->error.msg);
    party_clear(&p);

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.fleet = other;
    client = party_client(&p, "stranger", fleet->ca, side_asks);
    party_connect(client, NULL);
    party_run(&p, 2);
    check_text("client", "READY FAILED", client->seen);
    check_contains("client",
                   "refused our certificate: issued by an authority that it does not know",
                   client->error.msg);
    check_contains("server", fleet->ca, party_server(&p)->error.msg);
    party_clear(&p);
}

CHECK_TEST(a_bundle_of_two_authorities_serves_a_roll_over)
{
    MIG_AUTO(mig_free) char *bundle = fleet_path(fleet, "bundle.pem");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes a = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes b = {0};
    MIG_AUTO(mig_free) char *both = NULL;
    struct mig_error err;
    struct party p;
    struct side *client;

    check_done("a", mig_file_read(other->ca, 65536, &a, &err), &err);
    check_done("b", mig_file_read(fleet->ca, 65536, &b, &err), &err);
    both = mig_strf("%s%s", (const char *)a.items, (const char *)b.items);
    check_done("bundle", mig_file_write(bundle, both, strlen(both), 0644, &err), &err);
    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", bundle, side_asks);
    party_connect(client, NULL);
    party_run(&p, 2);
    check_text("client", "READY", client->seen);
    party_clear(&p);
}

CHECK_TEST(a_revoked_certificate_is_refused_by_name)
{
    static const struct {
        const char *label, *server, *seen, *says;
    } cases[] = {
        {"revoked",     "gone",  "FAILED", " is revoked by 'Test Fleet CA' in "},
        {"not revoked", "alpha", "READY",  ""                                  },
    };

    CHECK_EACH (c, cases) {
        struct party p;
        struct side *client;

        party_init(&p, fleet, c->server, "127.0.0.1:0");
        client = party_client(&p, "olive", NULL, side_asks);
        mig_tls_free(client->tls);
        client->tls = party_tls(fleet, "olive", NULL, fleet->crl);
        party_connect(client, NULL);
        party_run(&p, 2);
        check_side(c->label, "client", client, c->seen, c->says);
        party_clear(&p);
    }
}

CHECK_TEST(a_server_tells_strange_clients_apart)
{
    MIG_AUTO(mig_free) char *cert = fleet_cert(fleet, "olive");
    MIG_AUTO(mig_free) char *key = fleet_key_file(fleet, "olive");
    static const char http[] = "GET / HTTP/1.1\r\n\r\n";
    const struct {
        struct rogue_plan plan;
        const char *says;
    } cases[] = {
        {{.label = "plain HTTP", .bytes = http, .len = sizeof http - 1},
         "TLS: peer does not speak TLS"                                                                                              },
        {{.label = "plain frame", .bytes = "\0\0\0\1x", .len = 5},                               "TLS: peer does not speak TLS"      },
        {{.label = "silent and gone", .deaf = true},                                             "TLS: peer cut the connection"      },
        {{.label = "TLS 1.2", .tls = true, .old = true, .cert = cert, .key = key},
         "TLS: peer offers no TLS 1.3"                                                                                               },
        {{.label = "no certificate", .tls = true},                                               "verify: peer showed no certificate"},
        {{.label = "other protocol", .tls = true, .other_alpn = true, .cert = cert, .key = key},
         "TLS: peer speaks another protocol than mig/1"                                                                              },
        {{.label = "no protocol", .tls = true, .no_alpn = true, .cert = cert, .key = key},
         "TLS: peer speaks another protocol than mig/1"                                                                              },
    };

    CHECK_EACH (c, cases) {
        struct party p;
        struct rogue *r;
        unsigned char got[64];
        uint64_t port = 0;

        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        check_true("port", sscanf(p.at.port, "%lu", &port) == 1);
        r = rogue_start(&c->plan, (unsigned)port);
        party_run(&p, 1);
        (void)rogue_end(r, got, sizeof got);
        check_side(c->plan.label, "server", party_server(&p), "FAILED", c->says);
        party_clear(&p);
    }
}

CHECK_TEST(a_client_tells_strange_servers_apart)
{
    MIG_AUTO(mig_free) char *cert = fleet_cert(fleet, "alpha");
    MIG_AUTO(mig_free) char *key = fleet_key_file(fleet, "alpha");
    static const char ssh[] = "SSH-2.0-something\r\n";
    const struct {
        struct rogue_plan plan;
        const char *says;
    } cases[] = {
        {{.label = "plain", .bytes = ssh, .len = sizeof ssh - 1},                  "TLS: peer does not speak TLS"},
        {{.label = "TLS 1.2", .tls = true, .old = true, .cert = cert, .key = key},
         "TLS: peer offers no TLS 1.3"                                                                           },
        {{.label = "no protocol", .tls = true, .cert = cert, .key = key},
         "TLS: peer speaks another protocol than mig/1"                                                          },
    };

    CHECK_EACH (c, cases) {
        struct rogue *r = rogue_start(&c->plan, 0);
        struct party p;
        struct side *client;
        unsigned char got[64];
        char to[64];

        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        client = party_client(&p, "olive", NULL, side_asks);
        (void)snprintf(to, sizeof to, "127.0.0.1:%u", rogue_port(r));
        party_connect(client, to);
        party_run(&p, 1);
        (void)rogue_end(r, got, sizeof got);
        check_side(c->plan.label, "client", client, "FAILED", c->says);
        party_clear(&p);
    }
}

CHECK_TEST(files_that_do_not_do_are_named)
{
    MIG_AUTO(mig_free) char *cert = fleet_cert(fleet, "alpha");
    MIG_AUTO(mig_free) char *key = fleet_key_file(fleet, "alpha");
    MIG_AUTO(mig_free) char *foreign = fleet_key_file(fleet, "olive");
    MIG_AUTO(mig_free) char *hidden = fleet_path(fleet, "hidden-cert.pem");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes pem = {0};
    struct mig_error trouble;
    const struct {
        const char *label;
        struct mig_tls_files files;
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"no CA file",
         {"/nonexistent/ca", cert, key, NULL},
         MIG_IO,                                                        "/nonexistent/ca: No such file"  },
        {"no cert file",
         {fleet->ca, "/nonexistent/c", key, NULL},
         MIG_IO,                                                        "/nonexistent/c: No such file"   },
        {"no key file",
         {fleet->ca, cert, "/nonexistent/k", NULL},
         MIG_IO,                                                        "/nonexistent/k: No such file"   },
        {"no CRL file",
         {fleet->ca, cert, key, "/nonexistent/r"},
         MIG_IO,                                                        "/nonexistent/r: No such file"   },
        {"CA is a key",   {key, cert, key, NULL},           MIG_FORMAT, "holds no certificate in PEM"    },
        {"cert is a key", {fleet->ca, key, key, NULL},      MIG_FORMAT, "no usable certificate in PEM"   },
        {"key for all",   {fleet->ca, cert, cert, NULL},    MIG_TRUST,  "private key has mode 0644"      },
        {"key is a cert",
         {fleet->ca, cert, hidden, NULL},
         MIG_FORMAT,                                                    "no usable private key in PEM"   },
        {"foreign key",   {fleet->ca, cert, foreign, NULL}, MIG_TRUST,  "does not belong to "            },
        {"CRL is a cert",
         {fleet->ca, cert, key, cert},
         MIG_FORMAT,                                                    "holds no revocation list in PEM"},
    };

    check_done("cert", mig_file_read(cert, 1u << 16, &pem, &trouble), &trouble);
    check_done("hidden", mig_file_write(hidden, pem.items, pem.len, 0600, &trouble), &trouble);
    CHECK_EACH (c, cases) {
        struct mig_tls *tls = NULL;
        struct mig_error err = {0};

        check_true(c->label, !mig_tls_new(&c->files, &tls, &err));
        check_contains(c->label, c->says, err.msg);
        check_number(c->label, c->code, err.code);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_pair_talks_over_tcp_and_unix),
        cmocka_unit_test(a_client_refuses_a_server_and_says_why),
        cmocka_unit_test(a_server_refuses_a_client_and_both_say_why),
        cmocka_unit_test(a_certificate_of_another_authority_is_refused_by_either_side),
        cmocka_unit_test(a_bundle_of_two_authorities_serves_a_roll_over),
        cmocka_unit_test(a_revoked_certificate_is_refused_by_name),
        cmocka_unit_test(a_server_tells_strange_clients_apart),
        cmocka_unit_test(a_client_tells_strange_servers_apart),
        cmocka_unit_test(files_that_do_not_do_are_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
