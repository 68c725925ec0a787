/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/import.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/snapshots.h"

#define ZERO32 "0b00000000000000000000000000000000"
#define FC_HEAD                                                                                    \
    "{\"firecracker_version\":\"1.16\",\"kernel_version\":\"6.1\",\"microcode_version\":\"0x1\","  \
    "\"bios_version\":\"1\",\"bios_revision\":\"2\",\"guest_cpu_config\":{\"kvm_capabilities\":[]"
#define FC_REGISTER(name, bits) "{\"register\":\"" name "\",\"bitmap\":\"" bits "\"}"
#define FC_LEAF(leaf, registers)                                                                   \
    "{\"leaf\":\"" leaf "\",\"subleaf\":\"0x0\",\"flags\":0,\"modifiers\":[" registers "]}"
#define FC(leaves, msrs) FC_HEAD ",\"cpuid_modifiers\":[" leaves "],\"msr_modifiers\":[" msrs "]}}"
#define FC_MSR(addr, bits) "{\"addr\":\"" addr "\",\"bitmap\":\"" bits "\"}"

#define RAW_HEAD "CPU 0:\n"
#define RAW_0 "   0x00000000 0x00: eax=0x00000016 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
#define RAW_1 "   0x00000001 0x00: eax=0x00050654 ebx=0x00400800 ecx=0x7ffefbff edx=0xbfebfbff\n"
#define RAW_7 "   0x00000007 0x00: eax=0x00000000 ebx=0xd39ffffb ecx=0x00000808 edx=0xbc000400\n"

#define XML_0                                                                                      \
    "<cpuid eax_in='0x0' ecx_in='0x0' eax='0x16' ebx='0x756e6547' ecx='0x6c65746e' "               \
    "edx='0x49656e69'/>"
#define XML(more) "<cpudata arch='x86'>" XML_0 more "</cpudata>"

#define CAPTURE(calls, cpuid, rest)                                                                \
    "{\"label\":\"probe\",\"start\":{\"release\":\"6.12\",\"machine\":\"x86_64\"},\"files\":{},"   \
    "\"devkvm\":[{\"r\":\"OK\"}],\"caps\":{},\"cpuid_call\":[" calls "],\"cpuid\":{" cpuid         \
    "}" rest "}"

static struct mig_snapshot *import(const char *label, const char *text, const char *format)
{
    struct mig_snapshot *s = NULL;
    const char *found = NULL;
    struct mig_error err;

    check_done(label, mig_import("given", text, strlen(text), &s, &found, &err), &err);
    check_text(label, format, found);
    return s;
}

static uint64_t word(const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t value;

    (void)mig_snapshot_get(s, reg, &value);
    return value;
}

CHECK_TEST(each_format_is_recognised_and_read)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *format, *host;
        uint64_t ebx7;
        enum mig_coverage view, msr;
    } cases[] = {
        {"firecracker", FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b101_0000")), ""),
         "firecracker-fingerprint", "given", 0x50, MIG_COVER_FULL, MIG_COVER_PARTIAL},
        {"without prefix", FC(FC_LEAF("0b111", FC_REGISTER("ebx", "1010000")), ""),
         "firecracker-fingerprint", "given", 0x50, MIG_COVER_FULL, MIG_COVER_PARTIAL},
        {"white space first", " \n\t" FC(FC_LEAF("0x7", FC_REGISTER("ebx", "1")), ""),
         "firecracker-fingerprint", "given", 1, MIG_COVER_FULL, MIG_COVER_PARTIAL},
        {"cpuid -r", RAW_HEAD RAW_0 RAW_1 RAW_7, "cpuid-raw", "given", 0xd39ffffb, MIG_COVER_NONE,
         MIG_COVER_NONE},
        {"cpuid -1 -r", "CPU:\n" RAW_0 RAW_7, "cpuid-raw", "given", 0xd39ffffb, MIG_COVER_NONE,
         MIG_COVER_NONE},
        {"windows line ends", "CPU:\r\n   0x00000000 0x00: eax=0x00000016 ebx=0x756e6547 "
         "ecx=0x6c65746e edx=0x49656e69\r\n", "cpuid-raw", "given", 0, MIG_COVER_NONE,
         MIG_COVER_NONE},
        {"libvirt", XML("<cpuid eax_in='0x7' eax='0' ebx='0x50' ecx='0x0' edx='0x0'/>"),
         "libvirt-cpudata", "given", 0x50, MIG_COVER_NONE, MIG_COVER_PARTIAL},
        {"libvirt with comments", "<!-- from a host -->\n" XML("<!-- and more -->"),
         "libvirt-cpudata", "given", 0, MIG_COVER_NONE, MIG_COVER_PARTIAL},
        {"host capture", CAPTURE("{\"k\":\"supported\",\"r\":\"OK\"}",
                 "\"supported\":[{\"fn\":\"0x7\",\"idx\":0,\"eax\":\"0x0\",\"ebx\":\"0x50\","
                 "\"ecx\":\"0x0\",\"edx\":\"0x0\"}]", ""),
         "host-capture", "probe", 0x50, MIG_COVER_FULL, MIG_COVER_UNREADABLE},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->label, c->text, c->format);

        check_text(c->label, c->host, s->stamp.host);
        check_number(c->label, c->ebx7, word(s, mig_reg_cpuid(7, 0, MIG_EBX)));
        check_number(c->label, MIG_COVER_FULL, s->groups[MIG_GROUP_CPUID].coverage);
        check_number(c->label, c->view, s->groups[MIG_GROUP_KVM_VIEW].coverage);
        check_number(c->label, c->msr, s->groups[MIG_GROUP_MSR].coverage);
        check_text(c->label, c->format, mig_snapshot_fact(s, "import.format"));
    }
}

CHECK_TEST(bad_input_is_refused_with_the_place_and_what_was_expected)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *message;
    } cases[] = {
        {"nothing",              "",                                                  "empty file, of no known format"               },
        {"prose",                "the quick brown fox",                               "file of no known format; known are migctl snapshot JSON, Firecracker"},
        {"another JSON",         "{\"a\":1}",                                         "file of no known format"                      },
        {"a custom template",    "{\"cpuid_modifiers\":[]}",                          "file of no known format"                      },
        {"another XML",          "<network/>",                                        "file of no known format"                      },
        {"bitmap with x",        FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b1x")), ""),  "holds 'x', an unknown bit"                    },
        {"bitmap with x, where", FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b1x")), ""),  "x86/cpuid/7.0/ebx"                            },
        {"bitmap with 2",        FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b12")), ""),  "bitmap of x86/cpuid/7.0/ebx holds '2'"        },
        {"bitmap of 33",         FC(FC_LEAF("0x7", FC_REGISTER("ebx", ZERO32 "0")), ""),
                                                                                      "has 33 symbols, expected 1 to 32"             },
        {"empty bitmap",         FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b")), ""),    "has 0 symbols"                                },
        {"x in an MSR",          FC("", FC_MSR("0x10a", "0bx1")),                     "bitmap of x86/msr/10a holds 'x'"               },
        {"leaf in decimal",      FC(FC_LEAF("7", FC_REGISTER("ebx", "0b1")), ""),     "cpuid_modifiers[0]: leaf '7' is no number"    },
        {"leaf too large",       FC(FC_LEAF("0x100000000", FC_REGISTER("ebx", "0b1")), ""),
                                                                                      "leaf '0x100000000'"                           },
        {"strange register",     FC(FC_LEAF("0x7", FC_REGISTER("rbx", "0b1")), ""),   "modifiers[0]: register 'rbx'"                 },
        {"leaf twice",           FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b1")) "," FC_LEAF("0x7", FC_REGISTER("ebx", "0b1")), ""),
                                                                                      "cpuid_modifiers[1].modifiers[0]: x86/cpuid/7.0/ebx is there twice"},
        {"MSR twice",            FC("", FC_MSR("0x11", "0b1") "," FC_MSR("0x11", "0b1")),
                                                                                      "msr_modifiers[1]: x86/msr/11 is there twice"  },
        {"duplicate keys",       FC_HEAD ",\"cpuid_modifiers\":[],\"cpuid_modifiers\":[],\"msr_modifiers\":[]}}",
                                                                                      "duplicate object key"                         },
        {"no MSRs",              FC_HEAD ",\"cpuid_modifiers\":[]}}",                 "guest_cpu_config: key 'msr_modifiers' is missing"},
        {"unknown key on top",   "{\"extra\":1,\"guest_cpu_config\":{}}",             "unknown key 'extra'"                          },
        {"truncated",            FC_HEAD ",\"cpuid_modifiers\":[{\"leaf\":\"0x0\"",   "near end of file"                             },
        {"huge number",          FC(FC_LEAF("0x7", "18446744073709551616"), ""),      "too big integer"                              },
        {"raw, half a line",     RAW_HEAD "   0x00000000 0x00: eax=0x00000016\n",     "line 2: expected '0xLEAF 0xSUBLEAF:"          },
        {"raw, prose inside",    RAW_HEAD RAW_0 "hello\n",                            "line 3: expected '0xLEAF"                     },
        {"raw, leaf twice",      RAW_HEAD RAW_0 RAW_0,                                "line 3: CPUID leaf 0.0 is there twice"        },
        {"raw, strange heading", "CPU x:\n" RAW_0,                                    "line 1: expected 'CPU:' or 'CPU NUMBER:'"     },
        {"raw, no leaf 0",       RAW_HEAD RAW_7,                                      "CPUID leaf 0 is missing"                      },
        {"raw, CPUs differ",     RAW_HEAD RAW_0 RAW_7 "CPU 1:\n" RAW_0
         "   0x00000007 0x00: eax=0x00000000 ebx=0xd39fffdb ecx=0x00000808 edx=0xbc000400\n",
                                                                                      "x86/cpuid/7.0/ebx is 0xd39fffdb on CPU 1"     },
        {"raw, leaf missing",    RAW_HEAD RAW_0 RAW_7 "CPU 1:\n" RAW_0,               "CPU 1 has 1 CPUID leaves"                     },
        {"libvirt, cut off",     "<cpudata arch='x86'>" XML_0,                        "line 1: "                                     },
        {"libvirt, other arch",  "<cpudata arch='ppc64'/>",                           "arch of cpudata is not x86"                   },
        {"libvirt, no arch",     "<cpudata>" XML_0 "</cpudata>",                      "arch of cpudata is not x86"                   },
        {"libvirt, inside",      "<cpu><cpudata/></cpu>",                             "outermost element is not cpudata"             },
        {"libvirt, DTD",         "<!DOCTYPE cpudata [<!ENTITY a 'aa'>]>" XML(""),     "document type, which is refused"              },
        {"libvirt, outer DTD",   "<!DOCTYPE cpudata SYSTEM 'file:///etc/passwd'>" XML(""),
                                                                                      "document type, which is refused"              },
        {"libvirt, element",     XML("<model/>"),                                     "line 1, cpudata/model: unknown element"       },
        {"libvirt, attribute",   XML("<cpuid eax_in='0x7' eax='0x0' ebx='0x0' ecx='0x0'/>"),
                                                                                      "cpudata/cpuid[2]: without attribute edx"      },
        {"libvirt, huge",        XML("<msr index='0x10a' eax='0x100000000' edx='0x0'/>"),
                                                                                      "cpudata/msr: eax '0x100000000' is no number from 0 to 0xffffffff"},
        {"libvirt, twice",       XML(XML_0),                                          "CPUID leaf 0.0 is there twice"                },
        {"capture, bad leaf",    CAPTURE("{\"k\":\"supported\",\"r\":\"OK\"}", "\"supported\":[{\"fn\":\"7\"}]", ""),
                                                                                      "cpuid.supported[0].fn: expected hex text"     },
        {"capture, bad MSR",     CAPTURE("", "", ",\"feature_msrs\":{\"ten\":{\"r\":\"OK\"}},\"msr_call\":[{\"k\":\"feature\",\"r\":\"OK\"}]"),
                                                                                      "feature_msrs.ten: the key is no index"        },
        {"capture, machine",     "{\"devkvm\":[],\"files\":{},\"start\":{\"release\":\"6\",\"machine\":\"s390x\"}}",
                                                                                      "machine 's390x' is neither"                   },
        {"ours, broken",         "{\"apiVersion\":\"migctl/v1\"}",                    "migctl snapshot JSON: key 'kind' is missing"  },
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format = NULL;
        struct mig_error err = {0};

        check_true(c->label, !mig_import("given", c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->label, c->message, err.msg);
        check_true("the caller names the file", strstr(err.msg, "given: ") == NULL);
        check_number(c->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(deep_nesting_and_size_are_limits)
{
    MIG_AUTO(mig_text_clear) struct mig_text deep = {0};
    MIG_AUTO(mig_free) char *big = mig_alloc(MIG_IMPORT_BYTES_MAX + 2, 1);
    struct mig_snapshot *s = NULL;
    const char *format = NULL;
    struct mig_error err = {0};

    mig_text_add(&deep, "{\"guest_cpu_config\":");
    for (int i = 0; i < 1000; i++) {
        mig_text_add(&deep, "[");
    }
    check_true("deep", !mig_import("given", deep.items, deep.len, &s, &format, &err));
    check_contains("deep", "nested deeper than 32 levels", err.msg);
    check_number("deep", MIG_LIMIT, err.code);
    memset(big, ' ', MIG_IMPORT_BYTES_MAX + 1);
    check_true("big", !mig_import("given", big, MIG_IMPORT_BYTES_MAX + 1, &s, &format, &err));
    check_number("big", MIG_LIMIT, err.code);
}

CHECK_TEST(every_truncation_is_refused_or_reads_as_less)
{
    static const char *const texts[] = {
        FC(FC_LEAF("0x7", FC_REGISTER("ebx", "0b1")), FC_MSR("0x10a", "0b1")),
        RAW_HEAD RAW_0 RAW_1 RAW_7,
        XML("<msr index='0x10a' eax='0x1' edx='0x0'/>"),
        CAPTURE("{\"k\":\"supported\",\"r\":\"OK\"}", "\"supported\":[]", ""),
    };

    CHECK_EACH (text, texts) {
        for (size_t len = 0; len < strlen(*text); len++) {
            MIG_AUTO(mig_free) char *part = mig_memdup(*text, len);
            MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
            const char *format;
            struct mig_error err;

            if (mig_import("given", part, len, &s, &format, &err)) {
                check_text("only whole lines", "cpuid-raw", format);
            }
        }
    }
}

CHECK_TEST(only_capabilities_are_taken_from_a_fingerprint)
{
    static const char text[] =
        FC(FC_LEAF("0x80000002", FC_REGISTER("eax", "0b01000100010000110100001001000001")),
           FC_MSR("0x10a", "0b101") "," FC_MSR("0x277", "0b1") "," FC_MSR("0x480", "0b1"));
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = import("fingerprint", text, "firecracker-fingerprint");
    uint64_t value;

    check_number("value", 5, word(s, mig_reg_msr(0x10a)));
    check_number("vmx", 1, word(s, mig_reg_msr(0x480)));
    check_number("state", MIG_UNCOVERED, mig_snapshot_get(s, mig_reg_msr(0x277), &value));
    check_number("not dumped", MIG_UNCOVERED, mig_snapshot_get(s, mig_reg_msr(0x345), &value));
    check_number("no lists", MIG_COVER_NONE, s->groups[MIG_GROUP_MSR_LIST].coverage);
    check_number("no clock", MIG_COVER_NONE, s->groups[MIG_GROUP_TSC].coverage);
    check_text("kernel", "6.1", mig_snapshot_fact(s, "kernel.release"));
    check_text("vmm", "1.16", mig_snapshot_fact(s, "vmm.firecracker"));
    check_text("model", "ABCD", mig_snapshot_fact(s, "cpu.model-name"));
}

CHECK_TEST(raw_dumps_lose_leaves_that_the_silicon_does_not_have)
{
    static const char text[] = RAW_HEAD RAW_0 RAW_7
        "   0x00000017 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
        "   0x20000000 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
        "   0x40000000 0x00: eax=0x40000001 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x0000004d\n"
        "   0x80000000 0x00: eax=0x80000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
        "   0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000121 edx=0x2c100800\n"
        "   0x80000002 0x00: eax=0x65746e49 ebx=0x2952286c ecx=0x6f655820 edx=0x2952286e\n"
        "   0xc0000000 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
        "CPU 1:\n" RAW_0 RAW_7
        "   0x00000017 0x00: eax=0x00000009 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
        "   0x20000000 0x00: eax=0x00000009 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n"
        "   0x40000000 0x00: eax=0x40000009 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x0000004d\n"
        "   0x80000000 0x00: eax=0x80000001 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
        "   0x80000001 0x00: eax=0x00000000 ebx=0x00000000 ecx=0x00000121 edx=0x2c100800\n"
        "   0x80000002 0x00: eax=0x65746e49 ebx=0x2952286c ecx=0x6f655820 edx=0x2952286e\n"
        "   0xc0000000 0x00: eax=0x00000001 ebx=0x00000002 ecx=0x00000003 edx=0x00000004\n";
    static const struct {
        const char *label;
        uint32_t leaf;
        bool there;
    } cases[] = {
        {"basic",           0x7,        true },
        {"beyond basic",    0x17,       false},
        {"no such range",   0x20000000, false},
        {"hypervisor's",    0x40000000, false},
        {"extended",        0x80000001, true },
        {"beyond extended", 0x80000002, false},
        {"another vendor",  0xc0000000, false},
    };
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import("raw", text, "cpuid-raw");

    CHECK_EACH (c, cases) {
        uint64_t value;
        enum mig_known known = mig_snapshot_get(s, mig_reg_cpuid(c->leaf, 0, MIG_ECX), &value);

        check_number(c->label, c->there ? MIG_KNOWN : MIG_ABSENT, known);
    }
}

/* A Windows guest of KVM: Hyper-V's leaves come first, KVM's make room. */
CHECK_TEST(a_dump_that_was_taken_in_a_guest_keeps_what_its_hypervisor_showed)
{
#define KVM(base)                                                                                  \
    "   0x" base "00 0x00: eax=0x" base "01 ebx=0x4b4d564b ecx=0x564b4d56 edx=0x0000004d\n"        \
    "   0x" base "01 0x00: eax=0x01007efb ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n"
#define HYPERV                                                                                     \
    "   0x40000000 0x00: eax=0x40000005 ebx=0x7263694d ecx=0x666f736f edx=0x76482074\n"            \
    "   0x40000003 0x00: eax=0x00000e7f ebx=0x00000000 ecx=0x00000000 edx=0x00000008\n"
#define TCG "   0x40000000 0x00: eax=0x40000001 ebx=0x54474354 ecx=0x43544743 edx=0x47435447\n"
    static const struct {
        const char *label, *text;
        enum mig_coverage hyperv;
        uint64_t max, features, access;
    } cases[] = {
        {"KVM",      RAW_HEAD RAW_0 KVM("400000"),        MIG_COVER_FULL, 0x40000001, 0x1007efb, 0    },
        {"both",     RAW_HEAD RAW_0 HYPERV KVM("400001"), MIG_COVER_FULL, 0x40000001, 0x1007efb, 0xe7f},
        {"Hyper-V",  RAW_HEAD RAW_0 HYPERV,               MIG_COVER_FULL, 0,          0,         0xe7f},
        {"another",  RAW_HEAD RAW_0 TCG,                  MIG_COVER_NONE, 0,          0,         0    },
        {"no guest", RAW_HEAD RAW_0,                      MIG_COVER_NONE, 0,          0,         0    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        struct mig_reg access = {MIG_SPACE_CPUID_HV, 0x40000003, 0, MIG_EAX};
        const char *format;
        struct mig_error err;
        uint64_t value;

        check_done(c->label, mig_import_guest("vm", c->text, strlen(c->text), &s, &format, &err),
                   &err);
        check_text(c->label, "cpuid-raw", format);
        check_number(c->label, c->hyperv, s->groups[MIG_GROUP_CPUID_HV].coverage);
        check_number(c->label, c->max, word(s, mig_reg_cpuid(0x40000000, 0, MIG_EAX)));
        check_number(c->label, c->features, word(s, mig_reg_cpuid(0x40000001, 0, MIG_EAX)));
        (void)mig_snapshot_get(s, access, &value);
        check_number(c->label, c->access, value);
    }
#undef KVM
#undef HYPERV
#undef TCG
}

CHECK_TEST(cpus_may_differ_where_nothing_is_compared)
{
    static const char text[] = RAW_HEAD RAW_0 RAW_1
        "CPU 1:\n" RAW_0
        "   0x00000001 0x00: eax=0x00050654 ebx=0x07400800 ecx=0x7ffefbff edx=0xbfebfbff\n";
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import("apic ids", text, "cpuid-raw");

    check_number("cleared", 0x0800, word(s, mig_reg_cpuid(1, 0, MIG_EBX)));
}

/* Real files: those of Firecracker's repository and answers of emulated hosts. */
static struct mig_snapshot *import_file(const char *path)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_snapshot *s = NULL;
    struct mig_error err;
    const char *format;

    check_done(path, mig_file_read(path, MIG_IMPORT_BYTES_MAX, &bytes, &err), &err);
    check_done(path, mig_import("host", (const char *)bytes.items, bytes.len, &s, &format, &err),
               &err);
    return s;
}

CHECK_TEST(real_dumps_give_the_hosts_that_ship_with_the_tests)
{
    static const struct {
        const char *file, *host;
    } cases[] = {
        {"data/firecracker/fingerprint_INTEL_CASCADELAKE_6.1host.json",     "intel-cascadelake-6.1"  },
        {"data/firecracker/fingerprint_INTEL_ICELAKE_5.10host.json",        "intel-icelake-5.10"     },
        {"data/firecracker/fingerprint_INTEL_SAPPHIRE_RAPIDS_6.1host.json",
         "intel-sapphire-rapids-6.1"                                                                 },
        {"data/firecracker/fingerprint_INTEL_GRANITE_RAPIDS_5.10host.json",
         "intel-granite-rapids-5.10"                                                                 },
        {"data/firecracker/fingerprint_AMD_MILAN_6.1host.json",             "amd-milan-6.1"          },
        {"data/firecracker/fingerprint_AMD_GENOA_5.10host.json",            "amd-genoa-5.10"         },
        {"data/emulated-hosts/x86_64-EPYC-Milan-6.1.json",                  "emulated-epyc-milan-6.1"},
        {"data/emulated-hosts/x86_64-max-6.12.json",                        "emulated-max-6.12"      },
        {"data/emulated-hosts/x86_64-pvm-kvm.json",                         "nested-pvm"             },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *path = check_shared_path(c->file);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shipped = NULL;
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

        if (path == NULL) {
            skip();
        }
        s = import_file(path);
        shipped = snapshot_host(c->host);
        s->stamp = shipped->stamp;
        snapshot_check_same(c->host, shipped, s);
    }
}

CHECK_TEST(a_host_without_kvm_is_unreadable_not_empty)
{
    MIG_AUTO(mig_free)
    char *path = check_shared_path("data/emulated-hosts/x86_64-max-nosvm-6.12.json");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    uint64_t value;

    if (path == NULL) {
        skip();
    }
    s = import_file(path);
    check_number("cpuid", MIG_UNREADABLE,
                 mig_snapshot_get(s, mig_reg_cpuid(7, 0, MIG_EBX), &value));
    check_number("msr", MIG_UNREADABLE, mig_snapshot_get(s, mig_reg_msr(0x10a), &value));
    check_number("cap", MIG_UNREADABLE,
                 mig_snapshot_get(s, mig_reg_plain(MIG_SPACE_CAP, 157), &value));
    check_number("tsc", MIG_COVER_UNREADABLE, s->groups[MIG_GROUP_TSC].coverage);
    check_number("view", MIG_COVER_UNREADABLE, s->groups[MIG_GROUP_KVM_VIEW].coverage);
}

CHECK_TEST(switches_and_parameters_of_a_capture_become_facts)
{
    MIG_AUTO(mig_free)
    char *path = check_shared_path("data/emulated-hosts/x86_64-max-params-6.12.json");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (path == NULL) {
        skip();
    }
    s = import_file(path);
    check_text("switch", "off", mig_snapshot_fact(s, "cmdline.mitigations"));
    check_true("no other", mig_snapshot_fact(s, "cmdline.console") == NULL);
    check_text("kvm", "Y", mig_snapshot_fact(s, "kvm.param.kvm.ignore_msrs"));
    check_text("nested", "0", mig_snapshot_fact(s, "kvm.param.kvm_amd.nested"));
    check_number("tolerance", 250,
                 word(s, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM)));
}

#define TEMPLATE(leaves, msrs) "{\"cpuid_modifiers\":[" leaves "],\"msr_modifiers\":[" msrs "]}"
#define FC_ALL "0b00000000000000000000000000010000"
#define FC_VENDOR FC_LEAF("0x0", FC_REGISTER("ebx", "0b01110101011011100110010101000111"))

/* What is left to the host, and what Firecracker writes itself, a template does
 * not tell; one that leaves nothing out is a dump. */
CHECK_TEST(a_firecracker_template_tells_what_it_gives_whole)
{
    static const struct {
        const char *label, *text;
        enum mig_coverage cpuid;
        enum mig_known ebx7, eax7, arch_caps;
    } cases[] = {
        {"a dump",
         TEMPLATE(FC_VENDOR
                  "," FC_LEAF("0x7",       FC_REGISTER("eax", FC_ALL) "," FC_REGISTER("ebx", FC_ALL)),
         FC_MSR("0x10a",                                                                                                  "0b1010")),
         MIG_COVER_FULL,                                                                                                                                                                                                                                                   MIG_KNOWN,                                                                                                                                                                           MIG_KNOWN, MIG_KNOWN},
        {"one bit is the host's",
         TEMPLATE(FC_VENDOR
                  "," FC_LEAF("0x7",                     FC_REGISTER("eax",                FC_ALL) "," FC_REGISTER("ebx",                                                         FC_ALL)),
         FC_MSR("0x10a", "0b10x0")),
         MIG_COVER_PARTIAL,                                                                                                                                                                                                                                                   MIG_UNCOVERED,                                                                                                                                                                                                                                                                                                                                                                                                                            MIG_KNOWN, MIG_UNCOVERED},
        {"an open register",
         TEMPLATE(FC_LEAF("0x7",        FC_REGISTER("eax",            "0bx") "," FC_REGISTER("ebx",                                         FC_ALL)),                                ""),
         MIG_COVER_PARTIAL,                                                                                                                                  MIG_UNCOVERED,                                                                                                                                                                        MIG_UNCOVERED,                                                                                                                                                                                                                                                                                                           MIG_UNCOVERED},
        {"not of all leaves", TEMPLATE(FC_LEAF("0x7", FC_REGISTER("eax",     FC_ALL)),                     ""),
         MIG_COVER_PARTIAL,                            MIG_UNCOVERED,MIG_KNOWN,MIG_UNCOVERED},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        const char *format = NULL;
        struct mig_error err;
        uint64_t unused;

        check_done(c->label, mig_import_guest("given", c->text, strlen(c->text), &s, &format, &err),
                   &err);
        check_text(c->label, "firecracker-template", format);
        check_number(c->label, c->cpuid, s->groups[MIG_GROUP_CPUID].coverage);
        check_number(c->label, MIG_COVER_NONE, s->groups[MIG_GROUP_KVM_VIEW].coverage);
        check_number(c->label, c->ebx7, mig_snapshot_get(s, mig_reg_cpuid(7, 0, MIG_EBX), &unused));
        check_number(c->label, c->eax7, mig_snapshot_get(s, mig_reg_cpuid(7, 0, MIG_EAX), &unused));
        check_number(c->label, c->arch_caps, mig_snapshot_get(s, mig_reg_msr(0x10a), &unused));
        check_text(c->label, "firecracker", mig_snapshot_fact(s, "vmm.name"));
    }
}

CHECK_MAIN(cmocka_unit_test(a_firecracker_template_tells_what_it_gives_whole),
           cmocka_unit_test(each_format_is_recognised_and_read),
           cmocka_unit_test(bad_input_is_refused_with_the_place_and_what_was_expected),
           cmocka_unit_test(deep_nesting_and_size_are_limits),
           cmocka_unit_test(every_truncation_is_refused_or_reads_as_less),
           cmocka_unit_test(only_capabilities_are_taken_from_a_fingerprint),
           cmocka_unit_test(raw_dumps_lose_leaves_that_the_silicon_does_not_have),
           cmocka_unit_test(a_dump_that_was_taken_in_a_guest_keeps_what_its_hypervisor_showed),
           cmocka_unit_test(cpus_may_differ_where_nothing_is_compared),
           cmocka_unit_test(real_dumps_give_the_hosts_that_ship_with_the_tests),
           cmocka_unit_test(a_host_without_kvm_is_unreadable_not_empty),
           cmocka_unit_test(switches_and_parameters_of_a_capture_become_facts))
