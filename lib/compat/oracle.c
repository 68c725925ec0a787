/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where KVM itself answered otherwise than the tables predict: the agent writes
 * to the registers of a vCPU that it throws away, reads those of one without any
 * feature, and tells by facts.  KVM is right.  What stands on a write to such a
 * register is not known, and what it shows a vCPU with fewer features neither.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/constraint.h"
#include "compat/limit.h"
#include "cpu/arm64_reg.h"

/* As agent/collect_oracle_arm64.c and agent/collect_base_arm64.c name them. */
#define WRITTEN "kvm.oracle."
#define OF_BASE "kvm.base."
#define ID "arm64/oracle/"
#define KVM_ID_DIGITS 16
/* As agent/collect_oracle_arm64.c says it. */
#define LESS_THAN_PREDICTED "predicted accepted"

static const char remedy[] =
    "report it with the snapshot; until then trust a proof on that host alone";

/* The register's name, or its id at KVM; NULL: no fact of ours. */
static const char *name_of(const struct mig_fact *f, struct mig_reg *ret)
{
    const char *prefix = mig_text_starts(f->name, OF_BASE) ? OF_BASE : WRITTEN;
    const char *name = f->name + strlen(prefix);
    uint64_t id;

    if (!mig_text_starts(f->name, prefix) || f->value == NULL) {
        return NULL;
    }
    *ret = mig_reg_arm64(MIG_ARM64_MIDR_EL1);
    if (mig_arm64_reg_parse(name, ret)) {
        return name;
    }
    if (strlen(name) != KVM_ID_DIGITS ||
        !mig_text_digits(name, KVM_ID_DIGITS, 16, UINT64_MAX, &id)) {
        return NULL;
    }
    ret->index = (uint32_t)id;
    ret->sub = (uint16_t)mig_bits_get(id, 55, 52);
    return name;
}

/* Features of the captured vCPU that a guest with @features has not. */
static bool lacks_features(const struct mig_party *host, unsigned features)
{
    return (mig_feature_of(host) & ~features) != 0;
}

/* Must @host show @wanted, to a guest with @features, by a write that it may
 * refuse or where the rows about features are wrong? */
static bool is_needed(const struct mig_fact *f, const struct mig_party *host, struct mig_reg reg,
                      struct mig_seen wanted, unsigned features)
{
    struct mig_seen own = mig_party_seen(host, reg);

    if (!mig_seen_is_value(wanted) || !mig_seen_is_value(own)) {
        return false;
    }
    if (mig_text_starts(f->name, OF_BASE)) {
        return wanted.known == MIG_KNOWN && lacks_features(host, features);
    }
    return strstr(f->value, LESS_THAN_PREDICTED) != NULL && own.value != wanted.value;
}

/* Features that the result shows. */
static unsigned merged_features(const struct mig_merge *m)
{
    unsigned features = 0;

    for (size_t i = 0; i < m->words_len; i++) {
        for (unsigned f = 0; f < MIG_FEATURE_COUNT; f++) {
            uint64_t bits =
                mig_feature_tells(mig_reg_from_key(m->words[i].key), (enum mig_feature)f);

            if (m->words[i].covered && (m->words[i].value & bits) != 0) {
                features |= 1u << f;
            }
        }
    }
    return features;
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
    unsigned features = merged_features(m);

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
            needed = is_needed(&s->facts[j], &m->parties[i], reg, wanted, features) &&
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
    unsigned features = mig_feature_of(guest);

    for (size_t i = 0; i < host->snapshot->facts_len; i++) {
        const struct mig_fact *f = &host->snapshot->facts[i];
        struct mig_reg reg;
        const char *name = name_of(f, &reg);

        if (name != NULL) {
            tell(ret, host, f, name, is_needed(f, host, reg, mig_party_seen(guest, reg), features));
        }
    }
}
