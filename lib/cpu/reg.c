/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/reg.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cpu/arm64_reg.h"
#include "cpu/host.h"

/* How the part behind the prefix is written. */
enum form { FORM_CPUID, FORM_NUMBER, FORM_ARM64, FORM_CAP, FORM_NAMED };

static const struct {
    const char *prefix;
    enum form form;
} spaces[MIG_SPACE_COUNT] = {
    [MIG_SPACE_CPUID] = {"x86/cpuid/",          FORM_CPUID },
    [MIG_SPACE_CPUID_BARE] = {"x86/cpuid-bare/",     FORM_CPUID },
    [MIG_SPACE_CPUID_EMULATED] = {"x86/cpuid-emulated/", FORM_CPUID },
    [MIG_SPACE_CPUID_HV] = {"x86/cpuid-hv/",       FORM_CPUID },
    [MIG_SPACE_MSR] = {"x86/msr/",            FORM_NUMBER},
    [MIG_SPACE_MSR_LIST] = {"x86/msr-list/",       FORM_NUMBER},
    [MIG_SPACE_IDREG] = {"arm64/",              FORM_ARM64 },
    [MIG_SPACE_CAP] = {"kvm/cap/",            FORM_CAP   },
    [MIG_SPACE_HOST] = {"host/",               FORM_NAMED },
    [MIG_SPACE_GUEST] = {"guest/",              FORM_NAMED },
    [MIG_SPACE_VIRTIO] = {"virtio/",             FORM_NAMED },
    [MIG_SPACE_IDREG_MASK] = {"arm64/writable/",     FORM_ARM64 },
    [MIG_SPACE_REG_LIST] = {"arm64/reg-list/",     FORM_ARM64 },
};

/* A KVM register id: architecture 6, size at bit 52, then nothing down to the
 * 32 bits that name the register. */
#define ARM64_ARCHITECTURE UINT64_C(0x6000000000000000)
#define ARM64_SIZE_SHIFT 52
#define ARM64_SIZE_MAX 0xf

const char *mig_part_name(enum mig_part part)
{
    static const char *const names[] = {
        [MIG_EAX] = "eax", [MIG_EBX] = "ebx", [MIG_ECX] = "ecx", [MIG_EDX] = "edx"};

    return (unsigned)part <= MIG_EDX ? names[part] : "?";
}

unsigned mig_reg_width(struct mig_reg reg)
{
    return reg.space <= MIG_SPACE_CPUID_HV ? 32 : 64;
}

static void print_named(const char *prefix, const char *name, uint32_t number,
                        char ret[MIG_REG_TEXT_MAX])
{
    if (name != NULL) {
        (void)snprintf(ret, MIG_REG_TEXT_MAX, "%s%s", prefix, name);
    } else {
        (void)snprintf(ret, MIG_REG_TEXT_MAX, "%s%" PRIx32, prefix, number);
    }
}

/* NULL: the item has no name. */
static const char *item_name(struct mig_reg reg)
{
    if (reg.space == MIG_SPACE_HOST && reg.index < MIG_HOST_COUNT) {
        return mig_host_name((enum mig_host_item)reg.index);
    }
    if (reg.space == MIG_SPACE_GUEST && reg.index < MIG_GUEST_COUNT) {
        return mig_guest_name((enum mig_guest_item)reg.index);
    }
    return reg.space == MIG_SPACE_VIRTIO ? mig_virtio_name(reg.index) : NULL;
}

uint64_t mig_reg_arm64_id(struct mig_reg reg)
{
    return ARM64_ARCHITECTURE | (uint64_t)reg.sub << ARM64_SIZE_SHIFT | reg.index;
}

static void print_id(const char *prefix, struct mig_reg reg, char ret[MIG_REG_TEXT_MAX])
{
    (void)snprintf(ret, MIG_REG_TEXT_MAX, "%s%016" PRIx64, prefix, mig_reg_arm64_id(reg));
}

static void print_arm64(const char *prefix, struct mig_reg reg, char ret[MIG_REG_TEXT_MAX])
{
    const char *name = mig_arm64_reg_name(reg);

    if (name != NULL) {
        (void)snprintf(ret, MIG_REG_TEXT_MAX, "%s%s", prefix, name);
    } else {
        print_id(prefix, reg, ret);
    }
}

void mig_reg_print(struct mig_reg reg, char ret[MIG_REG_TEXT_MAX])
{
    const char *prefix;

    if ((unsigned)reg.space >= MIG_SPACE_COUNT) {
        (void)snprintf(ret, MIG_REG_TEXT_MAX, "unknown/%016" PRIx64, mig_reg_key(reg));
        return;
    }
    prefix = spaces[reg.space].prefix;
    switch (spaces[reg.space].form) {
    case FORM_CPUID:
        (void)snprintf(ret, MIG_REG_TEXT_MAX, "%s%" PRIx32 ".%x/%s", prefix, reg.index,
                       (unsigned)reg.sub, mig_part_name(reg.part));
        break;
    case FORM_NUMBER:
        print_named(prefix, NULL, reg.index, ret);
        break;
    case FORM_ARM64:
        print_arm64(prefix, reg, ret);
        break;
    case FORM_CAP:
        print_named(prefix, mig_cap_name(reg.index), reg.index, ret);
        break;
    case FORM_NAMED:
        print_named(prefix, item_name(reg), reg.index, ret);
        break;
    }
}

static bool parse_part(const char *text, enum mig_part *ret)
{
    for (enum mig_part part = MIG_EAX; part <= MIG_EDX; part++) {
        if (strcmp(text, mig_part_name(part)) == 0) {
            *ret = part;
            return true;
        }
    }
    return false;
}

static bool parse_cpuid(const char *text, struct mig_reg *reg)
{
    const char *dot = strchr(text, '.'), *slash = strchr(text, '/');
    uint64_t leaf, sub;

    if (dot == NULL || slash == NULL || slash < dot ||
        !mig_text_digits(text, (size_t)(dot - text), 16, UINT32_MAX, &leaf) ||
        !mig_text_digits(dot + 1, (size_t)(slash - dot - 1), 16, UINT16_MAX, &sub) ||
        !parse_part(slash + 1, &reg->part)) {
        return false;
    }
    reg->index = (uint32_t)leaf;
    reg->sub = (uint16_t)sub;
    return true;
}

static bool parse_number(const char *text, struct mig_reg *reg)
{
    uint64_t number;

    if (!mig_text_digits(text, strlen(text), 16, UINT32_MAX, &number)) {
        return false;
    }
    reg->index = (uint32_t)number;
    return true;
}

static bool parse_arm64(const char *text, struct mig_reg *reg)
{
    uint64_t id;

    if (mig_arm64_reg_parse(text, reg)) {
        return true;
    }
    if (!mig_text_digits(text, strlen(text), 16, UINT64_MAX, &id)) {
        return false;
    }
    reg->index = (uint32_t)id;
    reg->sub = (uint16_t)(id >> ARM64_SIZE_SHIFT & ARM64_SIZE_MAX);
    return true; /* other bits that are set show as another spelling */
}

/* More items than any of these spaces names. */
#define NAMED_MAX 64

static bool parse_named(const char *text, struct mig_reg *reg)
{
    for (reg->index = 0; reg->index < NAMED_MAX; reg->index++) {
        const char *name = item_name(*reg);

        if (name != NULL && strcmp(text, name) == 0) {
            return true;
        }
    }
    return parse_number(text, reg);
}

static bool parse_rest(enum form form, const char *text, struct mig_reg *reg)
{
    switch (form) {
    case FORM_CPUID:
        return parse_cpuid(text, reg);
    case FORM_NUMBER:
        return parse_number(text, reg);
    case FORM_ARM64:
        return parse_arm64(text, reg);
    case FORM_CAP:
        return mig_cap_parse(text, &reg->index) || parse_number(text, reg);
    case FORM_NAMED:
        return parse_named(text, reg);
    }
    return false;
}

static const char *form_hint(enum form form)
{
    static const char *const hints[] = {
        [FORM_CPUID] = "LEAF.SUBLEAF/REGISTER in hex such as 7.0/ebx",
        [FORM_NUMBER] = "an index in hex such as 10a",
        [FORM_ARM64] = "a name such as ID_AA64ISAR0_EL1, or a KVM register id of 16 hex digits",
        [FORM_CAP] = "a KVM capability such as NESTED_STATE",
        [FORM_NAMED] = "a property such as tsc-khz, xcr0 or net",
    };

    return hints[form];
}

/* Sizes of caches had no names when snapshots began to be filed. */
static bool is_older_spelling(const char *text, struct mig_reg reg)
{
    char older[MIG_REG_TEXT_MAX];

    print_id(spaces[reg.space].prefix, reg, older);
    return mig_reg_is_arm64(reg) && reg.index < MIG_ARM64_SYSTEM && strcmp(text, older) == 0;
}

/* Only the canonical spelling is taken, so that one register has one text. */
static bool check_spelling(const char *text, struct mig_reg reg, struct mig_error *err)
{
    char canonical[MIG_REG_TEXT_MAX];

    mig_reg_print(reg, canonical);
    return strcmp(text, canonical) == 0 || is_older_spelling(text, reg) ||
           mig_fail(err, MIG_FORMAT, "register '%.*s': expected '%s'", MIG_REG_TEXT_MAX, text,
                    canonical);
}

/* Later prefixes may be longer forms of earlier ones. */
static bool find_space(const char *text, unsigned *ret)
{
    for (unsigned space = MIG_SPACE_COUNT; space-- > 0;) {
        if (mig_text_starts(text, spaces[space].prefix)) {
            *ret = space;
            return true;
        }
    }
    return false;
}

bool mig_reg_parse(const char *text, struct mig_reg *ret, struct mig_error *err)
{
    unsigned space;

    if (find_space(text, &space)) {
        struct mig_reg reg = {.space = (enum mig_space)space};

        if (!parse_rest(spaces[space].form, text + strlen(spaces[space].prefix), &reg)) {
            return mig_fail(err, MIG_FORMAT, "register '%.*s': expected %s after '%s'",
                            MIG_REG_TEXT_MAX, text, form_hint(spaces[space].form),
                            spaces[space].prefix);
        }
        if (!check_spelling(text, reg, err)) {
            return false;
        }
        *ret = reg;
        return true;
    }
    return mig_fail(err, MIG_FORMAT,
                    "register '%.*s': expected x86/cpuid/..., x86/msr/..., arm64/..., "
                    "kvm/cap/..., host/..., guest/... or virtio/...",
                    MIG_REG_TEXT_MAX, text);
}
