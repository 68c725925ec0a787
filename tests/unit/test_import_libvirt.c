/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/cpumap.h"
#include "snapshot/import.h"
#include "snapshot/normalise.h"
#include "support/check.h"

#define DOMAIN(inside)                                                                             \
    "<domain type='kvm'><name>g</name><vcpu current='1'>4</vcpu>"                                  \
    "<os><type arch='x86_64' machine='pc-q35-7.2'>hvm</type></os>" inside "</domain>"
#define CPU(attributes, inside) DOMAIN("<cpu " attributes ">" inside "</cpu>")
#define FULL "mode='custom' match='exact' check='full'"
#define BASE "<model>Base</model><vendor>AMD</vendor>"
#define HYPERV(inside, more) DOMAIN("<features><hyperv>" inside "</hyperv></features>" more)
#define HOST(inside)                                                                               \
    "<capabilities><host><uuid>u</uuid><cpu><arch>x86_64</arch>" inside "</cpu></host>"            \
    "</capabilities>"
#define DOMCAPS(inside)                                                                            \
    "<domainCapabilities><path>/q</path><domain>kvm</domain><machine>m</machine>"                  \
    "<arch>x86_64</arch><cpu>" inside "</cpu></domainCapabilities>"

static const struct mig_reg leaf_1_eax = {MIG_SPACE_CPUID, 1, 0, MIG_EAX};
static const struct mig_reg leaf_1_ecx = {MIG_SPACE_CPUID, 1, 0, MIG_ECX};
static const struct mig_reg leaf_1_edx = {MIG_SPACE_CPUID, 1, 0, MIG_EDX};
static const struct mig_reg leaf_80000001_edx = {MIG_SPACE_CPUID, 0x80000001, 0, MIG_EDX};
static const struct mig_reg leaf_80000008_eax = {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX};
static const struct mig_reg leaf_7_ebx = {MIG_SPACE_CPUID, 7, 0, MIG_EBX};
static const struct mig_reg arch_capabilities = {MIG_SPACE_MSR, 0x10a, 0, MIG_EAX};
static const struct mig_reg tsc_khz = {MIG_SPACE_HOST, MIG_HOST_TSC_KHZ, 0, MIG_EAX};

/* NULL: libvirt's own. */
static void use_map(const char *folder)
{
    MIG_AUTO(mig_free) char *path = folder == NULL ? NULL : check_source_path(folder);

    check_number("environment", 0,
                 (uint64_t)(path == NULL ? unsetenv("MIG_LIBVIRT_CPU_MAP")
                                         : setenv("MIG_LIBVIRT_CPU_MAP", path, 1)));
}

static struct mig_snapshot *import_as(const char *text, size_t len, const char *format)
{
    struct mig_snapshot *s = NULL;
    const char *found = "";
    struct mig_error err;

    check_done(text, mig_import("given", text, len, &s, &found, &err), &err);
    check_text(text, format, found);
    return s;
}

static struct mig_snapshot *import(const char *text, const char *format)
{
    use_map("tests/data/import/cpu_map");
    return import_as(text, strlen(text), format);
}

static struct mig_snapshot *import_file(const char *name, const char *format)
{
    MIG_AUTO(mig_free) char *file = mig_strf("tests/data/import/%s", name);
    MIG_AUTO(mig_free) char *path = check_source_path(file);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;

    check_done(name, mig_file_read(path, MIG_IMPORT_BYTES_MAX, &bytes, &err), &err);
    return import_as((const char *)bytes.items, bytes.len, format);
}

static void check_known(const char *label, const struct mig_snapshot *s, struct mig_reg reg,
                        uint64_t expected)
{
    uint64_t value;

    check_number(label, MIG_KNOWN, mig_snapshot_get(s, reg, &value));
    check_number(label, expected, value);
}

static void check_uncovered(const char *label, const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t value;

    check_number(label, MIG_UNCOVERED, mig_snapshot_get(s, reg, &value));
}

/* Real XML of running guests against CPUID as it was read inside them. */
CHECK_TEST(a_running_guest_reads_what_its_xml_gives)
{
    static const struct {
        const char *name;
        size_t least; /* registers that must be known */
    } cases[] = {
        {"tcg-hsw",    16},
        {"tcg-hm",     16},
        {"tcg-milan",  12}, /* no vendor: 80000001.EDX is open */
        {"tcg-qemu64", 13},
        {"nocpu",      12},
    };

    if (access(MIG_CPUMAP_FOLDER "/index.xml", R_OK) != 0) {
        skip();
    }
    use_map(NULL);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *xml = mig_strf("domain-%s.xml", c->name);
        MIG_AUTO(mig_free) char *txt = mig_strf("domain-%s.guest.txt", c->name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import_file(xml, "libvirt-domain");
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *guest = import_file(txt, "cpuid-raw");
        size_t len, compared = 0;
        const struct mig_entry *e = mig_snapshot_space(s, MIG_SPACE_CPUID, &len);

        check_number(c->name, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_CPUID].coverage);
        for (size_t i = 0; i < len; i++) {
            struct mig_reg reg = mig_reg_from_key(e[i].key);
            char label[MIG_REG_TEXT_MAX];
            uint64_t seen;

            (void)mig_snapshot_get(guest, reg, &seen);
            mig_reg_print(reg, label);
            check_number(label, seen, e[i].value);
            compared++;
        }
        check_true(c->name, compared >= c->least);
    }
}

CHECK_TEST(what_the_xml_does_not_say_is_uncovered_and_says_why)
{
    static const struct {
        const char *file, *gap;
    } cases[] = {
        {"domain-not-running.xml",      "not of a running guest"          },
        {"domain-host-model.xml",       "import virsh dumpxml"            },
        {"domain-hyperv.xml",           "not of a running guest"          },
        {"domain-maximum.xml",          "query-cpu-model-expansion"       },
        {"domain-host-passthrough.xml", "query-cpu-model-expansion"       },
        {"domain-tcg-hsw.xml",          "model 'Haswell-noTSX' is not def"},
    };

    use_map("tests/data/import/cpu_map");
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = import_file(c->file, "libvirt-domain");

        check_contains(c->file, c->gap, mig_snapshot_fact(s, "import.gap"));
        check_contains(c->file, c->gap, s->groups[MIG_GROUP_CPUID].source);
        check_uncovered(c->file, s, leaf_1_ecx);
        check_uncovered(c->file, s, leaf_7_ebx);
        check_uncovered(c->file, s, arch_capabilities);
    }
}

CHECK_TEST(a_map_that_is_not_there_is_said_to_be_missing)
{
    static const char text[] = CPU(FULL, BASE);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    use_map("tests/data/import/no-such-folder");
    s = import_as(text, strlen(text), "libvirt-domain");
    check_contains("gap", "install libvirt0", mig_snapshot_fact(s, "import.gap"));
    check_uncovered("words", s, leaf_1_edx);
    check_uncovered("vendor", s, mig_reg_cpuid(0, 0, MIG_EBX));
    check_text("vendor", "AMD", mig_snapshot_fact(s, "libvirt.cpu.vendor"));
    check_number("none", MIG_COVER_NONE, s->groups[MIG_GROUP_CPUID].coverage);
}

CHECK_TEST(policies_decide_over_the_model)
{
    /* clang-format off */
    static const struct {
        const char *label, *text;
        bool known;
        uint64_t ecx1;
    } cases[] = {
        {"model",        CPU(FULL, BASE),                                              true,  0},
        {"child",        CPU(FULL, "<model>Grown</model>"),                            true,  0x12u << 24},
        {"require",      CPU(FULL, BASE "<feature policy='require' name='aes'/>"),     true,  1u << 25},
        {"force",        CPU(FULL, BASE "<feature policy='force' name='aes'/>"),       true,  1u << 25},
        {"default",      CPU(FULL, BASE "<feature name='aes'/>"),                      true,  1u << 25},
        {"disable",      CPU(FULL, "<model>Grown</model><feature policy='disable' name='aes'/>"),
                                                                                       true,  1u << 28},
        {"forbid",       CPU(FULL, "<model>Grown</model><feature policy='forbid' name='avx'/>"),
                                                                                       true,  1u << 25},
        {"optional",     CPU(FULL, BASE "<feature policy='optional' name='aes'/>"),    false, 0},
        {"alias",        CPU(FULL, BASE "<feature policy='require' name='sse4_1'/>"),  true,  1u << 19},
        {"ours",         CPU(FULL, BASE "<feature policy='require' name='osxsave'/>"), true,  0},
        {"vmx",          CPU(FULL, BASE "<feature policy='require' name='vmx-new'/>"), true,  0},
        {"strange, off", CPU(FULL, BASE "<feature policy='disable' name='new-bit'/>"), true,  0},
        {"strange, on",  CPU(FULL, BASE "<feature policy='require' name='new-bit'/>"), false, 0},
        {"partial",      CPU("mode='custom' check='partial'", BASE),                   false, 0},
        {"none",         CPU("mode='custom' check='none'", BASE),                      false, 0},
        {"unsaid",       CPU("", BASE),                                                false, 0},
        {"no model",     CPU(FULL, ""),                                                false, 0},
        {"no cpu",       DOMAIN(""),                                                   false, 0},
        {"own -cpu",     DOMAIN("<cpu " FULL ">" BASE "</cpu><q:commandline xmlns:q='http://libvirt.org/schemas/domain/qemu/1.0'>"
                         "<q:arg value='-cpu'/><q:arg value='max'/></q:commandline>"),
                                                                                       false, 0},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->text, "libvirt-domain");

        if (c->known) {
            check_known(c->label, s, leaf_1_ecx, c->ecx1);
        } else {
            check_uncovered(c->label, s, leaf_1_ecx);
        }
    }
}

CHECK_TEST(a_doubtful_feature_leaves_other_registers_known)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s =
        import(CPU(FULL, BASE "<feature policy='optional' name='avx2'/>"), "libvirt-domain");

    check_uncovered("avx2", s, leaf_7_ebx);
    check_known("others", s, leaf_1_edx, 1u << 0 | 1u << 25 | 1u << 26);
}

CHECK_TEST(amd_guests_repeat_bits_of_leaf_1)
{
    /* clang-format off */
    static const struct {
        const char *label, *text;
        bool known;
        uint64_t edx;
    } cases[] = {
        {"AMD",     CPU(FULL, BASE),                                        true,  0x20100801},
        {"Intel",   CPU(FULL, "<model>Base</model><vendor>Intel</vendor>"), true,  0x20100800},
        {"Hygon",   CPU(FULL, "<model>Base</model><vendor>Hygon</vendor>"), false, 0},
        {"unknown", CPU(FULL, "<model>Base</model>"),                       false, 0},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->text, "libvirt-domain");

        if (c->known) {
            check_known(c->label, s, leaf_80000001_edx, c->edx);
        } else {
            check_uncovered(c->label, s, leaf_80000001_edx);
        }
    }
}

CHECK_TEST(arch_capabilities_is_known_where_it_can_be_read)
{
    /* clang-format off */
    static const struct {
        const char *label, *text;
        bool known;
    } cases[] = {
        {"shown",  CPU(FULL, "<model>Grown</model>"),                           true},
        {"hidden", CPU(FULL, BASE "<feature policy='require' name='mds-no'/>"), false},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->text, "libvirt-domain");

        check_number(c->label, c->known ? MIG_COVER_PARTIAL : MIG_COVER_NONE,
                     s->groups[MIG_GROUP_MSR].coverage);
        if (c->known) {
            check_known(c->label, s, arch_capabilities, 1u << 5);
        } else {
            check_uncovered(c->label, s, arch_capabilities);
        }
    }
}

CHECK_TEST(widths_are_known_when_nothing_of_the_host_enters)
{
    /* clang-format off */
    static const struct {
        const char *label, *machine, *cpu;
        bool known;
        uint64_t eax;
    } cases[] = {
        {"four levels",  "pc-q35-7.2",        BASE "<maxphysaddr mode='emulate' bits='42'/>", true,  0x302a},
        {"five levels",  "pc-q35-9.0",        BASE "<maxphysaddr mode='emulate' bits='52'/><feature name='la57'/>",
                                                                                              true,  0x3934},
        {"host's too",   "pc-q35-9.1",        BASE "<maxphysaddr mode='emulate' bits='42'/>", false, 0},
        {"and later",    "pc-i440fx-10.0",    BASE "<maxphysaddr mode='emulate' bits='42'/>", false, 0},
        {"other names",  "pc-q35-rhel7.6.0",  BASE "<maxphysaddr mode='emulate' bits='42'/>", false, 0},
        {"other names",  "pc-i440fx-rhel8.2", BASE "<maxphysaddr mode='emulate' bits='42'/>", false, 0},
        {"no version",   "q35",               BASE "<maxphysaddr mode='emulate' bits='42'/>", false, 0},
        {"32 bits only", "pc-q35-7.2",        BASE "<maxphysaddr mode='emulate' bits='42'/>" "<feature policy='disable' name='lm'/>",
                                                                                              false, 0},
        {"passthrough",  "pc-q35-7.2",        BASE "<maxphysaddr mode='passthrough'/>",       false, 0},
        {"unsaid",       "pc-q35-7.2",        BASE,                                           false, 0},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *text = mig_strf("<domain type='kvm'><os><type arch='x86_64' machine='%s'/></os>"
                              "<cpu " FULL ">%s</cpu></domain>",
                              c->machine, c->cpu);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(text, "libvirt-domain");

        if (c->known) {
            check_known(c->label, s, leaf_80000008_eax, c->eax);
        } else {
            check_uncovered(c->label, s, leaf_80000008_eax);
        }
    }
}

CHECK_TEST(topology_type_and_clock_of_a_guest_are_kept)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s =
        import(DOMAIN("<uuid>1-2</uuid>"
                      "<cpu><topology sockets='2' dies='1' cores='1' threads='2'/></cpu>"
                      "<clock offset='utc'><timer name='rtc'/><timer name='tsc' "
                      "frequency='2596096000'/></clock>"),
               "libvirt-domain");
    static const struct {
        enum mig_guest_item item;
        uint64_t value;
    } cases[] = {
        {MIG_GUEST_VCPUS,   4},
        {MIG_GUEST_SOCKETS, 2},
        {MIG_GUEST_DIES,    1},
        {MIG_GUEST_CORES,   1},
        {MIG_GUEST_THREADS, 2},
        {MIG_GUEST_VM_TYPE, 0},
    };

    CHECK_EACH (c, cases) {
        check_known(mig_guest_name(c->item), s, mig_reg_plain(MIG_SPACE_GUEST, c->item), c->value);
    }
    check_uncovered("xcr0", s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0));
    check_known("clock", s, tsc_khz, 2596096);
    check_text("name", "g", mig_snapshot_fact(s, "guest.name"));
    check_text("uuid", "1-2", mig_snapshot_fact(s, "guest.uuid"));
    check_text("machine", "pc-q35-7.2", mig_snapshot_fact(s, "vmm.machine-type"));
    check_number("view", MIG_COVER_FULL, s->groups[MIG_GROUP_KVM_VIEW].coverage);
}

CHECK_TEST(encrypted_guests_have_their_type)
{
    /* clang-format off */
    static const struct {
        const char *inside;
        uint64_t type;
    } cases[] = {
        {"<launchSecurity type='sev'><policy>0x0001</policy></launchSecurity>",
                                         2},
        {"<launchSecurity type='sev'><policy>0x0007</policy></launchSecurity>",
                                         3},
        {"<launchSecurity type='sev-snp'><policy>0x30000</policy></launchSecurity>",
                                         4},
        {"<launchSecurity type='tdx'/>", 5},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free)
        char *text =
            mig_strf("<domain type='kvm'><os><type arch='x86_64'/></os>%s</domain>", c->inside);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(text, "libvirt-domain");

        check_known(c->inside, s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_VM_TYPE), c->type);
    }
}

CHECK_TEST(enlightenments_become_hyper_v_leaves_where_that_is_certain)
{
    static const struct mig_reg access = {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EAX};
    static const struct mig_reg features = {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EDX};
    static const struct mig_reg advice = {MIG_SPACE_CPUID_HV, 0x40000004, 0, MIG_EAX};
    static const struct mig_reg retries = {MIG_SPACE_CPUID_HV, 0x40000004, 0, MIG_EBX};
    /* clang-format off */
    static const struct {
        const char *label, *text;
        enum mig_coverage coverage;
        uint64_t access, features, advice, retries;
    } cases[] = {
        {"none",      DOMAIN(""),                                                  MIG_COVER_FULL,    0,     0,       0,     0},
        {"all off",   HYPERV("<relaxed state='off'/>", ""),                        MIG_COVER_FULL,    0,     0,       0,     0},
        {"relaxed",   HYPERV("<relaxed state='on'/>", ""),                         MIG_COVER_PARTIAL, 0x20,  8,       0x20,  0xffffffff},
        {"spinlocks", HYPERV("<spinlocks state='on' retries='8191'/>", ""),        MIG_COVER_PARTIAL, 0x20,  8,       0,     8191},
        {"tlbflush",  HYPERV("<vpindex/><tlbflush state='on'><extended state='on'/></tlbflush>", ""),
                                                                                   MIG_COVER_PARTIAL, 0x60,  0x4008,  0x804, 0xffffffff},
        {"stimer",    HYPERV("<synic/><stimer state='on'><direct state='on'/></stimer>", "<clock><timer name='hypervclock' present='yes'/></clock>"),
                                                                                   MIG_COVER_PARTIAL, 0x22e, 0x80008, 0,     0xffffffff},
        {"crash",     HYPERV("", "<devices><panic model='hyperv'/></devices>"),    MIG_COVER_PARTIAL, 0x20,  0x408,   0,     0xffffffff},
        {"passed on", DOMAIN("<features><hyperv mode='passthrough'/></features>"), MIG_COVER_NONE,    0,     0,       0,     0},
        {"strange",   HYPERV("<relaxed state='on'/><novel state='on'/>", ""),      MIG_COVER_NONE,    0,     0,       0,     0},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->text, "libvirt-domain");

        check_number(c->label, c->coverage, s->groups[MIG_GROUP_CPUID_HV].coverage);
        if (c->coverage == MIG_COVER_PARTIAL) {
            check_known(c->label, s, access, c->access);
            check_known(c->label, s, features, c->features);
            check_known(c->label, s, advice, c->advice);
            check_known(c->label, s, retries, c->retries);
        }
    }
}

CHECK_TEST(vapic_leaves_the_recommendations_open)
{
    static const struct mig_reg advice = {MIG_SPACE_CPUID_HV, 0x40000004, 0, MIG_EAX};
    static const struct mig_reg access = {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EAX};
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import_file("domain-hyperv.xml", "libvirt-domain");

    check_uncovered("advice", s, advice);
    check_known("access", s, access, 0xaff);
    check_contains("fact", "vapic", mig_snapshot_fact(s, "guest.hyperv"));
}

CHECK_TEST(a_hidden_hypervisor_has_no_kvm_leaf)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import(DOMAIN("<features><kvm><hidden state='on'/></kvm>"
                                           "<pmu state='off'/></features>"
                                           "<cpu " FULL ">" BASE "</cpu>"),
                                    "libvirt-domain");
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *shown = import(CPU(FULL, BASE), "libvirt-domain");

    check_known("hidden", s, mig_reg_cpuid(0x40000001, 0, MIG_EAX), 0);
    check_uncovered("shown", shown, mig_reg_cpuid(0x40000001, 0, MIG_EAX));
    check_text("pmu", "off", mig_snapshot_fact(s, "guest.pmu"));
}

CHECK_TEST(arm64_guests_have_a_topology_and_no_register)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s =
        import("<domain type='kvm'><vcpu>2</vcpu><os><type arch='aarch64' machine='virt-7.2'/></os>"
               "<cpu mode='host-passthrough' check='none'/></domain>",
               "libvirt-domain");

    check_number("arch", MIG_ARCH_ARM64, s->arch);
    check_number("idreg", MIG_COVER_NONE, s->groups[MIG_GROUP_IDREG].coverage);
    check_known("vcpus", s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_VCPUS), 2);
    check_text("mode", "host-passthrough", mig_snapshot_fact(s, "libvirt.cpu.mode"));
}

CHECK_TEST(host_capabilities_are_silicon_of_which_little_is_named)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (access(MIG_CPUMAP_FOLDER "/index.xml", R_OK) != 0) {
        skip();
    }
    use_map(NULL);
    s = import_file("capabilities.xml", "libvirt-capabilities");
    check_number("view", MIG_COVER_NONE, s->groups[MIG_GROUP_KVM_VIEW].coverage);
    check_known("signature", s, leaf_1_eax, 0x00b00f21);
    check_known("features", s, leaf_1_edx, 0x078bfbff); /* threads are the VMM's */
    check_known("xsave", s, mig_reg_cpuid(0xd, 1, MIG_EAX), 0xf);
    check_uncovered("sdbg has no name", s, leaf_1_ecx);
    check_uncovered("fdp_excptn_only neither", s, leaf_7_ebx);
    check_known("clock", s, tsc_khz, 2596096);
    check_known("scaling", s, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_SCALING), 0);
    check_text("microcode", "16777317", mig_snapshot_fact(s, "microcode"));
    check_text("width", "48", mig_snapshot_fact(s, "libvirt.cpu.maxphysaddr"));
    check_text("vendor", "AuthenticAMD", mig_snapshot_fact(s, "cpu.vendor"));
}

CHECK_TEST(domain_capabilities_are_what_kvm_grants)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (access(MIG_CPUMAP_FOLDER "/index.xml", R_OK) != 0) {
        skip();
    }
    use_map(NULL);
    s = import_file("domcaps-kvm.xml", "libvirt-domain-capabilities");
    check_number("view", MIG_COVER_FULL, s->groups[MIG_GROUP_KVM_VIEW].coverage);
    check_known("x2apic, cx16, tsc-deadline, hypervisor", s, leaf_1_ecx, 0x81202000);
    check_known("disabled and required", s, leaf_7_ebx, 0x01800002);
    check_known("mds-no and others", s, arch_capabilities, 0x69);
    check_text("usable", "usable", mig_snapshot_fact(s, "vmm.libvirt.model.486"));
    check_text("not", "not usable", mig_snapshot_fact(s, "vmm.libvirt.model.EPYC"));
    check_text("machine", "pc-q35-7.2", mig_snapshot_fact(s, "vmm.machine-type"));
}

CHECK_TEST(blockers_of_a_model_are_listed)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s =
        import(DOMCAPS("<mode name='host-model' supported='no'/><mode name='custom' "
                       "supported='yes'><model usable='no'>A</model><blockers model='A'>"
                       "<feature name='svm'/><feature name='npt'/></blockers>"
                       "<model usable='unknown'>B</model></mode>"),
               "libvirt-domain-capabilities");

    check_text("A", "lacks: svm,npt", mig_snapshot_fact(s, "vmm.libvirt.model.A"));
    check_text("B", "unknown", mig_snapshot_fact(s, "vmm.libvirt.model.B"));
    check_contains("gap", "host-model is not supported", mig_snapshot_fact(s, "import.gap"));
    check_uncovered("words", s, leaf_1_ecx);
}

CHECK_TEST(bad_xml_is_refused_with_line_and_place)
{
    /* clang-format off */
    static const struct {
        const char *text, *message;
    } cases[] = {
        {"<domain>",                                                       "libvirt domain XML: line 1: not well-formed XML: Premature end of data"},
        {"<domain/>",                                                      "line 1, domain: without attribute type"},
        {"<domain type='xen'/>",                                           "domain: type 'xen' is neither kvm nor qemu"},
        {"<domain type='kvm'/>",                                           "domain: without os/type"},
        {"<domain type='kvm'><os/><os/></domain>",                         "domain: has more than one os"},
        {"<domain type='kvm'><os><type/></os></domain>",                   "domain/os/type: without attribute arch"},
        {"<domain type='kvm'><os><type arch='s390x'/></os></domain>",      "arch 's390x' is none of x86_64"},
        {DOMAIN("<cpu/><cpu/>"),                                           "domain: has more than one cpu"},
        {DOMAIN("<name>h</name>"),                                         "domain: has more than one name"},
        {CPU("mode='fast'", ""),                                           "domain/cpu: mode 'fast' is not known"},
        {CPU("check='maybe'", ""),                                         "domain/cpu: check 'maybe' is not known"},
        {CPU("match='most'", ""),                                          "domain/cpu: match 'most' is not known"},
        {CPU(FULL, "<model/><model/>"),                                    "domain/cpu: has more than one model"},
        {CPU(FULL, "<feature/>"),                                          "domain/cpu/feature: without attribute name"},
        {CPU(FULL, "<feature name='a'/>\n<feature name='b' policy='c'/>"), "line 2, domain/cpu/feature[2]: policy 'c' is none of"},
        {CPU("", "<topology sockets='3'/>"),                               "domain/cpu/topology: makes 3 vCPUs, element vcpu says 4"},
        {CPU("", "<topology sockets='0'/>"),                               "domain/cpu/topology: sockets is 0"},
        {CPU("", "<topology sockets='65536' cores='65536'/>"),             "makes more than 65536 vCPUs"},
        {CPU("", "<topology cores='-1'/>"),                                "cores '-1' is no number"},
        {CPU("", "<maxphysaddr bits='65'/>"),                              "bits '65' is no number from 0 to 0x40"},
        {"<domain type='kvm'><vcpu>0</vcpu><os><type arch='x86_64'/></os></domain>",
                                                                           "domain/vcpu: '0' is no number of vCPUs"},
        {"<domain type='kvm'><vcpu current='3'>2</vcpu><os><type arch='x86_64'/></os></domain>",
                                                                           "domain/vcpu: current '3' is no number from 0 to 0x2"},
        {DOMAIN("<clock><timer/></clock>"),                                "domain/clock/timer: without attribute name"},
        {DOMAIN("<clock><timer name='tsc' frequency='fast'/></clock>"),    "frequency 'fast' is no number"},
        {HYPERV("<relaxed state='maybe'/>", ""),                           "hyperv/relaxed: state 'maybe' is neither on nor off"},
        {HYPERV("<stimer><direct state='x'/></stimer>", ""),               "hyperv/stimer/direct: state 'x'"},
        {HYPERV("<spinlocks retries='x'/>", ""),                           "retries 'x' is no number"},
        {DOMAIN("<features><kvm><hidden/></kvm></features>"),              "features/kvm/hidden: without attribute state"},
        {DOMAIN("<launchSecurity/>"),                                      "launchSecurity: without attribute type"},
        {DOMAIN("<launchSecurity type='sev'><policy>x</policy></launchSecurity>"),
                                                                           "launchSecurity: policy 'x' is no number"},
        {DOMAIN("<qemu:commandline/>"),                                    "Namespace prefix qemu on commandline is not defined"},
        {"<!DOCTYPE domain><domain/>",                                     "document type, which is refused"},
        {"<capabilities/>",                                                "libvirt capabilities XML: line 1, capabilities: without host"},
        {"<capabilities><host/></capabilities>",                           "capabilities/host: without cpu"},
        {"<capabilities><host><cpu/></host></capabilities>",               "host/cpu: arch '' is none of"},
        {HOST("<signature family='6'/>"),                                  "cpu/signature: without attribute model"},
        {HOST("<signature family='271' model='1' stepping='1'/>"),         "family '271' is no number from 0 to 0x10e"},
        {HOST("<counter name='tsc' scaling='maybe'/>"),                    "counter: scaling 'maybe' is neither yes nor no"},
        {HOST("<counter/>"),                                               "counter: without attribute name"},
        {"<domainCapabilities/>",                                          "domainCapabilities: arch '' is none of"},
        {DOMCAPS("<mode name='custom'/>"),                                 "cpu/mode: without attribute supported"},
        {DOMCAPS("<mode name='custom' supported='yes'><model>A</model></mode>"),
                                                                           "mode/model: without attribute usable"},
    };
    /* clang-format on */

    use_map("tests/data/import/cpu_map");
    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format;
        struct mig_error err = {0};

        check_true(c->text, !mig_import("given", c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->text, c->message, err.msg);
        check_number(c->text, MIG_FORMAT, err.code);
    }
}

CHECK_MAIN(cmocka_unit_test(a_running_guest_reads_what_its_xml_gives),
           cmocka_unit_test(what_the_xml_does_not_say_is_uncovered_and_says_why),
           cmocka_unit_test(a_map_that_is_not_there_is_said_to_be_missing),
           cmocka_unit_test(policies_decide_over_the_model),
           cmocka_unit_test(a_doubtful_feature_leaves_other_registers_known),
           cmocka_unit_test(amd_guests_repeat_bits_of_leaf_1),
           cmocka_unit_test(arch_capabilities_is_known_where_it_can_be_read),
           cmocka_unit_test(widths_are_known_when_nothing_of_the_host_enters),
           cmocka_unit_test(topology_type_and_clock_of_a_guest_are_kept),
           cmocka_unit_test(encrypted_guests_have_their_type),
           cmocka_unit_test(enlightenments_become_hyper_v_leaves_where_that_is_certain),
           cmocka_unit_test(vapic_leaves_the_recommendations_open),
           cmocka_unit_test(a_hidden_hypervisor_has_no_kvm_leaf),
           cmocka_unit_test(arm64_guests_have_a_topology_and_no_register),
           cmocka_unit_test(host_capabilities_are_silicon_of_which_little_is_named),
           cmocka_unit_test(domain_capabilities_are_what_kvm_grants),
           cmocka_unit_test(blockers_of_a_model_are_listed),
           cmocka_unit_test(bad_xml_is_refused_with_line_and_place))
