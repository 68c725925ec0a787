/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What makes all further comparison moot comes first, as one blocker: another
 * architecture, another vendor.  Then groups of evidence: what is missing is
 * said once per group.  Then the merge (merge.c), the level the result
 * reaches, and what each host gives up: its own profile against the common
 * one.  A pair also asks whether a guest with all that the source can grant
 * could move as it is; if so the profile is moot and the pair is compatible.
 */
#include "compat/negotiate.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/difference.h"
#include "compat/judge.h"
#include "compat/merge.h"
#include "cpu/level.h"
#include "snapshot/builder.h"

static struct mig_finding *block(struct mig_result *r, const char *id, enum mig_reason reason,
                                 char *why, const char *remedy)
{
    struct mig_finding *f = mig_findings_add(&r->findings, id, MIG_BLOCKER);

    f->rule = mig_rule_name(MIG_RULE_EXACT);
    f->reason = reason;
    f->why = why;
    f->remedy = mig_strdup(remedy);
    return f;
}

/* Is every party of one architecture and vendor? */
static bool is_one_kind(const struct mig_party *parties, size_t len, struct mig_result *r)
{
    char first[13], other[13];

    mig_snapshot_vendor(parties[0].snapshot, first);
    for (size_t i = 1; i < len; i++) {
        if (parties[i].snapshot->arch != parties[0].snapshot->arch) {
            block(r, "host/arch", MIG_REASON_HARDWARE,
                  mig_strf("%s is %s, %s is %s: no guest runs on both", parties[0].name,
                           mig_arch_name(parties[0].snapshot->arch), parties[i].name,
                           mig_arch_name(parties[i].snapshot->arch)),
                  "choose hosts of one architecture");
            return false;
        }
        mig_snapshot_vendor(parties[i].snapshot, other);
        if (strcmp(first, other) != 0 && *first != '\0' && *other != '\0') {
            struct mig_reg reg = mig_reg_cpuid(0, 0, MIG_EBX);
            struct mig_finding *f = block(
                r, "x86/cpuid/0.0/ebx", MIG_REASON_HARDWARE,
                mig_strf("%s is %s, %s is %s: a guest that booted on one vendor's CPU fails on "
                         "the other's",
                         parties[0].name, first, parties[i].name, other),
                "choose hosts of one CPU vendor");

            f->source = mig_party_seen(&parties[0], reg);
            f->destination = mig_party_seen(&parties[i], reg);
            return false;
        }
    }
    return true;
}

/* Groups that a verdict speaks about, per architecture. */
static bool is_judged(enum mig_group group, enum mig_arch arch)
{
    switch (group) {
    case MIG_GROUP_KVM_VIEW:
    case MIG_GROUP_CAP:
        return true;
    case MIG_GROUP_CPUID:
    case MIG_GROUP_MSR:
    case MIG_GROUP_MSR_LIST:
    case MIG_GROUP_TSC:
        return arch == MIG_ARCH_X86;
    case MIG_GROUP_IDREG:
        return arch == MIG_ARCH_ARM64;
    case MIG_GROUP_CPUID_BARE:
    case MIG_GROUP_CPUID_EMULATED:
    case MIG_GROUP_CPUID_HV:
    case MIG_GROUP_SOFTWARE:
    case MIG_GROUP_COUNT:
        return false;
    }
    return false;
}

static char *hosts_without(const struct mig_party *parties, size_t len, enum mig_group group)
{
    char *names = NULL;

    for (size_t i = 0; i < len; i++) {
        enum mig_coverage c = parties[i].snapshot->groups[group].coverage;

        if (c != MIG_COVER_FULL) {
            char *longer = names == NULL ? mig_strdup(parties[i].name)
                                         : mig_strf("%s, %s", names, parties[i].name);

            mig_free(names);
            names = longer;
        }
    }
    return names;
}

static bool is_unreadable(const struct mig_party *parties, size_t len, enum mig_group group)
{
    for (size_t i = 0; i < len; i++) {
        if (parties[i].snapshot->groups[group].coverage == MIG_COVER_UNREADABLE) {
            return true;
        }
    }
    return false;
}

/* One finding per group that some host's evidence lacks.  False: too little is
 * known to answer at all. */
static bool check_coverage(const struct mig_party *parties, size_t len,
                           const struct mig_choice *choice, struct mig_result *r)
{
    bool enough = true;

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        enum mig_group group = (enum mig_group)g;
        MIG_AUTO(mig_free) char *names = hosts_without(parties, len, group);
        bool unreadable = is_unreadable(parties, len, group);
        char id[MIG_FIELD_ID_MAX];
        struct mig_finding *f;

        if (names == NULL || !is_judged(group, parties[0].snapshot->arch)) {
            continue;
        }
        r->partial = true;
        r->uncovered[group] = true;
        (void)snprintf(id, sizeof id, "coverage/%s", mig_group_name(group));
        f = mig_findings_add(&r->findings, id, MIG_WARNING);
        f->rule = "coverage";
        f->reason = MIG_REASON_EVIDENCE;
        f->why = mig_strf("%s of %s: %s", unreadable ? "could not be read" : "no complete evidence",
                          names, mig_group_why(group));
        f->remedy =
            mig_strdup(unreadable ? "give mig-agentd access to /dev/kvm there and ask again"
                                  : "capture the host with mig-agentd instead of this dump");
        if ((unreadable || choice->require_complete) && !choice->tolerate[group]) {
            enough = false;
        }
    }
    return enough;
}

static bool check_minimum(const struct mig_choice *choice, struct mig_result *r)
{
    int minimum = choice->minimum != 0 ? choice->minimum : 1;

    if (r->profile->arch != MIG_ARCH_X86 || r->profile->level >= minimum) {
        return true;
    }
    block(r, "policy/minimum", MIG_REASON_POLICY,
          mig_strf("the common profile is below %s", mig_level_name(minimum)),
          "remove the weakest host (see the losses), or lower the policy's minimum");
    return false;
}

static bool is_loss(const struct mig_field *f, uint64_t own, uint64_t common)
{
    struct mig_value mine = {.num = own}, ours = {.num = common};

    return own != common && mig_rule_is_compared(f->shape.rule) &&
           f->shape.rule != MIG_RULE_DERIVED && f->class_ != MIG_CLASS_CONSTANT &&
           mig_rule_allows(&f->shape, mine, ours) != MIG_ALLOW_YES;
}

static void add_loss(struct mig_result *r, const struct mig_party *party, const struct mig_field *f,
                     struct mig_reg reg)
{
    struct mig_loss *loss;

    r->losses = mig_resize(r->losses, r->losses_len + 1, sizeof *r->losses);
    loss = &r->losses[r->losses_len++];
    *loss = (struct mig_loss){.host = party->name,
                              .name = f->name,
                              .security = f->shape.rule == MIG_RULE_AND_IMMUNE ||
                                          f->shape.rule == MIG_RULE_OR_MITIGATION};
    mig_field_print_id(f, reg.sub, loss->id);
}

/* What @party could offer alone and the common profile does not. */
static void add_losses(const struct mig_party *party, const struct mig_choice *choice,
                       struct mig_result *r)
{
    struct mig_merge alone;

    mig_merge_init(&alone, party, 1, choice, false, NULL);
    mig_merge_run(&alone);
    for (size_t w = 0; w < alone.words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(alone.words[w].key);
        const struct mig_word *common = mig_profile_find(r->profile, reg);
        uint64_t theirs = common != NULL ? common->value : 0, own = alone.words[w].value;
        struct mig_fields fields = {0};

        if (alone.words[w].covered && (common == NULL || common->covered) && own != theirs) {
            fields = mig_field_of(reg);
        }
        for (size_t i = 0; i < fields.len; i++) {
            const struct mig_field *f = &fields.items[i];

            if (is_loss(f, mig_field_get(f, own), mig_field_get(f, theirs))) {
                add_loss(r, party, f, reg);
            }
        }
    }
    mig_merge_clear(&alone);
}

static void start(struct mig_result *r)
{
    *r = (struct mig_result){
        .verdict = MIG_INCOMPATIBLE, .passthrough = MIG_INCOMPATIBLE, .direction = "none"};
}

/* False when the verdict stands already. */
static bool run_baseline(const struct mig_party *parties, size_t len,
                         const struct mig_choice *choice, bool directional, struct mig_result *r)
{
    struct mig_merge m;
    bool enough;

    if (!is_one_kind(parties, len, r)) {
        return false;
    }
    enough = check_coverage(parties, len, choice, r);
    mig_merge_init(&m, parties, len, choice, directional, &r->findings);
    mig_merge_run(&m);
    r->profile = mig_merge_finish(&m);
    r->verdict = m.blocked ? MIG_INCOMPATIBLE : MIG_COMPATIBLE_ON_PROFILE;
    if (!enough || m.unverified) {
        r->verdict = MIG_UNKNOWN;
    } else if (!check_minimum(choice, r)) {
        r->verdict = MIG_INCOMPATIBLE;
    }
    mig_merge_clear(&m);
    for (size_t i = 0; i < len; i++) {
        add_losses(&parties[i], choice, r);
    }
    return true;
}

static void drop_profile(struct mig_result *r)
{
    if (r->verdict == MIG_INCOMPATIBLE || r->verdict == MIG_UNKNOWN) {
        mig_profile_free(r->profile);
        r->profile = NULL;
    }
}

void mig_baseline(const struct mig_party *parties, size_t len, const struct mig_choice *choice,
                  struct mig_result *ret)
{
    MIG_ASSERT(len > 0);
    start(ret);
    if (run_baseline(parties, len, choice, false, ret) &&
        ret->verdict == MIG_COMPATIBLE_ON_PROFILE && ret->losses_len == 0) {
        ret->verdict = MIG_COMPATIBLE;
    }
    drop_profile(ret);
    mig_findings_sort(&ret->findings);
}

/* All that the party can grant, opt-ins included; what can never move, fields
 * and unexplained state alike, is not given to a guest that is meant to. */
static struct mig_snapshot *grantable(const struct mig_party *p)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(p->snapshot->arch);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    for (size_t i = 0; i < p->snapshot->entries_len; i++) {
        const struct mig_entry *e = &p->snapshot->entries[i];
        struct mig_reg reg = mig_reg_from_key(e->key);
        struct mig_fields fields = mig_field_of(reg);
        uint64_t value = e->value;

        if (e->errnum != 0) {
            mig_builder_set_unreadable(b, reg, e->errnum);
            continue;
        }
        for (size_t f = 0; f < fields.len; f++) {
            if (fields.items[f].offer == MIG_OFFER_NEVER) {
                value = mig_field_put(&fields.items[f], value, 0);
            }
        }
        mig_builder_set(b, reg, mig_judge_movable(reg, value));
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        const struct mig_group_state *state = &p->snapshot->groups[g];

        mig_builder_cover(b, (enum mig_group)g, state->coverage, state->errnum, state->source);
    }
    /* The source is normalised already. */
    MIG_ASSERT(mig_builder_freeze_as_is(b, &s, &err));
    return s;
}

static enum mig_verdict passthrough(const struct mig_party *source,
                                    const struct mig_party *destination,
                                    const struct mig_choice *choice)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *all = grantable(source);
    struct mig_party guest = {source->name, all};
    struct mig_findings findings = {0};
    enum mig_verdict verdict = MIG_COMPATIBLE;

    mig_judge(&guest, destination, choice, &findings);
    if (mig_findings_worst(&findings) >= MIG_SECURITY) {
        verdict = MIG_INCOMPATIBLE;
    } else if (mig_difference_shows(all, destination->snapshot)) {
        verdict = MIG_COMPATIBLE_MASKED;
    }
    mig_findings_clear(&findings);
    return verdict;
}

static const char *direction_of(enum mig_verdict forward, enum mig_verdict backward)
{
    bool there = forward != MIG_INCOMPATIBLE, back = backward != MIG_INCOMPATIBLE;

    return there && back ? "both" : there ? "forward" : back ? "backward" : "none";
}

/* A blocker of the common profile does not stop a guest that needs none of
 * it; what remains is a statement about protection. */
static void soften_blockers(struct mig_result *r)
{
    for (size_t i = 0; i < r->findings.len; i++) {
        if (r->findings.items[i].severity == MIG_BLOCKER) {
            r->findings.items[i].severity = MIG_SECURITY;
        }
    }
}

void mig_negotiate(const struct mig_party *source, const struct mig_party *destination,
                   const struct mig_choice *choice, struct mig_result *ret)
{
    struct mig_party pair[2] = {*source, *destination};
    bool is_below_minimum;

    start(ret);
    if (!run_baseline(pair, 2, choice, true, ret)) {
        drop_profile(ret);
        return;
    }
    is_below_minimum = mig_findings_find(&ret->findings, "policy/minimum") != NULL;
    ret->passthrough = passthrough(source, destination, choice);
    ret->direction = direction_of(ret->passthrough, passthrough(destination, source, choice));
    if (ret->verdict != MIG_UNKNOWN && ret->passthrough != MIG_INCOMPATIBLE && !is_below_minimum) {
        ret->verdict = ret->passthrough;
        soften_blockers(ret);
    }
    if (ret->verdict == MIG_UNKNOWN) {
        ret->passthrough = MIG_UNKNOWN;
    }
    drop_profile(ret);
    mig_findings_sort(&ret->findings);
}
