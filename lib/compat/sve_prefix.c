/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SVE vector lengths: KVM caps the longest and can hide no single one, so two
 * hosts share what stands below the first length that only one of them has.
 */
#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/constraint.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"

#define ID "arm64/sve/vl"

static struct mig_seen lengths_of(const struct mig_party *p)
{
    return mig_party_seen(p, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_SVE_VQS));
}

static bool has_sve(const struct mig_party *p)
{
    return (mig_feature_of(p) >> MIG_FEATURE_SVE & 1) != 0;
}

/* The longest run that both have from the shortest length on. */
static uint64_t meet(uint64_t a, uint64_t b)
{
    uint64_t differ = a ^ b;
    uint64_t below = differ != 0 ? (differ & (~differ + 1)) - 1 : UINT64_MAX;

    return a & b & below;
}

/* "128, 256" */
static char *in_bits(uint64_t set)
{
    struct mig_text t = {0};

    mig_text_add(&t, set == 0 ? "none" : "");
    for (unsigned n = 0; n < 64; n++) {
        if ((set >> n & 1) != 0) {
            mig_text_addf(&t, "%s%u", t.len > 0 ? ", " : "", 128 * (n + 1));
        }
    }
    return t.items;
}

static void tell(struct mig_merge *m, size_t other, uint64_t common)
{
    MIG_AUTO(mig_free) char *a = in_bits(lengths_of(&m->parties[0]).value);
    MIG_AUTO(mig_free) char *b = in_bits(lengths_of(&m->parties[other]).value);
    MIG_AUTO(mig_free) char *c = in_bits(common);
    struct mig_finding *f =
        mig_constraint_add(m->findings, ID, MIG_WARNING, "sve_prefix", MIG_REASON_HARDWARE);

    if (f == NULL) {
        return;
    }
    f->likely = true;
    f->source = lengths_of(&m->parties[0]);
    f->destination = lengths_of(&m->parties[other]);
    f->why = mig_strf("%s has vectors of %s bits, %s of %s; KVM can only cap the longest, which "
                      "leaves %s",
                      m->parties[0].name, a, m->parties[other].name, b, c);
    f->remedy =
        common != 0
            ? mig_strf("boot guests with the vector lengths %s (QEMU: -cpu host,sveN=on|off)", c)
            : mig_strdup("boot guests without SVE (QEMU: -cpu host,sve=off)");
}

/* SVE off, with all that is told of it. */
static void switch_off(struct mig_merge *m)
{
    m->sve_vqs = 0;
    mig_feature_take(m, MIG_FEATURE_SVE);
}

void mig_sve_prefix_merge(struct mig_merge *m)
{
    uint64_t shown = mig_merge_get(m, mig_reg_arm64(MIG_ARM64_ID_AA64PFR0_EL1));
    uint64_t common = UINT64_MAX;
    size_t other = 0;

    if ((shown & MIG_ARM64_MASK(ID_AA64PFR0_EL1, SVE)) == 0) {
        switch_off(m);
        return;
    }
    for (size_t i = 0; i < m->len; i++) {
        struct mig_seen set = lengths_of(&m->parties[i]);

        if (set.known != MIG_KNOWN) {
            return; /* the group's coverage says so */
        }
        other = set.value != lengths_of(&m->parties[0]).value ? i : other;
        common = meet(common, set.value);
    }
    m->sve_vqs = common;
    if (other != 0 && m->findings != NULL) {
        tell(m, other, common);
    }
    if (common == 0) {
        switch_off(m);
    }
}

void mig_sve_prefix_judge(const struct mig_party *guest, const struct mig_party *host,
                          struct mig_findings *ret)
{
    struct mig_seen wanted = lengths_of(guest), own = lengths_of(host);
    struct mig_finding *f;

    if (!has_sve(guest) || !has_sve(host) || wanted.known != MIG_KNOWN || own.known != MIG_KNOWN ||
        mig_settable_is_vl_set(own.value, wanted.value)) {
        return;
    }
    f = mig_constraint_add(ret, ID, MIG_BLOCKER, "sve_prefix", MIG_REASON_HARDWARE);
    if (f != NULL) {
        MIG_AUTO(mig_free) char *a = in_bits(wanted.value);
        MIG_AUTO(mig_free) char *b = in_bits(own.value);
        MIG_AUTO(mig_free) char *c = in_bits(meet(wanted.value, own.value));

        f->likely = true;
        f->guest = f->source = wanted;
        f->destination = own;
        f->why = mig_strf("%s was shown vectors of %s bits; %s has %s, and KVM can only cap the "
                          "longest: registers of the guest do not fit, or it finds a length that "
                          "it did not know",
                          guest->name, a, host->name, b);
        f->remedy = mig_strf("a running guest keeps its vector lengths; power cycled with %s, it "
                             "moves between both",
                             c);
    }
}
