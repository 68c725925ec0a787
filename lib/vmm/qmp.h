/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/qmp.h: one question after the other to a QEMU over its machine protocol.
 * Every answer comes within one deadline, in lines of bounded length, or there
 * is an error that names the socket.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/error.h"

#define MIG_QMP_LINE_BYTES_MAX (1024u * 1024)

struct mig_qmp;

/* A unix socket that a QEMU listens on; all that is ever asked there has to be
 * answered within @timeout_ms from now. */
MIG_MUST_CHECK bool mig_qmp_connect(const char *path, uint64_t timeout_ms, struct mig_qmp **ret,
                                    struct mig_error *err);
/* The same over @fd, which is ours from now on, also after a failure; @name is
 * for messages. */
MIG_MUST_CHECK bool mig_qmp_take(int fd, const char *name, uint64_t timeout_ms,
                                 struct mig_qmp **ret, struct mig_error *err);
void mig_qmp_free(struct mig_qmp *q);
MIG_AUTO_DEFINE(mig_qmp_free, struct mig_qmp *);

/* From now on there are @timeout_ms again: for a migration, which takes longer
 * than any question. */
void mig_qmp_extend(struct mig_qmp *q, uint64_t timeout_ms);

/* Give QEMU @fd, which stays the caller's, under @name ("getfd"). */
MIG_MUST_CHECK bool mig_qmp_give(struct mig_qmp *q, int fd, const char *name,
                                 struct mig_error *err);

/* The process that listens on the socket. */
MIG_MUST_CHECK bool mig_qmp_peer(const struct mig_qmp *q, pid_t *ret, struct mig_error *err);

/* @ret gets what stands behind "return", of JSON type @type; the caller frees
 * (mig_node_free).  Numbers are fractions.  @arguments may be NULL and is taken.
 * MIG_REFUSED when QEMU answers with an error. */
MIG_MUST_CHECK bool mig_qmp_ask(struct mig_qmp *q, const char *command, json_t *arguments,
                                json_type type, json_t **ret, struct mig_error *err);

/* Copy of a text among what is returned; NULL when it is not there. */
MIG_MUST_CHECK bool mig_qmp_ask_member(struct mig_qmp *q, const char *command, const char *key,
                                       char **ret, struct mig_error *err);
/* "7.2.22 (Debian ...)", and 7, unless @ret_major is NULL. */
MIG_MUST_CHECK bool mig_qmp_ask_version(struct mig_qmp *q, char **ret, uint64_t *ret_major,
                                        struct mig_error *err);

/* A property of an object; any type. */
MIG_MUST_CHECK bool mig_qmp_get(struct mig_qmp *q, const char *path, const char *property,
                                json_t **ret, struct mig_error *err);
/* Copy of a property that is text; the caller frees. */
MIG_MUST_CHECK bool mig_qmp_get_text(struct mig_qmp *q, const char *path, const char *property,
                                     char **ret, struct mig_error *err);
