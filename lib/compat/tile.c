/* SPDX-License-Identifier: Apache-2.0 */
/*
 * AMX tile data is shown only to a process that asked the kernel for it before
 * its first vCPU.  A host whose CPUID lacks AMX although its KVM can give it
 * was asked too late, or never.
 */
#include "base/alloc.h"
#include "compat/constraint.h"
#include "compat/layout.h"
#include "cpu/place.h"

#define TILE_DATA 18

static const struct mig_bit amx_tile = MIG_PLACE_BIT(amx_tile);

#define ASK                                                                                        \
    "call arch_prctl(ARCH_REQ_XCOMP_GUEST_PERM) for component 18 before "                          \
    "KVM_GET_SUPPORTED_CPUID and the first vCPU (Linux 5.17 and later)"

static bool can_grant(const struct mig_party *host)
{
    struct mig_reg supported = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_XCOMP_SUPPORTED);

    return (mig_party_get(host, supported) >> TILE_DATA & 1) != 0;
}

/* Was AMX missing from what this host answered before it was asked? */
static bool depends_on_asking(const struct mig_party *host)
{
    struct mig_reg bare = amx_tile.reg;
    struct mig_seen seen;

    bare.space = MIG_SPACE_CPUID_BARE;
    seen = mig_party_seen(host, bare);
    return mig_seen_is_value(seen) && (seen.value & amx_tile.mask) == 0;
}

static void blame_vmm(const struct mig_party *host, struct mig_findings *ret)
{
    struct mig_finding *f = mig_constraint_raise(ret, amx_tile, MIG_BLOCKER);

    if (f == NULL) {
        return;
    }
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, 1};
    f->destination = (struct mig_seen){MIG_KNOWN, 0};
    f->reason = MIG_REASON_VMM;
    f->likely = false;
    mig_constraint_say(f,
                       mig_strf("KVM on %s can give guests AMX, but the process that was asked had "
                                "no permission for tile data: a guest that uses tiles would fault",
                                host->name),
                       mig_strf("on %s the VMM must " ASK, host->name));
}

static void note_order(const struct mig_party *host, struct mig_findings *ret)
{
    struct mig_finding *f;

    if (!mig_findings_want(ret, MIG_NOTE)) {
        return;
    }
    f = mig_findings_add(ret, "host/tile-permission", MIG_NOTE);
    f->rule = "tile";
    f->reason = MIG_REASON_VMM;
    f->why = mig_strf("%s shows AMX only to a VMM that asks for tile data first", host->name);
    f->remedy = mig_strdup("the VMM must " ASK);
}

void mig_tile_judge(const struct mig_party *guest, const struct mig_party *host,
                    struct mig_findings *ret)
{
    struct mig_seen shown;

    if (!mig_party_has(guest, amx_tile)) {
        return;
    }
    shown = mig_party_seen(host, amx_tile.reg);
    if (mig_seen_is_value(shown) && (shown.value & amx_tile.mask) == 0) {
        if (can_grant(host)) {
            blame_vmm(host, ret);
        }
    } else if (depends_on_asking(host)) {
        note_order(host, ret);
    }
}
