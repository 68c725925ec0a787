/* SPDX-License-Identifier: Apache-2.0 */
#include "session/value_text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_core.h"
#include "cpu/arm64_name.h"
#include "cpu/arm64_reg.h"
#include "cpu/arm64_value.h"

static const struct {
    const char *name, *unit;
} units[] = {
#define UNIT(name, unit) {name, unit},
#include "session/unit.def"
};

/* NULL: not a measure. */
static const char *unit_of(const char *id, const char *name)
{
    const char *last = strrchr(id, '/');

    if (name == NULL || *name == '\0') {
        name = last != NULL ? last + 1 : id;
    }
    for (size_t i = 0; i < MIG_COUNT(units); i++) {
        if (strcmp(units[i].name, name) == 0) {
            return units[i].unit;
        }
    }
    return NULL;
}

/* "2 (pmull)" */
static bool print_named(const char *id, struct mig_seen seen, char ret[MIG_REPORT_VALUE_MAX])
{
    const struct mig_field *f = mig_text_starts(id, "arm64/") ? mig_field_find(id) : NULL;
    char name[MIG_ARM64_NAME_MAX], number[MIG_ARM64_NAME_MAX];

    if (f == NULL || seen.known != MIG_KNOWN || mig_arm64_value_name(f, seen.value) == NULL) {
        return false;
    }
    mig_arm64_name_value(f, seen.value, name);
    mig_arm64_name_number(f, seen.value, number);
    (void)snprintf(ret, MIG_REPORT_VALUE_MAX, "%.10s (%.18s)", number, name);
    return true;
}

/* "Neoverse-N1 r3p1 (0x413fd0c1)" */
static bool print_core(const char *id, struct mig_seen seen, char ret[MIG_REPORT_VALUE_MAX])
{
    char midr[MIG_REG_TEXT_MAX];

    mig_reg_print(mig_reg_arm64(MIG_ARM64_MIDR_EL1), midr);
    if (strcmp(id, midr) != 0 || seen.known != MIG_KNOWN ||
        mig_arm64_core_name(seen.value) == NULL) {
        return false;
    }
    _Static_assert(MIG_ARM64_CORE_MAX <= MIG_REPORT_VALUE_MAX, "a core finds no room");
    mig_arm64_core_print(seen.value, ret);
    return true;
}

void mig_value_text_measure(const char *id, const char *name, struct mig_seen seen,
                            char ret[MIG_REPORT_VALUE_MAX])
{
    const char *unit = unit_of(id, name);

    if (print_named(id, seen, ret) || print_core(id, seen, ret)) {
        return;
    }
    if (unit == NULL || seen.known != MIG_KNOWN) {
        mig_report_text_value(seen, ret);
    } else {
        (void)snprintf(ret, MIG_REPORT_VALUE_MAX, "%" PRIu64 "%s%s", seen.value,
                       *unit != '\0' ? " " : "", unit);
    }
}

bool mig_value_text_is_news(const char *id, const char *name)
{
    const char *last = strrchr(id, '/'), *dot = strchr(name, '.');

    if (dot != NULL && last != NULL && strcmp(last + 1, dot + 1) == 0) {
        return false; /* "CTR_EL0.IDC" of "arm64/CTR_EL0/IDC" */
    }
    return *name != '\0' && (last == NULL || strcmp(last + 1, name) != 0);
}

static void hex(uint32_t number, char ret[12])
{
    (void)snprintf(ret, 12, number < 10 ? "%" PRIu32 : "0x%" PRIx32, number);
}

static void print_cpuid(const char *kind, struct mig_reg reg, char ret[MIG_VALUE_TEXT_PLACE_MAX])
{
    const char *part = mig_part_name(reg.part);
    char leaf[12], subleaf[12];

    hex(reg.index, leaf);
    hex(reg.sub, subleaf);
    (void)snprintf(ret, MIG_VALUE_TEXT_PLACE_MAX, "%s leaf %s subleaf %s, %c%c%c", kind, leaf,
                   subleaf, toupper(part[0]), toupper(part[1]), toupper(part[2]));
}

static void print_register(struct mig_reg reg, char ret[MIG_VALUE_TEXT_PLACE_MAX])
{
    char text[MIG_REG_TEXT_MAX];

    mig_reg_print(reg, text);
    ret[0] = '\0';
    switch (reg.space) {
    case MIG_SPACE_CPUID:
        print_cpuid("CPUID", reg, ret);
        break;
    case MIG_SPACE_CPUID_BARE:
        print_cpuid("CPUID before tile permission,", reg, ret);
        break;
    case MIG_SPACE_CPUID_EMULATED:
        print_cpuid("emulated CPUID", reg, ret);
        break;
    case MIG_SPACE_CPUID_HV:
        print_cpuid("Hyper-V CPUID", reg, ret);
        break;
    case MIG_SPACE_MSR:
        (void)snprintf(ret, MIG_VALUE_TEXT_PLACE_MAX, "MSR 0x%" PRIx32 ",", reg.index);
        break;
    case MIG_SPACE_MSR_LIST:
        (void)snprintf(ret, MIG_VALUE_TEXT_PLACE_MAX, "MSR 0x%" PRIx32 " among those KVM saves",
                       reg.index);
        break;
    case MIG_SPACE_IDREG:
        (void)snprintf(ret, MIG_VALUE_TEXT_PLACE_MAX, "ID register %s,", text + strlen("arm64/"));
        break;
    case MIG_SPACE_VIRTIO:
        (void)snprintf(ret, MIG_VALUE_TEXT_PLACE_MAX, "features of virtio device %s,",
                       text + strlen("virtio/"));
        break;
    case MIG_SPACE_CAP:
    case MIG_SPACE_HOST:
    case MIG_SPACE_GUEST:
    case MIG_SPACE_IDREG_MASK:
    case MIG_SPACE_REG_LIST:
    case MIG_SPACE_COUNT:
        break;
    }
}

/* What stands behind the register in the id: "14", "31:16", or "".  Ids of
 * arm64 have a name there. */
static const char *bits_of(const struct mig_finding *f, char own[8])
{
    char text[MIG_REG_TEXT_MAX];
    size_t len;

    if (f->field != NULL && f->field->reg.space == MIG_SPACE_IDREG) {
        (void)snprintf(own, 8, f->field->hi > f->field->lo ? "%u:%u" : "%u", f->field->hi,
                       f->field->lo);
        return own;
    }
    mig_reg_print(mig_reg_from_key(f->key), text);
    len = strlen(text);
    return strncmp(f->id, text, len) == 0 && f->id[len] == '/' ? &f->id[len + 1] : "";
}

void mig_value_text_place(const struct mig_finding *f, char ret[MIG_VALUE_TEXT_PLACE_MAX])
{
    char own[8];
    const char *bits;
    size_t len;

    ret[0] = '\0';
    if (f->key == UINT64_MAX) {
        return;
    }
    print_register(mig_reg_from_key(f->key), ret);
    bits = bits_of(f, own);
    len = strlen(ret);
    if (len > 0 && *bits != '\0') {
        (void)snprintf(&ret[len], MIG_VALUE_TEXT_PLACE_MAX - len, " bit%s %s",
                       strchr(bits, ':') != NULL ? "s" : "", bits);
    } else if (len > 0 && ret[len - 1] == ',') {
        ret[len - 1] = '\0';
    }
}
