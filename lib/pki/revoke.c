/* SPDX-License-Identifier: Apache-2.0 */
#include "pki/revoke.h"

#include <openssl/x509v3.h>
#include <string.h>
#include <unistd.h>

#include "base/alloc.h"
#include "pki/folder.h"
#include "seal/crypto_error.h"

MIG_AUTO_DEFINE(X509_CRL_free, X509_CRL *);
MIG_AUTO_DEFINE(ASN1_TIME_free, ASN1_TIME *);
MIG_AUTO_DEFINE(ASN1_INTEGER_free, ASN1_INTEGER *);

static X509_CRL *crl_new(const struct mig_authority *ca)
{
    X509_CRL *crl = X509_CRL_new();
    X509V3_CTX ctx;
    X509_EXTENSION *ext;

    MIG_ASSERT(crl != NULL);
    X509V3_set_ctx(&ctx, ca->cert, NULL, NULL, crl, 0);
    ext = X509V3_EXT_conf_nid(NULL, &ctx, NID_authority_key_identifier, "keyid:always");
    if (X509_CRL_set_version(crl, X509_CRL_VERSION_2) != 1 ||
        X509_CRL_set_issuer_name(crl, X509_get_subject_name(ca->cert)) != 1 ||
        (ext != NULL && X509_CRL_add_ext(crl, ext, -1) != 1)) {
        X509_CRL_free(crl);
        crl = NULL;
    }
    X509_EXTENSION_free(ext);
    return crl;
}

/* Lists of one authority are numbered, RFC 5280 section 5.2.3. */
static bool count_up(X509_CRL *crl)
{
    MIG_AUTO(ASN1_INTEGER_free)
    ASN1_INTEGER *number = X509_CRL_get_ext_d2i(crl, NID_crl_number, NULL, NULL);
    int64_t last = 0;

    if (number == NULL) {
        number = ASN1_INTEGER_new();
    } else if (ASN1_INTEGER_get_int64(&last, number) != 1) {
        return false;
    }
    return ASN1_INTEGER_set_int64(number, last + 1) == 1 &&
           X509_CRL_add1_ext_i2d(crl, NID_crl_number, number, 0, X509V3_ADD_REPLACE) == 1;
}

static bool finish(const char *dir, X509_CRL *crl, const struct mig_authority *ca, int64_t now,
                   struct mig_error *err)
{
    MIG_AUTO(ASN1_TIME_free) ASN1_TIME *when = ASN1_TIME_set(NULL, now);

    if (when == NULL || X509_CRL_set1_lastUpdate(crl, when) != 1 ||
        X509_CRL_set1_nextUpdate(crl, X509_get0_notAfter(ca->cert)) != 1 || !count_up(crl) ||
        X509_CRL_sort(crl) != 1 ||
        X509_CRL_sign(crl, ca->key, mig_authority_digest(ca->key)) == 0) {
        return mig_crypto_fail(err, MIG_INTERNAL, "%s: cannot make a revocation list", dir);
    }
    return mig_folder_write_crl(dir, crl, err);
}

static bool begin_list(const char *dir, const struct mig_authority *ca, X509_CRL **ret,
                       struct mig_error *err)
{
    *ret = crl_new(ca);
    return *ret != NULL ||
           mig_crypto_fail(err, MIG_INTERNAL, "%s: cannot make a revocation list", dir);
}

bool mig_revoke_begin(const char *dir, int64_t now, struct mig_error *err)
{
    MIG_AUTO(mig_authority_clear) struct mig_authority ca = {0};
    MIG_AUTO(X509_CRL_free) X509_CRL *crl = NULL;

    return mig_crypto_drain(mig_folder_authority(dir, &ca, err) &&
                            begin_list(dir, &ca, &crl, err) && finish(dir, crl, &ca, now, err));
}

/* Adding to a list that another authority signed would bless it. */
static bool load_list(const char *dir, const struct mig_authority *ca, X509_CRL **ret,
                      struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = mig_folder_crl(dir);
    MIG_AUTO(mig_crls_free) STACK_OF(X509_CRL) *crls = NULL;

    if (access(path, F_OK) != 0) {
        return begin_list(dir, ca, ret, err);
    }
    if (!mig_pem_crls(path, &crls, err)) {
        return false;
    }
    if (sk_X509_CRL_num(crls) != 1 || X509_CRL_verify(sk_X509_CRL_value(crls, 0), ca->key) != 1) {
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_TRUST, "%s: expected one list, signed by the authority in %s",
                        path, dir);
    }
    *ret = sk_X509_CRL_shift(crls);
    return true;
}

static bool load_victim(const char *dir, const char *name, const struct mig_authority *ca,
                        X509 **ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = mig_folder_cert(dir, name);
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;

    if (!mig_identity_name_is_valid(name) || strcmp(name, MIG_FOLDER_CA) == 0) {
        return mig_fail(err, MIG_USAGE, "%s: not of an identity", path);
    }
    if (!mig_pem_certificates(path, MIG_CHAIN_MAX, &certs, err)) {
        return false;
    }
    if (X509_verify(sk_X509_value(certs, 0), ca->key) != 1) {
        (void)mig_crypto_drain(true);
        return mig_fail(err, MIG_TRUST, "%s: not from the authority in %s", path, dir);
    }
    *ret = sk_X509_shift(certs);
    return true;
}

static bool add_entry(X509_CRL *crl, X509 *cert, int64_t now)
{
    MIG_AUTO(ASN1_TIME_free) ASN1_TIME *when = ASN1_TIME_set(NULL, now);
    X509_REVOKED *entry = X509_REVOKED_new();

    if (when == NULL || entry == NULL ||
        X509_REVOKED_set_serialNumber(entry, X509_get_serialNumber(cert)) != 1 ||
        X509_REVOKED_set_revocationDate(entry, when) != 1 ||
        X509_CRL_add0_revoked(crl, entry) != 1) {
        X509_REVOKED_free(entry);
        return false;
    }
    return true;
}

bool mig_revoke_identity(const char *dir, const char *name, int64_t now, struct mig_error *err)
{
    MIG_AUTO(mig_authority_clear) struct mig_authority ca = {0};
    MIG_AUTO(X509_CRL_free) X509_CRL *crl = NULL;
    MIG_AUTO(X509_free) X509 *cert = NULL;
    X509_REVOKED *known = NULL;

    if (!mig_folder_authority(dir, &ca, err) || !load_victim(dir, name, &ca, &cert, err) ||
        !load_list(dir, &ca, &crl, err)) {
        return mig_crypto_drain(false);
    }
    if (X509_CRL_get0_by_cert(crl, &known, cert) == 1) {
        return mig_crypto_drain(true);
    }
    if (!add_entry(crl, cert, now)) {
        return mig_crypto_fail(err, MIG_INTERNAL, "%s: cannot make a revocation list", dir);
    }
    return mig_crypto_drain(finish(dir, crl, &ca, now, err));
}
