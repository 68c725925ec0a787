/* SPDX-License-Identifier: Apache-2.0 */
/*
 * <domain> as "virsh dumpxml" prints it.  Only XML of a running guest tells
 * what the guest sees: libvirt then lists every feature in which QEMU's CPU
 * differs from the named model (check='full').  Before the start QEMU's own
 * definition of the model decides, which is another one (arat, x2apic, f16c).
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "cpu/place.h"
#include "snapshot/builder.h"
#include "snapshot/enlightenment.h"
#include "snapshot/import.h"
#include "snapshot/libvirt.h"
#include "snapshot/xml.h"

#define SOURCE "libvirt domain XML"
#define VCPUS_MAX 65536

struct reading {
    struct mig_builder *builder;
    const xmlNode *domain;
    bool kvm;
    const char *machine; /* NULL when not stated */
};

bool mig_import_domain_recognises(const char *text, size_t len)
{
    return mig_xml_is(text, len, "domain");
}

static void set_guest(const struct reading *r, enum mig_guest_item item, uint64_t value)
{
    mig_builder_set(r->builder, mig_reg_plain(MIG_SPACE_GUEST, item), value);
}

static bool read_identity(struct reading *r, struct mig_error *err)
{
    static const struct {
        const char *element, *fact;
    } rows[] = {
        {"name", "guest.name"},
        {"uuid", "guest.uuid"},
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        MIG_AUTO(mig_free) char *text = NULL;

        if (!mig_libvirt_text(r->domain, rows[i].element, &text, err)) {
            return false;
        }
        mig_libvirt_add_fact(r->builder, rows[i].fact, text, SOURCE);
    }
    mig_libvirt_add_fact(r->builder, "vmm.machine-type", r->machine, SOURCE);
    mig_builder_add_fact(r->builder, "vmm.name", "qemu", SOURCE);
    mig_builder_cover(r->builder, MIG_GROUP_SOFTWARE, MIG_COVER_PARTIAL, 0, SOURCE);
    return true;
}

/* <vcpu current='1'>2</vcpu>: those that may be plugged later count. */
static bool read_vcpus(struct reading *r, uint64_t *ret, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *text = NULL;
    const xmlNode *e = NULL;
    uint64_t current = 0;

    *ret = 0;
    if (!mig_xml_only(r->domain, "vcpu", &e, err) || e == NULL) {
        return e == NULL;
    }
    text = mig_xml_text(e);
    if (!mig_text_to_u64(text, VCPUS_MAX, ret) || *ret == 0) {
        return mig_xml_fail(e, err, "'%.40s' is no number of vCPUs from 1 to %d", text, VCPUS_MAX);
    }
    if (!mig_xml_find_number(e, "current", *ret, &current, err)) {
        return false;
    }
    set_guest(r, MIG_GUEST_VCPUS, *ret);
    return true;
}

static bool read_topology(struct reading *r, const xmlNode *cpu, uint64_t vcpus,
                          struct mig_error *err)
{
    static const struct {
        const char *name;
        int item; /* -1: no place for it */
    } rows[] = {
        {"sockets",  MIG_GUEST_SOCKETS},
        {"dies",     MIG_GUEST_DIES   },
        {"clusters", -1               },
        {"cores",    MIG_GUEST_CORES  },
        {"threads",  MIG_GUEST_THREADS},
    };
    const xmlNode *e = NULL;
    uint64_t product = 1;

    if (!mig_xml_only(cpu, "topology", &e, err) || e == NULL) {
        return e == NULL;
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint64_t count = 0;

        if (!mig_xml_find_number(e, rows[i].name, VCPUS_MAX, &count, err)) {
            return false;
        }
        if (count == 0 && mig_xml_attribute(e, rows[i].name) != NULL) {
            return mig_xml_fail(e, err, "%s is 0", rows[i].name);
        }
        product *= count == 0 ? 1 : count;
        if (product > VCPUS_MAX) {
            return mig_xml_fail(e, err, "makes more than %d vCPUs", VCPUS_MAX);
        }
        if (count != 0 && rows[i].item >= 0) {
            set_guest(r, (enum mig_guest_item)rows[i].item, count);
        }
    }
    return vcpus == 0 || product == vcpus ||
           mig_xml_fail(e, err, "makes %llu vCPUs, element vcpu says %llu",
                        (unsigned long long)product, (unsigned long long)vcpus);
}

/* A plain KVM guest is of type 0 (KVM_X86_DEFAULT_VM). */
static bool read_vm_type(struct reading *r, struct mig_error *err)
{
    static const struct {
        const char *name;
        uint64_t type;
    } rows[] = {
        {"sev",     2},
        {"sev-snp", 4},
        {"tdx",     5},
    };
    const xmlNode *e = NULL;
    MIG_AUTO(mig_free) char *policy = NULL;
    const char *type;
    uint64_t bits = 0;

    if (!mig_xml_only(r->domain, "launchSecurity", &e, err)) {
        return false;
    }
    if (e == NULL) {
        set_guest(r, MIG_GUEST_VM_TYPE, 0);
        return true;
    }
    if (!mig_xml_get(e, "type", &type, err) || !mig_libvirt_text(e, "policy", &policy, err)) {
        return false;
    }
    mig_builder_add_fact(r->builder, "guest.launch-security", type, SOURCE);
    if (policy != NULL && !mig_text_to_u64(policy, UINT64_MAX, &bits)) {
        return mig_xml_fail(e, err, "policy '%.40s' is no number", policy);
    }
    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (strcmp(rows[i].name, type) == 0) {
            /* Bit 2 of SEV's policy asks for encrypted registers, type 3. */
            set_guest(r, MIG_GUEST_VM_TYPE, rows[i].type + (i == 0 ? bits >> 2 & 1 : 0));
        }
    }
    return true;
}

static bool read_clock(struct reading *r, struct mig_error *err)
{
    const xmlNode *clock = NULL;

    if (!mig_xml_only(r->domain, "clock", &clock, err)) {
        return false;
    }
    for (const xmlNode *t = mig_xml_child(clock, "timer"); t != NULL; t = mig_xml_sibling(t)) {
        const char *name;

        if (!mig_xml_get(t, "name", &name, err)) {
            return false;
        }
        if (strcmp(name, "tsc") == 0 && !mig_libvirt_add_tsc(r->builder, t, SOURCE, err)) {
            return false;
        }
    }
    return true;
}

/* <kvm> and <pmu>; a hidden hypervisor has no KVM leaves. */
static bool read_kvm(struct reading *r, bool known, struct mig_error *err)
{
    const xmlNode *features = NULL, *kvm = NULL, *pmu = NULL;
    const char *state;

    if (!mig_xml_only(r->domain, "features", &features, err) ||
        !mig_xml_only(features, "kvm", &kvm, err) || !mig_xml_only(features, "pmu", &pmu, err)) {
        return false;
    }
    mig_libvirt_add_fact(r->builder, "guest.pmu", mig_xml_attribute(pmu, "state"), SOURCE);
    for (const xmlNode *e = mig_xml_first(kvm); e != NULL; e = mig_xml_next(e)) {
        MIG_AUTO(mig_free) char *fact = mig_strf("guest.kvm.%.60s", mig_xml_name(e));

        if (!mig_xml_get(e, "state", &state, err)) {
            return false;
        }
        mig_builder_add_fact(r->builder, fact, state, SOURCE);
        if (known && strcmp(mig_xml_name(e), "hidden") == 0 && strcmp(state, "on") == 0) {
            mig_builder_set(r->builder, mig_reg_cpuid(0x40000001, 0, MIG_EAX), 0);
            mig_builder_set(r->builder, mig_reg_cpuid(0x40000001, 0, MIG_EDX), 0);
        }
    }
    return true;
}

/* "pc-q35-7.2": from 9.1 on KVM guests get the host's width for guest physical
 * addresses beside the one that is asked for. */
static bool is_before_9_1(const char *machine)
{
    const char *version = machine == NULL ? NULL : strrchr(machine, '-');
    const char *dot = version == NULL ? NULL : strchr(version, '.');
    uint64_t major, minor;

    return dot != NULL && !mig_text_starts(machine, "pc-i440fx-rhel") &&
           !mig_text_starts(machine, "pc-q35-rhel") &&
           mig_text_digits(version + 1, (size_t)(dot - version - 1), 10, 99, &major) &&
           mig_text_digits(dot + 1, strlen(dot + 1), 10, 99, &minor) &&
           (major < 9 || (major == 9 && minor == 0));
}

/* <maxphysaddr mode='emulate' bits='42'/>: with the width of virtual addresses,
 * which follows from 5-level paging, it makes the whole of 80000008.EAX. */
static bool read_widths(struct reading *r, const xmlNode *cpu, const struct mig_words *words,
                        struct mig_error *err)
{
    static const struct mig_reg la57 = MIG_PLACE_REG(la57), lm = MIG_PLACE_REG(lm);
    const struct mig_named_word *deep = mig_words_get(words, la57), *wide;
    const xmlNode *e = NULL;
    uint64_t bits = 0;

    if (!mig_xml_only(cpu, "maxphysaddr", &e, err) ||
        (e != NULL && !mig_xml_find_number(e, "bits", 64, &bits, err))) {
        return false;
    }
    if (e == NULL) {
        return true;
    }
    mig_libvirt_add_fact(r->builder, "guest.maxphysaddr.mode", mig_xml_attribute(e, "mode"),
                         SOURCE);
    mig_libvirt_add_fact(r->builder, "guest.maxphysaddr.bits", mig_xml_attribute(e, "bits"),
                         SOURCE);
    wide = mig_words_get(words, lm);
    if (bits != 0 && deep != NULL && wide != NULL && (wide->value & MIG_PLACE_MASK(lm)) != 0 &&
        (!r->kvm || is_before_9_1(r->machine))) {
        uint64_t virtual = (deep->value & MIG_PLACE_MASK(la57)) != 0 ? 57 : 48;

        mig_builder_set(r->builder, mig_reg_cpuid(0x80000008, 0, MIG_EAX), virtual << 8 | bits);
    }
    return true;
}

/* Arguments that libvirt only hands on may replace the CPU it describes. */
static bool has_own_cpu(const xmlNode *domain)
{
    static const char *const names[] = {"-cpu", "--cpu", "-global", "--global"};

    for (const xmlNode *a = mig_xml_child(mig_xml_child(domain, "commandline"), "arg"); a != NULL;
         a = mig_xml_sibling(a)) {
        const char *value = mig_xml_attribute(a, "value");

        for (size_t i = 0; value != NULL && i < MIG_COUNT(names); i++) {
            if (strcmp(value, names[i]) == 0) {
                return true;
            }
        }
    }
    return false;
}

/* @value of attribute @name is one of @known, or there is none. */
static bool check_word(const xmlNode *e, const char *name, const char *const *known,
                       struct mig_error *err)
{
    const char *value = mig_xml_attribute(e, name);

    if (value == NULL) {
        return true;
    }
    for (; *known != NULL; known++) {
        if (strcmp(*known, value) == 0) {
            return true;
        }
    }
    return mig_xml_fail(e, err, "%s '%.40s' is not known", name, value);
}

static bool check_cpu(const xmlNode *cpu, struct mig_error *err)
{
    static const char *const modes[] = {"custom", "host-model", "host-passthrough", "maximum",
                                        NULL};
    static const char *const checks[] = {"none", "partial", "full", NULL};
    static const char *const matches[] = {"minimum", "exact", "strict", NULL};

    return check_word(cpu, "mode", modes, err) && check_word(cpu, "check", checks, err) &&
           check_word(cpu, "match", matches, err);
}

/* Why the element does not say what the guest sees; NULL: it does. */
static const char *find_gap(const struct reading *r, const xmlNode *cpu)
{
    const char *mode = mig_xml_attribute(cpu, "mode"), *check = mig_xml_attribute(cpu, "check");

    if (has_own_cpu(r->domain)) {
        return "qemu:commandline may replace the CPU";
    }
    if (mode != NULL && (strcmp(mode, "host-passthrough") == 0 || strcmp(mode, "maximum") == 0)) {
        return "the mode shows what the host's QEMU has, never spelt out here; import that "
               "QEMU's query-cpu-model-expansion, or ask the host's agent";
    }
    if (check == NULL || strcmp(check, "full") != 0) {
        return "not of a running guest, QEMU decides when it starts; import virsh dumpxml of the "
               "running domain";
    }
    return NULL;
}

static bool read_cpu(struct reading *r, uint64_t vcpus, struct mig_error *err)
{
    MIG_AUTO(mig_words_clear) struct mig_words words = {0};
    const xmlNode *cpu = NULL;
    MIG_AUTO(mig_free) char *vendor = NULL;
    const char *gap;

    if (!mig_xml_only(r->domain, "cpu", &cpu, err) || (cpu != NULL && !check_cpu(cpu, err)) ||
        !mig_libvirt_text(cpu, "vendor", &vendor, err) ||
        (cpu != NULL && (!mig_libvirt_add_names(r->builder, cpu, SOURCE, err) ||
                         !read_topology(r, cpu, vcpus, err)))) {
        return false;
    }
    mig_libvirt_add_fact(r->builder, "libvirt.cpu.mode", mig_xml_attribute(cpu, "mode"), SOURCE);
    mig_libvirt_add_fact(r->builder, "libvirt.cpu.check", mig_xml_attribute(cpu, "check"), SOURCE);
    gap = find_gap(r, cpu);
    if (gap != NULL) {
        mig_libvirt_leave_cpu(r->builder, vendor, SOURCE, gap);
    } else if (!mig_libvirt_add_cpu(r->builder, cpu, MIG_WORDS_QEMU, SOURCE, &words, err)) {
        return false;
    }
    return read_widths(r, cpu, &words, err) && read_kvm(r, words.len > 0, err) &&
           (!r->kvm || has_own_cpu(r->domain) ||
            mig_enlightenment_add(r->builder, r->domain, SOURCE, err));
}

static bool read_x86(struct reading *r, struct mig_error *err)
{
    uint64_t vcpus = 0;

    mig_builder_cover(r->builder, MIG_GROUP_KVM_VIEW, MIG_COVER_FULL, 0, SOURCE);
    mig_builder_cover(r->builder, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, SOURCE);
    return read_vcpus(r, &vcpus, err) && read_cpu(r, vcpus, err) &&
           (!r->kvm || read_vm_type(r, err)) && read_clock(r, err);
}

/* No XML names ID registers; what the guest was given stays open. */
static bool read_arm64(struct reading *r, struct mig_error *err)
{
    const xmlNode *cpu = NULL;
    uint64_t vcpus = 0;

    if (!read_vcpus(r, &vcpus, err) || !mig_xml_only(r->domain, "cpu", &cpu, err)) {
        return false;
    }
    mig_builder_cover(r->builder, MIG_GROUP_GUEST, MIG_COVER_PARTIAL, 0, SOURCE);
    mig_builder_cover(r->builder, MIG_GROUP_IDREG, MIG_COVER_NONE, 0,
                      SOURCE ": names no ID register");
    mig_libvirt_add_fact(r->builder, "libvirt.cpu.mode", mig_xml_attribute(cpu, "mode"), SOURCE);
    return cpu == NULL || (mig_libvirt_add_names(r->builder, cpu, SOURCE, err) &&
                           read_topology(r, cpu, vcpus, err));
}

/* <os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os> */
static bool read_type(struct reading *r, enum mig_arch *ret, struct mig_error *err)
{
    const xmlNode *os = NULL, *type = NULL;
    const char *accelerator, *arch;

    if (!mig_xml_get(r->domain, "type", &accelerator, err) ||
        !mig_xml_only(r->domain, "os", &os, err) || !mig_xml_only(os, "type", &type, err)) {
        return false;
    }
    r->kvm = strcmp(accelerator, "kvm") == 0;
    if (!r->kvm && strcmp(accelerator, "qemu") != 0) {
        return mig_xml_fail(r->domain, err, "type '%.40s' is neither kvm nor qemu", accelerator);
    }
    if (type == NULL) {
        return mig_xml_fail(r->domain, err, "without os/type");
    }
    if (!mig_xml_get(type, "arch", &arch, err)) {
        return false;
    }
    r->machine = mig_xml_attribute(type, "machine");
    return mig_import_arch(arch, ret) ||
           mig_xml_fail(type, err, "arch '%.40s' is none of x86_64, i686, aarch64", arch);
}

bool mig_import_domain_read(const char *text, size_t len, struct mig_snapshot **ret,
                            struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    MIG_AUTO(mig_xml_free) xmlNode *root = NULL;
    struct reading r = {0};
    enum mig_arch arch = MIG_ARCH_NONE;

    if (!mig_xml_parse(text, len, &root, err)) {
        return false;
    }
    r.domain = root;
    if (!read_type(&r, &arch, err)) {
        return false;
    }
    r.builder = b = mig_builder_new(arch);
    return read_identity(&r, err) && (arch == MIG_ARCH_X86 ? read_x86 : read_arm64)(&r, err) &&
           mig_import_finish(b, "libvirt-domain", ret, err);
}
