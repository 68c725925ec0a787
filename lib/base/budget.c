/* SPDX-License-Identifier: Apache-2.0 */
#include "base/budget.h"

#include "base/alloc.h"

void *mig_budget_alloc(void *budget, size_t size)
{
    struct mig_budget *b = budget;

    if (size > b->left) {
        return NULL;
    }
    b->left -= size;
    return mig_alloc(1, size);
}

void mig_budget_free(void *budget __attribute__((unused)), void *p)
{
    mig_free(p);
}
