/* SPDX-License-Identifier: Apache-2.0 */
#include "support/rogue.h"

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ssl.h>

#include "base/alloc.h"
#include "support/check.h"

#define PATIENCE_S 5
#define DEAF_US 400000
#define PATIENT_US 10000
#define PATIENT_TURNS 3000

struct rogue {
    struct rogue_plan plan;
    pthread_t thread;
    int fd;
    unsigned port;
    bool listens;
    atomic_bool over; /* rogue_end() was called */
    unsigned char got[8192];
    size_t len;
};

static SSL_CTX *context(const struct rogue_plan *plan)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_method());

    if (plan->old) {
        (void)SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
    }
    if (plan->other_alpn) {
        (void)SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x8http/1.1", 9);
    } else if (!plan->no_alpn) {
        (void)SSL_CTX_set_alpn_protos(ctx, (const unsigned char *)"\x5mig/1", 6);
    }
    if (plan->cert != NULL) {
        (void)SSL_CTX_use_certificate_chain_file(ctx, plan->cert);
        (void)SSL_CTX_use_PrivateKey_file(ctx, plan->key, SSL_FILETYPE_PEM);
    }
    return ctx;
}

/* A patient one outlasts every deadline of the other side, however slow the machine. */
static void be_deaf(struct rogue *r)
{
    for (int i = 0; i < PATIENT_TURNS && r->plan.patient && !r->over; i++) {
        (void)usleep(PATIENT_US);
    }
    if (!r->plan.patient) {
        (void)usleep(DEAF_US);
    }
}

static void speak_tls(struct rogue *r, int fd)
{
    SSL_CTX *ctx = context(&r->plan);
    SSL *ssl = SSL_new(ctx);
    size_t done = 0;
    int got;

    (void)SSL_set_fd(ssl, fd);
    if ((r->listens ? SSL_accept(ssl) : SSL_connect(ssl)) == 1) {
        if (r->plan.len > 0) {
            (void)SSL_write_ex(ssl, r->plan.bytes, r->plan.len, &done);
        }
        if (r->plan.deaf) {
            be_deaf(r);
        }
        if (r->plan.farewell) {
            (void)SSL_shutdown(ssl);
        }
        if (r->plan.farewell || !r->plan.deaf) {
            while (r->len < sizeof r->got &&
                   (got = SSL_read(ssl, r->got + r->len, (int)(sizeof r->got - r->len))) > 0) {
                r->len += (size_t)got;
            }
        }
    }
    SSL_free(ssl);
    SSL_CTX_free(ctx);
    ERR_clear_error();
}

static void speak_plainly(struct rogue *r, int fd)
{
    ssize_t got;

    if (r->plan.len > 0) {
        (void)send(fd, r->plan.bytes, r->plan.len, MSG_NOSIGNAL);
    }
    if (r->plan.deaf) {
        be_deaf(r);
        return;
    }
    while (r->len < sizeof r->got &&
           (got = recv(fd, r->got + r->len, sizeof r->got - r->len, 0)) > 0) {
        r->len += (size_t)got;
    }
}

static void *live(void *data)
{
    const struct timeval patience = {.tv_sec = PATIENCE_S};
    struct rogue *r = data;
    int fd = r->listens ? accept(r->fd, NULL, NULL) : r->fd;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    if (r->plan.tls) {
        speak_tls(r, fd);
    } else {
        speak_plainly(r, fd);
    }
    (void)close(fd);
    return NULL;
}

struct rogue *rogue_start(const struct rogue_plan *plan, unsigned port)
{
    struct rogue *r = MIG_NEW(struct rogue);
    struct sockaddr_in sa = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t len = sizeof sa;
    int small = 4096;

    r->plan = *plan;
    r->listens = port == 0;
    r->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (plan->deaf) {
        /* Else the kernel would take megabytes for it. */
        (void)setsockopt(r->fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    }
    sa.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (r->listens) {
        check_true("bind", bind(r->fd, (struct sockaddr *)&sa, sizeof sa) == 0);
        check_true("listen", listen(r->fd, 4) == 0);
        check_true("name", getsockname(r->fd, (struct sockaddr *)&sa, &len) == 0);
    } else {
        check_true("connect", connect(r->fd, (struct sockaddr *)&sa, sizeof sa) == 0);
    }
    r->port = ntohs(sa.sin_port);
    check_true("thread", pthread_create(&r->thread, NULL, live, r) == 0);
    return r;
}

unsigned rogue_port(const struct rogue *r)
{
    return r->port;
}

size_t rogue_end(struct rogue *r, unsigned char *ret_got, size_t size)
{
    size_t len;

    r->over = true;
    (void)pthread_join(r->thread, NULL);
    if (r->listens) {
        (void)close(r->fd);
    }
    len = r->len < size ? r->len : size;
    if (len > 0) {
        memcpy(ret_got, r->got, len);
    }
    mig_free(r);
    return len;
}
