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
        .known = size.known == MIG_KNOWN || size.known == MIG_ABSENT,
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

static bool has_component(const struct mig_party *p, unsigned component)
{
    uint64_t bit = 1ULL << (component % 32);

    return ((mig_party_get(p, home_of(component, false)) |
             mig_party_get(p, home_of(component, true))) &
            bit) != 0;
}

static void add_finding(struct mig_findings *list, unsigned component, enum mig_severity severity,
                        const struct mig_party *a, const struct mig_party *b)
{
    struct geometry x = geometry_of(a, component), y = geometry_of(b, component);
    struct mig_finding *f;
    char id[MIG_FIELD_ID_MAX];

    (void)snprintf(id, sizeof id, "x86/xsave/%u", component);
    f = mig_findings_add(list, id, severity);
    f->rule = "xsave";
    f->source = (struct mig_seen){MIG_KNOWN, x.offset};
    f->destination = (struct mig_seen){MIG_KNOWN, y.offset};
    mig_reason_attribute(f, a, b);
    f->why = mig_strf("XSAVE component %u is %llu bytes at offset %llu on %s, %llu at %llu on %s; "
                      "saved state would land in the wrong place",
                      component, (unsigned long long)x.size, (unsigned long long)x.offset, a->name,
                      (unsigned long long)y.size, (unsigned long long)y.offset, b->name);
}

/* The first party that lays @component out unlike party 0; len when none. */
static size_t find_odd(const struct mig_merge *m, unsigned component)
{
    struct geometry first = geometry_of(&m->parties[0], component);

    for (size_t i = 1; i < m->len; i++) {
        struct geometry other = geometry_of(&m->parties[i], component);

        if (first.known && other.known && !is_equal(first, other)) {
            return i;
        }
    }
    return m->len;
}

void mig_xsave_merge(struct mig_merge *m)
{
    for (unsigned component = 2; component < COMPONENTS; component++) {
        uint64_t bit = 1ULL << (component % 32);
        bool shared = true;
        size_t odd;

        for (size_t i = 0; i < m->len; i++) {
            shared = shared && has_component(&m->parties[i], component);
        }
        odd = shared ? find_odd(m, component) : m->len;
        if (odd < m->len) {
            mig_merge_take(m, home_of(component, false), bit);
            mig_merge_take(m, home_of(component, true), bit);
            if (m->findings != NULL) {
                add_finding(m->findings, component, MIG_WARNING, &m->parties[0], &m->parties[odd]);
            }
        }
    }
}

void mig_xsave_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    for (unsigned component = 2; component < COMPONENTS; component++) {
        struct geometry g = geometry_of(guest, component), h = geometry_of(host, component);

        if (has_component(guest, component) && has_component(host, component) && g.known &&
            h.known && !is_equal(g, h)) {
            add_finding(ret, component, MIG_BLOCKER, guest, host);
        }
    }
}
