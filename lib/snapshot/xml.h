/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/xml.h: an XML document from a stranger as a tree.  Reading one is
 * strict: no document type (so no entities), limits on depth and number; every
 * failure names line and place as "line 12, domain/cpu/feature[2]".
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/text.h"

#define MIG_XML_DEPTH_MAX 32
#define MIG_XML_ELEMENTS_MAX 65536

struct mig_xml {
    char *name;
    char **attributes;    /* name, value, name, value, NULL */
    struct mig_text text; /* its own, trimmed; .items is never NULL */
    unsigned long line;
    struct mig_xml *parent, *first, *last, *next; /* children, next sibling */
};

/* The outermost element is called @name, as far as the first bytes tell. */
bool mig_xml_is(const char *text, size_t len, const char *name);

MIG_MUST_CHECK bool mig_xml_parse(const char *text, size_t len, struct mig_xml **ret,
                                  struct mig_error *err);
void mig_xml_free(struct mig_xml *root);
MIG_AUTO_DEFINE(mig_xml_free, struct mig_xml *);

/* MIG_FORMAT with the place in front; always false. */
bool mig_xml_fail(const struct mig_xml *e, struct mig_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* Value of an attribute; NULL when there is none, also when @e is NULL. */
const char *mig_xml_attribute(const struct mig_xml *e, const char *name);

/* First child of that name, then the next sibling of the same name; NULL at
 * the end.  @e may be NULL. */
const struct mig_xml *mig_xml_child(const struct mig_xml *e, const char *name);
const struct mig_xml *mig_xml_sibling(const struct mig_xml *e);

/* The only child of that name; NULL when there is none or @e is NULL.  Two are
 * an error. */
MIG_MUST_CHECK bool mig_xml_only(const struct mig_xml *e, const char *name,
                                 const struct mig_xml **ret, struct mig_error *err);

/* An attribute that must be there. */
MIG_MUST_CHECK bool mig_xml_get(const struct mig_xml *e, const char *name, const char **ret,
                                struct mig_error *err);
MIG_MUST_CHECK bool mig_xml_get_number(const struct mig_xml *e, const char *name, uint64_t max,
                                       uint64_t *ret, struct mig_error *err);
/* One that may be missing: then @ret is left alone. */
MIG_MUST_CHECK bool mig_xml_find_number(const struct mig_xml *e, const char *name, uint64_t max,
                                        uint64_t *ret, struct mig_error *err);
