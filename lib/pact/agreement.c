/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/agreement.h"

#include <inttypes.h>
#include <jansson.h>
#include <string.h>

#include "agreement.pb-c.h"
#include "base/alloc.h"
#include "base/budget.h"
#include "base/text.h"
#include "pact/pb_read.h"
#include "seal/seal.h"
#include "snapshot/node.h"

/*
 * As the snapshot's decoder: a message within a memory budget, each field
 * checked by name, and at last the very same bytes when encoded again.
 */
#define UNPACK_BYTES_MAX (64u * 1024)

static const char *const paths[MIG_DATA_PATH_COUNT] = {
    [MIG_DATA_TUNNEL] = "tunnel",
    [MIG_DATA_VMM_TLS] = "vmm-tls",
    [MIG_DATA_LOCAL] = "local",
};

const char *mig_data_path_name(enum mig_data_path path)
{
    MIG_ASSERT((unsigned)path < MIG_DATA_PATH_COUNT);
    return paths[path];
}

bool mig_data_path_parse(const char *word, enum mig_data_path *ret, struct mig_error *err)
{
    for (int i = 0; i < MIG_DATA_PATH_COUNT; i++) {
        if (strcmp(paths[i], word) == 0) {
            *ret = (enum mig_data_path)i;
            return true;
        }
    }
    return mig_fail(err, MIG_USAGE, "data-path: expected tunnel, vmm-tls or local, got '%.60s'",
                    word);
}

/* ---- rules ---- */

static bool check_host(const char *which, const struct mig_pledge *p, struct mig_error *err)
{
    return mig_identity_name_is_valid(p->host) ||
           mig_fail(err, MIG_FORMAT, "%s: '%s' is no host's name", which, p->host);
}

bool mig_agreement_check(const struct mig_agreement *a, struct mig_error *err)
{
    if (!mig_contract_id_is_valid(a->vm) || !mig_contract_id_is_valid(a->instance)) {
        return mig_fail(err, MIG_FORMAT,
                        "%s: expected 1 to 63 printable characters without space and slash",
                        mig_contract_id_is_valid(a->vm) ? "instance" : "vm");
    }
    if (!check_host("source", &a->source, err) ||
        !check_host("destination", &a->destination, err)) {
        return false;
    }
    if (strcmp(a->source.host, a->destination.host) == 0 && a->data_path != MIG_DATA_LOCAL) {
        return mig_fail(err, MIG_FORMAT, "source and destination are both '%s'", a->source.host);
    }
    if (a->issued_at <= 0 || a->expires_at <= a->issued_at ||
        a->expires_at - a->issued_at > MIG_AGREEMENT_LIFE_MAX_S) {
        return mig_fail(err, MIG_FORMAT,
                        "issued at %" PRId64 " and expires at %" PRId64
                        ", expected at most %d seconds between them",
                        a->issued_at, a->expires_at, MIG_AGREEMENT_LIFE_MAX_S);
    }
    return true;
}

bool mig_agreement_check_time(const struct mig_agreement *a, int64_t now, struct mig_error *err)
{
    if (now < a->issued_at - MIG_AGREEMENT_SKEW_S) {
        return mig_fail(err, MIG_STALE, "agreement is of the future, by %" PRId64 " seconds",
                        a->issued_at - now);
    }
    return now < a->expires_at || mig_fail(err, MIG_STALE,
                                           "agreement has expired, %" PRId64 " seconds ago: "
                                           "ask both hosts again",
                                           now - a->expires_at);
}

/* ---- encode ---- */

/* Borrows from @p. */
static void fill_party(const struct mig_pledge *p, Migctl__V1__Party *pb)
{
    migctl__v1__party__init(pb);
    pb->host = (char *)(uintptr_t)p->host;
    pb->evidence = (ProtobufCBinaryData){MIG_DIGEST_BYTES, (uint8_t *)(uintptr_t)p->evidence};
    pb->capability = (ProtobufCBinaryData){MIG_DIGEST_BYTES, (uint8_t *)(uintptr_t)p->capability};
    pb->policy = (ProtobufCBinaryData){MIG_DIGEST_BYTES, (uint8_t *)(uintptr_t)p->policy};
}

static void pack(const Migctl__V1__Agreement *pb, struct mig_bytes *ret)
{
    ret->len = migctl__v1__agreement__get_packed_size(pb);
    ret->items = mig_alloc(ret->len + 1, 1);
    (void)migctl__v1__agreement__pack(pb, ret->items);
}

void mig_agreement_encode(const struct mig_agreement *a, struct mig_bytes *ret)
{
    Migctl__V1__Agreement pb;
    Migctl__V1__Party source, destination;

    fill_party(&a->source, &source);
    fill_party(&a->destination, &destination);
    migctl__v1__agreement__init(&pb);
    pb.vm = (char *)(uintptr_t)a->vm;
    pb.instance = (char *)(uintptr_t)a->instance;
    pb.contract = (ProtobufCBinaryData){MIG_DIGEST_BYTES, (uint8_t *)(uintptr_t)a->contract};
    pb.source = &source;
    pb.destination = &destination;
    pb.nonce = (ProtobufCBinaryData){MIG_NONCE_BYTES, (uint8_t *)(uintptr_t)a->nonce};
    pb.issued_at = a->issued_at;
    pb.expires_at = a->expires_at;
    pb.data_path = (Migctl__V1__DataPath)a->data_path;
    pack(&pb, ret);
}

bool mig_agreement_seal(struct mig_agreement *a, const struct mig_key *key, struct mig_bytes *ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};

    if (!mig_agreement_check(a, err)) {
        return mig_wrap(err, "agreement");
    }
    mig_agreement_encode(a, &payload);
    mig_sha256(payload.items, payload.len, a->id);
    return mig_seal(key, MIG_PAYLOAD_AGREEMENT, payload.items, payload.len, ret, err);
}

/* ---- decode ---- */

static bool read_party(const char *which, const Migctl__V1__Party *pb, struct mig_pledge *p,
                       struct mig_error *err)
{
    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "%s is missing", which);
    }
    return (mig_pb_text("host", pb->host, p->host, sizeof p->host, err) &&
            mig_pb_bytes("evidence digest", pb->evidence, p->evidence, sizeof p->evidence, err) &&
            mig_pb_bytes("capability digest", pb->capability, p->capability, sizeof p->capability,
                         err) &&
            mig_pb_bytes("policy digest", pb->policy, p->policy, sizeof p->policy, err)) ||
           mig_wrap(err, "%s", which);
}

static bool read_message(const Migctl__V1__Agreement *pb, struct mig_agreement *a,
                         struct mig_error *err)
{
    if ((unsigned)pb->data_path >= MIG_DATA_PATH_COUNT) {
        return mig_fail(err, MIG_FORMAT, "data path %d is none that we know", (int)pb->data_path);
    }
    a->data_path = (enum mig_data_path)pb->data_path;
    a->issued_at = pb->issued_at;
    a->expires_at = pb->expires_at;
    return mig_pb_text("vm", pb->vm, a->vm, sizeof a->vm, err) &&
           mig_pb_text("instance", pb->instance, a->instance, sizeof a->instance, err) &&
           mig_pb_bytes("contract digest", pb->contract, a->contract, sizeof a->contract, err) &&
           read_party("source", pb->source, &a->source, err) &&
           read_party("destination", pb->destination, &a->destination, err) &&
           mig_pb_bytes("nonce", pb->nonce, a->nonce, sizeof a->nonce, err) &&
           mig_agreement_check(a, err);
}

/* What we know, encoded, is all that there is. */
static bool is_canonical(const struct mig_agreement *a, const unsigned char *bytes, size_t len)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};

    mig_agreement_encode(a, &again);
    return again.len == len && memcmp(again.items, bytes, len) == 0;
}

bool mig_agreement_decode_untrusted(const unsigned char *bytes, size_t len,
                                    struct mig_agreement *ret, struct mig_error *err)
{
    struct mig_budget budget = {UNPACK_BYTES_MAX};
    ProtobufCAllocator allocator = {mig_budget_alloc, mig_budget_free, &budget};
    struct mig_agreement a = {0};
    Migctl__V1__Agreement *pb;
    bool done;

    if (len > MIG_AGREEMENT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "agreement: larger than %u bytes", MIG_AGREEMENT_BYTES_MAX);
    }
    pb = migctl__v1__agreement__unpack(&allocator, len, bytes);
    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "agreement: truncated, or no agreement message");
    }
    done = read_message(pb, &a, err) &&
           (is_canonical(&a, bytes, len) || mig_fail(err, MIG_FORMAT, "not in canonical form"));
    migctl__v1__agreement__free_unpacked(pb, &allocator);
    if (!done) {
        return mig_wrap(err, "agreement");
    }
    mig_sha256(bytes, len, a.id);
    *ret = a;
    return true;
}

static bool check_signer(const char *which, const struct mig_identity *signer, const char *host,
                         struct mig_error *err)
{
    if (signer->role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "agreement is signed by %s '%s', expected the %s's agent",
                        mig_role_name(signer->role), signer->name, which);
    }
    return strcmp(signer->name, host) == 0 ||
           mig_fail(err, MIG_TRUST, "agreement with %s '%s' is signed by '%s' in its place", which,
                    host, signer->name);
}

static bool decode(const struct mig_payload *payload, bool both, struct mig_agreement *ret,
                   struct mig_error *err)
{
    struct mig_agreement a;

    if (!mig_agreement_decode_untrusted(payload->bytes, payload->len, &a, err) ||
        !check_signer("source", &payload->signer, a.source.host, err) ||
        (both && !check_signer("destination", &payload->cosigner, a.destination.host, err))) {
        return false;
    }
    if (a.issued_at < payload->valid_from || a.issued_at > payload->valid_to) {
        return mig_fail(err, MIG_TRUST,
                        "agreement is of %" PRId64 ", its certificates are valid from %" PRId64
                        " to %" PRId64,
                        a.issued_at, payload->valid_from, payload->valid_to);
    }
    *ret = a;
    return true;
}

bool mig_agreement_open_ever(const struct mig_trust *trust, const struct mig_bytes *sealed,
                             struct mig_agreement *ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    return mig_seal_open_pair(trust, MIG_PAYLOAD_AGREEMENT, sealed->items, sealed->len, &payload,
                              err) &&
           decode(payload, true, ret, err);
}

bool mig_agreement_open(const struct mig_trust *trust, const struct mig_bytes *sealed, int64_t now,
                        struct mig_agreement *ret, struct mig_error *err)
{
    return mig_agreement_open_ever(trust, sealed, ret, err) &&
           mig_agreement_check_time(ret, now, err);
}

bool mig_agreement_open_offer(const struct mig_trust *trust, const struct mig_bytes *sealed,
                              int64_t now, struct mig_agreement *ret, struct mig_error *err)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    return mig_seal_open(trust, MIG_PAYLOAD_AGREEMENT, sealed->items, sealed->len, &payload, err) &&
           decode(payload, false, ret, err) && mig_agreement_check_time(ret, now, err);
}

/* ---- JSON ---- */

static json_t *party_to_json(const struct mig_pledge *p)
{
    json_t *object = json_object();

    mig_node_put(object, "host", json_string(p->host));
    mig_node_put_bytes(object, "evidence", p->evidence, MIG_DIGEST_BYTES);
    mig_node_put_bytes(object, "capability", p->capability, MIG_DIGEST_BYTES);
    mig_node_put_bytes(object, "policy", p->policy, MIG_DIGEST_BYTES);
    return object;
}

char *mig_agreement_to_json(const struct mig_agreement *a)
{
    MIG_AUTO(mig_node_free) json_t *root = json_object();
    MIG_AUTO(mig_free) char *text = NULL;

    mig_node_put(root, "apiVersion", json_string("migctl/v1"));
    mig_node_put(root, "kind", json_string("Agreement"));
    mig_node_put_bytes(root, "id", a->id, MIG_DIGEST_BYTES);
    mig_node_put(root, "vm", json_string(a->vm));
    mig_node_put(root, "instance", json_string(a->instance));
    mig_node_put_bytes(root, "contract", a->contract, MIG_DIGEST_BYTES);
    mig_node_put(root, "source", party_to_json(&a->source));
    mig_node_put(root, "destination", party_to_json(&a->destination));
    mig_node_put(root, "issuedAt", json_integer(a->issued_at));
    mig_node_put(root, "expiresAt", json_integer(a->expires_at));
    mig_node_put(root, "dataPath", json_string(mig_data_path_name(a->data_path)));
    text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    MIG_ASSERT(text != NULL);
    return mig_strf("%s\n", text);
}
