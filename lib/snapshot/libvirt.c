/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/libvirt.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "base/text.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/cpumap.h"
#include "snapshot/import.h"
#include "snapshot/xml.h"

const char *mig_libvirt_vendor(const char *name)
{
    static const struct {
        const char *name, *vendor;
    } rows[] = {
        {"Intel", "GenuineIntel"},
        {"AMD",   "AuthenticAMD"},
        {"Hygon", "HygonGenuine"},
    };

    for (size_t i = 0; name != NULL && i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, name) == 0) {
            return rows[i].vendor;
        }
    }
    return NULL;
}

static void set_vendor(struct mig_builder *b, const char *signature)
{
    static const enum mig_part order[] = {MIG_EBX, MIG_EDX, MIG_ECX};

    mig_import_set_text(b, 0, order, MIG_COUNT(order), signature);
}

void mig_libvirt_add_fact(struct mig_builder *b, const char *name, const char *text,
                          const char *source)
{
    if (text != NULL && text[0] != '\0') {
        mig_builder_add_fact(b, name, text, source);
    }
}

bool mig_libvirt_text(const xmlNode *e, const char *name, char **ret, struct mig_error *err)
{
    const xmlNode *child = NULL;

    if (!mig_xml_only(e, name, &child, err)) {
        return false;
    }
    *ret = child == NULL ? NULL : mig_xml_text(child);
    return true;
}

void mig_libvirt_leave_cpu(struct mig_builder *b, const char *vendor, const char *source,
                           const char *gap)
{
    MIG_AUTO(mig_free) char *text = mig_strf("%s: %s", source, gap);

    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_NONE, 0, text);
    mig_libvirt_add_fact(b, "libvirt.cpu.vendor", vendor, source);
    mig_builder_add_fact(b, "import.gap", gap, source);
}

/* The policies of a guest's feature; a host's has none. */
enum policy { POLICY_ON, POLICY_OFF, POLICY_OPEN };

static bool read_policy(const xmlNode *feature, enum policy *ret, struct mig_error *err)
{
    static const struct {
        const char *name;
        enum policy policy;
    } rows[] = {
        {"require",  POLICY_ON  },
        {"force",    POLICY_ON  },
        {"disable",  POLICY_OFF },
        {"forbid",   POLICY_OFF },
        {"optional", POLICY_OPEN},
    };
    const char *text = mig_xml_attribute(feature, "policy");

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (text == NULL || strcmp(rows[i].name, text) == 0) {
            *ret = rows[i].policy;
            return true;
        }
    }
    return mig_xml_fail(
        feature, err, "policy '%.40s' is none of force, require, optional, disable, forbid", text);
}

bool mig_libvirt_add_names(struct mig_builder *b, const xmlNode *cpu, const char *source,
                           struct mig_error *err)
{
    static const char *const signs[] = {[POLICY_ON] = "+", [POLICY_OFF] = "-", [POLICY_OPEN] = "?"};
    MIG_AUTO(mig_text_clear) struct mig_text features = {0};
    MIG_AUTO(mig_free) char *model = NULL;
    const char *name;
    enum policy policy;

    if (!mig_libvirt_text(cpu, "model", &model, err)) {
        return false;
    }
    for (const xmlNode *f = mig_xml_child(cpu, "feature"); f != NULL; f = mig_xml_sibling(f)) {
        if (!mig_xml_get(f, "name", &name, err) || !read_policy(f, &policy, err)) {
            return false;
        }
        mig_text_addf(&features, "%s%s%s", features.len == 0 ? "" : " ", signs[policy], name);
    }
    mig_libvirt_add_fact(b, "libvirt.cpu.model", model, source);
    mig_libvirt_add_fact(b, "libvirt.cpu.features", features.items, source);
    return true;
}

/* One feature by libvirt's table, else by ours; false: a bit nobody knows. */
static bool put(const struct mig_cpumap *map, const char *name, enum policy policy,
                struct mig_words *w)
{
    const struct mig_field *f;

    if (mig_cpumap_put(map, name, policy == POLICY_ON, w)) {
        return true;
    }
    f = mig_field_find(name);
    if (f != NULL && f->hi == f->lo && strchr(name, '/') == NULL) {
        if (mig_words_take(f->reg)) {
            mig_words_put(w, f->reg, mig_bits_mask(f->hi, f->lo), policy == POLICY_ON);
        }
        return true;
    }
    /* Controls of nested VMX stand in MSRs of their own, none of them here. */
    return policy == POLICY_OFF || mig_text_starts(name, "vmx-");
}

/* What "optional" leaves to the host makes its registers unknown. */
static void doubt(const struct mig_cpumap *map, const char *name, struct mig_words *w)
{
    MIG_AUTO(mig_words_clear) struct mig_words touched = {0};

    (void)put(map, name, POLICY_ON, &touched);
    for (size_t i = 0; i < touched.len; i++) {
        mig_words_doubt(w, mig_reg_from_key(touched.items[i].key));
    }
}

/* False with the reason in @ret_gap: the features are not known. */
static bool put_features(const struct mig_cpumap *map, const xmlNode *cpu, struct mig_words *w,
                         char **ret_gap)
{
    for (const xmlNode *f = mig_xml_child(cpu, "feature"); f != NULL; f = mig_xml_sibling(f)) {
        const char *name = mig_xml_attribute(f, "name");
        enum policy policy = POLICY_ON;
        struct mig_error ignored;

        (void)read_policy(f, &policy, &ignored); /* judged when the names were read */
        if (policy == POLICY_OPEN) {
            doubt(map, name, w);
        } else if (!put(map, name, policy, w)) {
            *ret_gap = mig_strf("nobody here knows which bit feature '%.60s' is; "
                                "install the libvirt that wrote this",
                                name);
            return false;
        }
    }
    return true;
}

/* A gap is no error: it leaves registers uncovered. */
static bool read_words(const xmlNode *cpu, struct mig_words *w, char **ret_gap,
                       struct mig_error *err)
{
    MIG_AUTO(mig_cpumap_free) struct mig_cpumap *map = NULL;
    MIG_AUTO(mig_free) char *model = NULL;
    const char *folder = mig_cpumap_folder();
    bool known;

    if (!mig_libvirt_text(cpu, "model", &model, err)) {
        return false;
    }
    if (model == NULL || model[0] == '\0') {
        *ret_gap = mig_strdup("no model is named");
        return true;
    }
    if (!mig_cpumap_read(folder, &map, err)) {
        *ret_gap = mig_strf("model '%.60s' is defined in libvirt's cpu_map, which is not here "
                            "(install libvirt0, or set MIG_LIBVIRT_CPU_MAP to the folder)",
                            model);
        return err->code == MIG_IO;
    }
    mig_cpumap_know_all(map, w);
    if (!mig_cpumap_put_model(map, model, w, &known, err)) {
        return mig_wrap(err, "%s", folder);
    }
    if (!known) {
        *ret_gap = mig_strf("model '%.60s' is not defined in %.80s", model, folder);
        return true;
    }
    (void)put_features(map, cpu, w, ret_gap);
    return true;
}

bool mig_libvirt_add_cpu(struct mig_builder *b, const xmlNode *cpu, enum mig_words_rule rule,
                         const char *source, struct mig_words *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *gap = NULL;
    MIG_AUTO(mig_free) char *vendor = NULL;
    const char *signature;

    if (!mig_libvirt_text(cpu, "vendor", &vendor, err) || !read_words(cpu, ret, &gap, err)) {
        return false;
    }
    if (gap != NULL) {
        mig_words_clear(ret);
        mig_libvirt_leave_cpu(b, vendor, source, gap);
        return true;
    }
    signature = mig_libvirt_vendor(vendor);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_PARTIAL, 0, source);
    mig_words_pour(ret, rule, signature, source, b);
    if (signature != NULL) {
        set_vendor(b, signature);
    }
    mig_libvirt_add_fact(b, "libvirt.cpu.vendor", vendor, source);
    return true;
}

bool mig_libvirt_add_tsc(struct mig_builder *b, const xmlNode *tsc, const char *source,
                         struct mig_error *err)
{
    const char *scaling = mig_xml_attribute(tsc, "scaling");
    uint64_t hz = 0;

    if (!mig_xml_find_number(tsc, "frequency", UINT64_C(1) << 40, &hz, err)) {
        return false;
    }
    if (hz != 0) {
        mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_PARTIAL, 0, source);
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), hz / 1000);
    }
    if (scaling != NULL && strcmp(scaling, "yes") != 0 && strcmp(scaling, "no") != 0) {
        return mig_xml_fail(tsc, err, "scaling '%.40s' is neither yes nor no", scaling);
    }
    if (scaling != NULL) {
        mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_PARTIAL, 0, source);
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_SCALING),
                        scaling[0] == 'y' ? 1 : 0);
    }
    return true;
}
