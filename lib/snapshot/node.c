/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/node.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/import.h"

/* Before the parser recurses: it would go down 2048 levels. */
static bool check_depth(const char *text, size_t len, struct mig_error *err)
{
    unsigned depth = 0, line = 1;
    bool quoted = false;

    for (size_t i = 0; i < len; i++) {
        char c = text[i];

        line += c == '\n';
        if (quoted) {
            i += c == '\\';
            quoted = c != '"';
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > MIG_NODE_DEPTH_MAX) {
                return mig_fail(err, MIG_LIMIT, "line %u: nested deeper than %d levels", line,
                                MIG_NODE_DEPTH_MAX);
            }
        } else if ((c == '}' || c == ']') && depth > 0) {
            depth--;
        }
    }
    return true;
}

static bool parse(const char *text, size_t len, size_t flags, json_t **ret, struct mig_error *err)
{
    json_error_t where;
    json_t *document;

    if (!check_depth(text, len, err)) {
        return false;
    }
    document = json_loadb(text, len, JSON_REJECT_DUPLICATES | flags, &where);
    if (document == NULL) {
        mig_text_make_printable(where.text);
        return mig_fail(err, MIG_FORMAT, "line %d column %d: %s", where.line, where.column,
                        where.text);
    }
    *ret = document;
    return true;
}

bool mig_node_parse(const char *text, size_t len, json_t **ret, struct mig_error *err)
{
    return parse(text, len, 0, ret, err);
}

bool mig_node_parse_real(const char *text, size_t len, json_t **ret, struct mig_error *err)
{
    return parse(text, len, JSON_DECODE_INT_AS_REAL, ret, err);
}

void mig_node_free(json_t *document)
{
    json_decref(document);
}

struct mig_node mig_node_root(json_t *document)
{
    return (struct mig_node){.json = document};
}

bool mig_node_fail(const struct mig_node *n, struct mig_error *err, const char *fmt, ...)
{
    char text[256];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    mig_text_make_printable(text);
    return mig_fail(err, MIG_FORMAT, "%s%s%s", n->path, n->path[0] == '\0' ? "" : ": ", text);
}

static const char *type_name(json_type type)
{
    static const char *const names[] = {
        [JSON_OBJECT] = "an object", [JSON_ARRAY] = "a list",    [JSON_STRING] = "text",
        [JSON_INTEGER] = "a number", [JSON_REAL] = "a fraction", [JSON_TRUE] = "true",
        [JSON_FALSE] = "false",      [JSON_NULL] = "null",
    };

    return names[type];
}

/* Longer paths lose their end; they only serve people. */
static struct mig_node child(const struct mig_node *n, const char *key, json_t *json)
{
    struct mig_node ret = {.json = json};
    size_t len = strlen(n->path);

    memcpy(ret.path, n->path, len);
    (void)snprintf(ret.path + len, sizeof ret.path - len, "%s%s", len == 0 ? "" : ".", key);
    mig_text_make_printable(ret.path);
    return ret;
}

static bool check_type(const struct mig_node *n, json_type type, struct mig_error *err)
{
    if (n->json == NULL) {
        return mig_node_fail(n, err, "expected %s, found nothing", type_name(type));
    }
    if (json_typeof(n->json) != type) {
        return mig_node_fail(n, err, "expected %s, found %s", type_name(type),
                             type_name(json_typeof(n->json)));
    }
    return true;
}

static bool is_among(const char *key, const char *const *keys)
{
    for (; *keys != NULL; keys++) {
        if (strcmp(key, *keys) == 0) {
            return true;
        }
    }
    return false;
}

bool mig_node_check_object(const struct mig_node *n, const char *const *keys, struct mig_error *err)
{
    const char *key;
    json_t *value;

    if (!check_type(n, JSON_OBJECT, err)) {
        return false;
    }
    json_object_foreach(n->json, key, value)
    {
        if (keys != NULL && !is_among(key, keys)) {
            return mig_node_fail(n, err, "unknown key '%.80s'", key);
        }
    }
    return true;
}

bool mig_node_open(const char *text, size_t len, json_t **ret_document, struct mig_node *ret_root,
                   struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;

    if (len > MIG_IMPORT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "larger than %u bytes", MIG_IMPORT_BYTES_MAX);
    }
    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    if (!mig_node_check_object(&root, NULL, err)) {
        return false;
    }
    *ret_document = mig_steal(&document);
    *ret_root = root;
    return true;
}

bool mig_node_check_kind(const struct mig_node *root, const char *kind, struct mig_error *err)
{
    const char *version, *found;

    if (!mig_node_get_text(root, "apiVersion", &version, err) ||
        !mig_node_get_text(root, "kind", &found, err)) {
        return false;
    }
    return (strcmp(version, "migctl/v1") == 0 && strcmp(found, kind) == 0) ||
           mig_node_fail(root, err, "expected a %s of migctl/v1, found a %.40s of %.40s", kind,
                         found, version);
}

bool mig_node_find(const struct mig_node *object, const char *key, json_type type,
                   struct mig_node *ret, struct mig_error *err)
{
    struct mig_node found = child(object, key, json_object_get(object->json, key));

    if (found.json != NULL && !check_type(&found, type, err)) {
        return false;
    }
    *ret = found;
    return true;
}

bool mig_node_get(const struct mig_node *object, const char *key, json_type type,
                  struct mig_node *ret, struct mig_error *err)
{
    struct mig_node found;

    if (!mig_node_find(object, key, type, &found, err)) {
        return false;
    }
    if (found.json == NULL) {
        return mig_node_fail(object, err, "key '%s' is missing", key);
    }
    *ret = found;
    return true;
}

bool mig_node_element(const struct mig_node *list, size_t index, json_type type,
                      struct mig_node *ret, struct mig_error *err)
{
    struct mig_node found = {.json = json_array_get(list->json, index)};

    (void)snprintf(found.path, sizeof found.path, "%.130s[%zu]", list->path, index);
    if (!check_type(&found, type, err)) {
        return false;
    }
    *ret = found;
    return true;
}

bool mig_node_member(const struct mig_node *object, void *iterator, json_type type,
                     struct mig_node *ret, struct mig_error *err)
{
    struct mig_node found =
        child(object, json_object_iter_key(iterator), json_object_iter_value(iterator));

    if (!check_type(&found, type, err)) {
        return false;
    }
    *ret = found;
    return true;
}

bool mig_node_get_text(const struct mig_node *object, const char *key, const char **ret,
                       struct mig_error *err)
{
    struct mig_node found;

    if (!mig_node_get(object, key, JSON_STRING, &found, err)) {
        return false;
    }
    *ret = json_string_value(found.json);
    return true;
}

bool mig_node_find_number(const struct mig_node *object, const char *key, uint64_t max,
                          uint64_t *ret, struct mig_error *err)
{
    struct mig_node found;
    json_int_t value;

    if (!mig_node_find(object, key, JSON_INTEGER, &found, err)) {
        return false;
    }
    if (found.json == NULL) {
        return true;
    }
    value = json_integer_value(found.json);
    if (value < 0 || (uint64_t)value > max) {
        return mig_node_fail(&found, err, "%lld is not from 0 to %llu", (long long)value,
                             (unsigned long long)max);
    }
    *ret = (uint64_t)value;
    return true;
}

bool mig_node_find_real(const struct mig_node *object, const char *key, uint64_t max, uint64_t *ret,
                        struct mig_error *err)
{
    struct mig_node found;
    double value;

    if (!mig_node_find(object, key, JSON_REAL, &found, err)) {
        return false;
    }
    if (found.json == NULL) {
        return true;
    }
    value = json_real_value(found.json);
    if (!(value >= 0 && value <= (double)max) || (double)(uint64_t)value < value) {
        return mig_node_fail(&found, err, "%.17g is no whole number from 0 to %llu", value,
                             (unsigned long long)max);
    }
    *ret = (uint64_t)value;
    return true;
}

bool mig_node_hex(const struct mig_node *n, uint64_t max, uint64_t *ret, struct mig_error *err)
{
    const char *text = json_string_value(n->json);

    if (text == NULL || !mig_text_starts(text, "0x") ||
        !mig_text_digits(text + 2, strlen(text + 2), 16, max, ret)) {
        return mig_node_fail(n, err, "expected hex text from 0x0 to 0x%llx, found '%.40s'",
                             (unsigned long long)max, text == NULL ? "" : text);
    }
    return true;
}

bool mig_node_get_hex(const struct mig_node *object, const char *key, uint64_t max, uint64_t *ret,
                      struct mig_error *err)
{
    struct mig_node found;

    return mig_node_get(object, key, JSON_STRING, &found, err) &&
           mig_node_hex(&found, max, ret, err);
}

void mig_node_put(json_t *object, const char *key, json_t *value)
{
    MIG_ASSERT(json_object_set_new(object, key, value) == 0);
}

void mig_node_put_text(json_t *object, const char *key, const char *text)
{
    if (text != NULL && text[0] != '\0') {
        mig_node_put(object, key, json_string(text));
    }
}

void mig_node_put_bytes(json_t *object, const char *key, const unsigned char *bytes, size_t len)
{
    MIG_AUTO(mig_free) char *hex = mig_alloc(2 * len + 1, 1);

    mig_text_hex(bytes, len, hex);
    mig_node_put(object, key, json_string(hex));
}
