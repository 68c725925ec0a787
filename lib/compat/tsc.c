/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time-stamp counter is never merged.  A guest keeps its rate where the
 * host runs within KVM's tolerance of it, or can scale.
 */
#include "compat/constraint.h"

#include "base/alloc.h"

/* KVM's default; a host that states its own overrides it. */
#define DEFAULT_TOLERANCE_PPM 250
#define PPM 1000000

static uint64_t item(const struct mig_party *p, enum mig_host_item which)
{
    return mig_party_get(p, mig_reg_plain(MIG_SPACE_HOST, which));
}

static bool keeps_pace(const struct mig_party *guest, const struct mig_party *host)
{
    uint64_t a = item(guest, MIG_HOST_TSC_KHZ), b = item(host, MIG_HOST_TSC_KHZ);
    uint64_t stated = item(host, MIG_HOST_TSC_TOLERANCE_PPM);
    uint64_t ppm = stated != 0 && stated < PPM ? stated : DEFAULT_TOLERANCE_PPM;
    uint64_t delta = a > b ? a - b : b - a;

    return a == 0 || b == 0 || item(host, MIG_HOST_TSC_SCALING) != 0 || delta <= a / (PPM / ppm);
}

static void add_finding(struct mig_findings *list, enum mig_severity severity,
                        const struct mig_party *guest, const struct mig_party *host)
{
    struct mig_finding *f = mig_findings_add(list, "host/tsc-khz", severity);

    f->rule = "tsc";
    f->source = (struct mig_seen){MIG_KNOWN, item(guest, MIG_HOST_TSC_KHZ)};
    f->destination = (struct mig_seen){MIG_KNOWN, item(host, MIG_HOST_TSC_KHZ)};
    f->reason = MIG_REASON_HARDWARE;
    f->why = mig_strf("%s runs at another rate than %s and can not scale it; a guest that keeps "
                      "time by its TSC would run fast or slow",
                      host->name, guest->name);
    f->remedy =
        mig_strf("choose a destination with TSC scaling, or one within 250 ppm of %s", guest->name);
}

void mig_tsc_merge(struct mig_merge *m)
{
    for (size_t i = 0; m->findings != NULL && i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            bool forward = !m->directional || i == 0;

            if (i != j && !keeps_pace(&m->parties[i], &m->parties[j])) {
                add_finding(m->findings, forward ? MIG_WARNING : MIG_NOTE, &m->parties[i],
                            &m->parties[j]);
                return;
            }
        }
    }
}

void mig_tsc_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    if (!keeps_pace(guest, host)) {
        /* A guest that sees an invariant TSC relies on it; others re-calibrate. */
        add_finding(ret, mig_party_has(guest, "constant_tsc") ? MIG_BLOCKER : MIG_WARNING, guest,
                    host);
    }
}
