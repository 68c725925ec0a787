/* SPDX-License-Identifier: Apache-2.0 */
#include <expat.h>
#include <limits.h>
#include <string.h>

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

/* One pass over the document; the first trouble stops the parser. */
struct reading {
    XML_Parser parser;
    struct mig_raw raw;
    struct mig_builder *builder;
    const char *element; /* the one that is being read */
    unsigned depth;
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

static unsigned long line_of(const struct reading *r)
{
    return (unsigned long)XML_GetCurrentLineNumber(r->parser);
}

static const char *attribute_of(const char **attributes, const char *name)
{
    for (; *attributes != NULL; attributes += 2) {
        if (strcmp(attributes[0], name) == 0) {
            return attributes[1];
        }
    }
    return NULL;
}

/* A missing attribute is 0 unless it is @needed. */
static bool read_number(struct reading *r, const char **attributes, const char *name, uint64_t max,
                        bool needed, uint64_t *ret)
{
    const char *text = attribute_of(attributes, name);

    if (text == NULL && needed) {
        return mig_fail(&r->err, MIG_FORMAT, "line %lu: %s without %s", line_of(r), r->element,
                        name);
    }
    if (text == NULL) {
        *ret = 0;
        return true;
    }
    return mig_text_to_u64(text, max, ret) ||
           mig_fail(&r->err, MIG_FORMAT, "line %lu: %s of %s is no number from 0x0 to 0x%llx",
                    line_of(r), name, r->element, (unsigned long long)max);
}

static bool read_leaf(struct reading *r, const char **attributes)
{
    static const char *const names[] = {"eax", "ebx", "ecx", "edx"};
    struct mig_raw_leaf leaf = {0};
    uint64_t index, sub, word;

    if (!read_number(r, attributes, "eax_in", UINT32_MAX, true, &index) ||
        !read_number(r, attributes, "ecx_in", UINT16_MAX, false, &sub)) {
        return false;
    }
    for (unsigned part = 0; part < MIG_COUNT(names); part++) {
        if (!read_number(r, attributes, names[part], UINT32_MAX, true, &word)) {
            return false;
        }
        leaf.words[part] = (uint32_t)word;
    }
    leaf.index = (uint32_t)index;
    leaf.sub = (uint16_t)sub;
    return mig_raw_add(&r->raw, &leaf, &r->err);
}

static bool read_msr(struct reading *r, const char **attributes)
{
    uint64_t index, low, high;

    if (!read_number(r, attributes, "index", UINT32_MAX, true, &index) ||
        !read_number(r, attributes, "eax", UINT32_MAX, true, &low) ||
        !read_number(r, attributes, "edx", UINT32_MAX, true, &high)) {
        return false;
    }
    if (mig_import_takes_msr((uint32_t)index)) {
        mig_builder_set(r->builder, mig_reg_msr((uint32_t)index), high << 32 | low);
    }
    return true;
}

static bool read_root(struct reading *r, const char *name, const char **attributes)
{
    const char *arch = attribute_of(attributes, "arch");

    if (strcmp(name, "cpudata") != 0) {
        return mig_fail(&r->err, MIG_FORMAT, "the outermost element is not cpudata");
    }
    return (arch != NULL && strcmp(arch, "x86") == 0) ||
           mig_fail(&r->err, MIG_FORMAT, "arch of cpudata is not x86");
}

static bool read_element(struct reading *r, const char *name, const char **attributes)
{
    if (r->depth == 0) {
        return read_root(r, name, attributes);
    }
    if (r->depth == 1 && strcmp(name, "cpuid") == 0) {
        return read_leaf(r, attributes);
    }
    if (r->depth == 1 && strcmp(name, "msr") == 0) {
        return read_msr(r, attributes);
    }
    return mig_fail(&r->err, MIG_FORMAT, "line %lu: unknown element", line_of(r));
}

static void stop(struct reading *r)
{
    r->failed = true;
    (void)XML_StopParser(r->parser, XML_FALSE);
}

static void start_element(void *data, const char *name, const char **attributes)
{
    struct reading *r = data;

    r->element = name;
    if (!r->failed && !read_element(r, name, attributes)) {
        stop(r);
    }
    r->depth++;
}

static void end_element(void *data, const char *name __attribute__((unused)))
{
    struct reading *r = data;

    r->depth--;
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
    XML_SetStartDoctypeDeclHandler(r->parser, refuse_dtd);
    done = XML_Parse(r->parser, text, (int)len, 1) == XML_STATUS_OK;
    if (r->failed) {
        *err = r->err;
        return false;
    }
    return done || mig_fail(err, MIG_FORMAT, "line %lu: %s", line_of(r),
                            XML_ErrorString(XML_GetErrorCode(r->parser)));
}

static bool read_document(struct reading *r, const char *text, size_t len,
                          struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(parser_free) XML_Parser parser = XML_ParserCreate(NULL);

    if (parser == NULL || len > INT_MAX) {
        return mig_fail(err, MIG_LIMIT, "too large for the XML parser");
    }
    r->parser = parser;
    r->builder = b;
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    return parse(r, text, len, err) && mig_raw_pour(&r->raw, b, err) &&
           mig_import_finish(b, "libvirt-cpudata", ret, err);
}

bool mig_import_cpudata_read(const char *text, size_t len, struct mig_snapshot **ret,
                             struct mig_error *err)
{
    struct reading r = {0};
    bool done = read_document(&r, text, len, ret, err);

    mig_raw_clear(&r.raw);
    return done;
}
