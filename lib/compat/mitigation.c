/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits that say "this instruction clears the buffers".  A guest that saw one
 * stays protected only where the instruction works or nothing leaks; immunity
 * is read from the host, never from a merge.  What the evidence does not tell
 * is no immunity.
 */
#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/meaning.h"
#include "compat/reason.h"
#include "cpu/place.h"

struct immunity {
    struct mig_bit mitigation;
    bool taa;
    struct mig_bit proof[5]; /* ends with an empty mask */
};

static const struct immunity rows[] = {
#define PROOF(flag) MIG_PLACE_BIT(flag),
#define IMMUNITY(mitigation, taa, ...) {MIG_PLACE_BIT(mitigation), taa, {__VA_ARGS__}},
#include "compat/immunity.def"
};

static const struct mig_bit rtm = MIG_PLACE_BIT(rtm), taa_no = MIG_PLACE_BIT(taa_no);

enum answer { NO, YES, UNKNOWABLE };

static enum answer has_flag(const struct mig_party *p, struct mig_bit flag)
{
    struct mig_seen seen = mig_party_seen(p, flag.reg);

    return !mig_seen_is_value(seen) ? UNKNOWABLE : (seen.value & flag.mask) != 0 ? YES : NO;
}

static enum answer both(enum answer a, enum answer b)
{
    return a == NO || b == NO ? NO : a == UNKNOWABLE || b == UNKNOWABLE ? UNKNOWABLE : YES;
}

static enum answer is_immune(const struct mig_party *host, const struct immunity *row,
                             bool guest_may_have_rtm)
{
    enum answer all = YES;

    for (const struct mig_bit *flag = row->proof; flag->mask != 0; flag++) {
        all = both(all, has_flag(host, *flag));
    }
    return row->taa && guest_may_have_rtm ? both(all, has_flag(host, taa_no)) : all;
}

/* Does @host leave a guest alone that relies on the mitigation?  A host that
 * clears, or of which nothing is known, does not stand against it. */
static enum answer is_safe(const struct mig_party *host, const struct immunity *row,
                           bool guest_may_have_rtm)
{
    return has_flag(host, row->mitigation) == NO ? is_immune(host, row, guest_may_have_rtm) : YES;
}

/* What a guest of @guest is shown of the mitigation.  A bit of an MSR that the
 * guest can not read protects nobody. */
static bool is_shown(const struct mig_party *guest, const struct immunity *row)
{
    return mig_party_has(guest, row->mitigation) &&
           !mig_meaning_is_dead(guest, row->mitigation.reg);
}

static struct mig_seen seen_of(const struct mig_party *p, const struct mig_field *f)
{
    struct mig_seen seen = mig_party_seen(p, f->reg);

    seen.value = mig_field_get(f, seen.value);
    return seen;
}

static char *tell(const struct mig_party *lacks, const struct mig_field *f, enum answer safe)
{
    return safe == NO
               ? mig_strf("%s neither clears its buffers nor is immune: a guest that relies "
                          "on %s would leak there",
                          lacks->name, f->name)
               : mig_strf("%s may neither clear its buffers nor be immune, the evidence does "
                          "not tell: a guest that relies on %s may leak there",
                          lacks->name, f->name);
}

static void add_finding(struct mig_findings *list, const struct immunity *row, enum answer safe,
                        enum mig_severity severity, const struct mig_party *has,
                        const struct mig_party *lacks)
{
    struct mig_finding *f = mig_constraint_raise(list, row->mitigation, severity);
    char *remedy;

    if (f == NULL) {
        return;
    }
    mig_reason_attribute(f, has, lacks);
    if (safe == UNKNOWABLE) {
        f->reason = MIG_REASON_EVIDENCE;
        remedy = mig_strf("capture the feature MSRs of %s with mig-agentd", lacks->name);
    } else if (f->reason == MIG_REASON_HARDWARE) {
        f->reason = MIG_REASON_MICROCODE;
        remedy = mig_strf("install the microcode (and kernel) on %s that provides %s", lacks->name,
                          f->field->name);
    } else {
        remedy = mig_strdup(f->remedy);
    }
    mig_constraint_say(f, tell(lacks, f->field, safe), remedy);
    if (f->source.known == MIG_UNCOVERED && f->destination.known == MIG_UNCOVERED) {
        f->source = seen_of(has, f->field);
        f->destination = seen_of(lacks, f->field);
    }
}

/* The party that shows the mitigation to guests; NULL when none does. */
static const struct mig_party *find_user(const struct mig_merge *m, const struct immunity *row)
{
    for (size_t i = 0; i < m->len; i++) {
        if (mig_party_has(&m->parties[i], row->mitigation)) {
            return &m->parties[i];
        }
    }
    return NULL;
}

/* A guest of the profile has no RTM where one host is known to have none. */
static bool may_have_rtm(const struct mig_merge *m)
{
    bool may = true;

    for (size_t i = 0; i < m->len; i++) {
        may = may && has_flag(&m->parties[i], rtm) != NO;
    }
    return may;
}

/* The plain difference that the field tier reported costs nobody anything. */
static void calm(struct mig_merge *m, const struct immunity *row)
{
    struct mig_finding *f =
        m->findings != NULL ? mig_findings_on(m->findings, row->mitigation) : NULL;

    if (f != NULL) {
        f->severity = MIG_NOTE;
        mig_constraint_say(
            f, mig_strdup("hosts without it are immune: guests that rely on it are safe there"),
            NULL);
    }
}

/* Does every party clear for, or not endanger, a guest of the profile? */
static bool check_parties(struct mig_merge *m, const struct immunity *row,
                          const struct mig_party *user, bool has_rtm)
{
    bool all = true;

    for (size_t i = 0; i < m->len; i++) {
        enum answer safe = is_safe(&m->parties[i], row, has_rtm);

        if (safe == YES) {
            continue;
        }
        all = false;
        m->blocked = m->blocked || safe == NO;
        m->unverified =
            m->unverified || (safe == UNKNOWABLE && !m->choice->tolerate[MIG_GROUP_MSR]);
        if (m->findings != NULL) {
            add_finding(m->findings, row, safe, safe == NO ? MIG_BLOCKER : MIG_SECURITY, user,
                        &m->parties[i]);
        }
    }
    return all;
}

void mig_mitigation_merge(struct mig_merge *m)
{
    bool has_rtm = may_have_rtm(m);

    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        const struct mig_party *user = find_user(m, &rows[r]);

        if (user != NULL && check_parties(m, &rows[r], user, has_rtm)) {
            calm(m, &rows[r]);
        }
    }
}

void mig_mitigation_judge(const struct mig_party *guest, const struct mig_party *host,
                          struct mig_findings *ret)
{
    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        enum answer safe = YES;

        if (is_shown(guest, &rows[r])) {
            safe = is_safe(host, &rows[r], has_flag(guest, rtm) != NO);
        }
        if (safe != YES) {
            add_finding(ret, &rows[r], safe, MIG_SECURITY, guest, host);
        }
    }
}
