/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm64: what a guest reads from the hardware, past KVM: equal on all hosts,
 * or nothing helps (fixed.def).
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"

static const struct row {
    enum mig_host_item item;
    uint64_t mask;
    const char *why, *remedy;
} rows[] = {
#define FIXED(item, mask, why, remedy) {MIG_HOST_##item, mask, why, remedy},
#include "compat/fixed.def"
};

#define DZP UINT64_C(0x10) /* DC ZVA is not to be used at all */

static struct mig_reg reg_of(const struct row *row)
{
    return mig_reg_plain(MIG_SPACE_HOST, row->item);
}

/* False also when one of them does not say. */
static bool differ(const struct row *row, const struct mig_party *a, const struct mig_party *b)
{
    struct mig_seen x = mig_party_seen(a, reg_of(row)), y = mig_party_seen(b, reg_of(row));

    if (x.known != MIG_KNOWN || y.known != MIG_KNOWN) {
        return false;
    }
    if (row->item == MIG_HOST_DCZID && (x.value & y.value & DZP) != 0) {
        return false;
    }
    return ((x.value ^ y.value) & row->mask) != 0;
}

static void tell(const struct row *row, const struct mig_party *a, const struct mig_party *b,
                 struct mig_findings *list)
{
    struct mig_bit bit = {reg_of(row), row->mask};
    struct mig_finding *f = mig_constraint_raise(list, bit, MIG_BLOCKER);

    if (f == NULL) {
        return;
    }
    f->rule = "fixed";
    f->reason = MIG_REASON_HARDWARE;
    f->likely = false;
    f->guest.known = MIG_UNCOVERED;
    f->source = mig_party_seen(a, reg_of(row));
    f->destination = mig_party_seen(b, reg_of(row));
    mig_constraint_say(f,
                       mig_strf("%s has 0x%llx, %s has 0x%llx: %s", a->name,
                                (unsigned long long)f->source.value, b->name,
                                (unsigned long long)f->destination.value, row->why),
                       mig_strdup(row->remedy));
}

/* The first two that differ; not every host need say. */
static bool find_pair(const struct row *row, const struct mig_merge *m, size_t *ret_a,
                      size_t *ret_b)
{
    for (*ret_a = 0; *ret_a < m->len; (*ret_a)++) {
        for (*ret_b = *ret_a + 1; *ret_b < m->len; (*ret_b)++) {
            if (differ(row, &m->parties[*ret_a], &m->parties[*ret_b])) {
                return true;
            }
        }
    }
    return false;
}

void mig_fixed_merge(struct mig_merge *m)
{
    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        size_t a, b;

        if (find_pair(&rows[r], m, &a, &b)) {
            m->blocked = true;
            if (m->findings != NULL) {
                tell(&rows[r], &m->parties[a], &m->parties[b], m->findings);
            }
        }
    }
}

void mig_fixed_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        if (differ(&rows[r], guest, host)) {
            tell(&rows[r], guest, host, ret);
        }
    }
}
