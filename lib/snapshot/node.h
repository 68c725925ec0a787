/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/node.h: a place in a JSON document from a stranger.  Reading one is
 * strict: no duplicate keys, no deep nesting, no number beyond 64 bits; every
 * failure names the place as "groups.cpuid.coverage".
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MIG_NODE_DEPTH_MAX 32

struct mig_node {
    json_t *json; /* borrowed from the document */
    char path[160];
};

MIG_MUST_CHECK bool mig_node_parse(const char *text, size_t len, json_t **ret,
                                   struct mig_error *err);
/* The same with every number read as a fraction: some programs print unsigned
 * 64-bit numbers. */
MIG_MUST_CHECK bool mig_node_parse_real(const char *text, size_t len, json_t **ret,
                                        struct mig_error *err);
void mig_node_free(json_t *document);
MIG_AUTO_DEFINE(mig_node_free, json_t *);

struct mig_node mig_node_root(json_t *document);

/* A document of our own, at most MIG_IMPORT_BYTES_MAX long: an object. */
MIG_MUST_CHECK bool mig_node_open(const char *text, size_t len, json_t **ret_document,
                                  struct mig_node *ret_root, struct mig_error *err);
/* It says that it is a @kind of "migctl/v1". */
MIG_MUST_CHECK bool mig_node_check_kind(const struct mig_node *root, const char *kind,
                                        struct mig_error *err);

/* MIG_FORMAT with the path in front; always false. */
bool mig_node_fail(const struct mig_node *n, struct mig_error *err, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));

/* @n is an object with no key beside @keys (NULL-terminated; NULL: any). */
MIG_MUST_CHECK bool mig_node_check_object(const struct mig_node *n, const char *const *keys,
                                          struct mig_error *err);

/* A member that must be there, of this type. */
MIG_MUST_CHECK bool mig_node_get(const struct mig_node *object, const char *key, json_type type,
                                 struct mig_node *ret, struct mig_error *err);
/* A member that may be missing: then ret->json is NULL. */
MIG_MUST_CHECK bool mig_node_find(const struct mig_node *object, const char *key, json_type type,
                                  struct mig_node *ret, struct mig_error *err);

/* An element of a list, or the member an iterator stands on. */
MIG_MUST_CHECK bool mig_node_element(const struct mig_node *list, size_t index, json_type type,
                                     struct mig_node *ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_node_member(const struct mig_node *object, void *iterator, json_type type,
                                    struct mig_node *ret, struct mig_error *err);

/* Borrowed text of a member that must be there. */
MIG_MUST_CHECK bool mig_node_get_text(const struct mig_node *object, const char *key,
                                      const char **ret, struct mig_error *err);
/* A JSON number from 0 to @max; a missing member leaves @ret alone. */
MIG_MUST_CHECK bool mig_node_find_number(const struct mig_node *object, const char *key,
                                         uint64_t max, uint64_t *ret, struct mig_error *err);
/* A whole number from 0 to @max (below 2^53) among fractions, likewise. */
MIG_MUST_CHECK bool mig_node_find_real(const struct mig_node *object, const char *key, uint64_t max,
                                       uint64_t *ret, struct mig_error *err);
/* Text "0x1f" of a member that must be there. */
MIG_MUST_CHECK bool mig_node_get_hex(const struct mig_node *object, const char *key, uint64_t max,
                                     uint64_t *ret, struct mig_error *err);
/* The node itself is such text. */
MIG_MUST_CHECK bool mig_node_hex(const struct mig_node *n, uint64_t max, uint64_t *ret,
                                 struct mig_error *err);

/* ---- writing ---- */

/* @value is taken. */
void mig_node_put(json_t *object, const char *key, json_t *value);
/* Left out when it is NULL or "". */
void mig_node_put_text(json_t *object, const char *key, const char *text);
/* Hex digits of all bytes. */
void mig_node_put_bytes(json_t *object, const char *key, const unsigned char *bytes, size_t len);
