/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/now.h"
#include "libmig/failure.h"
#include "libmig/handles.h"
#include "seal/seal.h"
#include "snapshot/stamp.h"

static struct libmig_contract *give(struct mig_contract *c, enum libmig_evidence evidence)
{
    struct libmig_contract *ret = MIG_NEW(struct libmig_contract);

    *ret = (struct libmig_contract){c, evidence};
    return ret;
}

static bool check_future(const struct mig_contract *c, int64_t now, struct mig_error *err)
{
    int64_t since = mig_contract_held_since(c),
            at = c->recorded_at > since ? c->recorded_at : since;

    return at <= now || at - now <= MIG_CLOCK_SKEW_S ||
           mig_fail(err, MIG_STALE,
                    "recorded %" PRId64 " s in the future: clock skew between this host and %s",
                    at - now, mig_contract_holder(c));
}

static bool open_sealed(const struct mig_trust *trust, const void *sealed, size_t len,
                        struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (!mig_seal_open(trust, MIG_PAYLOAD_CONTRACT, sealed, len, &payload, err) ||
        !mig_contract_decode(payload, &c, err) || !check_future(c, mig_now_unix(), err)) {
        return false;
    }
    *ret = mig_steal(&c);
    return true;
}

int libmig_contract_open(const struct libmig_trust *trust, const void *sealed, size_t len,
                         struct libmig_contract **ret, struct libmig_error *err)
{
    struct mig_contract *c;
    struct mig_error why;

    if (!open_sealed(trust->trust, sealed, len, &c, &why)) {
        return mig_failure_tell(err, &why);
    }
    *ret = give(c, LIBMIG_EVIDENCE_FILED);
    return mig_failure_none(err);
}

int libmig_contract_open_file(const struct libmig_trust *trust, const char *path,
                              struct libmig_contract **ret, struct libmig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    struct mig_contract *c;
    struct mig_error why;

    if (!mig_file_read(path, MIG_SEALED_MAX, &file, &why)) {
        return mig_failure_tell(err, &why);
    }
    if (!open_sealed(trust->trust, file.items, file.len, &c, &why)) {
        (void)mig_wrap(&why, "%s", path);
        return mig_failure_tell(err, &why);
    }
    *ret = give(c, LIBMIG_EVIDENCE_FILED);
    return mig_failure_none(err);
}

int libmig_contract_read_unsigned(const char *json, size_t len, struct libmig_contract **ret,
                                  struct libmig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    struct mig_error why;

    if (!mig_contract_from_json(json, len, &c, &why) || !check_future(c, mig_now_unix(), &why)) {
        return mig_failure_tell(err, &why);
    }
    *ret = give(mig_steal(&c), LIBMIG_EVIDENCE_UNSIGNED);
    return mig_failure_none(err);
}

int libmig_contract_expect(const struct libmig_contract *contract, const char *vm,
                           const char *instance, struct libmig_error *err)
{
    const struct mig_contract *c = contract->contract;

    if (strcmp(c->vm, vm) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_GUEST, "contract is of guest '%s', not of '%s'",
                               c->vm, vm);
    }
    if (instance != NULL && strcmp(c->instance, instance) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_GUEST,
                               "contract of guest '%s' is of instance '%s', not of '%s': a power "
                               "cycle voids it",
                               vm, c->instance, instance);
    }
    return mig_failure_none(err);
}

int libmig_contract_payload(const struct libmig_contract *contract, unsigned char **ret,
                            size_t *ret_len, struct libmig_error *err)
{
    struct mig_bytes bytes = {0};
    struct mig_error why;

    if (!mig_contract_check(contract->contract, &why)) {
        (void)mig_wrap(&why, "contract");
        return mig_failure_tell(err, &why);
    }
    mig_contract_encode(contract->contract, &bytes);
    *ret = bytes.items;
    *ret_len = bytes.len;
    return mig_failure_none(err);
}

char *libmig_contract_json(const struct libmig_contract *contract)
{
    return mig_contract_to_json(contract->contract);
}

const char *libmig_contract_vm(const struct libmig_contract *contract)
{
    return contract->contract->vm;
}

const char *libmig_contract_instance(const struct libmig_contract *contract)
{
    return contract->contract->instance;
}

const char *libmig_contract_holder(const struct libmig_contract *contract)
{
    return mig_contract_holder(contract->contract);
}

int64_t libmig_contract_recorded_at(const struct libmig_contract *contract)
{
    return contract->contract->recorded_at;
}

const char *libmig_contract_fact(const struct libmig_contract *contract, const char *name)
{
    return mig_snapshot_fact(contract->contract->shown, name);
}

int libmig_contract_evidence(const struct libmig_contract *contract)
{
    return (int)contract->evidence;
}

void libmig_contract_free(struct libmig_contract *contract)
{
    if (contract != NULL) {
        mig_contract_free(contract->contract);
        mig_free(contract);
    }
}
