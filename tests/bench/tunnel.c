/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel [MIB [ROUNDS]]: how fast a stream goes from one process to another
 * over loopback, through two gates that speak TLS, and in the same run through
 * two that only relay: the peer.  Prints one JSON figure.
 */
#include "gate/tunnel.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/alloc.h"
#include "gate/relay.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/party.h"
#include "wire/address.h"
#include "wire/dial.h"

#define PIECE (256u * 1024)
#define PATIENCE_MS 60000
#define ROUNDS_MAX 99

struct course {
    const struct fleet *fleet; /* NULL: plain */
    int net[2], local[2][2];   /* [0] is the source */
};

static double now_s(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void connect_pair(int ret[2])
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    ret[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(listener, (struct sockaddr *)&at, len) != 0 || listen(listener, 1) != 0 ||
        getsockname(listener, (struct sockaddr *)&at, &len) != 0 ||
        connect(ret[0], (struct sockaddr *)&at, len) != 0) {
        abort();
    }
    ret[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    mig_dial_tune(ret[0]);
    mig_dial_tune(ret[1]);
    (void)close(listener);
}

static bool gate_tls(const struct course *c, int side, struct mig_error *err)
{
    static const struct mig_address to = {.name = "beta", .host = "127.0.0.1"};
    MIG_AUTO(mig_tunnel_close) struct mig_tunnel *t = NULL;
    struct mig_tunnel_options o = {
        .tls = party_tls(c->fleet, side == 0 ? "alpha" : "beta", NULL, NULL),
        .fd = c->net[side],
        .to = side == 0 ? &to : NULL,
        .where = "peer"};
    struct mig_tunnel_pump p = {
        .name = "local", .in = c->local[side][0], .out = c->local[side][0], .watch = -1};

    return mig_tunnel_open(&o, PATIENCE_MS, &t, err) && mig_tunnel_pump(t, &p, err);
}

static bool gate_plain(const struct course *c, int side, struct mig_error *err)
{
    struct mig_relay r = {
        .end = {{.name = "local", .in = c->local[side][0], .out = c->local[side][0]},
                {.name = "net", .in = c->net[side], .out = c->net[side]}}
    };

    return mig_relay_run(&r, err);
}

/* In a process of its own, as gates are. */
static pid_t start_gate(const struct course *c, int side)
{
    pid_t pid = fork();
    struct mig_error err = {0};

    if (pid != 0) {
        return pid;
    }
    for (int i = 0; i < 2; i++) {
        (void)close(c->local[i][1]);
        (void)close(c->local[1 - side][0]);
    }
    (void)close(c->net[1 - side]);
    if (!(c->fleet != NULL ? gate_tls(c, side, &err) : gate_plain(c, side, &err))) {
        (void)fprintf(stderr, "tunnel: %s\n", err.msg);
        _exit(1);
    }
    _exit(0);
}

static pid_t start_source(const struct course *c, uint64_t bytes)
{
    pid_t pid = fork();
    unsigned char *piece;

    if (pid != 0) {
        return pid;
    }
    piece = mig_alloc(PIECE, 1);
    while (bytes > 0) {
        ssize_t put = write(c->local[0][1], piece, bytes < PIECE ? bytes : PIECE);

        if (put < 0) {
            _exit(1);
        }
        bytes -= (uint64_t)put;
    }
    (void)shutdown(c->local[0][1], SHUT_WR);
    _exit(0);
}

static void await_child(pid_t pid)
{
    int status = 0;

    if (waitpid(pid, &status, 0) != pid || status != 0) {
        (void)fprintf(stderr, "tunnel: a process failed\n");
        exit(1);
    }
}

/* MB/s of one course, from the first byte that arrives to the last. */
static double run(const struct fleet *fleet, uint64_t bytes)
{
    struct course c = {.fleet = fleet};
    unsigned char *piece = mig_alloc(PIECE, 1);
    pid_t pids[3];
    double start = 0, end;
    uint64_t got = 0;
    ssize_t n;

    connect_pair(c.net);
    for (int i = 0; i < 2; i++) {
        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, c.local[i]) != 0) {
            abort();
        }
    }
    pids[0] = start_gate(&c, 0);
    pids[1] = start_gate(&c, 1);
    pids[2] = start_source(&c, bytes);
    (void)close(c.local[0][0]);
    (void)close(c.local[1][0]);
    (void)close(c.net[0]);
    (void)close(c.net[1]);
    (void)shutdown(c.local[1][1], SHUT_WR);
    while ((n = read(c.local[1][1], piece, PIECE)) > 0) {
        start = got == 0 ? now_s() : start;
        got += (uint64_t)n;
    }
    end = now_s();
    (void)close(c.local[0][1]);
    (void)close(c.local[1][1]);
    for (int i = 0; i < 3; i++) {
        await_child(pids[i]);
    }
    mig_free(piece);
    if (got != bytes) {
        (void)fprintf(stderr, "tunnel: %llu bytes arrived, expected %llu\n",
                      (unsigned long long)got, (unsigned long long)bytes);
        exit(1);
    }
    return (double)bytes / 1e6 / (end - start);
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return x < y ? -1 : x > y;
}

static double median(double *values, size_t len)
{
    qsort(values, len, sizeof *values, compare);
    return values[len / 2];
}

int main(int argc, char **argv)
{
    uint64_t bytes = (argc > 1 ? strtoull(argv[1], NULL, 10) : 1024) << 20;
    size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 5;
    double tls[ROUNDS_MAX], plain[ROUNDS_MAX];
    struct fleet *fleet = fleet_new();

    (void)signal(SIGPIPE, SIG_IGN);
    fleet_issue(fleet, MIG_ROLE_HOOK, "alpha", 0, 0);
    fleet_issue(fleet, MIG_ROLE_AGENT, "beta", 0, 0);
    rounds = rounds == 0 || rounds > ROUNDS_MAX ? ROUNDS_MAX : rounds;
    for (size_t i = 0; i < rounds; i++) { /* in turn, so that both meet the same machine */
        tls[i] = run(fleet, bytes);
        plain[i] = run(NULL, bytes);
    }
    fleet_free(fleet);
    (void)printf("{\"name\":\"tunnel\",\"value\":%.0f,\"unit\":\"MB/s\",\"peer\":\"plain relay\","
                 "\"peer_value\":%.0f,\"ratio\":%.3f}\n",
                 median(tls, rounds), median(plain, rounds),
                 median(tls, rounds) / median(plain, rounds));
    return 0;
}
