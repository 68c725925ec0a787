/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/proof.h"

#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/budget.h"
#include "base/text.h"
#include "pact/contract.h"
#include "pact/pb_read.h"
#include "proof.pb-c.h"
#include "seal/seal.h"
#include "snapshot/codec.h"

/*
 * As the snapshot's decoder: a message within a memory budget, each field
 * checked by name, and at last the very same bytes when encoded again.
 */
#define UNPACK_BYTES_MAX (2u * 1024 * 1024)
#define ERRNO_MAX 4095

void mig_proof_clear(struct mig_proof *p)
{
    mig_proven_clear(&p->proven);
    *p = (struct mig_proof){0};
}

/* ---- what is asked ---- */

void mig_proof_ask(const struct mig_snapshot *shown, struct mig_bytes *ret)
{
    const struct mig_stamp nobody = {.table_version = shown->stamp.table_version};

    mig_snapshot_encode(shown, &nobody, ret);
}

void mig_proof_subject(const unsigned char *asked, size_t len, unsigned char ret[MIG_DIGEST_BYTES])
{
    mig_sha256(asked, len, ret);
}

bool mig_proof_read_ask(const unsigned char *bytes, size_t len, struct mig_snapshot **ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (!mig_snapshot_decode_untrusted(bytes, len, &s, err) || !mig_contract_check_shown(s, err) ||
        !mig_contract_check_stamp(&s->stamp, err)) {
        return mig_wrap(err, "register set");
    }
    *ret = mig_steal(&s);
    return true;
}

/* ---- encode ---- */

static void add_mismatches(const struct mig_proven *p, Migctl__V1__Proof *pb)
{
    pb->mismatches = mig_alloc(p->len, sizeof(Migctl__V1__Mismatch *));
    for (size_t i = 0; i < p->len; i++) {
        const struct mig_mismatch *from = &p->items[i];
        Migctl__V1__Mismatch *m = MIG_NEW(Migctl__V1__Mismatch);

        migctl__v1__mismatch__init(m);
        m->key = from->key;
        m->stage = (uint32_t)from->stage;
        m->errnum = (uint32_t)from->errnum;
        m->wanted = from->wanted;
        m->has_got = from->has_got;
        m->got = from->has_got ? from->got : 0;
        pb->mismatches[pb->n_mismatches++] = m;
    }
}

/* A message that owns all of its memory, so that the generated code frees it. */
static Migctl__V1__Proof *message_new(const struct mig_proof *p)
{
    Migctl__V1__Proof *pb = MIG_NEW(Migctl__V1__Proof);

    migctl__v1__proof__init(pb);
    pb->host = mig_strdup(p->host);
    pb->boot_id = mig_strdup(p->boot_id);
    pb->nonce = mig_pb_copy(p->nonce, sizeof p->nonce);
    pb->issued_at = p->issued_at;
    pb->expires_at = p->expires_at;
    pb->capability = mig_pb_copy(p->capability, sizeof p->capability);
    pb->subject = mig_pb_copy(p->subject, sizeof p->subject);
    pb->table_version = p->table_version;
    pb->outcome = (Migctl__V1__Outcome)p->proven.outcome;
    pb->stage = (uint32_t)p->proven.stage;
    pb->errnum = (uint32_t)p->proven.errnum;
    pb->ran = p->proven.ran;
    pb->compared = p->proven.compared;
    pb->vmm = mig_strdup(p->proven.vmm);
    add_mismatches(&p->proven, pb);
    return pb;
}

static void pack(const Migctl__V1__Proof *pb, struct mig_bytes *ret)
{
    ret->len = migctl__v1__proof__get_packed_size(pb);
    ret->items = mig_alloc(ret->len + 1, 1);
    (void)migctl__v1__proof__pack(pb, ret->items);
}

void mig_proof_encode(const struct mig_proof *p, struct mig_bytes *ret)
{
    Migctl__V1__Proof *pb = message_new(p);

    pack(pb, ret);
    migctl__v1__proof__free_unpacked(pb, NULL);
}

/* ---- decode ---- */

static bool read_step(const char *what, uint32_t stage, uint32_t errnum, enum mig_stage *ret_stage,
                      int *ret_errnum, struct mig_error *err)
{
    if (stage >= MIG_STAGE_COUNT) {
        return mig_fail(err, MIG_FORMAT, "%s: stage %u is none that we know", what, stage);
    }
    if (errnum > ERRNO_MAX) {
        return mig_fail(err, MIG_FORMAT, "%s: %u is no error number", what, errnum);
    }
    *ret_stage = (enum mig_stage)stage;
    *ret_errnum = (int)errnum;
    return true;
}

static bool read_mismatch(const Migctl__V1__Mismatch *pb, struct mig_proven *p,
                          struct mig_error *err)
{
    struct mig_mismatch m = {
        .key = pb->key, .has_got = pb->has_got, .wanted = pb->wanted, .got = pb->got};

    if (m.key != UINT64_MAX && m.key >> 56 >= MIG_SPACE_COUNT) {
        return mig_fail(err, MIG_FORMAT, "mismatch: %" PRIx64 " is no register", m.key);
    }
    if (!read_step("mismatch", pb->stage, pb->errnum, &m.stage, &m.errnum, err)) {
        return false;
    }
    if (p->len > 0) {
        const struct mig_mismatch *last = &p->items[p->len - 1];

        if (m.key < last->key || (m.key == last->key && m.stage < last->stage)) {
            return mig_fail(err, MIG_FORMAT, "mismatches are out of order");
        }
    }
    mig_proven_add(p, &m);
    return true;
}

/* A yes with a but is no yes, and a no names its place. */
static bool check_outcome(const struct mig_proven *p, struct mig_error *err)
{
    if (p->outcome == MIG_OUTCOME_HELD && (p->len > 0 || p->compared == 0)) {
        return mig_fail(err, MIG_FORMAT, "outcome 'held' beside %zu mismatches in %u words", p->len,
                        p->compared);
    }
    return p->outcome != MIG_OUTCOME_CONTRADICTED || p->len > 0 ||
           mig_fail(err, MIG_FORMAT, "outcome 'contradicted' without a mismatch");
}

static bool read_proven(const Migctl__V1__Proof *pb, struct mig_proven *p, struct mig_error *err)
{
    if ((unsigned)pb->outcome >= MIG_OUTCOME_COUNT) {
        return mig_fail(err, MIG_FORMAT, "outcome %d is none that we know", (int)pb->outcome);
    }
    p->outcome = (enum mig_outcome)pb->outcome;
    p->ran = pb->ran;
    p->compared = pb->compared;
    if (!mig_pb_text("vmm", pb->vmm, p->vmm, sizeof p->vmm, err)) {
        return false;
    }
    if (!read_step("outcome", pb->stage, pb->errnum, &p->stage, &p->errnum, err)) {
        return false;
    }
    if (pb->n_mismatches > MIG_MISMATCHES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d mismatches", MIG_MISMATCHES_MAX);
    }
    for (size_t i = 0; i < pb->n_mismatches; i++) {
        if (!read_mismatch(pb->mismatches[i], p, err)) {
            return false;
        }
    }
    return check_outcome(p, err);
}

static bool read_message(const Migctl__V1__Proof *pb, struct mig_proof *p, struct mig_error *err)
{
    p->issued_at = pb->issued_at;
    p->expires_at = pb->expires_at;
    p->table_version = pb->table_version;
    return mig_pb_text("host", pb->host, p->host, sizeof p->host, err) &&
           mig_pb_text("boot id", pb->boot_id, p->boot_id, sizeof p->boot_id, err) &&
           mig_pb_bytes("nonce", pb->nonce, p->nonce, sizeof p->nonce, err) &&
           mig_pb_bytes("capability digest", pb->capability, p->capability, sizeof p->capability,
                        err) &&
           mig_pb_bytes("subject", pb->subject, p->subject, sizeof p->subject, err) &&
           read_proven(pb, &p->proven, err);
}

/* Unknown fields of a message stay in it and come out again when it is packed. */
static bool is_canonical(const Migctl__V1__Proof *pb, const unsigned char *bytes, size_t len)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
    bool unknown = pb->base.n_unknown_fields > 0;

    for (size_t i = 0; i < pb->n_mismatches; i++) {
        unknown = unknown || pb->mismatches[i]->base.n_unknown_fields > 0;
    }
    if (unknown) {
        return false;
    }
    pack(pb, &again);
    return again.len == len && memcmp(again.items, bytes, len) == 0;
}

bool mig_proof_decode_untrusted(const unsigned char *bytes, size_t len, struct mig_proof *ret,
                                struct mig_error *err)
{
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};
    struct mig_budget budget = {UNPACK_BYTES_MAX};
    ProtobufCAllocator allocator = {mig_budget_alloc, mig_budget_free, &budget};
    Migctl__V1__Proof *pb;
    bool done;

    if (len > MIG_PROOF_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "proof: larger than %u bytes", MIG_PROOF_BYTES_MAX);
    }
    pb = migctl__v1__proof__unpack(&allocator, len, bytes);
    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "proof: truncated, or no proof message");
    }
    done = read_message(pb, &p, err) &&
           (is_canonical(pb, bytes, len) || mig_fail(err, MIG_FORMAT, "not in canonical form"));
    migctl__v1__proof__free_unpacked(pb, &allocator);
    if (!done) {
        return mig_wrap(err, "proof");
    }
    *ret = p;
    p = (struct mig_proof){0};
    return true;
}

static bool check_signer(const struct mig_payload *payload, const struct mig_proof *p,
                         struct mig_error *err)
{
    if (strcmp(p->host, payload->signer.name) != 0) {
        return mig_fail(err, MIG_TRUST, "proof of host '%s' is signed by '%s'", p->host,
                        payload->signer.name);
    }
    return (p->issued_at >= payload->valid_from && p->issued_at <= payload->valid_to) ||
           mig_fail(err, MIG_TRUST,
                    "proof of '%s' is of %" PRId64 ", its certificates are valid from %" PRId64
                    " to %" PRId64,
                    p->host, p->issued_at, payload->valid_from, payload->valid_to);
}

bool mig_proof_decode(const struct mig_payload *payload, struct mig_proof *ret,
                      struct mig_error *err)
{
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};

    if (payload->type != MIG_PAYLOAD_PROOF) {
        return mig_fail(err, MIG_TRUST, "the signed payload is no proof");
    }
    if (payload->signer.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "proof is signed by %s '%s', expected an agent",
                        mig_role_name(payload->signer.role), payload->signer.name);
    }
    if (!mig_proof_decode_untrusted(payload->bytes, payload->len, &p, err)) {
        return mig_wrap(err, "signed by '%s'", payload->signer.name);
    }
    if (!check_signer(payload, &p, err)) {
        return false;
    }
    *ret = p;
    p = (struct mig_proof){0};
    return true;
}
