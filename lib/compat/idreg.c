/* SPDX-License-Identifier: Apache-2.0 */
/*
 * arm64 ID registers: beside what several hosts have in common, and whether a
 * guest's value is within a host's, KVM itself must take the value.  Both
 * questions, the one of new profiles and the one of a guest that moves, are
 * put to the same prediction of KVM's answer (settable.c).
 *
 * What KVM refuses stops the move, unless the guest can not use the field and
 * the VMM leaves the register out of what it restores.  Registers of 32-bit
 * code are left to another constraint where there is none.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "compat/constraint.h"
#include "compat/cure.h"
#include "compat/vmm.h"
#include "cpu/arm64_reg.h"

/* Other constraints answer for these. */
static bool is_judged_elsewhere(struct mig_reg reg)
{
    static const enum mig_arm64 names[] = {
        MIG_ARM64_MIDR_EL1,
        MIG_ARM64_REVIDR_EL1,
        MIG_ARM64_AIDR_EL1,
        MIG_ARM64_MPIDR_EL1,
        MIG_ARM64_DCZID_EL0,
        MIG_ARM64_GMID_EL1,
        MIG_ARM64_SMCCC_ARCH_WORKAROUND_1,
        MIG_ARM64_SMCCC_ARCH_WORKAROUND_2,
        MIG_ARM64_SMCCC_ARCH_WORKAROUND_3,
    };

    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        if (reg.index == (uint32_t)names[i]) {
            return true;
        }
    }
    return false;
}

/* Not every capture tells the sizes of caches.  What is not told of a host stands
 * against no guest: as much as is known, it is the same. */
static bool may_be_untold(const struct mig_limit *l, struct mig_reg reg)
{
    return mig_arm64_is_cache(reg) && mig_limit_get(l, reg).known == MIG_UNCOVERED;
}

/* Who is to see a value, and where. */
struct showing {
    const struct mig_party *guest, *host;
    struct mig_limit limit;
    const struct mig_vmm *vmm;
    bool is_nested; /* the guest runs guests of its own */
};

/* Bits of @reg that the guest of @s can not use. */
static uint64_t useless_bits(const struct showing *s, struct mig_reg reg)
{
    struct mig_fields rows = mig_field_of(reg);
    uint64_t bits = 0;

    for (size_t i = 0; i < rows.len; i++) {
        if (rows.items[i].scope == MIG_SCOPE_EL2) {
            bits |= mig_bits_mask(rows.items[i].hi, rows.items[i].lo);
        }
    }
    return s->is_nested ? 0 : bits;
}

/* May the guest go on with the host's own value in the whole register? */
static bool may_be_left_out(const struct showing *s, struct mig_reg reg, uint64_t value)
{
    uint64_t differ = value ^ mig_limit_get(&s->limit, reg).value;

    return (differ & ~useless_bits(s, reg)) == 0 &&
           mig_vmm_leaves_out(s->vmm, s->guest, s->host, reg);
}

/* What would make a difference tolerable that the guest can not use. */
static void add_tolerance(struct mig_finding *f, const struct showing *s, struct mig_reg reg,
                          uint64_t value)
{
    uint64_t differ = value ^ mig_limit_get(&s->limit, reg).value;
    const char *how = mig_vmm_how(s->vmm);
    MIG_AUTO(mig_free) char *text = NULL;

    if ((differ & ~useless_bits(s, reg)) != 0) {
        text = mig_strf("only a guest that runs guests of its own can use the field, but others "
                        "of the register differ too, so the register can not be left out of what "
                        "is restored: %s would have to restore it with this field replaced by the "
                        "value that %s shows, and every other field as the guest saw it",
                        mig_vmm_name(s->vmm), s->host->name);
    } else if (how != NULL) {
        text = mig_strf("only a guest that runs guests of its own can use the field: for others "
                        "it is tolerated once the register is left out of what is restored (%s; "
                        "tell it in fact vmm.left-out-regs)",
                        how);
    } else {
        text = mig_strf("only a guest that runs guests of its own can use the field: for others "
                        "it would be tolerable if %s left the register out of what it restores",
                        mig_vmm_name(s->vmm));
    }
    mig_cure_add(f, text);
}

static void tell_tolerated(struct mig_finding *f, const struct showing *s)
{
    char *before = f->why;

    f->why = mig_strf("tolerated on %s: %s; %s leaves the register out, and only a guest that runs "
                      "guests of its own could use the field",
                      s->host->name, before, mig_vmm_name(s->vmm));
    mig_free(before);
}

/* The field that covers the lowest of @bits; NULL: no row does, or the rows
 * mean nothing one by one. */
static const struct mig_field *first_field(struct mig_reg reg, uint64_t bits, uint64_t *ret_mask)
{
    const struct mig_field *f = mig_field_at(reg, (unsigned)__builtin_ctzll(bits));

    if (f == NULL) {
        *ret_mask = bits & (~bits + 1);
    } else {
        *ret_mask = f->shape.rule == MIG_RULE_FROZEN ? bits : mig_bits_mask(f->hi, f->lo);
    }
    return f;
}

static struct mig_finding *add_finding(struct mig_findings *list, struct mig_reg reg,
                                       const struct mig_field *f, uint64_t mask,
                                       enum mig_severity severity)
{
    unsigned lo = (unsigned)__builtin_ctzll(mask);
    char id[MIG_REG_TEXT_MAX];
    struct mig_finding *added;

    if (f == NULL) {
        added = mig_findings_add_field(list, reg, NULL, lo, lo, severity);
        added->rule = mig_rule_name(MIG_RULE_DENY);
    } else if (f->shape.rule == MIG_RULE_FROZEN) {
        mig_reg_print(reg, id);
        added = mig_findings_add(list, id, severity);
        added->rule = "idreg";
    } else {
        added = mig_findings_add_field(list, reg, f, f->hi, f->lo, severity);
    }
    return added;
}

static struct mig_seen part_of(uint64_t word, uint64_t mask, const struct mig_field *f)
{
    bool whole = f != NULL && f->shape.rule == MIG_RULE_FROZEN;

    return (struct mig_seen){MIG_KNOWN, whole ? word : (word & mask) >> __builtin_ctzll(mask)};
}

static enum mig_severity severity_of(const struct showing *s, struct mig_reg reg, uint64_t value,
                                     uint64_t mask, struct mig_seen wanted)
{
    bool is_useless = (mask & ~useless_bits(s, reg)) == 0;

    /* The guest's kernel has no such register: nothing writes it. */
    if (wanted.known == MIG_ABSENT) {
        return MIG_WARNING;
    }
    return is_useless && may_be_left_out(s, reg, value) ? MIG_WARNING : MIG_BLOCKER;
}

/* One finding per field that KVM on the host refuses to the guest. */
static void judge_refused(const struct showing *s, struct mig_reg reg, struct mig_seen wanted,
                          const struct mig_settable *answer, struct mig_findings *ret)
{
    uint64_t own = mig_limit_get(&s->limit, reg).value, mask;

    for (uint64_t rest = answer->refused; rest != 0; rest &= ~mask) {
        const struct mig_field *f = first_field(reg, rest, &mask);
        enum mig_severity severity = severity_of(s, reg, wanted.value, mask, wanted);
        struct mig_refusal refusal = {&s->limit, reg, f, mask, wanted.value, answer, s->guest};
        struct mig_finding *added;

        if (!mig_findings_want(ret, severity)) {
            continue;
        }
        added = add_finding(ret, reg, f, mask, severity);
        added->guest = added->source = part_of(wanted.value, mask, f);
        added->destination = part_of(own, mask, f);
        mig_cure_tell(added, &refusal);
        if ((mask & ~useless_bits(s, reg)) == 0) {
            if (severity == MIG_WARNING) {
                tell_tolerated(added, s);
            } else {
                add_tolerance(added, s, reg, wanted.value);
            }
        }
    }
}

/* KVM takes the value and shows another one, as documented. */
static void judge_rewritten(const struct showing *s, struct mig_reg reg, uint64_t value,
                            const struct mig_settable *answer, struct mig_findings *ret)
{
    uint64_t mask;

    for (uint64_t rest = value ^ answer->reads; rest != 0; rest &= ~mask) {
        const struct mig_field *f = first_field(reg, rest, &mask);
        struct mig_finding *added;

        if (!mig_findings_want(ret, MIG_WARNING)) {
            continue;
        }
        added = add_finding(ret, reg, f, mask, MIG_WARNING);
        added->guest = added->source = part_of(value, mask, f);
        added->destination = part_of(answer->reads, mask, f);
        added->reason = MIG_REASON_KERNEL;
        mig_constraint_say(added,
                           mig_strf("KVM on %s takes the value and shows %llu instead: %s",
                                    s->host->name, (unsigned long long)added->destination.value,
                                    answer->why != NULL ? answer->why
                                    : f != NULL         ? f->why
                                                        : ""),
                           mig_strdup("nothing: read back, the register is meant to differ so"));
    }
}

static void judge_register(const struct showing *s, struct mig_reg reg, struct mig_findings *ret)
{
    struct mig_seen wanted = mig_party_seen(s->guest, reg);
    struct mig_settable answer;

    if (!mig_seen_is_value(wanted) || is_judged_elsewhere(reg)) {
        return;
    }
    answer = mig_settable_ask(&s->limit, reg, wanted.value);
    if (answer.answer == MIG_ANSWER_UNKNOWN && may_be_untold(&s->limit, reg)) {
        return;
    }
    switch (answer.answer) {
    case MIG_ANSWER_EINVAL:
    case MIG_ANSWER_UNKNOWN:
        judge_refused(s, reg, wanted, &answer, ret);
        break;
    case MIG_ANSWER_REWRITES:
        judge_rewritten(s, reg, wanted.value, &answer, ret);
        break;
    case MIG_ANSWER_TAKES:
    case MIG_ANSWER_IGNORES:
    case MIG_ANSWER_ENOENT: /* the list of registers tells */
        break;
    }
}

void mig_idreg_judge(const struct mig_party *guest, const struct mig_party *host,
                     struct mig_findings *ret)
{
    struct showing s = {.guest = guest, .host = host, .vmm = mig_vmm_of(guest, host)};
    size_t g_len, h_len, g = 0, h = 0;
    const struct mig_entry *mine = mig_snapshot_space(guest->snapshot, MIG_SPACE_IDREG, &g_len);
    const struct mig_entry *theirs = mig_snapshot_space(host->snapshot, MIG_SPACE_IDREG, &h_len);

    mig_limit_init(&s.limit, host, mig_feature_of(guest));
    s.limit.same_cpu = mig_limit_is_one_cpu(guest, host);
    s.is_nested = (s.limit.features >> MIG_FEATURE_NESTED & 1) != 0;
    while (g < g_len || h < h_len) {
        uint64_t g_key = g < g_len ? mine[g].key : UINT64_MAX;
        uint64_t h_key = h < h_len ? theirs[h].key : UINT64_MAX;

        struct mig_reg reg = mig_reg_from_key(g_key < h_key ? g_key : h_key);

        if (!mig_aarch32_is_useless(guest, reg)) {
            judge_register(&s, reg, ret);
        }
        g += g_key <= h_key ? 1 : 0;
        h += h_key <= g_key ? 1 : 0;
    }
    for (unsigned f = 0; f < MIG_FEATURE_COUNT; f++) {
        mig_feature_fold(ret, (enum mig_feature)f);
    }
}

/* Features that vCPUs of the profile are given. */
static unsigned features_of(const struct mig_merge *m)
{
    unsigned features = 0;

    for (unsigned f = 0; f < MIG_FEATURE_COUNT; f++) {
        for (size_t w = 0; w < m->words_len; w++) {
            struct mig_reg reg = mig_reg_from_key(m->words[w].key);
            uint64_t told = mig_feature_tells(reg, (enum mig_feature)f);

            features |= (m->words[w].value & told) != 0 ? 1u << f : 0;
        }
    }
    return features;
}

/* The hosts of a profile, each as a place where its guests are to be shown. */
static struct showing *make_showings(const struct mig_merge *m)
{
    struct showing *all = mig_alloc(m->len, sizeof *all);
    unsigned features = features_of(m);
    bool one_cpu = true;

    for (size_t i = 1; i < m->len; i++) {
        one_cpu = one_cpu && mig_limit_is_one_cpu(&m->parties[0], &m->parties[i]);
    }
    for (size_t i = 0; i < m->len; i++) {
        struct showing *s = &all[i];

        *s = (struct showing){.guest = &m->parties[i], .host = &m->parties[i]};
        s->vmm = mig_vmm_of(s->guest, s->host);
        s->is_nested = (m->allowed & mig_opt_in_mask("nested")) != 0;
        mig_limit_init(&s->limit, s->host, features);
        s->limit.same_cpu = one_cpu && m->len > 1;
    }
    return all;
}

/* Another party than @who whose value is not @who's own, to name beside it. */
static const struct mig_party *find_other(const struct mig_merge *m, size_t who, struct mig_reg reg,
                                          uint64_t mask)
{
    uint64_t own = mig_party_get(&m->parties[who], reg) & mask;

    for (size_t i = 0; i < m->len; i++) {
        if ((mig_party_get(&m->parties[i], reg) & mask) != own) {
            return &m->parties[i];
        }
    }
    return &m->parties[who];
}

/* The finding that the field tier may have made, at least this severe. */
static struct mig_finding *raise(struct mig_merge *m, struct mig_reg reg, const struct mig_field *f,
                                 uint64_t mask, enum mig_severity severity)
{
    struct mig_finding *found = NULL;

    if (f != NULL && f->shape.rule != MIG_RULE_FROZEN) {
        found = mig_findings_on(m->findings, (struct mig_bit){reg, mask});
    }
    for (size_t i = 0; found == NULL && i < m->findings->len; i++) {
        struct mig_finding *other = &m->findings->items[i];

        if (other->key == mig_reg_key(reg) && other->field == NULL &&
            ((f != NULL && f->shape.rule == MIG_RULE_FROZEN) ||
             other->lo == (unsigned)__builtin_ctzll(mask))) {
            found = other;
        }
    }
    if (found == NULL) {
        found = add_finding(m->findings, reg, f, mask, severity);
        found->source = part_of(mig_party_get(&m->parties[0], reg), mask, f);
        found->destination = part_of(mig_party_get(&m->parties[m->len - 1], reg), mask, f);
    }
    found->severity = severity > found->severity ? severity : found->severity;
    return found;
}

/* Some host refuses these bits of the common value. */
static void merge_refused(struct mig_merge *m, const struct showing *s, size_t who,
                          const struct mig_word *word, const struct mig_settable *answer,
                          uint64_t refused)
{
    struct mig_reg reg = mig_reg_from_key(word->key);
    uint64_t mask;

    for (uint64_t rest = refused; rest != 0; rest &= ~mask) {
        const struct mig_field *f = first_field(reg, rest, &mask);
        struct mig_seen wanted = {MIG_KNOWN, word->value};
        enum mig_severity severity = severity_of(s, reg, word->value, mask, wanted);
        struct mig_refusal refusal = {
            &s->limit, reg, f, mask, word->value, answer, find_other(m, who, reg, mask)};
        struct mig_finding *found;

        if (answer->answer == MIG_ANSWER_UNKNOWN) {
            severity = MIG_WARNING;
            m->unverified = m->unverified || !m->choice->tolerate[MIG_GROUP_IDREG];
        } else {
            m->unsettable = m->unsettable || severity == MIG_BLOCKER;
        }
        if (m->findings == NULL) {
            continue;
        }
        found = raise(m, reg, f, mask, severity);
        mig_cure_tell(found, &refusal);
        if ((mask & ~useless_bits(s, reg)) == 0) {
            if (severity == MIG_WARNING) {
                tell_tolerated(found, s);
            } else {
                add_tolerance(found, s, reg, word->value);
            }
        }
    }
}

/* A host that shows what no VMM can take away shows it to guests of the
 * profile too; that is so for all hosts, or a difference. */
static uint64_t refused_by(const struct showing *s, const struct mig_word *word,
                           struct mig_settable *ret)
{
    struct mig_reg reg = mig_reg_from_key(word->key);

    *ret = mig_settable_ask(&s->limit, reg, word->value);
    return ret->answer == MIG_ANSWER_EINVAL || ret->answer == MIG_ANSWER_UNKNOWN ? ret->refused : 0;
}

static void merge_register(struct mig_merge *m, const struct showing *all, size_t w)
{
    uint64_t told = 0;

    for (size_t i = 0; i < m->len; i++) {
        struct mig_settable answer;
        uint64_t refused = refused_by(&all[i], &m->words[w], &answer) & ~told;

        if (refused != 0) {
            merge_refused(m, &all[i], i, &m->words[w], &answer, refused);
            told |= refused;
        }
    }
}

static bool is_taken_by_all(const struct mig_merge *m, const struct showing *all,
                            const struct mig_word *word)
{
    for (size_t i = 0; i < m->len; i++) {
        struct mig_settable answer;

        if (refused_by(&all[i], word, &answer) != 0) {
            return false;
        }
    }
    return true;
}

/* Caches are taken over from one host: where another one does not take its value,
 * from the first other one that all can show. */
static void choose_cache(const struct mig_merge *m, const struct showing *all,
                         struct mig_word *word)
{
    struct mig_reg reg = mig_reg_from_key(word->key);
    struct mig_word best;

    if (!word->covered || is_taken_by_all(m, all, word)) {
        return;
    }
    best = (struct mig_word){word->key, UINT64_MAX, true};
    for (size_t i = 0; i < m->len; i++) {
        struct mig_word other = {word->key, mig_limit_get(&all[i].limit, reg).value, true};

        if (other.value < best.value && is_taken_by_all(m, all, &other)) {
            best = other;
        }
    }
    word->value = best.value != UINT64_MAX ? best.value : word->value;
}

static void choose_caches(struct mig_merge *m, const struct showing *all)
{
    for (size_t w = 0; w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);

        if (reg.space == MIG_SPACE_IDREG &&
            (reg.index == MIG_ARM64_CLIDR_EL1 || mig_arm64_is_cache(reg))) {
            choose_cache(m, all, &m->words[w]);
        }
    }
}

void mig_idreg_merge(struct mig_merge *m)
{
    struct showing *all = make_showings(m);

    choose_caches(m, all);
    for (size_t w = 0; w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);

        if (reg.space == MIG_SPACE_IDREG && m->words[w].covered && !is_judged_elsewhere(reg) &&
            !mig_aarch32_is_moot(m, reg)) {
            merge_register(m, all, w);
        }
    }
    for (unsigned f = 0; m->findings != NULL && f < MIG_FEATURE_COUNT; f++) {
        mig_feature_fold(m->findings, (enum mig_feature)f);
    }
    mig_free(all);
}
