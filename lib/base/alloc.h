/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/alloc.h: memory that is there or the process ends.  Inputs are bounded
 * before anything is allocated for them, so exhaustion is not an input error.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"

/* @count items of @size bytes, all zero; the caller frees with mig_free(). */
void *mig_alloc(size_t count, size_t size) __attribute__((returns_nonnull));
#define MIG_NEW(type) ((type *)mig_alloc(1, sizeof(type)))

/* Grow @p to @count items of @size bytes; new bytes are undefined. */
void *mig_resize(void *p, size_t count, size_t size) __attribute__((returns_nonnull));

/* Copies; NULL in, NULL out. */
char *mig_strdup(const char *s);
char *mig_strndup(const char *s, size_t len);
void *mig_memdup(const void *p, size_t len);

/* printf into fresh memory; the caller frees. */
char *mig_strf(const char *fmt, ...) __attribute__((format(printf, 1, 2), returns_nonnull));

void mig_free(void *p);
MIG_AUTO_DEFINE(mig_free, char *);
