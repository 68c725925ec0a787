/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Userspace moves the XSAVE area in its standard form, so a component must
 * have one size and one offset on every host, or no guest may have it.  Some
 * components only come together.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "compat/layout.h"
#include "compat/reason.h"
#include "cpu/names.h"

static const struct group {
    uint64_t mask, base;
    const char *name;
} groups[] = {
#define GROUP(mask, base, name) {mask, base, name},
#include "compat/xsave_group.def"
};

static unsigned lowest(uint64_t mask)
{
    return (unsigned)__builtin_ctzll(mask);
}

/* One finding per component; NULL when this one is told already. */
static struct mig_finding *add_component(struct mig_findings *list, unsigned component,
                                         bool supervisor, enum mig_severity severity)
{
    struct mig_finding *f;
    char id[MIG_FIELD_ID_MAX];

    (void)snprintf(id, sizeof id, "x86/xsave/%u", component);
    if (mig_findings_find(list, id) != NULL) {
        return NULL;
    }
    f = mig_findings_add(list, id, severity);
    f->field = mig_field_at(mig_layout_home(component, supervisor), component % 32);
    f->names_len = f->field != NULL ? mig_names_of(f->field, f->names) : 0;
    f->rule = "xsave";
    return f;
}

/* Two parties that lay out a component unlike each other. */
struct odd {
    const struct mig_party *a, *b;
    struct mig_component x, y;
    bool supervisor;
};

static void add_odd(struct mig_findings *list, unsigned component, enum mig_severity severity,
                    const struct odd *odd)
{
    struct mig_finding *f;

    if (!mig_findings_want(list, severity)) {
        return;
    }
    f = add_component(list, component, odd->supervisor, severity);
    if (f == NULL) {
        return;
    }
    f->source = (struct mig_seen){MIG_KNOWN, odd->x.offset};
    f->destination = (struct mig_seen){MIG_KNOWN, odd->y.offset};
    mig_reason_attribute(f, odd->a, odd->b);
    mig_free(f->why);
    f->why = mig_strf("XSAVE component %u is %u bytes at offset %u on %s, %u at %u on %s; saved "
                      "state would land in the wrong place",
                      component, odd->x.size, odd->x.offset, odd->a->name, odd->y.size,
                      odd->y.offset, odd->b->name);
}

/* Components that every party has, and for each the first two parties that
 * know it and do not agree. */
static uint64_t find_odd(const struct mig_merge *m, struct odd ret[MIG_LAYOUT_COMPONENTS])
{
    struct mig_layout first, next;
    uint64_t shared, odd = 0;
    const struct mig_party *who[MIG_LAYOUT_COMPONENTS];

    mig_layout_read(&m->parties[0], &first);
    shared = mig_layout_all(&first);
    for (size_t i = 0; i < MIG_LAYOUT_COMPONENTS; i++) {
        who[i] = &m->parties[0];
    }
    for (size_t p = 1; p < m->len; p++) {
        mig_layout_read(&m->parties[p], &next);
        shared &= mig_layout_all(&next);
        for (uint64_t left = shared & next.described & ~odd & ~3ULL & INT64_MAX; left != 0;
             left &= left - 1) {
            unsigned i = lowest(left);

            if ((first.described >> i & 1) == 0) {
                first.component[i] = next.component[i];
                first.described |= 1ULL << i;
                who[i] = &m->parties[p];
            } else if (!mig_layout_is_equal(&first.component[i], &next.component[i])) {
                odd |= 1ULL << i;
                ret[i] = (struct odd){who[i], &m->parties[p], first.component[i], next.component[i],
                                      (next.xss >> i & 1) != 0};
            }
        }
    }
    return odd & shared;
}

static void take_odd(struct mig_merge *m)
{
    struct odd odd[MIG_LAYOUT_COMPONENTS];

    for (uint64_t left = m->len > 1 ? find_odd(m, odd) : 0; left != 0; left &= left - 1) {
        unsigned i = lowest(left);

        mig_merge_take(m, mig_layout_home(i, false), 1ULL << (i % 32));
        mig_merge_take(m, mig_layout_home(i, true), 1ULL << (i % 32));
        if (m->findings != NULL) {
            add_odd(m->findings, i, MIG_WARNING, &odd[i]);
        }
    }
}

static bool is_split(const struct group *g, uint64_t xcr0)
{
    return (xcr0 & g->mask) != 0 && ((xcr0 & g->mask) != g->mask || (xcr0 & g->base) != g->base);
}

static void add_split(struct mig_findings *list, const struct group *g, uint64_t part,
                      const char *whose)
{
    struct mig_finding *f;

    if (!mig_findings_want(list, MIG_WARNING)) {
        return;
    }
    f = add_component(list, lowest(part), false, MIG_WARNING);
    if (f != NULL) {
        f->reason = MIG_REASON_VMM;
        f->why = mig_strf("inconsistent: %s shows only components 0x%llx of %s; XCR0 takes all of "
                          "0x%llx or none, so no guest can switch them on",
                          whose, (unsigned long long)part, g->name,
                          (unsigned long long)(g->mask | g->base));
        f->remedy = mig_strf("show all components of %s or none: check the template or CPU model "
                             "of the VMM",
                             g->name);
    }
}

/* A group that is left in part goes; where this computation took the rest,
 * closure does it. */
static void take_split(struct mig_merge *m)
{
    struct mig_reg reg = mig_layout_home(0, false);
    const struct mig_word *word = mig_merge_word(m, reg);

    for (size_t i = 0; word != NULL && word->covered && i < MIG_COUNT(groups); i++) {
        const struct group *g = &groups[i];
        uint64_t part = word->value & g->mask, taken = m->taken[word - m->words];

        if (is_split(g, word->value) && (taken & (g->mask | g->base)) == 0) {
            mig_merge_take(m, reg, part);
            if (m->findings != NULL) {
                add_split(m->findings, g, part, "the common part of the hosts");
            }
        }
    }
}

void mig_xsave_merge(struct mig_merge *m)
{
    take_odd(m);
    take_split(m);
}

static void judge_geometry(const struct mig_party *guest, const struct mig_layout *g,
                           const struct mig_party *host, const struct mig_layout *h,
                           struct mig_findings *ret)
{
    uint64_t both = mig_layout_all(g) & mig_layout_all(h) & g->described & h->described;

    for (uint64_t left = both & ~3ULL & INT64_MAX; left != 0; left &= left - 1) {
        unsigned i = lowest(left);

        if (!mig_layout_is_equal(&g->component[i], &h->component[i])) {
            struct odd odd = {guest, host, g->component[i], h->component[i],
                              (g->xss >> i & 1) != 0};

            add_odd(ret, i, MIG_BLOCKER, &odd);
        }
    }
}

/* Does the size that the guest was told fit the components it was told of? */
static void judge_area(const struct mig_party *guest, const struct mig_layout *g,
                       struct mig_findings *ret)
{
    struct mig_reg reg = mig_reg_cpuid(0xd, 0, MIG_ECX);
    const struct mig_field *field;
    struct mig_finding *f;
    uint64_t end;

    if (g->area == 0 || (g->xcr0 & ~g->described & ~3ULL) != 0) {
        return;
    }
    end = mig_layout_end(g, g->xcr0);
    if (end == g->area || !mig_findings_want(ret, MIG_WARNING)) {
        return;
    }
    field = mig_field_at(reg, 0);
    f = mig_findings_add_field(ret, reg, field, 31, 0, MIG_WARNING);
    f->guest = f->source = f->destination = (struct mig_seen){MIG_KNOWN, g->area};
    f->reason = MIG_REASON_VMM;
    mig_free(f->why);
    f->why = mig_strf("inconsistent: %s was told that its XSAVE area takes %llu bytes, its "
                      "components take %llu",
                      guest->name, (unsigned long long)g->area, (unsigned long long)end);
    f->remedy = mig_strdup("check the template or CPU model of the VMM; guests keep the size they "
                           "booted with");
}

void mig_xsave_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    struct mig_layout g, h;

    mig_layout_read(guest, &g);
    if (mig_layout_all(&g) == 0) {
        return;
    }
    mig_layout_read(host, &h);
    judge_geometry(guest, &g, host, &h, ret);
    for (size_t i = 0; i < MIG_COUNT(groups); i++) {
        if (is_split(&groups[i], g.xcr0)) {
            add_split(ret, &groups[i], g.xcr0 & groups[i].mask, guest->name);
        }
    }
    judge_area(guest, &g, ret);
}
