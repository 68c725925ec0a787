/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel source|target plain|tls FLEET UNIX PORT: QEMU's stream from one process
 * to another, as gates move it.  The source listens at UNIX for a QEMU that
 * migrates and goes to PORT of 127.0.0.1; the target listens at PORT (0 = any,
 * printed) and goes to UNIX, where a QEMU waits.  FLEET is a folder of migctl
 * pki with agents alpha and beta.  Over TLS the head is read on both sides and
 * held back at the target until it is whole.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "gate/qemu_head.h"
#include "gate/relay.h"
#include "gate/tunnel.h"
#include "seal/identity.h"
#include "wire/address.h"
#include "wire/dial.h"
#include "wire/tls.h"

#define PATIENCE_MS 20000
#define READ_MAX 65536

static _Noreturn void give_up(const char *what)
{
    (void)fprintf(stderr, "tunnel: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int unix_socket(const char *path, bool listens)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

    (void)snprintf(at.sun_path, sizeof at.sun_path, "%s%s", path, listens ? ".new" : "");
    if (!listens) {
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
            give_up(path);
        }
        return fd;
    }
    /* Whoever sees the name can connect. */
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1) != 0 ||
        rename(at.sun_path, path) != 0) {
        give_up(path);
    }
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    (void)close(fd);
    return accepted;
}

static int tcp_socket(unsigned port, bool listens)
{
    struct sockaddr_in at = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof at;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), accepted;

    if (!listens) {
        if (connect(fd, (struct sockaddr *)&at, sizeof at) != 0) {
            give_up("connect");
        }
        mig_dial_tune(fd);
        return fd;
    }
    if (bind(fd, (struct sockaddr *)&at, sizeof at) != 0 || listen(fd, 1) != 0 ||
        getsockname(fd, (struct sockaddr *)&at, &len) != 0) {
        give_up("listen");
    }
    (void)printf("%u\n", ntohs(at.sin_port));
    (void)fflush(stdout);
    accepted = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
    mig_dial_tune(accepted);
    (void)close(fd);
    return accepted;
}

static struct mig_tls *load_tls(const char *fleet, const char *name, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *ca = mig_strf("%s/ca-cert.pem", fleet);
    MIG_AUTO(mig_free) char *cert = mig_strf("%s/%s-cert.pem", fleet, name);
    MIG_AUTO(mig_free) char *key = mig_strf("%s/%s-key.pem", fleet, name);
    struct mig_tls *tls = NULL;

    return mig_tls_new(&(struct mig_tls_files){ca, cert, key, NULL}, &tls, err) ? tls : NULL;
}

static bool finish_head(struct mig_qemu_head *h, enum mig_qemu_state state)
{
    if (state == MIG_QEMU_DONE) {
        (void)fprintf(stderr, "tunnel: %s, head of %zu bytes\n", mig_qemu_head_stream(h)->machine,
                      mig_qemu_head_stream(h)->head_bytes);
    }
    return state == MIG_QEMU_DONE;
}

/* The source reads the head off QEMU's socket, no byte more, and sends it. */
static bool send_head(struct mig_tunnel *t, int qemu, struct mig_error *err)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;
    struct mig_tunnel_frame f = {.kind = MIG_TUNNEL_DATA};

    while (state == MIG_QEMU_NEEDS_MORE) {
        unsigned char bytes[512];
        size_t used = 0;
        ssize_t got = recv(qemu, bytes, sizeof bytes, MSG_PEEK);

        if (got <= 0) {
            return mig_qemu_head_ended(h, err);
        }
        state = mig_qemu_head_feed(h, bytes, (size_t)got, &used, err);
        if (state != MIG_QEMU_REFUSED && recv(qemu, bytes, used, MSG_WAITALL) != (ssize_t)used) {
            give_up("recv");
        }
    }
    f.bytes = mig_qemu_head_bytes(h, &f.len);
    return finish_head(h, state) && mig_tunnel_send(t, &f, PATIENCE_MS, err);
}

/* What the target has before it lets anything through: the head and what came
 * with its last frame. */
static bool receive_head(struct mig_tunnel *t, struct mig_bytes *ret, struct mig_error *err)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;

    while (state == MIG_QEMU_NEEDS_MORE) {
        struct mig_tunnel_frame f;
        size_t used = 0;

        if (!mig_tunnel_receive(t, MIG_TUNNEL_ONLY(MIG_TUNNEL_DATA), PATIENCE_MS, &f, err)) {
            return false;
        }
        state = mig_qemu_head_feed(h, f.bytes, f.len, &used, err);
        ret->items = mig_resize(ret->items, ret->len + f.len, 1);
        memcpy(ret->items + ret->len, f.bytes, f.len);
        ret->len += f.len;
    }
    return finish_head(h, state);
}

/* @qemu is -1 at the target, whose QEMU ends when a stream ends before it began:
 * it hears of this one when the head is there. */
static bool run_tls(const char *fleet, const char *path, int qemu, int net, struct mig_error *err)
{
    bool source = qemu >= 0;
    static const struct mig_address to = {.host = "127.0.0.1"};
    MIG_AUTO(mig_tls_free) struct mig_tls *tls = load_tls(fleet, source ? "alpha" : "beta", err);
    MIG_AUTO(mig_tunnel_close) struct mig_tunnel *t = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes head = {0};
    struct mig_tunnel_options o = {
        .tls = tls, .fd = net, .to = source ? &to : NULL, .where = source ? "target" : "source"};
    struct mig_tunnel_pump p = {.name = "QEMU", .watch = -1};
    struct mig_tunnel_frame done = {.kind = MIG_TUNNEL_DONE};

    if (tls == NULL || !mig_tunnel_open(&o, PATIENCE_MS, &t, err) ||
        !(source ? send_head(t, qemu, err) : receive_head(t, &head, err))) {
        return false;
    }
    p.in = p.out = source ? qemu : unix_socket(path, false);
    p.first = head.items;
    p.first_len = head.len;
    if (!mig_tunnel_pump(t, &p, err)) {
        return false;
    }
    (void)fprintf(stderr, "tunnel: %s: sent %llu, received %llu\n", mig_tunnel_peer(t)->name,
                  (unsigned long long)p.sent, (unsigned long long)p.received);
    return source ? mig_tunnel_receive(t, MIG_TUNNEL_ONLY(MIG_TUNNEL_DONE), PATIENCE_MS, &done, err)
                  : mig_tunnel_send(t, &done, PATIENCE_MS, err);
}

static bool run_plain(int qemu, int net, struct mig_error *err)
{
    struct mig_relay r = {
        .end = {{.name = "QEMU", .in = qemu, .out = qemu},
                {.name = "peer", .in = net, .out = net}}
    };

    return mig_relay_run(&r, err);
}

int main(int argc, char **argv)
{
    struct mig_error err = {0};
    bool source = argc == 6 && strcmp(argv[1], "source") == 0;
    int qemu = -1, net;

    if (argc != 6) {
        (void)fprintf(stderr, "usage: tunnel source|target plain|tls FLEET UNIX PORT\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    if (source) {
        qemu = unix_socket(argv[4], true);
    }
    net = tcp_socket((unsigned)strtoul(argv[5], NULL, 10), !source);
    if (strcmp(argv[2], "tls") == 0
            ? !run_tls(argv[3], argv[4], qemu, net, &err)
            : !run_plain(source ? qemu : unix_socket(argv[4], false), net, &err)) {
        (void)fprintf(stderr, "tunnel: %s\n", err.msg);
        return 1;
    }
    return 0;
}
