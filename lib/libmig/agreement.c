/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/now.h"
#include "base/text.h"
#include "libmig/failure.h"
#include "libmig/handles.h"

int libmig_agreement_open(const struct libmig_trust *trust, const void *sealed, size_t len,
                          struct libmig_agreement **ret, struct libmig_error *err)
{
    /* Only read. */
    const struct mig_bytes bytes = {(unsigned char *)(uintptr_t)sealed, len};
    struct libmig_agreement *a;
    struct mig_agreement opened;
    struct mig_error why;

    if (!mig_agreement_open(trust->trust, &bytes, mig_now_unix(), &opened, &why)) {
        return mig_failure_tell(err, &why);
    }
    a = MIG_NEW(struct libmig_agreement);
    a->agreement = opened;
    mig_text_hex(opened.id, sizeof opened.id, a->id);
    *ret = a;
    return mig_failure_none(err);
}

/* NULL is any. */
static bool is_host(const char *expected, const struct mig_pledge *p)
{
    return expected == NULL || strcmp(expected, p->host) == 0;
}

int libmig_agreement_expect(const struct libmig_agreement *agreement,
                            const struct libmig_contract *contract, const char *source,
                            const char *destination, struct libmig_error *err)
{
    const struct mig_agreement *a = &agreement->agreement;
    unsigned char digest[MIG_DIGEST_BYTES];
    int status = libmig_contract_expect(contract, a->vm, a->instance, err);

    if (status != 0) {
        return status;
    }
    mig_contract_digest(contract->contract, digest);
    if (memcmp(digest, a->contract, sizeof digest) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_GUEST,
                               "the contract of guest '%s' is not the one that was agreed on",
                               a->vm);
    }
    if (!is_host(source, &a->source) || !is_host(destination, &a->destination)) {
        return mig_failure_say(err, LIBMIG_ERROR_TRUST,
                               "agreement is on a move from '%s' to '%s', not from '%s' to '%s'",
                               a->source.host, a->destination.host,
                               source != NULL ? source : a->source.host,
                               destination != NULL ? destination : a->destination.host);
    }
    return mig_failure_none(err);
}

const char *libmig_agreement_id(const struct libmig_agreement *agreement)
{
    return agreement->id;
}

const char *libmig_agreement_vm(const struct libmig_agreement *agreement)
{
    return agreement->agreement.vm;
}

const char *libmig_agreement_instance(const struct libmig_agreement *agreement)
{
    return agreement->agreement.instance;
}

const char *libmig_agreement_source(const struct libmig_agreement *agreement)
{
    return agreement->agreement.source.host;
}

const char *libmig_agreement_destination(const struct libmig_agreement *agreement)
{
    return agreement->agreement.destination.host;
}

int64_t libmig_agreement_expires_at(const struct libmig_agreement *agreement)
{
    return agreement->agreement.expires_at;
}

const char *libmig_agreement_data_path(const struct libmig_agreement *agreement)
{
    return mig_data_path_name(agreement->agreement.data_path);
}

void libmig_agreement_free(struct libmig_agreement *agreement)
{
    mig_free(agreement);
}
