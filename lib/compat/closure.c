/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this computation took away takes along what can not work without it.
 * Nothing else does: real CPUs violate naive dependency tables, and an edge
 * that a host's own capture breaks is only noted.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "compat/constraint.h"
#include "cpu/deps.h"

static uint64_t taken_bits(const struct mig_merge *m, struct mig_reg reg)
{
    struct mig_word *word = mig_merge_word(m, reg);

    return word != NULL ? m->taken[word - m->words] : 0;
}

/* One pass over the edges; true if something went. */
static bool sweep(struct mig_merge *m)
{
    struct mig_deps deps = mig_deps_all();
    bool changed = false;

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *dep = &deps.items[i];
        bool has = (mig_merge_get(m, dep->feature.reg) & dep->feature.mask) != 0;
        bool gone = (taken_bits(m, dep->base.reg) & dep->base.mask) != 0 &&
                    (mig_merge_get(m, dep->base.reg) & dep->base.mask) == 0;

        if (has && gone) {
            mig_merge_take(m, dep->feature.reg, dep->feature.mask);
            changed = true;
        }
    }
    return changed;
}

static bool is_broken(const struct mig_party *p, const struct mig_dep *dep)
{
    struct mig_seen feature = mig_party_seen(p, dep->feature.reg);
    struct mig_seen base = mig_party_seen(p, dep->base.reg);
    bool known = base.known == MIG_KNOWN || base.known == MIG_ABSENT;

    return known && (feature.value & dep->feature.mask) != 0 && (base.value & dep->base.mask) == 0;
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
        f->dependants = mig_resize(f->dependants, f->dependants_len + 1, sizeof *f->dependants);
        f->dependants[f->dependants_len++] = mig_strdup(dep->name);
    }
}

void mig_closure_merge(struct mig_merge *m)
{
    while (sweep(m)) {
    }
    for (size_t i = 0; m->findings != NULL && i < m->len; i++) {
        note_inconsistent(m, &m->parties[i]);
    }
}
