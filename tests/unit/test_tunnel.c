/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tunnel.h"

#include "support/check.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/fleet.h"
#include "support/party.h"
#include "support/player.h"
#include "wire/address.h"

#define MIB (UINT64_C(1) << 20)
#define PATIENCE_MS 20000
#define SHORT_MS 200

static struct fleet *fleet, *other;

static int set_up(void **state __attribute__((unused)))
{
    (void)signal(SIGPIPE, SIG_IGN);
    fleet = fleet_new();
    other = fleet_new();
    fleet_issue(fleet, MIG_ROLE_HOOK, "hook", 0, 0);
    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(other, MIG_ROLE_HOOK, "stranger", 0, 0);
    return 0;
}

static int tear_down(void **state __attribute__((unused)))
{
    fleet_free(fleet);
    fleet_free(other);
    return 0;
}

/* One gate, in a thread of its own. */
struct gate {
    bool (*play)(struct gate *g, struct mig_tunnel *t);
    struct mig_tunnel_options o;
    struct mig_tls *tls;
    struct mig_identity peer;
    struct mig_error err; /* empty when all went well */
    pthread_t thread;
    /* for a play that pumps */
    int local, far;
    uint64_t sends; /* bytes of the one behind */
    struct mig_tunnel_pump pump;
    struct mig_tunnel_frame say;
    char heard[256];
};

static void *run(void *data)
{
    struct gate *g = data;
    struct mig_tunnel *t = NULL;

    if (mig_tunnel_open(&g->o, PATIENCE_MS, &t, &g->err)) {
        g->peer = *mig_tunnel_peer(t);
        if (!g->play(g, t)) {
            MIG_ASSERT(g->err.code != MIG_OK);
        }
        mig_tunnel_close(t);
    }
    (void)shutdown(g->o.fd, SHUT_RDWR);
    return NULL;
}

typedef bool play_fn(struct gate *g, struct mig_tunnel *t);

/* A hook that connects and an agent that serves; [0] is the hook. */
static void meet_as(struct gate g[2], const struct fleet *of_hook, const char *hook)
{
    static const struct mig_address to = {.name = "alpha", .host = "127.0.0.1"};
    int s[2];

    check_true("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
    for (int i = 0; i < 2; i++) {
        g[i].tls = i == 0 ? party_tls(of_hook, hook, fleet->ca, NULL)
                          : party_tls(fleet, "alpha", NULL, NULL);
        g[i].o.tls = g[i].tls;
        g[i].o.fd = s[i];
        g[i].o.to = i == 0 ? &to : NULL;
        g[i].o.where = i == 0 ? "alpha" : "hook";
        check_true("thread", pthread_create(&g[i].thread, NULL, run, &g[i]) == 0);
    }
    for (int i = 0; i < 2; i++) {
        (void)pthread_join(g[i].thread, NULL);
        mig_tls_free(g[i].tls);
        mig_fd_close(g[i].o.fd);
    }
}

static void meet(struct gate g[2])
{
    meet_as(g, fleet, "hook");
}

static bool send_text(struct gate *g, struct mig_tunnel *t, enum mig_tunnel_kind kind,
                      const char *text)
{
    const struct mig_tunnel_frame f = {kind, (const unsigned char *)text, strlen(text)};

    return mig_tunnel_send(t, &f, PATIENCE_MS, &g->err);
}

static bool hear_text(struct gate *g, struct mig_tunnel *t, unsigned kinds)
{
    struct mig_tunnel_frame f;
    size_t len = strlen(g->heard);

    if (!mig_tunnel_receive(t, kinds, PATIENCE_MS, &f, &g->err)) {
        return false;
    }
    (void)snprintf(g->heard + len, sizeof g->heard - len, "%s:%.*s ", mig_tunnel_kind_name(f.kind),
                   f.len < 32 ? (int)f.len : 32, (const char *)f.bytes);
    return true;
}

/* ---- frames ---- */

#define OFFER MIG_TUNNEL_ONLY(MIG_TUNNEL_OFFER)
#define VERDICT MIG_TUNNEL_ONLY(MIG_TUNNEL_VERDICT)
#define DATA MIG_TUNNEL_ONLY(MIG_TUNNEL_DATA)
#define DONE MIG_TUNNEL_ONLY(MIG_TUNNEL_DONE)

static bool offer(struct gate *g, struct mig_tunnel *t)
{
    return send_text(g, t, MIG_TUNNEL_OFFER, "contract") && hear_text(g, t, VERDICT) &&
           send_text(g, t, MIG_TUNNEL_DATA, "head") && send_text(g, t, MIG_TUNNEL_DATA, "more");
}

static bool judge(struct gate *g, struct mig_tunnel *t)
{
    return hear_text(g, t, OFFER) && send_text(g, t, MIG_TUNNEL_VERDICT, "ok") &&
           hear_text(g, t, DATA) && hear_text(g, t, DATA | DONE);
}

CHECK_TEST(frames_go_both_ways_and_each_side_knows_the_other)
{
    struct gate g[2] = {{.play = offer}, {.play = judge}};

    meet(g);
    check_text("agent", "", g[1].err.msg);
    check_text("hook", "", g[0].err.msg);
    check_text("agent", "", g[1].err.msg);
    check_text("hook", "VERDICT:ok ", g[0].heard);
    check_text("agent", "OFFER:contract DATA:head DATA:more ", g[1].heard);
    check_text("hook", "alpha", g[0].peer.name);
    check_number("hook", MIG_ROLE_AGENT, g[0].peer.role);
    check_text("agent", "hook", g[1].peer.name);
    check_number("agent", MIG_ROLE_HOOK, g[1].peer.role);
}

/* As a program does that waits for more than the tunnel. */
static bool hear_when_ready(struct gate *g, struct mig_tunnel *t, unsigned kinds)
{
    while (!mig_tunnel_ready(t)) {
        struct pollfd p = {.fd = g->o.fd, .events = POLLIN};

        if (poll(&p, 1, PATIENCE_MS) <= 0) {
            return mig_fail(&g->err, MIG_UNREACHABLE, "nothing came");
        }
    }
    return hear_text(g, t, kinds);
}

static bool judge_when_ready(struct gate *g, struct mig_tunnel *t)
{
    if (!hear_when_ready(g, t, OFFER)) {
        return false;
    }
    if (mig_tunnel_ready(t)) {
        return mig_fail(&g->err, MIG_INTERNAL, "ready before the peer said more");
    }
    return send_text(g, t, MIG_TUNNEL_VERDICT, "ok") && hear_when_ready(g, t, DATA) &&
           hear_when_ready(g, t, DATA) && hear_when_ready(g, t, DONE);
}

CHECK_TEST(what_is_ready_can_be_received_and_so_can_the_end)
{
    struct gate g[2] = {{.play = offer}, {.play = judge_when_ready}};

    meet(g);
    check_text("hook", "", g[0].err.msg);
    check_text("agent", "OFFER:contract DATA:head DATA:more ", g[1].heard);
    check_contains("agent", "peer left, expected", g[1].err.msg);
}

static bool send_large(struct gate *g, struct mig_tunnel *t)
{
    unsigned char *bytes = mig_alloc(MIG_TUNNEL_BODY_MAX, 1);
    struct mig_tunnel_frame f = {MIG_TUNNEL_OFFER, bytes, MIG_TUNNEL_BODY_MAX};
    bool done = send_text(g, t, MIG_TUNNEL_DATA, "before");

    memset(bytes, 'x', MIG_TUNNEL_BODY_MAX);
    done = done && mig_tunnel_send(t, &f, PATIENCE_MS, &g->err) &&
           mig_tunnel_send(t, &f, PATIENCE_MS, &g->err);
    mig_free(bytes);
    return done;
}

static bool hear_large(struct gate *g, struct mig_tunnel *t)
{
    struct mig_tunnel_frame f;
    size_t good = 0;

    if (!hear_text(g, t, DATA) || !hear_text(g, t, OFFER) ||
        !mig_tunnel_receive(t, OFFER, PATIENCE_MS, &f, &g->err)) {
        return false;
    }
    while (good < f.len && f.bytes[good] == 'x') {
        good++;
    }
    g->sends = good;
    return true;
}

CHECK_TEST(the_largest_frame_fits)
{
    struct gate g[2] = {{.play = send_large}, {.play = hear_large}};

    meet(g);
    check_text("agent", "", g[1].err.msg);
    check_text("hook", "", g[0].err.msg);
    check_text("agent", "", g[1].err.msg);
    check_number("bytes", MIG_TUNNEL_BODY_MAX, g[1].sends);
}

static bool leave(struct gate *g __attribute__((unused)),
                  struct mig_tunnel *t __attribute__((unused)))
{
    return true;
}

static bool jump_ahead(struct gate *g, struct mig_tunnel *t)
{
    return send_text(g, t, MIG_TUNNEL_DATA, "RAM") && hear_text(g, t, VERDICT);
}

static bool expect_offer(struct gate *g, struct mig_tunnel *t)
{
    return hear_text(g, t, OFFER);
}

static bool stay_silent(struct gate *g __attribute__((unused)),
                        struct mig_tunnel *t __attribute__((unused)))
{
    (void)usleep(2000 * SHORT_MS);
    return true;
}

static bool lose_patience(struct gate *g, struct mig_tunnel *t)
{
    struct mig_tunnel_frame f;

    return mig_tunnel_receive(t, VERDICT | DONE, SHORT_MS, &f, &g->err);
}

static bool pump_nothing(struct gate *g, struct mig_tunnel *t);
static bool end_twice(struct gate *g, struct mig_tunnel *t);
static bool end_and_go_on(struct gate *g, struct mig_tunnel *t);

CHECK_TEST(a_peer_that_does_not_keep_to_it_is_told_so)
{
    static const struct {
        const char *label;
        play_fn *hook, *agent;
        bool at_agent; /* whose error it is */
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"data before the offer", jump_ahead,    expect_offer, true,  MIG_FORMAT,
         "tunnel to hook: peer sent DATA, expected OFFER"                    },
        {"leaves",                leave,         expect_offer, true,  MIG_UNREACHABLE,
         "tunnel to hook: peer left, expected OFFER"                         },
        {"is silent",             lose_patience, stay_silent,  false, MIG_UNREACHABLE,
         "tunnel to alpha: peer is silent too long, expected VERDICT or DONE"},
        {"leaves a pump",         leave,         pump_nothing, true,  MIG_UNREACHABLE,
         "tunnel to hook: peer left, expected DATA or END"                   },
        {"speaks to a pump",      offer,         pump_nothing, true,  MIG_FORMAT,
         "tunnel to hook: peer sent OFFER, expected DATA or END"             },
        {"ends twice",            end_twice,     pump_nothing, true,  MIG_FORMAT,
         "tunnel to hook: peer sent END, expected nothing after END"         },
        {"data after the end",    end_and_go_on, pump_nothing, true,  MIG_FORMAT,
         "tunnel to hook: peer sent DATA, expected nothing after END"        },
    };

    CHECK_EACH (c, cases) {
        struct gate g[2] = {{.play = c->hook}, {.play = c->agent}};
        int s[2];

        check_true("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, s) == 0);
        g[1].local = s[0];
        meet(g);
        check_text(c->label, c->says, g[c->at_agent].err.msg);
        check_number(c->label, c->code, g[c->at_agent].err.code);
        mig_fd_close(s[0]);
        mig_fd_close(s[1]);
    }
}

CHECK_TEST(a_certificate_of_another_authority_opens_nothing)
{
    struct gate g[2] = {{.play = leave}, {.play = expect_offer}};

    meet_as(g, other, "stranger");
    check_number("agent", MIG_TRUST, g[1].err.code);
    check_contains("agent", "tunnel to hook: ", g[1].err.msg);
    check_contains("agent", "is issued by 'Test Fleet CA'", g[1].err.msg);
}

/* ---- pump ---- */

static bool pump_nothing(struct gate *g, struct mig_tunnel *t)
{
    struct mig_tunnel_pump p = {.name = "QEMU", .in = g->local, .out = g->local, .watch = -1};

    return mig_tunnel_pump(t, &p, &g->err);
}

static bool end_twice(struct gate *g, struct mig_tunnel *t)
{
    return send_text(g, t, MIG_TUNNEL_END, "") && send_text(g, t, MIG_TUNNEL_END, "") &&
           hear_text(g, t, DONE);
}

static bool end_and_go_on(struct gate *g, struct mig_tunnel *t)
{
    return send_text(g, t, MIG_TUNNEL_END, "") && send_text(g, t, MIG_TUNNEL_DATA, "x") &&
           hear_text(g, t, DONE);
}

static bool note_frame(struct mig_tunnel *t, const struct mig_tunnel_frame *f, void *data,
                       struct mig_error *err __attribute__((unused)))
{
    static const struct mig_tunnel_frame answer = {MIG_TUNNEL_CHECK, (const unsigned char *)"A", 1};
    struct gate *g = data;
    size_t len = strlen(g->heard);

    (void)snprintf(g->heard + len, sizeof g->heard - len, "%.*s ", (int)f->len,
                   (const char *)f->bytes);
    if (f->len == 1 && f->bytes[0] == 'Q') {
        mig_tunnel_queue(t, &answer);
    }
    return true;
}

/* Asks as soon as it may. */
static bool ask(struct mig_tunnel *t, void *data, struct mig_error *err __attribute__((unused)))
{
    static const struct mig_tunnel_frame question = {MIG_TUNNEL_CHECK, (const unsigned char *)"Q",
                                                     1};
    struct gate *g = data;
    char byte;

    if (read(g->pump.watch, &byte, 1) == 1) {
        mig_tunnel_queue(t, &question);
    }
    g->pump.watch = -1;
    return true;
}

/* The answer may come before or after the peer's END. */
static bool hear_done(struct gate *g, struct mig_tunnel *t)
{
    while (strstr(g->heard, "DONE:") == NULL) {
        if (!hear_text(g, t, DONE | MIG_TUNNEL_ONLY(MIG_TUNNEL_CHECK))) {
            return false;
        }
    }
    return true;
}

static bool move(struct gate *g, struct mig_tunnel *t)
{
    g->pump.frame = note_frame;
    g->pump.watched = ask;
    g->pump.data = g;
    return mig_tunnel_pump(t, &g->pump, &g->err) &&
           (g->o.to == NULL ? send_text(g, t, MIG_TUNNEL_DONE, "well") : hear_done(g, t));
}

CHECK_TEST(data_pass_both_ways_with_questions_between)
{
    static const struct {
        const char *label;
        uint64_t there, back, rekey;
        unsigned pause_us;
        const char *first;
    } cases[] = {
        {"much and little", 24 * MIB, 16,       0,           0,   ""    },
        {"much both ways",  8 * MIB,  12 * MIB, 0,           0,   ""    },
        {"new keys",        8 * MIB,  3 * MIB,  64 * 1024,   0,   ""    },
        {"slow reader",     3 * MIB,  1 * MIB,  1024 * 1024, 300, ""    },
        {"nothing",         0,        0,        0,           0,   ""    },
        {"held back",       5,        1,        0,           0,   "head"},
    };

    CHECK_EACH (c, cases) {
        struct gate g[2] = {{.play = move}, {.play = move}};
        struct player *players[4];
        int question[2], local[2][2];
        char got[16] = "";

        check_true(c->label, pipe2(question, O_CLOEXEC) == 0);
        check_number(c->label, 1, (uint64_t)write(question[1], "?", 1));
        mig_fd_close(question[1]);
        for (int i = 0; i < 2; i++) {
            check_true(c->label, socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, local[i]) == 0);
            g[i].pump = (struct mig_tunnel_pump){
                .name = "QEMU", .in = local[i][0], .out = local[i][0], .watch = -1};
            g[i].o.rekey_bytes = c->rekey;
        }
        g[0].pump.watch = question[0];
        g[1].pump.first = (const unsigned char *)c->first;
        g[1].pump.first_len = strlen(c->first);
        players[0] = player_sends(local[0][1], 1, c->there);
        players[1] = player_sends(local[1][1], 2, c->back);
        players[2] = player_receives(local[0][1], 2, 0);
        players[3] = c->first[0] == '\0' ? player_receives(local[1][1], 1, c->pause_us) : NULL;
        meet(g);
        check_text(c->label, "", g[0].err.msg);
        check_text(c->label, "", g[1].err.msg);
        check_number(c->label, c->there, player_end(players[0]));
        check_number(c->label, c->back, player_end(players[1]));
        check_number(c->label, c->back, player_end(players[2]));
        if (players[3] != NULL) {
            check_number(c->label, c->there, player_end(players[3]));
        } else {
            check_number(c->label, 9, (uint64_t)recv(local[1][1], got, sizeof got, MSG_WAITALL));
            check_number(c->label, 0, (uint64_t)memcmp(got, "head", 4));
        }
        check_number(c->label, c->there, g[0].pump.sent);
        check_number(c->label, c->there, g[1].pump.received);
        check_number(c->label, c->back, g[1].pump.sent);
        check_number(c->label, c->back, g[0].pump.received);
        check_contains(c->label, c->there > MIB ? "Q " : "", g[1].heard);
        check_contains(c->label, c->there > MIB ? "A " : "", g[0].heard);
        check_contains(c->label, "DONE:well ", g[0].heard);
        for (int i = 0; i < 2; i++) {
            mig_fd_close(local[i][0]);
            mig_fd_close(local[i][1]);
        }
        mig_fd_close(question[0]);
    }
}

static bool refuse(struct gate *g, struct mig_tunnel *t)
{
    return send_text(g, t, MIG_TUNNEL_VERDICT, "no room");
}

static bool move_and_listen(struct gate *g, struct mig_tunnel *t)
{
    g->pump.frame = note_frame;
    g->pump.data = g;
    (void)usleep(1000 * SHORT_MS); /* the peer has left by now */
    return mig_tunnel_pump(t, &g->pump, &g->err);
}

static bool send_and_listen(struct gate *g, struct mig_tunnel *t)
{
    (void)usleep(1000 * SHORT_MS);
    return send_text(g, t, MIG_TUNNEL_OFFER, "late") || hear_text(g, t, VERDICT);
}

CHECK_TEST(the_reason_of_a_peer_that_left_can_be_received)
{
    struct gate g[2] = {{.play = send_and_listen}, {.play = refuse}};

    meet(g);
    check_contains("error", "tunnel to alpha: ", g[0].err.msg);
    check_text("heard", "VERDICT:no room ", g[0].heard);
}

CHECK_TEST(the_reason_of_a_peer_that_left_is_heard)
{
    struct gate g[2] = {{.play = move_and_listen}, {.play = refuse}};
    struct player *sends;
    int local[2];

    check_true("socketpair", socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, local) == 0);
    g[0].pump =
        (struct mig_tunnel_pump){.name = "QEMU", .in = local[0], .out = local[0], .watch = -1};
    sends = player_sends(local[1], 1, 4 * MIB);
    meet(g);
    check_contains("error", "tunnel to alpha: ", g[0].err.msg);
    check_text("heard", "no room ", g[0].heard);
    mig_fd_close(local[0]);
    check_true("sent", player_end(sends) < 4 * MIB);
    mig_fd_close(local[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_both_ways_and_each_side_knows_the_other),
        cmocka_unit_test(what_is_ready_can_be_received_and_so_can_the_end),
        cmocka_unit_test(the_largest_frame_fits),
        cmocka_unit_test(a_peer_that_does_not_keep_to_it_is_told_so),
        cmocka_unit_test(a_certificate_of_another_authority_opens_nothing),
        cmocka_unit_test(data_pass_both_ways_with_questions_between),
        cmocka_unit_test(the_reason_of_a_peer_that_left_can_be_received),
        cmocka_unit_test(the_reason_of_a_peer_that_left_is_heard),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
