/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "compat/explain.h"
#include "cpu/arm64_feat.h"
#include "cpu/arm64_view.h"

size_t mig_explain_nearest(const char *word, const char *ret[MIG_EXPLAIN_NEAREST])
{
    static const char *const others[] = {
#define ALIAS(name, other, who) (other),
#include "cpu/alias.def"
#define TOPIC(id, title, text, remedy) (id),
#include "compat/explain.def"
    };
    struct mig_nearest n;
    struct mig_fields all = mig_field_all();
    struct mig_arm64_feats feats = mig_arm64_feat_all();
    struct mig_arm64_views views = mig_arm64_view_all();

    mig_nearest_init(&n, word);
    for (size_t i = 0; i < all.len; i++) {
        mig_nearest_offer(&n, all.items[i].name);
    }
    for (size_t i = 0; i < MIG_COUNT(others); i++) {
        mig_nearest_offer(&n, others[i]);
    }
    for (size_t i = 0; i < feats.len; i++) {
        mig_nearest_offer(&n, feats.items[i].name);
    }
    for (size_t i = 0; i < views.len; i++) {
        mig_nearest_offer(&n, views.items[i].name);
    }
    memcpy(ret, n.best, n.best_len * sizeof *ret);
    return n.best_len;
}
