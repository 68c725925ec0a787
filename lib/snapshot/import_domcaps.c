/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "virsh domcapabilities": what one QEMU with one accelerator gives a guest of
 * mode host-model, feature by feature, and which named models it can run.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/libvirt.h"
#include "snapshot/xml.h"

#define SOURCE "libvirt domain capabilities XML"

bool mig_import_domcaps_recognises(const char *text, size_t len)
{
    return mig_xml_is(text, len, "domainCapabilities");
}

static bool read_facts(struct mig_builder *b, const xmlNode *root, struct mig_error *err)
{
    static const struct {
        const char *element, *fact;
    } rows[] = {
        {"path",    "vmm.path"        },
        {"machine", "vmm.machine-type"},
        {"domain",  "vmm.accelerator" },
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        MIG_AUTO(mig_free) char *text = NULL;

        if (!mig_libvirt_text(root, rows[i].element, &text, err)) {
            return false;
        }
        mig_libvirt_add_fact(b, rows[i].fact, text, SOURCE);
    }
    mig_builder_add_fact(b, "vmm.name", "qemu", SOURCE);
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    return true;
}

/* <mode name='host-model' supported='yes'>; NULL when not there or not
 * supported. */
static bool find_mode(const xmlNode *cpu, const char *name, const xmlNode **ret,
                      struct mig_error *err)
{
    *ret = NULL;
    for (const xmlNode *m = mig_xml_child(cpu, "mode"); m != NULL; m = mig_xml_sibling(m)) {
        const char *text, *supported;

        if (!mig_xml_get(m, "name", &text, err) || !mig_xml_get(m, "supported", &supported, err)) {
            return false;
        }
        if (strcmp(text, name) == 0 && strcmp(supported, "yes") == 0) {
            *ret = m;
        }
    }
    return true;
}

/* <blockers model='EPYC'><feature name='svm'/></blockers>, in newer libvirt */
static char *usability_of(const xmlNode *custom, const char *model, const char *usable)
{
    struct mig_text lacks = {0};

    if (strcmp(usable, "no") != 0) {
        return mig_strdup(strcmp(usable, "yes") == 0 ? "usable" : "unknown");
    }
    for (const xmlNode *b = mig_xml_child(custom, "blockers"); b != NULL; b = mig_xml_sibling(b)) {
        const char *name = mig_xml_attribute(b, "model");

        for (const xmlNode *f = mig_xml_child(b, "feature");
             name != NULL && strcmp(name, model) == 0 && f != NULL; f = mig_xml_sibling(f)) {
            const char *feature = mig_xml_attribute(f, "name");

            mig_text_addf(&lacks, "%s%s", lacks.len == 0 ? "lacks: " : ",",
                          feature == NULL ? "?" : feature);
        }
    }
    return lacks.len == 0 ? mig_strdup("not usable") : lacks.items;
}

static bool read_models(struct mig_builder *b, const xmlNode *custom, struct mig_error *err)
{
    for (const xmlNode *m = mig_xml_child(custom, "model"); m != NULL; m = mig_xml_sibling(m)) {
        MIG_AUTO(mig_free) char *name = mig_xml_text(m);
        MIG_AUTO(mig_free) char *fact = mig_strf("vmm.libvirt.model.%.80s", name);
        MIG_AUTO(mig_free) char *usability = NULL;
        const char *usable;

        if (!mig_xml_get(m, "usable", &usable, err)) {
            return false;
        }
        usability = usability_of(custom, name, usable);
        mig_builder_add_fact(b, fact, usability, SOURCE);
    }
    return true;
}

static bool read_x86(struct mig_builder *b, const xmlNode *cpu, struct mig_error *err)
{
    MIG_AUTO(mig_words_clear) struct mig_words words = {0};
    const xmlNode *model = NULL, *width = NULL;

    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, SOURCE);
    if (!find_mode(cpu, "host-model", &model, err)) {
        return false;
    }
    if (model == NULL) {
        mig_libvirt_leave_cpu(b, NULL, SOURCE, "mode host-model is not supported there");
        return true;
    }
    if (!mig_libvirt_add_names(b, model, SOURCE, err) ||
        !mig_xml_only(model, "maxphysaddr", &width, err)) {
        return false;
    }
    mig_libvirt_add_fact(b, "libvirt.cpu.maxphysaddr.mode", mig_xml_attribute(width, "mode"),
                         SOURCE);
    mig_libvirt_add_fact(b, "libvirt.cpu.maxphysaddr.limit", mig_xml_attribute(width, "limit"),
                         SOURCE);
    return mig_libvirt_add_cpu(b, model, MIG_WORDS_QEMU, SOURCE, &words, err);
}

static bool read_document(const xmlNode *root, struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    const xmlNode *cpu = NULL, *custom = NULL;
    enum mig_arch arch = MIG_ARCH_NONE;
    MIG_AUTO(mig_free) char *name = NULL;

    if (!mig_libvirt_text(root, "arch", &name, err) || !mig_xml_only(root, "cpu", &cpu, err)) {
        return false;
    }
    if (name == NULL || !mig_import_arch(name, &arch)) {
        return mig_xml_fail(root, err, "arch '%.40s' is none of x86_64, i686, aarch64",
                            name == NULL ? "" : name);
    }
    b = mig_builder_new(arch);
    if (!read_facts(b, root, err) || !find_mode(cpu, "custom", &custom, err) ||
        !read_models(b, custom, err)) {
        return false;
    }
    if (arch == MIG_ARCH_ARM64) {
        mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_NONE, 0, SOURCE ": names no ID register");
    } else if (!read_x86(b, cpu, err)) {
        return false;
    }
    return mig_import_finish(b, "libvirt-domain-capabilities", ret, err);
}

bool mig_import_domcaps_read(const char *text, size_t len, struct mig_snapshot **ret,
                             struct mig_error *err)
{
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;

    return mig_xml_parse(text, len, &root, err) && read_document(root, ret, err);
}
