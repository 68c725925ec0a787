/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Userspace moves the XSAVE area in its standard form, so a component must
 * have one size and one offset on every host, or no guest may have it.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/reason.h"
#include "cpu/names.h"

#define COMPONENTS 63 /* bit 63 of XCR0 extends the field and is no component */
#define FLAGS 7u      /* ECX: supervisor, aligned, XFD */

struct geometry {
    bool known;
    uint64_t size, offset, flags;
};

static struct geometry geometry_of(const struct mig_party *p, unsigned component)
{
    uint16_t sub = (uint16_t)component;
    struct mig_seen size = mig_party_seen(p, mig_reg_cpuid(0xd, sub, MIG_EAX));

    return (struct geometry){
        .known = mig_seen_is_value(size),
        .size = size.value,
        .offset = mig_party_get(p, mig_reg_cpuid(0xd, sub, MIG_EBX)),
        .flags = mig_party_get(p, mig_reg_cpuid(0xd, sub, MIG_ECX)) & FLAGS,
    };
}

static bool is_equal(struct geometry a, struct geometry b)
{
    return a.size == b.size && a.offset == b.offset && a.flags == b.flags;
}

/* Where the bit of a component stands: XCR0 or XSS, low or high half. */
static struct mig_reg home_of(unsigned component, bool supervisor)
{
    bool low = component < 32;

    return supervisor ? mig_reg_cpuid(0xd, 1, low ? MIG_ECX : MIG_EDX)
                      : mig_reg_cpuid(0xd, 0, low ? MIG_EAX : MIG_EDX);
}

static bool stands_in(const struct mig_party *p, unsigned component, bool supervisor)
{
    return mig_party_has(
        p, (struct mig_bit){home_of(component, supervisor), 1ULL << (component % 32)});
}

static bool has_component(const struct mig_party *p, unsigned component)
{
    return stands_in(p, component, false) || stands_in(p, component, true);
}

static void add_finding(struct mig_findings *list, unsigned component, enum mig_severity severity,
                        const struct mig_party *a, const struct mig_party *b)
{
    struct geometry x = geometry_of(a, component), y = geometry_of(b, component);
    struct mig_finding *f;
    char id[MIG_FIELD_ID_MAX];

    (void)snprintf(id, sizeof id, "x86/xsave/%u", component);
    f = mig_findings_add(list, id, severity);
    f->field = mig_field_at(home_of(component, stands_in(a, component, true)), component % 32);
    f->names_len = f->field != NULL ? mig_names_of(f->field, f->names) : 0;
    f->rule = "xsave";
    f->source = (struct mig_seen){MIG_KNOWN, x.offset};
    f->destination = (struct mig_seen){MIG_KNOWN, y.offset};
    mig_reason_attribute(f, a, b);
    f->why = mig_strf("XSAVE component %u is %llu bytes at offset %llu on %s, %llu at %llu on %s; "
                      "saved state would land in the wrong place",
                      component, (unsigned long long)x.size, (unsigned long long)x.offset, a->name,
                      (unsigned long long)y.size, (unsigned long long)y.offset, b->name);
}

/* Do two parties that know @component lay it out unlike each other? */
static bool find_odd(const struct mig_merge *m, unsigned component, size_t *ret_a, size_t *ret_b)
{
    size_t first = m->len;

    for (size_t i = 0; i < m->len; i++) {
        struct geometry g = geometry_of(&m->parties[i], component);

        if (!g.known) {
            continue;
        }
        if (first < m->len && !is_equal(geometry_of(&m->parties[first], component), g)) {
            *ret_a = first;
            *ret_b = i;
            return true;
        }
        first = first < m->len ? first : i;
    }
    return false;
}

void mig_xsave_merge(struct mig_merge *m)
{
    for (unsigned component = 2; component < COMPONENTS; component++) {
        uint64_t bit = 1ULL << (component % 32);
        size_t a, b;
        bool shared = true;

        for (size_t i = 0; shared && i < m->len; i++) {
            shared = has_component(&m->parties[i], component);
        }
        if (shared && find_odd(m, component, &a, &b)) {
            mig_merge_take(m, home_of(component, false), bit);
            mig_merge_take(m, home_of(component, true), bit);
            if (m->findings != NULL) {
                add_finding(m->findings, component, MIG_WARNING, &m->parties[a], &m->parties[b]);
            }
        }
    }
}

void mig_xsave_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    for (unsigned component = 2; component < COMPONENTS; component++) {
        struct geometry g, h;

        if (!has_component(guest, component) || !has_component(host, component)) {
            continue;
        }
        g = geometry_of(guest, component);
        h = geometry_of(host, component);
        if (g.known && h.known && !is_equal(g, h)) {
            add_finding(ret, component, MIG_BLOCKER, guest, host);
        }
    }
}
