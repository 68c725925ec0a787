/* SPDX-License-Identifier: Apache-2.0 */
#include "support/forge.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/file.h"
#include "support/check.h"

static EVP_PKEY *make_key(const char *kind)
{
    EVP_PKEY *key;

    if (kind == NULL) {
        key = EVP_EC_gen("P-256");
    } else if (strncmp(kind, "RSA", 3) == 0) {
        key = EVP_RSA_gen((unsigned)strtoul(kind + 3, NULL, 10));
    } else if (strcmp(kind, "ED25519") == 0) {
        key = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
    } else {
        key = EVP_EC_gen(kind);
    }
    check_true("key", key != NULL);
    return key;
}

static void add(X509 *cert, X509 *issuer, int nid, const char *value)
{
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    if (value == NULL || *value == '\0') {
        return;
    }
    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
    check_true(value, ext != NULL && X509_add_ext(cert, ext, -1) == 1);
    X509_EXTENSION_free(ext);
}

/* @by is NULL for one that signs itself. */
static X509 *make_certificate(const struct forge *forge, X509 *by, EVP_PKEY *key)
{
    static long serial = 1000;
    X509 *cert = X509_new();
    X509 *issuer = by != NULL ? by : cert;

    check_true("certificate", X509_set_version(cert, X509_VERSION_3) == 1 &&
                                  ASN1_INTEGER_set(X509_get_serialNumber(cert), serial++) == 1 &&
                                  ASN1_TIME_set(X509_getm_notBefore(cert), 1000000000) != NULL &&
                                  ASN1_TIME_set(X509_getm_notAfter(cert), 4000000000) != NULL &&
                                  X509_NAME_add_entry_by_NID(
                                      X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                                      (const unsigned char *)forge->name, -1, -1, 0) == 1 &&
                                  X509_set_issuer_name(cert, X509_get_subject_name(issuer)) == 1 &&
                                  X509_set_pubkey(cert, key) == 1);
    add(cert, issuer, NID_basic_constraints, forge->basic == NULL ? "CA:FALSE" : forge->basic);
    add(cert, issuer, NID_key_usage, forge->usage == NULL ? "digitalSignature" : forge->usage);
    add(cert, issuer, NID_subject_alt_name, forge->san);
    add(cert, issuer, NID_subject_key_identifier, "hash");
    add(cert, issuer, NID_authority_key_identifier, "keyid:always");
    return cert;
}

static void write_files(const struct fleet *f, const struct forge *forge, X509 *cert, EVP_PKEY *key,
                        const struct mig_bytes *rest)
{
    MIG_AUTO(mig_free) char *cert_path = fleet_cert(f, forge->name);
    MIG_AUTO(mig_free) char *key_path = fleet_key_file(f, forge->name);
    FILE *out = fopen(cert_path, "we");

    check_true(cert_path, out != NULL && PEM_write_X509(out, cert) == 1);
    if (forge->chain) {
        check_true(cert_path, fwrite(rest->items, 1, rest->len, out) == rest->len);
    }
    check_true(cert_path, fclose(out) == 0);
    out = fopen(key_path, "we");
    check_true(key_path, out != NULL &&
                             PEM_write_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
                             fclose(out) == 0 && chmod(key_path, 0600) == 0);
}

static void sign_by_other(const struct fleet *f, const struct forge *forge, EVP_PKEY *key)
{
    const char *by = forge->by == NULL ? "ca" : forge->by;
    MIG_AUTO(mig_free) char *issuer_cert = fleet_cert(f, by);
    MIG_AUTO(mig_free) char *issuer_key = fleet_key_file(f, by);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes pem = {0};
    FILE *in = fopen(issuer_key, "re");
    EVP_PKEY *signer = in != NULL ? PEM_read_PrivateKey(in, NULL, NULL, NULL) : NULL;
    struct mig_error err;
    BIO *bio;
    X509 *issuer, *cert;

    check_true(issuer_key, signer != NULL && fclose(in) == 0);
    check_done(issuer_cert, mig_file_read(issuer_cert, 1u << 20, &pem, &err), &err);
    bio = BIO_new_mem_buf(pem.items, (int)pem.len);
    issuer = PEM_read_bio_X509(bio, NULL, NULL, NULL);
    check_true(issuer_cert, issuer != NULL);
    cert = make_certificate(forge, issuer, key);
    check_true("signature", X509_sign(cert, signer, EVP_sha256()) > 0);
    write_files(f, forge, cert, key, &pem);
    X509_free(cert);
    X509_free(issuer);
    BIO_free(bio);
    EVP_PKEY_free(signer);
}

void forge_make(const struct fleet *f, const struct forge *forge)
{
    EVP_PKEY *key = make_key(forge->kind);

    if (forge->by != NULL && strcmp(forge->by, forge->name) == 0) {
        X509 *cert = make_certificate(forge, NULL, key);

        check_true("signature", X509_sign(cert, key, EVP_sha256()) > 0);
        write_files(f, forge, cert, key, NULL);
        X509_free(cert);
    } else {
        sign_by_other(f, forge, key);
    }
    EVP_PKEY_free(key);
}
