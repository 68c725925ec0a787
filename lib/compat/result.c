/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "compat/negotiate.h"

/* One finding per id, also when two hosts are refused for one reason. */
static void add_refusal(struct mig_findings *list, const char *id, const char *why,
                        const char *remedy)
{
    struct mig_finding *f;

    for (size_t i = 0; i < list->len; i++) {
        f = &list->items[i];
        if (strcmp(f->id, id) == 0) {
            char *before = f->why;

            f->why = mig_strf("%s; %s", before, why);
            mig_free(before);
            return;
        }
    }
    f = mig_findings_add(list, id, MIG_BLOCKER);
    f->rule = "trust";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = mig_strdup(why);
    f->remedy = mig_strdup(remedy);
}

void mig_result_distrust(struct mig_result *ret, const char *id, const char *why,
                         const char *remedy)
{
    add_refusal(&ret->findings, id, why, remedy);
    ret->provable = false;
    ret->verdict = MIG_UNKNOWN;
    ret->passthrough = MIG_UNKNOWN;
    ret->direction = ret->contract ? NULL : "none";
    mig_profile_free(ret->profile);
    ret->profile = NULL;
    ret->possible = false;
}

void mig_result_clear(struct mig_result *r)
{
    mig_profile_free(r->profile);
    mig_findings_clear(&r->findings);
    mig_free(r->losses);
    *r = (struct mig_result){0};
}

const char *mig_verdict_name(enum mig_verdict verdict)
{
    static const char *const names[MIG_VERDICT_COUNT] = {
#define VERDICT(id, name, exit_status) [MIG_##id] = (name),
#include "compat/verdict.def"
    };

    return names[verdict];
}

int mig_verdict_exit_status(enum mig_verdict verdict)
{
    static const int status[MIG_VERDICT_COUNT] = {
#define VERDICT(id, name, exit_status) [MIG_##id] = (exit_status),
#include "compat/verdict.def"
    };

    return status[verdict];
}
