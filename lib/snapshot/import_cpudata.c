/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/array.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/raw.h"
#include "snapshot/xml.h"

#define SOURCE "libvirt cpudata"

/*
 * <cpudata arch='x86'>
 *   <cpuid eax_in='0x7' ecx_in='0x0' eax='0x..' ebx='0x..' ecx='0x..' edx='0x..'/>
 *   <msr index='0x10a' eax='0x..' edx='0x..'/>
 * libvirt reads the silicon itself and leaves out what is 0.
 */
bool mig_import_cpudata_recognises(const char *text, size_t len)
{
    return text[0] == '<' && memmem(text, len, "<cpudata", 8) != NULL;
}

static bool read_leaf(struct mig_raw *raw, const xmlNode *e, struct mig_error *err)
{
    static const char *const names[] = {"eax", "ebx", "ecx", "edx"};
    struct mig_raw_leaf leaf = {0};
    uint64_t index, sub = 0, word;

    if (!mig_xml_get_number(e, "eax_in", UINT32_MAX, &index, err) ||
        !mig_xml_find_number(e, "ecx_in", UINT16_MAX, &sub, err)) {
        return false;
    }
    for (unsigned part = 0; part < MIG_COUNT(names); part++) {
        if (!mig_xml_get_number(e, names[part], UINT32_MAX, &word, err)) {
            return false;
        }
        leaf.words[part] = (uint32_t)word;
    }
    leaf.index = (uint32_t)index;
    leaf.sub = (uint16_t)sub;
    return mig_raw_add(raw, &leaf, err);
}

static bool read_msr(struct mig_builder *b, const xmlNode *e, struct mig_error *err)
{
    uint64_t index, low, high;

    if (!mig_xml_get_number(e, "index", UINT32_MAX, &index, err) ||
        !mig_xml_get_number(e, "eax", UINT32_MAX, &low, err) ||
        !mig_xml_get_number(e, "edx", UINT32_MAX, &high, err)) {
        return false;
    }
    if (mig_import_takes_msr((uint32_t)index)) {
        mig_builder_set(b, mig_reg_msr((uint32_t)index), high << 32 | low);
    }
    return true;
}

static bool read_element(struct mig_raw *raw, struct mig_builder *b, const xmlNode *e,
                         struct mig_error *err)
{
    if (strcmp(mig_xml_name(e), "cpuid") == 0) {
        return read_leaf(raw, e, err);
    }
    return strcmp(mig_xml_name(e), "msr") == 0 ? read_msr(b, e, err)
                                               : mig_xml_fail(e, err, "unknown element");
}

static bool check_root(const xmlNode *root, struct mig_error *err)
{
    const char *arch = mig_xml_attribute(root, "arch");

    if (strcmp(mig_xml_name(root), "cpudata") != 0) {
        return mig_fail(err, MIG_FORMAT, "the outermost element is not cpudata");
    }
    return (arch != NULL && strcmp(arch, "x86") == 0) ||
           mig_fail(err, MIG_FORMAT, "arch of cpudata is not x86");
}

static bool read_document(struct mig_raw *raw, const xmlNode *root, struct mig_snapshot **ret,
                          struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);

    if (!check_root(root, err)) {
        return false;
    }
    for (const xmlNode *e = mig_xml_first(root); e != NULL; e = mig_xml_next(e)) {
        if (!read_element(raw, b, e, err)) {
            return false;
        }
    }
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_PARTIAL, 0, SOURCE);
    return mig_raw_pour(raw, b, err) && mig_import_finish(b, "libvirt-cpudata", ret, err);
}

bool mig_import_cpudata_read(const char *text, size_t len, struct mig_snapshot **ret,
                             struct mig_error *err)
{
    MIG_AUTO(mig_raw_clear) struct mig_raw raw = {0};
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;

    return mig_xml_parse(text, len, &root, err) && read_document(&raw, root, ret, err);
}
