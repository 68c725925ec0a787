/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "command.h"
#include "compat/explain.h"
#include "cpu/level.h"
#include "report_json.h"
#include "session/page.h"
#include "verb.h"

#define INDENT 2

struct explain_options {
    char *output, *colour;
    bool help;
};

#define ROW(name, letter, kind, member, metavar, fallback, help)                                   \
    {                                                                                              \
        name, letter, MIG_OPTION_##kind, offsetof(struct explain_options, member), metavar,        \
            fallback, help                                                                         \
    }

static const struct mig_option rows[] = {
    ROW("output", 'o', TEXT, output, "FORM", "table", "table (for people), json or yaml"),
    ROW("color", 0, TEXT, colour, "WHEN", "auto",
        "auto (on a terminal without NO_COLOR), always or never"),
    ROW("help", 'h', FLAG, help, NULL, NULL, "this text"),
};

static const struct mig_options options = {rows, MIG_COUNT(rows)};

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
    add_string(object, "level", e->level != 0 ? mig_level_name(e->level) : NULL);
    (void)json_object_set_new(object, "needs", tie_array(e->needs, e->needs_len));
    (void)json_object_set_new(object, "neededBy", tie_array(e->needed_by, e->needed_by_len));
    (void)json_object_set_new(object, "takenBy", taker_array(e));
    return object;
}

static json_t *topic_object(const struct mig_topic *topic)
{
    json_t *object = json_object();

    add_string(object, "title", topic->title);
    add_string(object, "text", topic->text);
    add_string(object, "remedy", topic->remedy);
    return object;
}

static json_t *explanation_object(const struct mig_explanation *e)
{
    json_t *object = json_object();

    add_string(object, "id", e->id);
    (void)json_object_set_new(object, "field", e->field != NULL ? field_object(e) : json_null());
    (void)json_object_set_new(object, "topic",
                              e->topic != NULL ? topic_object(e->topic) : json_null());
    return object;
}

static void print_item(const char *label, const char *text)
{
    char head[16];

    (void)snprintf(head, sizeof head, "%-10s", label);
    mig_page_item(stdout, INDENT, head, text);
}

/* "sse3 (qemu, intel)" */
static void print_also(const struct mig_explanation *e)
{
    struct mig_text t = {0};

    for (size_t i = 0; i < e->also_len; i++) {
        mig_text_addf(&t, "%s%s (", i > 0 ? ", " : "", e->also[i].name);
        for (const char *c = e->also[i].who; *c != '\0'; c++) {
            mig_text_add_bytes(&t, *c == ' ' ? ", " : c, *c == ' ' ? 2 : 1);
        }
        mig_text_add(&t, ")");
    }
    if (t.len > 0) {
        print_item("also", t.items);
    }
    mig_text_clear(&t);
}

/* "vaes, vpclmulqdq (encoded in AVX registers)": what shares a reason stands
 * together. */
static void print_ties(const char *label, const struct mig_tie *ties, size_t len)
{
    struct mig_text t = {0};

    for (size_t i = 0; i < len; i++) {
        bool last = i + 1 == len || strcmp(ties[i].reason, ties[i + 1].reason) != 0;

        mig_text_addf(&t, "%s%s", i > 0 ? ", " : "", ties[i].name);
        if (last) {
            mig_text_addf(&t, " (%s)", ties[i].reason);
        }
    }
    if (len > 0) {
        print_item(label, t.items);
    }
    mig_text_clear(&t);
}

static void print_takers(const struct mig_explanation *e)
{
    for (size_t i = 0; i < e->takers_len; i++) {
        MIG_AUTO(mig_free)
        char *text = mig_strf("%s: %s", mig_reason_name(e->takers[i].who), e->takers[i].how);

        print_item(i == 0 ? "taken by" : "", text);
    }
}

static void print_field(const struct mig_explanation *e)
{
    const struct mig_field *f = e->field;

    print_item("place", e->place);
    print_also(e);
    print_item("why", f->why);
    print_item("rule", mig_rule_name(f->shape.rule));
    print_item("move", e->move);
    print_item("profile", e->profile);
    print_item("offer", e->offer);
    print_item("class", mig_class_name(f->class_));
    print_item("vendor", mig_explain_vendor(f->vendor));
    if (e->level != 0) {
        print_item("level", mig_level_name(e->level));
    }
    print_ties("needs", e->needs, e->needs_len);
    print_ties("needed by", e->needed_by, e->needed_by_len);
    print_takers(e);
}

static void print_explanation(const struct mig_explanation *e, bool painted)
{
    struct mig_text head = {0};

    if (e->field != NULL) {
        mig_paint_add(&head, painted, MIG_PAINT_STRONG, e->field->name);
        mig_text_add(&head, "  ");
    }
    mig_text_add(&head, e->id);
    (void)puts(head.items);
    mig_text_clear(&head);
    if (e->field != NULL) {
        print_field(e);
    }
    if (e->topic != NULL) {
        print_item("what", e->topic->title);
        print_item("means", e->topic->text);
        print_item("remedy", e->topic->remedy);
    }
}

/* One line per row of a register. */
static void print_register(const char *word, struct mig_fields fields)
{
    (void)puts(word);
    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];
        char bits[16], *head;

        if (f->hi == f->lo) {
            (void)snprintf(bits, sizeof bits, "%u", f->lo);
        } else {
            (void)snprintf(bits, sizeof bits, "%u:%u", f->hi, f->lo);
        }
        head = mig_strf("%5s  %-20s %-14s %-7s", bits, f->name, mig_rule_name(f->shape.rule),
                        mig_offer_name(f->offer));
        mig_page_item(stdout, INDENT, head, f->why);
        mig_free(head);
    }
}

static int fail_unknown(const char *word)
{
    const char *near[MIG_EXPLAIN_NEAREST];
    size_t len = mig_explain_nearest(word, near);
    struct mig_text t = {0};
    struct mig_error err;

    for (size_t i = 0; i < len; i++) {
        mig_text_addf(&t, "%s%s",
                      i == 0        ? "; did you mean "
                      : i + 1 < len ? ", "
                                    : " or ",
                      near[i]);
    }
    (void)mig_fail(&err, MIG_USAGE, "explain: '%.80s' is no name, alias or id that is known%s%s",
                   word, len > 0 ? t.items : "", len > 0 ? "?" : "");
    mig_text_clear(&t);
    return verb_fail(&err);
}

static void add_register(json_t *items, struct mig_reg reg, struct mig_fields fields)
{
    for (size_t i = 0; i < fields.len; i++) {
        struct mig_explanation e;

        mig_explain_field(&fields.items[i], reg.sub, &e);
        (void)json_array_append_new(items, explanation_object(&e));
        mig_explain_clear(&e);
    }
}

/* To @items, or to the page when it is NULL; gives the exit status. */
static int explain_word(const char *word, json_t *items, bool painted)
{
    struct mig_explanation e;
    struct mig_reg reg;
    struct mig_fields fields;

    if (mig_explain(word, &e)) {
        if (items != NULL) {
            (void)json_array_append_new(items, explanation_object(&e));
        } else {
            print_explanation(&e, painted);
        }
        mig_explain_clear(&e);
        return 0;
    }
    fields = mig_explain_register(word, &reg);
    if (fields.len == 0) {
        return fail_unknown(word);
    }
    if (items != NULL) {
        add_register(items, reg, fields);
    } else {
        print_register(word, fields);
    }
    return 0;
}

/* An object is whole or not there; text stops at nothing. */
static int explain_words(struct command *c, char **words, int len, bool painted)
{
    json_t *items = c->json ? json_array() : NULL;
    int status = 0;

    for (int i = 0; i < len; i++) {
        int one;

        if (items == NULL && i > 0) {
            (void)putchar('\n');
        }
        one = explain_word(words[i], items, painted);
        status = one != 0 ? one : status;
    }
    if (status != 0) {
        json_decref(items);
    } else if (items != NULL) {
        json_t *object = report_json_head("Explanation");

        (void)json_object_set_new(object, "items", items);
        command_print(c, object);
    }
    return status;
}

static bool parse_form(const struct explain_options *o, struct command *ret,
                       enum mig_paint_when *ret_paint, struct mig_error *err)
{
    ret->yaml = strcmp(o->output, "yaml") == 0;
    ret->json = ret->yaml || strcmp(o->output, "json") == 0;
    if (!ret->json && strcmp(o->output, "table") != 0) {
        return mig_fail(err, MIG_USAGE, "output: expected table, json or yaml, got '%s'",
                        o->output);
    }
    return mig_paint_parse(o->colour, ret_paint) ||
           mig_fail(err, MIG_USAGE, "color: expected auto, always or never, got '%s'", o->colour);
}

static void help(void)
{
    (void)puts("usage: migctl explain [options] NAME|ID...\n\n"
               "What a field or a finding is, by which rule it is judged, what hangs on it and\n"
               "what takes it away.  NAME is a flag as Linux, QEMU, libvirt or Xen call it, ID\n"
               "any id of a report; the id of a register lists its fields.  Asks no host.\n\n"
               "options:");
    mig_options_help(&options, stdout);
}

/* A reader that has seen enough is no failure. */
static int finish(int status)
{
    struct mig_error err;

    errno = 0;
    if ((fflush(stdout) != 0 || ferror(stdout) != 0) && errno != EPIPE) {
        (void)mig_fail(&err, MIG_USAGE, "standard output could not be written");
        return verb_fail(&err);
    }
    return status;
}

static int explain(int argc, char **argv, struct explain_options *o)
{
    int len = 0, rest = 0, status;
    enum mig_paint_when paint = MIG_PAINT_AUTO;
    struct command c = {0};
    struct mig_error err;

    if (!mig_options_parse(&options, argc, argv, o, &len, &rest, &err)) {
        (void)mig_wrap(&err, "explain");
        return verb_fail(&err);
    }
    if (o->help) {
        help();
    } else if (len < 1 || rest < argc) {
        (void)mig_fail(&err, MIG_USAGE, "usage: migctl explain [options] NAME|ID...");
        return verb_fail(&err);
    } else if (!parse_form(o, &c, &paint, &err)) {
        return verb_fail(&err);
    }
    status = o->help ? 0 : explain_words(&c, argv + 1, len, mig_paint_is_wanted(paint, stdout));
    return finish(status);
}

static int run(int argc, char **argv)
{
    struct explain_options o = {0};
    int status;

    mig_options_init(&options, &o);
    status = explain(argc, argv, &o);
    mig_options_clear(&options, &o);
    return status;
}

const struct verb verb_explain = {"explain", "what a field or a finding is, and what takes it away",
                                  run};
