/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bits that say "this instruction clears the buffers".  A guest that saw one
 * stays protected only where the instruction works or nothing leaks; immunity
 * is read from the host, never from a merge.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/reason.h"

struct immunity {
    const char *mitigation, *proof;
    bool taa;
};

static const struct immunity rows[] = {
#define IMMUNITY(mitigation, proof, taa) {mitigation, proof, taa},
#include "compat/immunity.def"
};

enum answer { NO, YES, UNKNOWABLE };

static enum answer has_flag(const struct mig_party *p, const char *name, size_t len)
{
    char flag[32] = "";
    const struct mig_field *f;
    struct mig_seen seen;

    memcpy(flag, name, len < sizeof flag ? len : sizeof flag - 1);
    f = mig_field_find(flag);
    MIG_ASSERT(f != NULL);
    seen = mig_party_seen(p, f->reg);
    if (seen.known == MIG_UNCOVERED || seen.known == MIG_UNREADABLE) {
        return UNKNOWABLE;
    }
    return mig_field_get(f, seen.value) != 0 ? YES : NO;
}

static enum answer is_immune(const struct mig_party *host, const struct immunity *row,
                             bool guest_has_rtm)
{
    enum answer all = YES;

    for (const char *p = row->proof; *p != '\0'; p += strspn(p, " ")) {
        size_t len = strcspn(p, " ");
        enum answer one = has_flag(host, p, len);

        all = one == NO || all == NO ? NO : one == UNKNOWABLE ? UNKNOWABLE : all;
        p += len;
    }
    if (all == YES && row->taa && guest_has_rtm) {
        all = has_flag(host, "taa_no", strlen("taa_no"));
    }
    return all;
}

static void add_finding(struct mig_findings *list, const struct mig_field *f,
                        enum mig_severity severity, const struct mig_party *has,
                        const struct mig_party *lacks)
{
    char id[MIG_FIELD_ID_MAX];
    struct mig_finding *added = NULL;

    /* The field tier may have reported the plain difference already. */
    mig_field_print_id(f, f->reg.sub, id);
    for (size_t i = 0; i < list->len && added == NULL; i++) {
        added = strcmp(list->items[i].id, id) == 0 ? &list->items[i] : NULL;
    }
    if (added == NULL) {
        added = mig_findings_add_field(list, f->reg, f, f->hi, f->lo, severity);
    }
    added->severity = severity > added->severity ? severity : added->severity;
    added->source = (struct mig_seen){MIG_KNOWN, mig_field_get(f, mig_party_get(has, f->reg))};
    added->destination =
        (struct mig_seen){MIG_KNOWN, mig_field_get(f, mig_party_get(lacks, f->reg))};
    mig_reason_attribute(added, has, lacks);
    if (added->reason == MIG_REASON_HARDWARE) {
        added->reason = MIG_REASON_MICROCODE;
        mig_free(added->remedy);
        added->remedy = mig_strf("install the microcode (and kernel) on %s that provides %s",
                                 lacks->name, f->name);
    }
    mig_free(added->why);
    added->why = mig_strf("%s neither clears its buffers nor is immune: a guest that relies on %s "
                          "would leak there",
                          lacks->name, f->name);
}

static const struct mig_field *field_of(const struct immunity *row)
{
    const struct mig_field *f = mig_field_find(row->mitigation);

    MIG_ASSERT(f != NULL);
    return f;
}

static bool profile_has_rtm(const struct mig_merge *m)
{
    const struct mig_field *rtm = mig_field_find("rtm");

    return rtm != NULL && mig_field_get(rtm, mig_merge_get(m, rtm->reg)) != 0;
}

void mig_mitigation_merge(struct mig_merge *m)
{
    bool rtm = profile_has_rtm(m);

    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        const struct mig_field *f = field_of(&rows[r]);
        size_t has = m->len;

        for (size_t i = 0; i < m->len; i++) {
            has = mig_field_get(f, mig_party_get(&m->parties[i], f->reg)) != 0 ? i : has;
        }
        for (size_t i = 0; has < m->len && i < m->len; i++) {
            struct mig_seen seen = mig_party_seen(&m->parties[i], f->reg);
            bool known = seen.known == MIG_KNOWN || seen.known == MIG_ABSENT;

            if (known && mig_field_get(f, seen.value) == 0 &&
                is_immune(&m->parties[i], &rows[r], rtm) == NO) {
                m->blocked = true;
                if (m->findings != NULL) {
                    add_finding(m->findings, f, MIG_BLOCKER, &m->parties[has], &m->parties[i]);
                }
            }
        }
    }
}

void mig_mitigation_judge(const struct mig_party *guest, const struct mig_party *host,
                          struct mig_findings *ret)
{
    for (size_t r = 0; r < MIG_COUNT(rows); r++) {
        const struct mig_field *f = field_of(&rows[r]);
        struct mig_seen seen = mig_party_seen(host, f->reg);
        bool known = seen.known == MIG_KNOWN || seen.known == MIG_ABSENT;

        if (mig_field_get(f, mig_party_get(guest, f->reg)) != 0 && known &&
            mig_field_get(f, seen.value) == 0 &&
            is_immune(host, &rows[r], mig_party_has(guest, "rtm")) != YES) {
            add_finding(ret, f, MIG_SECURITY, guest, host);
        }
    }
}
