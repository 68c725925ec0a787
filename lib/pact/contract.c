/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/contract.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "contract.pb-c.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/codec.h"

void mig_contract_free(struct mig_contract *c)
{
    if (c == NULL) {
        return;
    }
    mig_snapshot_free(c->shown);
    mig_free(c->hops);
    mig_free(c);
}

bool mig_contract_id_is_valid(const char *id)
{
    size_t len = strlen(id);

    for (const char *c = id; *c != '\0'; c++) {
        if (*c <= 0x20 || *c > 0x7e || *c == '/') {
            return false;
        }
    }
    return len > 0 && len < MIG_VM_ID_MAX;
}

const char *mig_contract_holder(const struct mig_contract *c)
{
    return c->hops_len > 0 ? c->hops[c->hops_len - 1].host : c->recorder;
}

int64_t mig_contract_held_since(const struct mig_contract *c)
{
    return c->hops_len > 0 ? c->hops[c->hops_len - 1].at : c->recorded_at;
}

/* Is this a place that software in a guest, or its vCPU's state, has? */
static bool is_shown(struct mig_reg reg)
{
    switch (reg.space) {
    case MIG_SPACE_CPUID:
    case MIG_SPACE_CPUID_HV:
    case MIG_SPACE_MSR:
    case MIG_SPACE_IDREG:
    case MIG_SPACE_GUEST:
    case MIG_SPACE_VIRTIO:
        return true;
    case MIG_SPACE_HOST:
        return reg.index == MIG_HOST_TSC_KHZ || mig_group_of(reg) == MIG_GROUP_ARM64;
    case MIG_SPACE_CPUID_BARE:
    case MIG_SPACE_CPUID_EMULATED:
    case MIG_SPACE_MSR_LIST:
    case MIG_SPACE_CAP:
    case MIG_SPACE_IDREG_MASK:
    case MIG_SPACE_REG_LIST:
    case MIG_SPACE_COUNT:
        break;
    }
    return false;
}

bool mig_contract_may_cover(enum mig_group group)
{
    return group != MIG_GROUP_CPUID_BARE && group != MIG_GROUP_CPUID_EMULATED &&
           group != MIG_GROUP_MSR_LIST && group != MIG_GROUP_CAP && group != MIG_GROUP_IDREG_MASK;
}

bool mig_contract_check_shown(const struct mig_snapshot *shown, struct mig_error *err)
{
    for (size_t i = 0; i < shown->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(shown->entries[i].key);
        char name[MIG_REG_TEXT_MAX];

        if (!is_shown(reg)) {
            mig_reg_print(reg, name);
            return mig_fail(err, MIG_FORMAT, "%s: says what a host has, not what a guest was shown",
                            name);
        }
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        enum mig_group group = (enum mig_group)g;

        if (!mig_contract_may_cover(group) && shown->groups[group].coverage != MIG_COVER_NONE) {
            return mig_fail(err, MIG_FORMAT, "group %s: no guest is shown it",
                            mig_group_name(group));
        }
    }
    return true;
}

bool mig_contract_check_stamp(const struct mig_stamp *stamp, struct mig_error *err)
{
    if (stamp->host[0] != '\0' || stamp->boot_id[0] != '\0' || stamp->sequence != 0 ||
        stamp->issued_at != 0 || stamp->expires_at != 0 || stamp->has_nonce || stamp->replayed) {
        return mig_fail(err, MIG_FORMAT, "carries the stamp of a host");
    }
    return true;
}

static bool check_id(const char *what, const char *id, struct mig_error *err)
{
    return mig_contract_id_is_valid(id) ||
           mig_fail(err, MIG_FORMAT,
                    "%s: expected 1 to %d printable characters without space and slash", what,
                    MIG_VM_ID_MAX - 1);
}

static bool check_host(const char *what, const char *name, int64_t at, struct mig_error *err)
{
    if (!mig_identity_name_is_valid(name)) {
        return mig_fail(err, MIG_FORMAT, "%s: expected the name of an agent", what);
    }
    return at > 0 || mig_fail(err, MIG_FORMAT, "%s: %" PRId64 " is no time after 1970", what, at);
}

static bool check_hops(const struct mig_contract *c, struct mig_error *err)
{
    int64_t before = c->recorded_at;

    if (c->hops_len > MIG_CONTRACT_HOPS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d hops", MIG_CONTRACT_HOPS_MAX);
    }
    for (size_t i = 0; i < c->hops_len; i++) {
        const struct mig_hop *hop = &c->hops[i];

        if (!check_host("hop", hop->host, hop->at, err)) {
            return false;
        }
        if (hop->at < before - MIG_HOP_SKEW_S) {
            return mig_fail(err, MIG_FORMAT, "hop %zu of %zu is older than what is before it",
                            i + 1, c->hops_len);
        }
        before = hop->at;
    }
    return true;
}

static bool check_ids(const struct mig_contract *c, struct mig_error *err)
{
    return check_id("vm", c->vm, err) && check_id("instance", c->instance, err);
}

static bool check_contents(const struct mig_contract *c, struct mig_error *err)
{
    return (mig_contract_check_stamp(&c->shown->stamp, err) &&
            mig_contract_check_shown(c->shown, err)) ||
           mig_wrap(err, "shown");
}

bool mig_contract_check(const struct mig_contract *c, struct mig_error *err)
{
    return check_ids(c, err) && check_host("recorder", c->recorder, c->recorded_at, err) &&
           check_hops(c, err) && check_contents(c, err);
}

bool mig_contract_check_unsigned(const struct mig_contract *c, struct mig_error *err)
{
    if (c->recorder[0] != '\0' || c->recorded_at != 0 || c->hops_len > 0) {
        return mig_fail(err, MIG_FORMAT, "says who recorded it: that is for the signer to say");
    }
    return check_ids(c, err) && check_contents(c, err);
}

bool mig_contract_add_hop(struct mig_contract *c, const char *host, int64_t at,
                          struct mig_error *err)
{
    struct mig_hop *hop;

    if (c->hops_len >= MIG_CONTRACT_HOPS_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d hops", MIG_CONTRACT_HOPS_MAX);
    }
    c->hops = mig_resize(c->hops, c->hops_len + 1, sizeof *c->hops);
    hop = &c->hops[c->hops_len++];
    *hop = (struct mig_hop){.at = at};
    (void)snprintf(hop->host, sizeof hop->host, "%s", host);
    return true;
}

void mig_contract_record(struct mig_contract *c, const char *host, int64_t at)
{
    mig_free(c->hops);
    c->hops = NULL;
    c->hops_len = 0;
    memset(c->recorder, 0, sizeof c->recorder);
    (void)snprintf(c->recorder, sizeof c->recorder, "%s", host);
    c->recorded_at = at;
}

bool mig_contract_seal(const struct mig_contract *c, const struct mig_key *key,
                       struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_identity *id = mig_key_identity(key);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    if (!mig_contract_check(c, err)) {
        return mig_wrap(err, "contract of %s", c->vm);
    }
    if (id->role != MIG_ROLE_AGENT || strcmp(id->name, mig_contract_holder(c)) != 0) {
        return mig_fail(err, MIG_USAGE, "contract of a guest on '%s' can not be signed by %s '%s'",
                        mig_contract_holder(c), mig_role_name(id->role), id->name);
    }
    mig_contract_encode(c, &bytes);
    if (bytes.len > MIG_CONTRACT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "contract of %s: larger than %u bytes", c->vm,
                        MIG_CONTRACT_BYTES_MAX);
    }
    return mig_seal(key, MIG_PAYLOAD_CONTRACT, bytes.items, bytes.len, ret, err);
}

/* A message that owns all of its memory, so that the generated code frees it. */
static Migctl__V1__Contract *message_new(const struct mig_contract *c)
{
    Migctl__V1__Contract *pb = MIG_NEW(Migctl__V1__Contract);

    migctl__v1__contract__init(pb);
    pb->vm = mig_strdup(c->vm);
    pb->instance = mig_strdup(c->instance);
    pb->recorder = mig_strdup(c->recorder);
    pb->recorded_at = c->recorded_at;
    pb->hops = mig_alloc(c->hops_len, sizeof(Migctl__V1__Hop *));
    for (size_t i = 0; i < c->hops_len; i++) {
        Migctl__V1__Hop *hop = MIG_NEW(Migctl__V1__Hop);

        migctl__v1__hop__init(hop);
        hop->host = mig_strdup(c->hops[i].host);
        hop->at = c->hops[i].at;
        pb->hops[pb->n_hops++] = hop;
    }
    return pb;
}

void mig_contract_encode(const struct mig_contract *c, struct mig_bytes *ret)
{
    const struct mig_stamp stamp = {.table_version = c->shown->stamp.table_version};
    Migctl__V1__Contract *pb = message_new(c);
    struct mig_bytes shown = {0};

    mig_snapshot_encode(c->shown, &stamp, &shown);
    pb->shown.data = shown.items;
    pb->shown.len = shown.len;
    ret->len = migctl__v1__contract__get_packed_size(pb);
    ret->items = mig_alloc(ret->len + 1, 1);
    (void)migctl__v1__contract__pack(pb, ret->items);
    migctl__v1__contract__free_unpacked(pb, NULL);
}

void mig_contract_digest(const struct mig_contract *c, unsigned char ret[MIG_DIGEST_BYTES])
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_contract_encode(c, &bytes);
    mig_sha256(bytes.items, bytes.len, ret);
}
