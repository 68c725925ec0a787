/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A guest that was given nesting carries state of guests of its own; the host
 * must be able to take all of it.  To others the same capability is nothing.
 */
#include "base/alloc.h"
#include "compat/constraint.h"
#include "cpu/place.h"

static const struct mig_bit vmx = MIG_PLACE_BIT(vmx), svm = MIG_PLACE_BIT(svm);

static const struct mig_bit state = {
    {MIG_SPACE_CAP, 157, 0, MIG_EAX},
    UINT64_MAX
};

void mig_nested_judge(const struct mig_party *guest, const struct mig_party *host,
                      struct mig_findings *ret)
{
    struct mig_seen needs, has;
    struct mig_finding *f;
    bool fits;

    if (!mig_party_has(guest, vmx) && !mig_party_has(guest, svm)) {
        return;
    }
    needs = mig_party_seen(guest, state.reg);
    has = mig_party_seen(host, state.reg);
    /* Evidence of old kernels lists no such capability on either side. */
    fits = mig_seen_is_value(needs) ? has.value >= needs.value : has.value != 0;
    if (!mig_seen_is_value(has) || fits) {
        return;
    }
    f = mig_constraint_raise(ret, state, MIG_BLOCKER);
    if (f != NULL) {
        f->rule = "nested";
        f->guest = f->source = needs;
        f->destination = has;
        f->reason = MIG_REASON_KERNEL;
        f->likely = true;
        mig_constraint_say(
            f,
            mig_strf("%s was given nested virtualisation: the state of its own guests takes up to "
                     "%llu bytes, %s takes %llu",
                     guest->name, (unsigned long long)needs.value, host->name,
                     (unsigned long long)has.value),
            mig_strf("run a kernel on %s that is at least as new as that of the source, or shut "
                     "the guest down and boot it without nesting",
                     host->name));
    }
}
