/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/folder.h"

#include <errno.h>
#include <openssl/pem.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/file.h"
#include "seal/algorithm.h"
#include "seal/crypto_error.h"

/* BIO_free() wipes a memory BIO, so a key leaves nothing behind. */
MIG_AUTO_DEFINE(BIO_vfree, BIO *);

char *mig_folder_cert(const char *dir, const char *name)
{
    return mig_strf("%s/%s-cert.pem", dir, name);
}

char *mig_folder_key(const char *dir, const char *name)
{
    return mig_strf("%s/%s-key.pem", dir, name);
}

char *mig_folder_crl(const char *dir)
{
    return mig_strf("%s/crl.pem", dir);
}

bool mig_folder_is_free(const char *dir, const char *name, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *cert = mig_folder_cert(dir, name);
    MIG_AUTO(mig_free) char *key = mig_folder_key(dir, name);
    const char *paths[] = {key, cert};

    for (int i = 0; i < 2; i++) {
        struct stat st;

        if (lstat(paths[i], &st) == 0) {
            return mig_fail(err, MIG_USAGE, "%s: exists already and is not written over", paths[i]);
        }
        if (errno != ENOENT) {
            return mig_fail_errno(err, MIG_IO, "%s", paths[i]);
        }
    }
    return true;
}

static bool write_out(const char *path, BIO *text, mode_t mode, struct mig_error *err)
{
    char *bytes = NULL;
    long len = BIO_get_mem_data(text, &bytes);

    return mig_file_write(path, bytes, (size_t)len, mode, err);
}

bool mig_folder_write_pair(const char *dir, const char *name, X509 *cert, EVP_PKEY *key,
                           struct mig_error *err)
{
    MIG_AUTO(mig_free) char *cert_path = mig_folder_cert(dir, name);
    MIG_AUTO(mig_free) char *key_path = mig_folder_key(dir, name);
    MIG_AUTO(BIO_vfree) BIO *cert_text = BIO_new(BIO_s_mem());
    MIG_AUTO(BIO_vfree) BIO *key_text = BIO_new(BIO_s_mem());

    if (PEM_write_bio_X509(cert_text, cert) != 1 ||
        PEM_write_bio_PKCS8PrivateKey(key_text, key, NULL, NULL, 0, NULL, NULL) != 1) {
        return mig_crypto_fail(err, MIG_INTERNAL, "%s: cannot encode", cert_path);
    }
    if (!write_out(key_path, key_text, 0600, err)) {
        return false;
    }
    if (!write_out(cert_path, cert_text, 0644, err)) {
        (void)unlink(key_path);
        return false;
    }
    return true;
}

bool mig_folder_write_crl(const char *dir, X509_CRL *crl, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = mig_folder_crl(dir);
    MIG_AUTO(BIO_vfree) BIO *text = BIO_new(BIO_s_mem());

    if (PEM_write_bio_X509_CRL(text, crl) != 1) {
        return mig_crypto_fail(err, MIG_INTERNAL, "%s: cannot encode", path);
    }
    return write_out(path, text, 0644, err);
}

bool mig_folder_authority(const char *dir, struct mig_authority *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *cert = mig_folder_cert(dir, MIG_FOLDER_CA);
    MIG_AUTO(mig_free) char *key = mig_folder_key(dir, MIG_FOLDER_CA);
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    MIG_AUTO(mig_authority_clear) struct mig_authority a = {0};

    if (!mig_pem_certificates(cert, MIG_PEM_ITEMS_MAX, &certs, err)) {
        return false;
    }
    a.cert = sk_X509_shift(certs);
    if (X509_check_ca(a.cert) == 0) {
        return mig_fail(err, MIG_TRUST, "%s: not the certificate of an authority", cert);
    }
    if (!mig_pem_private_key(key, &a.key, err)) {
        return false;
    }
    if (X509_check_private_key(a.cert, a.key) != 1) {
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_TRUST, "%s: private key does not belong to the certificate in %s",
                        key, cert);
    }
    *ret = a;
    a = (struct mig_authority){0};
    return true;
}

void mig_authority_clear(struct mig_authority *a)
{
    X509_free(a->cert);
    EVP_PKEY_free(a->key);
    *a = (struct mig_authority){0};
}

const EVP_MD *mig_authority_digest(const EVP_PKEY *key)
{
    const struct mig_algorithm *row = mig_algorithm_of(key);

    /* An authority brought along may have a key that evidence may not. */
    return row != NULL ? row->digest() : EVP_sha256();
}
