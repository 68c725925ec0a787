/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/minimum.h"

#include "base/alloc.h"
#include "base/text.h"
#include "compat/evidence.h"
#include "compat/merge.h"
#include "cpu/arm64_feat.h"
#include "cpu/level.h"

#define HOSTS_NAMED 3

bool mig_minimum_fits(uint32_t minimum, enum mig_arch arch, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text asked = {0}, range = {0};

    if (minimum == 0 || mig_level_part(minimum, arch) != 0) {
        return true;
    }
    mig_level_print_set(minimum, &asked);
    mig_level_print_range(arch, &range);
    return mig_fail(err, MIG_USAGE, "minimum: %s says nothing of %s, whose levels are %s",
                    asked.items, mig_arch_name(arch), range.items);
}

static uint64_t profile_word(const void *words, struct mig_reg reg)
{
    return mig_profile_get(words, reg);
}

static uint64_t party_word(const void *words, struct mig_reg reg)
{
    return mig_party_get(words, reg);
}

static bool knows(const struct mig_party *p, const struct mig_level_need *need)
{
    return need->feat != NULL ? mig_party_knows_terms(p, need->feat->terms)
                              : mig_seen_is_value(mig_party_seen(p, need->reg));
}

static bool all_know(const struct mig_party *parties, size_t len, const struct mig_level_need *need)
{
    for (size_t i = 0; i < len; i++) {
        if (!knows(&parties[i], need)) {
            return false;
        }
    }
    return true;
}

/* "alpha, beta"; gives the number of hosts. */
static size_t name_weak(const struct mig_party *parties, size_t len,
                        const struct mig_level_need *need, struct mig_text *t)
{
    size_t weak = 0;

    for (size_t i = 0; i < len; i++) {
        if (mig_level_need_holds(need, party_word, &parties[i])) {
            continue;
        }
        if (weak < HOSTS_NAMED) {
            mig_text_addf(t, "%s%s", weak > 0 ? ", " : "", parties[i].name);
        }
        weak++;
    }
    if (weak > HOSTS_NAMED) {
        mig_text_addf(t, " and %zu more", weak - HOSTS_NAMED);
    }
    return weak;
}

static char *remedy_of(size_t weak, size_t len, const char *names, const char *need)
{
    if (weak == 0) {
        return mig_strf("see the other findings for what keeps %s out of the profile; or lower "
                        "the policy's minimum",
                        need);
    }
    if (weak == len) {
        return mig_strdup("take other hosts, or lower the policy's minimum");
    }
    return mig_strf("leave out %s (see the losses), or lower the policy's minimum", names);
}

static void refuse(const struct mig_party *parties, size_t len, const char *level,
                   const struct mig_level_need *need, struct mig_result *r)
{
    MIG_AUTO(mig_text_clear) struct mig_text names = {0};
    size_t weak = name_weak(parties, len, need, &names);
    MIG_AUTO(mig_free) char *remedy = remedy_of(weak, len, names.items, need->name);

    mig_evidence_refuse(r, "policy/minimum", MIG_REASON_POLICY,
                        mig_strf("the common profile is below %s: it has no %s, %s%s", level,
                                 need->name,
                                 weak > 0 ? "which is missing on " : "though every host has it",
                                 weak > 0 ? names.items : ""),
                        remedy);
}

enum mig_verdict mig_minimum_check(const struct mig_party *parties, size_t len, uint32_t minimum,
                                   enum mig_verdict verdict, struct mig_result *r)
{
    enum mig_arch arch = r->profile->arch;
    enum mig_level level = mig_level_least(minimum, arch);
    struct mig_level_need need;

    level = level != MIG_LEVEL_NONE ? level : mig_level_lowest(arch);
    if (!mig_level_missing(mig_level_set(level), profile_word, r->profile, &need)) {
        return verdict;
    }
    if (!all_know(parties, len, &need)) {
        mig_evidence_refuse(
            r, "policy/minimum", MIG_REASON_EVIDENCE,
            mig_strf("the evidence does not tell whether all hosts reach %s: it does not cover %s",
                     mig_level_name(level), need.name),
            "capture the hosts with mig-agentd");
        return MIG_UNKNOWN;
    }
    refuse(parties, len, mig_level_name(level), &need, r);
    return MIG_INCOMPATIBLE;
}
