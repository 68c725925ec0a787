/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/show.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "pki/date.h"
#include "seal/algorithm.h"
#include "seal/crypto_error.h"
#include "seal/pem.h"
#include "seal/seal.h"

MIG_AUTO_DEFINE(GENERAL_NAMES_free, GENERAL_NAMES *);

void mig_show_window(int64_t from, int64_t to, int64_t now, struct mig_text *ret)
{
    char first[MIG_DATE_TEXT], last[MIG_DATE_TEXT];

    mig_date_format(from, first);
    mig_date_format(to, last);
    mig_text_addf(ret, "from %s to %s (", first, last);
    if (now > to) {
        mig_text_addf(ret, "expired %lld days ago", (long long)((now - to) / MIG_DAY_S));
    } else if (now < from) {
        mig_text_addf(ret, "begins in %lld days", (long long)((from - now) / MIG_DAY_S));
    } else {
        mig_text_addf(ret, "%lld days left", (long long)((to - now) / MIG_DAY_S));
    }
    mig_text_add(ret, ")");
}

static void add_general_name(const GENERAL_NAME *name, struct mig_text *ret)
{
    const ASN1_STRING *value = name->d.ia5;
    MIG_AUTO(mig_free) char *text = NULL;
    char address[INET6_ADDRSTRLEN] = "?";

    switch (name->type) {
    case GEN_DNS:
    case GEN_URI:
    case GEN_EMAIL:
        text = mig_strndup((const char *)ASN1_STRING_get0_data(value),
                           (size_t)ASN1_STRING_length(value));
        mig_text_make_printable(text);
        mig_text_addf(ret, "%s %s",
                      name->type == GEN_DNS   ? "DNS"
                      : name->type == GEN_URI ? "URI"
                                              : "mail",
                      text);
        break;
    case GEN_IPADD:
        if (ASN1_STRING_length(value) == 4 || ASN1_STRING_length(value) == 16) {
            (void)inet_ntop(ASN1_STRING_length(value) == 4 ? AF_INET : AF_INET6,
                            ASN1_STRING_get0_data(value), address, sizeof address);
        }
        mig_text_addf(ret, "IP %s", address);
        break;
    default:
        mig_text_add(ret, "other");
        break;
    }
}

static void add_names(const X509 *cert, struct mig_text *ret)
{
    MIG_AUTO(GENERAL_NAMES_free)
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        mig_text_add(ret, i == 0 ? "" : ", ");
        add_general_name(sk_GENERAL_NAME_value(names, i), ret);
    }
    mig_text_add(ret, names == NULL ? "none" : "");
}

static void add_hex(const unsigned char *bytes, size_t len, struct mig_text *ret)
{
    for (size_t i = 0; i < len; i++) {
        mig_text_addf(ret, "%02x", bytes[i]);
    }
}

static void add_identity(X509 *cert, struct mig_text *ret)
{
    struct mig_identity id;
    struct mig_error err;

    if (mig_certificate_identity(cert, &id, &err)) {
        mig_text_addf(ret, "%s %s", mig_role_name(id.role), id.name);
    } else {
        mig_text_addf(ret, "none%s", X509_check_ca(cert) != 0 ? " (authority)" : "");
    }
}

static void add_certificate(X509 *cert, int64_t now, struct mig_text *ret)
{
    MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);
    MIG_AUTO(mig_free) char *issuer = mig_certificate_issuer(cert);
    const ASN1_INTEGER *serial = X509_get0_serialNumber(cert);
    const ASN1_OCTET_STRING *authority = X509_get0_authority_key_id(cert);
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    char kind[MIG_ALGORITHM_TEXT] = "unreadable";
    unsigned char print[EVP_MAX_MD_SIZE];
    unsigned print_len = 0;
    struct mig_error err;
    int64_t from = 0, to = 0;

    mig_text_addf(ret, "  subject      %s\n  identity     ", subject);
    add_identity(cert, ret);
    mig_text_add(ret, "\n  names        ");
    add_names(cert, ret);
    mig_text_add(ret, "\n  valid        ");
    if (mig_certificate_validity(cert, &from, &to, &err)) {
        mig_show_window(from, to, now, ret);
    } else {
        mig_text_add(ret, err.msg);
    }
    mig_text_addf(ret, "\n  issuer       %s", issuer);
    if (authority != NULL) {
        mig_text_add(ret, "\n  issuer key   ");
        add_hex(ASN1_STRING_get0_data(authority), (size_t)ASN1_STRING_length(authority), ret);
    }
    if (key != NULL) {
        mig_algorithm_describe(key, kind);
    }
    mig_text_addf(ret, "\n  key          %s\n  serial       ", kind);
    add_hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), ret);
    mig_text_add(ret, "\n  fingerprint  SHA-256 ");
    (void)X509_digest(cert, EVP_sha256(), print, &print_len);
    add_hex(print, print_len, ret);
    mig_text_add(ret, "\n");
}

static void add_crl(X509_CRL *crl, struct mig_text *ret)
{
    MIG_AUTO(mig_free) char *issuer = mig_certificate_name_text(X509_CRL_get_issuer(crl));
    STACK_OF(X509_REVOKED) *rows = X509_CRL_get_REVOKED(crl);

    mig_text_addf(ret, "  revoked by   %s\n  entries      %d\n", issuer,
                  rows == NULL ? 0 : sk_X509_REVOKED_num(rows));
    for (int i = 0; rows != NULL && i < sk_X509_REVOKED_num(rows); i++) {
        const ASN1_INTEGER *serial = X509_REVOKED_get0_serialNumber(sk_X509_REVOKED_value(rows, i));

        mig_text_add(ret, "  serial       ");
        add_hex(ASN1_STRING_get0_data(serial), (size_t)ASN1_STRING_length(serial), ret);
        mig_text_add(ret, "\n");
    }
}

bool mig_show_file(const char *path, int64_t now, struct mig_text *ret, struct mig_error *err)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    MIG_AUTO(mig_crls_free) STACK_OF(X509_CRL) *crls = NULL;
    struct mig_error other;

    if (!mig_pem_certificates(path, MIG_PEM_ITEMS_MAX, &certs, err) &&
        (err->code != MIG_FORMAT || !mig_pem_crls(path, &crls, &other))) {
        return mig_crypto_drain(false);
    }
    for (int i = 0; certs != NULL && i < sk_X509_num(certs); i++) {
        mig_text_addf(ret, "%s: certificate %d of %d\n", path, i + 1, sk_X509_num(certs));
        add_certificate(sk_X509_value(certs, i), now, ret);
    }
    for (int i = 0; crls != NULL && i < sk_X509_CRL_num(crls); i++) {
        mig_text_addf(ret, "%s: revocation list %d of %d\n", path, i + 1, sk_X509_CRL_num(crls));
        add_crl(sk_X509_CRL_value(crls, i), ret);
    }
    return mig_crypto_drain(true);
}
