/* SPDX-License-Identifier: Apache-2.0 */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/tree.h>

#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/raw.h"

#define SOURCE "libvirt cpudata"

/*
 * <cpudata arch='x86'>
 *   <cpuid eax_in='0x7' ecx_in='0x0' eax='0x..' ebx='0x..' ecx='0x..' edx='0x..'/>
 *   <msr index='0x10a' eax='0x..' edx='0x..'/>
 * libvirt reads the silicon itself and leaves out what is 0.
 */
bool mig_import_cpudata_recognises(const char *text, size_t len)
{
    return text[0] == '<' && memmem(text, len, "<cpudata", 8) != NULL;
}

static void document_free(xmlDocPtr document)
{
    xmlFreeDoc(document);
}
MIG_AUTO_DEFINE(document_free, xmlDocPtr);

static void parser_free(xmlParserCtxtPtr parser)
{
    xmlFreeParserCtxt(parser);
}
MIG_AUTO_DEFINE(parser_free, xmlParserCtxtPtr);

/* Entities live in a DTD; none is read, so none is expanded. */
static void refuse_dtd(void *parser, const xmlChar *name __attribute__((unused)),
                       const xmlChar *public_id __attribute__((unused)),
                       const xmlChar *system_id __attribute__((unused)))
{
    xmlParserCtxtPtr p = parser;
    bool *seen = p->_private;

    *seen = true;
    xmlStopParser(p);
}

static bool fail_parse(xmlParserCtxtPtr parser, struct mig_error *err)
{
    const xmlError *why = xmlCtxtGetLastError(parser);
    char message[200];

    (void)snprintf(message, sizeof message, "%s",
                   why == NULL || why->message == NULL ? "not well-formed" : why->message);
    mig_text_make_printable(message);
    return mig_fail(err, MIG_FORMAT, "line %d: %s", why == NULL ? 0 : why->line, message);
}

static bool parse(const char *text, size_t len, xmlDocPtr *ret, struct mig_error *err)
{
    MIG_AUTO(parser_free) xmlParserCtxtPtr parser = xmlNewParserCtxt();
    MIG_AUTO(document_free) xmlDocPtr document = NULL;
    bool has_dtd = false;

    if (parser == NULL || len > INT_MAX) {
        return mig_fail(err, MIG_INTERNAL, "no XML parser");
    }
    parser->_private = &has_dtd;
    parser->sax->internalSubset = refuse_dtd;
    document = xmlCtxtReadMemory(parser, text, (int)len, "cpudata", NULL,
                                 XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
    if (has_dtd) {
        return mig_fail(err, MIG_FORMAT, "holds a document type, which is refused");
    }
    if (document == NULL) {
        return fail_parse(parser, err);
    }
    *ret = mig_steal(&document);
    return true;
}

static bool is_named(const xmlNode *node, const char *name)
{
    return strcmp((const char *)node->name, name) == 0;
}

/* A missing attribute is 0 where @needed says so. */
static bool read_number(const xmlNode *node, const char *name, uint64_t max, bool needed,
                        uint64_t *ret, struct mig_error *err)
{
    const xmlAttr *attribute = xmlHasProp(node, (const xmlChar *)name);
    const xmlNode *value = attribute == NULL ? NULL : attribute->children;
    const char *text = value == NULL ? "" : (const char *)value->content;

    if (attribute == NULL && !needed) {
        *ret = 0;
        return true;
    }
    if (attribute == NULL) {
        return mig_fail(err, MIG_FORMAT, "line %ld: %s without %s", xmlGetLineNo(node),
                        (const char *)node->name, name);
    }
    if (value == NULL || value->next != NULL || text == NULL || !mig_text_to_u64(text, max, ret)) {
        return mig_fail(err, MIG_FORMAT, "line %ld: %s of %s is no number from 0x0 to 0x%llx",
                        xmlGetLineNo(node), name, (const char *)node->name,
                        (unsigned long long)max);
    }
    return true;
}

static bool read_leaf(const xmlNode *node, struct mig_raw *raw, struct mig_error *err)
{
    static const char *const names[] = {"eax", "ebx", "ecx", "edx"};
    struct mig_raw_leaf leaf = {0};
    uint64_t index, sub, word;

    if (!read_number(node, "eax_in", UINT32_MAX, true, &index, err) ||
        !read_number(node, "ecx_in", UINT16_MAX, false, &sub, err)) {
        return false;
    }
    for (unsigned part = 0; part < 4; part++) {
        if (!read_number(node, names[part], UINT32_MAX, true, &word, err)) {
            return false;
        }
        leaf.words[part] = (uint32_t)word;
    }
    leaf.index = (uint32_t)index;
    leaf.sub = (uint16_t)sub;
    return mig_raw_add(raw, &leaf, err);
}

static bool read_msr(const xmlNode *node, struct mig_builder *b, struct mig_error *err)
{
    uint64_t index, low, high;

    if (!read_number(node, "index", UINT32_MAX, true, &index, err) ||
        !read_number(node, "eax", UINT32_MAX, true, &low, err) ||
        !read_number(node, "edx", UINT32_MAX, true, &high, err)) {
        return false;
    }
    if (mig_import_takes_msr((uint32_t)index)) {
        mig_builder_set(b, mig_reg_msr((uint32_t)index), high << 32 | low);
    }
    return true;
}

static bool read_root(const xmlNode *root, struct mig_raw *raw, struct mig_builder *b,
                      struct mig_error *err)
{
    const xmlAttr *arch = root == NULL ? NULL : xmlHasProp(root, (const xmlChar *)"arch");

    if (root == NULL || !is_named(root, "cpudata")) {
        return mig_fail(err, MIG_FORMAT, "the outermost element is not cpudata");
    }
    if (arch == NULL || arch->children == NULL || arch->children->content == NULL ||
        strcmp((const char *)arch->children->content, "x86") != 0) {
        return mig_fail(err, MIG_FORMAT, "arch of cpudata is not x86");
    }
    for (const xmlNode *node = root->children; node != NULL; node = node->next) {
        if (node->type != XML_ELEMENT_NODE) {
            continue;
        }
        if (!is_named(node, "cpuid") && !is_named(node, "msr")) {
            return mig_fail(err, MIG_FORMAT, "line %ld: unknown element", xmlGetLineNo(node));
        }
        if (is_named(node, "cpuid") ? !read_leaf(node, raw, err) : !read_msr(node, b, err)) {
            return false;
        }
    }
    return true;
}

bool mig_import_cpudata_read(const char *text, size_t len, struct mig_snapshot **ret,
                             struct mig_error *err)
{
    MIG_AUTO(document_free) xmlDocPtr document = NULL;
    MIG_AUTO(mig_raw_clear) struct mig_raw raw = {0};
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    return parse(text, len, &document, err) &&
           read_root(xmlDocGetRootElement(document), &raw, b, err) && mig_raw_pour(&raw, b, err) &&
           mig_import_finish(b, "libvirt-cpudata", ret, err);
}
