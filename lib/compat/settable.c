/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * A row for the whole register answers alone.  Else rows for single fields
 * rewrite or refuse, and what is left goes by the general rule of KVM: a field
 * that lies whole inside the writable mask may take any value that the rule of
 * the field leaves as it is when it meets the host's; every other bit must
 * equal the host's.  Kernels before 6.7 have no masks.
 */
#include "compat/settable.h"

#include "base/array.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "compat/version.h"
#include "cpu/arm64_reg.h"

#define FIRST_WITH_MASKS "6.7"
#define SECOND_GENERATION "7.0"
#define PSCI_1_0 0x10000
#define CCSIDR_LINE_UNIT 2 /* log2 of words */

/* SMCCC_ARCH_WORKAROUND_2 */
#define LEVEL_MASK 0xfu
#define ENABLED 0x10u
#define LEVEL_AVAILABLE 2
#define LEVEL_MAX 3

enum whole {
    NOT_KVM,
    HIDDEN,
    IGNORED,
    STORED,
    CACHES,
    CACHE_LINE,
    IDENTITY,
    VERSION,
    LEVEL,
    FOLDED_LEVEL,
    SUBSET
};
enum part { READS_AS, HARDWARES, AT_LEAST, NOT_FROM_TO };
enum when { ALWAYS, NESTED, SYNC_MTE };

static const struct whole_row {
    enum whole kind;
    uint32_t first, last;
    uint64_t number;
    const char *since, *why, *cited;
} wholes[] = {
#define WHOLE(kind, first, last, number, since, why, cited)                                        \
    {kind, MIG_ARM64_##first, MIG_ARM64_##last, number, since, why, cited},
#define PART(...)
#define EARLY(...)
#include "compat/arm64_special.def"
};

static const struct part_row {
    enum part kind;
    enum when when;
    uint32_t index;
    uint8_t hi, lo;
    uint64_t number, other;
    const char *since, *why, *cited;
} part_rows[] = {
#define WHOLE(...)
#define PART(kind, when, reg, field, number, other, since, why, cited)                             \
    {kind,                                                                                         \
     when,                                                                                         \
     MIG_ARM64_##reg,                                                                              \
     MIG_ARM64_HI_##reg##_##field,                                                                 \
     MIG_ARM64_LO_##reg##_##field,                                                                 \
     number,                                                                                       \
     other,                                                                                        \
     since,                                                                                        \
     why,                                                                                          \
     cited},
#define EARLY(...)
#include "compat/arm64_special.def"
};

static const struct {
    uint32_t index;
    uint64_t mask;
    const char *since;
} early[] = {
#define WHOLE(...)
#define PART(...)
#define EARLY(reg, field, since) {MIG_ARM64_##reg, MIG_ARM64_MASK(reg, field), since},
#include "compat/arm64_special.def"
};

static const struct {
    uint32_t first, last;
    bool only_zero;
} may_miss[] = {
#define MAY_MISS(first, last, only_zero, why) {first, last, only_zero},
#include "compat/register_list.def"
};

/* One write that is being answered. */
struct write {
    const struct mig_limit *limit;
    struct mig_reg reg;
    uint64_t value, own; /* what is written, what the host shows */
    struct mig_settable *ret;
};

static uint64_t host_field(const struct write *w, enum mig_arm64 index, uint64_t mask)
{
    return (mig_limit_get(w->limit, mig_reg_arm64(index)).value & mask) >> __builtin_ctzll(mask);
}

static bool has_aarch32(const struct write *w)
{
    return host_field(w, MIG_ARM64_ID_AA64PFR0_EL1, MIG_ARM64_MASK(ID_AA64PFR0_EL1, EL0)) == 2;
}

static void answer(const struct write *w, enum mig_answer answer, uint64_t reads, uint64_t refused)
{
    w->ret->answer = answer;
    w->ret->reads = reads;
    w->ret->refused = refused;
}

static void cite(const struct write *w, const char *why, const char *cited)
{
    w->ret->why = why;
    w->ret->cited = cited;
}

/* An old kernel may not have the row, or not tell its release at all: what is
 * older than the masks is taken to be in every kernel. */
static bool is_since(const struct mig_limit *l, const char *since)
{
    return since[0] == '0' || mig_limit_is_since(l, since) ||
           (l->release == NULL && l->knows_masks &&
            mig_version_compare(FIRST_WITH_MASKS, since) >= 0);
}

static const struct whole_row *find_whole(const struct write *w)
{
    for (size_t i = 0; i < MIG_COUNT(wholes); i++) {
        if (w->reg.index >= wholes[i].first && w->reg.index <= wholes[i].last &&
            w->reg.sub == MIG_ARM64_SUB(w->reg.index) && is_since(w->limit, wholes[i].since)) {
            return &wholes[i];
        }
    }
    return NULL;
}

/* No cache level that a guest must clean: only where the host needs none. */
static bool promises_coherence(uint64_t clidr)
{
    return (clidr & MIG_ARM64_MASK(CLIDR_EL1, LoC)) == 0 ||
           (clidr & (MIG_ARM64_MASK(CLIDR_EL1, LoUIS) | MIG_ARM64_MASK(CLIDR_EL1, LoUU))) == 0;
}

static void take_or_refuse(const struct write *w, bool taken)
{
    if (taken) {
        answer(w, MIG_ANSWER_TAKES, w->value, 0);
    } else {
        answer(w, MIG_ANSWER_EINVAL, w->own, w->value ^ w->own);
    }
}

/* The host's level stays, whichever is written. */
static void keep_or_refuse(const struct write *w, bool taken)
{
    if (!taken) {
        answer(w, MIG_ANSWER_EINVAL, w->own, w->value ^ w->own);
    } else {
        answer(w, MIG_ANSWER_IGNORES, w->own, 0);
    }
}

/* CTR_EL0 counts words, a CCSIDR 16 bytes as 0.  Neither the guest's own CTR_EL0
 * nor a value that was taken before changes what is the least. */
static void answer_line(const struct write *w, const struct whole_row *row)
{
    bool of_code = (w->reg.index & 1) != 0;
    uint64_t mask = of_code ? MIG_ARM64_MASK(CTR_EL0, IminLine) : MIG_ARM64_MASK(CTR_EL0, DminLine);
    uint64_t line = MIG_ARM64_MASK(CCSIDR_L1D, LineSize);

    if (!mig_seen_is_value(mig_limit_get(w->limit, mig_reg_arm64(MIG_ARM64_CTR_EL0)))) {
        answer(w, MIG_ANSWER_UNKNOWN, 0, line);
    } else if ((w->value & line) + CCSIDR_LINE_UNIT < host_field(w, MIG_ARM64_CTR_EL0, mask)) {
        answer(w, MIG_ANSWER_EINVAL, w->own, line);
        cite(w, row->why, row->cited);
    } else {
        answer(w, MIG_ANSWER_TAKES, w->value, 0);
    }
}

static bool is_folded_level(const struct write *w)
{
    uint64_t level = w->value & LEVEL_MASK;

    return (w->value & ~(uint64_t)(LEVEL_MASK | ENABLED)) == 0 && level <= LEVEL_MAX &&
           ((w->value & ENABLED) == 0 || level == LEVEL_AVAILABLE) &&
           (level < LEVEL_AVAILABLE || (w->own & LEVEL_MASK) >= LEVEL_AVAILABLE);
}

/* False: the general rule has the word. */
static bool answer_whole(const struct write *w, const struct whole_row *row)
{
    bool has_idc;

    switch (row->kind) {
    case NOT_KVM:
        answer(w, MIG_ANSWER_ENOENT, w->own, 0);
        break;
    case IGNORED:
        if (has_aarch32(w)) {
            return false;
        }
        keep_or_refuse(w, true);
        break;
    case CACHES:
        has_idc = host_field(w, MIG_ARM64_CTR_EL0, MIG_ARM64_MASK(CTR_EL0, IDC)) != 0;
        take_or_refuse(w,
                       (w->value & row->number) == 0 && (has_idc || !promises_coherence(w->value)));
        break;
    case IDENTITY:
        take_or_refuse(w, w->limit->has_imp_id && (w->value & ~row->number) == 0);
        break;
    case VERSION:
        take_or_refuse(w, w->value == row->number || (w->value >= PSCI_1_0 && w->value <= w->own));
        break;
    case LEVEL:
        keep_or_refuse(w, w->value <= w->own);
        break;
    case FOLDED_LEVEL:
        keep_or_refuse(w, is_folded_level(w));
        break;
    case SUBSET:
        take_or_refuse(w, (w->value & ~(w->own | row->number)) == 0);
        if (!mig_settable_is_taken(w->ret)) {
            w->ret->refused = w->value & ~(w->own | row->number);
        }
        break;
    case STORED: /* answered before */
    case CACHE_LINE:
    case HIDDEN:
        return false;
    }
    cite(w, row->why, row->cited);
    return true;
}

static bool applies(const struct write *w, const struct part_row *row)
{
    static const uint64_t mte = MIG_ARM64_MASK(ID_AA64PFR1_EL1, MTE);
    bool when = true;

    switch (row->when) {
    case ALWAYS:
        break;
    case NESTED:
        when = (w->limit->features >> MIG_FEATURE_NESTED & 1) != 0;
        break;
    case SYNC_MTE:
        when = host_field(w, MIG_ARM64_ID_AA64PFR1_EL1, mte) == 2;
        break;
    }
    return when && row->index == w->reg.index && w->reg.sub == MIG_ARM64_SUB(w->reg.index) &&
           is_since(w->limit, row->since);
}

/* Does KVM write another value in place of this one? */
static bool is_rewritten(const struct write *w, const struct part_row *row, uint64_t value)
{
    uint64_t own = mig_bits_get(w->own, row->hi, row->lo);

    if (row->kind == HARDWARES) {
        return value != 0 && own == 0 && w->limit->same_cpu;
    }
    return row->kind == READS_AS && value == row->number && (row->other == 0 || own == row->other);
}

static bool is_refused(const struct part_row *row, uint64_t value)
{
    return (row->kind == AT_LEAST && value < row->number) ||
           (row->kind == NOT_FROM_TO && value >= row->number && value <= row->other);
}

/* What rows for single fields make of the value. */
static uint64_t apply_parts(const struct write *w)
{
    uint64_t value = w->value;

    for (size_t i = 0; i < MIG_COUNT(part_rows); i++) {
        const struct part_row *row = &part_rows[i];
        uint64_t part = mig_bits_get(value, row->hi, row->lo);

        if (!applies(w, row)) {
            continue;
        }
        if (is_rewritten(w, row, part)) {
            value = mig_bits_put(value, row->hi, row->lo, row->kind == READS_AS ? row->other : 0);
            cite(w, row->why, row->cited);
        } else if (is_refused(row, part)) {
            w->ret->refused |= mig_bits_mask(row->hi, row->lo);
            cite(w, row->why, row->cited);
        }
    }
    return value;
}

/* Bits that lie in KVM's mask, but outside any field that it compares. */
static bool is_mask_only(const struct mig_limit *l, const struct mig_field *f)
{
    if (f->shape.rule == MIG_RULE_DENY) {
        return true;
    }
    if (mig_limit_is_since(l, SECOND_GENERATION)) {
        return f->settable_7_2 == MIG_SETTABLE_MASK_ONLY;
    }
    return f->settable_6_12 == MIG_SETTABLE_MASK_ONLY ||
           (f->settable_6_12 == MIG_SETTABLE_NO && f->settable_7_2 == MIG_SETTABLE_MASK_ONLY);
}

static bool is_early(const struct mig_limit *l, const struct mig_field *f)
{
    for (size_t i = 0; i < MIG_COUNT(early); i++) {
        if (early[i].index == f->reg.index && early[i].mask == mig_bits_mask(f->hi, f->lo) &&
            is_since(l, early[i].since)) {
            return true;
        }
    }
    return false;
}

static bool is_writable(const struct mig_limit *l, const struct mig_field *f)
{
    uint64_t mask = mig_bits_mask(f->hi, f->lo);
    struct mig_reg writable = f->reg;

    if (l->knows_masks) {
        writable.space = MIG_SPACE_IDREG_MASK;
        return (mig_party_get(l->host, writable) & mask) == mask && !is_mask_only(l, f);
    }
    if (!mig_limit_is_since(l, FIRST_WITH_MASKS)) {
        return is_early(l, f);
    }
    return (mig_limit_is_since(l, SECOND_GENERATION) ? f->settable_7_2 : f->settable_6_12) ==
           MIG_SETTABLE_YES;
}

/* May the field show @value on a host that shows @own? */
static bool is_within(const struct mig_field *f, uint64_t value, uint64_t own)
{
    struct mig_value both, wanted = {.num = mig_field_get(f, value)};

    return mig_rule_merge(&f->shape, wanted, (struct mig_value){.num = mig_field_get(f, own)},
                          &both) &&
           both.num == wanted.num;
}

static uint64_t find_refused(const struct write *w, uint64_t value)
{
    struct mig_fields rows = mig_field_of(w->reg);
    uint64_t refused = value ^ w->own;

    for (size_t i = 0; i < rows.len; i++) {
        const struct mig_field *f = &rows.items[i];
        uint64_t mask = mig_bits_mask(f->hi, f->lo);

        if ((refused & mask) != 0) {
            bool taken = is_writable(w->limit, f) && is_within(f, value, w->own);

            refused = taken ? refused & ~mask : refused | mask;
        }
    }
    return refused;
}

static void answer_parts(const struct write *w)
{
    bool is_known = w->limit->knows_masks || w->limit->release != NULL;
    uint64_t value, refused;

    value = apply_parts(w);
    refused = w->ret->refused | find_refused(w, value);
    if (refused != 0) {
        answer(w, is_known ? MIG_ANSWER_EINVAL : MIG_ANSWER_UNKNOWN, w->own, refused);
    } else {
        answer(w, value == w->value ? MIG_ANSWER_TAKES : MIG_ANSWER_REWRITES, value, 0);
    }
}

/* Bits of a feature that the host may have and was captured without. */
static uint64_t open_bits(const struct write *w)
{
    unsigned open = 0;

    for (unsigned f = 0; f < MIG_FEATURE_COUNT; f++) {
        if ((w->limit->features >> f & 1) != 0 &&
            mig_feature_is_open(w->limit->host, (enum mig_feature)f)) {
            open |= 1u << f;
        }
    }
    return open != 0 ? mig_feature_bits(w->reg, open) : 0;
}

/* Registers that KVM shows as 0 before they are given a meaning. */
static bool is_id_space(struct mig_reg reg)
{
    return reg.index >= MIG_ARM64_ID_PFR0_EL1 && reg.index <= MIG_ARM64_MIDR_EL1 + 0x3f;
}

/* KVM on the host has no such register. */
static bool is_missing(const struct mig_limit *l, struct mig_reg reg, struct mig_seen own)
{
    struct mig_reg listed = reg;

    listed.space = MIG_SPACE_REG_LIST;
    return !is_id_space(reg) &&
           (own.known == MIG_ABSENT ||
            (own.known == MIG_UNCOVERED && mig_party_seen(l->host, listed).known == MIG_ABSENT));
}

struct mig_settable mig_settable_ask(const struct mig_limit *l, struct mig_reg reg, uint64_t value)
{
    struct mig_settable ret = {0};
    struct mig_seen own = mig_limit_get(l, reg);
    struct write w = {.limit = l, .reg = reg, .value = value, .own = own.value, .ret = &ret};
    const struct whole_row *row = find_whole(&w);
    uint64_t open;

    if (row != NULL && row->kind == STORED) {
        answer(&w, MIG_ANSWER_TAKES, value, 0);
        return ret;
    }
    if (is_missing(l, reg, own)) {
        answer(&w, MIG_ANSWER_ENOENT, 0, 0);
        return ret;
    }
    if (row != NULL && row->kind == CACHE_LINE && !(mig_seen_is_value(own) && value == own.value)) {
        answer_line(&w, row);
        return ret;
    }
    if (!mig_seen_is_value(own)) {
        answer(&w, MIG_ANSWER_UNKNOWN, 0, value);
        return ret;
    }
    if (value == own.value && (row == NULL || row->kind != NOT_KVM)) {
        answer(&w, MIG_ANSWER_TAKES, value, 0);
    } else if (row == NULL || !answer_whole(&w, row)) {
        answer_parts(&w);
    }
    open = open_bits(&w) & (value ^ own.value);
    if (open != 0 && ret.answer == MIG_ANSWER_EINVAL && (ret.refused & ~open_bits(&w)) == 0) {
        ret.answer = MIG_ANSWER_UNKNOWN;
    }
    return ret;
}

bool mig_settable_is_rewrite(struct mig_reg reg, uint64_t wanted, uint64_t got)
{
    for (size_t i = 0; i < MIG_COUNT(part_rows); i++) {
        const struct part_row *row = &part_rows[i];
        uint64_t before = mig_bits_get(wanted, row->hi, row->lo);
        uint64_t after = mig_bits_get(got, row->hi, row->lo);

        if (reg.space != MIG_SPACE_IDREG || row->index != reg.index ||
            reg.sub != MIG_ARM64_SUB(reg.index)) {
            continue;
        }
        if ((row->kind == READS_AS && before == row->number && after == row->other) ||
            (row->kind == HARDWARES && after == 0)) {
            wanted = mig_bits_put(wanted, row->hi, row->lo, after);
        }
    }
    return wanted == got;
}

bool mig_settable_may_miss(struct mig_reg reg, uint64_t value)
{
    for (size_t i = 0; i < MIG_COUNT(may_miss); i++) {
        if (reg.index >= may_miss[i].first && reg.index <= may_miss[i].last) {
            return !may_miss[i].only_zero || value == 0;
        }
    }
    return false;
}

void mig_settable_values(const struct mig_limit *l, const struct mig_field *f,
                         struct mig_values *ret)
{
    uint64_t own = mig_limit_get(l, f->reg).value;
    uint64_t count = f->shape.width <= 6 ? UINT64_C(1) << f->shape.width : 0;

    *ret = (struct mig_values){.more = count == 0};
    if (count == 0) {
        ret->items[ret->len++] = mig_field_get(f, own);
    }
    for (uint64_t value = 0; value < count; value++) {
        uint64_t word = mig_field_put(f, own, value);
        struct mig_settable s = mig_settable_ask(l, f->reg, word);

        if (s.answer == MIG_ANSWER_TAKES && s.reads == word) {
            ret->items[ret->len++] = value;
        }
    }
}

bool mig_settable_is_vl_set(uint64_t host, uint64_t wanted)
{
    uint64_t longest = wanted != 0 ? UINT64_C(1) << (63 - __builtin_clzll(wanted)) : 0;

    return wanted != 0 && wanted == (host & (longest | (longest - 1)));
}
