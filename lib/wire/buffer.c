/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/buffer.h"

#include <string.h>

#include "base/alloc.h"
#include "base/error.h"

unsigned char *mig_buffer_reserve(struct mig_buffer *b, size_t len)
{
    if (b->cap - b->end < len && b->start > 0) {
        memmove(b->items, b->items + b->start, mig_buffer_len(b));
        b->end -= b->start;
        b->start = 0;
    }
    if (b->cap - b->end < len) {
        b->cap = b->end + len > 2 * b->cap ? b->end + len : 2 * b->cap;
        b->items = mig_resize(b->items, b->cap, 1);
    }
    return b->items + b->end;
}

void mig_buffer_commit(struct mig_buffer *b, size_t len)
{
    MIG_ASSERT(len <= b->cap - b->end);
    b->end += len;
}

void mig_buffer_add(struct mig_buffer *b, const void *bytes, size_t len)
{
    memcpy(mig_buffer_reserve(b, len), bytes, len);
    mig_buffer_commit(b, len);
}

void mig_buffer_drop(struct mig_buffer *b, size_t len)
{
    MIG_ASSERT(len <= mig_buffer_len(b));
    b->start += len;
    if (b->start == b->end) {
        mig_buffer_clear(b);
    }
}

void mig_buffer_clear(struct mig_buffer *b)
{
    mig_free(b->items);
    *b = (struct mig_buffer){0};
}
