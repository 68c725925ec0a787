/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/cpuid.h"

#include "support/check.h"

#if defined(__x86_64__)

#include <linux/kvm.h>

#include "base/alloc.h"
#include "snapshot/builder.h"
#include "support/edit.h"

#define INDEXED KVM_CPUID_FLAG_SIGNIFCANT_INDEX

static struct kvm_cpuid2 *table(const struct kvm_cpuid_entry2 *entries, uint32_t len)
{
    struct kvm_cpuid2 *t = mig_alloc(1, sizeof *t + len * sizeof *entries);

    t->nent = len;
    memcpy(t->entries, entries, len * sizeof *entries);
    return t;
}

CHECK_TEST(every_word_stands_where_a_guest_finds_it)
{
    static const char *const captures[] = {"amd-milan-6.1", "intel-icelake-6.1"};

    CHECK_EACH (capture, captures) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = edit_host(*capture, "");
        struct kvm_cpuid2 *t = mig_kvm_cpuid_of(s, NULL);
        size_t len;
        const struct mig_entry *e = mig_snapshot_space(s, MIG_SPACE_CPUID, &len);

        check_true(*capture, len > 50);
        for (size_t i = 0; i < len; i++) {
            struct mig_reg reg = mig_reg_from_key(e[i].key);
            uint32_t words[4];

            check_true(*capture, mig_kvm_cpuid_answer(t, reg.index, reg.sub, words) != NULL);
            check_number(*capture, e[i].value, words[reg.part]);
        }
        for (uint32_t i = 0; i < t->nent; i++) {
            check_number(*capture, mig_kvm_cpuid_is_indexed(t->entries[i].function) ? INDEXED : 0,
                         t->entries[i].flags);
        }
        mig_free(t);
    }
}

CHECK_TEST(kvm_stands_behind_hyper_v)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    struct mig_reg hyperv = {MIG_SPACE_CPUID_HV, 0x40000000, 0, MIG_EAX};
    struct mig_error err;
    struct kvm_cpuid2 *t;
    uint32_t words[4];

    mig_builder_set(b, hyperv, 0x40000005);
    mig_builder_set(b, mig_reg_cpuid(0x40000000, 0, MIG_EAX), 0x40000001);
    mig_builder_set(b, mig_reg_cpuid(0x40000001, 0, MIG_EAX), 0x1007efb);
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    check_true("Hyper-V", mig_kvm_shows_hyperv(s));
    t = mig_kvm_cpuid_of(s, NULL);
    (void)mig_kvm_cpuid_answer(t, 0x40000000, 0, words);
    check_number("Hyper-V first", 0x40000005, words[MIG_EAX]);
    (void)mig_kvm_cpuid_answer(t, 0x40000100, 0, words);
    check_number("highest leaf moves along", 0x40000101, words[MIG_EAX]);
    (void)mig_kvm_cpuid_answer(t, 0x40000101, 0, words);
    check_number("features", 0x1007efb, words[MIG_EAX]);
    check_number("place", mig_reg_key(mig_reg_cpuid(0x40000001, 0, MIG_EAX)),
                 mig_reg_key(mig_kvm_cpuid_place(true, 0x40000101, 0)));
    mig_free(t);
}

CHECK_TEST(what_a_vmm_built_for_a_vcpu_stays)
{
    static const struct kvm_cpuid_entry2 own_entries[] = {
        {.function = 1,   .eax = 0x12345, .ebx = 0x05100800, .ecx = 0xffffffff},
        {.function = 0xb, .index = 1,     .flags = INDEXED,  .eax = 4,          .ebx = 2, .ecx = 0x201, .edx = 5},
        {.function = 0x14,   .index = 0,         .flags = INDEXED,                          .eax = 1                           },
    };
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = edit_host("intel-icelake-6.1", "@x86/cpuid/14.0/eax=0");
    struct kvm_cpuid2 *own = table(own_entries, 3);
    struct kvm_cpuid2 *t = mig_kvm_cpuid_of(s, own);
    uint64_t ecx, ebx;
    uint32_t words[4];

    (void)mig_snapshot_get(s, mig_reg_cpuid(1, 0, MIG_ECX), &ecx);
    (void)mig_snapshot_get(s, mig_reg_cpuid(1, 0, MIG_EBX), &ebx);
    (void)mig_kvm_cpuid_answer(t, 1, 0, words);
    check_number("APIC id and threads", 0x05100000 | (ebx & 0xffff), words[MIG_EBX]);
    check_number("features are what is shown", ecx, words[MIG_ECX]);
    (void)mig_kvm_cpuid_answer(t, 0xb, 1, words);
    check_number("a leaf of nothing but topology", 5, words[MIG_EDX]);
    (void)mig_kvm_cpuid_answer(t, 0x14, 0, words);
    check_number("a leaf that is not shown", 0, words[MIG_EAX]);
    mig_free(t);
    mig_free(own);
}

#define VENDOR_INTEL .ebx = 0x756e6547, .edx = 0x49656e69, .ecx = 0x6c65746e
#define VENDOR_AMD .ebx = 0x68747541, .edx = 0x69746e65, .ecx = 0x444d4163

CHECK_TEST(beyond_the_last_leaf_vendors_differ)
{
    static const struct kvm_cpuid_entry2 intel_entries[] = {
        {.function = 0,     .eax = 0xd,  VENDOR_INTEL},
        {.function = 7,                 .index = 0,                .flags = INDEXED, .eax = 1, .ebx = 0x77},
        {.function = 0xb, .index = 1,.flags = INDEXED, .eax = 4, .edx = 9},
        {.function = 0xd,                 .index = 0,              .flags = INDEXED, .eax = 0xd0},
        {.function = 0xd, .index = 1,                .flags = INDEXED, .eax = 0xd1},
        {.function = 0x40000000,                 .eax = 0x40000001             },
        {.function = 0x80000000, .eax = 0x80000008},
        {.function = 0x80000001,   .eax = 0x81   },
    };
    static const struct {
        const char *label;
        uint32_t function, index, intel, amd, intel_edx;
    } cases[] = {
        {"an entry",                  7,          0, 0x77, 0x77, 0},
        {"a subleaf without entry",   7,          1, 0,    0,    0},
        {"ECX does not matter",       0x80000001, 7, 0x81, 0x81, 0},
        {"a leaf without entry",      3,          0, 0,    0,    0},
        {"an extended one",           0x80000002, 0, 0,    0,    0},
        {"topology names who asks",   0xb,        3, 0,    0,    9},
        {"above the basic ones",      0xe,        0, 0xd0, 0,    0},
        {"above, with a subleaf",     0xe,        1, 0xd1, 0,    0},
        {"above, none such",          0xe,        2, 0,    0,    0},
        {"above the extended ones",   0x80000009, 0, 0xd0, 0,    0},
        {"last of the basic class",   0x7fffffff, 0, 0xd0, 0,    0},
        {"hypervisor, in range",      0x40000001, 0, 0,    0,    0},
        {"hypervisor, above",         0x40000002, 0, 0xd0, 0,    0},
        {"hypervisor, another block", 0x40000100, 0, 0xd0, 0,    0},
        {"a class that is not there", 0xc0000000, 0, 0xd0, 0,    0},
        {"the very last",             0xffffffff, 0, 0xd0, 0,    0},
    };
    struct kvm_cpuid2 *intel = table(intel_entries, 8), *amd = table(intel_entries, 8);

    amd->entries[0] = (struct kvm_cpuid_entry2){.function = 0, .eax = 0xd, VENDOR_AMD};
    CHECK_EACH (c, cases) {
        uint32_t words[4];

        (void)mig_kvm_cpuid_answer(intel, c->function, c->index, words);
        check_number(c->label, c->intel, words[MIG_EAX] | words[MIG_EBX]);
        check_number(c->label, c->intel_edx, words[MIG_EDX]);
        (void)mig_kvm_cpuid_answer(amd, c->function, c->index, words);
        check_number(c->label, c->amd, words[MIG_EAX] | words[MIG_EBX]);
    }
    mig_free(intel);
    mig_free(amd);
}

CHECK_TEST(only_documented_bits_may_change)
{
    static const struct {
        const char *label;
        struct mig_reg reg;
        uint64_t fresh, asked; /* bits that may differ */
    } cases[] = {
        {"OSXSAVE; MONITOR",   {MIG_SPACE_CPUID, 1, 0, MIG_ECX},          1u << 27,           1u << 27 | 1u << 3},
        {"HTT, APIC",          {MIG_SPACE_CPUID, 1, 0, MIG_EDX},          1u << 28 | 1u << 9, 1u << 28 | 1u << 9},
        {"APIC ids",           {MIG_SPACE_CPUID, 1, 0, MIG_EBX},          0xffff0000,         0xffff0000        },
        {"HLE, RTM",           {MIG_SPACE_CPUID, 7, 0, MIG_EBX},          0,                  1u << 4 | 1u << 11},
        {"OSPKE",              {MIG_SPACE_CPUID, 7, 0, MIG_ECX},          1u << 4,            1u << 4           },
        {"none",               {MIG_SPACE_CPUID, 7, 0, MIG_EDX},          0,                  0                 },
        {"present XSAVE size", {MIG_SPACE_CPUID, 0xd, 0, MIG_EBX},        UINT32_MAX,         UINT32_MAX        },
        {"compacted size",     {MIG_SPACE_CPUID, 0xd, 1, MIG_EBX},        UINT32_MAX,         UINT32_MAX        },
        {"enclaves' XFRM",     {MIG_SPACE_CPUID, 0x12, 1, MIG_ECX},       UINT32_MAX,         UINT32_MAX        },
        {"PV_UNHALT",          {MIG_SPACE_CPUID, 0x40000001, 0, MIG_EAX}, 0,                  1u << 7           },
        {"invariant TSC",      {MIG_SPACE_CPUID, 0x80000007, 0, MIG_EDX}, 0,                  1u << 8           },
        {"address widths",     {MIG_SPACE_CPUID, 0x80000008, 0, MIG_EAX}, 0,                  0                 },
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, UINT32_MAX & ~c->fresh, mig_kvm_cpuid_kept(c->reg, true));
        check_number(c->label, UINT32_MAX & ~c->asked, mig_kvm_cpuid_kept(c->reg, false));
    }
}

CHECK_TEST(msrs_are_those_that_are_shown)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *s = edit_host("amd-milan-6.1", "@x86/msr/8b=0x1234 ?x86/msr/10a");
    struct kvm_msrs *m = mig_kvm_msrs_of(s);
    bool seen = false;

    for (uint32_t i = 0; i < m->nmsrs; i++) {
        check_true("unreadable", m->entries[i].index != 0x10a);
        seen = seen || (m->entries[i].index == 0x8b && m->entries[i].data == 0x1234);
    }
    check_true("8b", seen);
    mig_free(m);
}

CHECK_TEST(feature_msrs_come_once_and_in_order)
{
    uint32_t index = 0, before = 0, n = 0;

    while (mig_kvm_next_msr(&index)) {
        check_true("order", index > before);
        before = index;
        n++;
    }
    check_true("some", n > 20);
    check_number("the last", 0xc0011029, before);
}

CHECK_MAIN(cmocka_unit_test(every_word_stands_where_a_guest_finds_it),
           cmocka_unit_test(kvm_stands_behind_hyper_v),
           cmocka_unit_test(what_a_vmm_built_for_a_vcpu_stays),
           cmocka_unit_test(beyond_the_last_leaf_vendors_differ),
           cmocka_unit_test(only_documented_bits_may_change),
           cmocka_unit_test(msrs_are_those_that_are_shown),
           cmocka_unit_test(feature_msrs_come_once_and_in_order))

#else

int main(void)
{
    return 77;
}

#endif
