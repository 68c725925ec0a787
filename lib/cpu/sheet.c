/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/sheet.h"

#include <string.h>

#include "base/array.h"
#include "base/bits.h"

#define SHEETS_MAX 1024
#define SLOTS 4096u
#define OPT_INS_MAX 32
#define SUB_SHIFT 8 /* of the subleaf in a key */

/* Sheet 0 is that of every register without rows.  A slot holds the number of
 * a sheet; each subleaf of a range has a slot of its own. */
static struct mig_sheet sheets[SHEETS_MAX];
static uint16_t slots[SLOTS];
static const char *opt_ins[OPT_INS_MAX];

static size_t slot_of(uint64_t key)
{
    return (size_t)(key * UINT64_C(0x9e3779b97f4a7c15) >> 52);
}

static bool covers(const struct mig_sheet *s, uint64_t key)
{
    uint64_t distance = key - s->first;

    return distance <= (uint64_t)s->span << SUB_SHIFT && (distance & 0xff) == 0;
}

const struct mig_sheet *mig_sheet_of(uint64_t key)
{
    size_t slot = slot_of(key);

    while (slots[slot] != 0) {
        const struct mig_sheet *s = &sheets[slots[slot]];

        if (covers(s, key)) {
            return s;
        }
        slot = (slot + 1) % SLOTS;
    }
    return &sheets[0];
}

uint32_t mig_opt_in_mask(const char *name)
{
    for (size_t i = 0; i < OPT_INS_MAX && opt_ins[i] != NULL; i++) {
        if (strcmp(opt_ins[i], name) == 0) {
            return UINT32_C(1) << i;
        }
    }
    return 0;
}

uint32_t mig_field_opt_in(const struct mig_field *f)
{
    return f->opt_in != NULL ? mig_opt_in_mask(f->opt_in) : 0;
}

static uint32_t add_opt_in(const char *name)
{
    uint32_t mask = mig_opt_in_mask(name);

    for (size_t i = 0; mask == 0; i++) {
        MIG_ASSERT(i < OPT_INS_MAX);
        if (opt_ins[i] == NULL) {
            opt_ins[i] = name;
            mask = UINT32_C(1) << i;
        }
    }
    return mask;
}

static uint64_t *kind_of(struct mig_sheet *s, const struct mig_field *f)
{
    if (f->class_ == MIG_CLASS_CONSTANT) {
        return &s->donor;
    }
    switch (f->shape.rule) {
    case MIG_RULE_AND:
    case MIG_RULE_AND_IMMUNE:
    case MIG_RULE_SET:
        return &s->all;
    case MIG_RULE_OR_MITIGATION:
    case MIG_RULE_OR_VULNERABLE:
    case MIG_RULE_OR_INVERTED:
    case MIG_RULE_OR:
        return &s->any;
    case MIG_RULE_DENY:
        return &s->zero;
    case MIG_RULE_FROZEN:
        return &s->donor;
    case MIG_RULE_LOWER:
    case MIG_RULE_SIGNED_LOWER:
    case MIG_RULE_MIN:
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
    case MIG_RULE_HIGHER_OR_ZERO:
    case MIG_RULE_EXACT:
    case MIG_RULE_EQUAL_TEXT:
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
    case MIG_RULE_COUNT:
        break;
    }
    return &s->number;
}

static bool asks(const struct mig_field *f, uint64_t guest, uint64_t host)
{
    return mig_rule_allows(&f->shape, (struct mig_value){.num = guest},
                           (struct mig_value){.num = host}) == MIG_ALLOW_ASK;
}

/* Fields that only a constraint over several of them can judge. */
static bool stands_apart(const struct mig_field *f)
{
    return f->class_ == MIG_CLASS_WIDTH || !mig_rule_is_compared(f->shape.rule) || asks(f, 1, 0) ||
           asks(f, 0, 1);
}

static void add_row(struct mig_sheet *s, const struct mig_field *f)
{
    uint64_t mask = mig_bits_mask(f->hi, f->lo);

    s->len++;
    s->classified |= mask;
    *kind_of(s, f) |= mask;
    s->apart |= stands_apart(f) ? mask : 0;
    s->compared |=
        mig_rule_is_compared(f->shape.rule) && f->class_ != MIG_CLASS_CONSTANT ? mask : 0;
    s->flags |= mig_field_is_flag(f) ? mask : 0;
    s->lows |= UINT64_C(1) << f->lo;
    s->on |= f->offer == MIG_OFFER_ON ? mask : 0;
    if (f->offer == MIG_OFFER_OPT_IN) {
        s->opt_in |= mask;
        s->opt_ins |= add_opt_in(f->opt_in);
    }
}

static void add_slots(uint16_t sheet)
{
    uint64_t key = sheets[sheet].first;

    for (unsigned sub = 0; sub <= sheets[sheet].span; sub++, key += 1u << SUB_SHIFT) {
        size_t slot = slot_of(key);

        while (slots[slot] != 0) {
            slot = (slot + 1) % SLOTS;
        }
        slots[slot] = sheet;
    }
}

/* The unit test of the table shows that rows of one register stand together. */
static void __attribute__((constructor)) make_sheets(void)
{
    struct mig_fields all = mig_field_all();
    uint16_t last = 0;

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];
        uint64_t key = mig_reg_key(f->reg);

        if (last == 0 || sheets[last].first != key) {
            MIG_ASSERT(last + 1 < SHEETS_MAX);
            last++;
            sheets[last].first = key;
            sheets[last].span = (uint16_t)(f->sub_last - f->reg.sub);
            sheets[last].rows = f;
            add_slots(last);
        }
        add_row(&sheets[last], f);
    }
}
