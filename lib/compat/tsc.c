/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time-stamp counter is never merged.  A guest keeps its rate where the
 * host runs within KVM's tolerance of it, or can scale.  Where no rate suits
 * all hosts, the profile does not promise that the counter is constant.
 */
#include "compat/constraint.h"

#include "base/alloc.h"
#include "cpu/place.h"

/* KVM's default; a host that states its own overrides it. */
#define DEFAULT_TOLERANCE_PPM 250
#define PPM 1000000

/* A guest that sees it keeps time by the TSC; others calibrate again. */
static const struct mig_bit constant_tsc = MIG_PLACE_BIT(constant_tsc);

static struct mig_seen item(const struct mig_party *p, enum mig_host_item which)
{
    return mig_party_seen(p, mig_reg_plain(MIG_SPACE_HOST, which));
}

static uint64_t tolerance_of(const struct mig_party *host)
{
    struct mig_seen stated = item(host, MIG_HOST_TSC_TOLERANCE_PPM);

    return stated.known == MIG_KNOWN && stated.value < PPM ? stated.value : DEFAULT_TOLERANCE_PPM;
}

/* Up to which rate can @host scale?  0: not at all. */
static uint64_t scaling_limit(const struct mig_party *host)
{
    struct mig_seen max = item(host, MIG_HOST_TSC_MAX_KHZ);
    bool scales = item(host, MIG_HOST_TSC_SCALING).value != 0;

    return !scales ? 0 : max.value != 0 ? max.value : UINT64_MAX;
}

static bool keeps_pace(const struct mig_party *guest, const struct mig_party *host)
{
    uint64_t a = item(guest, MIG_HOST_TSC_KHZ).value, b = item(host, MIG_HOST_TSC_KHZ).value;
    uint64_t ppm = tolerance_of(host), delta = a > b ? a - b : b - a;

    /* KVM measures against the host's rate; split so that nothing overflows. */
    return a == 0 || b == 0 || a <= scaling_limit(host) ||
           delta <= b / PPM * ppm + b % PPM * ppm / PPM;
}

static void add_finding(struct mig_findings *list, enum mig_severity severity,
                        const struct mig_party *guest, const struct mig_party *host, bool reversed)
{
    struct mig_finding *f = mig_findings_add(list, "host/tsc-khz", severity);

    f->rule = "tsc";
    f->source = item(reversed ? host : guest, MIG_HOST_TSC_KHZ);
    f->destination = item(reversed ? guest : host, MIG_HOST_TSC_KHZ);
    f->reason = MIG_REASON_HARDWARE;
    f->why = mig_strf("%s runs at another rate than %s and can not scale to it; a guest that keeps "
                      "time by its TSC would run fast or slow",
                      host->name, guest->name);
    f->remedy = mig_strf("boot guests without constant_tsc (invtsc), as the common profile does, "
                         "or move them to hosts with TSC scaling or within %llu ppm of %s",
                         (unsigned long long)tolerance_of(host), guest->name);
}

/* Evidence that covers the clock and has no rate is no evidence. */
static void check_rate(struct mig_merge *m, const struct mig_party *p)
{
    struct mig_seen khz = item(p, MIG_HOST_TSC_KHZ);
    struct mig_finding *f;

    if (!mig_seen_is_value(khz) || khz.value != 0) {
        return;
    }
    m->unverified = m->unverified || !m->choice->tolerate[MIG_GROUP_TSC];
    f = mig_findings_add(m->findings, "host/tsc-khz", MIG_WARNING);
    f->rule = "tsc";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strf("%s does not say at which rate its TSC runs", p->name);
    f->remedy = mig_strf("capture %s again with mig-agentd", p->name);
}

void mig_tsc_merge(struct mig_merge *m)
{
    bool told = false;

    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            bool backward = m->directional && i != 0;

            if (keeps_pace(&m->parties[i], &m->parties[j])) {
                continue;
            }
            mig_merge_take(m, constant_tsc.reg, constant_tsc.mask);
            if (m->findings != NULL && !told) {
                add_finding(m->findings, backward ? MIG_NOTE : MIG_WARNING, &m->parties[i],
                            &m->parties[j], backward);
            }
            told = true;
        }
        if (m->findings != NULL) {
            check_rate(m, &m->parties[i]);
        }
    }
}

void mig_tsc_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    if (!keeps_pace(guest, host)) {
        add_finding(ret, mig_party_has(guest, constant_tsc) ? MIG_BLOCKER : MIG_WARNING, guest,
                    host, false);
    }
}
