/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <string.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "contract.pb-c.h"
#include "pact/contract.h"
#include "seal/seal.h"
#include "snapshot/codec.h"

/*
 * As the snapshot's decoder: a message within a memory budget, each field
 * checked by name, and at last the very same bytes when encoded again.
 */
#define UNPACK_BYTES_MAX (2u * 1024 * 1024)

static bool copy_text(const char *what, const char *text, char *ret, size_t size,
                      struct mig_error *err)
{
    size_t len = strlen(text);

    if (len >= size) {
        return mig_fail(err, MIG_LIMIT, "%s is longer than %zu characters", what, size - 1);
    }
    memcpy(ret, text, len + 1);
    return true;
}

static bool read_hops(const Migctl__V1__Contract *pb, struct mig_contract *c, struct mig_error *err)
{
    if (pb->n_hops > MIG_CONTRACT_HOPS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d hops", MIG_CONTRACT_HOPS_MAX);
    }
    c->hops = mig_alloc(pb->n_hops, sizeof *c->hops);
    for (size_t i = 0; i < pb->n_hops; i++) {
        struct mig_hop *hop = &c->hops[c->hops_len++];

        if (!copy_text("hop", pb->hops[i]->host, hop->host, sizeof hop->host, err)) {
            return false;
        }
        hop->at = pb->hops[i]->at;
    }
    return true;
}

static bool read_message(const Migctl__V1__Contract *pb, struct mig_contract *c,
                         struct mig_error *err)
{
    if (!copy_text("vm", pb->vm, c->vm, sizeof c->vm, err) ||
        !copy_text("instance", pb->instance, c->instance, sizeof c->instance, err) ||
        !copy_text("recorder", pb->recorder, c->recorder, sizeof c->recorder, err)) {
        return false;
    }
    c->recorded_at = pb->recorded_at;
    if (!read_hops(pb, c, err)) {
        return false;
    }
    return mig_snapshot_decode_untrusted(pb->shown.data, pb->shown.len, &c->shown, err) ||
           mig_wrap(err, "shown");
}

static bool has_unknown_fields(const Migctl__V1__Contract *pb)
{
    for (size_t i = 0; i < pb->n_hops; i++) {
        if (pb->hops[i]->base.n_unknown_fields > 0) {
            return true;
        }
    }
    return pb->base.n_unknown_fields > 0;
}

/* What @pb says has one encoding; that of its snapshot has been compared by
 * the snapshot's decoder, before it normalised the values. */
static bool is_canonical(const Migctl__V1__Contract *pb, const unsigned char *bytes, size_t len)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};

    if (has_unknown_fields(pb)) {
        return false;
    }
    again.len = migctl__v1__contract__get_packed_size(pb);
    again.items = mig_alloc(again.len + 1, 1);
    (void)migctl__v1__contract__pack(pb, again.items);
    return again.len == len && memcmp(again.items, bytes, len) == 0;
}

typedef bool check_fn(const struct mig_contract *c, struct mig_error *err);

static bool decode(const unsigned char *bytes, size_t len, check_fn *check,
                   struct mig_contract **ret, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    struct mig_budget budget = {UNPACK_BYTES_MAX};
    ProtobufCAllocator allocator = {mig_budget_alloc, mig_budget_free, &budget};
    Migctl__V1__Contract *pb;
    bool done;

    if (len > MIG_CONTRACT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "larger than %u bytes", MIG_CONTRACT_BYTES_MAX);
    }
    pb = migctl__v1__contract__unpack(&allocator, len, bytes);
    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "truncated, or no contract message");
    }
    c = MIG_NEW(struct mig_contract);
    done = read_message(pb, c, err) && check(c, err) &&
           (is_canonical(pb, bytes, len) || mig_fail(err, MIG_FORMAT, "not in canonical form"));
    migctl__v1__contract__free_unpacked(pb, &allocator);
    if (done) {
        *ret = mig_steal(&c);
    }
    return done;
}

bool mig_contract_decode_untrusted(const unsigned char *bytes, size_t len,
                                   struct mig_contract **ret, struct mig_error *err)
{
    return decode(bytes, len, mig_contract_check, ret, err) || mig_wrap(err, "contract");
}

bool mig_contract_decode_unsigned(const unsigned char *bytes, size_t len, struct mig_contract **ret,
                                  struct mig_error *err)
{
    return decode(bytes, len, mig_contract_check_unsigned, ret, err) || mig_wrap(err, "contract");
}

static bool check_signer(const struct mig_payload *payload, const struct mig_contract *c,
                         struct mig_error *err)
{
    const char *signer = payload->signer.name, *holder = mig_contract_holder(c);
    int64_t since = mig_contract_held_since(c);

    if (strcmp(holder, signer) != 0) {
        return mig_fail(err, MIG_TRUST, "contract of a guest that %s '%s' is signed by '%s'",
                        c->hops_len > 0 ? "went to" : "was recorded by", holder, signer);
    }
    if (since < payload->valid_from || since > payload->valid_to) {
        return mig_fail(err, MIG_TRUST,
                        "contract of '%s' is of %" PRId64 ", its certificates are valid from "
                        "%" PRId64 " to %" PRId64,
                        signer, since, payload->valid_from, payload->valid_to);
    }
    return true;
}

bool mig_contract_decode(const struct mig_payload *payload, struct mig_contract **ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;

    if (payload->type != MIG_PAYLOAD_CONTRACT) {
        return mig_fail(err, MIG_TRUST, "the signed payload is no contract");
    }
    if (payload->signer.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "contract is signed by %s '%s', expected an agent",
                        mig_role_name(payload->signer.role), payload->signer.name);
    }
    if (!decode(payload->bytes, payload->len, mig_contract_check, &c, err)) {
        return mig_wrap(err, "contract signed by '%s'", payload->signer.name);
    }
    if (!check_signer(payload, c, err)) {
        return false;
    }
    *ret = mig_steal(&c);
    return true;
}
