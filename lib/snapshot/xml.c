/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/xml.h"

#include <expat.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"

/* One pass over the document; the first trouble stops the parser. */
struct reading {
    XML_Parser parser;
    struct mig_xml *root, *open;
    unsigned depth, elements;
    bool failed;
    struct mig_error err;
};

static void parser_free(XML_Parser parser)
{
    if (parser != NULL) {
        XML_ParserFree(parser);
    }
}
MIG_AUTO_DEFINE(parser_free, XML_Parser);

/* Behind white space, declarations, comments and a document type without
 * brackets, which the parser refuses anyway. */
static const char *skip_prolog(const char *text, const char *end)
{
    for (;;) {
        const char *close;

        while (text < end && strchr(" \t\r\n", *text) != NULL && *text != '\0') {
            text++;
        }
        if (end - text < 2 || text[0] != '<' || (text[1] != '?' && text[1] != '!')) {
            return text;
        }
        close = end - text >= 4 && memcmp(text, "<!--", 4) == 0
                    ? memmem(text + 4, (size_t)(end - text - 4), "-->", 3)
                    : memchr(text, '>', (size_t)(end - text));
        if (close == NULL) {
            return end;
        }
        text = close + (*close == '-' ? 3 : 1);
    }
}

bool mig_xml_is(const char *text, size_t len, const char *name)
{
    const char *end = text + len, *start = skip_prolog(text, end);
    size_t want = strlen(name);

    return (size_t)(end - start) > want + 1 && start[0] == '<' &&
           memcmp(start + 1, name, want) == 0 && strchr(" \t\r\n/>", start[want + 1]) != NULL;
}

static void stop(struct reading *r)
{
    r->failed = true;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void hang(struct reading *r, struct mig_xml *e)
{
    e->parent = r->open;
    if (r->open == NULL) {
        r->root = e;
    } else if (r->open->last == NULL) {
        r->open->first = r->open->last = e;
    } else {
        r->open->last = r->open->last->next = e;
    }
    r->open = e;
}

static void start_element(void *data, const char *name, const char **attributes)
{
    struct reading *r = data;
    struct mig_xml *e;
    size_t len = 0;

    if (r->failed) {
        return;
    }
    if (r->depth++ == MIG_XML_DEPTH_MAX || r->elements++ == MIG_XML_ELEMENTS_MAX) {
        (void)mig_fail(&r->err, MIG_LIMIT,
                       "line %lu: more than %d elements, or nested deeper than %d",
                       (unsigned long)XML_GetCurrentLineNumber(r->parser), MIG_XML_ELEMENTS_MAX,
                       MIG_XML_DEPTH_MAX);
        stop(r);
        return;
    }
    while (attributes[len] != NULL) {
        len++;
    }
    e = MIG_NEW(struct mig_xml);
    e->name = mig_strdup(name);
    e->line = (unsigned long)XML_GetCurrentLineNumber(r->parser);
    e->attributes = mig_alloc(len + 1, sizeof *e->attributes);
    for (size_t i = 0; i < len; i++) {
        e->attributes[i] = mig_strdup(attributes[i]);
    }
    hang(r, e);
}

static void end_element(void *data, const char *name __attribute__((unused)))
{
    struct reading *r = data;
    struct mig_text text = {0};

    if (r->failed) {
        return;
    }
    mig_text_add(&text, r->open->text.items == NULL ? "" : mig_text_trim(r->open->text.items));
    mig_text_clear(&r->open->text);
    r->open->text = text;
    r->open = r->open->parent;
    r->depth--;
}

static void add_text(void *data, const char *text, int len)
{
    struct reading *r = data;

    if (!r->failed && r->open != NULL) {
        mig_text_add_bytes(&r->open->text, text, (size_t)len);
    }
}

/* Entities live in a DTD; none is read, so none is expanded. */
static void refuse_dtd(void *data, const char *name __attribute__((unused)),
                       const char *system_id __attribute__((unused)),
                       const char *public_id __attribute__((unused)),
                       int has_internal __attribute__((unused)))
{
    struct reading *r = data;

    (void)mig_fail(&r->err, MIG_FORMAT, "holds a document type, which is refused");
    stop(r);
}

static bool parse(struct reading *r, const char *text, size_t len, struct mig_error *err)
{
    bool done;

    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, start_element, end_element);
    XML_SetCharacterDataHandler(r->parser, add_text);
    XML_SetStartDoctypeDeclHandler(r->parser, refuse_dtd);
    done = XML_Parse(r->parser, text, (int)len, 1) == XML_STATUS_OK;
    if (r->failed) {
        *err = r->err;
        return false;
    }
    return done || mig_fail(err, MIG_FORMAT, "line %lu: %s",
                            (unsigned long)XML_GetCurrentLineNumber(r->parser),
                            XML_ErrorString(XML_GetErrorCode(r->parser)));
}

bool mig_xml_parse(const char *text, size_t len, struct mig_xml **ret, struct mig_error *err)
{
    MIG_AUTO(parser_free) XML_Parser parser = XML_ParserCreate(NULL);
    struct reading r = {.parser = parser};

    if (parser == NULL || len > INT_MAX) {
        return mig_fail(err, MIG_LIMIT, "too large for the XML parser");
    }
    if (!parse(&r, text, len, err)) {
        mig_xml_free(r.root);
        return false;
    }
    *ret = r.root;
    return true;
}

/* Children first, without recursion: down to a leaf, free it, go on. */
void mig_xml_free(struct mig_xml *root)
{
    struct mig_xml *e = root;

    while (e != NULL) {
        struct mig_xml *up = e->parent;

        if (e->first != NULL) {
            e = e->first;
            e->parent->first = e->next;
            continue;
        }
        for (char **a = e->attributes; *a != NULL; a++) {
            mig_free(*a);
        }
        mig_free(e->attributes);
        mig_free(e->name);
        mig_text_clear(&e->text);
        mig_free(e);
        e = up;
    }
}

/* "domain/cpu/feature[2]": counted from 0 where siblings share the name. */
static void add_place(struct mig_text *t, const struct mig_xml *e)
{
    size_t before = 0, all = 0;
    bool met = false;

    if (e->parent != NULL) {
        add_place(t, e->parent);
        mig_text_add(t, "/");
        for (const struct mig_xml *s = mig_xml_child(e->parent, e->name); s != NULL;
             s = mig_xml_sibling(s)) {
            met = met || s == e;
            before += met ? 0 : 1;
            all++;
        }
    }
    mig_text_add(t, e->name);
    if (all > 1) {
        mig_text_addf(t, "[%zu]", before);
    }
}

bool mig_xml_fail(const struct mig_xml *e, struct mig_error *err, const char *fmt, ...)
{
    MIG_AUTO(mig_text_clear) struct mig_text place = {0};
    char message[300];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    add_place(&place, e);
    mig_text_make_printable(place.items);
    mig_text_make_printable(message);
    return mig_fail(err, MIG_FORMAT, "line %lu, %.160s: %s", e->line, place.items, message);
}

const char *mig_xml_attribute(const struct mig_xml *e, const char *name)
{
    for (char **a = e == NULL ? NULL : e->attributes; a != NULL && *a != NULL; a += 2) {
        if (strcmp(a[0], name) == 0) {
            return a[1];
        }
    }
    return NULL;
}

static const struct mig_xml *first_of(const struct mig_xml *e, const char *name)
{
    while (e != NULL && strcmp(e->name, name) != 0) {
        e = e->next;
    }
    return e;
}

const struct mig_xml *mig_xml_child(const struct mig_xml *e, const char *name)
{
    return e == NULL ? NULL : first_of(e->first, name);
}

const struct mig_xml *mig_xml_sibling(const struct mig_xml *e)
{
    return first_of(e->next, e->name);
}

bool mig_xml_only(const struct mig_xml *e, const char *name, const struct mig_xml **ret,
                  struct mig_error *err)
{
    const struct mig_xml *child = mig_xml_child(e, name);

    if (child != NULL && mig_xml_sibling(child) != NULL) {
        return mig_xml_fail(e, err, "has more than one %s", name);
    }
    *ret = child;
    return true;
}

bool mig_xml_get(const struct mig_xml *e, const char *name, const char **ret, struct mig_error *err)
{
    const char *value = mig_xml_attribute(e, name);

    if (value == NULL) {
        return mig_xml_fail(e, err, "without attribute %s", name);
    }
    *ret = value;
    return true;
}

bool mig_xml_get_number(const struct mig_xml *e, const char *name, uint64_t max, uint64_t *ret,
                        struct mig_error *err)
{
    const char *value = "";

    return mig_xml_get(e, name, &value, err) && mig_xml_find_number(e, name, max, ret, err);
}

bool mig_xml_find_number(const struct mig_xml *e, const char *name, uint64_t max, uint64_t *ret,
                         struct mig_error *err)
{
    const char *value = mig_xml_attribute(e, name);

    return value == NULL || mig_text_to_u64(value, max, ret) ||
           mig_xml_fail(e, err, "%s '%.40s' is no number from 0 to 0x%llx", name, value,
                        (unsigned long long)max);
}
