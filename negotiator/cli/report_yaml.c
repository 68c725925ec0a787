/* SPDX-License-Identifier: Apache-2.0 */
#include "report_yaml.h"

#include <ctype.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/error.h"

static bool emit_value(yaml_emitter_t *e, const json_t *value);

/* Consumes @event in both cases; what failed stays failed. */
static bool emit(yaml_emitter_t *e, yaml_event_t *event, int initialised)
{
    MIG_ASSERT(initialised != 0);
    return yaml_emitter_emit(e, event) != 0;
}

/* libyaml's own type for text; it does not write through these. */
static yaml_char_t *chars(const char *text)
{
    return (yaml_char_t *)(uintptr_t)text;
}

/* Would some reader take the bare word for null, a truth value, a number, a
 * date or a merge key?  All that starts with neither a letter nor a slash is quoted. */
static bool needs_quotes(const char *text, size_t len)
{
    static const char *const reserved[] = {"null", "true", "false", "yes", "no",  "on",
                                           "off",  "y",    "n",     "nan", "inf", "infinity"};

    if (len == 0 || (!isalpha((unsigned char)text[0]) && text[0] != '/')) {
        return true;
    }
    for (size_t i = 0; i < len; i++) {
        if (!isprint((unsigned char)text[i])) {
            return true;
        }
    }
    for (size_t i = 0; i < MIG_COUNT(reserved); i++) {
        if (strcasecmp(text, reserved[i]) == 0) {
            return true;
        }
    }
    return false;
}

static bool emit_scalar(yaml_emitter_t *e, const char *text, size_t len, yaml_scalar_style_t style)
{
    bool plain = style == YAML_PLAIN_SCALAR_STYLE;
    yaml_event_t event;

    return emit(
        e, &event,
        yaml_scalar_event_initialize(&event, NULL, NULL, chars(text), (int)len, plain, 1, style));
}

static bool emit_text(yaml_emitter_t *e, const char *text, size_t len)
{
    return emit_scalar(e, text, len,
                       needs_quotes(text, len) ? YAML_DOUBLE_QUOTED_SCALAR_STYLE
                                               : YAML_PLAIN_SCALAR_STYLE);
}

/* Numbers, truth values and null are written as in JSON. */
static bool emit_plain(yaml_emitter_t *e, const json_t *value)
{
    char *text = json_dumps(value, JSON_ENCODE_ANY);
    bool good;

    MIG_ASSERT(text != NULL);
    good = emit_scalar(e, text, strlen(text), YAML_PLAIN_SCALAR_STYLE);
    mig_free(text);
    return good;
}

static bool emit_object(yaml_emitter_t *e, const json_t *object)
{
    yaml_mapping_style_t style =
        json_object_size(object) == 0 ? YAML_FLOW_MAPPING_STYLE : YAML_BLOCK_MAPPING_STYLE;
    yaml_event_t event;
    const char *key;
    json_t *value;

    if (!emit(e, &event, yaml_mapping_start_event_initialize(&event, NULL, NULL, 1, style))) {
        return false;
    }
    /* the loop only reads, but jansson's iterators are not const */
    json_object_foreach((json_t *)(uintptr_t)object, key, value)
    {
        if (!emit_text(e, key, strlen(key)) || !emit_value(e, value)) {
            return false;
        }
    }
    return emit(e, &event, yaml_mapping_end_event_initialize(&event));
}

static bool emit_array(yaml_emitter_t *e, const json_t *array)
{
    yaml_sequence_style_t style =
        json_array_size(array) == 0 ? YAML_FLOW_SEQUENCE_STYLE : YAML_BLOCK_SEQUENCE_STYLE;
    yaml_event_t event;

    if (!emit(e, &event, yaml_sequence_start_event_initialize(&event, NULL, NULL, 1, style))) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(array); i++) {
        if (!emit_value(e, json_array_get(array, i))) {
            return false;
        }
    }
    return emit(e, &event, yaml_sequence_end_event_initialize(&event));
}

static bool emit_value(yaml_emitter_t *e, const json_t *value)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return emit_object(e, value);
    case JSON_ARRAY:
        return emit_array(e, value);
    case JSON_STRING:
        return emit_text(e, json_string_value(value), json_string_length(value));
    case JSON_INTEGER:
    case JSON_REAL:
    case JSON_TRUE:
    case JSON_FALSE:
    case JSON_NULL:
        break;
    }
    return emit_plain(e, value);
}

bool report_yaml_write(const json_t *object, FILE *out)
{
    yaml_emitter_t e;
    yaml_event_t event;
    bool good;

    MIG_ASSERT(yaml_emitter_initialize(&e) != 0);
    yaml_emitter_set_output_file(&e, out);
    yaml_emitter_set_unicode(&e, 1);
    yaml_emitter_set_width(&e, -1); /* a sentence stays on its line, for grep */
    good = emit(&e, &event, yaml_stream_start_event_initialize(&event, YAML_UTF8_ENCODING)) &&
           emit(&e, &event, yaml_document_start_event_initialize(&event, NULL, NULL, NULL, 1)) &&
           emit_value(&e, object) &&
           emit(&e, &event, yaml_document_end_event_initialize(&event, 1)) &&
           emit(&e, &event, yaml_stream_end_event_initialize(&event));
    MIG_ASSERT(good || e.error != YAML_EMITTER_ERROR); /* order of events */
    yaml_emitter_delete(&e);
    return good;
}

void report_yaml_print(json_t *object)
{
    (void)report_yaml_write(object, stdout); /* the stream remembers a failure */
    json_decref(object);
}
