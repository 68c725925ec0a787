/* SPDX-License-Identifier: Apache-2.0 */
#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "pact/contract.h"
#include "seal/identity.h"
#include "snapshot/import.h"
#include "snapshot/json.h"
#include "snapshot/node.h"

#define KIND "Contract"

static json_t *hops_to_json(const struct mig_contract *c)
{
    json_t *array = json_array();

    for (size_t i = 0; i < c->hops_len; i++) {
        json_t *hop = json_object();

        mig_node_put(hop, "host", json_string(c->hops[i].host));
        mig_node_put(hop, "at", json_integer(c->hops[i].at));
        MIG_ASSERT(json_array_append_new(array, hop) == 0);
    }
    return array;
}

char *mig_contract_to_json(const struct mig_contract *c)
{
    MIG_AUTO(mig_node_free) json_t *root = json_object();
    MIG_AUTO(mig_free) char *text = NULL;
    json_t *shown = json_object();

    mig_snapshot_put_body(c->shown, shown);
    mig_node_put(root, "apiVersion", json_string("migctl/v1"));
    mig_node_put(root, "kind", json_string(KIND));
    mig_node_put(root, "vm", json_string(c->vm));
    mig_node_put_text(root, "instance", c->instance);
    mig_node_put_text(root, "recorder", c->recorder);
    if (c->recorded_at > 0) {
        mig_node_put(root, "recordedAt", json_integer(c->recorded_at));
    }
    mig_node_put(root, "hops", hops_to_json(c));
    mig_node_put(root, "shown", shown);
    text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS);
    MIG_ASSERT(text != NULL);
    return mig_strf("%s\n", text);
}

/* @ret stays "" when the member is missing. */
static bool read_name(const struct mig_node *object, const char *key,
                      bool (*is_valid)(const char *), const char *expected, char *ret,
                      struct mig_error *err)
{
    struct mig_node n;
    const char *text;

    if (!mig_node_find(object, key, JSON_STRING, &n, err)) {
        return false;
    }
    if (n.json == NULL) {
        return true;
    }
    text = json_string_value(n.json);
    if (!is_valid(text)) {
        return mig_node_fail(&n, err, "expected %s", expected);
    }
    memcpy(ret, text, strlen(text) + 1);
    return true;
}

static bool read_id(const struct mig_node *object, const char *key, char ret[MIG_VM_ID_MAX],
                    struct mig_error *err)
{
    return read_name(object, key, mig_contract_id_is_valid,
                     "1 to 63 printable characters without space and slash", ret, err);
}

static bool read_host(const struct mig_node *object, const char *key, char ret[MIG_NAME_MAX],
                      struct mig_error *err)
{
    static_assert(sizeof((struct mig_identity *)0)->name == MIG_NAME_MAX, "names are of one size");
    return read_name(object, key, mig_identity_name_is_valid, "the name of an agent", ret, err);
}

static bool read_time(const struct mig_node *object, const char *key, int64_t *ret,
                      struct mig_error *err)
{
    uint64_t at = 0;

    if (!mig_node_find_number(object, key, INT64_MAX, &at, err)) {
        return false;
    }
    *ret = (int64_t)at;
    return true;
}

static bool read_hop(const struct mig_node *n, int64_t before, struct mig_hop *ret,
                     struct mig_error *err)
{
    static const char *const keys[] = {"host", "at", NULL};

    if (!mig_node_check_object(n, keys, err) || !read_host(n, "host", ret->host, err) ||
        !read_time(n, "at", &ret->at, err)) {
        return false;
    }
    if (ret->host[0] == '\0' || ret->at == 0) {
        return mig_node_fail(n, err, "expected host and at");
    }
    return ret->at >= before - MIG_HOP_SKEW_S ||
           mig_node_fail(n, err, "is older than what is before it");
}

static bool read_hops(const struct mig_node *root, struct mig_contract *c, struct mig_error *err)
{
    struct mig_node hops, n;
    int64_t before = c->recorded_at;
    size_t len;

    if (!mig_node_find(root, "hops", JSON_ARRAY, &hops, err)) {
        return false;
    }
    len = hops.json == NULL ? 0 : json_array_size(hops.json);
    if (len > MIG_CONTRACT_HOPS_MAX) {
        return mig_node_fail(&hops, err, "more than %d", MIG_CONTRACT_HOPS_MAX);
    }
    c->hops = mig_alloc(len, sizeof *c->hops);
    for (; c->hops_len < len; c->hops_len++) {
        if (!mig_node_element(&hops, c->hops_len, JSON_OBJECT, &n, err) ||
            !read_hop(&n, before, &c->hops[c->hops_len], err)) {
            return false;
        }
        before = c->hops[c->hops_len].at;
    }
    return true;
}

static bool read_shown(const struct mig_node *root, struct mig_contract *c, struct mig_error *err)
{
    struct mig_node n;

    if (!mig_node_get(root, "shown", JSON_OBJECT, &n, err) ||
        !mig_snapshot_read_body(&n, &c->shown, err)) {
        return false;
    }
    c->shown->stamp.table_version = MIG_TABLE_VERSION; /* read is normalised */
    return mig_contract_check_shown(c->shown, err) || mig_wrap(err, "%s", n.path);
}

static bool read_document(const struct mig_node *root, struct mig_contract *c,
                          struct mig_error *err)
{
    static const char *const keys[] = {"apiVersion", "kind", "vm",    "instance", "recorder",
                                       "recordedAt", "hops", "shown", NULL};

    if (!mig_node_check_kind(root, KIND, err) || !mig_node_check_object(root, keys, err) ||
        !read_id(root, "vm", c->vm, err)) {
        return false;
    }
    if (c->vm[0] == '\0') {
        return mig_node_fail(root, err, "key 'vm' is missing");
    }
    return read_id(root, "instance", c->instance, err) &&
           read_host(root, "recorder", c->recorder, err) &&
           read_time(root, "recordedAt", &c->recorded_at, err) && read_hops(root, c, err) &&
           read_shown(root, c, err);
}

bool mig_contract_from_json(const char *text, size_t len, struct mig_contract **ret,
                            struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = MIG_NEW(struct mig_contract);
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;

    if (!mig_node_open(text, len, &document, &root, err) || !read_document(&root, c, err)) {
        return false;
    }
    *ret = mig_steal(&c);
    return true;
}

bool mig_contract_is_json(const char *text, size_t len)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_error err;
    const char *kind;

    if (len > MIG_IMPORT_BYTES_MAX) {
        return false;
    }
    if (!mig_node_parse(text, len, &document, &err)) { /* cut off, a key twice: still one */
        return memmem(text, len, "\"" KIND "\"", strlen(KIND) + 2) != NULL;
    }
    kind = json_string_value(json_object_get(document, "kind"));
    return kind != NULL && strcmp(kind, KIND) == 0;
}
