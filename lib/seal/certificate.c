/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/certificate.h"

#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/algorithm.h"
#include "seal/crypto_error.h"
#include "seal/seal.h"

/* Longer names are cut: they come from peers and go into one line. */
#define NAME_SHOWN 120

MIG_AUTO_DEFINE(GENERAL_NAMES_free, GENERAL_NAMES *);
MIG_AUTO_DEFINE(BIO_vfree, BIO *);

bool mig_certificate_parse(const unsigned char *der, size_t len, X509 **ret, struct mig_error *err)
{
    MIG_AUTO(X509_free) X509 *cert = NULL;
    const unsigned char *p = der;

    if (len > MIG_CERTIFICATE_MAX) {
        return mig_fail(err, MIG_LIMIT, "certificate has %zu bytes, more than %u", len,
                        MIG_CERTIFICATE_MAX);
    }
    cert = d2i_X509(NULL, &p, (long)len);
    if (cert == NULL) {
        return mig_crypto_fail(err, MIG_FORMAT, "certificate is damaged");
    }
    if (p != der + len) {
        return mig_fail(err, MIG_FORMAT, "certificate is damaged: %zu bytes too many",
                        (size_t)(der + len - p));
    }
    *ret = mig_steal(&cert);
    return true;
}

char *mig_certificate_name_text(const X509_NAME *name)
{
    MIG_AUTO(BIO_vfree) BIO *out = BIO_new(BIO_s_mem());
    char *text, *bytes = NULL;
    long len;

    MIG_ASSERT(out != NULL);
    (void)X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
    len = BIO_get_mem_data(out, &bytes);
    text = mig_strndup(len > 0 ? bytes : "", len > NAME_SHOWN ? NAME_SHOWN : (size_t)len);
    mig_text_make_printable(text);
    return text;
}

char *mig_certificate_subject(const X509 *cert)
{
    return mig_certificate_name_text(X509_get_subject_name(cert));
}

char *mig_certificate_issuer(const X509 *cert)
{
    return mig_certificate_name_text(X509_get_issuer_name(cert));
}

/* The URI when @name is one of ours, else NULL; a scheme in capitals is ours
 * too, so that it is refused rather than passed over. */
static char *identity_uri(const GENERAL_NAME *name)
{
    const ASN1_IA5STRING *uri = name->d.uniformResourceIdentifier;
    const char *text;
    size_t len;

    if (name->type != GEN_URI) {
        return NULL;
    }
    text = (const char *)ASN1_STRING_get0_data(uri);
    len = (size_t)ASN1_STRING_length(uri);
    if (len < 4 || strncasecmp(text, "mig:", 4) != 0) {
        return NULL;
    }
    /* A NUL inside would hide what stands behind it. */
    return memchr(text, '\0', len) == NULL ? mig_strndup(text, len) : mig_strdup("mig:?");
}

bool mig_certificate_identity(const X509 *cert, struct mig_identity *ret, struct mig_error *err)
{
    int found = 0;
    MIG_AUTO(GENERAL_NAMES_free)
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, &found, NULL);
    MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);
    MIG_AUTO(mig_free) char *uri = NULL;

    if (names == NULL && found != -1) {
        return mig_crypto_fail(err, MIG_TRUST, "certificate '%s': %s", subject,
                               found == -2 ? "two lists of alternative names"
                                           : "list of alternative names is damaged");
    }
    for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
        char *next = identity_uri(sk_GENERAL_NAME_value(names, i));

        if (next != NULL && uri != NULL) {
            mig_free(next);
            return mig_fail(err, MIG_TRUST, "certificate '%s' carries two identities", subject);
        }
        uri = next != NULL ? next : uri;
    }
    if (uri == NULL) {
        return mig_fail(err, MIG_TRUST,
                        "certificate '%s' carries no identity, expected one URI mig://ROLE/NAME "
                        "among its alternative names",
                        subject);
    }
    return mig_identity_parse(uri, ret, err) || mig_wrap(err, "certificate '%s'", subject);
}

bool mig_certificate_may_sign(X509 *cert, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);
    const EVP_PKEY *key = X509_get0_pubkey(cert);
    char kind[MIG_ALGORITHM_TEXT];

    if (key == NULL) {
        return mig_crypto_fail(err, MIG_TRUST, "certificate '%s' has no usable key", subject);
    }
    if (X509_check_ca(cert) != 0) {
        return mig_fail(err, MIG_TRUST, "certificate '%s' is an authority's and may not sign this",
                        subject);
    }
    if ((X509_get_key_usage(cert) & KU_DIGITAL_SIGNATURE) == 0) {
        return mig_fail(err, MIG_TRUST, "certificate '%s' may not make digital signatures",
                        subject);
    }
    if (mig_algorithm_of(key) == NULL) {
        mig_algorithm_describe(key, kind);
        return mig_fail(err, MIG_TRUST,
                        "certificate '%s' has a key of kind '%s', expected ECDSA P-256 or P-384, "
                        "Ed25519 or RSA of 3072 to 4096 bits",
                        subject, kind);
    }
    return true;
}

static bool to_unix(const ASN1_TIME *when, int64_t *ret)
{
    struct tm tm = {0};

    if (ASN1_TIME_to_tm(when, &tm) != 1) {
        return false;
    }
    *ret = timegm(&tm);
    return true;
}

bool mig_certificate_validity(const X509 *cert, int64_t *ret_from, int64_t *ret_to,
                              struct mig_error *err)
{
    int64_t from, to;

    if (!to_unix(X509_get0_notBefore(cert), &from) || !to_unix(X509_get0_notAfter(cert), &to)) {
        MIG_AUTO(mig_free) char *subject = mig_certificate_subject(cert);

        return mig_crypto_fail(err, MIG_TRUST, "certificate '%s' has a damaged validity", subject);
    }
    *ret_from = from;
    *ret_to = to;
    return true;
}

void mig_certificate_key_id(X509 *cert, unsigned char ret[32])
{
    unsigned char *der = NULL;
    int len = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);

    MIG_ASSERT(len > 0);
    mig_sha256(der, (size_t)len, ret);
    OPENSSL_free(der);
}
