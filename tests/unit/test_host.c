/* SPDX-License-Identifier: Apache-2.0 */
#include "cpu/host.h"

#include <linux/kvm.h>

#include "cpu/field.h"
#include "support/check.h"

CHECK_TEST(groups_parse_back_and_say_what_is_missing_without_them)
{
    enum mig_group group = MIG_GROUP_TSC;

    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        check_true("parses", mig_group_parse(mig_group_name((enum mig_group)i), &group));
        check_number(mig_group_name((enum mig_group)i), i, group);
        check_true(mig_group_name((enum mig_group)i), strlen(mig_group_why((enum mig_group)i)) > 0);
    }
    group = MIG_GROUP_TSC;
    check_true("unknown", !mig_group_parse("CPUID", &group));
    check_number("untouched", MIG_GROUP_TSC, group);
}

CHECK_TEST(each_host_item_is_a_field_by_its_name)
{
    for (unsigned i = 0; i < MIG_HOST_COUNT; i++) {
        const char *name = mig_host_name((enum mig_host_item)i);
        const struct mig_field *f = mig_field_find(name);

        check_true(name, f != NULL && f->reg.space == MIG_SPACE_HOST && f->reg.index == i);
        check_true("no hex number reads like it", name[strspn(name, "0123456789abcdef")] != '\0');
    }
}

/* The numbers are the kernel's; newer ones than the header that this is built
 * with are left out. */
CHECK_TEST(capability_numbers_are_those_of_the_kernel)
{
#define KNOWN(id)                                                                                  \
    {                                                                                              \
#id, KVM_CAP_##id                                                                          \
    }
    static const struct {
        const char *name;
        uint32_t number;
    } cases[] = {
#if defined(__x86_64__) /* elsewhere the header leaves them out */
        KNOWN(MCE),
        KNOWN(XSAVE),
        KNOWN(XCRS),
#endif
        KNOWN(ADJUST_CLOCK),
        KNOWN(HYPERV),
        KNOWN(HYPERV_VAPIC),
        KNOWN(HYPERV_SPIN),
        KNOWN(TSC_CONTROL),
        KNOWN(GET_TSC_KHZ),
        KNOWN(MAX_VCPUS),
        KNOWN(TSC_DEADLINE_TIMER),
        KNOWN(HYPERV_TIME),
        KNOWN(X86_SMM),
        KNOWN(HYPERV_SYNIC),
        KNOWN(VCPU_ATTRIBUTES),
        KNOWN(MAX_VCPU_ID),
        KNOWN(X2APIC_API),
        KNOWN(X86_DISABLE_EXITS),
        KNOWN(HYPERV_SYNIC2),
        KNOWN(HYPERV_VP_INDEX),
        KNOWN(GET_MSR_FEATURES),
        KNOWN(HYPERV_EVENTFD),
        KNOWN(HYPERV_TLBFLUSH),
        KNOWN(NESTED_STATE),
        KNOWN(MSR_PLATFORM_INFO),
        KNOWN(HYPERV_SEND_IPI),
        KNOWN(HYPERV_ENLIGHTENED_VMCS),
        KNOWN(EXCEPTION_PAYLOAD),
        KNOWN(HYPERV_CPUID),
        KNOWN(HYPERV_DIRECT_TLBFLUSH),
        KNOWN(ASYNC_PF_INT),
        KNOWN(SMALLER_MAXPHYADDR),
        KNOWN(STEAL_TIME),
        KNOWN(X86_USER_SPACE_MSR),
        KNOWN(X86_MSR_FILTER),
        KNOWN(ENFORCE_PV_FEATURE_CPUID),
        KNOWN(SYS_HYPERV_CPUID),
        KNOWN(X86_BUS_LOCK_EXIT),
        KNOWN(HYPERV_ENFORCE_CPUID),
        KNOWN(SREGS2),
        KNOWN(XSAVE2),
        KNOWN(SYS_ATTRIBUTES),
        KNOWN(PMU_CAPABILITY),
        KNOWN(DISABLE_QUIRKS2),
        KNOWN(VM_TSC_CONTROL),
        KNOWN(X86_TRIPLE_FAULT_EVENT),
        KNOWN(X86_NOTIFY_VMEXIT),
    };

    CHECK_EACH (c, cases) {
        uint32_t number = 0;

        check_text(c->name, c->name, mig_cap_name(c->number));
        check_true(c->name, mig_cap_parse(c->name, &number));
        check_number(c->name, c->number, number);
    }
}

CHECK_TEST(an_unknown_capability_has_no_name)
{
    uint32_t number = 5;

    check_true("number", mig_cap_name(0xffff) == NULL);
    check_true("name", !mig_cap_parse("nested_state", &number));
    check_number("untouched", 5, number);
}

CHECK_MAIN(cmocka_unit_test(groups_parse_back_and_say_what_is_missing_without_them),
           cmocka_unit_test(each_host_item_is_a_field_by_its_name),
           cmocka_unit_test(capability_numbers_are_those_of_the_kernel),
           cmocka_unit_test(an_unknown_capability_has_no_name))
