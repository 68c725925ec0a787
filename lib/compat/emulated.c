/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/emulated.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/evidence.h"

bool mig_emulated_is(const struct mig_snapshot *shown)
{
    static const struct {
        const char *vmm, *accelerator, *source;
    } rows[] = {
#define EMULATOR(vmm, accelerator, source) {vmm, accelerator, source},
#include "compat/emulator.def"
    };
    const char *vmm = mig_snapshot_fact(shown, "vmm.name");
    const char *accelerator = mig_snapshot_fact(shown, "vmm.accelerator");

    for (size_t i = 0; vmm != NULL && accelerator != NULL && i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].vmm, vmm) == 0 && strcmp(rows[i].accelerator, accelerator) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_left(enum mig_space space)
{
    return space == MIG_SPACE_GUEST || space == MIG_SPACE_VIRTIO;
}

struct mig_snapshot mig_emulated_rest(const struct mig_snapshot *s)
{
    struct mig_snapshot rest = *s;

    rest.entries = mig_alloc(s->entries_len + 1, sizeof *rest.entries);
    rest.entries_len = 0;
    rest.index = NULL;
    for (size_t i = 0; i < s->entries_len; i++) {
        if (is_left(mig_reg_from_key(s->entries[i].key).space)) {
            rest.entries[rest.entries_len++] = s->entries[i];
        }
    }
    return rest;
}

void mig_emulated_defer(struct mig_result *r, const struct mig_party *guest, const char *host)
{
    struct mig_finding *f = mig_evidence_refuse(
        r, MIG_EMULATED, MIG_REASON_EVIDENCE,
        mig_strf("%s is emulated (%s, %s): what it is shown comes from the program that runs it, "
                 "so only a proof by that of %s can tell",
                 guest->name, mig_snapshot_fact(guest->snapshot, "vmm.name"),
                 mig_snapshot_fact(guest->snapshot, "vmm.accelerator"), host),
        "ask the destination's live agent, and have the guest's VMM installed there");

    f->rule = "proof";
    r->provable = true;
}

void mig_emulated_settle(struct mig_result *r, const char *host, const char *vmm)
{
    for (size_t i = 0; i < r->findings.len; i++) {
        struct mig_finding *f = &r->findings.items[i];

        if (strcmp(f->id, MIG_EMULATED) == 0) {
            f->severity = MIG_NOTE;
            f->reason = MIG_REASON_VMM;
            mig_free(f->why);
            f->why = mig_strf("%s on %s proved that it shows this emulated guest what it was shown",
                              vmm, host);
            mig_free(f->remedy);
            f->remedy = NULL;
        }
    }
    r->provable = false;
    r->verdict = r->passthrough = MIG_COMPATIBLE;
}
