/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The time-stamp counter is never merged.  A guest keeps its rate where the
 * host runs within KVM's tolerance of it, or can scale: rates are measured
 * anew at every boot and differ by a little, so they are never compared for
 * equality.  Where no rate suits all hosts, the profile does not promise that
 * the counter is constant.
 */
#include "compat/constraint.h"

#include "base/alloc.h"
#include "base/array.h"
#include "cpu/place.h"

/* KVM's default; a host that states its own overrides it. */
#define DEFAULT_TOLERANCE_PPM 250
#define PPM 1000000

#define CAP_TSC_CONTROL 60 /* cap.def */

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

/* Whether @host scales: as it says itself, else by KVM's capability. */
static struct mig_seen scaling_of(const struct mig_party *host)
{
    struct mig_seen seen = item(host, MIG_HOST_TSC_SCALING);

    return mig_seen_is_value(seen)
               ? seen
               : mig_party_seen(host, mig_reg_plain(MIG_SPACE_CAP, CAP_TSC_CONTROL));
}

/* Below which rate can @host scale?  0: not at all. */
static uint64_t scaling_limit(const struct mig_party *host)
{
    struct mig_seen max = item(host, MIG_HOST_TSC_MAX_KHZ);
    bool scales = scaling_of(host).value != 0;

    return !scales ? 0 : max.value != 0 ? max.value : UINT64_MAX;
}

/* @khz times @ppm millionths, rounded down as KVM does; split so that nothing
 * overflows. */
static uint64_t times_ppm(uint64_t khz, uint64_t ppm)
{
    return khz / PPM * ppm + khz % PPM * ppm / PPM;
}

/* Does a counter of @guest_khz go on at its rate on @host?  An unknown rate
 * does not stand against it. */
static bool keeps_pace(uint64_t guest_khz, uint64_t host_khz, const struct mig_party *host)
{
    uint64_t ppm = tolerance_of(host);

    if (guest_khz == 0 || host_khz == 0 || guest_khz == host_khz) {
        return true;
    }
    return guest_khz < scaling_limit(host) || (guest_khz >= times_ppm(host_khz, PPM - ppm) &&
                                               guest_khz <= times_ppm(host_khz, PPM + ppm));
}

/* The rate that the guest's counter has: as recorded, else as its CPUID says. */
static uint64_t guest_rate(const struct mig_party *guest)
{
    uint64_t khz = item(guest, MIG_HOST_TSC_KHZ).value;
    uint64_t divisor, numerator, crystal;

    if (khz == 0) {
        khz = mig_party_get(guest, mig_reg_cpuid(0x40000010, 0, MIG_EAX));
    }
    if (khz == 0) {
        divisor = mig_party_get(guest, mig_reg_cpuid(0x15, 0, MIG_EAX));
        numerator = mig_party_get(guest, mig_reg_cpuid(0x15, 0, MIG_EBX));
        crystal = mig_party_get(guest, mig_reg_cpuid(0x15, 0, MIG_ECX));
        khz = divisor != 0 ? crystal * numerator / divisor / 1000 : 0;
    }
    return khz;
}

static struct mig_finding *add_finding(struct mig_findings *list, enum mig_severity severity,
                                       const struct mig_party *guest, const struct mig_party *host,
                                       bool reversed)
{
    struct mig_finding *f;

    if (!mig_findings_want(list, severity)) {
        return NULL;
    }
    f = mig_findings_add(list, "host/tsc-khz", severity);
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
    return f;
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
    if (!mig_findings_want(m->findings, MIG_WARNING) ||
        mig_findings_find(m->findings, "host/tsc-khz") != NULL) {
        return;
    }
    f = mig_findings_add(m->findings, "host/tsc-khz", MIG_WARNING);
    f->rule = "tsc";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strf("%s does not say at which rate its TSC runs", p->name);
    f->remedy = mig_strf("capture %s again with mig-agentd", p->name);
}

/* Most fleets have one rate; only others are looked at pair by pair. */
static bool all_alike(const struct mig_merge *m)
{
    uint64_t first = item(&m->parties[0], MIG_HOST_TSC_KHZ).value;

    for (size_t i = 1; i < m->len; i++) {
        if (item(&m->parties[i], MIG_HOST_TSC_KHZ).value != first) {
            return false;
        }
    }
    return true;
}

static void take_promise(struct mig_merge *m)
{
    bool told = false;

    for (size_t i = 0; i < m->len; i++) {
        uint64_t guest_khz = item(&m->parties[i], MIG_HOST_TSC_KHZ).value;

        for (size_t j = 0; j < m->len; j++) {
            bool backward = m->directional && i != 0;

            if (keeps_pace(guest_khz, item(&m->parties[j], MIG_HOST_TSC_KHZ).value,
                           &m->parties[j])) {
                continue;
            }
            mig_merge_take(m, constant_tsc.reg, constant_tsc.mask);
            if (m->findings != NULL && !told) {
                (void)add_finding(m->findings, backward ? MIG_NOTE : MIG_WARNING, &m->parties[i],
                                  &m->parties[j], backward);
            }
            told = true;
        }
    }
}

void mig_tsc_merge(struct mig_merge *m)
{
    if (!all_alike(m)) {
        take_promise(m);
    }
    for (size_t i = 0; m->findings != NULL && i < m->len; i++) {
        check_rate(m, &m->parties[i]);
    }
}

/* Why the guest counts on its rate, or NULL: it would notice a change and
 * calibrate again. */
static const char *find_use(const struct mig_party *guest)
{
    static const struct mig_bit reenlightenment = MIG_PLACE_BIT(hv_reenlightenment);
    static const struct {
        struct mig_bit field;
        bool spared;
        const char *what;
    } rows[] = {
#define USE(field, spared, what) {MIG_PLACE_BIT(field), spared, what},
#include "compat/tsc_use.def"
    };
    bool spares = mig_party_has(guest, reenlightenment);

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (!(rows[i].spared && spares) && mig_party_has(guest, rows[i].field)) {
            return rows[i].what;
        }
    }
    return NULL;
}

static void judge_pace(const struct mig_party *guest, uint64_t guest_khz,
                       const struct mig_party *host, uint64_t host_khz, struct mig_findings *ret)
{
    const char *use = find_use(guest);
    struct mig_finding *f =
        add_finding(ret, use != NULL ? MIG_BLOCKER : MIG_WARNING, guest, host, false);

    if (f == NULL) {
        return;
    }
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, guest_khz};
    if (use != NULL && !mig_seen_is_value(scaling_of(host))) {
        f->reason = MIG_REASON_EVIDENCE;
        mig_constraint_say(
            f,
            mig_strf("the TSC of %s counts %llu kHz, %s runs at %llu kHz and its evidence does not "
                     "tell whether it scales; the guest was shown %s",
                     guest->name, (unsigned long long)guest_khz, host->name,
                     (unsigned long long)host_khz, use),
            mig_strf("capture %s with mig-agentd", host->name));
    } else if (use != NULL) {
        mig_constraint_say(
            f,
            mig_strf("the TSC of %s counts %llu kHz, %s runs at %llu kHz and can not scale to it; "
                     "the guest was shown %s, so its clock would run fast or slow",
                     guest->name, (unsigned long long)guest_khz, host->name,
                     (unsigned long long)host_khz, use),
            mig_strf("move the guest to a host with TSC scaling or within %llu ppm of %llu kHz, or "
                     "power cycle it without constant_tsc (invtsc)",
                     (unsigned long long)tolerance_of(host), (unsigned long long)guest_khz));
    }
}

/* A running guest that was promised a constant rate that nobody wrote down. */
static void judge_promise(const struct mig_party *guest, const struct mig_party *host,
                          struct mig_findings *ret)
{
    struct mig_finding *f;

    if (guest->snapshot->groups[MIG_GROUP_GUEST].coverage == MIG_COVER_NONE ||
        !mig_party_has(guest, constant_tsc) || !mig_findings_want(ret, MIG_WARNING)) {
        return;
    }
    f = mig_findings_add(ret, "host/tsc-khz", MIG_WARNING);
    f->rule = "tsc";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strf("%s was shown constant_tsc (invtsc) and no rate is recorded for it: whether "
                      "%s keeps it can not be told",
                      guest->name, host->name);
    f->remedy = mig_strdup("give guests with invtsc a fixed rate (tsc-khz=, libvirt: "
                           "<timer name='tsc' frequency='...'/>) and record it");
}

void mig_tsc_judge(const struct mig_party *guest, const struct mig_party *host,
                   struct mig_findings *ret)
{
    struct mig_seen host_khz = item(host, MIG_HOST_TSC_KHZ);
    uint64_t guest_khz;

    if (!mig_seen_is_value(host_khz)) {
        return;
    }
    guest_khz = guest_rate(guest);
    if (!keeps_pace(guest_khz, host_khz.value, host)) {
        judge_pace(guest, guest_khz, host, host_khz.value, ret);
    } else if (guest_khz == 0) {
        judge_promise(guest, host, ret);
    }
}
