/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/buffer.h: bytes that come in at the end and leave at the front.  An
 * empty one holds no memory, so that an idle peer costs little.
 */
#pragma once

#include <stddef.h>

/* Zero-initialised is empty. */
struct mig_buffer {
    unsigned char *items;
    size_t start, end, cap; /* what is inside: items[start] .. items[end - 1] */
};

static inline size_t mig_buffer_len(const struct mig_buffer *b)
{
    return b->end - b->start;
}

static inline const unsigned char *mig_buffer_front(const struct mig_buffer *b)
{
    return b->items != NULL ? b->items + b->start : NULL;
}

/* Room for @len more bytes behind the end; commit what was filled in. */
unsigned char *mig_buffer_reserve(struct mig_buffer *b, size_t len);
void mig_buffer_commit(struct mig_buffer *b, size_t len);
void mig_buffer_add(struct mig_buffer *b, const void *bytes, size_t len);
void mig_buffer_drop(struct mig_buffer *b, size_t len);
void mig_buffer_clear(struct mig_buffer *b);
