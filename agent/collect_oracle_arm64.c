/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables predict what KVM answers when a VMM writes to an ID register.  KVM
 * itself is here, and so is a vCPU that nobody will run: it is asked.  What was
 * captured before stays as it is.
 */
#include "agent/collect.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "compat/trial.h"
#include "cpu/reg.h"
#include "kvm/vcpu_arm64.h"

/* 0 or errno. */
static int access_reg(void *vcpu, unsigned long request, struct mig_reg reg, uint64_t *value)
{
    struct kvm_one_reg one = {.id = mig_vcpu_arm64_id(reg), .addr = (uintptr_t)value};

    return ioctl(*(const int *)vcpu, request, &one) == 0 ? 0 : errno;
}

/* A mig_trial_set_fn. */
static int set_reg(void *vcpu, struct mig_reg reg, uint64_t value)
{
    return access_reg(vcpu, KVM_SET_ONE_REG, reg, &value);
}

/* A mig_trial_get_fn. */
static int get_reg(void *vcpu, struct mig_reg reg, uint64_t *ret)
{
    return access_reg(vcpu, KVM_GET_ONE_REG, reg, ret);
}

void mig_collect_kvm_oracle(struct mig_builder *b, int vcpu)
{
    const struct mig_trial_vcpu asked = {set_reg, get_reg, &vcpu};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *captured = NULL;
    struct mig_fact release = {0};
    struct mig_snapshot s;
    struct mig_party host = {.name = "host", .snapshot = &s};
    struct mig_error err;
    struct utsname uts;

    /* What is wrong with the values is said when the capture ends. */
    if (!mig_builder_freeze(b, &captured, &err) || uname(&uts) != 0) {
        return;
    }
    release.name = mig_strdup("kernel.release");
    release.value = uts.release;
    s = *captured; /* borrows all but the fact, which the host tells later */
    s.facts = &release;
    s.facts_len = 1;
    mig_trial_run(&asked, &host, "ioctl KVM_SET_ONE_REG", b);
    mig_free(release.name);
}

#endif
