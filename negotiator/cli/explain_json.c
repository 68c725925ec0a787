/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/arm64_name.h"
#include "cpu/arm64_value.h"
#include "cpu/arm64_view.h"
#include "cpu/level.h"
#include "explain_report.h"

static void add_string(json_t *object, const char *key, const char *value)
{
    (void)json_object_set_new(object, key, value != NULL ? json_string(value) : json_null());
}

/* The id of a name that stands in the table; null for what is an id already. */
static json_t *tie_object(const struct mig_tie *tie)
{
    const struct mig_field *f = mig_field_find(tie->name);
    char id[MIG_FIELD_ID_MAX];
    json_t *object = json_object();

    if (f != NULL) {
        mig_field_print_id(f, f->reg.sub, id);
    }
    add_string(object, "name", tie->name);
    add_string(object, "id", f != NULL ? id : NULL);
    add_string(object, "reason", tie->reason);
    return object;
}

static json_t *tie_array(const struct mig_tie *ties, size_t len)
{
    json_t *array = json_array();

    for (size_t i = 0; i < len; i++) {
        (void)json_array_append_new(array, tie_object(&ties[i]));
    }
    return array;
}

static json_t *also_array(const struct mig_explanation *e)
{
    json_t *array = json_array();

    for (size_t i = 0; i < e->also_len; i++) {
        json_t *naming = json_object(), *by = json_array();
        MIG_AUTO(mig_free) char *who = mig_strdup(e->also[i].who);
        char *rest = who, *word;

        while ((word = strsep(&rest, " ")) != NULL) {
            (void)json_array_append_new(by, json_string(word));
        }
        add_string(naming, "name", e->also[i].name);
        (void)json_object_set_new(naming, "by", by);
        (void)json_array_append_new(array, naming);
    }
    return array;
}

static json_t *taker_array(const struct mig_explanation *e)
{
    json_t *array = json_array();

    for (size_t i = 0; i < e->takers_len; i++) {
        json_t *taker = json_object();

        add_string(taker, "reason", mig_reason_name(e->takers[i].who));
        add_string(taker, "how", e->takers[i].how);
        (void)json_array_append_new(array, taker);
    }
    return array;
}

static json_t *topic_object(const struct mig_topic *topic)
{
    json_t *object = json_object();

    add_string(object, "title", topic->title);
    add_string(object, "text", topic->text);
    add_string(object, "remedy", topic->remedy);
    return object;
}

/* A number that JSON readers keep whole; wider fields are hex text. */
static json_t *value_number(const struct mig_field *f, uint64_t value)
{
    char text[MIG_ARM64_NAME_MAX];

    if (f->shape.width <= 32) {
        return json_integer((json_int_t)value);
    }
    (void)snprintf(text, sizeof text, "0x%" PRIx64, value);
    return json_string(text);
}

static json_t *value_object(const struct mig_field *f, uint64_t value)
{
    json_t *object = json_object();
    char name[MIG_ARM64_NAME_MAX];

    mig_arm64_name_value(f, value, name);
    (void)json_object_set_new(object, "value", value_number(f, value));
    add_string(object, "name", mig_arm64_value_name(f, value) != NULL ? name : NULL);
    return object;
}

static json_t *feat_names(const struct mig_field *f, uint64_t value)
{
    const struct mig_arm64_feat *feats[MIG_ARM64_FEATS_MAX];
    size_t len = mig_arm64_feat_at(f, value, feats, MIG_ARM64_FEATS_MAX);
    json_t *array = json_array();

    for (size_t i = 0; i < len; i++) {
        (void)json_array_append_new(array, json_string(feats[i]->name));
    }
    return array;
}

static json_t *value_array(const struct mig_field *f)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);
    json_t *array = json_array();

    for (size_t i = 0; i < values.len; i++) {
        json_t *object = value_object(f, values.items[i].value);

        (void)json_object_set_new(object, "features", feat_names(f, values.items[i].value));
        (void)json_array_append_new(array, object);
    }
    return array;
}

static void add_terms(json_t *object, const char *key, struct mig_arm64_terms terms)
{
    struct mig_text t = {0};

    mig_arm64_terms_print(terms, &t);
    add_string(object, key, t.items);
    mig_text_clear(&t);
}

static json_t *feat_object(const struct mig_arm64_feat *feat)
{
    json_t *object = json_object();

    add_string(object, "name", feat->name);
    add_terms(object, "when", feat->terms);
    add_terms(object, "when32", mig_arm64_feat_aa32(feat));
    add_string(object, "note", feat->note[0] != '\0' ? feat->note : NULL);
    return object;
}

static json_t *feat_array(const struct mig_field *f)
{
    struct mig_arm64_feats all = mig_arm64_feat_all();
    json_t *array = json_array();

    for (size_t i = 0; i < all.len; i++) {
        if (mig_arm64_terms_read(all.items[i].terms, f) ||
            mig_arm64_terms_read(mig_arm64_feat_aa32(&all.items[i]), f)) {
            (void)json_array_append_new(array, feat_object(&all.items[i]));
        }
    }
    return array;
}

static json_t *view_names(const struct mig_field *f)
{
    struct mig_arm64_views all = mig_arm64_view_all();
    json_t *array = json_array();

    for (size_t i = 0; i < all.len; i++) {
        if (mig_arm64_view_has(&all.items[i], f)) {
            (void)json_array_append_new(array, json_string(all.items[i].name));
        }
    }
    return array;
}

static const char *settable_name(enum mig_writable settable)
{
    static const char *const names[] = {[MIG_SETTABLE_NO] = "no",
                                        [MIG_SETTABLE_YES] = "yes",
                                        [MIG_SETTABLE_MASK_ONLY] = "mask only",
                                        [MIG_SETTABLE_CAP] = "with capability"};

    return names[settable];
}

static const char *scope_name(enum mig_scope scope)
{
    static const char *const names[] = {[MIG_SCOPE_EL1] = "el1",
                                        [MIG_SCOPE_EL2] = "el2",
                                        [MIG_SCOPE_AA32] = "aa32",
                                        [MIG_SCOPE_GEOMETRY] = "geometry",
                                        [MIG_SCOPE_IDENTITY] = "identity"};

    return names[scope];
}

static json_t *arm64_object(const struct mig_explanation *e)
{
    const struct mig_field *f = e->field;
    json_t *object, *settable;

    if (f->reg.space != MIG_SPACE_IDREG) {
        return json_null();
    }
    object = json_object();
    settable = json_object();
    add_string(object, "sysreg", e->sysreg);
    add_string(object, "scope", scope_name(f->scope));
    add_string(settable, "6.12", settable_name(f->settable_6_12));
    add_string(settable, "7.2", settable_name(f->settable_7_2));
    (void)json_object_set_new(object, "settable", settable);
    (void)json_object_set_new(object, "values", value_array(f));
    (void)json_object_set_new(object, "features", feat_array(f));
    (void)json_object_set_new(object, "views", view_names(f));
    return object;
}

static json_t *field_object(const struct mig_explanation *e)
{
    const struct mig_field *f = e->field;
    json_t *object = json_object();

    add_string(object, "name", f->name);
    (void)json_object_set_new(object, "aliases", also_array(e));
    add_string(object, "place", e->place);
    add_string(object, "why", f->why);
    add_string(object, "rule", mig_rule_name(f->shape.rule));
    add_string(object, "move", e->move);
    add_string(object, "profile", e->profile);
    add_string(object, "offer", mig_offer_name(f->offer));
    add_string(object, "allow", f->opt_in);
    add_string(object, "class", mig_class_name(f->class_));
    add_string(object, "vendor", mig_explain_vendor(f->vendor));
    add_string(object, "level", e->level != MIG_LEVEL_NONE ? mig_level_name(e->level) : NULL);
    (void)json_object_set_new(object, "needs", tie_array(e->needs, e->needs_len));
    (void)json_object_set_new(object, "neededBy", tie_array(e->needed_by, e->needed_by_len));
    (void)json_object_set_new(object, "takenBy", taker_array(e));
    (void)json_object_set_new(object, "arm64", arm64_object(e));
    return object;
}

static json_t *view_object(const struct mig_arm64_view *view)
{
    json_t *object = json_object(), *labels = json_array(), *fields = json_array();

    for (size_t i = 0; i < view->labels_len; i++) {
        json_t *label = json_object();

        add_string(label, "label", view->labels[i].label);
        add_terms(label, "when", view->labels[i].terms);
        add_string(label, "note", view->labels[i].note[0] != '\0' ? view->labels[i].note : NULL);
        (void)json_array_append_new(labels, label);
    }
    for (size_t i = 0; i < view->parts_len; i++) {
        (void)json_array_append_new(
            fields, json_string(mig_field_at(view->parts[i].reg, view->parts[i].lo)->name));
    }
    add_string(object, "name", view->name);
    add_string(object, "kind", view->kind == MIG_ARM64_VIEW_FRACTION ? "fraction" : "composite");
    add_string(object, "text", view->note);
    (void)json_object_set_new(object, "labels", labels);
    (void)json_object_set_new(object, "fields", fields);
    return object;
}

static json_t *has_value(enum mig_explain_has has)
{
    return has == MIG_EXPLAIN_UNKNOWN ? json_null() : json_boolean(has == MIG_EXPLAIN_YES);
}

static json_t *host_object(const struct mig_explanation *e, const struct mig_party *host)
{
    struct mig_explain_host on;
    json_t *object = json_object(), *values = json_null();

    mig_explain_host(e, host, &on);
    add_string(object, "name", host->name);
    (void)json_object_set_new(object, "shows",
                              explain_is_value(on.shown) ? value_object(e->field, on.shown.value)
                                                         : json_null());
    if (on.knows_values) {
        values = json_array();
        for (size_t i = 0; i < on.values.len; i++) {
            (void)json_array_append_new(values, value_object(e->field, on.values.items[i]));
        }
    }
    (void)json_object_set_new(object, "takes", values);
    (void)json_object_set_new(object, "takesValue", has_value(on.takes));
    (void)json_object_set_new(object, "hasFeature", has_value(on.feat));
    add_string(object, "label", on.label);
    return object;
}

json_t *explain_json_object(const struct mig_explanation *e, struct explain_hosts hosts)
{
    json_t *object = json_object(), *array = json_array();

    add_string(object, "id", e->id);
    (void)json_object_set_new(object, "field", e->field != NULL ? field_object(e) : json_null());
    (void)json_object_set_new(object, "value",
                              e->has_value ? value_object(e->field, e->value) : json_null());
    (void)json_object_set_new(object, "feature",
                              e->feat != NULL ? feat_object(e->feat) : json_null());
    (void)json_object_set_new(object, "view", e->view != NULL ? view_object(e->view) : json_null());
    (void)json_object_set_new(object, "topic",
                              e->topic != NULL ? topic_object(e->topic) : json_null());
    for (size_t i = 0; i < hosts.len; i++) {
        (void)json_array_append_new(array, host_object(e, &hosts.items[i]));
    }
    (void)json_object_set_new(object, "hosts", array);
    return object;
}
