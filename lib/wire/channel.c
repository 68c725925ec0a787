/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/channel.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/log.h"
#include "wire/address.h"
#include "wire/tls.h"
#include "wire/tls_trouble.h"

/* Record types of RFC 8446 that may come first. */
#define RECORD_ALERT 21
#define RECORD_HANDSHAKE 22

/* Of 2^24.5 full records under one key of AES-GCM, 2^23. */
#define REKEY_BYTES (UINT64_C(1) << 37)

struct mig_channel {
    const struct mig_tls *tls;
    const char *where;
    SSL *ssl;
    int fd;
    bool heard;                    /* the peer's first byte looked like TLS */
    uint64_t rekey_bytes, written; /* under this key; rekey 0 = never */
    struct mig_error blame;        /* why its chain is refused; code 0 = it is not */
};

static int on_chain(int good, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct mig_channel *ch = SSL_get_app_data(ssl);

    if (good == 0 && ch->blame.code == MIG_OK) {
        (void)mig_tls_trouble_of_chain(ch->tls, store, ch->where, &ch->blame);
    }
    return good;
}

/* A scope ("fe80::1%eth0") belongs to this host, not to a certificate. */
static bool is_ip(const char *host, char *ret, size_t size)
{
    unsigned char binary[sizeof(struct in6_addr)];
    size_t len = strcspn(host, "%");

    if (len >= size) {
        return false;
    }
    memcpy(ret, host, len);
    ret[len] = '\0';
    return inet_pton(AF_INET, ret, binary) == 1 || inet_pton(AF_INET6, ret, binary) == 1;
}

/* By address, unless the caller pinned a name or the path on this host says
 * who it is; then admit() decides alone. */
static void expect_name(SSL *ssl, const struct mig_address *to)
{
    X509_VERIFY_PARAM *param = SSL_get0_param(ssl);
    char ip[INET6_ADDRSTRLEN];

    if (to->name[0] != '\0' || to->path[0] != '\0') {
        return;
    }
    X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS |
                                               X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
    if (is_ip(to->host, ip, sizeof ip)) {
        MIG_ASSERT(X509_VERIFY_PARAM_set1_ip_asc(param, ip) == 1);
    } else {
        MIG_ASSERT(X509_VERIFY_PARAM_set1_host(param, to->host, strlen(to->host)) == 1);
    }
}

struct mig_channel *mig_channel_new(const struct mig_tls *tls, int fd, const struct mig_address *to,
                                    const char *where)
{
    struct mig_channel *ch = MIG_NEW(struct mig_channel);

    ch->tls = tls;
    ch->where = where;
    ch->fd = fd;
    ch->ssl = mig_tls_session(tls);
    MIG_ASSERT(SSL_set_fd(ch->ssl, fd) == 1);
    (void)SSL_set_app_data(ch->ssl, ch);
    SSL_set_verify(ch->ssl, SSL_get_verify_mode(ch->ssl), on_chain);
    if (to != NULL) {
        expect_name(ch->ssl, to);
        SSL_set_connect_state(ch->ssl);
    } else {
        SSL_set_accept_state(ch->ssl);
    }
    return ch;
}

void mig_channel_free(struct mig_channel *ch)
{
    if (ch != NULL) {
        SSL_free(ch->ssl);
        mig_free(ch);
    }
}

void mig_channel_expect_bulk(struct mig_channel *ch, uint64_t rekey_bytes)
{
    ch->rekey_bytes = rekey_bytes != 0 ? rekey_bytes : REKEY_BYTES;
    (void)SSL_clear_mode(ch->ssl, SSL_MODE_RELEASE_BUFFERS);
}

/* An entry that nobody read would be taken for the reason of our failure. */
static void begin_call(void)
{
    unsigned long stale = ERR_peek_error();

    if (stale != 0) {
        mig_log_debug("unread OpenSSL error: %s", ERR_reason_error_string(stale));
        ERR_clear_error();
    }
    errno = 0;
}

static enum mig_channel_state broken(struct mig_channel *ch, int saved_errno, struct mig_error *err)
{
    if (ch->blame.code != MIG_OK) {
        ERR_clear_error();
        *err = ch->blame;
    } else if (ERR_peek_error() != 0) {
        (void)mig_tls_trouble_of_queue(ch->tls, ch->ssl, err);
    } else {
        errno = saved_errno != 0 ? saved_errno : ECONNRESET;
        (void)mig_fail_errno(err, MIG_UNREACHABLE, "connection lost");
    }
    return MIG_CHANNEL_BROKEN;
}

static enum mig_channel_state state_of(struct mig_channel *ch, int rc, struct mig_error *err)
{
    int saved_errno = errno;

    switch (SSL_get_error(ch->ssl, rc)) {
    case SSL_ERROR_NONE:
        return MIG_CHANNEL_DONE;
    case SSL_ERROR_WANT_READ:
        return MIG_CHANNEL_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return MIG_CHANNEL_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return MIG_CHANNEL_ENDED;
    default:
        return broken(ch, saved_errno, err);
    }
}

/* Someone who speaks another protocol is told from a broken TLS peer by the
 * first byte, whatever OpenSSL makes of the rest. */
static enum mig_channel_state listen_first(struct mig_channel *ch, struct mig_error *err)
{
    unsigned char first;
    ssize_t got = recv(ch->fd, &first, 1, MSG_PEEK);

    if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
        return MIG_CHANNEL_WANTS_READ;
    }
    if (got == 1 && first != RECORD_HANDSHAKE && first != RECORD_ALERT) {
        (void)mig_fail(err, MIG_UNREACHABLE, "peer does not speak TLS");
        return MIG_CHANNEL_BROKEN;
    }
    ch->heard = true;
    return MIG_CHANNEL_DONE;
}

enum mig_channel_state mig_channel_handshake(struct mig_channel *ch, struct mig_error *err)
{
    enum mig_channel_state state;

    if (!ch->heard) {
        state = listen_first(ch, err);
        if (state == MIG_CHANNEL_BROKEN ||
            (state == MIG_CHANNEL_WANTS_READ && SSL_is_server(ch->ssl))) {
            return state;
        }
    }
    begin_call();
    state = state_of(ch, SSL_do_handshake(ch->ssl), err);
    if (state == MIG_CHANNEL_ENDED) {
        (void)mig_fail(err, MIG_UNREACHABLE, "peer ended the handshake");
        return MIG_CHANNEL_BROKEN;
    }
    if (state == MIG_CHANNEL_DONE && !mig_tls_is_our_protocol(ch->ssl)) {
        (void)mig_fail(err, MIG_UNREACHABLE, "peer speaks another protocol than mig/1");
        return MIG_CHANNEL_BROKEN;
    }
    return state;
}

bool mig_channel_blames_certificate(const struct mig_channel *ch)
{
    return ch->blame.code != MIG_OK;
}

bool mig_channel_leaf(const struct mig_channel *ch, struct x509_st **ret, struct mig_error *err)
{
    X509 *leaf = SSL_get0_peer_certificate(ch->ssl);

    if (leaf == NULL) {
        return mig_tls_trouble(err, MIG_TRUST, "peer showed no certificate");
    }
    *ret = leaf;
    return true;
}

enum mig_channel_state mig_channel_read(struct mig_channel *ch, unsigned char *bytes, size_t len,
                                        size_t *ret, struct mig_error *err)
{
    begin_call();
    return state_of(ch, SSL_read_ex(ch->ssl, bytes, len, ret), err);
}

static bool takes_more(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLOUT};

    return poll(&p, 1, 0) == 1 && (p.revents & POLLOUT) != 0;
}

/*
 * Between two records, and only where the message about it goes out at once:
 * OpenSSL does not read before it has written that, and if the other side
 * waited likewise neither would ever go on.
 */
static void change_key(struct mig_channel *ch, size_t written)
{
    ch->written += written;
    if (ch->written >= ch->rekey_bytes && takes_more(ch->fd) &&
        SSL_key_update(ch->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) == 1) {
        (void)SSL_do_handshake(ch->ssl); /* a failure comes again with the next record */
        ch->written = 0;
    }
}

enum mig_channel_state mig_channel_write(struct mig_channel *ch, const unsigned char *bytes,
                                         size_t len, size_t *ret, struct mig_error *err)
{
    enum mig_channel_state state;

    begin_call();
    state = state_of(ch, SSL_write_ex(ch->ssl, bytes, len, ret), err);
    if (state == MIG_CHANNEL_DONE && ch->rekey_bytes != 0) {
        change_key(ch, *ret);
    }
    return state;
}

void mig_channel_farewell(struct mig_channel *ch)
{
    if (SSL_is_init_finished(ch->ssl)) {
        (void)SSL_shutdown(ch->ssl);
        ERR_clear_error();
    }
}
