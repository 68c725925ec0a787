/* SPDX-License-Identifier: Apache-2.0 */
#include "support/yaml_reader.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

struct reader {
    yaml_document_t document;
    char *error;
};

static json_t *read_node(struct reader *r, int index);

static json_t *fail(struct reader *r, const char *what, const char *text)
{
    (void)snprintf(r->error, YAML_READER_ERROR_MAX, "%s: %.100s", what, text);
    return NULL;
}

/* YAML 1.1 and 1.2 and those who guess: everything that may not be text. */
static bool may_be_no_text(const char *text)
{
    static const char *const words[] = {"null", "true", "false", "yes", "no",  "on",
                                        "off",  "y",    "n",     "nan", "inf", "infinity"};

    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (strcasecmp(text, words[i]) == 0) {
            return true;
        }
    }
    return !isalpha((unsigned char)text[0]) && text[0] != '/';
}

static json_t *read_plain(struct reader *r, const char *text)
{
    json_t *value;

    if (!may_be_no_text(text)) {
        return json_string(text);
    }
    value = json_loads(text, JSON_DECODE_ANY, NULL);
    return value != NULL ? value : fail(r, "a bare word that is not JSON", text);
}

static json_t *read_scalar(struct reader *r, const yaml_node_t *node)
{
    const char *text = (const char *)node->data.scalar.value;

    if (node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE) {
        return read_plain(r, text);
    }
    return json_stringn(text, node->data.scalar.length);
}

static json_t *read_sequence(struct reader *r, const yaml_node_t *node)
{
    json_t *array = json_array();

    for (yaml_node_item_t *i = node->data.sequence.items.start; i < node->data.sequence.items.top;
         i++) {
        json_t *value = read_node(r, *i);

        if (value == NULL || json_array_append_new(array, value) != 0) {
            json_decref(array);
            return NULL;
        }
    }
    return array;
}

static bool read_pair(struct reader *r, const yaml_node_pair_t *pair, json_t *object)
{
    json_t *key = read_node(r, pair->key), *value = read_node(r, pair->value);
    bool good = key != NULL && value != NULL;

    if (good && !json_is_string(key)) {
        (void)fail(r, "a key that is no text", "");
        good = false;
    } else if (good && json_object_get(object, json_string_value(key)) != NULL) {
        (void)fail(r, "a key that is there twice", json_string_value(key));
        good = false;
    }
    good = good && json_object_set(object, json_string_value(key), value) == 0;
    json_decref(key);
    json_decref(value);
    return good;
}

static json_t *read_mapping(struct reader *r, const yaml_node_t *node)
{
    json_t *object = json_object();

    for (yaml_node_pair_t *p = node->data.mapping.pairs.start; p < node->data.mapping.pairs.top;
         p++) {
        if (!read_pair(r, p, object)) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *read_node(struct reader *r, int index)
{
    const yaml_node_t *node = yaml_document_get_node(&r->document, index);

    if (node == NULL || node->type == YAML_NO_NODE) {
        return fail(r, "a node that is not there", "");
    }
    if (node->type == YAML_SCALAR_NODE) {
        return read_scalar(r, node);
    }
    return node->type == YAML_SEQUENCE_NODE ? read_sequence(r, node) : read_mapping(r, node);
}

/* One document, and nothing behind it. */
static json_t *read_stream(struct reader *r, yaml_parser_t *parser)
{
    json_t *object;

    if (yaml_parser_load(parser, &r->document) == 0) {
        return fail(r, "no YAML", parser->problem != NULL ? parser->problem : "");
    }
    object = read_node(r, 1);
    yaml_document_delete(&r->document);
    if (object == NULL) {
        return NULL;
    }
    if (yaml_parser_load(parser, &r->document) == 0 ||
        yaml_document_get_root_node(&r->document) != NULL) {
        json_decref(object);
        object = fail(r, "more than one document", "");
    }
    yaml_document_delete(&r->document);
    return object;
}

json_t *yaml_reader_load(const char *text, size_t len, char ret_error[YAML_READER_ERROR_MAX])
{
    struct reader r = {.error = ret_error};
    yaml_parser_t parser;
    json_t *object;

    (void)snprintf(ret_error, YAML_READER_ERROR_MAX, "out of memory");
    if (yaml_parser_initialize(&parser) == 0) {
        return NULL;
    }
    yaml_parser_set_input_string(&parser, (const unsigned char *)text, len);
    object = read_stream(&r, &parser);
    yaml_parser_delete(&parser);
    return object;
}
