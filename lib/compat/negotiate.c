/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * What makes all further comparison moot comes first, as one blocker: another
 * architecture, another vendor.  Then groups of evidence: what is missing is
 * said once per group.  Then the merge (merge.c), the level the result
 * reaches, and what each host gives up: its own profile against the common
 * one.  A pair also asks whether a guest with all that the source can grant
 * could move as it is (passthrough.c); if so the profile is moot and the pair
 * is compatible.  Evidence that should be there and is not makes the answer
 * unknown, whatever else was found.
 */
#include "compat/negotiate.h"

#include "base/alloc.h"
#include "compat/evidence.h"
#include "compat/merge.h"
#include "compat/minimum.h"
#include "compat/passthrough.h"
#include "compat/reason.h"

bool mig_loss_is(const struct mig_field *f, uint64_t own, uint64_t common)
{
    struct mig_value mine = {.num = own}, ours = {.num = common};

    return own != common && f->shape.rule != MIG_RULE_IDENTITY && !mig_merge_is_geometry(f->reg) &&
           mig_rule_is_compared(f->shape.rule) && f->shape.rule != MIG_RULE_DERIVED &&
           f->class_ != MIG_CLASS_CONSTANT &&
           mig_rule_allows(&f->shape, mine, ours) != MIG_ALLOW_YES;
}

bool mig_loss_is_security(const struct mig_field *f)
{
    return f->shape.rule == MIG_RULE_AND_IMMUNE || f->shape.rule == MIG_RULE_OR_MITIGATION;
}

static void add_loss(struct mig_result *r, const struct mig_party *party, const struct mig_field *f,
                     struct mig_reg reg)
{
    struct mig_loss *loss;

    r->losses = mig_resize(r->losses, r->losses_len + 1, sizeof *r->losses);
    loss = &r->losses[r->losses_len++];
    *loss = (struct mig_loss){.host = party->name,
                              .name = f->name,
                              .security = mig_loss_is_security(f),
                              .announced = f->shape.rule == MIG_RULE_OR_VULNERABLE ||
                                           f->shape.rule == MIG_RULE_OR_INVERTED};
    mig_field_print_id(f, reg.sub, loss->id);
}

/* Fields of @reg that a guest of @party alone would miss in the profile. */
static void add_word_losses(const struct mig_party *party, struct mig_reg reg, uint64_t own,
                            uint64_t common, struct mig_result *r)
{
    struct mig_fields fields = own != common ? mig_field_of(reg) : (struct mig_fields){0};

    for (size_t i = 0; i < fields.len; i++) {
        const struct mig_field *f = &fields.items[i];

        if (mig_loss_is(f, mig_field_get(f, own), mig_field_get(f, common))) {
            add_loss(r, party, f, reg);
        }
    }
}

/* Of 32-bit code, which some host has none of: one loss says so. */
static bool is_moot(const struct mig_party *parties, size_t len, struct mig_reg reg)
{
    struct mig_merge all = {.parties = parties, .len = len};

    return mig_aarch32_is_moot(&all, reg);
}

/* What @party, one of @parties, could offer alone and the common profile does
 * not. */
static void add_losses(const struct mig_party *party, const struct mig_party *parties, size_t len,
                       const struct mig_choice *choice, struct mig_result *r)
{
    const struct mig_profile *common = r->profile;
    struct mig_merge alone;
    size_t a = 0, c = 0;

    mig_merge_init(&alone, party, 1, choice, false, NULL);
    mig_merge_run(&alone);
    while (a < alone.words_len || c < common->words_len) {
        uint64_t none = UINT64_MAX;
        uint64_t own_key = a < alone.words_len ? alone.words[a].key : none;
        uint64_t common_key = c < common->words_len ? common->words[c].key : none;
        uint64_t key = own_key < common_key ? own_key : common_key;
        const struct mig_word *own = own_key == key ? &alone.words[a++] : NULL;
        const struct mig_word *theirs = common_key == key ? &common->words[c++] : NULL;
        struct mig_reg reg = mig_reg_from_key(key);

        if ((theirs != NULL && !theirs->covered) || is_moot(parties, len, reg)) {
            continue;
        }
        if (own != NULL ? own->covered : mig_party_seen(party, reg).known == MIG_ABSENT) {
            add_word_losses(party, reg, own != NULL ? own->value : 0,
                            theirs != NULL ? theirs->value : 0, r);
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
    struct mig_evidence evidence = {.parties = parties, .len = len, .choice = choice};
    struct mig_merge m;
    bool enough;

    if (!mig_evidence_is_alike(&evidence, r)) {
        return false;
    }
    enough = mig_evidence_is_enough(&evidence, r);
    mig_merge_init(&m, parties, len, choice, directional, &r->findings);
    mig_merge_run(&m);
    r->profile = mig_merge_finish(&m);
    r->possible = m.unsettable && !m.blocked;
    if (!enough || m.unverified) {
        r->verdict = MIG_UNKNOWN;
    } else {
        r->verdict = mig_minimum_check(
            parties, len, choice->minimum,
            m.blocked || m.unsettable ? MIG_INCOMPATIBLE : MIG_COMPATIBLE_ON_PROFILE, r);
    }
    mig_merge_clear(&m);
    for (size_t i = 0; i < len; i++) {
        add_losses(&parties[i], parties, len, choice, r);
    }
    return true;
}

/* What hosts could show, if only KVM let them, stays: the findings say what
 * would make it so. */
static void drop_profile(struct mig_result *r)
{
    r->possible = r->possible && r->verdict == MIG_INCOMPATIBLE &&
                  mig_findings_find(&r->findings, "policy/minimum") == NULL;
    if ((r->verdict == MIG_INCOMPATIBLE && !r->possible) || r->verdict == MIG_UNKNOWN) {
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
    mig_reason_review(&ret->findings, parties, len);
    mig_findings_sort(&ret->findings);
}

/* A blocker of the common profile does not stop a guest that needs none of
 * it; what remains is a statement about protection. */
static void soften_blockers(struct mig_result *r, enum mig_arch arch)
{
    for (size_t i = 0; i < r->findings.len; i++) {
        if (r->findings.items[i].severity == MIG_BLOCKER) {
            r->findings.items[i].severity = arch == MIG_ARCH_ARM64 ? MIG_WARNING : MIG_SECURITY;
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
    if (ret->verdict == MIG_UNKNOWN) {
        ret->passthrough = MIG_UNKNOWN;
    } else {
        enum mig_verdict back = mig_passthrough_ask(destination, source, choice);

        ret->passthrough = mig_passthrough_ask(source, destination, choice);
        ret->direction = mig_passthrough_direction(ret->passthrough, back);
    }
    if (mig_passthrough_works(ret->passthrough) && !is_below_minimum) {
        ret->verdict = ret->passthrough;
        soften_blockers(ret, source->snapshot->arch);
    }
    drop_profile(ret);
    mig_reason_review(&ret->findings, pair, 2);
    mig_findings_sort(&ret->findings);
}
