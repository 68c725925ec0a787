/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/xml.h"

#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"

/* No network, nothing printed, CDATA is text.  A stranger does not choose the
 * decoder that is loaded: what is no UTF-8 is refused. */
#define OPTIONS                                                                                    \
    (XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING | XML_PARSE_NOCDATA |               \
     XML_PARSE_BIG_LINES | XML_PARSE_IGNORE_ENC)

#if LIBXML_VERSION < 21200
typedef xmlError error_given; /* const from then on */
#else
typedef const xmlError error_given;
#endif

MIG_AUTO_DEFINE(xmlFreeParserCtxt, xmlParserCtxt *);
MIG_AUTO_DEFINE(xmlFreeDoc, xmlDoc *);

/* The parser's _private; the first trouble is the one to report. */
struct reading {
    size_t elements;
    struct mig_error err;
};

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

/* libxml2 compares each attribute of a tag with all others, and takes a NUL
 * byte for the end. */
static bool check_pieces(const char *text, size_t len, struct mig_error *err)
{
    unsigned long line = 1;
    size_t start = 0;

    if (len > INT_MAX) {
        return mig_fail(err, MIG_LIMIT, "too large for the XML parser");
    }
    for (size_t i = 0; i < len; i++) {
        line += text[i] == '\n';
        start = text[i] == '<' ? i : start;
        if (text[i] == '\0') {
            return mig_fail(err, MIG_FORMAT, "line %lu: holds a NUL byte", line);
        }
        if (i - start == MIG_XML_PIECE_BYTES_MAX) {
            return mig_fail(err, MIG_LIMIT,
                            "line %lu: a tag, text or comment of more than %d bytes", line,
                            MIG_XML_PIECE_BYTES_MAX);
        }
    }
    return true;
}

static void on_error(void *data, error_given *e)
{
    xmlParserCtxt *parser = data;
    struct reading *r = parser->_private;
    char message[200];

    if (r->err.code != MIG_OK || e->level < XML_ERR_ERROR || e->message == NULL) {
        return;
    }
    (void)snprintf(message, sizeof message, "%.*s", (int)strcspn(e->message, "\n"), e->message);
    mig_text_make_printable(message);
    (void)mig_fail(&r->err, MIG_FORMAT, "line %d: not well-formed XML: %s", e->line, message);
}

/* Entities live in a document type; none is read, so none is expanded. */
static void on_document_type(void *data, const xmlChar *name __attribute__((unused)),
                             const xmlChar *external_id __attribute__((unused)),
                             const xmlChar *system_id __attribute__((unused)))
{
    xmlParserCtxt *parser = data;
    struct reading *r = parser->_private;

    (void)mig_fail(&r->err, MIG_FORMAT, "line %d: holds a document type, which is refused",
                   xmlSAX2GetLineNumber(parser));
    xmlStopParser(parser);
}

static size_t depth_of(const xmlNode *e)
{
    size_t depth = 0;

    for (; e != NULL && e->type == XML_ELEMENT_NODE; e = e->parent) {
        depth++;
    }
    return depth;
}

static void on_element(void *data, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
                       int spaces_len, const xmlChar **spaces, int attributes_len,
                       int defaulted_len, const xmlChar **attributes)
{
    xmlParserCtxt *parser = data;
    struct reading *r = parser->_private;

    if (r->elements++ == MIG_XML_ELEMENTS_MAX || depth_of(parser->node) == MIG_XML_DEPTH_MAX ||
        spaces_len + attributes_len > MIG_XML_ATTRIBUTES_MAX) {
        (void)mig_fail(&r->err, MIG_LIMIT,
                       "line %d: more than %d elements, %d levels or %d attributes of one",
                       xmlSAX2GetLineNumber(parser), MIG_XML_ELEMENTS_MAX, MIG_XML_DEPTH_MAX,
                       MIG_XML_ATTRIBUTES_MAX);
    }
    if (r->err.code != MIG_OK) {
        xmlStopParser(parser);
        return;
    }
    xmlSAX2StartElementNs(parser, name, prefix, uri, spaces_len, spaces, attributes_len,
                          defaulted_len, attributes);
}

bool mig_xml_parse(const char *text, size_t len, xmlNode **ret, struct mig_error *err)
{
    MIG_AUTO(xmlFreeParserCtxt) xmlParserCtxt *parser = NULL;
    MIG_AUTO(xmlFreeDoc) xmlDoc *document = NULL;
    struct reading r = {0};

    if (!check_pieces(text, len, err)) {
        return false;
    }
    xmlInitParser();
    parser = xmlNewParserCtxt();
    if (parser == NULL) {
        return mig_fail(err, MIG_LIMIT, "no memory for the XML parser");
    }
    parser->_private = &r;
    parser->sax->serror = on_error;
    parser->sax->internalSubset = on_document_type;
    parser->sax->startElementNs = on_element;
    parser->sax->comment = NULL; /* neither is kept, so neither has a limit */
    parser->sax->processingInstruction = NULL;
    document = xmlCtxtReadMemory(parser, text, (int)len, NULL, NULL, OPTIONS);
    if (r.err.code != MIG_OK) {
        *err = r.err;
        return false;
    }
    if (document == NULL) {
        return mig_fail(err, MIG_FORMAT, "not well-formed XML");
    }
    *ret = xmlDocGetRootElement(document);
    (void)mig_steal(&document);
    return true;
}

void mig_xml_free(xmlNode *root)
{
    if (root != NULL) {
        xmlFreeDoc(root->doc);
    }
}

bool mig_xml_fail(const xmlNode *e, struct mig_error *err, const char *fmt, ...)
{
    xmlChar *place = xmlGetNodePath(e); /* "/domain/cpu" */
    char message[300];
    va_list args;

    va_start(args, fmt);
    (void)vsnprintf(message, sizeof message, fmt, args);
    va_end(args);
    (void)mig_fail(err, MIG_FORMAT, "line %ld, %.160s: %s", xmlGetLineNo(e),
                   place == NULL ? mig_xml_name(e) : (const char *)place + 1, message);
    mig_text_make_printable(err->msg);
    xmlFree(place);
    return false;
}

const char *mig_xml_name(const xmlNode *e)
{
    return (const char *)e->name;
}

char *mig_xml_text(const xmlNode *e)
{
    xmlChar *content = xmlNodeGetContent(e);
    char *text = mig_strdup(content == NULL ? "" : mig_text_trim((char *)content));

    xmlFree(content);
    return text;
}

/* Without entities a value is one piece of text, or none. */
const char *mig_xml_attribute(const xmlNode *e, const char *name)
{
    const xmlAttr *a = e == NULL ? NULL : xmlHasNsProp(e, (const xmlChar *)name, NULL);

    if (a == NULL) {
        return NULL;
    }
    return a->children == NULL ? "" : (const char *)a->children->content;
}

static const xmlNode *element_from(const xmlNode *n)
{
    while (n != NULL && n->type != XML_ELEMENT_NODE) {
        n = n->next;
    }
    return n;
}

const xmlNode *mig_xml_first(const xmlNode *e)
{
    return e == NULL ? NULL : element_from(e->children);
}

const xmlNode *mig_xml_next(const xmlNode *e)
{
    return element_from(e->next);
}

static const xmlNode *named_from(const xmlNode *e, const char *name)
{
    while (e != NULL && strcmp(mig_xml_name(e), name) != 0) {
        e = mig_xml_next(e);
    }
    return e;
}

const xmlNode *mig_xml_child(const xmlNode *e, const char *name)
{
    return named_from(mig_xml_first(e), name);
}

const xmlNode *mig_xml_sibling(const xmlNode *e)
{
    return named_from(mig_xml_next(e), mig_xml_name(e));
}

bool mig_xml_only(const xmlNode *e, const char *name, const xmlNode **ret, struct mig_error *err)
{
    const xmlNode *child = mig_xml_child(e, name);

    if (child != NULL && mig_xml_sibling(child) != NULL) {
        return mig_xml_fail(e, err, "has more than one %s", name);
    }
    *ret = child;
    return true;
}

bool mig_xml_get(const xmlNode *e, const char *name, const char **ret, struct mig_error *err)
{
    const char *value = mig_xml_attribute(e, name);

    if (value == NULL) {
        return mig_xml_fail(e, err, "without attribute %s", name);
    }
    *ret = value;
    return true;
}

bool mig_xml_get_number(const xmlNode *e, const char *name, uint64_t max, uint64_t *ret,
                        struct mig_error *err)
{
    const char *value = "";

    return mig_xml_get(e, name, &value, err) && mig_xml_find_number(e, name, max, ret, err);
}

bool mig_xml_find_number(const xmlNode *e, const char *name, uint64_t max, uint64_t *ret,
                         struct mig_error *err)
{
    const char *value = mig_xml_attribute(e, name);

    return value == NULL || mig_text_to_u64(value, max, ret) ||
           mig_xml_fail(e, err, "%s '%.40s' is no number from 0 to 0x%llx", name, value,
                        (unsigned long long)max);
}
