/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/taker.h"

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"
#include "cpu/deps.h"
#include "cpu/place.h"

struct takers {
    struct mig_taker *items;
    size_t len, cap;
};

/* One row of any table: @how when its bits are the field's. */
struct row {
    enum mig_reason who;
    struct mig_bit bit;
    enum mig_class class_; /* MIG_CLASS_COUNT: the row is about @bit */
    const char *how;
};

#define ROW(who, field, how) {MIG_REASON_##who, MIG_PLACE_BIT(field), MIG_CLASS_COUNT, how},
#define OFF "0"
#define ANY ""
#define CAP(number) .bit.reg.space = MIG_SPACE_CAP, .bit.reg.index = (number), .bit.mask = 1

static const struct row rows[] = {
#define FIRMWARE(field, name) ROW(FIRMWARE, field, "the firmware's switch for " name)
#include "compat/firmware.def"
#define MICROCODE(field) ROW(MICROCODE, field, "updates brought it: older microcode has none")
#define MICROCODE_TAKES(field) ROW(MICROCODE, field, "updates take it away")
#include "compat/microcode.def"
#define ADDED(first, field, companion) ROW(KERNEL, field, "KVM shows it from Linux " first " on")
#define DROPPED(first, field, where)                                                               \
    ROW(KERNEL, field, "KVM no longer shows it " where " from Linux " first " on")
#include "compat/kernel_added.def"
#define PARAMETER(module, name, takes, gives, field)                                               \
    ROW(PARAMETER, field, module "." name "=" takes " (" gives " gives it back)")
#define PARAMETER_CLASS(module, name, takes, gives, cls)                                           \
    {MIG_REASON_PARAMETER, .class_ = MIG_CLASS_##cls,                                              \
     .how = module "." name "=" takes " (" gives " gives it back)"},
#define PARAMETER_CAP(module, name, takes, gives, number)                                          \
    {MIG_REASON_PARAMETER, CAP(number), .class_ = MIG_CLASS_COUNT,                                 \
     .how = module "." name "=" takes " (" gives " gives it back)"},
#include "compat/parameter.def"
};

static const struct {
    const char *name, *value;
    struct mig_bit bit;
} switches[] = {
#define SWITCH(name, value, instead, field) {name, value, MIG_PLACE_BIT(field)},
#include "compat/switch.def"
};

static const struct {
    unsigned number;
    struct mig_reg reg;
} words[] = {
#define PLACE(leaf, subleaf, part_)                                                                \
    .reg.space = MIG_SPACE_CPUID, .reg.index = (leaf), .reg.sub = (subleaf), .reg.part = MIG_##part_
#define CPU_WORD(number, leaf, sub, part) {number, PLACE(leaf, sub, part)},
#include "compat/cpu_word.def"
};

static const struct {
    const char *name, *value; /* NULL: any */
    const char *until;        /* NULL: to this day */
    struct mig_bit bit;
} arm64_switches[] = {
#define SWITCH(name, value, until, reg, field) {name, value, until, MIG_ARM64_BIT(reg, field)},
#include "compat/arm64_switch.def"
};

static const struct {
    const char *how;
    struct mig_bit bit;
} arm64_kernels[] = {
#define HIDES(first, reg, field)                                                                   \
    {"KVM no longer shows all of it from Linux " first " on", MIG_ARM64_BIT(reg, field)},
#define SHOWS(first, reg, field)                                                                   \
    {"KVM shows all of it from Linux " first " on", MIG_ARM64_BIT(reg, field)},
#include "compat/arm64_kernel.def"
};

static bool is_on(const struct mig_field *f, struct mig_bit bit)
{
    return mig_reg_key(f->reg) == mig_reg_key(bit.reg) &&
           (mig_bits_mask(f->hi, f->lo) & bit.mask) != 0;
}

static void add(struct takers *list, enum mig_reason who, char *how)
{
    struct mig_taker *t = MIG_PUSH(list);

    t->who = who;
    t->how = how;
}

/* A module of the other vendor's CPUs. */
static bool is_foreign(const struct mig_field *f, const char *how)
{
    return (f->vendor == MIG_VENDOR_INTEL && mig_text_starts(how, "kvm_amd.")) ||
           (f->vendor == MIG_VENDOR_AMD && mig_text_starts(how, "kvm_intel."));
}

static bool is_about(const struct row *row, const struct mig_field *f)
{
    return row->class_ != MIG_CLASS_COUNT ? row->class_ == f->class_ : is_on(f, row->bit);
}

/* KVM's own work, whatever the kernel says of the CPU. */
static bool is_made_by_kvm(const struct mig_field *f)
{
    return f->class_ == MIG_CLASS_VMM || f->class_ == MIG_CLASS_NESTED;
}

/* KVM starts from what the kernel uses: one bit cleared there is gone here. */
static void add_cleared(struct takers *list, const struct mig_field *f)
{
    for (size_t i = 0; f->hi == f->lo && i < MIG_COUNT(words); i++) {
        if (mig_reg_key(words[i].reg) == mig_reg_key(f->reg)) {
            add(list, MIG_REASON_COMMAND_LINE,
                mig_strf("clearcpuid=%u", words[i].number * 32 + f->lo));
        }
    }
}

static void add_arm64(struct takers *list, const struct mig_field *f)
{
    for (size_t i = 0; i < MIG_COUNT(arm64_kernels); i++) {
        if (is_on(f, arm64_kernels[i].bit)) {
            add(list, MIG_REASON_KERNEL, mig_strdup(arm64_kernels[i].how));
        }
    }
    for (size_t i = 0; i < MIG_COUNT(arm64_switches); i++) {
        const char *value = arm64_switches[i].value, *until = arm64_switches[i].until;

        if (is_on(f, arm64_switches[i].bit)) {
            add(list, MIG_REASON_COMMAND_LINE,
                mig_strf("%s%s%s%s%s", arm64_switches[i].name, value != NULL ? "=" : "",
                         value != NULL ? value : "", until != NULL ? ", before Linux " : "",
                         until != NULL ? until : ""));
        }
    }
}

struct mig_taker *mig_taker_all(const struct mig_field *f, size_t *ret_len)
{
    struct takers list = {0};

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (is_about(&rows[i], f) && !is_foreign(f, rows[i].how)) {
            add(&list, rows[i].who, mig_strdup(rows[i].how));
        }
    }
    for (size_t i = 0; i < MIG_COUNT(switches); i++) {
        if (is_on(f, switches[i].bit)) {
            add(&list, MIG_REASON_COMMAND_LINE,
                mig_strf("%s%s%s", switches[i].name, switches[i].value[0] != '\0' ? "=" : "",
                         switches[i].value));
        }
    }
    add_arm64(&list, f);
    if (f->offer != MIG_OFFER_NEVER && !is_made_by_kvm(f)) {
        add_cleared(&list, f);
    }
    *ret_len = list.len;
    return list.items;
}
