/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/collect.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/text.h"

/* What the kernel has answered since KVM was stable, and the only version that
 * a VMM works with. */
#define API_VERSION 12

static const struct {
    const char *name;
    uint32_t number;
    unsigned width;
} capabilities[] = {
#define CAP(name, number, rule, width, why) {#name, number, width},
#include "cpu/cap.def"
};

static const enum mig_group groups[] = {
#if defined(__x86_64__)
    MIG_GROUP_KVM_VIEW, MIG_GROUP_CPUID, MIG_GROUP_CPUID_BARE, MIG_GROUP_CPUID_EMULATED,
    MIG_GROUP_CPUID_HV, MIG_GROUP_MSR,   MIG_GROUP_MSR_LIST,   MIG_GROUP_TSC,
#else
    MIG_GROUP_KVM_VIEW, MIG_GROUP_IDREG, MIG_GROUP_REG_LIST, MIG_GROUP_ARM64,
#endif
    MIG_GROUP_CAP,
};

/* 0, or why @fd is not a KVM that we can speak to. */
static int check_device(int fd)
{
    struct stat st;
    int version;

    if (fstat(fd, &st) != 0) {
        return errno;
    }
    if (!S_ISCHR(st.st_mode)) {
        return ENOTTY;
    }
    version = ioctl(fd, KVM_GET_API_VERSION, 0);
    if (version < 0) {
        return errno;
    }
    return version == API_VERSION ? 0 : EPROTO;
}

/* A signal must not cost us the VM: making one takes locks that can be slow. */
int mig_collect_kvm_vm(int kvm)
{
    unsigned long type = mig_collect_kvm_vm_type(kvm);
    int vm;

    do {
        vm = ioctl(kvm, KVM_CREATE_VM, type);
    } while (vm < 0 && errno == EINTR);
    return vm;
}

static bool is_foreign(const char *capability)
{
#if defined(__aarch64__)
    return mig_text_starts(capability, "X86_") || mig_text_starts(capability, "HYPERV");
#else
    return mig_text_starts(capability, "ARM_");
#endif
}

static void add_capabilities(struct mig_builder *b, int fd, const char *source)
{
    mig_builder_cover(b, MIG_GROUP_CAP, MIG_COVER_FULL, 0, source);
    for (size_t i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        struct mig_reg reg = mig_reg_plain(MIG_SPACE_CAP, capabilities[i].number);
        int value;

        if (is_foreign(capabilities[i].name)) {
            continue;
        }
        value = ioctl(fd, KVM_CHECK_EXTENSION, capabilities[i].number);
        if (value < 0) {
            mig_builder_set_unreadable(b, reg, errno);
        } else {
            mig_builder_set(b, reg, capabilities[i].width == 1 ? value != 0 : (uint64_t)value);
        }
    }
}

void mig_collect_kvm(struct mig_builder *b, const char *kvm)
{
    /* A FIFO or a terminal in its place must not hold us up. */
    MIG_AUTO(mig_fd_close) int fd = open(kvm, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    int vm;
    int errnum = fd < 0 ? errno : check_device(fd);

    if (errnum != 0) {
        char source[256];

        (void)snprintf(source, sizeof source, "%s %s",
                       fd < 0 ? "open" : "ioctl KVM_GET_API_VERSION", kvm);
        for (size_t i = 0; i < sizeof groups / sizeof *groups; i++) {
            mig_builder_cover(b, groups[i], MIG_COVER_UNREADABLE, errnum, source);
        }
        return;
    }
    /* Never closed: to take a VM down costs as much as to ask it, and nobody
     * should wait for that. */
    vm = mig_collect_kvm_vm(fd);
    if (vm < 0) {
        mig_builder_add_unreadable_fact(b, "kvm.vm", errno, "ioctl KVM_CREATE_VM");
    }
    /* VMMs ask the VM, whose answer can differ with its type. */
    if (vm >= 0 && ioctl(fd, KVM_CHECK_EXTENSION, KVM_CAP_CHECK_EXTENSION_VM) > 0) {
        add_capabilities(b, vm, "ioctl KVM_CHECK_EXTENSION on a VM");
    } else {
        add_capabilities(b, fd, "ioctl KVM_CHECK_EXTENSION");
    }
    mig_collect_kvm_cpu(b, fd, vm);
}
