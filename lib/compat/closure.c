/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this computation took away takes along what can not work without it.
 * Nothing else does: real CPUs violate naive dependency tables, and an edge
 * that a host's own capture breaks is only noted.
 */
#include <stdio.h>

#include "base/array.h"
#include "compat/constraint.h"
#include "cpu/deps.h"

static uint64_t taken_bits(const struct mig_merge *m, struct mig_reg reg)
{
    struct mig_word *word = mig_merge_word(m, reg);

    return word != NULL ? m->taken[word - m->words] : 0;
}

/* What went, and the finding that it goes back to. */
struct gone {
    struct mig_bit feature;
    size_t root;
};

struct trail {
    struct gone *items;
    size_t len, cap;
};

/* Index of the finding that @bit was taken away with; the number of findings
 * when none says so (what is not offered is no finding). */
static size_t find_root(const struct mig_merge *m, const struct trail *trail, struct mig_bit bit)
{
    const struct mig_finding *f;

    for (size_t i = 0; i < trail->len; i++) {
        struct mig_bit feature = trail->items[i].feature;

        if (mig_reg_key(feature.reg) == mig_reg_key(bit.reg) && (feature.mask & bit.mask) != 0) {
            return trail->items[i].root;
        }
    }
    f = mig_findings_on(m->findings, bit);
    return f != NULL ? (size_t)(f - m->findings->items) : m->findings->len;
}

static void fold(struct mig_merge *m, struct trail *trail, const struct mig_dep *dep)
{
    size_t root = m->findings != NULL ? find_root(m, trail, dep->base) : 0;

    if (m->findings != NULL && root < m->findings->len) {
        *MIG_PUSH(trail) = (struct gone){dep->feature, root};
        mig_finding_add_dependant(&m->findings->items[root], dep->name);
    }
}

/* One pass over the edges; true if something went. */
static bool sweep(struct mig_merge *m, struct trail *trail)
{
    struct mig_deps deps = mig_deps_all();
    bool changed = false;

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *dep = &deps.items[i];
        bool gone = (taken_bits(m, dep->base.reg) & dep->base.mask) != 0 &&
                    (mig_merge_get(m, dep->base.reg) & dep->base.mask) == 0;

        if (gone && (mig_merge_get(m, dep->feature.reg) & dep->feature.mask) != 0) {
            mig_merge_take(m, dep->feature.reg, dep->feature.mask);
            fold(m, trail, dep);
            changed = true;
        }
    }
    return changed;
}

static bool is_broken(const struct mig_party *p, const struct mig_dep *dep)
{
    struct mig_seen base;

    if (!mig_party_has(p, dep->feature)) {
        return false;
    }
    base = mig_party_seen(p, dep->base.reg);
    return mig_seen_is_value(base) && (base.value & dep->base.mask) == 0;
}

static void note_inconsistent(struct mig_merge *m, const struct mig_party *p)
{
    struct mig_deps deps = mig_deps_all();
    struct mig_finding *f = NULL;
    char id[MIG_FIELD_ID_MAX];

    (void)snprintf(id, sizeof id, "inconsistent/%.48s", p->name);
    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *dep = &deps.items[i];

        if (!is_broken(p, dep)) {
            continue;
        }
        if (f == NULL) {
            f = mig_findings_add(m->findings, id, MIG_NOTE);
            f->rule = "closure";
            f->reason = MIG_REASON_EVIDENCE;
            f->why = mig_strf("%s shows features without what they usually need; taken as it is",
                              p->name);
        }
        mig_finding_add_dependant(f, dep->name);
    }
}

void mig_closure_merge(struct mig_merge *m)
{
    struct trail trail = {0};

    while (sweep(m, &trail)) {
    }
    mig_free(trail.items);
    for (size_t i = 0; m->findings != NULL && i < m->len; i++) {
        note_inconsistent(m, &m->parties[i]);
    }
}
