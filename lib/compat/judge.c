/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/judge.h"
#include "compat/reason.h"
#include "cpu/place.h"

struct judging {
    const struct mig_party *guest, *host;
    struct mig_findings *findings;
};

/* The machine that runs the VMM, not the guest, sees capabilities: a VMM that
 * used one must do without, the guest's contract stands. */
static enum mig_severity severity_of(const struct mig_field *f, enum mig_allow allow)
{
    if (allow == MIG_ALLOW_INSECURE) {
        return MIG_SECURITY;
    }
    return f->reg.space == MIG_SPACE_CAP || f->reg.space == MIG_SPACE_HOST ? MIG_WARNING
                                                                           : MIG_BLOCKER;
}

/* Constraints answer for geometry, mitigation bits and derived words. */
static bool is_left_to_constraints(const struct mig_field *f, struct mig_reg reg,
                                   enum mig_allow allow)
{
    return allow == MIG_ALLOW_ASK || f->class_ == MIG_CLASS_CONSTANT ||
           f->class_ == MIG_CLASS_WIDTH || mig_merge_is_geometry(reg);
}

/* Rules that read 0 as the strictest value (must-be-1 controls, events that do
 * not count) say nothing about a guest that was never given the feature. */
static bool was_given(const struct mig_party *guest, const struct mig_field *f)
{
    static const struct {
        const char *opt_in;
        struct mig_bit field;
    } rows[] = {
#define GRANTED(opt_in, field) {opt_in, MIG_PLACE_BIT(field)},
#include "compat/opt_in.def"
    };
    bool listed = false;

    for (size_t i = 0; f->offer == MIG_OFFER_OPT_IN && i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].opt_in, f->opt_in) == 0) {
            listed = true;
            if (mig_party_has(guest, rows[i].field)) {
                return true;
            }
        }
    }
    return !listed;
}

static void judge_field(struct judging *j, const struct mig_field *f, struct mig_reg reg,
                        uint64_t guest, uint64_t host)
{
    struct mig_value g = {.num = mig_field_get(f, guest)}, h = {.num = mig_field_get(f, host)};
    enum mig_allow allow = mig_rule_allows(&f->shape, g, h);
    struct mig_finding *added;

    if (allow == MIG_ALLOW_YES || !mig_rule_is_compared(f->shape.rule) ||
        is_left_to_constraints(f, reg, allow) || !was_given(j->guest, f)) {
        return;
    }
    added = mig_findings_add_field(j->findings, reg, f, f->hi, f->lo, severity_of(f, allow));
    added->guest = (struct mig_seen){MIG_KNOWN, g.num};
    added->source = added->guest;
    added->destination = (struct mig_seen){MIG_KNOWN, h.num};
    mig_reason_attribute(added, j->guest, j->host);
}

/* A CPUID word of which some bits are classified: the others are most likely
 * features too.  An MSR or an XSAVE component may hold anything. */
static bool is_feature_word(struct mig_reg reg)
{
    return mig_field_classified(reg) != 0 && reg.space == MIG_SPACE_CPUID && reg.index != 0xd;
}

uint64_t mig_judge_movable(struct mig_reg reg, uint64_t value)
{
    uint64_t known;

    if (reg.space != MIG_SPACE_CPUID && reg.space != MIG_SPACE_MSR) {
        return value;
    }
    known = mig_field_classified(reg);
    return (value & ~known) == 0 || is_feature_word(reg) ? value : value & known;
}

/* DESIGN section 4: an unclassified bit of a known feature word that both
 * sides share is a warning, any other one a blocker. */
static void judge_unclassified(struct judging *j, struct mig_reg reg, uint64_t guest, uint64_t host)
{
    uint64_t unknown = guest != 0 ? guest & ~mig_field_classified(reg) : 0;
    bool known_word = unknown != 0 && is_feature_word(reg);

    for (unsigned bit = 0; unknown != 0 && bit < 64; bit++) {
        bool shared = known_word && (host >> bit & 1) != 0;
        struct mig_finding *added;

        if ((unknown >> bit & 1) == 0) {
            continue;
        }
        added = mig_findings_add_field(j->findings, reg, NULL, bit, bit,
                                       shared ? MIG_WARNING : MIG_BLOCKER);
        added->rule = mig_rule_name(MIG_RULE_DENY);
        added->reason = MIG_REASON_UNCLASSIFIED;
        added->guest = added->source = (struct mig_seen){MIG_KNOWN, 1};
        added->destination = (struct mig_seen){MIG_KNOWN, host >> bit & 1};
        added->why = mig_strdup("the guest saw a bit that no table row explains");
        added->remedy = mig_strdup("update migctl, or boot the guest without it");
    }
}

static void judge_word(struct judging *j, struct mig_reg reg, uint64_t guest)
{
    struct mig_seen host = mig_party_seen(j->host, reg);
    struct mig_fields fields = mig_field_of(reg);

    if (!mig_seen_is_value(host)) {
        return;
    }
    for (size_t i = 0; i < fields.len; i++) {
        judge_field(j, &fields.items[i], reg, guest, host.value);
    }
    if (reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_MSR) {
        judge_unclassified(j, reg, guest, host.value);
    }
}

/* Rules where less in the guest is what blocks (vulnerability bits) need the
 * words that only the host has. */
static void judge_host_only(struct judging *j, enum mig_space space)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(j->host->snapshot, space, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(entries[i].key);

        if (entries[i].errnum == 0 && mig_party_seen(j->guest, reg).known == MIG_ABSENT) {
            judge_word(j, reg, 0);
        }
    }
}

static void judge_space(struct judging *j, enum mig_space space)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(j->guest->snapshot, space, &len);

    for (size_t i = 0; i < len; i++) {
        if (entries[i].errnum == 0) {
            judge_word(j, mig_reg_from_key(entries[i].key), entries[i].value);
        }
    }
}

static void judge_list(struct judging *j)
{
    size_t len, missing = 0;
    const struct mig_entry *list = mig_snapshot_space(j->guest->snapshot, MIG_SPACE_MSR_LIST, &len);
    struct mig_finding *f;

    for (size_t i = 0; i < len; i++) {
        struct mig_seen seen = mig_party_seen(j->host, mig_reg_from_key(list[i].key));

        missing += mig_seen_is_value(seen) && seen.value == 0 ? 1 : 0;
    }
    if (missing > 0) {
        f = mig_findings_add(j->findings, "x86/msr-list", MIG_BLOCKER);
        f->rule = mig_rule_name(MIG_RULE_SET);
        f->why = mig_strf("%zu MSRs that %s saves can not be restored on %s", missing,
                          j->guest->name, j->host->name);
        mig_reason_attribute(f, j->guest, j->host);
    }
}

void mig_judge(const struct mig_party *guest, const struct mig_party *host,
               const struct mig_choice *choice, struct mig_findings *ret)
{
    struct judging j = {guest, host, ret};

    (void)choice;
    judge_space(&j, MIG_SPACE_CPUID);
    judge_host_only(&j, MIG_SPACE_CPUID);
    judge_space(&j, MIG_SPACE_MSR);
    judge_host_only(&j, MIG_SPACE_MSR);
    judge_space(&j, MIG_SPACE_CAP);
    judge_space(&j, MIG_SPACE_HOST);
    judge_list(&j);
    for (const struct mig_constraint *c = mig_constraint_all(); c->name != NULL; c++) {
        if (c->judge != NULL) {
            c->judge(guest, host, ret);
        }
    }
    mig_findings_sort(ret);
}
