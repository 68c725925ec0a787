/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/import.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "support/check.h"

/* Names in a state are quoted twice. */
#define N(name) "\\\"" name "\\\":"
#define LEAF(leaf, sub, eax, ebx, ecx, edx)                                                        \
    "{" N("function") leaf "," N("index") sub "," N("flags") "0," N("eax") eax "," N("ebx") ebx    \
        "," N("ecx") ecx "," N("edx") edx "}"
#define LEAF_0 LEAF("0", "0", "13", "1970169159", "1818588270", "1231384169")
#define LEAF_1(apic) LEAF("1", "0", "329300", apic, "0", "0")
#define LEAF_7 LEAF("7", "0", "0", "32", "0", "0")
#define LEAF_HV LEAF("1073741824", "0", "1073741825", "1263359563", "1447775574", "77")
#define LEAF_PV LEAF("1073741825", "0", "16777467", "0", "0", "0")
#define LEAVES(apic) LEAF_0 "," LEAF_1(apic) "," LEAF_7 "," LEAF_HV "," LEAF_PV
#define MSR(index, data) "{" N("index") index "," N("data") data "}"
#define XCRS(value)                                                                                \
    "{" N("nr_xcrs") "1," N("flags") "0," N("xcrs") "[{" N("xcr") "0," N("reserved") "0," N(       \
        "value") value "}]," N("padding") "[]}"
#define KVM(leaves, msrs, xcrs, khz)                                                               \
    "{" N("Kvm") "{" N("cpuid") "[" leaves "]," N("msrs") "[" msrs "]," N("xcrs") xcrs             \
        "," N("tsc_khz") khz "," N("regs") "[0,1]}}"
#define VCPU(id, state) "\"" id "\":{\"snapshots\":{},\"snapshot_data\":{\"state\":\"" state "\"}}"
#define VM(vcpus)                                                                                  \
    "{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{" vcpus "},\"snapshot_data\":null},"          \
    "\"memory-manager\":{\"snapshots\":{},\"snapshot_data\":{\"state\":\"{}\"}}},"                 \
    "\"snapshot_data\":{\"state\":\"{" N("common_cpuid") "[]}\"}}"
#define GOOD(apic, xcr0)                                                                           \
    KVM(LEAVES(apic),                                                                              \
        MSR("266", "4611686018636505579") "," MSR("3221225602", "18446744071587135776"),           \
        XCRS(xcr0), "2500000")

static uint64_t word(const struct mig_snapshot *s, struct mig_reg reg)
{
    uint64_t value;

    (void)mig_snapshot_get(s, reg, &value);
    return value;
}

static struct mig_snapshot *import(const char *label, const char *text)
{
    struct mig_snapshot *s = NULL;
    const char *format = NULL;
    struct mig_error err;

    check_done(label, mig_import_guest("web3", text, strlen(text), &s, &format, &err), &err);
    check_text(label, "cloud-hypervisor-state", format);
    return s;
}

CHECK_TEST(the_guests_own_table_msrs_and_rate_are_read)
{
    /* clang-format off */
    static const struct {
        const char *label, *text;
        uint64_t xcr0;
    } cases[] = {
        {"one vCPU",             VM(VCPU("0", GOOD("16779264", "7"))),                            7   },
        {"two, each in its way",
         VM(VCPU("0", GOOD("16779264", "7")) "," VCPU("1", GOOD("33556480", "231"))),             231 },
        {"as a migration sends it",
         "{\"snapshots\":{\"vm\":" VM(VCPU("0", GOOD("0", "3"))) "},\"snapshot_data\":null}",     3   },
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = import(c->label, c->text);

        check_number(c->label, 32, word(s, mig_reg_cpuid(7, 0, MIG_EBX)));
        check_number(c->label, 16777467, word(s, mig_reg_cpuid(0x40000001, 0, MIG_EAX)));
        check_number(c->label, UINT64_C(4611686018636505579), word(s, mig_reg_msr(0x10a)));
        check_number(c->label, c->xcr0, word(s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0)));
        check_number(c->label, 2500000, word(s, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)));
        check_number(c->label, MIG_COVER_FULL, s->groups[MIG_GROUP_CPUID].coverage);
        check_number(c->label, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_MSR].coverage);
        check_number(c->label, MIG_COVER_PARTIAL, s->groups[MIG_GROUP_TSC].coverage);
        check_number(c->label, MIG_COVER_NONE, s->groups[MIG_GROUP_VIRTIO].coverage);
        check_text(c->label, "cloud-hypervisor", mig_snapshot_fact(s, "vmm.name"));
    }
}

/* Later versions write the kernel's struct as bytes. */
CHECK_TEST(xcr0_as_bytes_is_read)
{
    MIG_AUTO(mig_text_clear) struct mig_text bytes = {0};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    MIG_AUTO(mig_free) char *vcpu = NULL;

    for (unsigned i = 0; i < 392; i++) {
        unsigned byte = i == 0 || i == 17 ? 1 : i == 16 ? 0xe7 : 0;

        mig_text_addf(&bytes, "%s%u", i == 0 ? "[" : ",", byte);
    }
    mig_text_add(&bytes, "]");
    vcpu = mig_strf("%s%s%s",
                    "{" N("Kvm") "{" N("cpuid") "[" LEAVES("0") "]," N("msrs") "[]," N("xcrs"),
                    bytes.items, "," N("tsc_khz") "null}}");
    text = mig_strf("{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{\"0\":{\"snapshots\":{},"
                    "\"snapshot_data\":{\"state\":\"%s\"}}},\"snapshot_data\":null}},"
                    "\"snapshot_data\":null}",
                    vcpu);
    s = import("bytes", text);
    check_number("xcr0", 0x1e7, word(s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0)));
    check_number("no rate", MIG_COVER_NONE, s->groups[MIG_GROUP_TSC].coverage);
}

CHECK_TEST(a_state_that_is_not_whole_is_refused_by_name)
{
    /* clang-format off */
    static const struct {
        const char *label, *text, *says;
    } cases[] = {
        {"no vCPU", VM(""), "snapshots.cpu-manager.snapshots: holds no vCPU"},
        {"no Kvm", VM(VCPU("0", "{}")), "key 'Kvm' is missing"},
        {"Mshv", VM(VCPU("0", "{" N("Mshv") "{}}")), "Microsoft's hypervisor"},
        {"cut off", VM(VCPU("0", "{" N("Kvm") "{")), "snapshots.0.snapshot_data.state: line 1"},
        {"no table", VM(VCPU("0", "{" N("Kvm") "{}}")), "key 'cpuid' is missing"},
        {"no leaf 0", VM(VCPU("0", KVM(LEAF_7, "", XCRS("1"), "1"))),
         "CPUID leaf 0 is missing or empty"},
        {"a leaf twice", VM(VCPU("0", KVM(LEAF_0 "," LEAF_0, "", XCRS("1"), "1"))),
         "leaf 0.0 is there twice"},
        {"an MSR twice",
         VM(VCPU("0", KVM(LEAF_0, MSR("266", "1") "," MSR("266", "1"), XCRS("1"), "1"))),
         "Kvm.msrs[1]"},
        {"too wide", VM(VCPU("0", KVM(LEAF("0", "0", "4294967296", "0", "0", "0"), "", XCRS("1"), "1"))),
         "eax"},
        {"beyond 64 bits",
         VM(VCPU("0", KVM(LEAF_0, MSR("266", "18446744073709551616"), XCRS("1"), "1"))),
         "data is no number from 0 to 18446744073709551615"},
        {"negative", VM(VCPU("0", KVM(LEAF_0, MSR("266", "-1"), XCRS("1"), "1"))), "data"},
        {"fewer XCRs than it says", VM(VCPU("0", KVM(LEAF_0, "", "{" N("nr_xcrs") "2," N("xcrs") "[]}", "1"))),
         "xcrs[0]: expected an object, found nothing"},
        {"no XCR0", VM(VCPU("0", KVM(LEAF_0, "", "[1,2]", "1"))), "has 2 bytes, expected 392"},
        {"vCPUs that differ",
         VM(VCPU("0", KVM(LEAF_0 "," LEAF_7, "", XCRS("1"), "1")) ","
            VCPU("1", KVM(LEAF_0 "," LEAF("7", "0", "0", "33", "0", "0"), "", XCRS("1"), "1"))),
         "the CPUs differ: x86/cpuid/7.0/ebx is 0x21"},
        {"MSRs that differ",
         VM(VCPU("0", KVM(LEAF_0, MSR("266", "1"), XCRS("1"), "1")) ","
            VCPU("1", KVM(LEAF_0, MSR("266", "2"), XCRS("1"), "1"))),
         "x86/msr/10a"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        const char *format = NULL;
        struct mig_error err = {0};

        check_true(c->label,
                   !mig_import_guest("web3", c->text, strlen(c->text), &s, &format, &err));
        check_contains(c->label, "Cloud Hypervisor snapshot state JSON: ", err.msg);
        check_contains(c->label, c->says, err.msg);
    }
}

/* As long as they are, the bytes of what is saved are not looked at. */
CHECK_TEST(long_lists_of_bytes_are_passed_over)
{
    MIG_AUTO(mig_text_clear) struct mig_text text = {0};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    mig_text_add(&text, "{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{\"0\":{\"snapshots\":{},"
                        "\"snapshot_data\":{\"state\":\"{" N("Kvm") "{" N("xsave") "[0");
    for (unsigned i = 0; i < 4000; i++) {
        mig_text_addf(&text, ",%u", i % 256);
    }
    mig_text_add(&text, "]," N("cpuid") "[" LEAVES("0") "]," N("msrs") "[]," N("xcrs")
                            XCRS("7") "," N("tsc_khz") "2500000}}\"}}},\"snapshot_data\":null}},"
                                                       "\"snapshot_data\":null}");
    s = import("long", text.items);
    check_number("long", 32, word(s, mig_reg_cpuid(7, 0, MIG_EBX)));
    check_number("long", 2500000, word(s, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)));
}

CHECK_MAIN(cmocka_unit_test(the_guests_own_table_msrs_and_rate_are_read),
           cmocka_unit_test(xcr0_as_bytes_is_read),
           cmocka_unit_test(long_lists_of_bytes_are_passed_over),
           cmocka_unit_test(a_state_that_is_not_whole_is_refused_by_name))
