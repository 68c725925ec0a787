/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * New guests: the profile of each state alone, field by field.  Running ones:
 * a guest with all that one state can grant, judged against the other, both
 * ways; what the same guest meets on its own host is no change and is left
 * out.  Known changes then explain differences: one that is mere presentation
 * takes its differences out, unless both captures are KVM's own view, where
 * what differs is what a guest sees.  Last, what is dangerous is moved to a
 * list of its own.
 */
#include "compat/drift.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "compat/difference.h"
#include "compat/merge.h"
#include "compat/passthrough.h"
#include "cpu/arm64_reg.h"
#include "cpu/place.h"

#define FACT "fact/"
#define VULNERABILITY "vuln."

static const struct mig_reg width_reg = MIG_PLACE_REG(phys_addr_bits);

struct state {
    const struct mig_party *old, *now;
    const struct mig_choice *choice;
    struct mig_findings differences;
    struct mig_drift *drift;
};

static bool get_profile(const struct mig_party *party, const struct mig_choice *choice,
                        struct mig_result *ret, struct mig_error *err)
{
    struct mig_choice plain = *choice;
    const struct mig_finding *f = NULL;

    plain.minimum = 0;
    mig_baseline(party, 1, &plain, ret);
    if (ret->verdict != MIG_UNKNOWN && ret->profile != NULL) {
        return true;
    }
    for (size_t i = 0; i < ret->findings.len; i++) {
        const struct mig_finding *item = &ret->findings.items[i];

        if (f == NULL || item->severity > f->severity) {
            f = item;
        }
    }
    return mig_fail(err, MIG_MISSING, "%s can not be judged: %s", party->name,
                    f != NULL && f->why != NULL ? f->why : "its evidence tells too little");
}

static bool is_one_class(const struct mig_party *old, const struct mig_party *now,
                         struct mig_error *err)
{
    char a[13], b[13];

    if (old->snapshot->arch != now->snapshot->arch) {
        return mig_fail(err, MIG_USAGE, "no captures of one host: %s is %s, %s is %s", old->name,
                        mig_arch_name(old->snapshot->arch), now->name,
                        mig_arch_name(now->snapshot->arch));
    }
    mig_snapshot_vendor(old->snapshot, a);
    mig_snapshot_vendor(now->snapshot, b);
    mig_text_make_printable(a);
    mig_text_make_printable(b);
    if (a[0] == '\0' || b[0] == '\0' || strcmp(a, b) == 0) {
        return true; /* a vendor that is not told makes the profile fail */
    }
    return mig_fail(err, MIG_USAGE, "no captures of one host: %s is %s, %s is %s", old->name, a,
                    now->name, b);
}

/* ---- running guests ---- */

/* Does the same guest meet this on its own host already? */
static bool is_met_at_home(const struct mig_findings *home, const struct mig_finding *f)
{
    const struct mig_finding *same = mig_findings_find(home, f->id);

    return same != NULL && same->severity >= f->severity;
}

static void drop(struct mig_findings *list, size_t at)
{
    struct mig_findings one = {.items = MIG_NEW(struct mig_finding), .len = 1, .cap = 1};

    one.items[0] = list->items[at];
    mig_findings_clear(&one);
    memmove(&list->items[at], &list->items[at + 1], (list->len - at - 1) * sizeof *list->items);
    list->len--;
}

static void judge_running(const struct mig_party *source, const struct mig_party *destination,
                          const struct mig_choice *choice, struct mig_findings *ret)
{
    struct mig_snapshot all = *source->snapshot; /* borrows all but the words */
    const struct mig_party guest = {source->name, &all};
    struct mig_findings home = {0};

    all.entries = mig_memdup(all.entries, all.entries_len * sizeof *all.entries);
    for (size_t i = 0; i < all.entries_len; i++) {
        all.entries[i].value = mig_passthrough_grant(&all.entries[i]);
    }
    mig_judge(&guest, destination, choice, ret);
    mig_judge(&guest, source, choice, &home);
    for (size_t i = ret->len; i-- > 0;) {
        if (ret->items[i].severity == MIG_NOTE || is_met_at_home(&home, &ret->items[i])) {
            drop(ret, i);
        }
    }
    mig_findings_clear(&home);
    mig_free(all.entries);
}

/* ---- software ---- */

/* What describes the capture or the silicon is no software. */
static bool is_software(const char *name)
{
    static const char *const others[] = {"cpu.", "import.", "replay.", "kvm.registers"};

    for (size_t i = 0; i < MIG_COUNT(others); i++) {
        if (mig_text_starts(name, others[i])) {
            return false;
        }
    }
    return true;
}

static void add_software(struct state *s, const char *name)
{
    struct mig_drift_software *item;

    if (is_software(name)) {
        item = MIG_PUSH(&s->drift->software);
        item->name = name;
        item->old = mig_snapshot_fact(s->old->snapshot, name);
        item->now = mig_snapshot_fact(s->now->snapshot, name);
    }
}

static bool same_text(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void compare_software(struct state *s)
{
    const struct mig_fact *x = s->old->snapshot->facts, *x_end = x + s->old->snapshot->facts_len;
    const struct mig_fact *y = s->now->snapshot->facts, *y_end = y + s->now->snapshot->facts_len;

    while (x < x_end || y < y_end) {
        int order = x == x_end ? 1 : y == y_end ? -1 : strcmp(x->name, y->name);

        if (order != 0 || !same_text(x->value, y->value)) {
            add_software(s, order <= 0 ? x->name : y->name);
        }
        x += order <= 0 ? 1 : 0;
        y += order >= 0 ? 1 : 0;
    }
}

/* ---- known changes ---- */

static bool is_kvm_view(const struct state *s)
{
    return s->old->snapshot->groups[MIG_GROUP_KVM_VIEW].coverage == MIG_COVER_FULL &&
           s->now->snapshot->groups[MIG_GROUP_KVM_VIEW].coverage == MIG_COVER_FULL;
}

static void add_known(struct state *s, const struct mig_known_row *row,
                      const bool concerns[MIG_DRIFT_WAY_COUNT])
{
    struct mig_drift_known *known = MIG_PUSH(&s->drift->known);

    known->row = row;
    memcpy(known->concerns, concerns, sizeof known->concerns);
    known->old = mig_snapshot_fact(s->old->snapshot, row->fact);
    known->now = mig_snapshot_fact(s->now->snapshot, row->fact);
    for (size_t i = 0; i < s->differences.len; i++) {
        const struct mig_finding *f = &s->differences.items[i];

        if (mig_known_explains(row, f)) {
            known->explains =
                mig_resize(known->explains, known->explains_len + 1, sizeof *known->explains);
            known->explains[known->explains_len++] = mig_strdup(f->id);
        }
    }
    known->visible = known->explains_len > 0 && is_kvm_view(s);
}

/* Same report, other words: nothing of it is a change for a guest. */
static void take_out(struct mig_drift *d, const struct mig_known_row *row)
{
    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        struct mig_findings *list = &d->running[way];

        for (size_t i = list->len; i-- > 0;) {
            if (mig_known_explains(row, &list->items[i])) {
                drop(list, i);
            }
        }
    }
    for (size_t i = d->changes.len; i-- > 0;) {
        const struct mig_profile_change *c = &d->changes.items[i];

        if (mig_known_explains_id(row, c->key, c->field, c->id)) {
            mig_profile_changes_drop(&d->changes, i);
        }
    }
}

static enum mig_reason reason_of(const struct mig_known_row *row)
{
    return mig_text_starts(row->fact, "vmm.")    ? MIG_REASON_VMM
           : strcmp(row->fact, "microcode") == 0 ? MIG_REASON_MICROCODE
                                                 : MIG_REASON_KERNEL;
}

/* A move that goes wrong without a word needs no difference to be told. */
static void warn_of(struct mig_findings *list, const struct mig_known_row *row)
{
    struct mig_finding *f = mig_findings_add(list, row->id, MIG_BLOCKER);

    f->rule = "known";
    f->reason = reason_of(row);
    f->likely = true;
    f->why = mig_strdup(row->text);
    f->remedy = mig_strdup(row->remedy);
}

static void find_known(struct state *s)
{
    size_t len;
    const struct mig_known_row *rows = mig_known_all(&len);

    for (size_t i = 0; i < len; i++) {
        const bool concerns[MIG_DRIFT_WAY_COUNT] = {
            [MIG_DRIFT_FORWARD] =
                mig_known_concerns(&rows[i], s->old->snapshot, s->now->snapshot, &s->differences),
            [MIG_DRIFT_BACK] =
                mig_known_concerns(&rows[i], s->now->snapshot, s->old->snapshot, &s->differences),
        };

        if (!concerns[MIG_DRIFT_FORWARD] && !concerns[MIG_DRIFT_BACK]) {
            continue;
        }
        add_known(s, &rows[i], concerns);
        for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
            if (concerns[way] && rows[i].meaning == MIG_KNOWN_DANGEROUS) {
                warn_of(&s->drift->dangerous[way], &rows[i]);
            }
        }
        if (rows[i].meaning == MIG_KNOWN_PRESENTATION &&
            !s->drift->known.items[s->drift->known.len - 1].visible) {
            take_out(s->drift, &rows[i]);
        }
    }
}

/* ---- dangerous ---- */

/* A lost immunity; or what no VMM checks: the move succeeds, the guest faults
 * on an address or finds its vector state at another place. */
static bool is_dangerous(const struct mig_finding *f)
{
    return f->severity == MIG_SECURITY || f->key == mig_reg_key(width_reg) ||
           mig_text_starts(f->id, "x86/xsave/") ||
           (f->key != UINT64_MAX && mig_merge_is_geometry(mig_reg_from_key(f->key)));
}

static void move_dangerous(struct mig_findings *running, struct mig_findings *dangerous)
{
    size_t kept = 0;

    for (size_t i = 0; i < running->len; i++) {
        if (is_dangerous(&running->items[i])) {
            *MIG_PUSH(dangerous) = running->items[i];
        } else {
            running->items[kept++] = running->items[i];
        }
    }
    running->len = kept;
}

static void add_vulnerability(struct state *s, const struct mig_drift_software *fact)
{
    struct mig_finding *f;
    char id[MIG_FIELD_ID_MAX];

    if (!mig_text_starts(fact->name, VULNERABILITY) || fact->old == NULL || fact->now == NULL ||
        strstr(fact->now, "Vulnerable") == NULL || strstr(fact->old, "Vulnerable") != NULL) {
        return;
    }
    (void)snprintf(id, sizeof id, FACT "%.56s", fact->name);
    f = mig_findings_add(&s->drift->dangerous[MIG_DRIFT_FORWARD], id, MIG_SECURITY);
    f->rule = "mitigation";
    f->reason = MIG_REASON_KERNEL;
    f->likely = true;
    f->why = mig_strf("the kernel of %s calls its host vulnerable, '%s'; that of %s says '%s'",
                      s->now->name, fact->now, s->old->name, fact->old);
    f->remedy = mig_strf("compare the kernel command lines (mitigations=) and the microcode of "
                         "both; keep guests away from %s until it is mitigated",
                         s->now->name);
}

static void find_dangerous(struct state *s)
{
    for (size_t i = 0; i < s->drift->software.len; i++) {
        add_vulnerability(s, &s->drift->software.items[i]);
    }
    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        move_dangerous(&s->drift->running[way], &s->drift->dangerous[way]);
    }
}

/* ---- what the comparison stands on ---- */

static void warn(struct mig_drift *d, const char *id, enum mig_severity severity, char *why,
                 const char *remedy)
{
    struct mig_finding *f = mig_findings_add(&d->warnings, id, severity);

    f->rule = "coverage";
    f->reason = MIG_REASON_EVIDENCE;
    f->why = why;
    f->remedy = mig_strdup(remedy);
}

/* Two candidates for one class of hosts are compared this way too. */
static void check_identity(struct state *s)
{
    const struct mig_snapshot *old = s->old->snapshot, *now = s->now->snapshot;
    const char *a = mig_snapshot_fact(old, "cpu.model-name");
    const char *b = mig_snapshot_fact(now, "cpu.model-name");
    struct mig_reg signature = old->arch == MIG_ARCH_ARM64 ? mig_reg_arm64(MIG_ARM64_MIDR_EL1)
                                                           : mig_reg_cpuid(1, 0, MIG_EAX);
    struct mig_seen x = mig_party_seen(s->old, signature);
    struct mig_seen y = mig_party_seen(s->now, signature);

    if (old->stamp.host[0] != '\0' && now->stamp.host[0] != '\0' &&
        strcmp(old->stamp.host, now->stamp.host) != 0) {
        warn(s->drift, "host/name", MIG_NOTE,
             mig_strf("captures of two hosts, %s and %s: what follows is the difference of their "
                      "software only if the machines are alike",
                      old->stamp.host, now->stamp.host),
             NULL);
    }
    if ((mig_seen_is_value(x) && mig_seen_is_value(y) && x.value != y.value) ||
        (a != NULL && b != NULL && strcmp(a, b) != 0)) {
        warn(s->drift, "host/cpu", MIG_WARNING,
             mig_strf("another CPU: %s (signature 0x%llx) and %s (0x%llx); what follows is not "
                      "the doing of software alone",
                      a != NULL ? a : "no name", (unsigned long long)x.value,
                      b != NULL ? b : "no name", (unsigned long long)y.value),
             "compare captures of one machine, or of two that are alike");
    }
}

static void check_coverage(struct state *s)
{
    static const enum mig_group x86[] = {MIG_GROUP_KVM_VIEW, MIG_GROUP_CPUID, MIG_GROUP_MSR,
                                         MIG_GROUP_MSR_LIST, MIG_GROUP_CAP,   MIG_GROUP_TSC};
    static const enum mig_group arm64[] = {MIG_GROUP_KVM_VIEW, MIG_GROUP_IDREG, MIG_GROUP_REG_LIST,
                                           MIG_GROUP_CAP, MIG_GROUP_ARM64};
    bool is_arm64 = s->old->snapshot->arch == MIG_ARCH_ARM64;
    const enum mig_group *groups = is_arm64 ? arm64 : x86;
    size_t len = is_arm64 ? MIG_COUNT(arm64) : MIG_COUNT(x86);

    for (size_t i = 0; i < len; i++) {
        enum mig_coverage a = s->old->snapshot->groups[groups[i]].coverage;
        enum mig_coverage b = s->now->snapshot->groups[groups[i]].coverage;
        char id[MIG_FIELD_ID_MAX];

        if (a == MIG_COVER_FULL && b == MIG_COVER_FULL) {
            continue;
        }
        (void)snprintf(id, sizeof id, "coverage/%s", mig_group_name(groups[i]));
        warn(s->drift, id, a == b ? MIG_NOTE : MIG_WARNING,
             mig_strf("%s: the evidence of %s is %s, that of %s %s; only what both tell is "
                      "compared",
                      mig_group_why(groups[i]), s->old->name, mig_coverage_name(a), s->now->name,
                      mig_coverage_name(b)),
             "capture both with mig-agentd");
    }
}

bool mig_drift_find(const struct mig_party *old, const struct mig_party *now,
                    const struct mig_choice *choice, struct mig_drift *ret, struct mig_error *err)
{
    struct state s = {.old = old, .now = now, .choice = choice, .drift = ret};
    struct mig_result before = {0}, after = {0};
    bool done = is_one_class(old, now, err) && get_profile(old, choice, &before, err) &&
                get_profile(now, choice, &after, err);

    if (done) {
        mig_difference(old->snapshot, now->snapshot, &s.differences);
        check_identity(&s);
        check_coverage(&s);
        compare_software(&s);
        mig_profile_changes_find(before.profile, after.profile, &ret->changes);
        judge_running(old, now, choice, &ret->running[MIG_DRIFT_FORWARD]);
        judge_running(now, old, choice, &ret->running[MIG_DRIFT_BACK]);
        find_known(&s);
        find_dangerous(&s);
    }
    mig_findings_clear(&s.differences);
    mig_result_clear(&before);
    mig_result_clear(&after);
    return done;
}

size_t mig_drift_running(const struct mig_drift *d)
{
    return d->running[MIG_DRIFT_FORWARD].len + d->running[MIG_DRIFT_BACK].len;
}

size_t mig_drift_dangerous(const struct mig_drift *d)
{
    return d->dangerous[MIG_DRIFT_FORWARD].len + d->dangerous[MIG_DRIFT_BACK].len;
}

bool mig_drift_is_same(const struct mig_drift *d)
{
    return mig_drift_running(d) == 0 && mig_drift_dangerous(d) == 0 && d->changes.len == 0 &&
           d->software.len == 0 && d->known.len == 0 &&
           mig_findings_worst(&d->warnings) == MIG_NOTE;
}

bool mig_drift_accepts(const struct mig_drift *d, enum mig_drift_way way)
{
    return mig_findings_worst(&d->running[way]) < MIG_SECURITY &&
           mig_findings_worst(&d->dangerous[way]) < MIG_SECURITY;
}

const char *mig_drift_way_name(enum mig_drift_way way)
{
    static const char *const names[MIG_DRIFT_WAY_COUNT] = {
        [MIG_DRIFT_FORWARD] = "forward", [MIG_DRIFT_BACK] = "back"};

    return names[way];
}

void mig_drift_clear(struct mig_drift *d)
{
    for (int way = 0; way < MIG_DRIFT_WAY_COUNT; way++) {
        mig_findings_clear(&d->dangerous[way]);
        mig_findings_clear(&d->running[way]);
    }
    for (size_t i = 0; i < d->known.len; i++) {
        for (size_t e = 0; e < d->known.items[i].explains_len; e++) {
            mig_free(d->known.items[i].explains[e]);
        }
        mig_free(d->known.items[i].explains);
    }
    mig_free(d->known.items);
    mig_profile_changes_clear(&d->changes);
    mig_free(d->software.items);
    mig_findings_clear(&d->warnings);
    *d = (struct mig_drift){0};
}
