/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What this computation took away takes along what can not work without it.
 * Nothing else does: real CPUs violate naive dependency tables, and an edge
 * that a host's own capture breaks is only noted.
 */
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "compat/constraint.h"
#include "compat/owner.h"
#include "cpu/deps.h"

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
    f = mig_owner_root(m, bit);
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

/* Words from which bits went and whose edges are still to be followed. */
struct queue {
    size_t *items;
    size_t len, cap;
};

/* Follow the edges from one word. */
static void follow(struct mig_merge *m, size_t w, struct queue *queue, struct trail *trail)
{
    struct mig_deps deps = mig_deps_on(m->words[w].key);

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *dep = &deps.items[i];
        bool gone =
            (m->taken[w] & dep->base.mask) != 0 && (m->words[w].value & dep->base.mask) == 0;
        struct mig_word *word = gone ? mig_merge_word(m, dep->feature.reg) : NULL;

        if (word != NULL && word->covered && (word->value & dep->feature.mask) != 0) {
            mig_merge_take(m, dep->feature.reg, dep->feature.mask);
            *MIG_PUSH(queue) = (size_t)(word - m->words);
            fold(m, trail, dep);
        }
    }
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

static void note_inconsistent(struct mig_findings *list, const struct mig_party *p)
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
            f = mig_findings_add(list, id, MIG_NOTE);
            f->rule = "closure";
            f->reason = MIG_REASON_EVIDENCE;
            f->why = mig_strf("%s shows features without what they usually need; taken as it is",
                              p->name);
        }
        if (f->dependants_len == 0 ||
            strcmp(f->dependants[f->dependants_len - 1], dep->name) != 0) {
            mig_finding_add_dependant(f, dep->name);
        }
    }
}

void mig_closure_merge(struct mig_merge *m)
{
    struct trail trail = {0};
    struct queue queue = {0};

    for (size_t w = 0; w < m->words_len; w++) {
        if (m->taken[w] != 0) {
            follow(m, w, &queue, &trail);
        }
    }
    for (size_t i = 0; i < queue.len; i++) {
        follow(m, queue.items[i], &queue, &trail);
    }
    mig_free(queue.items);
    mig_free(trail.items);
    if (m->findings != NULL && mig_findings_want(m->findings, MIG_NOTE)) {
        for (size_t i = 0; i < m->len; i++) {
            note_inconsistent(m->findings, &m->parties[i]);
        }
    }
}

/* A template that hides a base and leaves what needs it: the guest found its
 * way, so it is only said. */
void mig_closure_judge(const struct mig_party *guest, const struct mig_party *host,
                       struct mig_findings *ret)
{
    (void)host;
    if (mig_findings_want(ret, MIG_NOTE)) {
        note_inconsistent(ret, guest);
    }
}
