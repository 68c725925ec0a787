/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/node.h"

#define SOURCE "Firecracker CPU fingerprint"

/*
 * What a guest of one vCPU saw under KVM, as a CPU template: "0b" strings,
 * highest bit first, where '_' separates and 'x' would mean "as the host has
 * it", which is no answer here.
 */
bool mig_import_firecracker_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "\"guest_cpu_config\"", 18) != NULL;
}

/* Number of a string with the prefix 0x or 0b. */
static bool read_number(const struct mig_node *object, const char *key, uint64_t max, uint64_t *ret,
                        struct mig_error *err)
{
    const char *text;
    unsigned base;

    if (!mig_node_get_text(object, key, &text, err)) {
        return false;
    }
    base = strncmp(text, "0x", 2) == 0 ? 16 : strncmp(text, "0b", 2) == 0 ? 2 : 0;
    if (base == 0 || !mig_text_digits(text + 2, strlen(text + 2), base, max, ret)) {
        return mig_node_fail(object, err, "%s '%.40s' is no number from 0x0 to 0x%llx", key, text,
                             (unsigned long long)max);
    }
    return true;
}

/* @width symbols at most; what a shorter one leaves out on top is 0.  A
 * register of 128 bits must have its upper half clear. */
static bool read_bitmap(const struct mig_node *object, const char *what, unsigned width,
                        uint64_t *ret, struct mig_error *err)
{
    uint64_t value = 0, lost = 0;
    unsigned symbols = 0;
    const char *text;

    if (!mig_node_get_text(object, "bitmap", &text, err)) {
        return false;
    }
    for (const char *p = strncmp(text, "0b", 2) == 0 ? text + 2 : text; *p != '\0'; p++) {
        if (*p == '_') {
            continue;
        }
        if (*p == 'x') {
            return mig_node_fail(object, err, "bitmap of %s holds 'x', an unknown bit", what);
        }
        if (*p != '0' && *p != '1') {
            return mig_node_fail(object, err, "bitmap of %s holds '%c'", what, *p);
        }
        lost |= value >> 63;
        value = value << 1 | (uint64_t)(*p == '1');
        symbols++;
    }
    if (symbols == 0 || symbols > width || lost != 0) {
        return mig_node_fail(object, err, "bitmap of %s has %u symbols, expected 1 to %u", what,
                             symbols, width);
    }
    *ret = value;
    return true;
}

/* What is being filled, and the key of each register that was given. */
struct reading {
    struct mig_builder *builder;
    uint64_t *items;
    size_t len, cap;
};

static void reading_clear_auto(struct reading *r)
{
    mig_builder_free(r->builder);
    mig_free(r->items);
}

/* A register given twice is refused even if both agree. */
static bool take(struct reading *r, const struct mig_node *n, struct mig_reg reg,
                 struct mig_error *err)
{
    uint64_t key = mig_reg_key(reg);

    for (size_t i = 0; i < r->len; i++) {
        if (r->items[i] == key) {
            char what[MIG_REG_TEXT_MAX];

            mig_reg_print(reg, what);
            return mig_node_fail(n, err, "%s is there twice", what);
        }
    }
    if (r->len == MIG_ENTRIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d registers", MIG_ENTRIES_MAX);
    }
    *MIG_PUSH(r) = key;
    return true;
}

static bool read_value(struct reading *r, const struct mig_node *n, struct mig_reg reg,
                       unsigned width, bool wanted, struct mig_error *err)
{
    char what[MIG_REG_TEXT_MAX];
    uint64_t value;

    mig_reg_print(reg, what);
    if (!take(r, n, reg, err) || !read_bitmap(n, what, width, &value, err)) {
        return false;
    }
    if (wanted) {
        mig_builder_set(r->builder, reg, value);
    }
    return true;
}

static bool read_part(const struct mig_node *n, enum mig_part *ret, struct mig_error *err)
{
    const char *text;

    if (!mig_node_get_text(n, "register", &text, err)) {
        return false;
    }
    for (enum mig_part part = MIG_EAX; part <= MIG_EDX; part++) {
        if (strcmp(text, mig_part_name(part)) == 0) {
            *ret = part;
            return true;
        }
    }
    return mig_node_fail(n, err, "register '%.40s' is not eax, ebx, ecx or edx", text);
}

static bool read_leaf(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    struct mig_node registers, item;
    uint64_t leaf, sub;

    if (!read_number(n, "leaf", UINT32_MAX, &leaf, err) ||
        !read_number(n, "subleaf", UINT16_MAX, &sub, err) ||
        !mig_node_get(n, "modifiers", JSON_ARRAY, &registers, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(registers.json); i++) {
        enum mig_part part;

        if (!mig_node_element(&registers, i, JSON_OBJECT, &item, err) ||
            !read_part(&item, &part, err) ||
            !read_value(r, &item, mig_reg_cpuid((uint32_t)leaf, (uint16_t)sub, part), 32, true,
                        err)) {
            return false;
        }
    }
    return true;
}

static bool read_msr(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    uint64_t index;

    return read_number(n, "addr", UINT32_MAX, &index, err) &&
           read_value(r, n, mig_reg_msr((uint32_t)index), 64, mig_import_takes_msr((uint32_t)index),
                      err);
}

static bool read_idreg(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    struct mig_reg reg;
    uint64_t id;

    if (!read_number(n, "addr", UINT64_MAX, &id, err)) {
        return false;
    }
    if (!mig_import_takes_idreg(id)) {
        return true;
    }
    reg = mig_reg_plain(MIG_SPACE_IDREG, (uint32_t)id);
    reg.sub = (uint16_t)(id >> 52 & 15);
    return read_value(r, n, reg, 128, true, err);
}

typedef bool read_fn(struct reading *r, const struct mig_node *n, struct mig_error *err);

static bool read_list(struct reading *r, const struct mig_node *config, const char *key,
                      read_fn *read, struct mig_error *err)
{
    struct mig_node list, item;

    if (!mig_node_get(config, key, JSON_ARRAY, &list, err)) {
        return false;
    }
    for (size_t i = 0; i < json_array_size(list.json); i++) {
        if (!mig_node_element(&list, i, JSON_OBJECT, &item, err) || !read(r, &item, err)) {
            return false;
        }
    }
    return true;
}

static bool read_facts(const struct mig_node *root, struct mig_builder *b, struct mig_error *err)
{
    static const struct {
        const char *key, *fact;
    } rows[] = {
        {"kernel_version",      "kernel.release"   },
        {"microcode_version",   "microcode"        },
        {"bios_version",        "firmware.version" },
        {"bios_revision",       "firmware.revision"},
        {"firecracker_version", "vmm.firecracker"  },
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        const char *text;

        if (!mig_node_get_text(root, rows[i].key, &text, err)) {
            return false;
        }
        mig_builder_add_fact(b, rows[i].fact, text, SOURCE);
    }
    return true;
}

static bool read_x86(struct reading *r, const struct mig_node *config, struct mig_error *err)
{
    mig_builder_cover(r->builder, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(r->builder, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    return read_list(r, config, "cpuid_modifiers", read_leaf, err) &&
           read_list(r, config, "msr_modifiers", read_msr, err);
}

static bool read_arm64(struct reading *r, const struct mig_node *config, struct mig_error *err)
{
    mig_builder_cover(r->builder, MIG_GROUP_IDREG, MIG_COVER_FULL, 0, SOURCE);
    return read_list(r, config, "reg_modifiers", read_idreg, err);
}

static bool read_document(const struct mig_node *root, struct mig_snapshot **ret,
                          struct mig_error *err)
{
    static const char *const keys[] = {"firecracker_version",
                                       "kernel_version",
                                       "microcode_version",
                                       "bios_version",
                                       "bios_revision",
                                       "guest_cpu_config",
                                       NULL};
    MIG_AUTO(reading_clear) struct reading r = {0};
    struct mig_node config;
    bool arm64;

    if (!mig_node_check_object(root, keys, err) ||
        !mig_node_get(root, "guest_cpu_config", JSON_OBJECT, &config, err)) {
        return false;
    }
    arm64 = json_object_get(config.json, "reg_modifiers") != NULL;
    r.builder = mig_builder_new(arm64 ? MIG_ARCH_ARM64 : MIG_ARCH_X86);
    mig_builder_cover(r.builder, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(r.builder, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    return read_facts(root, r.builder, err) && (arm64 ? read_arm64 : read_x86)(&r, &config, err) &&
           mig_import_finish(r.builder, "firecracker-fingerprint", ret, err);
}

bool mig_import_firecracker_read(const char *text, size_t len, struct mig_snapshot **ret,
                                 struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root;

    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    return read_document(&root, ret, err);
}
