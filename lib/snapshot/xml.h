/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/xml.h: an XML document from a stranger as libxml2's tree.  Reading
 * one is strict: UTF-8 alone, no document type (so no entities), no undeclared
 * prefix, limits on depth and number; every failure names line and place as
 * "line 12, domain/cpu/feature[2]", the place in the words of XPath.
 */
#pragma once

#include <libxml/tree.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MIG_XML_DEPTH_MAX 32
#define MIG_XML_ELEMENTS_MAX 65536
#define MIG_XML_ATTRIBUTES_MAX 64            /* of one element, with its namespaces */
#define MIG_XML_PIECE_BYTES_MAX (256 * 1024) /* of one tag, text or comment */

/* The outermost element is called @name, as far as the first bytes tell. */
bool mig_xml_is(const char *text, size_t len, const char *name);

/* @ret gets the outermost element; all others go when it is freed. */
MIG_MUST_CHECK bool mig_xml_parse(const char *text, size_t len, xmlNode **ret,
                                  struct mig_error *err);
void mig_xml_free(xmlNode *root);
MIG_AUTO_DEFINE(mig_xml_free, xmlNode *);

/* MIG_FORMAT with the place in front; always false. */
bool mig_xml_fail(const xmlNode *e, struct mig_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* What it is called, without the prefix of a namespace; so everywhere here. */
const char *mig_xml_name(const xmlNode *e);

/* All text inside, trimmed, never NULL; the caller frees. */
char *mig_xml_text(const xmlNode *e);

/* Value of an attribute; NULL when there is none, also when @e is NULL. */
const char *mig_xml_attribute(const xmlNode *e, const char *name);

/* First element inside (@e may be NULL), then the next one; NULL at the end. */
const xmlNode *mig_xml_first(const xmlNode *e);
const xmlNode *mig_xml_next(const xmlNode *e);

/* The same among those of one name. */
const xmlNode *mig_xml_child(const xmlNode *e, const char *name);
const xmlNode *mig_xml_sibling(const xmlNode *e);

/* The only child of that name; NULL when there is none or @e is NULL.  Two are
 * an error. */
MIG_MUST_CHECK bool mig_xml_only(const xmlNode *e, const char *name, const xmlNode **ret,
                                 struct mig_error *err);

/* An attribute that must be there. */
MIG_MUST_CHECK bool mig_xml_get(const xmlNode *e, const char *name, const char **ret,
                                struct mig_error *err);
MIG_MUST_CHECK bool mig_xml_get_number(const xmlNode *e, const char *name, uint64_t max,
                                       uint64_t *ret, struct mig_error *err);
/* One that may be missing: then @ret is left alone. */
MIG_MUST_CHECK bool mig_xml_find_number(const xmlNode *e, const char *name, uint64_t max,
                                        uint64_t *ret, struct mig_error *err);
