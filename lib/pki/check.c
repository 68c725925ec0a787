/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/check.h"

#include <openssl/x509v3.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/array.h"
#include "pki/date.h"
#include "pki/show.h"
#include "seal/crypto_error.h"
#include "seal/pem.h"
#include "seal/trust.h"

static const char trust_section[] = "trust";
static const char cert_section[] = "certificate";
static const char key_section[] = "key";

static void __attribute__((format(printf, 4, 5)))
say(struct mig_check *c, const char *section, enum mig_check_result result, const char *fmt, ...)
{
    struct mig_check_line *line = MIG_PUSH(c);
    struct mig_error text;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text.msg, sizeof text.msg, fmt, ap);
    va_end(ap);
    *line = (struct mig_check_line){result, section, mig_strdup(text.msg)};
}

/* @path may be NULL when @err names the file. */
static void fault(struct mig_check *c, const char *section, const char *path,
                  const struct mig_error *err)
{
    say(c, section, MIG_CHECK_FAIL, "%s%s%s", path != NULL ? path : "", path != NULL ? ": " : "",
        err->msg);
}

static enum mig_check_result judge_window(int64_t from, int64_t to, int64_t now)
{
    if (now < from || now > to) {
        return MIG_CHECK_FAIL;
    }
    return to - now < (int64_t)MIG_CHECK_WARN_DAYS * MIG_DAY_S ? MIG_CHECK_WARN : MIG_CHECK_PASS;
}

/* One line about the dates of @cert, called @what in @path.  @spare: another
 * one may take its place, so the end of this one stops nobody. */
static void check_dates(const char *section, const char *path, const char *what, X509 *cert,
                        bool spare, int64_t now, struct mig_check *c)
{
    MIG_AUTO(mig_text_clear) struct mig_text dates = {0};
    enum mig_check_result result;
    struct mig_error err;
    int64_t from, to;

    if (!mig_certificate_validity(cert, &from, &to, &err)) {
        fault(c, section, path, &err);
        return;
    }
    mig_show_window(from, to, now, &dates);
    result = judge_window(from, to, now);
    say(c, section, spare && result == MIG_CHECK_FAIL ? MIG_CHECK_WARN : result, "%s: %s, valid %s",
        path, what, dates.items);
}

static void check_authorities(const char *path, int64_t now, struct mig_check *c)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    struct mig_error err;

    if (!mig_pem_certificates(path, MIG_PEM_ITEMS_MAX, &certs, &err)) {
        fault(c, trust_section, NULL, &err);
        return;
    }
    for (int i = 0; i < sk_X509_num(certs); i++) {
        X509 *cert = sk_X509_value(certs, i);
        MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);
        MIG_AUTO(mig_free) char *what = mig_strf("authority '%s'", subject);

        check_dates(trust_section, path, what, cert, sk_X509_num(certs) > 1, now, c);
    }
}

/* TLS refuses everybody when a list is out of date. */
static void check_crls(const char *path, int64_t now, struct mig_check *c)
{
    MIG_AUTO(mig_crls_free) STACK_OF(X509_CRL) *crls = NULL;
    struct mig_error err;
    time_t at = now;

    if (!mig_pem_crls(path, &crls, &err)) {
        fault(c, trust_section, NULL, &err);
        return;
    }
    for (int i = 0; i < sk_X509_CRL_num(crls); i++) {
        X509_CRL *crl = sk_X509_CRL_value(crls, i);
        MIG_AUTO(mig_free) char *issuer = mig_certificate_name_text(X509_CRL_get_issuer(crl));
        const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);
        STACK_OF(X509_REVOKED) *rows = X509_CRL_get_REVOKED(crl);
        bool old = next != NULL && X509_cmp_time(next, &at) < 0;

        say(c, trust_section, old ? MIG_CHECK_FAIL : MIG_CHECK_PASS,
            "%s: revocation list of '%s' %s, %d revoked", path, issuer,
            old ? "is out of date" : "is current", rows == NULL ? 0 : sk_X509_REVOKED_num(rows));
    }
}

/* NULL after a line about it. */
static struct mig_trust *check_trust(const struct mig_check_files *files, int64_t now,
                                     struct mig_check *c)
{
    struct mig_trust *trust = NULL;
    size_t before = c->len;
    struct mig_error err;

    check_authorities(files->ca, now, c);
    if (files->crl != NULL) {
        check_crls(files->crl, now, c);
    }
    if (!mig_trust_load(files->ca, files->crl, &trust, &err) &&
        (c->len == before || mig_check_worst(c) != MIG_CHECK_FAIL)) {
        fault(c, trust_section, NULL, &err);
    }
    return trust;
}

static void check_use(const char *path, X509 *leaf, const struct mig_identity *id,
                      struct mig_check *c)
{
    uint32_t use = X509_get_extended_key_usage(leaf);
    bool agent = id->role == MIG_ROLE_AGENT;
    GENERAL_NAMES *names = X509_get_ext_d2i(leaf, NID_subject_alt_name, NULL, NULL);
    int reachable = 0;

    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        int type = sk_GENERAL_NAME_value(names, i)->type;

        reachable += type == GEN_DNS || type == GEN_IPADD ? 1 : 0;
    }
    GENERAL_NAMES_free(names);
    if ((use & XKU_SSL_CLIENT) == 0 || (agent && (use & XKU_SSL_SERVER) == 0)) {
        say(c, cert_section, MIG_CHECK_FAIL, "%s: extended key usage lacks %s", path,
            (use & XKU_SSL_CLIENT) == 0 ? "client authentication" : "server authentication");
    }
    if (id->role == MIG_ROLE_HOOK && (use & XKU_SSL_SERVER) == 0) {
        say(c, cert_section, MIG_CHECK_WARN,
            "%s: extended key usage lacks server authentication, so this hook can send guests and "
            "receive none",
            path);
    }
    if (agent && reachable == 0) {
        say(c, cert_section, MIG_CHECK_WARN,
            "%s: no DNS name or IP address, so nobody can connect to this agent by TCP", path);
    }
}

static void check_chain(const char *path, STACK_OF(X509) * certs, const struct mig_trust *trust,
                        struct mig_check *c)
{
    X509 *leaf = sk_X509_value(certs, 0);
    int64_t window[2];
    struct mig_error err;

    if (trust == NULL) {
        say(c, cert_section, MIG_CHECK_FAIL, "%s: not verified, no authority could be read", path);
    } else if (!mig_trust_verify(trust, leaf, certs, window, &err)) {
        fault(c, cert_section, path, &err);
    } else {
        MIG_AUTO(mig_free) char *issuer = mig_certificate_issuer(leaf);

        say(c, cert_section, MIG_CHECK_PASS, "%s: signed by '%s'", path, issuer);
    }
}

static X509 *check_certificate(const char *path, const struct mig_trust *trust, int64_t now,
                               struct mig_check *c)
{
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;
    struct mig_identity id;
    struct mig_error err;
    X509 *leaf;

    if (!mig_pem_certificates(path, MIG_CHAIN_MAX, &certs, &err)) {
        fault(c, cert_section, NULL, &err);
        return NULL;
    }
    leaf = sk_X509_value(certs, 0);
    if (mig_certificate_identity(leaf, &id, &err)) {
        say(c, cert_section, MIG_CHECK_PASS, "%s: identity %s %s", path, mig_role_name(id.role),
            id.name);
        check_use(path, leaf, &id, c);
    } else {
        fault(c, cert_section, path, &err);
    }
    if (!mig_certificate_may_sign(leaf, &err)) {
        fault(c, cert_section, path, &err);
    }
    check_dates(cert_section, path, "certificate", leaf, false, now, c);
    for (int i = 1; i < sk_X509_num(certs); i++) {
        check_dates(cert_section, path, "intermediate", sk_X509_value(certs, i), false, now, c);
    }
    check_chain(path, certs, trust, c);
    return sk_X509_shift(certs);
}

static void check_key(const char *path, const char *cert_path, X509 *leaf, struct mig_check *c)
{
    MIG_AUTO(EVP_PKEY_free) EVP_PKEY *key = NULL;
    struct mig_error err;

    if (!mig_pem_private_key(path, &key, &err)) {
        fault(c, key_section, NULL, &err);
    } else if (leaf != NULL && X509_check_private_key(leaf, key) != 1) {
        say(c, key_section, MIG_CHECK_FAIL, "%s: does not belong to the certificate in %s", path,
            cert_path);
    } else if (leaf == NULL) {
        say(c, key_section, MIG_CHECK_PASS, "%s: only its owner may read it", path);
    } else {
        say(c, key_section, MIG_CHECK_PASS, "%s: belongs to %s, only its owner may read it", path,
            cert_path);
    }
}

void mig_check_files(const struct mig_check_files *files, int64_t now, struct mig_check *ret)
{
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = check_trust(files, now, ret);
    MIG_AUTO(X509_free) X509 *leaf = check_certificate(files->cert, trust, now, ret);

    check_key(files->key, files->cert, leaf, ret);
    (void)mig_crypto_drain(true);
}

enum mig_check_result mig_check_worst(const struct mig_check *c)
{
    enum mig_check_result worst = MIG_CHECK_PASS;

    for (size_t i = 0; i < c->len; i++) {
        worst = c->items[i].result > worst ? c->items[i].result : worst;
    }
    return worst;
}

const char *mig_check_result_name(enum mig_check_result result)
{
    static const char *const names[] = {
        [MIG_CHECK_PASS] = "PASS", [MIG_CHECK_WARN] = "WARN", [MIG_CHECK_FAIL] = "FAIL"};

    return names[result];
}

void mig_check_clear(struct mig_check *c)
{
    for (size_t i = 0; i < c->len; i++) {
        mig_free(c->items[i].text);
    }
    mig_free(c->items);
    *c = (struct mig_check){0};
}
