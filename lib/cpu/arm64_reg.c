/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_reg.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"

struct row {
    uint32_t index;
    const char *name;
};

static const struct row rows[] = {
#define ARM64_CACHE(name, number) {MIG_ARM64_##name, #name},
#define ARM64_REG(name, ...) {MIG_ARM64_##name, #name},
#define ARM64_FIRMWARE(name, number) {MIG_ARM64_##name, #name},
#define ARM64_BITMAP(name, number) {MIG_ARM64_##name, #name},
#include "cpu/arm64_reg.def"
};

static int by_index(const void *key, const void *row)
{
    uint32_t a = *(const uint32_t *)key, b = ((const struct row *)row)->index;

    return a < b ? -1 : a > b;
}

const char *mig_arm64_reg_name(struct mig_reg reg)
{
    const struct row *row = NULL;

    if (reg.sub == MIG_ARM64_SUB(reg.index)) {
        row = bsearch(&reg.index, rows, MIG_COUNT(rows), sizeof *rows, by_index);
    }
    return row != NULL ? row->name : NULL;
}

bool mig_arm64_reg_parse(const char *name, struct mig_reg *ret)
{
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            ret->index = rows[i].index;
            ret->sub = MIG_ARM64_SUB(rows[i].index);
            return true;
        }
    }
    return false;
}
