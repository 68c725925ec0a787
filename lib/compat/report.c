/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/report.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "compat/reason.h"

/* An ordered pair of parties that shows a difference best. */
struct witness {
    size_t has, lacks;
    enum mig_allow allow; /* may a guest of @has run on @lacks? */
};

static enum mig_allow ask(const struct mig_field *f, uint64_t guest, uint64_t host)
{
    return mig_rule_allows(&f->shape, (struct mig_value){.num = mig_field_get(f, guest)},
                           (struct mig_value){.num = mig_field_get(f, host)});
}

/* For a pair: source to destination, and the way back if that works.  For a
 * set: the first ordered pair that does not work. */
static struct witness find_witness(const struct mig_merge *m, const struct mig_field *f,
                                   const uint64_t *words)
{
    struct witness none = {0, m->len > 1 ? 1 : 0, MIG_ALLOW_YES};

    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            enum mig_allow allow = ask(f, words[i], words[j]);

            if (allow != MIG_ALLOW_YES) {
                return (struct witness){i, j, allow};
            }
        }
    }
    return none;
}

static enum mig_severity severity_of(const struct mig_merge *m, struct witness w)
{
    if (w.allow == MIG_ALLOW_YES || (m->directional && w.has != 0)) {
        return MIG_NOTE;
    }
    return w.allow == MIG_ALLOW_INSECURE ? MIG_SECURITY : MIG_WARNING;
}

static struct mig_seen field_seen(const struct mig_field *f, uint64_t word)
{
    return (struct mig_seen){MIG_KNOWN, mig_field_get(f, word)};
}

void mig_report_conflict(struct mig_merge *m, const struct mig_field *f, struct mig_reg reg,
                         const uint64_t *words)
{
    struct mig_finding *added;
    size_t other = 1;

    if (m->findings == NULL) {
        return;
    }
    while (other + 1 < m->len && mig_field_get(f, words[other]) == mig_field_get(f, words[0])) {
        other++;
    }
    added = mig_findings_add_field(m->findings, reg, f, f->hi, f->lo, MIG_BLOCKER);
    added->source = field_seen(f, words[0]);
    added->destination = field_seen(f, words[other]);
    mig_reason_attribute(added, &m->parties[0], &m->parties[other]);
    mig_free(added->remedy);
    added->remedy = mig_strf("no profile lifts this: keep a guest on hosts like %s, or on hosts "
                             "like %s",
                             m->parties[0].name, m->parties[other].name);
}

void mig_report_difference(struct mig_merge *m, const struct mig_field *f, struct mig_reg reg,
                           const uint64_t *words)
{
    struct witness w;
    struct mig_finding *added;
    size_t a, b;

    if (m->findings == NULL || !mig_rule_is_compared(f->shape.rule) ||
        f->class_ == MIG_CLASS_CONSTANT || f->shape.rule == MIG_RULE_DERIVED) {
        return;
    }
    w = find_witness(m, f, words);
    a = m->directional ? 0 : w.has;
    b = m->directional ? 1 : w.lacks;
    added = mig_findings_add_field(m->findings, reg, f, f->hi, f->lo, severity_of(m, w));
    added->source = field_seen(f, words[a]);
    added->destination = field_seen(f, words[b]);
    mig_reason_attribute(added, &m->parties[w.has], &m->parties[w.lacks]);
}

/* The finding that the last host with the same trouble began, or NULL. */
static struct mig_finding *begun(struct mig_findings *list, const char *id)
{
    struct mig_finding *last = list->len > 0 ? &list->items[list->len - 1] : NULL;

    return last != NULL && strcmp(last->id, id) == 0 ? last : NULL;
}

void mig_report_unreadable(struct mig_merge *m, struct mig_reg reg, size_t who)
{
    const char *name = m->parties[who].name;
    char id[MIG_REG_TEXT_MAX];
    struct mig_finding *f;

    if (m->findings == NULL) {
        return;
    }
    mig_reg_print(reg, id);
    f = begun(m->findings, id);
    if (f != NULL) {
        char *before = f->why;

        f->why = mig_strf("%s; neither could %s", before, name);
        mig_free(before);
    } else {
        f = mig_findings_add(m->findings, id, MIG_WARNING);
        f->rule = "evidence";
        f->reason = MIG_REASON_EVIDENCE;
        f->why = mig_strf("%s could not read it, so nothing is known of it there", name);
        f->remedy = mig_strf("see the error in 'migctl snapshot show' of %s and capture it again "
                             "once that is mended",
                             name);
    }
    if (who == 0) {
        f->source.known = MIG_UNREADABLE;
    } else {
        f->destination.known = MIG_UNREADABLE;
    }
}

static void report_unclassified_bits(struct mig_merge *m, struct mig_reg reg, uint64_t mask,
                                     unsigned hi, unsigned lo, const uint64_t *words)
{
    bool equal = true, forward;
    struct mig_finding *added;

    for (size_t i = 1; i < m->len; i++) {
        equal = equal && ((words[i] ^ words[0]) & mask) == 0;
    }
    forward = m->len < 2 || (words[0] & mask & ~words[1]) == 0;
    added = mig_findings_add_field(m->findings, reg, NULL, hi, lo,
                                   equal || (m->directional && forward) ? MIG_NOTE : MIG_WARNING);
    added->rule = mig_rule_name(MIG_RULE_DENY);
    added->reason = MIG_REASON_UNCLASSIFIED;
    added->source = (struct mig_seen){MIG_KNOWN, mig_bits_get(words[0], hi, lo)};
    if (m->len > 1) {
        added->destination = (struct mig_seen){MIG_KNOWN, mig_bits_get(words[1], hi, lo)};
    }
    added->why = mig_strf("%s meaning is not in the table, so no new profile shows %s",
                          hi == lo ? "this bit's" : "these bits'", hi == lo ? "it" : "them");
    added->remedy = mig_strdup("nothing for guests of a profile, they are booted without; a newer "
                               "migctl may know it");
}

void mig_report_unclassified(struct mig_merge *m, struct mig_reg reg, const uint64_t *words)
{
    uint64_t any = 0, known;

    if (m->findings == NULL) {
        return;
    }
    known = mig_field_classified(reg);
    for (size_t i = 0; i < m->len; i++) {
        any |= words[i] & ~known;
    }
    if (any == 0) {
        return;
    }
    if (known == 0) {
        report_unclassified_bits(m, reg, ~0ULL, mig_reg_width(reg) - 1, 0, words);
        return;
    }
    for (unsigned bit = 0; bit < 64; bit++) {
        if ((any >> bit & 1) != 0) {
            report_unclassified_bits(m, reg, 1ULL << bit, bit, bit, words);
        }
    }
}

static bool has_list(const struct mig_party *p)
{
    return p->snapshot->groups[MIG_GROUP_MSR_LIST].coverage == MIG_COVER_FULL;
}

static bool is_listed(const struct mig_party *p, struct mig_reg reg)
{
    return !has_list(p) || mig_party_get(p, reg) != 0;
}

/* MSRs that @has saves and @lacks can not restore. */
static size_t count_missing(const struct mig_party *has, const struct mig_party *lacks)
{
    size_t len, missing = 0;
    const struct mig_entry *list = mig_snapshot_space(has->snapshot, MIG_SPACE_MSR_LIST, &len);

    for (size_t i = 0; has_list(has) && i < len; i++) {
        missing += is_listed(lacks, mig_reg_from_key(list[i].key)) ? 0 : 1;
    }
    return missing;
}

/* Every MSR that some host saves and another does not, once. */
static void add_uneven(const struct mig_merge *m, struct mig_finding *f)
{
    for (size_t i = 0; i < m->len; i++) {
        size_t len;
        const struct mig_entry *list =
            mig_snapshot_space(m->parties[i].snapshot, MIG_SPACE_MSR_LIST, &len);

        for (size_t e = 0; e < len; e++) {
            struct mig_reg reg = mig_reg_from_key(list[e].key);
            char id[MIG_REG_TEXT_MAX];
            bool uneven = false, told = false;

            for (size_t j = 0; j < m->len; j++) {
                uneven = uneven || !is_listed(&m->parties[j], reg);
                told = told || (j < i && mig_party_get(&m->parties[j], reg) != 0);
            }
            if (uneven && !told) {
                mig_reg_print(reg, id);
                mig_finding_add_dependant(f, id);
            }
        }
    }
}

/* The ordered pair that misses most; for a pair of hosts, the way there comes
 * before the way back. */
static size_t find_worst(const struct mig_merge *m, size_t *ret_has, size_t *ret_lacks)
{
    size_t worst = 0;

    for (size_t i = 0; i < m->len; i++) {
        for (size_t j = 0; j < m->len; j++) {
            size_t missing = i != j ? count_missing(&m->parties[i], &m->parties[j]) : 0;

            if (missing > worst && (worst == 0 || !m->directional)) {
                worst = missing;
                *ret_has = i;
                *ret_lacks = j;
            }
        }
    }
    return worst;
}

void mig_report_lists(struct mig_merge *m)
{
    size_t has = 0, lacks = 0, missing = find_worst(m, &has, &lacks), back;
    struct mig_finding *f;

    if (missing == 0) {
        return;
    }
    f = mig_findings_add(m->findings, "x86/msr-list",
                         m->directional && has != 0 ? MIG_NOTE : MIG_WARNING);
    f->rule = mig_rule_name(MIG_RULE_SET);
    back = count_missing(&m->parties[lacks], &m->parties[has]);
    f->why = mig_strf("%s saves %zu MSR%s that %s can not restore", m->parties[has].name, missing,
                      missing == 1 ? "" : "s", m->parties[lacks].name);
    if (back > 0) {
        char *there = f->why;

        f->why = mig_strf("%s, and %zu the other way", there, back);
        mig_free(there);
    }
    mig_reason_attribute(f, &m->parties[has], &m->parties[lacks]);
    add_uneven(m, f);
}
