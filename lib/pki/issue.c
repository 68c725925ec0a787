/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/issue.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/alloc.h"
#include "base/text.h"
#include "pki/date.h"
#include "pki/folder.h"
#include "pki/revoke.h"
#include "seal/crypto_error.h"
#include "seal/seal.h"

#define SERIAL_BYTES 16
#define COMMON_NAME_MAX 64 /* X.520 */
#define DNS_NAME_MAX 253

MIG_AUTO_DEFINE(GENERAL_NAMES_free, GENERAL_NAMES *);

static bool set_serial(X509 *cert)
{
    unsigned char bytes[SERIAL_BYTES];
    BIGNUM *number;
    bool done;

    mig_random(bytes, sizeof bytes);
    number = BN_bin2bn(bytes, sizeof bytes, NULL);
    done = number != NULL && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(cert)) != NULL;
    BN_free(number);
    return done;
}

static bool set_times(X509 *cert, const struct mig_window *window)
{
    return ASN1_TIME_set(X509_getm_notBefore(cert), window->from) != NULL &&
           ASN1_TIME_set(X509_getm_notAfter(cert), window->to) != NULL;
}

/* Version 3 with everything but extensions and signature. */
static bool begin(const char *common_name, const struct mig_window *window, EVP_PKEY *key,
                  X509 **ret, struct mig_error *err)
{
    MIG_AUTO(X509_free) X509 *cert = X509_new();
    char short_name[COMMON_NAME_MAX + 1];

    MIG_ASSERT(cert != NULL);
    if (window->to <= window->from) {
        return mig_fail(err, MIG_USAGE, "a certificate must end after it begins");
    }
    /* Only for people; the identity is in the alternative names, uncut. */
    (void)snprintf(short_name, sizeof short_name, "%.*s", COMMON_NAME_MAX, common_name);
    if (X509_set_version(cert, X509_VERSION_3) != 1 || !set_serial(cert) ||
        !set_times(cert, window) || X509_set_pubkey(cert, key) != 1 ||
        X509_NAME_add_entry_by_NID(X509_get_subject_name(cert), NID_commonName, MBSTRING_UTF8,
                                   (const unsigned char *)short_name, -1, -1, 0) != 1) {
        return mig_crypto_fail(err, MIG_USAGE, "certificate for '%s'", short_name);
    }
    *ret = mig_steal(&cert);
    return true;
}

struct extension {
    int nid;
    const char *value;
};

static bool extend(X509 *cert, X509 *issuer, const struct extension *rows, size_t len)
{
    X509V3_CTX ctx;

    X509V3_set_ctx(&ctx, issuer, cert, NULL, NULL, 0);
    for (size_t i = 0; i < len; i++) {
        X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, &ctx, rows[i].nid, rows[i].value);
        bool added = ext != NULL && X509_add_ext(cert, ext, -1) == 1;

        X509_EXTENSION_free(ext);
        if (!added) {
            return false;
        }
    }
    return true;
}

static bool authority_certificate(const char *name, const struct mig_window *window, EVP_PKEY *key,
                                  X509 **ret, struct mig_error *err)
{
    static const struct extension rows[] = {
        {NID_basic_constraints,        "critical,CA:TRUE,pathlen:0"  },
        {NID_key_usage,                "critical,keyCertSign,cRLSign"},
        {NID_subject_key_identifier,   "hash"                        },
        {NID_authority_key_identifier, "keyid:always"                },
    };
    MIG_AUTO(X509_free) X509 *cert = NULL;

    if (!begin(name, window, key, &cert, err)) {
        return false;
    }
    if (X509_set_issuer_name(cert, X509_get_subject_name(cert)) != 1 ||
        !extend(cert, cert, rows, sizeof rows / sizeof *rows) ||
        X509_sign(cert, key, mig_authority_digest(key)) == 0) {
        return mig_crypto_fail(err, MIG_INTERNAL, "certificate for '%s'", name);
    }
    *ret = mig_steal(&cert);
    return true;
}

static bool check_authority_name(const char *name, struct mig_error *err)
{
    size_t len = strlen(name);

    for (size_t i = 0; i < len; i++) {
        if (name[i] < ' ' || name[i] > '~') {
            return mig_fail(err, MIG_USAGE,
                            "an authority's name has printable ASCII characters only");
        }
    }
    return (len > 0 && len <= COMMON_NAME_MAX) ||
           mig_fail(err, MIG_USAGE, "an authority's name has 1 to %d characters, got %zu",
                    COMMON_NAME_MAX, len);
}

bool mig_issue_authority(const char *dir, const char *name, const struct mig_window *window,
                         bool replace, struct mig_error *err)
{
    MIG_AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
    MIG_AUTO(X509_free) X509 *cert = NULL;

    if (!check_authority_name(name, err)) {
        return false;
    }
    /* Keys will lie here; the owner may open it up. */
    if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
        return mig_fail_errno(err, MIG_IO, "%s", dir);
    }
    if (!replace && !mig_folder_is_free(dir, MIG_FOLDER_CA, err)) {
        return false;
    }
    key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return mig_crypto_fail(err, MIG_INTERNAL, "cannot make a key");
    }
    return mig_crypto_drain(authority_certificate(name, window, key, &cert, err) &&
                            mig_folder_write_pair(dir, MIG_FOLDER_CA, cert, key, err) &&
                            mig_revoke_begin(dir, window->from, err));
}

bool mig_issue_authority_window(const char *dir, struct mig_window *ret, struct mig_error *err)
{
    MIG_AUTO(mig_authority_clear) struct mig_authority ca = {0};
    struct mig_window window;

    if (!mig_folder_authority(dir, &ca, err) ||
        !mig_certificate_validity(ca.cert, &window.from, &window.to, err)) {
        return mig_crypto_drain(false);
    }
    *ret = window;
    return mig_crypto_drain(true);
}

static bool is_dns_name(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= DNS_NAME_MAX && name[0] != '.' && name[0] != '-' &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") ==
               len &&
           strstr(name, "..") == NULL;
}

static bool add_name(GENERAL_NAMES *names, int type, const char *value)
{
    GENERAL_NAME *name = a2i_GENERAL_NAME(NULL, NULL, NULL, type, value, 0);

    if (name == NULL || sk_GENERAL_NAME_push(names, name) == 0) {
        GENERAL_NAME_free(name);
        return mig_crypto_drain(false);
    }
    return true;
}

static bool add_list(GENERAL_NAMES *names, int type, const char *list, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    char *rest = copy, *value;

    while ((value = strsep(&rest, ",")) != NULL) {
        if ((type == GEN_DNS && !is_dns_name(value)) || !add_name(names, type, value)) {
            mig_text_make_printable(value);
            return mig_fail(err, MIG_USAGE, "'%s' is not %s", value,
                            type == GEN_DNS ? "a DNS name" : "an IP address");
        }
    }
    return true;
}

static bool add_alternative_names(X509 *cert, const struct mig_leaf *leaf, struct mig_error *err)
{
    MIG_AUTO(GENERAL_NAMES_free) GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
    MIG_AUTO(mig_free) char *uri = mig_strf("mig://%s/%s", mig_role_name(leaf->role), leaf->name);
    bool nameless = leaf->dns == NULL && leaf->ip == NULL;

    MIG_ASSERT(names != NULL && add_name(names, GEN_URI, uri));
    if (leaf->role == MIG_ROLE_AGENT && nameless && is_dns_name(leaf->name)) {
        MIG_ASSERT(add_name(names, GEN_DNS, leaf->name));
    }
    if ((leaf->dns != NULL && !add_list(names, GEN_DNS, leaf->dns, err)) ||
        (leaf->ip != NULL && !add_list(names, GEN_IPADD, leaf->ip, err))) {
        return false;
    }
    return X509_add1_ext_i2d(cert, NID_subject_alt_name, names, 0, X509V3_ADD_DEFAULT) == 1 ||
           mig_crypto_fail(err, MIG_INTERNAL, "alternative names");
}

static bool leaf_certificate(const struct mig_authority *ca, const struct mig_leaf *leaf,
                             EVP_PKEY *key, X509 **ret, struct mig_error *err)
{
    /* Agents are connected to, and gates that take guests. */
    bool serves = leaf->role == MIG_ROLE_AGENT || leaf->role == MIG_ROLE_HOOK;
    const struct extension rows[] = {
        {NID_basic_constraints,        "critical,CA:FALSE"                            },
        {NID_key_usage,                "critical,digitalSignature"                    },
        {NID_ext_key_usage,            serves ? "serverAuth,clientAuth" : "clientAuth"},
        {NID_subject_key_identifier,   "hash"                                         },
        {NID_authority_key_identifier, "keyid:always"                                 },
    };
    MIG_AUTO(X509_free) X509 *cert = NULL;

    if (!begin(leaf->name, &leaf->window, key, &cert, err) ||
        !add_alternative_names(cert, leaf, err)) {
        return false;
    }
    if (X509_set_issuer_name(cert, X509_get_subject_name(ca->cert)) != 1 ||
        !extend(cert, ca->cert, rows, sizeof rows / sizeof *rows) ||
        X509_sign(cert, ca->key, mig_authority_digest(ca->key)) == 0) {
        return mig_crypto_fail(err, MIG_INTERNAL, "certificate for '%s'", leaf->name);
    }
    *ret = mig_steal(&cert);
    return true;
}

static bool check_leaf(const char *dir, const struct mig_leaf *leaf, const X509 *ca,
                       struct mig_error *err)
{
    struct mig_window limit;

    if (strcmp(leaf->name, MIG_FOLDER_CA) == 0) {
        return mig_fail(err, MIG_USAGE, "name '%s' would take the authority's own files",
                        leaf->name);
    }
    if (!mig_identity_name_is_valid(leaf->name)) {
        MIG_AUTO(mig_free) char *shown = mig_strndup(leaf->name, 128);

        mig_text_make_printable(shown);
        return mig_fail(err, MIG_USAGE,
                        "name '%s': expected letters, digits, '.', '-' or '_', starting with a "
                        "letter or digit",
                        shown);
    }
    if (!leaf->replace && !mig_folder_is_free(dir, leaf->name, err)) {
        return false;
    }
    if (!mig_certificate_validity(ca, &limit.from, &limit.to, err)) {
        return false;
    }
    if (leaf->window.to > limit.to) {
        char wanted[MIG_DATE_TEXT], end[MIG_DATE_TEXT];

        mig_date_format(leaf->window.to, wanted);
        mig_date_format(limit.to, end);
        return mig_fail(err, MIG_USAGE, "certificate until %s would outlive its authority (%s)",
                        wanted, end);
    }
    return true;
}

bool mig_issue_leaf(const char *dir, const struct mig_leaf *leaf, struct mig_error *err)
{
    MIG_AUTO(mig_authority_clear) struct mig_authority ca = {0};
    MIG_AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
    MIG_AUTO(X509_free) X509 *cert = NULL;

    if (!mig_folder_authority(dir, &ca, err) || !check_leaf(dir, leaf, ca.cert, err)) {
        return mig_crypto_drain(false);
    }
    key = EVP_EC_gen("P-256");
    if (key == NULL) {
        return mig_crypto_fail(err, MIG_INTERNAL, "cannot make a key");
    }
    return mig_crypto_drain(leaf_certificate(&ca, leaf, key, &cert, err) &&
                            mig_folder_write_pair(dir, leaf->name, cert, key, err));
}
