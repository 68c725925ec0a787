/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where KVM itself answered otherwise than the tables predict: the agent writes
 * to the registers of a vCPU that it throws away, and tells by facts.  KVM is
 * right.  What stands on a write to such a register is not known.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "compat/constraint.h"
#include "cpu/arm64_reg.h"

#define FACT "kvm.oracle."
#define ID "arm64/oracle/"
/* As agent/collect_oracle_arm64.c says it. */
#define LESS_THAN_PREDICTED "predicted accepted"

static const char remedy[] =
    "report it with the snapshot; until then trust a proof on that host alone";

/* The register's name, or NULL: no fact of ours. */
static const char *name_of(const struct mig_fact *f, struct mig_reg *ret)
{
    const char *name = f->name + strlen(FACT);

    if (!mig_text_starts(f->name, FACT) || f->value == NULL) {
        return NULL;
    }
    *ret = mig_reg_arm64(MIG_ARM64_MIDR_EL1);
    return mig_arm64_reg_parse(name, ret) ? name : NULL;
}

/* Must @host show @wanted by a write that it may refuse? */
static bool is_needed(const struct mig_fact *f, const struct mig_party *host, struct mig_reg reg,
                      struct mig_seen wanted)
{
    struct mig_seen own = mig_party_seen(host, reg);

    return strstr(f->value, LESS_THAN_PREDICTED) != NULL && mig_seen_is_value(wanted) &&
           mig_seen_is_value(own) && own.value != wanted.value;
}

static void tell(struct mig_findings *list, const struct mig_party *host, const struct mig_fact *f,
                 const char *name, bool needed)
{
    enum mig_severity severity = needed ? MIG_BLOCKER : MIG_WARNING;
    MIG_AUTO(mig_free) char *id = NULL;
    MIG_AUTO(mig_free) char *before = NULL;
    struct mig_finding *found = NULL;

    if (!mig_findings_want(list, severity)) {
        return;
    }
    id = mig_strf(ID "%s", name);
    for (size_t i = 0; i < list->len && found == NULL; i++) {
        found = strcmp(list->items[i].id, id) == 0 ? &list->items[i] : NULL;
    }
    if (found == NULL) {
        found = mig_findings_add(list, id, severity);
        found->rule = "oracle";
        found->reason = MIG_REASON_KERNEL;
    } else {
        before = mig_strf("%s; ", found->why);
        found->severity = severity > found->severity ? severity : found->severity;
    }
    /* Not a known no: what it takes instead is open. */
    found->reason = needed ? MIG_REASON_EVIDENCE : found->reason;
    mig_constraint_say(
        found,
        mig_strf("%sKVM on %s answers otherwise than the tables predict: %s; the "
                 "kernel is right%s",
                 before != NULL ? before : "", host->name, f->value,
                 needed ? ", so whether it shows what is needed here is not known" : ""),
        mig_strdup(remedy));
}

void mig_oracle_merge(struct mig_merge *m)
{
    for (size_t i = 0; i < m->len; i++) {
        const struct mig_snapshot *s = m->parties[i].snapshot;

        for (size_t j = 0; j < s->facts_len; j++) {
            struct mig_reg reg;
            const char *name = name_of(&s->facts[j], &reg);
            const struct mig_word *word = name != NULL ? mig_merge_word(m, reg) : NULL;
            struct mig_seen wanted = {MIG_UNCOVERED, 0};
            bool needed;

            if (name == NULL) {
                continue;
            }
            if (word != NULL && word->covered) {
                wanted = (struct mig_seen){MIG_KNOWN, word->value};
            }
            needed = is_needed(&s->facts[j], &m->parties[i], reg, wanted) &&
                     !m->choice->tolerate[MIG_GROUP_IDREG];
            m->unverified = m->unverified || needed;
            if (m->findings != NULL) {
                tell(m->findings, &m->parties[i], &s->facts[j], name, needed);
            }
        }
    }
}

void mig_oracle_judge(const struct mig_party *guest, const struct mig_party *host,
                      struct mig_findings *ret)
{
    for (size_t i = 0; i < host->snapshot->facts_len; i++) {
        const struct mig_fact *f = &host->snapshot->facts[i];
        struct mig_reg reg;
        const char *name = name_of(f, &reg);

        if (name != NULL) {
            tell(ret, host, f, name, is_needed(f, host, reg, mig_party_seen(guest, reg)));
        }
    }
}
