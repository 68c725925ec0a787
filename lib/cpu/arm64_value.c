/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/arm64_value.h"

#include <strings.h>

#include "base/array.h"
#include "cpu/arm64_reg.h"
#include "cpu/field.h"

static const struct mig_arm64_value rows[] = {
#define ARM64_VALUE(reg, field, value, name)                                                       \
    {MIG_ARM64_##reg, MIG_ARM64_LO_##reg##_##field, (value), (name)},
#include "cpu/arm64_value.def"
};

static bool is_of(const struct mig_arm64_value *row, const struct mig_field *f)
{
    return row->index == f->reg.index && row->lo == f->lo;
}

struct mig_arm64_values mig_arm64_value_all(const struct mig_field *f)
{
    struct mig_arm64_values values = {NULL, 0};

    for (size_t i = 0; f->reg.space == MIG_SPACE_IDREG && i < MIG_COUNT(rows); i++) {
        if (is_of(&rows[i], f)) {
            values.items = values.len == 0 ? &rows[i] : values.items;
            values.len++;
        } else if (values.len > 0) {
            break; /* the values of one field stand together */
        }
    }
    return values;
}

const char *mig_arm64_value_name(const struct mig_field *f, uint64_t value)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);

    for (size_t i = 0; i < values.len; i++) {
        if (values.items[i].value == value) {
            return values.items[i].name;
        }
    }
    return NULL;
}

bool mig_arm64_value_parse(const struct mig_field *f, const char *name, uint64_t *ret)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);

    name = strcasecmp(name, "off") == 0 ? "NI" : strcasecmp(name, "on") == 0 ? "IMP" : name;
    for (size_t i = 0; i < values.len; i++) {
        if (strcasecmp(values.items[i].name, name) == 0) {
            *ret = values.items[i].value;
            return true;
        }
    }
    return false;
}
