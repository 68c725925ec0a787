/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/pem.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "seal/crypto_error.h"

MIG_AUTO_DEFINE(BIO_vfree, BIO *);

/* OpenSSL would ask on the terminal; a daemon has none. */
static int refuse_passphrase(char *buf __attribute__((unused)), int size __attribute__((unused)),
                             int writing __attribute__((unused)), void *asked)
{
    *(bool *)asked = true;
    return -1;
}

static bool open_pem(const char *path, struct mig_bytes *ret_file, BIO **ret, struct mig_error *err)
{
    if (!mig_file_read(path, MIG_PEM_FILE_MAX, ret_file, err)) {
        return false;
    }
    *ret = BIO_new_mem_buf(ret_file->items, (int)ret_file->len);
    MIG_ASSERT(*ret != NULL);
    return true;
}

/* The reader stops at the end of the file and at damage; tell them apart. */
static bool ended_well(void)
{
    unsigned long last = ERR_peek_last_error();

    return ERR_GET_LIB(last) == ERR_LIB_PEM && ERR_GET_REASON(last) == PEM_R_NO_START_LINE;
}

bool mig_pem_certificates(const char *path, int max, STACK_OF(X509) * *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = sk_X509_new_null();
    MIG_AUTO(BIO_vfree) BIO *in = NULL;
    bool asked = false;
    X509 *cert;

    if (!open_pem(path, &file, &in, err)) {
        return false;
    }
    while ((cert = PEM_read_bio_X509(in, NULL, refuse_passphrase, &asked)) != NULL) {
        (void)sk_X509_push(certs, cert);
        if (sk_X509_num(certs) > max) {
            return mig_fail(err, MIG_LIMIT, "%s: more than %d certificates", path, max);
        }
    }
    if (!ended_well()) {
        return mig_crypto_fail(err, MIG_FORMAT, "%s: certificate %d is damaged", path,
                               sk_X509_num(certs) + 1);
    }
    (void)mig_crypto_drain(true);
    if (sk_X509_num(certs) == 0) {
        return mig_fail(err, MIG_FORMAT, "%s: no certificate in it, expected PEM", path);
    }
    *ret = mig_steal(&certs);
    return true;
}

bool mig_pem_crls(const char *path, STACK_OF(X509_CRL) * *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    MIG_AUTO(mig_crls_free) STACK_OF(X509_CRL) *crls = sk_X509_CRL_new_null();
    MIG_AUTO(BIO_vfree) BIO *in = NULL;
    bool asked = false;
    X509_CRL *crl;

    if (!open_pem(path, &file, &in, err)) {
        return false;
    }
    while ((crl = PEM_read_bio_X509_CRL(in, NULL, refuse_passphrase, &asked)) != NULL) {
        (void)sk_X509_CRL_push(crls, crl);
        if (sk_X509_CRL_num(crls) > MIG_PEM_ITEMS_MAX) {
            return mig_fail(err, MIG_LIMIT, "%s: more than %d revocation lists", path,
                            MIG_PEM_ITEMS_MAX);
        }
    }
    if (!ended_well()) {
        return mig_crypto_fail(err, MIG_FORMAT, "%s: revocation list %d is damaged", path,
                               sk_X509_CRL_num(crls) + 1);
    }
    (void)mig_crypto_drain(true);
    if (sk_X509_CRL_num(crls) == 0) {
        return mig_fail(err, MIG_FORMAT, "%s: no revocation list in it, expected PEM", path);
    }
    *ret = mig_steal(&crls);
    return true;
}

/* Into one buffer that the caller wipes; growing would leave copies behind. */
static bool read_secret(const char *path, unsigned char *buf, size_t *ret_len,
                        struct mig_error *err)
{
    MIG_AUTO(mig_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    size_t len = 0;
    ssize_t got;

    if (!mig_fd_check_private(fd, path, err)) {
        return false;
    }
    while (len <= MIG_PEM_KEY_MAX && (got = read(fd, buf + len, MIG_PEM_KEY_MAX + 1 - len)) != 0) {
        if (got < 0 && errno != EINTR) {
            return mig_fail_errno(err, MIG_IO, "%s", path);
        }
        len += got > 0 ? (size_t)got : 0;
    }
    if (len > MIG_PEM_KEY_MAX) {
        return mig_fail(err, MIG_LIMIT, "%s: larger than %u bytes", path, MIG_PEM_KEY_MAX);
    }
    *ret_len = len;
    return true;
}

bool mig_pem_private_key(const char *path, EVP_PKEY **ret, struct mig_error *err)
{
    /* One byte to notice a longer file, one for the NUL. */
    MIG_AUTO(mig_free) char *buf = mig_alloc(1, MIG_PEM_KEY_MAX + 2);
    MIG_AUTO(BIO_vfree) BIO *in = NULL;
    EVP_PKEY *key = NULL;
    bool asked = false, any;
    size_t len = 0;
    bool done = read_secret(path, (unsigned char *)buf, &len, err);

    if (done) {
        in = BIO_new_mem_buf(buf, (int)len);
        key = PEM_read_bio_PrivateKey(in, NULL, refuse_passphrase, &asked);
    }
    any = strstr(buf, "PRIVATE KEY-----") != NULL;
    OPENSSL_cleanse(buf, MIG_PEM_KEY_MAX + 2);
    if (!done) {
        return false;
    }
    if (asked) {
        EVP_PKEY_free(key);
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_FORMAT,
                        "%s: private key is encrypted, expected one without passphrase", path);
    }
    if (key == NULL && !any) {
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_FORMAT, "%s: no private key in it, expected PEM", path);
    }
    if (key == NULL) {
        return mig_crypto_fail(err, MIG_FORMAT, "%s: private key is damaged", path);
    }
    *ret = key;
    return true;
}
