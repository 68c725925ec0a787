/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * Two sorted snapshots are walked in step.  A word that both sides show alike
 * is settled by a few masks (cpu/sheet.h); only fields that these point at
 * are asked one by one.  What several fields decide together is added by
 * constraints.  Whether words are made of an answer is the list's choice: a
 * silent one is weighed only, by the same code.
 */
#include "compat/judge.h"

#include "base/array.h"
#include "base/bits.h"
#include "compat/acceptance.h"
#include "compat/constraint.h"
#include "compat/meaning.h"
#include "compat/reason.h"
#include "cpu/place.h"

struct judging {
    const struct mig_party *guest, *host;
    struct mig_findings *findings;
    uint32_t withheld; /* opt-ins that the guest was not given */
    bool knows_withheld;
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

/* Rules that read 0 as the strictest value (must-be-1 controls, events that do
 * not count) say nothing about a guest that was never given the feature. */
static uint32_t find_withheld(const struct mig_party *guest)
{
    static const struct {
        const char *opt_in;
        struct mig_bit field;
    } rows[] = {
#define GRANTED(opt_in, field) {opt_in, MIG_PLACE_BIT(field)},
#include "compat/opt_in.def"
    };
    uint32_t listed = 0, given = 0;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint32_t mask = mig_opt_in_mask(rows[i].opt_in);

        listed |= mask;
        given |= mig_party_has(guest, rows[i].field) ? mask : 0;
    }
    return listed & ~given;
}

/* @doubts without those about an opt-in that the guest does not have. */
static uint64_t drop_withheld(struct judging *j, const struct mig_sheet *s, uint64_t doubts)
{
    if ((doubts & s->opt_in) == 0) {
        return doubts;
    }
    if (!j->knows_withheld) {
        j->withheld = find_withheld(j->guest);
        j->knows_withheld = true;
    }
    if ((s->opt_ins & j->withheld) == 0) {
        return doubts;
    }
    for (uint64_t rest = doubts & s->opt_in; rest != 0;) {
        const struct mig_field *f = mig_sheet_row(s, (unsigned)__builtin_ctzll(rest));
        uint64_t mask = mig_bits_mask(f->hi, f->lo);

        if ((s->opt_ins & ~j->withheld) == 0) {
            return doubts & ~s->opt_in;
        }
        if ((mig_field_opt_in(f) & j->withheld) != 0) {
            doubts &= ~mask;
        }
        rest &= ~mask;
    }
    return doubts;
}

static void judge_field(struct judging *j, const struct mig_field *f, struct mig_reg reg,
                        uint64_t guest, uint64_t host)
{
    struct mig_value g = {.num = mig_field_get(f, guest)}, h = {.num = mig_field_get(f, host)};
    enum mig_allow allow = mig_rule_allows(&f->shape, g, h);
    const char *tolerated = NULL;
    enum mig_severity severity;
    struct mig_finding *added;

    if (allow == MIG_ALLOW_YES ||
        mig_acceptance_find(j->guest, j->host, f, &tolerated) == MIG_ACCEPT_SAME) {
        return;
    }
    severity = tolerated != NULL ? MIG_WARNING : severity_of(f, allow);
    if (!mig_findings_want(j->findings, severity)) {
        return;
    }
    added = mig_findings_add_field(j->findings, reg, f, f->hi, f->lo, severity);
    added->guest = (struct mig_seen){MIG_KNOWN, g.num};
    added->source = added->guest;
    added->destination = (struct mig_seen){MIG_KNOWN, h.num};
    mig_reason_attribute(added, j->guest, j->host);
    if (tolerated != NULL) {
        mig_free(added->why);
        added->why = mig_strf("tolerated on %s: %s", j->host->name, tolerated);
    }
}

/* A register of which some bits are classified, or of a device's features:
 * the others are most likely features too.  An MSR or an XSAVE component may
 * hold anything. */
static bool is_feature_word(struct mig_reg reg, const struct mig_sheet *s)
{
    return reg.space == MIG_SPACE_VIRTIO ||
           (s->classified != 0 && reg.index != 0xd &&
            (reg.space == MIG_SPACE_CPUID || reg.space == MIG_SPACE_CPUID_HV));
}

uint64_t mig_judge_movable(struct mig_reg reg, uint64_t value)
{
    const struct mig_sheet *s;

    if (reg.space != MIG_SPACE_CPUID && reg.space != MIG_SPACE_CPUID_HV &&
        reg.space != MIG_SPACE_MSR) {
        return value;
    }
    s = mig_sheet_of(mig_reg_key(reg));
    return is_feature_word(reg, s) ? value : value & s->classified;
}

/* DESIGN section 4: an unclassified bit of a known feature word that both
 * sides share is a warning, any other one a blocker. */
static void judge_unclassified(struct judging *j, struct mig_reg reg, unsigned bit, bool is_feature,
                               uint64_t host)
{
    enum mig_severity severity = is_feature && host != 0 ? MIG_WARNING : MIG_BLOCKER;
    struct mig_finding *added;

    if (!mig_findings_want(j->findings, severity)) {
        return;
    }
    added = mig_findings_add_field(j->findings, reg, NULL, bit, bit, severity);
    added->rule = mig_rule_name(MIG_RULE_DENY);
    added->reason = MIG_REASON_UNCLASSIFIED;
    added->guest = added->source = (struct mig_seen){MIG_KNOWN, 1};
    added->destination = (struct mig_seen){MIG_KNOWN, host};
    added->why = mig_strdup("the guest saw a bit that no table row explains");
    added->remedy = mig_strdup("update migctl, or boot the guest without it");
}

static void judge_doubts(struct judging *j, struct mig_reg reg, const struct mig_sheet *s,
                         uint64_t guest, uint64_t host)
{
    uint64_t doubts = mig_sheet_doubts(s, guest, host);

    if (mig_merge_is_geometry(reg)) {
        doubts &= ~s->classified; /* the xsave constraint answers */
    }
    doubts = drop_withheld(j, s, doubts);
    while (doubts != 0) {
        unsigned bit = (unsigned)__builtin_ctzll(doubts);
        uint64_t mask = UINT64_C(1) << bit;

        if ((s->classified & mask) != 0) {
            const struct mig_field *f = mig_sheet_row(s, bit);

            judge_field(j, f, reg, guest, host);
            mask = mig_bits_mask(f->hi, f->lo);
        } else if (reg.space != MIG_SPACE_CAP && reg.space != MIG_SPACE_HOST) {
            judge_unclassified(j, reg, bit, is_feature_word(reg, s), host >> bit & 1);
        }
        doubts &= ~mask;
    }
}

static void judge_word(struct judging *j, uint64_t key, uint64_t guest, uint64_t host)
{
    const struct mig_sheet *s = mig_sheet_of(key);

    if (mig_sheet_doubts(s, guest, host) != 0 &&
        !mig_meaning_is_dead(j->guest, mig_reg_from_key(key))) {
        judge_doubts(j, mig_reg_from_key(key), s, guest, host);
    }
}

static bool may_stop(const struct mig_field *f, uint64_t guest)
{
    struct mig_value g = {.num = mig_field_get(f, guest)}, none = {0};
    struct mig_value most = {.num = mig_bits_mask(f->shape.width - 1u, 0)};

    return mig_rule_allows(&f->shape, g, none) != MIG_ALLOW_YES ||
           mig_rule_allows(&f->shape, g, most) != MIG_ALLOW_YES;
}

bool mig_judge_depends(const struct mig_party *guest, struct mig_reg reg)
{
    const struct mig_sheet *s = mig_sheet_of(mig_reg_key(reg));
    struct mig_seen seen = mig_party_seen(guest, reg);
    struct judging j = {.guest = guest};
    uint64_t judged;

    if (!mig_seen_is_value(seen) || mig_meaning_is_dead(guest, reg)) {
        return false;
    }
    if (mig_merge_is_geometry(reg)) {
        return seen.value != 0;
    }
    judged = drop_withheld(&j, s, s->compared);
    for (size_t i = 0; i < s->len; i++) {
        const struct mig_field *f = &s->rows[i];

        if ((judged & mig_bits_mask(f->hi, f->lo)) != 0 && may_stop(f, seen.value)) {
            return true;
        }
    }
    return (seen.value & ~s->classified) != 0;
}

/* Nothing that is still to come can change a silent answer. */
static bool is_settled(const struct judging *j)
{
    return j->findings->silent && j->findings->worst == MIG_BLOCKER;
}

static bool reads_as_zero(const struct mig_party *p, uint64_t key)
{
    return mig_party_seen(p, mig_reg_from_key(key)).known == MIG_ABSENT;
}

/* Rules where less in the guest is what blocks (vulnerability bits) need the
 * words that only the host has. */
static void judge_space(struct judging *j, enum mig_space space, bool also_host_only)
{
    size_t g_len, h_len, g = 0, h = 0;
    const struct mig_entry *guest = mig_snapshot_space(j->guest->snapshot, space, &g_len);
    const struct mig_entry *host = mig_snapshot_space(j->host->snapshot, space, &h_len);

    while ((g < g_len || (also_host_only && h < h_len)) && !is_settled(j)) {
        uint64_t g_key = g < g_len ? guest[g].key : UINT64_MAX;
        uint64_t h_key = h < h_len ? host[h].key : UINT64_MAX;

        if (g_key == h_key) {
            if (guest[g].errnum == 0 && host[h].errnum == 0) {
                judge_word(j, g_key, guest[g].value, host[h].value);
            }
        } else if (g_key < h_key) {
            if (guest[g].errnum == 0 && guest[g].value != 0 && reads_as_zero(j->host, g_key)) {
                judge_word(j, g_key, guest[g].value, 0);
            }
        } else if (also_host_only && host[h].errnum == 0 && host[h].value != 0 &&
                   reads_as_zero(j->guest, h_key)) {
            judge_word(j, h_key, 0, host[h].value);
        }
        g += g_key <= h_key ? 1 : 0;
        h += h_key <= g_key ? 1 : 0;
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
    if (missing > 0 && mig_findings_want(j->findings, MIG_BLOCKER)) {
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
    struct judging j = {.guest = guest, .host = host, .findings = ret};

    (void)choice;
    judge_space(&j, MIG_SPACE_CPUID, true);
    judge_space(&j, MIG_SPACE_CPUID_HV, false);
    judge_space(&j, MIG_SPACE_MSR, true);
    judge_space(&j, MIG_SPACE_CAP, false);
    if (host->snapshot->arch != MIG_ARCH_ARM64) { /* there constraints judge all of it */
        judge_space(&j, MIG_SPACE_HOST, false);
    }
    judge_space(&j, MIG_SPACE_VIRTIO, false);
    judge_list(&j);
    for (const struct mig_constraint *c = mig_constraint_all(); c->name != NULL; c++) {
        if (c->judge != NULL && mig_constraint_is_for(c, host->snapshot->arch) && !is_settled(&j)) {
            c->judge(guest, host, ret);
        }
    }
    mig_findings_sort(ret);
}

enum mig_severity mig_judge_worst(const struct mig_party *guest, const struct mig_party *host,
                                  const struct mig_choice *choice)
{
    struct mig_findings weighed = {.silent = true};
    enum mig_severity worst;

    mig_judge(guest, host, choice, &weighed);
    worst = mig_findings_worst(&weighed);
    mig_findings_clear(&weighed);
    return worst;
}
