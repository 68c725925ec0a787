/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/names.h"

#include <string.h>

#include "base/array.h"
#include "cpu/arm64_feat.h"
#include "cpu/field.h"

static const struct {
    const char *name, *other;
} aliases[] = {
#define ALIAS(name, other, who) {#name, (other)},
#include "cpu/alias.def"
};

/* Features that one field tells by itself. */
static size_t add_feats(const struct mig_field *f, const char *ret[MIG_NAMES_MAX], size_t len)
{
    struct mig_arm64_feats feats = mig_arm64_feat_all();

    for (size_t i = 0; i < feats.len && len < MIG_NAMES_MAX; i++) {
        if (feats.items[i].terms.len == 1 && mig_arm64_terms_read(feats.items[i].terms, f)) {
            ret[len++] = feats.items[i].name;
        }
    }
    return len;
}

size_t mig_names_of(const struct mig_field *f, const char *ret[MIG_NAMES_MAX])
{
    size_t len = 0;

    ret[len++] = f->name;
    if (f->reg.space == MIG_SPACE_IDREG) {
        return add_feats(f, ret, len);
    }
    for (size_t i = 0; i < MIG_COUNT(aliases) && len < MIG_NAMES_MAX; i++) {
        /* Most rows differ in the first letter already. */
        if (aliases[i].name[0] == f->name[0] && strcmp(aliases[i].name, f->name) == 0) {
            ret[len++] = aliases[i].other;
        } else if (len > 1) {
            break; /* the aliases of one row stand together */
        }
    }
    return len;
}

const char *mig_names_canonical(const char *name)
{
    for (size_t i = 0; i < MIG_COUNT(aliases); i++) {
        if (strcmp(aliases[i].other, name) == 0) {
            return aliases[i].name;
        }
    }
    return name;
}
