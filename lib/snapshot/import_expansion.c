/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Answer of QEMU's query-cpu-model-expansion:
 *   {"return": {"model": {"name": "base", "props": {"avx2": true, ...}}}}
 * or its inner part.  Of "host" and "max" it is what this QEMU with this
 * accelerator grants.  Of every other model it is the definition, whether the
 * host can run it or not, and a static expansion no longer says of which.
 */
#include <string.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/field.h"
#include "cpu/place.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/node.h"
#include "snapshot/words.h"

#define SOURCE "QEMU query-cpu-model-expansion"
#define SIGNATURE_CHARS 12
#define MODEL_ID_CHARS 48

struct reading {
    struct mig_builder *builder;
    struct mig_node props;
    struct mig_words words;
    struct mig_text others; /* true and in no register that is read here */
};

bool mig_import_expansion_recognises(const char *text, size_t len)
{
    return text[0] == '{' && memmem(text, len, "\"props\"", 7) != NULL;
}

static bool read_bit(struct reading *r, const struct mig_node *n, const char *name, bool on,
                     struct mig_error *err)
{
    const struct mig_field *f = strchr(name, '/') == NULL ? mig_field_find(name) : NULL;
    const struct mig_named_word *word;
    uint64_t mask;

    if (f == NULL || f->hi != f->lo || !mig_words_take(f->reg)) {
        if (on) {
            mig_text_addf(&r->others, "%s%s", r->others.len == 0 ? "" : " ", name);
        }
        return true;
    }
    mask = mig_bits_mask(f->hi, f->lo);
    word = mig_words_get(&r->words, f->reg);
    if (word != NULL && (word->known & mask) != 0 && ((word->value & mask) != 0) != on) {
        return mig_node_fail(n, err, "contradicts another name of the same bit, %s", f->name);
    }
    mig_words_put(&r->words, f->reg, mask, on);
    return true;
}

static bool read_bits(struct reading *r, struct mig_error *err)
{
    for (void *i = json_object_iter(r->props.json); i != NULL;
         i = json_object_iter_next(r->props.json, i)) {
        const json_t *value = json_object_iter_value(i);
        struct mig_node n;

        if (json_is_boolean(value) &&
            (!mig_node_member(&r->props, i, json_typeof(value), &n, err) ||
             !read_bit(r, &n, json_object_iter_key(i), json_is_true(value), err))) {
            return false;
        }
    }
    return true;
}

/* Neither true nor false when the property is missing. */
static bool is_prop(const struct reading *r, const char *name, bool value)
{
    const json_t *found = json_object_get(r->props.json, name);

    return value ? json_is_true(found) : json_is_false(found);
}

/* Switches that overrule properties when QEMU fills CPUID. */
static void apply_switches(struct reading *r)
{
    static const struct {
        const char *off;
        struct mig_reg reg;
        uint64_t mask;
    } rows[] = {
        {"pmu", MIG_PLACE_REG(pdcm),               MIG_PLACE_MASK(pdcm)},
        {"kvm", MIG_PLACE_REG(kvm_clocksource),    UINT32_MAX          },
        {"kvm", MIG_PLACE_REG(kvm_hints_realtime), UINT32_MAX          },
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (is_prop(r, rows[i].off, false) && mig_words_get(&r->words, rows[i].reg) != NULL) {
            mig_words_put(&r->words, rows[i].reg, rows[i].mask, false);
        }
    }
}

static bool find_text(const struct reading *r, const char *key, size_t max, const char **ret,
                      struct mig_error *err)
{
    struct mig_node n;

    *ret = NULL;
    if (!mig_node_find(&r->props, key, JSON_STRING, &n, err)) {
        return false;
    }
    if (n.json != NULL) {
        *ret = json_string_value(n.json);
    }
    return *ret == NULL || json_string_length(n.json) <= max ||
           mig_node_fail(&n, err, "longer than %zu characters", max);
}

/* The highest extended leaf, or at least how far features make it reach. */
static bool read_extended_level(const struct reading *r, uint64_t *ret, struct mig_error *err)
{
    *ret = 0;
    return mig_node_find_real(&r->props, "min-xlevel", UINT32_MAX, ret, err) &&
           mig_node_find_real(&r->props, "xlevel", UINT32_MAX, ret, err);
}

static void set_model_name(const struct reading *r, const char *model)
{
    static const enum mig_part all[] = {MIG_EAX, MIG_EBX, MIG_ECX, MIG_EDX};
    size_t len = strlen(model);

    for (uint32_t i = 0; i < 3; i++) {
        size_t start = (size_t)i * 16;

        mig_import_set_text(r->builder, 0x80000002 + i, all, MIG_COUNT(all),
                            start < len ? model + start : "");
    }
}

static bool read_names(struct reading *r, const char **ret_vendor, struct mig_error *err)
{
    static const enum mig_part signature[] = {MIG_EBX, MIG_EDX, MIG_ECX};
    const char *vendor, *model;
    uint64_t level;

    if (!find_text(r, "vendor", SIGNATURE_CHARS, &vendor, err) ||
        !find_text(r, "model-id", MODEL_ID_CHARS, &model, err) ||
        !read_extended_level(r, &level, err)) {
        return false;
    }
    if (vendor != NULL && strlen(vendor) != SIGNATURE_CHARS) {
        return mig_node_fail(&r->props, err, "vendor '%s' has not %d characters", vendor,
                             SIGNATURE_CHARS);
    }
    if (vendor != NULL) {
        mig_import_set_text(r->builder, 0, signature, MIG_COUNT(signature), vendor);
    }
    if (vendor != NULL && level >= 0x80000000) {
        mig_import_set_text(r->builder, 0x80000000, signature, MIG_COUNT(signature), vendor);
    }
    if (model != NULL && level >= 0x80000004) {
        set_model_name(r, model);
    }
    *ret_vendor = vendor;
    return true;
}

/* "level" and the like are the highest leaves; -1 stands for "not yet chosen". */
static bool read_levels(struct reading *r, struct mig_error *err)
{
    static const struct {
        const char *prop;
        uint32_t leaf;
    } rows[] = {
        {"level",       0         },
        {"level-func7", 7         },
        {"xlevel",      0x80000000},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t level = UINT32_MAX;

        if (!mig_node_find_real(&r->props, rows[i].prop, UINT32_MAX, &level, err)) {
            return false;
        }
        if (level != UINT32_MAX) {
            mig_builder_set(r->builder, mig_reg_cpuid(rows[i].leaf, 0, MIG_EAX), level);
        }
    }
    return true;
}

/* No CPU is of family 0: that one is chosen when the guest starts. */
static bool read_signature(struct reading *r, struct mig_error *err)
{
    uint64_t family = 0, model = UINT64_MAX, stepping = UINT64_MAX;

    if (!mig_node_find_real(&r->props, "family", 0xf + 0xff, &family, err) ||
        !mig_node_find_real(&r->props, "model", 0xff, &model, err) ||
        !mig_node_find_real(&r->props, "stepping", 0xf, &stepping, err)) {
        return false;
    }
    if (family != 0 && model != UINT64_MAX && stepping != UINT64_MAX) {
        mig_builder_set(r->builder, mig_reg_cpuid(1, 0, MIG_EAX),
                        mig_import_signature(family, model, stepping));
    }
    return true;
}

/* 0 stands for "as the machine or the host has it" in both numbers. */
static bool read_widths(struct reading *r, struct mig_error *err)
{
    static const struct mig_reg la57 = MIG_PLACE_REG(la57), lm = MIG_PLACE_REG(lm);
    const struct mig_named_word *deep = mig_words_get(&r->words, la57);
    const struct mig_named_word *wide = mig_words_get(&r->words, lm);
    uint64_t bits = 0, guest = 0, hz = 0;

    if (!mig_node_find_real(&r->props, "phys-bits", UINT32_MAX, &bits, err) ||
        !mig_node_find_real(&r->props, "guest-phys-bits", UINT32_MAX, &guest, err) ||
        !mig_node_find_real(&r->props, "tsc-frequency", UINT64_C(1) << 40, &hz, err)) {
        return false;
    }
    if (bits != 0 && bits <= 64 && guest <= 64 && !is_prop(r, "host-phys-bits", true) &&
        deep != NULL && wide != NULL && (wide->value & MIG_PLACE_MASK(lm)) != 0) {
        uint64_t virtual = (deep->value & MIG_PLACE_MASK(la57)) != 0 ? 57 : 48;

        mig_builder_set(r->builder, mig_reg_cpuid(0x80000008, 0, MIG_EAX),
                        guest << 16 | virtual << 8 | bits);
    }
    if (hz != 0) {
        mig_builder_cover(r->builder, MIG_GROUP_TSC, MIG_COVER_PARTIAL, 0, SOURCE);
        mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), hz / 1000);
    }
    return true;
}

/* migratable=off lets bits through that QEMU has no name for. */
static bool read_x86(struct reading *r, struct mig_error *err)
{
    const char *vendor = NULL;

    mig_builder_cover(r->builder, MIG_GROUP_CPUID, MIG_COVER_PARTIAL, 0, SOURCE);
    if (!read_bits(r, err) || !read_names(r, &vendor, err) || !read_signature(r, err) ||
        !read_levels(r, err) || !read_widths(r, err)) {
        return false;
    }
    apply_switches(r);
    mig_words_pour(&r->words, is_prop(r, "migratable", false) ? MIG_WORDS_SILICON : MIG_WORDS_QEMU,
                   vendor, SOURCE, r->builder);
    return true;
}

/* Switches such as pmu, sve512 and pauth; no property is an ID register. */
static bool read_arm64(struct reading *r, struct mig_error *err)
{
    mig_builder_cover(r->builder, MIG_GROUP_IDREG, MIG_COVER_NONE, 0,
                      SOURCE ": names no ID register");
    for (void *i = json_object_iter(r->props.json); i != NULL;
         i = json_object_iter_next(r->props.json, i)) {
        const json_t *value = json_object_iter_value(i);
        struct mig_node n;

        if (!mig_node_member(&r->props, i, json_typeof(value), &n, err)) {
            return false;
        }
        if (json_is_true(value)) {
            mig_text_addf(&r->others, "%s%s", r->others.len == 0 ? "" : " ",
                          json_object_iter_key(i));
        }
    }
    return true;
}

static bool read_model(struct reading *r, const struct mig_node *model, struct mig_snapshot **ret,
                       struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    static const char *const keys[] = {"name", "props", NULL};
    const char *name;
    bool arm64, granted;

    if (!mig_node_check_object(model, keys, err) || !mig_node_get_text(model, "name", &name, err) ||
        !mig_node_get(model, "props", JSON_OBJECT, &r->props, err)) {
        return false;
    }
    granted = strcmp(name, "host") == 0 || strcmp(name, "max") == 0;
    arm64 = json_object_get(r->props.json, "aarch64") != NULL;
    if (!arm64 && json_object_get(r->props.json, "fpu") == NULL) {
        return mig_node_fail(&r->props, err,
                             "neither of an x86 CPU (fpu) nor of an arm64 one "
                             "(aarch64)");
    }
    r->builder = b = mig_builder_new(arm64 ? MIG_ARCH_ARM64 : MIG_ARCH_X86);
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, granted ? MIG_COVER_FULL : MIG_COVER_NONE, 0,
                      granted ? SOURCE
                              : SOURCE ": definition of a model, the host may lack some of it");
    mig_builder_add_fact(b, "vmm.name", "qemu", SOURCE);
    mig_builder_add_fact(b, "qemu.cpu.model", name, SOURCE);
    mig_builder_add_fact(b, "qemu.cpu.expansion", strcmp(name, "base") == 0 ? "static" : "full",
                         SOURCE);
    if (!(arm64 ? read_arm64 : read_x86)(r, err)) {
        return false;
    }
    if (r->others.len > 0) {
        mig_builder_add_fact(b, "qemu.cpu.others", r->others.items, SOURCE);
    }
    return mig_import_finish(b, "qemu-cpu-model-expansion", ret, err);
}

/* From the whole answer to the model itself; each wrapper may be missing. */
static bool unwrap(const struct mig_node *root, struct mig_node *ret, struct mig_error *err)
{
    static const char *const outer[] = {"return", "id", NULL};
    static const char *const inner[] = {"model", "deprecated-props", NULL};
    struct mig_node n = *root;

    if (json_object_get(n.json, "return") != NULL &&
        (!mig_node_check_object(root, outer, err) ||
         !mig_node_get(root, "return", JSON_OBJECT, &n, err))) {
        return false;
    }
    *ret = n;
    return json_object_get(n.json, "model") == NULL ||
           (mig_node_check_object(&n, inner, err) &&
            mig_node_get(&n, "model", JSON_OBJECT, ret, err));
}

bool mig_import_expansion_read(const char *text, size_t len, struct mig_snapshot **ret,
                               struct mig_error *err)
{
    MIG_AUTO(mig_node_free) json_t *document = NULL;
    struct mig_node root, model = {0};
    struct reading r = {0};
    bool done;

    if (!mig_node_parse_real(text, len, &document, err)) {
        return false;
    }
    root = mig_node_root(document);
    done = mig_node_check_object(&root, NULL, err) && unwrap(&root, &model, err) &&
           read_model(&r, &model, ret, err);
    mig_words_clear(&r.words);
    mig_text_clear(&r.others);
    return done;
}
