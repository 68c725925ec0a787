/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "compat/emulated.h"
#include "compat/proven.h"
#include "cpu/field.h"

#define NOT_ENFORCED "kvm/cpuid-not-enforced"

static const char remedy_contradicted[] =
    "take what this host does not show out of the profile, or bring it to the kernel, microcode "
    "and module parameters of hosts that do";
static const char remedy_contract[] =
    "move the guest to a host that shows it, or power it on anew on a profile that this one proves";
static const char remedy_not_enforced[] =
    "run guests on a KVM that traps CPUID (hardware virtualisation, nested or not); on this one a "
    "guest sees the host's own CPU, so only hosts of one CPU can exchange it, unproved "
    "(--no-prove)";
static const char remedy_missing[] =
    "see the agent's log on that host; with --no-prove the tables alone decide";

static const char remedy_emulated[] =
    "see the agent's log on that host; install there the guest's VMM, or name it with --qemu";

static const char *stage_what(enum mig_stage stage)
{
    static const char *const what[MIG_STAGE_COUNT] = {
#define STAGE(id, name, what) [MIG_STAGE_##id] = what,
#include "compat/stage.def"
    };

    return what[stage];
}

static const char *error_name(int errnum)
{
    const char *name = strerrorname_np(errnum);

    return name != NULL ? name : "an unknown error";
}

/* The one of this id, or a new one: two hosts may fail at the same place. */
static struct mig_finding *finding(struct mig_findings *list, const char *id)
{
    struct mig_finding *f;

    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i].id, id) == 0) {
            return &list->items[i];
        }
    }
    f = mig_findings_add(list, id, MIG_BLOCKER);
    f->rule = "proof";
    f->reason = MIG_REASON_KERNEL;
    return f;
}

static void say(struct mig_finding *f, char *why, const char *remedy)
{
    char *before = f->why;

    f->why = before != NULL ? mig_strf("%s; %s", before, why) : mig_strdup(why);
    if (f->remedy == NULL) {
        f->remedy = mig_strdup(remedy);
    }
    mig_free(before);
    mig_free(why);
}

static char *sentence(const struct mig_mismatch *m, const char *host)
{
    if (m->errnum != 0 && m->key == UINT64_MAX) {
        return mig_strf("KVM on %s answers %s to: %s", host, error_name(m->errnum),
                        stage_what(m->stage));
    }
    if (m->errnum != 0) {
        return mig_strf("KVM on %s refuses 0x%" PRIx64 " with %s", host, m->wanted,
                        error_name(m->errnum));
    }
    if (!m->has_got) {
        return mig_strf("%s does not tell whether it shows 0x%" PRIx64, host, m->wanted);
    }
    if (m->stage == MIG_STAGE_GUEST) {
        return mig_strf("a guest on %s was to see 0x%" PRIx64 " and sees 0x%" PRIx64, host,
                        m->wanted, m->got);
    }
    if (m->stage == MIG_STAGE_READ) {
        return mig_strf("KVM on %s was given 0x%" PRIx64 ", took it and keeps 0x%" PRIx64, host,
                        m->wanted, m->got);
    }
    return mig_strf("KVM on %s does not support 0x%" PRIx64 ", only 0x%" PRIx64, host, m->wanted,
                    m->got);
}

static void tell_mismatch(struct mig_findings *list, const struct mig_mismatch *m, const char *host,
                          bool contract)
{
    char id[MIG_FIELD_ID_MAX], place[MIG_REG_TEXT_MAX];
    struct mig_finding *f;

    if (m->key == UINT64_MAX) {
        (void)snprintf(id, sizeof id, "proof/%s", mig_stage_name(m->stage));
        f = finding(list, id);
    } else {
        mig_reg_print(mig_reg_from_key(m->key), place);
        (void)snprintf(id, sizeof id, "proof/%s", place);
        f = finding(list, id);
        mig_finding_add_names(f, mig_reg_from_key(m->key),
                              m->has_got       ? m->wanted ^ m->got
                              : m->errnum != 0 ? m->wanted
                                               : 0);
    }
    say(f, sentence(m, host), contract ? remedy_contract : remedy_contradicted);
}

static void drop_deferral(struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        if (strcmp(list->items[i].id, MIG_EMULATED) == 0) {
            list->items[i].severity = MIG_NOTE; /* the proof says why not */
        }
    }
}

static void lower(struct mig_result *r)
{
    if (r->provable) {
        drop_deferral(&r->findings);
        r->passthrough = r->verdict = MIG_INCOMPATIBLE;
        r->provable = false;
    } else if (r->verdict != MIG_UNKNOWN) {
        r->verdict = MIG_INCOMPATIBLE;
        r->possible = r->profile != NULL;
    }
}

static void tell_not_tried(const struct mig_proven *p, const char *host, struct mig_result *r)
{
    MIG_AUTO(mig_free)
    char *why = p->vmm[0] != '\0'
                    ? mig_strf("%s: %s: %s", host, stage_what(p->stage), p->vmm)
                    : mig_strf("%s: %s: %s", host, stage_what(p->stage), error_name(p->errnum));

    mig_result_distrust(r, "proof/missing", why, r->emulated ? remedy_emulated : remedy_missing);
}

void mig_proven_tell(const struct mig_proven *p, const char *host, struct mig_result *r)
{
    if (r->emulated && p->vmm[0] == '\0') {
        mig_proven_tell_missing(host, "its agent asked KVM, not the guest's VMM", r);
        return;
    }
    switch (p->outcome) {
    case MIG_OUTCOME_HELD:
        if (r->provable) {
            mig_emulated_settle(r, host, p->vmm);
        }
        break;
    case MIG_OUTCOME_CONTRADICTED:
        for (size_t i = 0; i < p->len; i++) {
            tell_mismatch(&r->findings, &p->items[i], host, r->contract);
        }
        lower(r);
        break;
    case MIG_OUTCOME_NOT_ENFORCED:
        say(finding(&r->findings, NOT_ENFORCED),
            mig_strf("KVM on %s takes every CPUID table and shows guests its own CPU all the same",
                     host),
            remedy_not_enforced);
        lower(r);
        if (r->passthrough != MIG_UNKNOWN && !r->contract) {
            r->passthrough = MIG_INCOMPATIBLE;
            r->direction = "none";
        }
        break;
    case MIG_OUTCOME_NOT_TRIED:
    case MIG_OUTCOME_COUNT:
        tell_not_tried(p, host, r);
        break;
    }
}

void mig_proven_tell_missing(const char *host, const char *why, struct mig_result *r)
{
    MIG_AUTO(mig_free) char *text = mig_strf("%s: %s", host, why);

    mig_result_distrust(r, "proof/missing", text, r->emulated ? remedy_emulated : remedy_missing);
}
