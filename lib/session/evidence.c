/* SPDX-License-Identifier: Apache-2.0 */
#include "session/evidence.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/codec.h"
#include "snapshot/import.h"

/* What the snapshot is held against. */
struct expectation {
    const unsigned char *nonce; /* NULL: filed */
    const char *name;           /* "": any */
    int64_t now;
};

static bool refuse(struct mig_evidence *ret, const char *id)
{
    ret->refusal = id;
    return false;
}

const char *mig_evidence_refusal_of(enum mig_code code)
{
    switch (code) {
    case MIG_FORMAT:
    case MIG_LIMIT:
        return "trust/malformed";
    case MIG_TRUST:
        return "trust/unverified";
    case MIG_STALE:
        return "trust/stale";
    case MIG_REFUSED:
        return "trust/refused";
    case MIG_OK:
    case MIG_USAGE:
    case MIG_MISSING:
    case MIG_UNREACHABLE:
    case MIG_IO:
    case MIG_INTERNAL:
    case MIG_CODE_COUNT:
        break;
    }
    return "trust/missing";
}

static bool check(const struct mig_stamp *stamp, const struct expectation *expect,
                  struct mig_evidence *ret, struct mig_error *err)
{
    if (expect->name[0] != '\0' && strcmp(expect->name, stamp->host) != 0) {
        (void)mig_fail(err, MIG_TRUST, "is a snapshot of host '%s', expected host '%s'",
                       stamp->host, expect->name);
        return refuse(ret, "trust/wrong-host");
    }
    return mig_stamp_check(stamp, expect->nonce, expect->now, &ret->refusal, err);
}

static enum mig_evidence_kind kind_of(const struct mig_stamp *stamp, bool asked)
{
    if (stamp->replayed) {
        return MIG_EVIDENCE_REPLAYED;
    }
    return asked ? MIG_EVIDENCE_LIVE : MIG_EVIDENCE_FILED;
}

bool mig_evidence_open(const struct mig_trust *trust, const unsigned char *sealed, size_t len,
                       const unsigned char *nonce, const char *name, int64_t now,
                       struct mig_evidence *ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    const struct expectation expect = {nonce, name == NULL ? "" : name, now};
    struct mig_evidence e = {0};

    if (!mig_seal_open(trust, MIG_PAYLOAD_SNAPSHOT, sealed, len, &payload, err) ||
        !mig_snapshot_decode(payload, &s, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (!check(&s->stamp, &expect, ret, err)) {
        return false;
    }
    (void)snprintf(e.name, sizeof e.name, "%s", s->stamp.host);
    e.kind = kind_of(&s->stamp, nonce != NULL);
    e.age_s = mig_stamp_age(s, now);
    e.sealed_age_s = mig_stamp_since(&s->stamp, now);
    memcpy(e.digest, payload->digest, sizeof e.digest);
    e.snapshot = mig_steal(&s);
    e.sealed = mig_memdup(sealed, len);
    e.sealed_len = len;
    *ret = e;
    return true;
}

/* What the file is called is all that is known of its host. */
void mig_evidence_name_of_path(const char *path, char ret[MIG_NAME_MAX])
{
    const char *base = strrchr(path, '/');
    char *dot;

    base = base == NULL ? path : base + 1;
    if (strcmp(path, "-") == 0) {
        base = "stdin";
    }
    (void)snprintf(ret, MIG_NAME_MAX, "%s", base);
    dot = strrchr(ret, '.');
    if (dot != NULL && dot != ret) {
        *dot = '\0';
    }
    mig_text_make_printable(ret);
}

static bool read_unsigned(const char *path, const struct mig_bytes *file, int64_t now,
                          struct mig_evidence *ret, struct mig_error *err)
{
    struct mig_evidence e = {0};

    mig_evidence_name_of_path(path, e.name);
    if (!mig_import(e.name, (const char *)file->items, file->len, &e.snapshot, &e.format, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (e.snapshot->stamp.host[0] != '\0') {
        memcpy(e.name, e.snapshot->stamp.host, sizeof e.name);
    }
    e.kind = strcmp(e.format, "snapshot-json") == 0 ? MIG_EVIDENCE_UNSIGNED : MIG_EVIDENCE_FOREIGN;
    e.age_s = -1;
    if (e.snapshot->stamp.issued_at > 0 && now >= e.snapshot->stamp.issued_at) {
        e.age_s = now - e.snapshot->stamp.issued_at;
    }
    mig_sha256(file->items, file->len, e.digest);
    *ret = e;
    return true;
}

/* Said before trust is asked: it is the wrong file, whoever signed it. */
static bool check_type(const struct mig_bytes *file, struct mig_error *err)
{
    enum mig_payload_type type;

    return !mig_seal_peek(file->items, file->len, &type) || type != MIG_PAYLOAD_CONTRACT ||
           mig_fail(err, MIG_TRUST,
                    "is the contract of a guest, not a snapshot of a host: it goes with "
                    "--contract or 'migctl contract'");
}

bool mig_evidence_read(const struct mig_trust *trust, const char *path, int64_t now,
                       struct mig_evidence *ret, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes file = {0};
    const char *shown = strcmp(path, "-") == 0 ? "standard input" : path;

    if (!mig_file_read(path, MIG_IMPORT_BYTES_MAX, &file, err)) {
        return refuse(ret, mig_evidence_refusal_of(err->code));
    }
    if (!mig_seal_is_envelope(file.items, file.len)) {
        return read_unsigned(path, &file, now, ret, err) || mig_wrap(err, "%s", shown);
    }
    if (!check_type(&file, err)) {
        (void)mig_wrap(err, "%s", shown);
        return refuse(ret, "trust/unverified");
    }
    if (trust == NULL) {
        (void)mig_fail(err, MIG_USAGE,
                       "%s: is sealed, and only the fleet's CA can say by whom: "
                       "give --ca or set ca in migctl.conf",
                       shown);
        return refuse(ret, "trust/unverified");
    }
    return mig_evidence_open(trust, file.items, file.len, NULL, NULL, now, ret, err) ||
           mig_wrap(err, "%s", shown);
}

const char *mig_evidence_kind_name(enum mig_evidence_kind kind)
{
    switch (kind) {
    case MIG_EVIDENCE_NONE:
        return "none";
    case MIG_EVIDENCE_LIVE:
        return "live";
    case MIG_EVIDENCE_FILED:
        return "filed";
    case MIG_EVIDENCE_REPLAYED:
        return "replayed";
    case MIG_EVIDENCE_UNSIGNED:
        return "unsigned";
    case MIG_EVIDENCE_FOREIGN:
        return "foreign";
    }
    MIG_ASSERT(false);
}

void mig_evidence_clear(struct mig_evidence *e)
{
    mig_snapshot_free(e->snapshot);
    mig_free(e->sealed);
    *e = (struct mig_evidence){0};
}
