/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/mover.h"

#include <poll.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "plan/capture.h"
#include "snapshot/node.h"

#define BYTES_MAX 9007199254740992u
#define LIST_MAX 4096u
#define MEASURE_S 1
#define PAUSE_MS 100
/* Sampling passes over smaller blocks of memory (MIN_RAMBLOCK_SIZE in QEMU's
 * migration/dirtyrate.h), and QEMU 7.2 dies when no memory is left to sample. */
#define MEASURED_BYTES_MIN (128u << 20)
/* Per GiB; QEMU takes 512 by itself, few for a small guest. */
#define SAMPLE_PAGES 4096
#define MIB (1u << 20)
/* Older ones say nothing when something blocks. */
#define TELLS_BLOCKED_MAJOR 6

static bool ask_version(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    uint64_t major;

    if (!mig_qmp_ask_version(q, &ret->version, &major, err)) {
        return false;
    }
    ret->tells_blocked = major >= TELLS_BLOCKED_MAJOR;
    return true;
}

/* One text that has to be there. */
static bool ask_text(struct mig_qmp *q, const char *command, const char *key, char **ret,
                     struct mig_error *err)
{
    return mig_qmp_ask_member(q, command, key, ret, err) &&
           (*ret != NULL || mig_fail(err, MIG_FORMAT, "%s: key '%s' is missing", command, key));
}

static bool ask_guest(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    static const char end[] = "-machine";
    MIG_AUTO(mig_node_free) json_t *memory = NULL;
    MIG_AUTO(mig_free) char *type = NULL, *uuid = NULL;
    uint64_t base = 0, plugged = 0;
    struct mig_node root, n;

    if (!mig_qmp_get_text(q, "/machine", "type", &type, err) ||
        !ask_text(q, "query-uuid", "UUID", &uuid, err) ||
        !mig_qmp_ask(q, "query-memory-size-summary", NULL, JSON_OBJECT, &memory, err)) {
        return false;
    }
    root = mig_node_root(memory);
    if (!mig_node_get(&root, "base-memory", JSON_REAL, &n, err) ||
        !mig_node_find_real(&root, "base-memory", BYTES_MAX, &base, err) ||
        !mig_node_find_real(&root, "plugged-memory", BYTES_MAX - base, &plugged, err)) {
        return mig_wrap(err, "query-memory-size-summary");
    }
    if (!mig_text_ends(type, end)) {
        return mig_fail(err, MIG_FORMAT, "/machine: '%.60s' is no type of a machine", type);
    }
    type[strlen(type) - strlen(end)] = '\0';
    ret->machine = strcmp(type, "none") == 0 ? NULL : mig_steal(&type);
    ret->uuid = strspn(uuid, "0-") == strlen(uuid) ? NULL : mig_steal(&uuid);
    ret->ram_bytes = base + plugged;
    return true;
}

/* Each object of a list, for @fn. */
typedef bool each_fn(const struct mig_node *n, struct mig_capture *ret, struct mig_error *err);

static bool ask_list(struct mig_qmp *q, const char *command, each_fn *fn, struct mig_capture *ret,
                     struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    struct mig_node root, n;

    if (!mig_qmp_ask(q, command, NULL, JSON_ARRAY, &answer, err)) {
        return false;
    }
    root = mig_node_root(answer);
    if (json_array_size(answer) > LIST_MAX) {
        return mig_fail(err, MIG_LIMIT, "%s: more than %u entries", command, LIST_MAX);
    }
    for (size_t i = 0; i < json_array_size(answer); i++) {
        if (!mig_node_element(&root, i, JSON_OBJECT, &n, err) || !fn(&n, ret, err)) {
            return mig_wrap(err, "%s", command);
        }
    }
    return true;
}

static bool take_capability(const struct mig_node *n, struct mig_capture *ret,
                            struct mig_error *err)
{
    const json_t *state = json_object_get(n->json, "state");
    struct mig_capture_switch *s;
    const char *name;

    if (!mig_node_get_text(n, "capability", &name, err)) {
        return false;
    }
    if (!json_is_boolean(state)) {
        return mig_node_fail(n, err, "state: expected true or false");
    }
    s = MIG_PUSH(&ret->capabilities);
    *s = (struct mig_capture_switch){mig_strdup(name), json_is_true(state)};
    return true;
}

static bool take_machine(const struct mig_node *n, struct mig_capture *ret, struct mig_error *err)
{
    const char *alias = json_string_value(json_object_get(n->json, "alias"));
    struct mig_capture_machine *m;
    const char *name;

    if (!mig_node_get_text(n, "name", &name, err)) {
        return false;
    }
    m = MIG_PUSH(&ret->machines);
    *m = (struct mig_capture_machine){mig_strdup(name), mig_strdup(alias),
                                      json_is_true(json_object_get(n->json, "deprecated"))};
    return true;
}

/* Numbers are whole ones; lists (block-bitmap-mapping) are not compared. */
static bool ask_parameters(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    const char *key;
    json_t *value;

    if (!mig_qmp_ask(q, "query-migrate-parameters", NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    ret->parameters = json_object();
    json_object_foreach(answer, key, value)
    {
        const double number = json_number_value(value);

        if (json_is_real(value) && number >= 0 && number <= (double)BYTES_MAX) {
            value = json_integer((json_int_t)number);
        } else if (json_is_string(value) || json_is_boolean(value)) {
            value = json_incref(value);
        } else {
            continue;
        }
        MIG_ASSERT(json_object_set_new(ret->parameters, key, value) == 0);
    }
    return true;
}

static bool ask_blocked(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *answer = NULL;
    struct mig_node root, list, n;

    if (!mig_qmp_ask(q, "query-migrate", NULL, JSON_OBJECT, &answer, err)) {
        return false;
    }
    root = mig_node_root(answer);
    if (!mig_node_find(&root, "blocked-reasons", JSON_ARRAY, &list, err)) {
        return mig_wrap(err, "query-migrate");
    }
    ret->tells_blocked = ret->tells_blocked || list.json != NULL;
    for (size_t i = 0; list.json != NULL && i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_STRING, &n, err)) {
            return mig_wrap(err, "query-migrate");
        }
        *MIG_PUSH(&ret->blocked) = mig_strndup(json_string_value(n.json), 1000);
    }
    return true;
}

/* The type of that name in QEMU's own schema. */
static const json_t *find_type(const json_t *schema, const char *name)
{
    size_t i;
    const json_t *type;

    json_array_foreach(schema, i, type)
    {
        const char *got = json_string_value(json_object_get(type, "name"));

        if (name != NULL && got != NULL && strcmp(got, name) == 0) {
            return type;
        }
    }
    return NULL;
}

static const char *type_of_member(const json_t *object, const char *name)
{
    size_t i;
    const json_t *m;

    json_array_foreach(json_object_get(object, "members"), i, m)
    {
        const char *got = json_string_value(json_object_get(m, "name"));

        if (got != NULL && strcmp(got, name) == 0) {
            return json_string_value(json_object_get(m, "type"));
        }
    }
    return NULL;
}

/* The values of migrate-set-parameters' multifd-compression; none before 5.0. */
static bool ask_compressions(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *schema = NULL;
    const json_t *command, *type, *value;
    size_t i;

    if (!mig_qmp_ask(q, "query-qmp-schema", NULL, JSON_ARRAY, &schema, err)) {
        return false;
    }
    command = find_type(schema, "migrate-set-parameters");
    type = find_type(schema, json_string_value(json_object_get(command, "arg-type")));
    type = find_type(schema, type_of_member(type, "multifd-compression"));
    json_array_foreach(json_object_get(type, "values"), i, value)
    {
        if (json_is_string(value)) {
            *MIG_PUSH(&ret->compressions) = mig_strdup(json_string_value(value));
        }
    }
    return true;
}

static bool read_rate(const struct mig_node *root, bool *ret_done, struct mig_capture *ret,
                      struct mig_error *err)
{
    const char *status;
    struct mig_node n;
    uint64_t mib = 0;

    if (!mig_node_get_text(root, "status", &status, err)) {
        return false;
    }
    *ret_done = strcmp(status, "measured") == 0;
    if (!*ret_done) {
        return true;
    }
    if (!mig_node_get(root, "dirty-rate", JSON_REAL, &n, err) ||
        !mig_node_find_real(root, "dirty-rate", BYTES_MAX / MIB, &mib, err)) {
        return false;
    }
    ret->has_dirty = true;
    ret->dirty_bytes_s = mib * MIB;
    return true;
}

/* Until the deadline of @q. */
static bool await_rate(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    for (bool done = false; !done;) {
        MIG_AUTO(mig_node_free) json_t *answer = NULL;
        struct mig_node root;

        (void)poll(NULL, 0, PAUSE_MS);
        if (!mig_qmp_ask(q, "query-dirty-rate", NULL, JSON_OBJECT, &answer, err)) {
            return false;
        }
        root = mig_node_root(answer);
        if (!read_rate(&root, &done, ret, err)) {
            return mig_wrap(err, "query-dirty-rate");
        }
    }
    return true;
}

/* By sampling pages: works under TCG and costs the guest nothing that counts. */
static bool measure_rate(struct mig_qmp *q, struct mig_capture *ret, struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *nothing = NULL;
    json_t *arguments =
        json_pack("{s:i, s:i}", "calc-time", MEASURE_S, "sample-pages", SAMPLE_PAGES);

    if (strcmp(ret->status, "running") != 0 || ret->ram_bytes < MEASURED_BYTES_MIN) {
        json_decref(arguments);
        return true;
    }
    return mig_qmp_ask(q, "calc-dirty-rate", arguments, JSON_OBJECT, &nothing, err) &&
           await_rate(q, ret, err);
}

bool mig_mover_ask(struct mig_qmp *q, bool measure, struct mig_capture *ret, struct mig_error *err)
{
    return ask_version(q, ret, err) && ask_text(q, "query-target", "arch", &ret->target, err) &&
           ask_text(q, "query-status", "status", &ret->status, err) && ask_guest(q, ret, err) &&
           ask_list(q, "query-migrate-capabilities", take_capability, ret, err) &&
           ask_parameters(q, ret, err) && ask_compressions(q, ret, err) &&
           ask_blocked(q, ret, err) && ask_list(q, "query-machines", take_machine, ret, err) &&
           (!measure || measure_rate(q, ret, err));
}
