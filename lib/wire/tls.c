/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls.h"

#include <fcntl.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "base/text.h"
#include "wire/tls_trouble.h"

/* Fleet CAs are one or two certificates above the leaf. */
#define CHAIN_DEPTH 4

static const unsigned char alpn[] = {5, 'm', 'i', 'g', '/', '1'};

static const char *const suites[] = {
#define SUITE(name) name,
#include "wire/tls_policy.def"
};
static const char *const groups[] = {
#define GROUP(name) name,
#include "wire/tls_policy.def"
};
static const char *const sigalgs[] = {
#define SIGALG(name) name,
#include "wire/tls_policy.def"
};
static const struct {
    uint64_t option;
    const char *what;
} forbidden[] = {
#define OFF(option, what) {option, what},
#include "wire/tls_policy.def"
};

struct mig_tls {
    SSL_CTX *ctx;
    char *ca, *cert, *crl; /* file names, for messages */
};

/* ---- policy ---- */

static char *join(const char *const *names, size_t len)
{
    struct mig_text text = {0};

    for (size_t i = 0; i < len; i++) {
        mig_text_addf(&text, "%s%s", i > 0 ? ":" : "", names[i]);
    }
    return text.items;
}

static int select_alpn(SSL *ssl __attribute__((unused)), const unsigned char **ret,
                       unsigned char *ret_len, const unsigned char *in, unsigned in_len,
                       void *data __attribute__((unused)))
{
    for (unsigned i = 0; i < in_len; i += in[i] + 1u) {
        if (in[i] == alpn[0] && in_len - i >= sizeof alpn &&
            memcmp(in + i, alpn, sizeof alpn) == 0) {
            *ret = in + i + 1;
            *ret_len = in[i];
            return SSL_TLSEXT_ERR_OK;
        }
    }
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* No passphrase is ever asked for: an encrypted key is an error. */
static int no_passphrase(char *buf __attribute__((unused)), int size __attribute__((unused)),
                         int writing __attribute__((unused)), void *data __attribute__((unused)))
{
    return -1;
}

static bool apply_policy(SSL_CTX *ctx, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *suite_list = join(suites, MIG_COUNT(suites));
    MIG_AUTO(mig_free) char *group_list = join(groups, MIG_COUNT(groups));
    MIG_AUTO(mig_free) char *sigalg_list = join(sigalgs, MIG_COUNT(sigalgs));

    for (size_t i = 0; i < MIG_COUNT(forbidden); i++) {
        (void)SSL_CTX_set_options(ctx, forbidden[i].option);
    }
    if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(ctx, suite_list) != 1 ||
        SSL_CTX_set1_groups_list(ctx, group_list) != 1 ||
        SSL_CTX_set1_sigalgs_list(ctx, sigalg_list) != 1 || SSL_CTX_set_num_tickets(ctx, 0) != 1 ||
        SSL_CTX_set_max_early_data(ctx, 0) != 1 ||
        SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn) != 0) {
        return mig_tls_trouble(err, MIG_INTERNAL, "this OpenSSL can not apply our TLS policy");
    }
    SSL_CTX_set_alpn_select_cb(ctx, select_alpn, NULL);
    SSL_CTX_set_default_passwd_cb(ctx, no_passphrase);
    SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    SSL_CTX_set_verify_depth(ctx, CHAIN_DEPTH);
    (void)SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
    (void)SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
                                    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(ctx, 1); /* a record costs one system call, not two */
    return true;
}

/* ---- files ---- */

static bool is_readable(const char *path, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

    return fd >= 0 || mig_fail_errno(err, MIG_IO, "%s", path);
}

static bool load_crl(SSL_CTX *ctx, const char *path, struct mig_error *err)
{
    X509_STORE *store = SSL_CTX_get_cert_store(ctx);
    X509_LOOKUP *lookup = X509_STORE_add_lookup(store, X509_LOOKUP_file());

    if (!is_readable(path, err)) {
        return false;
    }
    if (lookup == NULL || X509_load_crl_file(lookup, path, X509_FILETYPE_PEM) < 1) {
        return mig_tls_trouble(err, MIG_FORMAT, "%s: holds no revocation list in PEM", path);
    }
    (void)X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL);
    return true;
}

static bool load_files(SSL_CTX *ctx, const struct mig_tls_files *files, struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int key = -1;

    if (!is_readable(files->ca, err) || !is_readable(files->cert, err) ||
        !is_readable(files->key, err)) {
        return false;
    }
    if (SSL_CTX_load_verify_file(ctx, files->ca) != 1) {
        return mig_tls_trouble(err, MIG_FORMAT, "%s: holds no certificate in PEM", files->ca);
    }
    if (SSL_CTX_use_certificate_chain_file(ctx, files->cert) != 1) {
        return mig_tls_trouble(err, MIG_FORMAT, "%s: no usable certificate in PEM", files->cert);
    }
    key = open(files->key, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (!mig_fd_check_private(key, files->key, err)) {
        return false;
    }
    /* Loading compares with the certificate; that failure has its own words. */
    if (SSL_CTX_use_PrivateKey_file(ctx, files->key, SSL_FILETYPE_PEM) != 1) {
        int reason = ERR_GET_REASON(ERR_peek_last_error());

        if (reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH) {
            ERR_clear_error();
            return mig_fail(err, MIG_TRUST, "%s: does not belong to %s", files->key, files->cert);
        }
        return mig_tls_trouble(err, MIG_FORMAT, "%s: no usable private key in PEM, unencrypted",
                               files->key);
    }
    return files->crl == NULL || load_crl(ctx, files->crl, err);
}

bool mig_tls_new(const struct mig_tls_files *files, struct mig_tls **ret, struct mig_error *err)
{
    MIG_AUTO(mig_tls_free) struct mig_tls *tls = MIG_NEW(struct mig_tls);

    ERR_clear_error();
    tls->ctx = SSL_CTX_new(TLS_method());
    if (tls->ctx == NULL) {
        return mig_tls_trouble(err, MIG_INTERNAL, "OpenSSL does not start");
    }
    if (!apply_policy(tls->ctx, err) || !load_files(tls->ctx, files, err)) {
        return false;
    }
    tls->ca = mig_strdup(files->ca);
    tls->cert = mig_strdup(files->cert);
    tls->crl = mig_strdup(files->crl);
    *ret = mig_steal(&tls);
    return true;
}

void mig_tls_free(struct mig_tls *tls)
{
    if (tls == NULL) {
        return;
    }
    SSL_CTX_free(tls->ctx);
    mig_free(tls->ca);
    mig_free(tls->cert);
    mig_free(tls->crl);
    mig_free(tls);
}

/* ---- describe ---- */

static void describe_suites(SSL *ssl, struct mig_text *t)
{
    STACK_OF(SSL_CIPHER) *in_force = SSL_get1_supported_ciphers(ssl);

    for (int i = 0; i < sk_SSL_CIPHER_num(in_force); i++) {
        mig_text_addf(t, "suite        %s\n",
                      SSL_CIPHER_get_name(sk_SSL_CIPHER_value(in_force, i)));
    }
    sk_SSL_CIPHER_free(in_force);
}

static const char *version_name(long version)
{
    return version == TLS1_3_VERSION ? "TLSv1.3" : "another";
}

static void describe_off(const SSL_CTX *ctx, struct mig_text *t)
{
    for (size_t i = 0; i < MIG_COUNT(forbidden); i++) {
        bool off = (SSL_CTX_get_options(ctx) & forbidden[i].option) == forbidden[i].option;

        mig_text_addf(t, "%-12s %s\n", off ? "off" : "ON", forbidden[i].what);
    }
    mig_text_addf(t, "%-12s resumption\n", SSL_CTX_get_num_tickets(ctx) == 0 ? "off" : "ON");
    mig_text_addf(t, "%-12s early data\n", SSL_CTX_get_max_early_data(ctx) == 0 ? "off" : "ON");
}

char *mig_tls_describe(const struct mig_tls *tls)
{
    int both = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    struct mig_text t = {0};
    SSL *ssl = SSL_new(tls->ctx);

    MIG_ASSERT(ssl != NULL);
    mig_text_addf(&t, "versions     %s to %s\n", version_name(SSL_get_min_proto_version(ssl)),
                  version_name(SSL_get_max_proto_version(ssl)));
    describe_suites(ssl, &t);
    for (size_t i = 0; i < MIG_COUNT(groups); i++) {
        mig_text_addf(&t, "group        %s\n", groups[i]);
    }
    for (size_t i = 0; i < MIG_COUNT(sigalgs); i++) {
        mig_text_addf(&t, "signature    %s\n", sigalgs[i]);
    }
    mig_text_addf(&t, "protocol     %.*s\n", (int)alpn[0], (const char *)alpn + 1);
    mig_text_addf(&t, "certificates %s, at most %d above the leaf\n",
                  SSL_get_verify_mode(ssl) == both ? "of both sides" : "NOT REQUIRED",
                  SSL_get_verify_depth(ssl));
    describe_off(tls->ctx, &t);
    SSL_free(ssl);
    return t.items;
}

/* ---- for the files of this room ---- */

struct ssl_st *mig_tls_session(const struct mig_tls *tls)
{
    SSL *ssl = SSL_new(tls->ctx);

    MIG_ASSERT(ssl != NULL);
    return ssl;
}

const char *mig_tls_ca_file(const struct mig_tls *tls)
{
    return tls->ca;
}

const char *mig_tls_crl_file(const struct mig_tls *tls)
{
    return tls->crl != NULL ? tls->crl : "(none)";
}

const char *mig_tls_cert_file(const struct mig_tls *tls)
{
    return tls->cert;
}

bool mig_tls_is_our_protocol(const struct ssl_st *ssl)
{
    const unsigned char *chosen = NULL;
    unsigned len = 0;

    SSL_get0_alpn_selected(ssl, &chosen, &len);
    return len == alpn[0] && memcmp(chosen, alpn + 1, len) == 0;
}
