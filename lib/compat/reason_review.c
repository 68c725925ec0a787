/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The second look at reasons, with all hosts of a question: one that lacks what
 * another of its CPU model has does not lack the silicon.
 */
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compat/lack.h"
#include "compat/merge.h"
#include "compat/reason.h"

/* An answer that more evidence could better. */
static bool is_doubtful(const struct mig_finding *f)
{
    enum mig_rule rule = f->field != NULL ? f->field->shape.rule : MIG_RULE_COUNT;

    return ((f->reason == MIG_REASON_HARDWARE && f->likely) ||
            f->reason == MIG_REASON_UNCLASSIFIED) &&
           (rule == MIG_RULE_AND || rule == MIG_RULE_AND_IMMUNE || rule == MIG_RULE_OR_MITIGATION ||
            rule == MIG_RULE_OR_VULNERABLE || rule == MIG_RULE_OR_INVERTED || rule == MIG_RULE_MIN);
}

static uint64_t value_of(const struct mig_party *p, const struct mig_field *f)
{
    return mig_field_get(f, mig_party_get(p, f->reg));
}

/* The host of the same model as @lacks that shows more; NULL if none does. */
static const struct mig_party *find_twin(const struct mig_field *f, const struct mig_party *lacks,
                                         const struct mig_party *hosts, size_t len)
{
    const struct mig_party *best = NULL;

    for (size_t i = 0; i < len; i++) {
        if (mig_lack_is_one_model(&hosts[i], lacks, false) &&
            value_of(&hosts[i], f) > value_of(best != NULL ? best : lacks, f)) {
            best = &hosts[i];
        }
    }
    return best;
}

/* Take the answer of two hosts for that of @f, unless it is no other. */
static void better(struct mig_finding *f, const struct mig_party *shows,
                   const struct mig_party *misses)
{
    struct mig_finding second = {.field = f->field};

    mig_reason_attribute(&second, shows, misses);
    if (second.reason == MIG_REASON_HARDWARE) {
        mig_free(second.remedy);
        return;
    }
    f->reason = second.reason;
    f->likely = second.likely;
    mig_free(f->remedy);
    f->remedy = second.remedy;
}

/* Every host that lacks it must have a twin, else hardware remains. */
static void look_again(struct mig_finding *f, const struct mig_party *hosts, size_t len)
{
    const struct mig_party *shows = NULL, *misses = NULL;
    uint64_t most = 0;

    for (size_t i = 0; i < len; i++) {
        uint64_t value = value_of(&hosts[i], f->field);

        most = value > most ? value : most;
    }
    for (size_t i = 0; i < len; i++) {
        const struct mig_party *twin;

        if (!mig_seen_is_value(mig_party_seen(&hosts[i], f->field->reg)) ||
            value_of(&hosts[i], f->field) == most) {
            continue;
        }
        twin = find_twin(f->field, &hosts[i], hosts, len);
        if (twin == NULL) {
            return;
        }
        shows = shows != NULL ? shows : twin;
        misses = misses != NULL ? misses : &hosts[i];
    }
    if (shows != NULL) {
        better(f, shows, misses);
    }
}

/* KVM answers 0 for an MSR that it does not know, and drops what is written:
 * a move that should fail succeeds, and the guest pays later. */
static void note_ignored_msrs(struct mig_findings *findings, const struct mig_party *hosts,
                              size_t len)
{
    for (size_t i = 0; i < len; i++) {
        const char *value = mig_snapshot_fact(hosts[i].snapshot, "kvm.param.kvm.ignore_msrs");
        char id[MIG_FIELD_ID_MAX];
        struct mig_finding *f;

        if (value == NULL || (strcmp(value, "Y") != 0 && strcmp(value, "1") != 0)) {
            continue;
        }
        (void)snprintf(id, sizeof id, "host/ignore-msrs/%.40s", hosts[i].name);
        if (mig_findings_find(findings, id) != NULL) {
            continue;
        }
        f = mig_findings_add(findings, id, MIG_WARNING);
        f->rule = "evidence";
        f->why = mig_strf("KVM on %s ignores MSRs that it does not know: state of a guest that can "
                          "not be restored is lost without an error",
                          hosts[i].name);
        f->reason = MIG_REASON_PARAMETER;
        f->remedy = mig_strf("on %s, load kvm with ignore_msrs=0 (options line in /etc/modprobe.d)",
                             hosts[i].name);
    }
}

void mig_reason_review(struct mig_findings *findings, const struct mig_party *hosts, size_t len)
{
    for (size_t i = 0; i < findings->len; i++) {
        if (is_doubtful(&findings->items[i])) {
            look_again(&findings->items[i], hosts, len);
        }
    }
    note_ignored_msrs(findings, hosts, len);
}
