/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A running guest can not be given less than it was shown, so its contract is
 * judged as a guest on the destination.  What stands there is compared with
 * the same judgement on the source: where the guest lives with it already and
 * the destination is no worse, the VMM merely presents the CPU otherwise than
 * KVM would grant it, and nothing is lost by the move.  A register that the
 * destination could not read, and that could stop the guest, leaves the answer
 * open.  If the guest can not move, the baseline of the hosts says whether a
 * power cycle would help.
 *
 * A guest that its VMM emulates has nothing of a host's CPU: of the destination
 * only devices and machine types are judged, and the rest is left to a proof.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/difference.h"
#include "compat/emulated.h"
#include "compat/evidence.h"
#include "compat/judge.h"
#include "compat/meaning.h"
#include "compat/merge.h"
#include "compat/reason.h"

struct checking {
    const struct mig_party *guest, *source, *destination; /* source may be NULL */
    const struct mig_choice *choice;
    struct mig_result *result;
    struct mig_findings at_source; /* the same guest judged on the source */
    bool enough;                   /* false: the answer is unknown */
    bool tolerant;                 /* something is let pass as presentation */
};

/* What the guest holds, or is, has no presentation: it is restored or not.  Its
 * machine type and what its devices negotiated are such things: the VMM that
 * runs it may be older than the one that is installed there by now. */
static bool is_of_instance(const struct mig_finding *f)
{
    return (f->rule != NULL &&
            (strcmp(f->rule, "instance") == 0 || strcmp(f->rule, "xstate") == 0)) ||
           strcmp(f->id, "vmm/machine-type") == 0 ||
           (f->key != UINT64_MAX && mig_reg_from_key(f->key).space == MIG_SPACE_VIRTIO);
}

/* Does a finding stand on what the evidence does not tell? */
static bool is_for_want_of_evidence(const struct mig_finding *f)
{
    return f->severity >= MIG_SECURITY && f->reason == MIG_REASON_EVIDENCE;
}

/* Does @here show that the guest lives with it?  Not where nothing is known,
 * and not where the source can give it to a VMM that asks, as others cannot. */
static bool is_lived_with(const struct mig_finding *here, const struct mig_finding *f)
{
    return here->severity > MIG_WARNING && !is_for_want_of_evidence(here) &&
           (here->reason != MIG_REASON_VMM || f->reason == MIG_REASON_VMM);
}

/* Judged by the rule of the one field that it shows? */
static bool is_of_field(const struct mig_finding *f)
{
    return f->field != NULL && f->rule == mig_rule_name(f->field->shape.rule);
}

static bool is_same(struct mig_seen a, struct mig_seen b)
{
    return mig_seen_is_value(a) && mig_seen_is_value(b) && a.value == b.value;
}

static void soften(struct checking *c, struct mig_finding *f)
{
    c->tolerant = c->tolerant || !is_same(f->guest, f->destination);
    f->severity = MIG_WARNING;
    f->reason = MIG_REASON_VMM;
    f->likely = false;
    mig_free(f->why);
    f->why = mig_strf("%s already runs on %s with this difference, so it is how the VMM presents "
                      "the CPU; %s is no worse",
                      c->guest->name, c->source->name, c->destination->name);
    mig_free(f->remedy);
    f->remedy = mig_strf("none needed if the VMM on %s presents the CPU as the one on %s does",
                         c->destination->name, c->source->name);
}

/* Does something of severity above a warning stand against @f on the source
 * too?  Then that, else NULL. */
static const struct mig_finding *find_here(const struct checking *c, const struct mig_finding *f)
{
    const struct mig_finding *here = mig_findings_find(&c->at_source, f->id);

    return f->severity > MIG_WARNING && !is_of_instance(f) && here != NULL && is_lived_with(here, f)
               ? here
               : NULL;
}

/* Where the destination is no worse than the source, by value or because a
 * guest that was shown all of the source would not miss it either. */
static void compare_with_source(struct checking *c)
{
    struct mig_findings *list = &c->result->findings, ahead = {0};
    bool looked_ahead = false;

    mig_judge(c->guest, c->source, c->choice, &c->at_source);
    for (size_t i = 0; i < list->len; i++) {
        struct mig_finding *f = &list->items[i];
        const struct mig_finding *here = find_here(c, f), *gap;

        if (here == NULL) {
            continue;
        }
        if (is_of_field(f) && is_same(here->destination, f->destination)) {
            soften(c, f);
            continue;
        }
        if (!looked_ahead) {
            mig_judge(c->source, c->destination, c->choice, &ahead);
            looked_ahead = true;
        }
        gap = mig_findings_find(&ahead, f->id);
        if (gap == NULL || gap->severity <= MIG_WARNING) {
            soften(c, f);
        }
    }
    mig_findings_clear(&ahead);
}

/* The bits of a register that @f speaks about. */
static uint64_t part_of(const struct mig_finding *f, struct mig_reg reg, uint64_t word)
{
    char whole[MIG_REG_TEXT_MAX];

    if (f->field != NULL) {
        return mig_field_get(f->field, word);
    }
    mig_reg_print(reg, whole);
    return strcmp(f->id, whole) == 0 ? word : word >> f->lo & 1;
}

static struct mig_seen seen_by(const struct mig_party *p, const struct mig_finding *f)
{
    struct mig_seen seen = {.known = MIG_UNCOVERED};

    if (p != NULL && f->key != UINT64_MAX) {
        struct mig_reg reg = mig_reg_from_key(f->key);

        seen = mig_party_seen(p, reg);
        seen.value = part_of(f, reg, seen.value);
    }
    return seen;
}

/* Three values for each finding.  The judgement knows two parties and gives
 * what the guest saw as the source's, too. */
static void fill_values(const struct checking *c)
{
    for (size_t i = 0; i < c->result->findings.len; i++) {
        struct mig_finding *f = &c->result->findings.items[i];
        const struct mig_finding *here = mig_findings_find(&c->at_source, f->id);
        bool is_guests_own =
            f->key != UINT64_MAX && mig_reg_from_key(f->key).space == MIG_SPACE_GUEST;

        if (f->guest.known == MIG_UNCOVERED) {
            f->guest = f->key != UINT64_MAX ? seen_by(c->guest, f) : f->source;
        }
        if (f->destination.known == MIG_UNCOVERED && !is_guests_own) {
            f->destination = seen_by(c->destination, f);
        }
        f->source = here != NULL     ? here->destination
                    : !is_guests_own ? seen_by(c->source, f)
                                     : (struct mig_seen){.known = MIG_UNCOVERED};
    }
}

/* The answer is open as long as nobody knows what @who has in @reg. */
static void doubt(struct checking *c, const struct mig_party *who, struct mig_reg reg)
{
    struct mig_findings *list = &c->result->findings;
    const char *guest = c->guest->name;
    bool failed = mig_party_seen(who, reg).known == MIG_UNREADABLE;
    char id[MIG_REG_TEXT_MAX];
    struct mig_finding *f;

    c->enough = c->enough && c->choice->tolerate[mig_group_of(reg)];
    mig_reg_print(reg, id);
    if (mig_findings_find(list, id) != NULL) {
        return;
    }
    f = mig_findings_add(list, id, MIG_WARNING);
    f->rule = "evidence";
    f->reason = MIG_REASON_EVIDENCE;
    f->guest = mig_party_seen(c->guest, reg);
    f->destination = mig_party_seen(c->destination, reg);
    if (who == c->guest) {
        f->why = mig_strf("the contract of %s could not be recorded here, so nothing tells what it "
                          "was shown",
                          guest);
        f->remedy = mig_strf("record the contract of %s again", guest);
        return;
    }
    f->destination.known = failed ? MIG_UNREADABLE : MIG_ABSENT;
    f->why = mig_strf(failed ? "%s could not read it, so nothing tells whether %s finds there what "
                               "it was shown"
                             : "%s does not say its value, so nothing tells whether %s finds there "
                               "what it was shown",
                      who->name, guest);
    f->remedy = mig_strf("see the error in 'migctl snapshot show' of %s and capture it again once "
                         "that is mended",
                         who->name);
}

/* Could any value of @reg stop a guest that was shown it? */
static bool is_compared(const struct mig_party *guest, struct mig_reg reg)
{
    return (reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_CPUID_HV ||
            reg.space == MIG_SPACE_MSR || reg.space == MIG_SPACE_VIRTIO) &&
           mig_sheet_of(mig_reg_key(reg))->compared != 0 && !mig_meaning_is_dead(guest, reg);
}

/* Single registers that the contract failed to record. */
static void doubt_contract(struct checking *c)
{
    const struct mig_snapshot *shown = c->guest->snapshot;

    for (size_t i = 0; i < shown->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(shown->entries[i].key);

        if (shown->entries[i].errnum != 0 && is_compared(c->guest, reg)) {
            doubt(c, c->guest, reg);
        }
    }
}

/* Those that the destination failed to read and that could stop this guest. */
static void doubt_failed(struct checking *c)
{
    const struct mig_snapshot *there = c->destination->snapshot;

    for (size_t i = 0; i < there->entries_len; i++) {
        struct mig_reg reg = mig_reg_from_key(there->entries[i].key);

        if (there->entries[i].errnum != 0 && mig_party_failed_at(c->destination, reg) &&
            mig_judge_depends(c->guest, reg)) {
            doubt(c, c->destination, reg);
        }
    }
}

/* The rate is judged by a constraint that takes what it is not told for the
 * better case. */
static void doubt_clock(struct checking *c)
{
    static const enum mig_host_item items[] = {MIG_HOST_TSC_KHZ, MIG_HOST_TSC_SCALING};
    struct mig_reg rate = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ);
    struct mig_seen there = mig_party_seen(c->destination, rate);

    if (mig_party_get(c->guest, rate) == 0) {
        return;
    }
    for (size_t i = 0; i < MIG_COUNT(items); i++) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_HOST, items[i]);

        if (mig_party_failed_at(c->destination, reg)) {
            doubt(c, c->destination, reg);
        }
    }
    if (mig_seen_is_value(there) && there.value == 0) {
        doubt(c, c->destination, rate);
    }
}

/* Which group's evidence is missing: for a mitigation that of its proofs. */
static bool is_tolerated(const struct checking *c, const struct mig_finding *f)
{
    bool by_proofs = f->field != NULL && f->field->class_ == MIG_CLASS_MITIGATION;

    return (by_proofs && c->choice->tolerate[MIG_GROUP_MSR]) ||
           (f->key != UINT64_MAX && c->choice->tolerate[mig_group_of(mig_reg_from_key(f->key))]);
}

/* Does something in the list stop the guest? */
static bool is_blocked(struct checking *c)
{
    const struct mig_findings *list = &c->result->findings;
    bool blocked = false;

    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (is_for_want_of_evidence(f)) {
            c->enough = c->enough && is_tolerated(c, f);
        } else {
            blocked = blocked || f->severity == MIG_BLOCKER ||
                      (f->severity == MIG_SECURITY && !c->choice->security_warns);
        }
    }
    return blocked;
}

/* A difference that is let pass: the guest, or its VMM, does without. */
static bool tolerates(const struct mig_findings *list)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_finding *f = &list->items[i];

        if (f->severity >= MIG_WARNING && f->guest.known != MIG_UNCOVERED &&
            f->guest.value != f->destination.value) {
            return true;
        }
    }
    return false;
}

/* No profile makes plain memory of encrypted memory. */
static bool is_hopeless(const struct mig_findings *list)
{
    const struct mig_finding *f = mig_findings_find(list, "guest/vm-type");

    return f != NULL && f->severity == MIG_BLOCKER;
}

/* Why a power cycle would not help either, where it is not said yet. */
static void take_blockers(struct mig_findings *from, struct mig_findings *into)
{
    for (size_t i = 0; i < from->len; i++) {
        struct mig_finding *f = &from->items[i];

        if (f->severity == MIG_BLOCKER && mig_findings_find(into, f->id) == NULL) {
            struct mig_finding *added = mig_findings_add(into, f->id, f->severity), theirs = *added;

            *added = *f;
            *f = theirs; /* which owns nothing */
        }
    }
}

static enum mig_verdict try_power_cycle(struct checking *c, const struct mig_party *hosts,
                                        size_t len)
{
    struct mig_result cycle;
    enum mig_verdict verdict = MIG_INCOMPATIBLE;

    if (is_hopeless(&c->result->findings)) {
        return verdict;
    }
    mig_baseline(hosts, len, c->choice, &cycle);
    if (cycle.verdict == MIG_UNKNOWN && len > 1) { /* then what the destination alone can give */
        mig_result_clear(&cycle);
        mig_baseline(c->destination, 1, c->choice, &cycle);
    }
    if (cycle.verdict == MIG_COMPATIBLE || cycle.verdict == MIG_COMPATIBLE_ON_PROFILE) {
        verdict = MIG_NEEDS_POWER_CYCLE;
        c->result->profile = cycle.profile;
        c->result->losses = cycle.losses;
        c->result->losses_len = cycle.losses_len;
        cycle.profile = NULL;
        cycle.losses = NULL;
    } else {
        verdict = cycle.verdict; /* unknown where nobody can say what would help */
        take_blockers(&cycle.findings, &c->result->findings);
    }
    mig_result_clear(&cycle);
    return verdict;
}

static enum mig_verdict decide(struct checking *c, const struct mig_party *hosts, size_t len)
{
    bool blocked = is_blocked(c);

    if (!c->enough) {
        return MIG_UNKNOWN;
    }
    if (blocked) {
        return try_power_cycle(c, hosts, len);
    }
    return c->tolerant || tolerates(&c->result->findings) ||
                   mig_difference_shows(c->guest->snapshot, c->destination->snapshot)
               ? MIG_COMPATIBLE_MASKED
               : MIG_COMPATIBLE;
}

/* What a guest of arm64 has from the hardware of the host that it runs on, and
 * what that host's KVM saves of it. */
static bool is_of_its_host(struct mig_reg reg)
{
    static const enum mig_host_item items[] = {
        MIG_HOST_CNTFRQ_HZ,   MIG_HOST_DCZID,    MIG_HOST_SVE_VQS, MIG_HOST_GIC_PRI_BITS,
        MIG_HOST_GIC_ID_BITS, MIG_HOST_GIC_SEIS, MIG_HOST_GIC_A3V, MIG_HOST_PMU_COUNTERS,
    };

    for (size_t i = 0; reg.space == MIG_SPACE_HOST && i < MIG_COUNT(items); i++) {
        if (reg.index == (uint32_t)items[i]) {
            return true;
        }
    }
    return reg.space == MIG_SPACE_REG_LIST;
}

/* @guest with what its contract leaves out and its source tells; borrows all
 * but the entries, which the caller frees. */
static struct mig_snapshot complete(const struct mig_snapshot *guest,
                                    const struct mig_snapshot *source)
{
    static const enum mig_group groups[] = {MIG_GROUP_ARM64, MIG_GROUP_REG_LIST};
    struct mig_snapshot all = *guest;
    size_t g = 0, s = 0;

    all.entries = mig_alloc(guest->entries_len + source->entries_len, sizeof *all.entries);
    all.entries_len = 0;
    all.index = NULL;
    while (g < guest->entries_len || s < source->entries_len) {
        uint64_t mine = g < guest->entries_len ? guest->entries[g].key : UINT64_MAX;
        uint64_t theirs = s < source->entries_len ? source->entries[s].key : UINT64_MAX;

        if (mine <= theirs) {
            all.entries[all.entries_len++] = guest->entries[g++];
            s += mine == theirs ? 1 : 0;
        } else {
            if (is_of_its_host(mig_reg_from_key(theirs))) {
                all.entries[all.entries_len++] = source->entries[s];
            }
            s++;
        }
    }
    for (size_t i = 0; i < MIG_COUNT(groups); i++) {
        if (guest->groups[groups[i]].coverage == MIG_COVER_NONE) {
            all.groups[groups[i]].coverage = MIG_COVER_PARTIAL;
        }
    }
    return all;
}

static enum mig_verdict check(struct checking *c, const struct mig_party *parties, size_t len)
{
    struct mig_evidence evidence = {parties, len, .has_guest = true, .choice = c->choice};
    enum mig_verdict verdict;

    if (!mig_evidence_is_alike(&evidence, c->result)) {
        fill_values(c);
        return MIG_INCOMPATIBLE;
    }
    c->enough = mig_evidence_is_enough(&evidence, c->result);
    mig_judge(c->guest, c->destination, c->choice, &c->result->findings);
    doubt_failed(c);
    doubt_contract(c);
    doubt_clock(c);
    if (c->source != NULL) {
        compare_with_source(c);
    }
    fill_values(c);
    verdict = decide(c, parties + 1, len - 1);
    mig_reason_review(&c->result->findings, parties + 1, len - 1);
    return verdict;
}

/* Nothing stands against it, and nothing here can say yes. */
static enum mig_verdict check_emulated(struct checking *c, const struct mig_party *parties,
                                       size_t len)
{
    struct mig_evidence evidence = {parties, len, .has_guest = true, .emulated = true,
                                    .choice = c->choice};
    struct mig_snapshot guest = mig_emulated_rest(c->guest->snapshot);
    struct mig_snapshot there = mig_emulated_rest(c->destination->snapshot);
    const struct mig_party left[] = {
        {c->guest->name,       &guest},
        {c->destination->name, &there},
    };
    enum mig_verdict verdict = MIG_UNKNOWN;

    c->result->emulated = true;
    c->enough = mig_evidence_is_enough(&evidence, c->result);
    mig_judge(&left[0], &left[1], c->choice, &c->result->findings);
    doubt_contract(c);
    if (is_blocked(c) && c->enough) {
        verdict = MIG_INCOMPATIBLE;
    } else if (c->enough) {
        mig_emulated_defer(c->result, c->guest, c->destination->name);
    }
    mig_free(guest.entries);
    mig_free(there.entries);
    return verdict;
}

void mig_check_contract(const struct mig_party *guest, const struct mig_party *source,
                        const struct mig_party *destination, const struct mig_choice *choice,
                        struct mig_result *ret)
{
    struct mig_snapshot shown = *guest->snapshot; /* borrows all of it */
    struct mig_party parties[3] = {
        {guest->name, &shown}
    };
    struct mig_party whole = {guest->name, &shown};
    struct mig_snapshot completed = {.entries = NULL};
    size_t len = 1;
    struct checking c = {.guest = &parties[0],
                         .source = source,
                         .destination = destination,
                         .choice = choice,
                         .result = ret};

    shown.of_guest = true;
    *ret = (struct mig_result){.contract = true};
    if (source != NULL && source->snapshot->arch == MIG_ARCH_ARM64 &&
        guest->snapshot->arch == MIG_ARCH_ARM64) {
        completed = complete(&shown, source->snapshot);
        whole.snapshot = &completed;
        c.guest = &whole;
    }
    if (source != NULL) {
        parties[len++] = *source;
    }
    parties[len++] = *destination;
    ret->verdict = ret->passthrough =
        (mig_emulated_is(&shown) ? check_emulated : check)(&c, parties, len);
    mig_findings_sort(&ret->findings);
    mig_findings_clear(&c.at_source);
    mig_free(completed.entries);
}
