/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "cpu/arm64_reg.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/keyset.h"
#include "snapshot/node.h"
#include "snapshot/onereg.h"

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

/* Bits of a register, low half first. */
struct bitmap {
    uint64_t halves[2];
    bool open; /* some are as the host has them */
};

/* @width symbols at most; what a shorter one leaves out on top is 0. */
static bool read_bitmap(const struct mig_node *object, const char *what, unsigned width,
                        bool may_be_open, struct bitmap *ret, struct mig_error *err)
{
    struct bitmap bits = {0};
    unsigned symbols = 0;
    const char *text;

    if (!mig_node_get_text(object, "bitmap", &text, err)) {
        return false;
    }
    for (const char *p = strncmp(text, "0b", 2) == 0 ? text + 2 : text; *p != '\0'; p++) {
        if (*p == '_') {
            continue;
        }
        if (*p == 'x' && !may_be_open) {
            return mig_node_fail(object, err, "bitmap of %s holds 'x', an unknown bit", what);
        }
        bits.open = bits.open || *p == 'x';
        if (*p != '0' && *p != '1' && *p != 'x') {
            return mig_node_fail(object, err, "bitmap of %s holds '%c'", what, *p);
        }
        bits.halves[1] = bits.halves[1] << 1 | bits.halves[0] >> 63;
        bits.halves[0] = bits.halves[0] << 1 | (uint64_t)(*p == '1');
        symbols++;
    }
    if (symbols == 0 || symbols > width) {
        return mig_node_fail(object, err, "bitmap of %s has %u symbols, expected 1 to %u", what,
                             symbols, width);
    }
    *ret = bits;
    return true;
}

/* What is being filled, and the key of each register that was given. */
struct reading {
    struct mig_builder *builder;
    struct mig_keyset seen;
    bool is_template;
    bool is_dump; /* of a template: one that tells all that a guest saw */
    bool open;    /* it leaves bits to the host */
};

static void reading_clear_auto(struct reading *r)
{
    mig_builder_free(r->builder);
    mig_keyset_clear(&r->seen);
}

/* Does Firecracker write this one itself, whatever a template says? */
static bool is_normalised(struct mig_reg reg)
{
    static const struct {
        uint32_t first, last;
        const char *parts;
    } rows[] = {
#define NORMALISED(first, last, parts, why) {first, last, parts},
#include "snapshot/firecracker_leaf.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows) && reg.space == MIG_SPACE_CPUID; i++) {
        if (reg.index >= rows[i].first && reg.index <= rows[i].last &&
            strchr(rows[i].parts, "abcd"[reg.part]) != NULL) {
            return true;
        }
    }
    return false;
}

/* A limit stays one. */
static bool take(struct reading *r, const struct mig_node *n, struct mig_reg reg,
                 struct mig_error *err)
{
    return mig_keyset_add(&r->seen, reg, err) || mig_wrap(err, "%s", n->path);
}

static bool read_value(struct reading *r, const struct mig_node *n, struct mig_reg reg, bool wanted,
                       struct mig_error *err)
{
    char what[MIG_REG_TEXT_MAX];
    struct bitmap bits;

    mig_reg_print(reg, what);
    if (!take(r, n, reg, err) ||
        !read_bitmap(n, what, mig_reg_width(reg), r->is_template, &bits, err)) {
        return false;
    }
    r->open = r->open || bits.open;
    if (wanted && !bits.open && !(r->is_template && !r->is_dump && is_normalised(reg))) {
        mig_builder_set(r->builder, reg, bits.halves[0]);
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
            !read_value(r, &item, mig_reg_cpuid((uint32_t)leaf, (uint16_t)sub, part), true, err)) {
            return false;
        }
    }
    return true;
}

static bool read_msr(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    uint64_t index;

    return read_number(n, "addr", UINT32_MAX, &index, err) &&
           read_value(r, n, mig_reg_msr((uint32_t)index), mig_import_takes_msr((uint32_t)index),
                      err);
}

#define ARM64_WIDTH_MAX 128 /* of any bitmap, whatever the register has */

/* Bits above a register's own: of one read in the other byte order all are. */
static bool check_width(const struct mig_node *n, struct mig_reg reg, const struct bitmap *bits,
                        struct mig_error *err)
{
    unsigned width = mig_onereg_width(reg);
    char what[MIG_REG_TEXT_MAX];

    if (width >= ARM64_WIDTH_MAX ||
        (bits->halves[1] == 0 && (width >= 64 || bits->halves[0] >> width == 0))) {
        return true;
    }
    mig_reg_print(reg, what);
    return mig_node_fail(n, err, "bitmap of %s sets bits above its %u%s", what, width,
                         bits->halves[0] == 0 ? ", it looks byte-swapped" : "");
}

/* Every register is in KVM's list; few are more than state of the vCPU. */
static bool read_onereg(struct reading *r, const struct mig_node *n, struct mig_error *err)
{
    struct mig_reg reg = {0};
    char what[MIG_REG_TEXT_MAX];
    struct bitmap bits;
    uint64_t id;

    if (!read_number(n, "addr", UINT64_MAX, &id, err)) {
        return false;
    }
    if (!mig_onereg_from_id(id, &reg, err)) {
        return mig_wrap(err, "%s", n->path);
    }
    mig_reg_print(reg, what);
    if (!take(r, n, reg, err) ||
        !read_bitmap(n, what, ARM64_WIDTH_MAX, r->is_template, &bits, err) ||
        !check_width(n, reg, &bits, err)) {
        return false;
    }
    r->open = r->open || bits.open;
    if (bits.open) {
        return true;
    }
    if (!mig_onereg_is_core(reg) && !r->is_template) {
        mig_builder_set(r->builder, reg, 1);
    }
    if (mig_onereg_is_granted(reg)) {
        reg.space = MIG_SPACE_IDREG;
        mig_builder_set(r->builder, reg, bits.halves[0]);
    }
    return true;
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

/* On arm64 the tool has REVIDR_EL1, a number, for a microcode version. */
static void add_microcode(struct mig_builder *b, bool arm64, const char *text)
{
    MIG_AUTO(mig_free) char *number = NULL;
    uint64_t value;

    if (arm64 && mig_text_to_u64(text, UINT64_MAX, &value)) {
        number = mig_strf("0x%llx", (unsigned long long)value);
    }
    mig_builder_add_fact(b, arm64 ? "cpu.revidr" : "microcode", number != NULL ? number : text,
                         SOURCE);
}

static bool read_facts(const struct mig_node *root, struct mig_builder *b, bool arm64,
                       struct mig_error *err)
{
    static const struct {
        const char *key, *fact;
    } rows[] = {
        {"kernel_version",      "kernel.release"   },
        {"bios_version",        "firmware.version" },
        {"bios_revision",       "firmware.revision"},
        {"firecracker_version", "vmm.firecracker"  },
    };
    const char *text;

    if (!mig_node_get_text(root, "microcode_version", &text, err)) {
        return false;
    }
    add_microcode(b, arm64, text);
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
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

/* All of KVM's list but the program counter and the timers. */
static bool read_arm64(struct reading *r, const struct mig_node *config, struct mig_error *err)
{
    mig_builder_cover(r->builder, MIG_GROUP_IDREG, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(r->builder, MIG_GROUP_REG_LIST, MIG_COVER_PARTIAL, 0,
                      SOURCE ", without timers");
    return read_list(r, config, "reg_modifiers", read_onereg, err);
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
    return read_facts(root, r.builder, arm64, err) &&
           (arm64 ? read_arm64 : read_x86)(&r, &config, err) &&
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

/*
 * A CPU template as such: the guest_cpu_config above alone, "x" for what is
 * left to the host.  "cpu-template-helper template dump" writes one without x
 * that tells what a guest saw; any other tells it only of registers that are
 * given whole and that Firecracker does not write itself.
 */
#define TEMPLATE_SOURCE "Firecracker CPU template"
#define TEMPLATE_NAME "firecracker-template"

bool mig_import_firecracker_template_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "_modifiers\"", 11) != NULL &&
           (memmem(text, len, "\"cpuid_modifiers\"", 17) != NULL ||
            memmem(text, len, "\"msr_modifiers\"", 15) != NULL ||
            memmem(text, len, "\"reg_modifiers\"", 15) != NULL);
}

static bool read_if_there(struct reading *r, const struct mig_node *root, const char *key,
                          read_fn *read, struct mig_error *err)
{
    return json_object_get(root->json, key) == NULL || read_list(r, root, key, read, err);
}

static bool read_template(struct reading *r, const struct mig_node *root, struct mig_error *err)
{
    static const char *const keys[] = {"kvm_capabilities", "cpuid_modifiers", "msr_modifiers",
                                       "reg_modifiers",    "vcpu_features",   NULL};
    bool arm64 = json_object_get(root->json, "reg_modifiers") != NULL;
    enum mig_coverage coverage = r->is_dump ? MIG_COVER_FULL : MIG_COVER_PARTIAL;

    r->is_template = true;
    r->builder = mig_builder_new(arm64 ? MIG_ARCH_ARM64 : MIG_ARCH_X86);
    mig_builder_cover(r->builder, arm64 ? MIG_GROUP_IDREG : MIG_GROUP_CPUID, coverage, 0,
                      TEMPLATE_SOURCE);
    if (!arm64) {
        mig_builder_cover(r->builder, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, TEMPLATE_SOURCE);
    }
    mig_builder_add_fact(r->builder, "vmm.name", "firecracker", TEMPLATE_SOURCE);
    return mig_node_check_object(root, keys, err) &&
           read_if_there(r, root, "cpuid_modifiers", read_leaf, err) &&
           read_if_there(r, root, "msr_modifiers", read_msr, err) &&
           read_if_there(r, root, "reg_modifiers", read_onereg, err);
}

/* Every guest has the leaf that names its vendor, every arm64 one its identity. */
static bool tells_all(const struct reading *r)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_error unused;
    uint64_t value;
    bool arm64;

    if (r->open || !mig_builder_freeze(r->builder, &s, &unused)) {
        return false;
    }
    arm64 = s->arch == MIG_ARCH_ARM64;
    return mig_snapshot_get(
               s, arm64 ? mig_reg_arm64(MIG_ARM64_MIDR_EL1) : mig_reg_cpuid(0, 0, MIG_EBX),
               &value) == MIG_KNOWN &&
           value != 0;
}

bool mig_import_firecracker_template_read(const char *text, size_t len, struct mig_snapshot **ret,
                                          struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    MIG_AUTO(reading_clear) struct reading all = {.is_dump = true};
    MIG_AUTO(reading_clear) struct reading r = {0};
    struct mig_node root;

    if (!mig_node_parse(text, len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    if (!read_template(&all, &root, err)) {
        return false;
    }
    r.is_dump = tells_all(&all);
    return read_template(&r, &root, err) && mig_import_finish(r.builder, TEMPLATE_NAME, ret, err);
}
