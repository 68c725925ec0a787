/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The interrupt controller: a type that both can give, and limits of its CPU
 * interface (ICC_CTLR_EL1), which KVM compares when it restores the controller.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"

#define GICV2 1u
#define GICV3 2u
#define ITS 4u

static const struct limit {
    enum mig_host_item item;
    bool exact;
    const char *what;
} limits[] = {
    {MIG_HOST_GIC_PRI_BITS, false, "bits of interrupt priorities"         },
    {MIG_HOST_GIC_ID_BITS,  false, "bits of interrupt ids"                },
    {MIG_HOST_GIC_SEIS,     true,  "way of reporting system errors (SEIS)"},
    {MIG_HOST_GIC_A3V,      true,  "format of affinities (A3V)"           },
};

static struct mig_seen item(const struct mig_party *p, enum mig_host_item which)
{
    return mig_party_seen(p, mig_reg_plain(MIG_SPACE_HOST, which));
}

static bool fits(const struct limit *l, const struct mig_party *guest, const struct mig_party *host)
{
    struct mig_seen g = item(guest, l->item), h = item(host, l->item);

    return g.known != MIG_KNOWN || h.known != MIG_KNOWN ||
           (l->exact ? g.value == h.value : g.value <= h.value);
}

static void tell(const struct limit *l, const struct mig_party *guest, const struct mig_party *host,
                 struct mig_findings *list)
{
    struct mig_bit bit = {mig_reg_plain(MIG_SPACE_HOST, l->item), 1};
    struct mig_finding *f = mig_constraint_raise(list, bit, MIG_BLOCKER);

    if (f == NULL) {
        return;
    }
    f->rule = "gic";
    f->reason = MIG_REASON_HARDWARE;
    f->source = item(guest, l->item);
    f->destination = item(host, l->item);
    mig_constraint_say(f,
                       mig_strf("%s: %s has %llu, %s has %llu, and KVM refuses to restore a GICv3 "
                                "of that",
                                l->what, guest->name, (unsigned long long)f->source.value,
                                host->name, (unsigned long long)f->destination.value),
                       mig_strf("keep guests with a GICv3 on hosts whose interrupt controller is "
                                "like that of %s",
                                guest->name));
}

/* Types that stop @guest: all of a guest's own; of a host that can give either,
 * only when no type is left. */
static uint64_t missing_types(uint64_t guest, uint64_t host)
{
    bool either = (guest & (GICV2 | GICV3)) == (GICV2 | GICV3);
    uint64_t missing = guest & ~host;

    return either && (guest & host & (GICV2 | GICV3)) != 0 ? missing & ITS : missing;
}

static void tell_types(const struct mig_party *guest, const struct mig_party *host,
                       enum mig_severity severity, struct mig_findings *list)
{
    struct mig_bit bit = {mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_GIC_TYPES), UINT8_MAX};
    struct mig_finding *f = mig_constraint_raise(list, bit, severity);
    uint64_t missing;

    if (f == NULL) {
        return;
    }
    f->rule = "gic";
    f->reason = MIG_REASON_HARDWARE;
    f->source = item(guest, MIG_HOST_GIC_TYPES);
    f->destination = item(host, MIG_HOST_GIC_TYPES);
    missing = f->source.value & ~f->destination.value;
    mig_constraint_say(f,
                       mig_strf("KVM on %s can not give a guest%s%s%s, which guests of %s may have",
                                host->name, (missing & GICV2) != 0 ? " a GICv2" : "",
                                (missing & GICV3) != 0 ? " a GICv3" : "",
                                (missing & ITS) != 0 ? " an ITS" : "", guest->name),
                       mig_strdup("boot guests with an interrupt controller that all hosts can "
                                  "give (QEMU: -machine virt,gic-version=...,its=...)"));
}

void mig_gic_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    struct mig_seen wanted = item(guest, MIG_HOST_GIC_TYPES);
    struct mig_seen own = item(host, MIG_HOST_GIC_TYPES);

    if (wanted.known == MIG_KNOWN && own.known == MIG_KNOWN && (wanted.value & ~own.value) != 0) {
        bool stops = missing_types(wanted.value, own.value) != 0;

        tell_types(guest, host, stops ? MIG_BLOCKER : MIG_WARNING, ret);
    }
    for (size_t i = 0; i < MIG_COUNT(limits); i++) {
        if (!fits(&limits[i], guest, host)) {
            tell(&limits[i], guest, host, ret);
        }
    }
}

/* Two hosts that have no type in common, or other formats. */
static void merge_pair(struct mig_merge *m, const struct mig_party *a, const struct mig_party *b)
{
    struct mig_seen x = item(a, MIG_HOST_GIC_TYPES), y = item(b, MIG_HOST_GIC_TYPES);

    if (x.known == MIG_KNOWN && y.known == MIG_KNOWN &&
        (x.value & y.value & (GICV2 | GICV3)) == 0) {
        m->blocked = true;
        if (m->findings != NULL) {
            tell_types(a, b, MIG_BLOCKER, m->findings);
        }
    }
    for (size_t l = 0; l < MIG_COUNT(limits); l++) {
        if (limits[l].exact && !fits(&limits[l], a, b)) {
            m->blocked = true;
            if (m->findings != NULL) {
                tell(&limits[l], a, b, m->findings);
            }
        }
    }
}

/* Priorities and ids of a profile are the smaller ones; types must be common,
 * the formats alike. */
void mig_gic_merge(struct mig_merge *m)
{
    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = i + 1; j < m->len; j++) {
            merge_pair(m, &m->parties[i], &m->parties[j]);
        }
    }
}
