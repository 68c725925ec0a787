/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/tls_trouble.h"

#include <arpa/inet.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/now.h"
#include "base/text.h"
#include "wire/tls.h"

#define DATE_TEXT 32
#define NAME_TEXT 128
/* Names of a certificate that are shown; the rest would not help. */
#define NAMES_SHOWN 8

struct row {
    int number;
    const char *text;
};

static const struct row refusals[] = {
#define REFUSAL(alert, text) {alert, text},
#include "wire/tls_trouble.def"
};
static const struct row alerts[] = {
#define ALERT(alert, text) {alert, text},
#include "wire/tls_trouble.def"
};
static const struct row reasons[] = {
#define REASON(reason, text) {reason, text},
#include "wire/tls_trouble.def"
};

static const char *find(const struct row *rows, size_t len, int number)
{
    for (size_t i = 0; i < len; i++) {
        if (rows[i].number == number) {
            return rows[i].text;
        }
    }
    return NULL;
}

static const char *queue_text(void)
{
    const char *text = ERR_reason_error_string(ERR_peek_last_error());

    return text != NULL ? text : "no reason given";
}

bool mig_tls_trouble(struct mig_error *err, enum mig_code code, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    (void)mig_fail(err, code, "%s: %s", text, queue_text());
    ERR_clear_error();
    return false;
}

/* ---- pieces of certificates as text ---- */

static void date_format(const struct tm *tm, char ret[DATE_TEXT])
{
    (void)strftime(ret, DATE_TEXT, "%Y-%m-%d %H:%M:%S UTC", tm);
}

static void date_of(const ASN1_TIME *t, char ret[DATE_TEXT])
{
    struct tm tm;

    if (t != NULL && ASN1_TIME_to_tm(t, &tm) == 1) {
        date_format(&tm, ret);
    } else {
        (void)snprintf(ret, DATE_TEXT, "an unreadable date");
    }
}

static void date_now(char ret[DATE_TEXT])
{
    time_t now = mig_now_unix();
    struct tm tm;

    (void)gmtime_r(&now, &tm);
    date_format(&tm, ret);
}

/* The common name, or the whole name when there is none. */
static void name_of(const X509_NAME *name, char ret[NAME_TEXT])
{
    if (X509_NAME_get_text_by_NID(name, NID_commonName, ret, NAME_TEXT) <= 0) {
        (void)X509_NAME_oneline(name, ret, NAME_TEXT);
    }
    mig_text_make_printable(ret);
}

static void add_ip(struct mig_text *t, const ASN1_OCTET_STRING *ip)
{
    int family = ASN1_STRING_length(ip) == 4 ? AF_INET : AF_INET6;
    char text[INET6_ADDRSTRLEN] = "?";

    if (ASN1_STRING_length(ip) == 4 || ASN1_STRING_length(ip) == 16) {
        (void)inet_ntop(family, ASN1_STRING_get0_data(ip), text, sizeof text);
    }
    mig_text_add(t, text);
}

/* "alpha.example, 10.0.0.1, mig://agent/alpha" */
static char *names_of(const X509 *cert)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    struct mig_text t = {0};
    int shown = 0;

    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names) && shown < NAMES_SHOWN; i++) {
        int type;
        const ASN1_STRING *value = GENERAL_NAME_get0_value(sk_GENERAL_NAME_value(names, i), &type);

        if (type != GEN_DNS && type != GEN_URI && type != GEN_IPADD) {
            continue;
        }
        mig_text_add(&t, shown++ > 0 ? ", " : "");
        if (type == GEN_IPADD) {
            add_ip(&t, value);
        } else {
            mig_text_addf(&t, "%.*s", ASN1_STRING_length(value), ASN1_STRING_get0_data(value));
        }
    }
    GENERAL_NAMES_free(names);
    if (shown == 0) {
        mig_text_add(&t, "no name at all");
    }
    mig_text_make_printable(t.items);
    return t.items;
}

/* ---- the queue ---- */

/* The dates of our own certificate are most of the answer. */
static bool refused(const struct mig_tls *tls, const struct ssl_st *ssl, const char *why,
                    struct mig_error *err)
{
    const X509 *ours = SSL_get_certificate(ssl);
    char from[DATE_TEXT], to[DATE_TEXT], issuer[NAME_TEXT];

    MIG_ASSERT(ours != NULL);
    date_of(X509_get0_notBefore(ours), from);
    date_of(X509_get0_notAfter(ours), to);
    name_of(X509_get_issuer_name(ours), issuer);
    return mig_fail(err, MIG_REFUSED,
                    "peer refused our certificate: %s (%s, issued by '%s', valid %s to %s)", why,
                    mig_tls_cert_file(tls), issuer, from, to);
}

bool mig_tls_trouble_of_queue(const struct mig_tls *tls, const struct ssl_st *ssl,
                              struct mig_error *err)
{
    int reason = ERR_GET_REASON(ERR_peek_last_error());
    int alert = reason - SSL_AD_REASON_OFFSET;
    const char *text = find(refusals, MIG_COUNT(refusals), alert);

    if (text != NULL) {
        ERR_clear_error();
        return refused(tls, ssl, text, err);
    }
    if (reason == SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE) {
        ERR_clear_error();
        return mig_fail(err, MIG_TRUST, "peer showed no certificate");
    }
    text = find(alerts, MIG_COUNT(alerts), alert);
    if (text == NULL) {
        text = find(reasons, MIG_COUNT(reasons), reason);
    }
    if (text == NULL) {
        return mig_tls_trouble(err, MIG_UNREACHABLE, "TLS failed");
    }
    ERR_clear_error();
    return mig_fail(err, MIG_UNREACHABLE, "%s", text);
}

/* ---- the chain ---- */

/* What the messages below speak of. */
struct chain {
    const struct mig_tls *tls;
    X509_STORE_CTX *store;
    const X509 *cert;
    const char *subject; /* "certificate of 127.0.0.1:7443" */
    char issuer[NAME_TEXT];
};

static bool of_dates(const struct chain *c, int code, struct mig_error *err)
{
    char date[DATE_TEXT], now[DATE_TEXT];

    date_now(now);
    if (code == X509_V_ERR_CERT_HAS_EXPIRED) {
        date_of(X509_get0_notAfter(c->cert), date);
        return mig_fail(err, MIG_TRUST, "%s expired on %s (clock of this host: %s)", c->subject,
                        date, now);
    }
    date_of(X509_get0_notBefore(c->cert), date);
    return mig_fail(err, MIG_TRUST, "%s is not valid before %s (clock of this host: %s)",
                    c->subject, date, now);
}

static bool of_names(const struct chain *c, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *names = names_of(c->cert);
    X509_VERIFY_PARAM *param = X509_STORE_CTX_get0_param(c->store);
    const char *host = X509_VERIFY_PARAM_get0_host(param, 0);
    char *ip = X509_VERIFY_PARAM_get1_ip_asc(param);

    (void)mig_fail(err, MIG_TRUST, "%s is for %s, not for %s", c->subject, names,
                   ip != NULL ? ip : (host != NULL ? host : "?"));
    OPENSSL_free(ip);
    return false;
}

static bool of_revocation(const struct chain *c, int code, struct mig_error *err)
{
    const char *file = mig_tls_crl_file(c->tls);
    X509_CRL *crl = X509_STORE_CTX_get0_current_crl(c->store);
    char date[DATE_TEXT];

    if (code == X509_V_ERR_CERT_REVOKED) {
        return mig_fail(err, MIG_TRUST, "%s is revoked by '%s' in %s", c->subject, c->issuer, file);
    }
    if (code == X509_V_ERR_CRL_HAS_EXPIRED && crl != NULL) {
        date_of(X509_CRL_get0_nextUpdate(crl), date);
        return mig_fail(err, MIG_TRUST,
                        "%s can not be checked: revocation list of '%s' in %s expired on %s",
                        c->subject, c->issuer, file, date);
    }
    return mig_fail(err, MIG_TRUST, "%s can not be checked: no revocation list of '%s' in %s",
                    c->subject, c->issuer, file);
}

static bool of_code(const struct chain *c, int code, struct mig_error *err)
{
    switch (code) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
    case X509_V_ERR_CERT_NOT_YET_VALID:
        return of_dates(c, code, err);
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        return of_names(c, err);
    case X509_V_ERR_CERT_REVOKED:
    case X509_V_ERR_CRL_HAS_EXPIRED:
    case X509_V_ERR_UNABLE_TO_GET_CRL:
        return of_revocation(c, code, err);
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        return mig_fail(err, MIG_TRUST,
                        "%s is issued by '%s', which is not among the authorities in %s",
                        c->subject, c->issuer, mig_tls_ca_file(c->tls));
    case X509_V_ERR_CERT_SIGNATURE_FAILURE:
        return mig_fail(err, MIG_TRUST,
                        "%s names '%s' as its issuer, but is not signed by the one in %s",
                        c->subject, c->issuer, mig_tls_ca_file(c->tls));
    case X509_V_ERR_INVALID_PURPOSE:
        return mig_fail(err, MIG_TRUST, "%s is not meant for this use (extended key usage)",
                        c->subject);
    default:
        return mig_fail(err, MIG_TRUST, "%s: %s", c->subject, X509_verify_cert_error_string(code));
    }
}

bool mig_tls_trouble_of_chain(const struct mig_tls *tls, struct x509_store_ctx_st *store,
                              const char *where, struct mig_error *err)
{
    struct chain c = {.tls = tls, .store = store, .cert = X509_STORE_CTX_get_current_cert(store)};
    MIG_AUTO(mig_free) char *subject = NULL;
    char name[NAME_TEXT];

    if (c.cert == NULL) {
        return mig_fail(err, MIG_TRUST, "certificate of %s: %s", where,
                        X509_verify_cert_error_string(X509_STORE_CTX_get_error(store)));
    }
    name_of(X509_get_issuer_name(c.cert), c.issuer);
    name_of(X509_get_subject_name(c.cert), name);
    subject = X509_STORE_CTX_get_error_depth(store) == 0
                  ? mig_strf("certificate of %s", where)
                  : mig_strf("authority '%s' of the certificate of %s", name, where);
    c.subject = subject;
    return of_code(&c, X509_STORE_CTX_get_error(store), err);
}
