/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/capture.h"

#include <string.h>

#include "base/array.h"
#include "snapshot/node.h"

#define KIND "MigrationCapabilities"
#define NAME_BYTES_MAX 1024u
#define ENTRIES_MAX 4096u
/* As fractions these are exact, too. */
#define NUMBER_MAX 9007199254740992u

static void clear_texts(struct mig_capture_texts *t)
{
    for (size_t i = 0; i < t->len; i++) {
        mig_free(t->items[i]);
    }
    mig_free(t->items);
}

void mig_capture_clear(struct mig_capture *c)
{
    mig_free(c->version);
    mig_free(c->target);
    mig_free(c->status);
    mig_free(c->machine);
    mig_free(c->uuid);
    for (size_t i = 0; i < c->machines.len; i++) {
        mig_free(c->machines.items[i].name);
        mig_free(c->machines.items[i].alias);
    }
    mig_free(c->machines.items);
    for (size_t i = 0; i < c->capabilities.len; i++) {
        mig_free(c->capabilities.items[i].name);
    }
    mig_free(c->capabilities.items);
    mig_node_free(c->parameters);
    clear_texts(&c->compressions);
    clear_texts(&c->blocked);
    *c = (struct mig_capture){0};
}

const struct mig_capture_machine *mig_capture_machine(const struct mig_capture *c, const char *name)
{
    for (size_t i = 0; i < c->machines.len; i++) {
        const struct mig_capture_machine *m = &c->machines.items[i];

        if (strcmp(m->name, name) == 0 || (m->alias != NULL && strcmp(m->alias, name) == 0)) {
            return m;
        }
    }
    return NULL;
}

const struct mig_capture_switch *mig_capture_switch(const struct mig_capture *c, const char *name)
{
    for (size_t i = 0; i < c->capabilities.len; i++) {
        if (strcmp(c->capabilities.items[i].name, name) == 0) {
            return &c->capabilities.items[i];
        }
    }
    return NULL;
}

bool mig_capture_has_text(const struct mig_capture_texts *list, const char *text)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i], text) == 0) {
            return true;
        }
    }
    return false;
}

uint64_t mig_capture_number(const struct mig_capture *c, const char *parameter, uint64_t fallback)
{
    const json_t *value = json_object_get(c->parameters, parameter);

    return json_is_integer(value) && json_integer_value(value) >= 0
               ? (uint64_t)json_integer_value(value)
               : fallback;
}

static void set(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

static json_t *text_or_null(const char *s)
{
    return s != NULL ? json_string(s) : json_null();
}

static json_t *texts_to_json(const struct mig_capture_texts *t)
{
    json_t *list = json_array();

    for (size_t i = 0; i < t->len; i++) {
        MIG_ASSERT(json_array_append_new(list, json_string(t->items[i])) == 0);
    }
    return list;
}

static json_t *machines_to_json(const struct mig_capture *c)
{
    json_t *list = json_array();

    for (size_t i = 0; i < c->machines.len; i++) {
        const struct mig_capture_machine *m = &c->machines.items[i];
        json_t *o = json_object();

        set(o, "name", json_string(m->name));
        set(o, "alias", text_or_null(m->alias));
        set(o, "deprecated", json_boolean(m->deprecated));
        MIG_ASSERT(json_array_append_new(list, o) == 0);
    }
    return list;
}

static json_t *guest_to_json(const struct mig_capture *c)
{
    json_t *o = json_object();

    set(o, "machineType", text_or_null(c->machine));
    set(o, "uuid", text_or_null(c->uuid));
    set(o, "ramBytes", json_integer((json_int_t)c->ram_bytes));
    set(o, "dirtyBytesPerSecond",
        c->has_dirty ? json_integer((json_int_t)c->dirty_bytes_s) : json_null());
    return o;
}

json_t *mig_capture_to_json(const struct mig_capture *c)
{
    json_t *root = json_object(), *switches = json_object();

    for (size_t i = 0; i < c->capabilities.len; i++) {
        set(switches, c->capabilities.items[i].name, json_boolean(c->capabilities.items[i].on));
    }
    set(root, "apiVersion", json_string("migctl/v1"));
    set(root, "kind", json_string(KIND));
    set(root, "vmm", json_string("qemu"));
    set(root, "version", json_string(c->version));
    set(root, "target", json_string(c->target));
    set(root, "status", json_string(c->status));
    set(root, "guest", guest_to_json(c));
    set(root, "capabilities", switches);
    set(root, "parameters", json_deep_copy(c->parameters));
    set(root, "multifdCompression", texts_to_json(&c->compressions));
    set(root, "blockedReasons", c->tells_blocked ? texts_to_json(&c->blocked) : json_null());
    set(root, "machineTypes", machines_to_json(c));
    return root;
}

static bool copy_text(const struct mig_node *n, char **ret, struct mig_error *err)
{
    const char *s = json_string_value(n->json);

    if (strlen(s) == 0 || strlen(s) > NAME_BYTES_MAX) {
        return mig_node_fail(n, err, "expected text of 1 to %u bytes", NAME_BYTES_MAX);
    }
    *ret = mig_strdup(s);
    return true;
}

static bool get_text(const struct mig_node *o, const char *key, char **ret, struct mig_error *err)
{
    struct mig_node n;

    return mig_node_get(o, key, JSON_STRING, &n, err) && copy_text(&n, ret, err);
}

static bool is_null(const struct mig_node *o, const char *key)
{
    return json_is_null(json_object_get(o->json, key));
}

/* The key has to be there all the same. */
static bool get_text_or_null(const struct mig_node *o, const char *key, char **ret,
                             struct mig_error *err)
{
    return is_null(o, key) || get_text(o, key, ret, err);
}

static bool get_number(const struct mig_node *o, const char *key, uint64_t *ret,
                       struct mig_error *err)
{
    struct mig_node n;

    return mig_node_get(o, key, JSON_INTEGER, &n, err) &&
           mig_node_find_number(o, key, NUMBER_MAX, ret, err);
}

static bool check_len(const struct mig_node *n, size_t len, struct mig_error *err)
{
    return len <= ENTRIES_MAX || mig_node_fail(n, err, "more than %u entries", ENTRIES_MAX);
}

static bool read_bool(const struct mig_node *n, bool *ret, struct mig_error *err)
{
    *ret = json_is_true(n->json);
    return json_is_boolean(n->json) || mig_node_fail(n, err, "expected true or false");
}

static bool get_bool(const struct mig_node *o, const char *key, bool *ret, struct mig_error *err)
{
    struct mig_node n;
    json_t *value = json_object_get(o->json, key);

    return mig_node_get(o, key, json_is_false(value) ? JSON_FALSE : JSON_TRUE, &n, err) &&
           read_bool(&n, ret, err);
}

static bool read_texts(const struct mig_node *o, const char *key, struct mig_capture_texts *ret,
                       struct mig_error *err)
{
    struct mig_node list, n;

    if (!mig_node_get(o, key, JSON_ARRAY, &list, err) ||
        !check_len(&list, json_array_size(list.json), err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_STRING, &n, err) ||
            !copy_text(&n, MIG_PUSH(ret), err)) {
            return false;
        }
    }
    return true;
}

static bool read_machine(const struct mig_node *n, struct mig_capture *c, struct mig_error *err)
{
    static const char *const keys[] = {"name", "alias", "deprecated", NULL};
    struct mig_capture_machine *m = MIG_PUSH(&c->machines);

    return mig_node_check_object(n, keys, err) && get_text(n, "name", &m->name, err) &&
           get_text_or_null(n, "alias", &m->alias, err) &&
           get_bool(n, "deprecated", &m->deprecated, err);
}

static bool read_machines(const struct mig_node *root, struct mig_capture *c, struct mig_error *err)
{
    struct mig_node list, n;

    if (!mig_node_get(root, "machineTypes", JSON_ARRAY, &list, err) ||
        !check_len(&list, json_array_size(list.json), err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &n, err) || !read_machine(&n, c, err)) {
            return false;
        }
    }
    return true;
}

static bool read_switches(const struct mig_node *root, struct mig_capture *c, struct mig_error *err)
{
    struct mig_node object;

    if (!mig_node_get(root, "capabilities", JSON_OBJECT, &object, err) ||
        !check_len(&object, json_object_size(object.json), err)) {
        return false;
    }
    for (void *i = json_object_iter(object.json); i != NULL;
         i = json_object_iter_next(object.json, i)) {
        struct mig_capture_switch *s = MIG_PUSH(&c->capabilities);

        s->name = mig_strdup(json_object_iter_key(i));
        if (!get_bool(&object, s->name, &s->on, err)) {
            return false;
        }
    }
    return true;
}

/* What a plan reckons with has to be a number. */
static bool check_numbers(const struct mig_node *object, struct mig_error *err)
{
    static const char *const names[] = {"max-bandwidth", "downtime-limit", "cpu-throttle-initial",
                                        "cpu-throttle-increment", "max-cpu-throttle"};
    uint64_t number;

    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        if (json_object_get(object->json, names[i]) != NULL &&
            !get_number(object, names[i], &number, err)) {
            return false;
        }
    }
    return true;
}

static bool check_parameter(const struct mig_node *object, void *at, struct mig_error *err)
{
    const json_t *value = json_object_iter_value(at);
    struct mig_node n;

    return json_is_integer(value) || json_is_string(value) || json_is_boolean(value) ||
           (mig_node_get(object, json_object_iter_key(at), json_typeof(value), &n, err) &&
            mig_node_fail(&n, err, "expected a number, text, true or false"));
}

static bool read_parameters(const struct mig_node *root, struct mig_capture *c,
                            struct mig_error *err)
{
    struct mig_node object;

    if (!mig_node_get(root, "parameters", JSON_OBJECT, &object, err) ||
        !check_len(&object, json_object_size(object.json), err)) {
        return false;
    }
    for (void *i = json_object_iter(object.json); i != NULL;
         i = json_object_iter_next(object.json, i)) {
        if (!check_parameter(&object, i, err)) {
            return false;
        }
    }
    c->parameters = json_incref(object.json);
    return check_numbers(&object, err);
}

static bool read_blocked(const struct mig_node *root, struct mig_capture *c, struct mig_error *err)
{
    c->tells_blocked = !is_null(root, "blockedReasons");
    return !c->tells_blocked || read_texts(root, "blockedReasons", &c->blocked, err);
}

static bool read_guest(const struct mig_node *root, struct mig_capture *c, struct mig_error *err)
{
    static const char *const keys[] = {"machineType", "uuid", "ramBytes", "dirtyBytesPerSecond",
                                       NULL};
    struct mig_node n;

    if (!mig_node_get(root, "guest", JSON_OBJECT, &n, err) ||
        !mig_node_check_object(&n, keys, err) ||
        !get_text_or_null(&n, "machineType", &c->machine, err) ||
        !get_text_or_null(&n, "uuid", &c->uuid, err) ||
        !get_number(&n, "ramBytes", &c->ram_bytes, err)) {
        return false;
    }
    c->has_dirty = !is_null(&n, "dirtyBytesPerSecond");
    return !c->has_dirty || get_number(&n, "dirtyBytesPerSecond", &c->dirty_bytes_s, err);
}

static bool read_vmm(const struct mig_node *root, struct mig_capture *c, struct mig_error *err)
{
    static const char *const keys[] = {"apiVersion",
                                       "kind",
                                       "vmm",
                                       "version",
                                       "target",
                                       "status",
                                       "guest",
                                       "capabilities",
                                       "parameters",
                                       "machineTypes",
                                       "multifdCompression",
                                       "blockedReasons",
                                       NULL};
    struct mig_node n;

    if (!mig_node_check_kind(root, KIND, err) || !mig_node_check_object(root, keys, err) ||
        !mig_node_get(root, "vmm", JSON_STRING, &n, err)) {
        return false;
    }
    if (strcmp(json_string_value(n.json), "qemu") != 0) {
        return mig_node_fail(&n, err, "expected qemu");
    }
    return get_text(root, "version", &c->version, err) &&
           get_text(root, "target", &c->target, err) && get_text(root, "status", &c->status, err);
}

bool mig_capture_from_json(const char *text, size_t len, struct mig_capture *ret,
                           struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    MIG_AUTO(mig_capture_clear) struct mig_capture c = {0};
    struct mig_node root;

    if (!mig_node_open(text, len, &document, &root, err) || !read_vmm(&root, &c, err) ||
        !read_guest(&root, &c, err) || !read_switches(&root, &c, err) ||
        !read_parameters(&root, &c, err) ||
        !read_texts(&root, "multifdCompression", &c.compressions, err) ||
        !read_blocked(&root, &c, err) || !read_machines(&root, &c, err)) {
        return false;
    }
    *ret = c;
    c = (struct mig_capture){0};
    return true;
}
