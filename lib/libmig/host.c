/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/now.h"
#include "base/text.h"
#include "libmig/failure.h"
#include "libmig/handles.h"
#include "seal/seal.h"
#include "snapshot/codec.h"
#include "snapshot/json.h"
#include "snapshot/stamp.h"

static struct libmig_host *give(const char *name, struct mig_snapshot *s,
                                enum libmig_evidence evidence, int64_t age_s)
{
    struct libmig_host *host = MIG_NEW(struct libmig_host);

    *host = (struct libmig_host){.snapshot = s, .evidence = evidence, .age_s = age_s};
    (void)snprintf(host->name, sizeof host->name, "%s", name);
    mig_text_make_printable(host->name);
    return host;
}

int libmig_host_open(const struct libmig_trust *trust, const void *sealed, size_t len,
                     const unsigned char *nonce, struct libmig_host **ret, struct libmig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    enum libmig_evidence evidence = LIBMIG_EVIDENCE_FILED;
    int64_t now = mig_now_unix();
    const char *refusal;
    struct mig_error why;

    if (!mig_seal_open(trust->trust, MIG_PAYLOAD_SNAPSHOT, sealed, len, &payload, &why) ||
        !mig_snapshot_decode(payload, &s, &why) ||
        !mig_stamp_check(&s->stamp, nonce, now, &refusal, &why)) {
        return mig_failure_tell(err, &why);
    }
    if (s->stamp.replayed) {
        evidence = LIBMIG_EVIDENCE_REPLAYED;
    } else if (nonce != NULL) {
        evidence = LIBMIG_EVIDENCE_LIVE;
    }
    *ret = give(s->stamp.host, s, evidence, mig_stamp_age(s, now));
    (void)mig_steal(&s);
    return mig_failure_none(err);
}

int libmig_host_read_unsigned(const char *name, const char *json, size_t len,
                              struct libmig_host **ret, struct libmig_error *err)
{
    struct mig_snapshot *s;
    struct mig_error why;

    if (!mig_snapshot_from_json(json, len, &s, &why)) {
        return mig_failure_tell(err, &why);
    }
    *ret = give(name, s, LIBMIG_EVIDENCE_UNSIGNED, -1);
    return mig_failure_none(err);
}

const char *libmig_host_name(const struct libmig_host *host)
{
    return host->name;
}

int libmig_host_evidence(const struct libmig_host *host)
{
    return (int)host->evidence;
}

int64_t libmig_host_age(const struct libmig_host *host)
{
    return host->age_s;
}

void libmig_host_free(struct libmig_host *host)
{
    if (host != NULL) {
        mig_snapshot_free(host->snapshot);
        mig_free(host);
    }
}
