/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/setting.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "cpu/place.h"

#define FACT_MAX 128
#define WHERE "the kernel command line (GRUB_CMDLINE_LINUX)"
#define OFF NULL
#define ANY NULL
#define NO_CLASS MIG_CLASS_COUNT
#define CAP_BIT(number) .bit.reg.space = MIG_SPACE_CAP, .bit.reg.index = (number), .bit.mask = 1

/* Text that sysfs and the command line have for "no". */
static bool is_off(const char *value)
{
    static const char *const words[] = {"0", "N", "n", "off"};

    for (size_t i = 0; i < MIG_COUNT(words); i++) {
        if (strcmp(value, words[i]) == 0) {
            return true;
        }
    }
    return false;
}

#define PLACE(leaf, subleaf, register)                                                             \
    .reg.space = MIG_SPACE_CPUID, .reg.index = (leaf), .reg.sub = (subleaf),                       \
    .reg.part = MIG_##register

struct parameter {
    const char *module, *name, *takes, *gives; /* takes NULL: is_off() */
    enum mig_class class_;                     /* NO_CLASS: the row is about @bit */
    struct mig_bit bit;
};

static const struct parameter parameters[] = {
#define PARAMETER(module, name, takes, gives, field)                                               \
    {module, name, takes, gives, NO_CLASS, MIG_PLACE_BIT(field)},
#define PARAMETER_CLASS(module, name, takes, gives, class_)                                        \
    {module, name, takes, gives, MIG_CLASS_##class_, .bit.mask = 0},
#define PARAMETER_CAP(module, name, takes, gives, number)                                          \
    {module, name, takes, gives, NO_CLASS, CAP_BIT(number)},
#include "compat/parameter.def"
};

static bool concerns(const struct parameter *p, const struct mig_lack *l)
{
    return p->class_ != NO_CLASS ? l->field != NULL && l->field->class_ == p->class_
                                 : mig_lack_is_of(l, p->bit);
}

static const char *value_in(const struct mig_lack *l, const char *where, const struct parameter *p)
{
    char fact[FACT_MAX];

    (void)snprintf(fact, sizeof fact, "%s.%s.%s", where, p->module, p->name);
    return mig_lack_fact(l, fact);
}

static bool takes(const struct parameter *p, const char *value)
{
    return value != NULL && (p->takes == OFF ? is_off(value) : strcmp(value, p->takes) == 0);
}

static bool find_parameter(const struct mig_lack *l, struct mig_setting *ret)
{
    for (size_t i = 0; i < MIG_COUNT(parameters); i++) {
        const struct parameter *p = &parameters[i];
        const char *loaded, *booted;

        if (!concerns(p, l)) {
            continue;
        }
        loaded = value_in(l, "kvm.param", p);
        booted = value_in(l, "cmdline", p);
        if (!takes(p, loaded != NULL ? loaded : booted)) {
            continue;
        }
        ret->reason = MIG_REASON_PARAMETER;
        ret->certain = p->class_ != NO_CLASS;
        ret->remedy = takes(p, booted)
                          ? mig_strf("on %s, write %s.%s=%s instead of %s on " WHERE " and reboot",
                                     l->misses->name, p->module, p->name, p->gives, booted)
                          : mig_strf("on %s, load %s with %s=%s (options line in /etc/modprobe.d)",
                                     l->misses->name, p->module, p->name, p->gives);
        return true;
    }
    return false;
}

static const struct {
    const char *name, *value, *instead;
    struct mig_bit bit;
} switches[] = {
#define SWITCH(name, value, instead, field) {name, value, instead, MIG_PLACE_BIT(field)},
#include "compat/switch.def"
};

/* Of "off", "off,nosmt" and, given twice, "on off". */
static bool has_word(const char *list, const char *word)
{
    size_t len = strlen(word);

    for (const char *at = list; *at != '\0'; at += strcspn(at, ", "), at += strspn(at, ", ")) {
        if (strncmp(at, word, len) == 0 && strcspn(at, ", ") == len) {
            return true;
        }
    }
    return false;
}

/* What the switch of @row is set to, where that takes something. */
static const char *switched(const struct mig_lack *l, size_t row)
{
    const char *wanted = switches[row].value, *value;
    char fact[FACT_MAX];

    (void)snprintf(fact, sizeof fact, "cmdline.%s", switches[row].name);
    value = mig_lack_fact(l, fact);
    return value == NULL || wanted == ANY || has_word(value, wanted) ? value : NULL;
}

static void blame_switch(const struct mig_lack *l, size_t row, const char *value,
                         struct mig_setting *ret)
{
    const char *name = switches[row].name, *instead = switches[row].instead;
    MIG_AUTO(mig_free)
    char *text = switches[row].value == ANY ? mig_strdup(name) : mig_strf("%s=%s", name, value);

    ret->reason = MIG_REASON_COMMAND_LINE;
    ret->remedy =
        instead != NULL
            ? mig_strf("on %s, write %s instead of %s on " WHERE " and reboot, or boot guests "
                       "without it",
                       l->misses->name, instead, text)
            : mig_strf("on %s, remove %s from " WHERE " and reboot", l->misses->name, text);
}

static bool find_switch(const struct mig_lack *l, struct mig_setting *ret)
{
    for (size_t i = 0; i < MIG_COUNT(switches); i++) {
        const char *value = mig_lack_is_of(l, switches[i].bit) ? switched(l, i) : NULL;

        if (value != NULL) {
            blame_switch(l, i, value, ret);
            return true;
        }
    }
    return false;
}

/* The bit that one word of clearcpuid= means; mask 0: none that we know. */
static struct mig_bit cleared_by(const char *word)
{
    static const struct {
        unsigned number;
        struct mig_reg reg;
    } words[] = {
#define CPU_WORD(number, leaf, sub, part) {number, PLACE(leaf, sub, part)},
#include "compat/cpu_word.def"
    };
    const struct mig_field *f;
    uint64_t number;

    if (mig_text_digits(word, strlen(word), 10, UINT16_MAX, &number)) {
        for (size_t i = 0; i < MIG_COUNT(words); i++) {
            if (words[i].number == number / 32) {
                return (struct mig_bit){words[i].reg, UINT64_C(1) << number % 32};
            }
        }
        return (struct mig_bit){{0}, 0};
    }
    f = mig_field_find(word);
    return f != NULL && f->hi == f->lo ? (struct mig_bit){f->reg, UINT64_C(1) << f->lo}
                                       : (struct mig_bit){{0}, 0};
}

/* What is a number to people, by its name. */
static char *describe(const char *word, struct mig_bit bit)
{
    const struct mig_field *f = mig_field_at(bit.reg, (unsigned)__builtin_ctzll(bit.mask));

    return f != NULL && strcmp(f->name, word) != 0 ? mig_strf("%s (%s)", word, f->name)
                                                   : mig_strdup(word);
}

static bool find_cleared(const struct mig_lack *l, struct mig_setting *ret)
{
    const char *list = mig_lack_fact(l, "cmdline.clearcpuid");
    MIG_AUTO(mig_free) char *copy = mig_strdup(list);
    char *rest = copy, *word;

    while ((word = strsep(&rest, ", ")) != NULL) {
        struct mig_bit bit = *word != '\0' ? cleared_by(word) : (struct mig_bit){{0}, 0};
        MIG_AUTO(mig_free) char *name = NULL;

        if (bit.mask == 0 || !mig_lack_is_of(l, bit)) {
            continue;
        }
        name = describe(word, bit);
        ret->reason = MIG_REASON_COMMAND_LINE;
        ret->remedy = strpbrk(list, ", ") == NULL
                          ? mig_strf("on %s, remove clearcpuid=%s from " WHERE " and reboot",
                                     l->misses->name, name)
                          : mig_strf("on %s, take %s out of clearcpuid= on " WHERE " and reboot",
                                     l->misses->name, name);
        return true;
    }
    return false;
}

bool mig_setting_find(const struct mig_lack *l, struct mig_setting *ret)
{
    *ret = (struct mig_setting){0};
    return find_parameter(l, ret) || find_switch(l, ret) || find_cleared(l, ret);
}
