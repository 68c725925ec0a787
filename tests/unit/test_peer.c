/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/peer.h"

#include "support/check.h"

#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/now.h"
#include "support/party.h"
#include "support/rogue.h"
#include "wire/frame.h"

#define MANY 64
#define SHORT_MS 150

static struct fleet *fleet;
static char *olive_cert, *olive_key, *alpha_cert, *alpha_key;

static int set_up(void **state __attribute__((unused)))
{
    fleet = fleet_new();
    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(fleet, MIG_ROLE_OPERATOR, "olive", 0, 0);
    olive_cert = fleet_cert(fleet, "olive");
    olive_key = fleet_key_file(fleet, "olive");
    alpha_cert = fleet_cert(fleet, "alpha");
    alpha_key = fleet_key_file(fleet, "alpha");
    return 0;
}

static int tear_down(void **state __attribute__((unused)))
{
    mig_free(olive_cert);
    mig_free(olive_key);
    mig_free(alpha_cert);
    mig_free(alpha_key);
    fleet_free(fleet);
    return 0;
}

static unsigned port_of(const struct party *p)
{
    unsigned port = 0;

    check_true("port", sscanf(p->at.port, "%u", &port) == 1);
    return port;
}

/* A good TLS client that sends @bytes. */
static struct rogue_plan client_of(const char *label, const void *bytes, size_t len)
{
    return (struct rogue_plan){.label = label,
                               .tls = true,
                               .cert = olive_cert,
                               .key = olive_key,
                               .bytes = bytes,
                               .len = len,
                               .farewell = true};
}

/* ---- what is not a message ---- */

CHECK_TEST(bytes_that_are_no_message_end_the_peer_with_a_reason)
{
    enum ending { WAITS, SAYS_FAREWELL, CUTS };
    static const struct {
        const char *label, *bytes;
        size_t len;
        enum ending ending;
        const char *says;
    } cases[] = {
        {"empty frame",       "\0\0\0\0",                          4,  WAITS,         "frame of 0 bytes"                       },
        {"oversized frame",   "\0\x10\0\1",                        4,  WAITS,         "frame of 1048577 bytes, at most 1048576"},
        {"HTTP inside TLS",   "GET / HTTP/1.1\r\n",                16, WAITS,         "frame of 1195725856 bytes"              },
        {"garbage body",      "\0\0\0\4\xff\xff\xff\xff",          8,  WAITS,         "4 bytes that are no message"            },
        {"version 2",         "\0\0\0\2\x08\x02",                  6,  WAITS,         "peer speaks protocol 2, we speak 1"     },
        {"no body",           "\0\0\0\2\x08\x01",                  6,  WAITS,         "message of a kind that we do not know"  },
        {"short nonce",       "\0\0\0\7\x08\x01\x1a\x03\x0a\x01x", 11, WAITS,
         "nonce of 1 bytes, expected 32"                                                                                       },
        {"truncated frame",   "\0\0\0\4\xff",                      5,  SAYS_FAREWELL,
         "in the middle of a frame, 5 bytes in"                                                                                },
        {"truncated prefix",  "\0\0",                              2,  SAYS_FAREWELL, "in the middle of a frame, 2 bytes in"   },
        {"truncated and cut", "\0\0\0\4\xff",                      5,  CUTS,          "cut the connection without a farewell"  },
    };

    CHECK_EACH (c, cases) {
        struct rogue_plan plan = client_of(c->label, c->bytes, c->len);
        struct party p;
        struct rogue *r;
        char got[512] = "";
        size_t len;

        plan.farewell = c->ending == SAYS_FAREWELL;
        plan.deaf = c->ending == CUTS;
        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        r = rogue_start(&plan, port_of(&p));
        party_run(&p, 1);
        len = rogue_end(r, (unsigned char *)got, sizeof got - 1);
        check_text(c->label, "READY FAILED", party_server(&p)->seen);
        check_contains(c->label, c->says, party_server(&p)->error.msg);
        check_contains(c->label, "127.0.0.1:", party_server(&p)->error.msg);
        for (size_t i = 0; i < len; i++) {
            got[i] = got[i] == '\0' ? ' ' : got[i];
        }
        if (c->ending != CUTS) {
            check_contains(c->label, c->says, got);
        }
        party_clear(&p);
    }
}

CHECK_TEST(an_answer_that_nobody_asked_for_reaches_the_program)
{
    /* version 1, captured { sealed = "x" } */
    struct rogue_plan plan = client_of("answer", "\0\0\0\x07\x08\x01\x22\x03\x0a\x01x", 11);
    struct party p;
    struct rogue *r;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.serve = side_watches;
    r = rogue_start(&plan, port_of(&p));
    party_run(&p, 1);
    (void)rogue_end(r, NULL, 0);
    check_text("server", "READY CLOSED", party_server(&p)->seen);
    check_number("messages", 1, party_server(&p)->messages);
    check_number("sealed", 1, party_server(&p)->bytes);
    party_clear(&p);
}

/* ---- deadlines ---- */

static void check_late(const char *label, const struct side *s, const char *phase, uint64_t since)
{
    uint64_t took = mig_now_ms() - since;
    char says[64];

    (void)snprintf(says, sizeof says, "%s: no answer within %d ms", phase, SHORT_MS);
    check_contains(label, "TIMEOUT", s->seen);
    check_text(label, phase, s->phase);
    check_contains(label, says, s->error.msg);
    check_number(label, MIG_UNREACHABLE, s->error.code);
    check_true(label, took >= SHORT_MS - 5 && took < SHORT_MS + 1500);
}

CHECK_TEST(a_server_that_is_silent_times_out_in_phase_TLS)
{
    const struct rogue_plan plan = {.label = "silent", .deaf = true};
    struct rogue *r = rogue_start(&plan, 0);
    uint64_t since = mig_now_ms();
    struct party p;
    struct side *client;
    char to[64];

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_asks);
    client->timeout_ms = SHORT_MS;
    (void)snprintf(to, sizeof to, "127.0.0.1:%u", rogue_port(r));
    party_connect(client, to);
    party_run(&p, 1);
    check_late("client", client, "TLS", since);
    (void)rogue_end(r, NULL, 0);
    party_clear(&p);
}

CHECK_TEST(a_client_that_is_silent_times_out_in_phase_TLS)
{
    const struct rogue_plan plan = {.label = "silent", .deaf = true};
    uint64_t since = mig_now_ms();
    struct party p;
    struct rogue *r;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.serve_timeout_ms = SHORT_MS;
    r = rogue_start(&plan, port_of(&p));
    party_run(&p, 1);
    check_late("server", party_server(&p), "TLS", since);
    (void)rogue_end(r, NULL, 0);
    party_clear(&p);
}

/* With its queue full, a listening socket lets further ones wait for ever. */
CHECK_TEST(a_host_that_does_not_answer_times_out_in_phase_connect)
{
    struct sockaddr_in sa = {.sin_family = AF_INET};
    socklen_t len = sizeof sa;
    int full = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), fillers[4];
    uint64_t since = mig_now_ms();
    struct party p;
    struct side *client;
    char to[64];

    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    check_true("bind", bind(full, (struct sockaddr *)&sa, sizeof sa) == 0 && listen(full, 0) == 0);
    check_true("name", getsockname(full, (struct sockaddr *)&sa, &len) == 0);
    for (size_t i = 0; i < 4; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        (void)connect(fillers[i], (struct sockaddr *)&sa, sizeof sa);
    }
    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_asks);
    client->timeout_ms = SHORT_MS;
    (void)snprintf(to, sizeof to, "127.0.0.1:%u", (unsigned)ntohs(sa.sin_port));
    party_connect(client, to);
    party_run(&p, 1);
    check_late("client", client, "connect", since);
    party_clear(&p);
    for (size_t i = 0; i < 4; i++) {
        (void)close(fillers[i]);
    }
    (void)close(full);
}

static void side_asks_capture(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_READY) {
        side_send(s, MIG_MESSAGE_CAPTURE, 0);
        mig_peer_expect(s->peer, "capture", SHORT_MS);
    }
}

static void side_asks_early(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        side_close(s);
    }
}

CHECK_TEST(an_agent_that_does_not_answer_times_out_in_the_named_phase)
{
    static const struct {
        const char *label;
        side_fn *act;
        const char *phase;
    } cases[] = {
        {"named",   side_asks_capture, "capture"},
        {"default", side_asks,         "answer" },
    };

    CHECK_EACH (c, cases) {
        uint64_t since = mig_now_ms();
        struct party p;
        struct side *client;

        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        p.serve = side_watches;
        client = party_client(&p, "olive", NULL, c->act);
        client->timeout_ms = SHORT_MS;
        party_connect(client, NULL);
        party_run(&p, 2);
        check_late(c->label, client, c->phase, since);
        party_clear(&p);
    }
}

CHECK_TEST(what_is_sent_and_expected_before_READY_holds_afterwards)
{
    struct party p;
    struct side *client;
    uint64_t since = mig_now_ms();

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_asks_early);
    party_connect(client, NULL);
    side_send(client, MIG_MESSAGE_CAPTURE, 0);
    party_run(&p, 2);
    check_text("answered", "READY", client->seen);
    check_number("answered", 1, client->messages);
    party_clear(&p);

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.serve = side_watches;
    client = party_client(&p, "olive", NULL, side_asks_early);
    party_connect(client, NULL);
    side_send(client, MIG_MESSAGE_CAPTURE, 0);
    mig_peer_expect(client->peer, "capture", SHORT_MS);
    since = mig_now_ms();
    party_run(&p, 2);
    check_late("not answered", client, "capture", since);
    party_clear(&p);
}

static void side_answers_much(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        for (int i = 0; i < 3; i++) {
            side_send(s, MIG_MESSAGE_CAPTURED, MIG_FRAME_MAX - 64);
        }
    }
}

static void side_floods(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        for (int i = 0; i < 5; i++) {
            side_send(s, MIG_MESSAGE_CAPTURED, MIG_FRAME_MAX - 64);
        }
    }
}

CHECK_TEST(a_peer_that_does_not_read_is_given_up)
{
    static const struct {
        const char *label;
        side_fn *serve;
        const char *seen, *says;
    } cases[] = {
        {"deadline", side_answers_much, "READY TIMEOUT",
         "send: our answer was not read within 150 ms"                              },
        {"queue",    side_floods,       "READY FAILED",  "peer does not read: 41941"},
    };
    unsigned char ask[42] = "\0\0\0\x26\x08\x01\x1a\x22\x0a\x20";

    CHECK_EACH (c, cases) {
        struct rogue_plan plan = client_of(c->label, ask, sizeof ask);
        struct party p;
        struct rogue *r;

        plan.deaf = true;
        plan.patient = true;
        plan.farewell = false;
        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        p.serve = c->serve;
        p.serve_timeout_ms = SHORT_MS;
        r = rogue_start(&plan, port_of(&p));
        party_run(&p, 1);
        (void)rogue_end(r, NULL, 0);
        check_text(c->label, c->seen, party_server(&p)->seen);
        check_contains(c->label, c->says, party_server(&p)->error.msg);
        party_clear(&p);
    }
}

/* ---- names and places ---- */

CHECK_TEST(trouble_before_TLS_names_phase_and_place)
{
    MIG_AUTO(mig_free) char *nobody = mig_strf("unix:%s/nobody", fleet->dir);
    const struct {
        const char *label, *to, *phase, *says;
    } cases[] = {
        {"nobody listens",   "127.0.0.1:1",               "connect", "127.0.0.1:1: connect: Connection refused"},
        {"no such socket",   nobody,                      "connect", "connect: No such file or directory"      },
        {"name without end", "no-such-host.invalid:7443", "resolve",
         "no-such-host.invalid:7443: resolve: "                                                                },
    };

    CHECK_EACH (c, cases) {
        struct party p;
        struct side *client;

        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        client = party_client(&p, "olive", NULL, side_asks);
        party_connect(client, c->to);
        party_run(&p, 1);
        check_contains(c->label, c->says, client->error.msg);
        check_text(c->label, c->phase, client->phase);
        check_number(c->label, MIG_UNREACHABLE, client->error.code);
        party_clear(&p);
    }
}

CHECK_TEST(a_client_that_gives_up_while_resolving_leaves_nothing_behind)
{
    struct party p;
    struct side *client;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_asks);
    party_connect(client, "localhost:1");
    side_close(client);
    party_clear(&p);
    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_asks);
    client->timeout_ms = 1;
    party_connect(client, "no-such-host.invalid:1");
    party_run(&p, 1);
    check_text("client", "resolve", client->phase);
    party_clear(&p);
}

/* Does "localhost" lead to @family on this machine? */
static bool localhost_has(int family)
{
    const struct addrinfo hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;

    if (getaddrinfo("localhost", "1", &hints, &list) != 0) {
        return false;
    }
    freeaddrinfo(list);
    return true;
}

/* Only one address of the name listens, whichever comes first. */
CHECK_TEST(every_address_of_a_name_is_tried)
{
    static const struct {
        const char *at;
        int family;
    } cases[] = {
        {"127.0.0.1:0", AF_INET },
        {"[::1]:0",     AF_INET6}
    };

    CHECK_EACH (c, cases) {
        struct party p;
        struct side *client;
        char to[64];

        if (!localhost_has(c->family)) {
            continue;
        }
        party_init(&p, fleet, "alpha", c->at);
        client = party_client(&p, "olive", NULL, side_asks);
        (void)snprintf(to, sizeof to, "localhost:%s", p.at.port);
        party_connect(client, to);
        party_run(&p, 2);
        check_text(c->at, "READY", client->seen);
        party_clear(&p);
    }
}

/* ---- life ---- */

CHECK_TEST(many_clients_are_served_at_once)
{
    struct party p;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    for (int i = 0; i < MANY; i++) {
        party_connect(party_client(&p, "olive", NULL, side_asks), NULL);
    }
    party_run(&p, 2 * MANY);
    check_number("sides", 2 * MANY, p.len);
    for (size_t i = 0; i < p.len; i++) {
        check_number("messages", 1, p.sides[i].messages);
        check_text("nothing failed", "", p.sides[i].error.msg);
    }
    party_clear(&p);
}

static void side_closes_on_message(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        side_close(s);
    }
}

static void side_closes_when_drained(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        side_send(s, MIG_MESSAGE_CAPTURED, 100);
    } else if (event == MIG_PEER_DRAINED) {
        side_close(s);
    }
}

CHECK_TEST(a_peer_may_be_closed_inside_any_of_its_events)
{
    static const struct {
        const char *label;
        side_fn *client, *server;
        const char *client_seen, *server_seen;
    } cases[] = {
        {"client on READY",   side_leaves, side_answers,             "READY",        "READY CLOSED"},
        {"server on READY",   side_asks,   side_leaves,              "READY CLOSED", "READY"       },
        {"server on MESSAGE", side_asks,   side_closes_on_message,   "READY CLOSED", "READY"       },
        {"server on DRAINED", side_asks,   side_closes_when_drained, "READY",        "READY"       },
    };

    CHECK_EACH (c, cases) {
        struct party p;
        struct side *client;

        party_init(&p, fleet, "alpha", "127.0.0.1:0");
        p.serve = c->server;
        client = party_client(&p, "olive", NULL, c->client);
        party_connect(client, NULL);
        party_run(&p, 2);
        check_text(c->label, c->client_seen, client->seen);
        check_text(c->label, c->server_seen, party_server(&p)->seen);
        party_clear(&p);
    }
}

#define WHOLE_FRAME_SEALED (MIG_FRAME_MAX - 12)

static void side_echoes_large(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_MESSAGE) {
        side_send(s, MIG_MESSAGE_CAPTURED, WHOLE_FRAME_SEALED);
    }
}

static void side_sends_large(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_READY) {
        side_send(s, MIG_MESSAGE_CAPTURED, WHOLE_FRAME_SEALED);
    } else if (event == MIG_PEER_MESSAGE) {
        side_close(s);
    }
}

CHECK_TEST(the_largest_frame_goes_both_ways)
{
    struct mig_message m = {.kind = MIG_MESSAGE_CAPTURED, .id = 1};
    struct mig_bytes body = {0};
    struct party p;
    struct side *client;

    m.sealed = (struct mig_bytes){mig_alloc(WHOLE_FRAME_SEALED, 1), WHOLE_FRAME_SEALED};
    mig_message_encode(&m, &body);
    check_number("it is the largest", MIG_FRAME_MAX, body.len);
    mig_bytes_clear(&body);
    mig_message_clear(&m);

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.serve = side_echoes_large;
    client = party_client(&p, "olive", NULL, side_sends_large);
    party_connect(client, NULL);
    party_run(&p, 2);
    check_number("to the server", WHOLE_FRAME_SEALED, party_server(&p)->bytes);
    check_number("to the client", WHOLE_FRAME_SEALED, client->bytes);
    check_number("server drained", 1, party_server(&p)->sent);
    party_clear(&p);
}

static void side_sends_too_much(struct side *s, enum mig_peer_event event)
{
    if (event == MIG_PEER_READY) {
        side_send(s, MIG_MESSAGE_CAPTURED, MIG_FRAME_MAX);
    }
}

CHECK_TEST(a_message_above_the_limit_is_not_sent)
{
    struct party p;
    struct side *client;

    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    client = party_client(&p, "olive", NULL, side_sends_too_much);
    party_connect(client, NULL);
    party_run(&p, 2);
    check_text("client", "READY FAILED", client->seen);
    check_contains("client", "message of 1048588 bytes, at most 1048576 are allowed",
                   client->error.msg);
    check_number("client", MIG_LIMIT, client->error.code);
    party_clear(&p);
}

/* Twenty requests in one write: each is delivered, across several turns. */
CHECK_TEST(requests_that_come_together_are_all_delivered)
{
    unsigned char asks[20 * 42] = {0};
    struct rogue_plan plan = client_of("asks", asks, sizeof asks);
    struct party p;
    struct rogue *r;

    for (size_t i = 0; i < 20; i++) {
        memcpy(asks + 42 * i, "\0\0\0\x26\x08\x01\x1a\x22\x0a\x20", 10);
    }
    party_init(&p, fleet, "alpha", "127.0.0.1:0");
    p.serve = side_watches;
    r = rogue_start(&plan, port_of(&p));
    party_run(&p, 1);
    (void)rogue_end(r, NULL, 0);
    check_number("messages", 20, party_server(&p)->messages);
    check_text("server", "READY CLOSED", party_server(&p)->seen);
    party_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_no_message_end_the_peer_with_a_reason),
        cmocka_unit_test(an_answer_that_nobody_asked_for_reaches_the_program),
        cmocka_unit_test(a_server_that_is_silent_times_out_in_phase_TLS),
        cmocka_unit_test(a_client_that_is_silent_times_out_in_phase_TLS),
        cmocka_unit_test(a_host_that_does_not_answer_times_out_in_phase_connect),
        cmocka_unit_test(an_agent_that_does_not_answer_times_out_in_the_named_phase),
        cmocka_unit_test(what_is_sent_and_expected_before_READY_holds_afterwards),
        cmocka_unit_test(a_peer_that_does_not_read_is_given_up),
        cmocka_unit_test(trouble_before_TLS_names_phase_and_place),
        cmocka_unit_test(a_client_that_gives_up_while_resolving_leaves_nothing_behind),
        cmocka_unit_test(every_address_of_a_name_is_tried),
        cmocka_unit_test(many_clients_are_served_at_once),
        cmocka_unit_test(a_peer_may_be_closed_inside_any_of_its_events),
        cmocka_unit_test(the_largest_frame_goes_both_ways),
        cmocka_unit_test(a_message_above_the_limit_is_not_sent),
        cmocka_unit_test(requests_that_come_together_are_all_delivered),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
