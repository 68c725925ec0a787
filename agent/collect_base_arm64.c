/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: what a vCPU with fewer features has follows from the one
 * that has all of them, by rows (compat/vcpu_feature.def).  Here is the least of
 * them, in a VM of its own because all vCPUs of one are alike.  Its registers
 * and their list are compared with what the rows make of the capture; where KVM
 * has it otherwise it is right, and a fact tells.
 */
#include "agent/collect.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "compat/limit.h"
#include "compat/merge.h"
#include "kvm/vcpu_arm64.h"

static const char source[] = "a vCPU with PSCI_0_2 alone";

struct base {
    int vcpu;
    struct mig_limit limit;
    struct mig_builder *facts;
    size_t compared, otherwise;
};

/* "ID_AA64PFR0_EL1", or KVM's id where there is no name. */
static void disagree(struct base *base, struct mig_reg reg, const char *what)
{
    char place[MIG_REG_TEXT_MAX], name[MIG_NAME_MAX];

    reg.space = MIG_SPACE_IDREG;
    mig_reg_print(reg, place);
    (void)snprintf(name, sizeof name, "kvm.base.%s", strrchr(place, '/') + 1);
    mig_builder_add_fact(base->facts, name, what, source);
    base->otherwise++;
}

static void compare_value(struct base *base, uint64_t id)
{
    struct mig_reg reg = mig_vcpu_arm64_place(MIG_SPACE_IDREG, id);
    struct mig_seen predicted = mig_limit_get(&base->limit, reg);
    uint64_t value = 0;
    int errnum = mig_vcpu_arm64_get(base->vcpu, id, &value);
    char what[96];

    base->compared++;
    if (predicted.known != MIG_KNOWN || (errnum == 0 && value == predicted.value)) {
        return;
    }
    if (errnum != 0) {
        (void)snprintf(what, sizeof what, "without features: predicted 0x%llx, KVM says errno %d",
                       (unsigned long long)predicted.value, errnum);
    } else {
        (void)snprintf(what, sizeof what, "without features: predicted 0x%llx, KVM shows 0x%llx",
                       (unsigned long long)predicted.value, (unsigned long long)value);
    }
    disagree(base, reg, what);
}

static bool is_predicted(struct mig_reg reg)
{
    return mig_feature_saves(reg) == MIG_FEATURE_COUNT;
}

static void compare_registers(struct base *base, const struct kvm_reg_list *list)
{
    for (uint64_t i = 0; i < list->n; i++) {
        uint64_t id = list->reg[i];
        struct mig_reg reg = mig_vcpu_arm64_place(MIG_SPACE_REG_LIST, id);

        if (!mig_vcpu_arm64_has_place(id) || mig_vcpu_arm64_is_core(id)) {
            continue;
        }
        if (mig_party_seen(base->limit.host, reg).known != MIG_KNOWN || !is_predicted(reg)) {
            disagree(base, reg, "without features: KVM saves it, which is not predicted");
        } else if (mig_vcpu_arm64_tells(id)) {
            compare_value(base, id);
        }
    }
}

static bool is_listed(const struct kvm_reg_list *list, uint64_t id)
{
    for (uint64_t i = 0; i < list->n; i++) {
        if (list->reg[i] == id) {
            return true;
        }
    }
    return false;
}

static void find_missing(struct base *base, const struct kvm_reg_list *list)
{
    size_t len;
    const struct mig_entry *e =
        mig_snapshot_space(base->limit.host->snapshot, MIG_SPACE_REG_LIST, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(e[i].key);

        if (is_predicted(reg) && !is_listed(list, mig_vcpu_arm64_id(reg))) {
            disagree(base, reg, "without features: predicted, and KVM does not save it");
        }
    }
}

/* 0, or errno with @ret_what. */
static int open_base(int kvm, int *ret_vcpu, const char **ret_what)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *ignored = mig_builder_new(MIG_ARCH_ARM64);
    struct kvm_vcpu_init init = {0};
    int vm = mig_collect_kvm_vm(kvm);

    *ret_what = "ioctl KVM_CREATE_VM";
    if (vm < 0) {
        return errno;
    }
    *ret_what = "ioctl KVM_CREATE_VCPU";
    *ret_vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    if (*ret_vcpu < 0) {
        return errno;
    }
    *ret_what = "ioctl KVM_ARM_VCPU_INIT";
    if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) != 0) {
        return errno;
    }
    init.features[0] = 1U << KVM_ARM_VCPU_PSCI_0_2;
    if (ioctl(*ret_vcpu, KVM_ARM_VCPU_INIT, &init) != 0) {
        return errno;
    }
    mig_collect_kvm_gic(ignored, vm); /* some fields tell of it, so have the same one */
    return 0;
}

static void add_count(const struct base *base)
{
    char text[96];

    if (base->otherwise == 0) {
        (void)snprintf(text, sizeof text, "%zu registers as predicted", base->compared);
    } else {
        (void)snprintf(text, sizeof text, "%zu registers, %zu places otherwise than predicted",
                       base->compared, base->otherwise);
    }
    mig_builder_add_fact(base->facts, "kvm.base", text, source);
}

void mig_collect_kvm_base(struct mig_builder *b, int kvm)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *captured = NULL;
    struct base base = {.vcpu = -1, .facts = b};
    struct mig_party host = {.name = "host"};
    struct kvm_reg_list *list = NULL;
    struct mig_error err;
    const char *what;
    int errnum;

    /* What is wrong with the values is said when the capture ends. */
    if (!mig_builder_freeze(b, &captured, &err)) {
        return;
    }
    host.snapshot = captured;
    mig_limit_init(&base.limit, &host, 0);
    errnum = open_base(kvm, &base.vcpu, &what);
    if (errnum == 0) {
        what = "ioctl KVM_GET_REG_LIST";
        list = mig_vcpu_arm64_list(base.vcpu, &errnum);
    }
    if (list == NULL) {
        mig_builder_add_unreadable_fact(b, "kvm.base", errnum, what);
        return;
    }
    compare_registers(&base, list);
    find_missing(&base, list);
    add_count(&base);
    mig_free(list);
}

#endif
