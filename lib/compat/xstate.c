/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The XSAVE state that a guest holds right now, against what it was shown and
 * what a host takes.  XCR0 in use must be expressible.  State of a component
 * that the guest was never shown is left over from kernels that leaked it
 * (PKRU of the host); some kernels refuse it after all memory has moved, and
 * the guest then hangs instead of staying where it was.
 */
#include <stdio.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "compat/layout.h"
#include "compat/version.h"
#include "cpu/names.h"

static struct mig_seen state_of(const struct mig_party *guest, enum mig_guest_item item)
{
    return mig_party_seen(guest, mig_reg_plain(MIG_SPACE_GUEST, item));
}

/* What @host can hold for a guest, tile permission given. */
static uint64_t supported_by(const struct mig_party *host, const struct mig_layout *h)
{
    return mig_layout_all(h) |
           mig_party_get(host, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_XCOMP_SUPPORTED));
}

static void add_xcr0(const struct mig_party *guest, uint64_t xcr0, uint64_t supported,
                     const char *whose, struct mig_findings *ret)
{
    struct mig_finding *f;

    if (!mig_findings_want(ret, MIG_BLOCKER)) {
        return;
    }
    f = mig_findings_add(ret, "guest/xcr0", MIG_BLOCKER);
    f->rule = "xstate";
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, xcr0};
    f->destination = (struct mig_seen){MIG_KNOWN, supported};
    f->reason = MIG_REASON_HARDWARE;
    f->why = mig_strf("%s has XSAVE components 0x%llx switched on that %s does not have: its XCR0 "
                      "can not be set",
                      guest->name, (unsigned long long)(xcr0 & ~supported), whose);
    f->remedy = mig_strdup("power cycle the guest on a profile without these components");
}

static void judge_xcr0(const struct mig_party *guest, const struct mig_layout *g,
                       const struct mig_party *host, const struct mig_layout *h,
                       struct mig_findings *ret)
{
    struct mig_seen xcr0 = state_of(guest, MIG_GUEST_XCR0);
    uint64_t supported = supported_by(host, h) | 1;

    if (xcr0.known != MIG_KNOWN) {
        return;
    }
    if (g->known && (xcr0.value & ~(g->xcr0 | 1)) != 0) {
        add_xcr0(guest, xcr0.value, g->xcr0 | 1, "the CPUID it was shown", ret);
    } else if (h->known && (xcr0.value & ~supported) != 0) {
        add_xcr0(guest, xcr0.value, supported, host->name, ret);
    }
}

/* The release, or what the build string says of it: "6.1.0-18-amd64" names an
 * interface, "#1 SMP Debian 6.1.76-1" the kernel.  NULL: none is named. */
static const char *kernel_of(const struct mig_party *host)
{
    const char *release = mig_snapshot_fact(host->snapshot, "kernel.release");
    const char *build = mig_snapshot_fact(host->snapshot, "kernel.version");
    struct mig_version named, built;

    if (!mig_version_parse(release, &named)) {
        return NULL;
    }
    return named.part[2] == 0 && mig_version_parse(build, &built) &&
                   built.part[0] == named.part[0] && built.part[1] == named.part[1]
               ? build
               : release;
}

/* How bad state is that the guest was not shown, for this kernel. */
static enum mig_severity weigh(const char *kernel)
{
    static const struct {
        const char *first, *fixed;
        enum mig_severity severity;
    } rows[] = {
#define STRICT(first, fixed, severity) {first, fixed, severity},
#include "compat/xstate_kernel.def"
    };

    for (size_t i = 0; kernel != NULL && i < MIG_COUNT(rows); i++) {
        if (mig_version_compare(kernel, rows[i].first) >= 0 &&
            mig_version_compare(kernel, rows[i].fixed) < 0) {
            return rows[i].severity;
        }
    }
    return kernel != NULL ? MIG_NOTE : MIG_BLOCKER;
}

static char *tell_stale(const struct mig_party *guest, const struct mig_party *host,
                        unsigned component, bool held, enum mig_severity severity)
{
    const char *then =
        !held ? "does not have the component and refuses its state after all memory has moved"
        : severity == MIG_NOTE    ? "takes such state and does not show it to the guest"
        : severity == MIG_WARNING ? "may refuse such state after all memory has moved, where its "
                                    "distribution carries a later change of KVM"
                                  : "refuses such state after all memory has moved";

    return mig_strf("the saved state of %s holds XSAVE component %u, which its CPUID does not "
                    "show: its kernel leaked it; %s %s%s",
                    guest->name, component, host->name, then,
                    severity == MIG_NOTE
                        ? ""
                        : ", and a VMM that overlooks that resumes a guest that hangs at 100% CPU");
}

static void add_stale(const struct mig_party *guest, const struct mig_party *host,
                      unsigned component, bool held, struct mig_findings *ret)
{
    const char *kernel = kernel_of(host);
    enum mig_severity severity = held ? weigh(kernel) : MIG_BLOCKER;
    struct mig_finding *f;
    char id[MIG_FIELD_ID_MAX];

    if (!mig_findings_want(ret, severity)) {
        return;
    }
    (void)snprintf(id, sizeof id, "x86/xsave/%u", component);
    f = mig_findings_add(ret, id, severity);
    f->field = mig_field_at(mig_layout_home(component, false), component % 32);
    f->names_len = f->field != NULL ? mig_names_of(f->field, f->names) : 0;
    f->rule = "xstate";
    f->reason = kernel != NULL || !held ? MIG_REASON_KERNEL : MIG_REASON_EVIDENCE;
    f->likely = severity == MIG_WARNING || kernel == NULL;
    f->guest = f->source = (struct mig_seen){MIG_KNOWN, 1};
    f->destination = (struct mig_seen){MIG_KNOWN, 0};
    f->why = tell_stale(guest, host, component, held, severity);
    if (severity > MIG_NOTE) {
        f->remedy = mig_strf(
            "%s%s%s, or restart the guest from power-off on a kernel that does "
            "not leak (Linux 5.17 and later), or show it the feature of the "
            "component",
            held ? "run Linux 6.6, 6.5.9 or 6.1.60 or later of their series on "
                 : "choose another destination than ",
            host->name, held && kernel == NULL ? " (the evidence does not name its kernel)" : "");
    }
}

static void judge_stale(const struct mig_party *guest, const struct mig_layout *g,
                        const struct mig_party *host, const struct mig_layout *h,
                        struct mig_findings *ret)
{
    struct mig_seen live = state_of(guest, MIG_GUEST_XSTATE_BV);
    uint64_t shown = mig_layout_all(g) | MIG_LAYOUT_XCR0_LEGACY, held = supported_by(host, h);

    if (live.known != MIG_KNOWN || !g->known) {
        return;
    }
    for (uint64_t left = live.value & ~shown & INT64_MAX; left != 0; left &= left - 1) {
        unsigned component = (unsigned)__builtin_ctzll(left);

        add_stale(guest, host, component, !h->known || (held >> component & 1) != 0, ret);
    }
}

void mig_xstate_judge(const struct mig_party *guest, const struct mig_party *host,
                      struct mig_findings *ret)
{
    struct mig_layout g, h;

    if (state_of(guest, MIG_GUEST_XCR0).known != MIG_KNOWN &&
        state_of(guest, MIG_GUEST_XSTATE_BV).known != MIG_KNOWN) {
        return;
    }
    mig_layout_read(guest, &g);
    mig_layout_read(host, &h);
    judge_xcr0(guest, &g, host, &h, ret);
    judge_stale(guest, &g, host, &h, ret);
}
