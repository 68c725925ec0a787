/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paravirtual leaves.  The field tier compares their bits; here, what stands
 * behind them: KVM capabilities that serve a Hyper-V guest, and whether KVM
 * keeps a guest to what it was shown.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "cpu/place.h"

#define KVM_FEATURES 0x40000001
#define CAP_ENFORCE_PV 190 /* cap.def */

static const struct {
    struct mig_bit field;
    uint32_t cap;
    const char *name;
} rows[] = {
#define BACKED(field, cap, name) {MIG_PLACE_BIT(field), cap, name},
#include "compat/hyperv_cap.def"
};

static bool is_hyperv_guest(const struct mig_party *guest)
{
    size_t len;
    const struct mig_entry *e = mig_snapshot_space(guest->snapshot, MIG_SPACE_CPUID_HV, &len);

    for (size_t i = 0; i < len; i++) {
        if (e[i].value != 0) {
            return true;
        }
    }
    return false;
}

static void tell_uncovered(const struct mig_party *guest, const struct mig_party *host,
                           struct mig_findings *ret)
{
    struct mig_finding *f;

    if (!mig_findings_want(ret, MIG_WARNING) ||
        mig_findings_find(ret, "coverage/cpuid-hv") != NULL) {
        return;
    }
    f = mig_findings_add(ret, "coverage/cpuid-hv", MIG_WARNING);
    f->rule = "hyperv";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strf("%s was shown Hyper-V leaves, the evidence of %s does not cover what its KVM "
                      "offers of them",
                      guest->name, host->name);
    f->remedy = mig_strf("capture %s with mig-agentd", host->name);
}

static void tell_unbacked(const struct mig_party *guest, const struct mig_party *host, size_t row,
                          struct mig_findings *ret)
{
    struct mig_bit cap = {mig_reg_plain(MIG_SPACE_CAP, rows[row].cap), UINT64_MAX};
    const struct mig_field *shown;
    struct mig_finding *f = mig_constraint_raise(ret, cap, MIG_BLOCKER);

    if (f == NULL) {
        return;
    }
    shown = mig_field_at(rows[row].field.reg, (unsigned)__builtin_ctzll(rows[row].field.mask));
    f->rule = "hyperv";
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, 1};
    f->destination = (struct mig_seen){MIG_KNOWN, 0};
    f->reason = MIG_REASON_KERNEL;
    f->likely = true;
    mig_constraint_say(f,
                       mig_strf("%s was shown %s, and KVM on %s has no %s to serve it", guest->name,
                                shown != NULL ? shown->name : "it", host->name, rows[row].name),
                       mig_strf("run a kernel on %s that has KVM_CAP_%s (CONFIG_KVM_HYPERV)",
                                host->name, rows[row].name));
}

/* One finding per capability, whatever number of fields need it. */
static void judge_caps(const struct mig_party *guest, const struct mig_party *host,
                       struct mig_findings *ret)
{
    uint32_t told = 0;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        struct mig_seen cap = mig_party_seen(host, mig_reg_plain(MIG_SPACE_CAP, rows[i].cap));

        if (mig_seen_is_value(cap) && cap.value == 0 && rows[i].cap != told &&
            mig_party_has(guest, rows[i].field)) {
            tell_unbacked(guest, host, i, ret);
            told = rows[i].cap;
        }
    }
}

/* Something of KVM's own is hidden from the guest that works all the same. */
static void note_unenforced(const struct mig_party *guest, const struct mig_party *host,
                            struct mig_findings *ret)
{
    struct mig_reg features = mig_reg_cpuid(KVM_FEATURES, 0, MIG_EAX);
    struct mig_seen enforced = mig_party_seen(host, mig_reg_plain(MIG_SPACE_CAP, CAP_ENFORCE_PV));
    uint64_t offered, shown;
    struct mig_finding *f;

    if (!mig_seen_is_value(enforced) || enforced.value != 0) {
        return;
    }
    offered = mig_party_get(host, features);
    shown = mig_party_get(guest, features);
    if ((offered & ~shown) == 0 || !mig_findings_want(ret, MIG_NOTE)) {
        return;
    }
    f = mig_findings_add(ret, "kvm/cpuid-not-enforced", MIG_NOTE);
    f->rule = "hyperv";
    f->reason = MIG_REASON_KERNEL;
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, shown};
    f->destination = (struct mig_seen){MIG_KNOWN, offered};
    f->why = mig_strf("KVM on %s does not keep guests to the paravirtual features they were shown: "
                      "what is hidden from %s works there all the same",
                      host->name, guest->name);
    f->remedy =
        mig_strdup("Linux 5.10 and later can enforce it (KVM_CAP_ENFORCE_PV_FEATURE_CPUID)");
}

void mig_hyperv_judge(const struct mig_party *guest, const struct mig_party *host,
                      struct mig_findings *ret)
{
    note_unenforced(guest, host, ret);
    if (!is_hyperv_guest(guest)) {
        return;
    }
    if (host->snapshot->groups[MIG_GROUP_CPUID_HV].coverage != MIG_COVER_FULL) {
        tell_uncovered(guest, host, ret);
    }
    judge_caps(guest, host, ret);
}
