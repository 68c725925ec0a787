/* SPDX-License-Identifier: Apache-2.0 */
#include "vmm/look.h"

#include "vmm/launch.h"
#include "vmm/process.h"
#include "vmm/readback.h"

uint64_t mig_look_timeout(const struct mig_recorder *recorder)
{
    return recorder->timeout_ms != 0 ? recorder->timeout_ms : MIG_RECORD_TIMEOUT_MS;
}

bool mig_look(const struct mig_recorder *recorder, const struct mig_process *p,
              struct mig_probe *probe, struct mig_builder *b, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes report = {0};

    probe->program = p->program;
    probe->path = recorder->program;
    probe->timeout_ms = mig_look_timeout(recorder);
    return mig_probe_run(probe, &report, err) && mig_readback_pour(&report, b, err);
}

/* With the CPU as QMP spells it or, @own, as the guest's own options do. */
static bool look_as(const struct mig_recorder *recorder, const struct mig_process *p,
                    struct mig_inquiry *i, bool own, struct mig_builder *b, struct mig_error *err)
{
    MIG_AUTO(mig_launch_clear) struct mig_launch launch = {.items = NULL};
    struct mig_probe probe = {.launch = &launch, .check = mig_inquiry_check, .data = i};

    mig_launch_add_machine(&launch, p, i->kvm ? "kvm" : "tcg", i->machine);
    mig_launch_add_options(&launch, p, own);
    if (!own) {
        mig_inquiry_add_cpu(i, mig_launch_speaks_of(p, "tsc-freq"), &launch);
    }
    return mig_look(recorder, p, &probe, b, err);
}

/* QMP tells what became of the CPU's options, wherever they stood, so that is
 * tried first.  A few words follow from what was asked for and not granted (XCR0
 * of features that the host lacks): then only the options themselves lead there. */
bool mig_look_alike(const struct mig_recorder *recorder, const struct mig_process *p,
                    struct mig_inquiry *i, struct mig_builder *b, struct mig_error *err)
{
    return look_as(recorder, p, i, false, b, err) ||
           (i->differed && look_as(recorder, p, i, true, b, err));
}
