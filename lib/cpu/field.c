/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/field.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "cpu/arm64_reg.h"
#include "cpu/host.h"
#include "cpu/names.h"
#include "cpu/sheet.h"

/* What the rule and offer columns may say beside a plain constant. */
#define MIG_RULE_EXACT_OR(value) MIG_RULE_EXACT, .has_safe = true, .safe = (value)
#define MIG_OFFER_OPT_IN(name) MIG_OFFER_OPT_IN, .opt_in = #name

#define ROW(place, last, high, low, rule_, cls, offer_, who, id, text)                             \
    {                                                                                              \
        .reg = place, .sub_last = (last), .hi = (high), .lo = (low),                               \
        .shape = {.width = (high) - (low) + 1, .rule = MIG_RULE_##rule_},                          \
        .class_ = MIG_CLASS_##cls, .offer = MIG_OFFER_##offer_, .vendor = MIG_VENDOR_##who,        \
        .name = (id), .why = (text),                                                               \
    }
#define ARM64_ROW(place, index, high, low, rule_, cls, offer_, who, on_6_12, on_7_2, id, text)     \
    {                                                                                              \
        .reg = place, .sub_last = MIG_ARM64_SUB(index), .hi = (high), .lo = (low),                 \
        .shape = {.width = (high) - (low) + 1, .rule = MIG_RULE_##rule_},                          \
        .class_ = MIG_CLASS_##cls, .offer = MIG_OFFER_##offer_, .vendor = MIG_VENDOR_ANY,          \
        .scope = MIG_SCOPE_##who, .settable_6_12 = MIG_SETTABLE_##on_6_12,                         \
        .settable_7_2 = MIG_SETTABLE_##on_7_2, .name = (id), .why = (text),                        \
    }
#define PLACE(space, index, sub, part)                                                             \
    {                                                                                              \
        MIG_SPACE_##space, (index), (sub), MIG_##part                                              \
    }

/* In id order: the spaces follow enum mig_space, each file is sorted. */
static const struct mig_field rows[] = {
#define CPUID(leaf, first, last, part, hi, lo, rule, cls, offer, who, id, why)                     \
    ROW(PLACE(CPUID, leaf, first, part), last, hi, lo, rule, cls, offer, who, #id, why),
#define CPUID_HV(leaf, first, last, part, hi, lo, rule, cls, offer, who, id, why)                  \
    ROW(PLACE(CPUID_HV, leaf, first, part), last, hi, lo, rule, cls, offer, who, #id, why),
#include "cpu/x86_cpuid.def"
#define MSR(index, hi, lo, rule, cls, offer, who, id, why)                                         \
    ROW(PLACE(MSR, index, 0, EAX), 0, hi, lo, rule, cls, offer, who, #id, why),
#include "cpu/x86_msr.def"
#define IDREG(reg, field, hi, lo, rule, cls, offer, who, on_6_12, on_7_2, why)                     \
    ARM64_ROW(MIG_ARM64_PLACE(reg), MIG_ARM64_##reg, hi, lo, rule, cls, offer, who, on_6_12,       \
              on_7_2, #reg "." #field, why),
#include "cpu/arm64_idreg.def"
#define CAP(id, number, rule, width, why)                                                          \
    ROW(PLACE(CAP, number, 0, EAX), 0, (width)-1, 0, rule, CAPABILITY, ON, ANY, #id, why),
#include "cpu/cap.def"
#define HOST(id, name, group, rule, width, why)                                                    \
    ROW(PLACE(HOST, MIG_HOST_##id, 0, EAX), 0, (width)-1, 0, rule, HOST, ON, ANY, name, why),
#include "cpu/host.def"
#define GUEST(id, name, width, why)                                                                \
    ROW(PLACE(GUEST, MIG_GUEST_##id, 0, EAX), 0, (width)-1, 0, FROZEN, HOST, ON, ANY, name, why),
#include "cpu/guest.def"
#define VIRTIO(device, hi, lo, id, why)                                                            \
    ROW(PLACE(VIRTIO, device, 0, EAX), 0, hi, lo, AND, VMM, ON, ANY, #id, why),
#include "cpu/virtio.def"
};

/* One row at a time; order and overlap between rows are a unit test. */
#define CPUID(leaf, first, last, part, hi, lo, rule, cls, offer, who, id, why)                     \
    static_assert((hi) >= (lo) && (hi) < 32 && (last) >= (first) && (last) < 64, #id);
#define CPUID_HV CPUID
#include "cpu/x86_cpuid.def"
#define MSR(index, hi, lo, rule, cls, offer, who, id, why)                                         \
    static_assert((hi) >= (lo) && (hi) < 64, #id);
#include "cpu/x86_msr.def"
#define IDREG(reg, field, hi, lo, ...) static_assert((hi) >= (lo) && (hi) < 64, #reg "." #field);
#include "cpu/arm64_idreg.def"
#define CAP(id, number, rule, width, why) static_assert((width) == 1 || (width) == 64, #id);
#include "cpu/cap.def"

struct mig_fields mig_field_all(void)
{
    return (struct mig_fields){rows, MIG_COUNT(rows)};
}

struct mig_fields mig_field_of(struct mig_reg reg)
{
    const struct mig_sheet *sheet = mig_sheet_of(mig_reg_key(reg));

    return (struct mig_fields){sheet->rows, sheet->len};
}

const struct mig_field *mig_field_at(struct mig_reg reg, unsigned bit)
{
    struct mig_fields fields = mig_field_of(reg);

    for (size_t i = 0; i < fields.len; i++) {
        if (fields.items[i].lo <= bit && bit <= fields.items[i].hi) {
            return &fields.items[i];
        }
    }
    return NULL;
}

uint64_t mig_field_classified(struct mig_reg reg)
{
    return mig_sheet_of(mig_reg_key(reg))->classified;
}

/* A capability or host property is one number; no bits are written. */
static bool is_whole(struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CAP || reg.space == MIG_SPACE_HOST ||
           reg.space == MIG_SPACE_GUEST;
}

static const struct mig_field *find_id(const char *id)
{
    char text[MIG_FIELD_ID_MAX];
    const char *slash = strrchr(id, '/');
    struct mig_error ignored;
    struct mig_fields fields;
    struct mig_reg reg;

    if (slash == NULL) {
        return NULL;
    }
    if (!mig_reg_parse(id, &reg, &ignored)) {
        (void)snprintf(text, sizeof text, "%.*s", (int)(slash - id), id);
        if (!mig_reg_parse(text, &reg, &ignored)) {
            return NULL;
        }
    }
    fields = mig_field_of(reg);
    for (size_t i = 0; i < fields.len; i++) {
        mig_field_print_id(&fields.items[i], reg.sub, text);
        if (strcmp(text, id) == 0) {
            return &fields.items[i];
        }
    }
    return NULL;
}

const struct mig_field *mig_field_find(const char *name)
{
    const char *own = mig_names_canonical(name);

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, own) == 0) {
            return &rows[i];
        }
    }
    return find_id(name);
}

static bool is_feature_rule(enum mig_rule rule)
{
    return rule == MIG_RULE_AND || rule == MIG_RULE_AND_IMMUNE || rule == MIG_RULE_DENY ||
           rule == MIG_RULE_OR_MITIGATION || rule == MIG_RULE_OR_VULNERABLE ||
           rule == MIG_RULE_OR_INVERTED;
}

bool mig_field_is_flag(const struct mig_field *f)
{
    return f->hi == f->lo && !is_whole(f->reg) && is_feature_rule(f->shape.rule);
}

uint64_t mig_field_get(const struct mig_field *f, uint64_t word)
{
    return mig_bits_get(word, f->hi, f->lo);
}

uint64_t mig_field_put(const struct mig_field *f, uint64_t word, uint64_t value)
{
    return mig_bits_put(word, f->hi, f->lo, value);
}

void mig_field_print_id(const struct mig_field *f, uint16_t sub, char ret[MIG_FIELD_ID_MAX])
{
    struct mig_reg reg = f->reg;

    reg.sub = sub;
    if (reg.space == MIG_SPACE_IDREG) {
        char text[MIG_REG_TEXT_MAX];

        mig_reg_print(reg, text);
        (void)snprintf(ret, MIG_FIELD_ID_MAX, "%s/%s", text, strchr(f->name, '.') + 1);
    } else {
        mig_bits_print_id(reg, f->hi, f->lo, ret);
    }
}

void mig_bits_print_id(struct mig_reg reg, unsigned hi, unsigned lo, char ret[MIG_FIELD_ID_MAX])
{
    char text[MIG_REG_TEXT_MAX];

    mig_reg_print(reg, text);
    if (is_whole(reg)) {
        (void)snprintf(ret, MIG_FIELD_ID_MAX, "%s", text);
    } else if (hi == lo) {
        (void)snprintf(ret, MIG_FIELD_ID_MAX, "%s/%u", text, lo);
    } else {
        (void)snprintf(ret, MIG_FIELD_ID_MAX, "%s/%u:%u", text, hi, lo);
    }
}

const char *mig_offer_name(enum mig_offer offer)
{
    static const char *const offers[] = {
        [MIG_OFFER_ON] = "on", [MIG_OFFER_OPT_IN] = "opt-in", [MIG_OFFER_NEVER] = "never"};

    return offers[offer];
}

const char *mig_class_name(enum mig_class class_)
{
    static const char *const classes[MIG_CLASS_COUNT] = {
#define CLASS(id, name) [MIG_CLASS_##id] = (name),
#include "cpu/class.def"
    };

    return classes[class_];
}
