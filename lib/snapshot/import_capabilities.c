/* SPDX-License-Identifier: Apache-2.0 */
/*
 * "virsh capabilities": the silicon as libvirt names it, not what KVM grants.
 * libvirt has no name for every bit, so few registers are known whole; its
 * domain capabilities tell more.
 */
#include <string.h>

#include "base/alloc.h"
#include "snapshot/builder.h"
#include "snapshot/import.h"
#include "snapshot/libvirt.h"
#include "snapshot/xml.h"

#define SOURCE "libvirt capabilities XML"

bool mig_import_capabilities_recognises(const char *text, size_t len)
{
    return mig_xml_is(text, len, "capabilities");
}

static bool read_facts(struct mig_builder *b, const xmlNode *host, const xmlNode *cpu,
                       struct mig_error *err)
{
    const xmlNode *microcode = NULL, *width = NULL;
    MIG_AUTO(mig_free) char *uuid = NULL;

    if (!mig_libvirt_text(host, "uuid", &uuid, err) ||
        !mig_xml_only(cpu, "microcode", &microcode, err) ||
        !mig_xml_only(cpu, "maxphysaddr", &width, err)) {
        return false;
    }
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_libvirt_add_fact(b, "host.uuid", uuid, SOURCE);
    mig_libvirt_add_fact(b, "microcode", mig_xml_attribute(microcode, "version"), SOURCE);
    /* Linux' idea of the width, which memory encryption may have lowered. */
    mig_libvirt_add_fact(b, "libvirt.cpu.maxphysaddr", mig_xml_attribute(width, "bits"), SOURCE);
    return true;
}

/* <signature family='25' model='1' stepping='1'/> is the whole of 1.EAX. */
static bool read_signature(struct mig_builder *b, const xmlNode *cpu, bool covered,
                           struct mig_error *err)
{
    const xmlNode *e = NULL;
    uint64_t family, model, stepping;

    if (!mig_xml_only(cpu, "signature", &e, err)) {
        return false;
    }
    if (e == NULL) {
        return true;
    }
    if (!mig_xml_get_number(e, "family", 0xf + 0xff, &family, err) ||
        !mig_xml_get_number(e, "model", 0xff, &model, err) ||
        !mig_xml_get_number(e, "stepping", 0xf, &stepping, err)) {
        return false;
    }
    if (covered) {
        mig_builder_set(b, mig_reg_cpuid(1, 0, MIG_EAX),
                        mig_import_signature(family, model, stepping));
    }
    return true;
}

static bool read_tsc(struct mig_builder *b, const xmlNode *cpu, struct mig_error *err)
{
    for (const xmlNode *c = mig_xml_child(cpu, "counter"); c != NULL; c = mig_xml_sibling(c)) {
        const char *name;

        if (!mig_xml_get(c, "name", &name, err)) {
            return false;
        }
        if (strcmp(name, "tsc") == 0 && !mig_libvirt_add_tsc(b, c, SOURCE, err)) {
            return false;
        }
    }
    return true;
}

static bool read_x86(struct mig_builder *b, const xmlNode *cpu, struct mig_error *err)
{
    MIG_AUTO(mig_words_clear) struct mig_words words = {0};

    mig_builder_cover(b, MIG_GROUP_KVM_VIEW, MIG_COVER_NONE, 0,
                      SOURCE ": silicon; import virsh domcapabilities for what KVM grants");
    return mig_libvirt_add_cpu(b, cpu, MIG_WORDS_SILICON, SOURCE, &words, err) &&
           read_signature(b, cpu, words.len > 0, err) && read_tsc(b, cpu, err);
}

static bool read_cpu(const xmlNode *host, struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    const xmlNode *cpu = NULL;
    enum mig_arch arch = MIG_ARCH_NONE;
    MIG_AUTO(mig_free) char *name = NULL;

    if (!mig_xml_only(host, "cpu", &cpu, err)) {
        return false;
    }
    if (cpu == NULL) {
        return mig_xml_fail(host, err, "without cpu: libvirt could not read the host's");
    }
    if (!mig_libvirt_text(cpu, "arch", &name, err)) {
        return false;
    }
    if (name == NULL || !mig_import_arch(name, &arch)) {
        return mig_xml_fail(cpu, err, "arch '%.40s' is none of x86_64, i686, aarch64",
                            name == NULL ? "" : name);
    }
    b = mig_builder_new(arch);
    if (!read_facts(b, host, cpu, err) || !mig_libvirt_add_names(b, cpu, SOURCE, err)) {
        return false;
    }
    if (arch == MIG_ARCH_ARM64) {
        mig_builder_cover(b, MIG_GROUP_IDREG, MIG_COVER_NONE, 0, SOURCE ": names no ID register");
    } else if (!read_x86(b, cpu, err)) {
        return false;
    }
    return mig_import_finish(b, "libvirt-capabilities", ret, err);
}

bool mig_import_capabilities_read(const char *text, size_t len, struct mig_snapshot **ret,
                                  struct mig_error *err)
{
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;
    const xmlNode *host = NULL;

    if (!mig_xml_parse(text, len, &root, err) || !mig_xml_only(root, "host", &host, err)) {
        return false;
    }
    return host == NULL ? mig_xml_fail(root, err, "without host") : read_cpu(host, ret, err);
}
