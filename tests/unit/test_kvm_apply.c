/* SPDX-License-Identifier: Apache-2.0 */
/* With this machine's own KVM, whatever it is: only what every one of them does. */
#include "kvm/apply.h"

#include "support/check.h"

#if defined(__x86_64__)

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/file.h"
#include "kvm/capture.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"
#include "kvm/supported.h"

#define BRAND 0x5eed

/* A register set that any KVM takes: its own table, and a brand of ours. */
static struct mig_snapshot *shown_of(int kvm)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;
    int errnum;
    struct kvm_cpuid2 *t = mig_kvm_ask_cpuid(kvm, KVM_GET_SUPPORTED_CPUID, &errnum);

    assert_non_null(t);
    for (uint32_t i = 0; i < t->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &t->entries[i];
        struct mig_reg reg = mig_reg_cpuid(e->function, (uint16_t)mig_kvm_cpuid_sub(e), MIG_EAX);
        uint32_t words[4];

        mig_kvm_cpuid_words(e, words);
        for (unsigned part = MIG_EAX; part <= MIG_EDX && e->function != 0x80000002; part++) {
            reg.part = (enum mig_part)part;
            mig_builder_set(b, reg, words[part]);
        }
    }
    mig_free(t);
    mig_builder_set(b, mig_reg_cpuid(0x80000002, 0, MIG_EAX), BRAND);
    mig_builder_set(b, mig_reg_msr(0x8b), 0x1234);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

/* Does a test need more than this machine has? */
static bool lacks_kvm(int kvm)
{
    if (kvm < 0) {
        printf("SKIP: /dev/kvm: %s\n", strerror(errno));
        skip();
    }
    return kvm < 0;
}

CHECK_TEST(a_vcpu_gives_back_what_was_applied)
{
    MIG_AUTO(mig_fd_close) int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    MIG_AUTO(mig_fd_close) int vm = -1;
    MIG_AUTO(mig_fd_close) int vcpu = -1;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *captured = NULL;
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_proven_clear) struct mig_proven proven = {0};
    struct mig_kvm_show show = {.filter_msrs = true};
    struct mig_error err;
    uint64_t value;

    if (lacks_kvm(kvm)) {
        return;
    }
    shown = shown_of(kvm);
    show.shown = shown;
    check_done("process", mig_kvm_apply_process(&show, kvm, &proven, &err), &err);
    vm = ioctl(kvm, KVM_CREATE_VM, mig_kvm_vm_type(&show, kvm));
    check_done("vm", mig_kvm_apply_vm(&show, kvm, vm, &proven, &err), &err);
    vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    check_done("vcpu", mig_kvm_apply_vcpu(&show, vm, vcpu, &proven, &err), &err);
    check_done("read", mig_kvm_read_vcpu(&show, vm, vcpu, &proven, &err), &err);
    check_true("compared", proven.compared > 40);
    for (size_t i = 0; i < proven.len; i++) { /* nothing was refused */
        check_number(mig_stage_name(proven.items[i].stage), 0, (uint64_t)proven.items[i].errnum);
    }
    check_done("capture", mig_kvm_capture_vcpu(kvm, vm, vcpu, b, &err), &err);
    check_done("freeze", mig_builder_freeze(b, &captured, &err), &err);
    check_number("CPUID", MIG_COVER_FULL, captured->groups[MIG_GROUP_CPUID].coverage);
    (void)mig_snapshot_get(captured, mig_reg_cpuid(0x80000002, 0, MIG_EAX), &value);
    check_number("brand", BRAND, value);
    (void)mig_snapshot_get(captured, mig_reg_msr(0x8b), &value);
    check_number("microcode", 0x1234, value);
    (void)mig_snapshot_get(captured, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), &value);
    check_number("clock", (uint64_t)ioctl(vcpu, KVM_GET_TSC_KHZ, 0), value);
    (void)mig_snapshot_get(captured, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_XCR0), &value);
    check_true("XCR0", (value & 1) != 0);
}

/* KVMs differ in whether they state the guest's own width; none of what means
 * the same as its own table is raised. */
CHECK_TEST(address_widths_are_compared_by_what_they_mean)
{
    static const struct {
        const char *label;
        int phys, guest; /* against the physical width; UNSTATED: 0 */
        bool raised;
    } tests[] = {
#define UNSTATED INT_MIN
        {"as the physical width",    0,  UNSTATED, false},
        {"stated as that",           0,  0,        false},
        {"stated and narrower",      0,  -1,       false},
        {"beyond the physical",      0,  1,        false},
        {"narrower, and not stated", -1, UNSTATED, false},
        {"wider, and not stated",    1,  UNSTATED, true },
        {"wider, and stated",        1,  1,        true },
    };
    struct mig_reg reg = mig_reg_cpuid(0x80000008, 0, MIG_EAX);
    MIG_AUTO(mig_fd_close) int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *own = NULL;
    uint64_t word = 0;
    int phys;

    if (lacks_kvm(kvm)) {
        return;
    }
    own = shown_of(kvm);
    (void)mig_snapshot_get(own, reg, &word);
    phys = (int)mig_bits_get(word, 7, 0);
    if (mig_bits_get(word, 23, 16) != 0 && (int)mig_bits_get(word, 23, 16) < phys) {
        printf("SKIP: KVM gives guests less than the physical width\n");
        skip();
    }
    for (size_t i = 0; i < sizeof tests / sizeof *tests; i++) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
        MIG_AUTO(mig_proven_clear) struct mig_proven proven = {0};
        int guest = tests[i].guest == UNSTATED ? 0 : phys + tests[i].guest;
        struct mig_error err;

        mig_builder_set(b, reg,
                        mig_bits_put(mig_bits_put(word, 7, 0, (uint64_t)(phys + tests[i].phys)), 23,
                                     16, (uint64_t)guest));
        mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
        check_done(tests[i].label, mig_builder_freeze(b, &shown, &err), &err);
        check_number(tests[i].label, 0, (uint64_t)mig_kvm_check_supported(shown, kvm, &proven));
        check_number(tests[i].label, tests[i].raised, proven.len);
    }
}

CHECK_TEST(what_is_no_kvm_is_an_error)
{
    MIG_AUTO(mig_fd_close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *shown = NULL;
    MIG_AUTO(mig_proven_clear) struct mig_proven proven = {0};
    struct mig_kvm_show show = {0};
    struct mig_error err;

    check_done("freeze", mig_builder_freeze(b, &shown, &err), &err);
    show.shown = shown;
    assert_false(mig_kvm_apply_process(&show, null, &proven, &err));
    check_contains("process", "KVM_GET_API_VERSION: Inappropriate ioctl", err.msg);
    assert_false(mig_kvm_apply_vm(&show, null, null, &proven, &err));
    check_contains("vm", "KVM_CHECK_EXTENSION: Inappropriate ioctl", err.msg);
    assert_false(mig_kvm_apply_vcpu(&show, null, -1, &proven, &err));
    check_contains("vcpu", "KVM_GET_CPUID2: Bad file descriptor", err.msg);
    assert_false(mig_kvm_read_vcpu(&show, null, null, &proven, &err));
    check_contains("read", "KVM_GET_CPUID2: Inappropriate ioctl", err.msg);
    assert_false(mig_kvm_capture_vcpu(null, null, null, b, &err));
    check_contains("capture", "KVM_GET_CPUID2: Inappropriate ioctl", err.msg);
    check_number("nothing was said of KVM", 0, proven.len);
}

CHECK_MAIN(cmocka_unit_test(a_vcpu_gives_back_what_was_applied),
           cmocka_unit_test(address_widths_are_compared_by_what_they_mean),
           cmocka_unit_test(what_is_no_kvm_is_an_error))

#else

int main(void)
{
    return 77;
}

#endif
