/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/budget.h: memory for a decoder of foreign bytes.  A few bytes on the
 * wire can ask for a hundred in memory; when the budget is spent there is none
 * left, and decoding fails.  The functions fit protobuf-c's allocator.
 */
#pragma once

#include <stddef.h>

struct mig_budget {
    size_t left; /* bytes; what is freed does not come back */
};

void *mig_budget_alloc(void *budget, size_t size);
void mig_budget_free(void *budget, void *p);
