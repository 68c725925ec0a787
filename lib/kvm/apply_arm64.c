/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: each step is only open for a while.  Capabilities of the
 * VM end with its first vCPU, features with KVM_ARM_VCPU_INIT, vector lengths
 * when the vCPU is made final, everything with the first KVM_RUN.  ID registers
 * come before anything that KVM holds against them, CTR_EL0 before the cache
 * descriptions.
 *
 * A refused step is a mismatch, and what can be done without it is done.
 */
#include "kvm/apply.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/array.h"
#include "base/bits.h"
#include "base/file.h"
#include "cpu/arm64_reg.h"
#include "kvm/shown_arm64.h"
#include "kvm/vcpu_arm64.h"

/* Of headers older than the kernels we meet. */
#define CAP_WRITABLE_IMP_ID_REGS 239

#define PAUTH (1U << KVM_ARM_VCPU_PTRAUTH_ADDRESS | 1U << KVM_ARM_VCPU_PTRAUTH_GENERIC)
#define PMCR_EL0 ARM64_SYS_REG(3, 3, 9, 12, 0)

/* What offers a feature, to tell which of several was refused. */
static const struct {
    uint32_t bits;
    int cap;
} offers[] = {
    {1U << KVM_ARM_VCPU_PMU_V3, KVM_CAP_ARM_PMU_V3         },
    {1U << KVM_ARM_VCPU_SVE,    KVM_CAP_ARM_SVE            },
    {PAUTH,                     KVM_CAP_ARM_PTRAUTH_ADDRESS},
    {PAUTH,                     KVM_CAP_ARM_PTRAUTH_GENERIC},
};

static const enum mig_arm64 identity[] = {MIG_ARM64_MIDR_EL1, MIG_ARM64_REVIDR_EL1,
                                          MIG_ARM64_AIDR_EL1};

/* Not an answer to what was asked, but no VM or vCPU to ask. */
static bool is_broken(int errnum)
{
    return errnum == EBADF || errnum == ENOTTY;
}

static bool broken(struct mig_error *err, int errnum, const char *what)
{
    errno = errnum;
    return mig_fail_errno(err, MIG_IO, "%s", what);
}

/* ---- the process and the VM ---- */

bool mig_kvm_apply_process(const struct mig_kvm_show *show, int kvm, struct mig_proven *ret,
                           struct mig_error *err)
{
    (void)show;
    (void)kvm;
    (void)ret;
    (void)err;
    return true;
}

unsigned long mig_kvm_vm_type(const struct mig_kvm_show *show, int kvm)
{
    MIG_AUTO(mig_shown_clear) struct mig_shown s = {0};
    int host = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
    unsigned long bits;

    mig_shown_make(&s, show->shown);
    if (host <= 0) {
        return 0; /* an old kernel: 40 bits for every VM */
    }
    bits = s.ipa_bits != 0 ? (unsigned long)s.ipa_bits : (unsigned long)host;
    return KVM_VM_TYPE_ARM_IPA_SIZE(bits);
}

/* What the host's own vCPU shows.  A register that can not be read is 0. */
static void read_identity(int kvm, uint64_t ret[MIG_COUNT(identity)])
{
    int bits = ioctl(kvm, KVM_CHECK_EXTENSION, KVM_CAP_ARM_VM_IPA_SIZE);
    unsigned long type = bits > 0 ? KVM_VM_TYPE_ARM_IPA_SIZE((unsigned long)bits) : 0;
    MIG_AUTO(mig_fd_close) int vm = ioctl(kvm, KVM_CREATE_VM, type);
    MIG_AUTO(mig_fd_close) int vcpu = ioctl(vm, KVM_CREATE_VCPU, 0);
    struct kvm_vcpu_init init = {0};

    if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) != 0 ||
        ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) != 0) {
        return;
    }
    for (size_t i = 0; i < MIG_COUNT(identity); i++) {
        (void)mig_vcpu_arm64_get(vcpu, mig_vcpu_arm64_id(mig_reg_arm64(identity[i])), &ret[i]);
    }
}

/* A word of another implementation than the host's; NULL: there is none. */
static const struct mig_shown_word *find_foreign(const struct mig_shown *s, int kvm)
{
    uint64_t own[MIG_COUNT(identity)] = {0};

    read_identity(kvm, own);
    for (size_t i = 0; i < MIG_COUNT(identity); i++) {
        const struct mig_shown_word *w = mig_shown_find(s, mig_reg_key(mig_reg_arm64(identity[i])));

        if (w != NULL && w->value != own[i]) {
            return w;
        }
    }
    return NULL;
}

static bool enable(int vm, uint32_t cap, const struct mig_shown_word *for_it,
                   struct mig_proven *ret, struct mig_error *err)
{
    struct kvm_enable_cap enable = {.cap = cap};
    struct mig_shown_word w = *for_it;
    int errnum = ioctl(vm, KVM_ENABLE_CAP, &enable) == 0 ? 0 : errno;

    if (is_broken(errnum)) {
        return broken(err, errnum, "ioctl KVM_ENABLE_CAP");
    }
    if (errnum != 0) {
        w.stage = MIG_STAGE_CAP;
        mig_shown_refused(ret, &w, errnum, NULL);
    }
    return true;
}

bool mig_kvm_apply_vm(const struct mig_kvm_show *show, int kvm, int vm, struct mig_proven *ret,
                      struct mig_error *err)
{
    MIG_AUTO(mig_shown_clear) struct mig_shown s = {0};
    const struct mig_shown_word *w;

    mig_shown_make(&s, show->shown);
    w = mig_shown_find(&s, mig_reg_key(mig_reg_arm64(MIG_ARM64_ID_AA64PFR1_EL1)));
    if (s.mte && w != NULL && !enable(vm, KVM_CAP_ARM_MTE, w, ret, err)) {
        return false;
    }
    /* Without the capability KVM refuses the register, which tells more. */
    if (ioctl(vm, KVM_CHECK_EXTENSION, CAP_WRITABLE_IMP_ID_REGS) <= 0) {
        return true;
    }
    w = find_foreign(&s, kvm);
    return w == NULL || enable(vm, CAP_WRITABLE_IMP_ID_REGS, w, ret, err);
}

/* ---- the vCPU ---- */

static int init_with(int vm, int vcpu, uint32_t features)
{
    struct kvm_vcpu_init init = {0};

    if (ioctl(vm, KVM_ARM_PREFERRED_TARGET, &init) != 0) {
        return errno;
    }
    init.features[0] = features;
    return ioctl(vcpu, KVM_ARM_VCPU_INIT, &init) == 0 ? 0 : errno;
}

static uint32_t offered(int vm, uint32_t features)
{
    for (size_t i = 0; i < MIG_COUNT(offers); i++) {
        if (ioctl(vm, KVM_CHECK_EXTENSION, offers[i].cap) <= 0) {
            features &= ~offers[i].bits;
        }
    }
    return features;
}

/* Leaves in @s->init what the vCPU has; 0: there is none. */
static bool init_vcpu(struct mig_shown *s, int vm, int vcpu, struct mig_proven *ret,
                      struct mig_error *err)
{
    struct mig_shown_word w = {.key = mig_shown_item_key(MIG_HOST_VCPU_FEATURES),
                               .value = s->init,
                               .stage = MIG_STAGE_INIT};
    uint32_t fewer[] = {offered(vm, s->init), 1U << KVM_ARM_VCPU_PSCI_0_2};
    int errnum = init_with(vm, vcpu, s->init);
    uint64_t has = 0;

    if (is_broken(errnum)) {
        return broken(err, errnum, "ioctl KVM_ARM_VCPU_INIT");
    }
    if (errnum == 0) {
        return true;
    }
    for (size_t i = 0; i < MIG_COUNT(fewer) && has == 0; i++) {
        has = init_with(vm, vcpu, fewer[i]) == 0 ? fewer[i] : 0;
    }
    s->init = (uint32_t)has;
    mig_shown_refused(ret, &w, errnum, &has);
    return true;
}

/* EPERM: the vCPU is final already; its lengths are read back. */
static void set_lengths(const struct mig_shown *s, int vcpu, struct mig_proven *ret)
{
    uint64_t lengths[KVM_ARM64_SVE_VLS_WORDS] = {s->vqs}, has = 0;
    struct mig_shown_word w = {
        .key = mig_shown_item_key(MIG_HOST_SVE_VQS), .value = s->vqs, .stage = MIG_STAGE_VLS};
    int errnum = mig_vcpu_arm64_set(vcpu, KVM_REG_ARM64_SVE_VLS, lengths), unread;

    if (errnum != 0) {
        unread = mig_vcpu_arm64_lengths(vcpu, &has);
        if (errnum != EPERM || unread != 0 || has != s->vqs) {
            mig_shown_refused(ret, &w, errnum, unread == 0 ? &has : NULL);
        }
    }
}

static void finalize(const struct mig_shown *s, int vcpu, struct mig_proven *ret)
{
    struct mig_shown_word w = {
        .key = mig_shown_item_key(MIG_HOST_SVE_VQS), .value = s->vqs, .stage = MIG_STAGE_FINALIZE};
    int what = KVM_ARM_VCPU_SVE;

    if (ioctl(vcpu, KVM_ARM_VCPU_FINALIZE, &what) != 0 && errno != EPERM) {
        mig_shown_refused(ret, &w, errno, NULL);
    }
}

/* A guest reads their number from PMCR_EL0. */
static void set_counters(const struct mig_shown *s, int vcpu, struct mig_proven *ret)
{
    struct mig_shown_word w = {.key = mig_shown_item_key(MIG_HOST_PMU_COUNTERS),
                               .value = s->counters,
                               .stage = MIG_STAGE_IDREG};
    uint64_t pmcr = 0, has;
    int errnum = mig_vcpu_arm64_get(vcpu, PMCR_EL0, &pmcr);

    has = mig_bits_get(pmcr, 15, 11);
    if (errnum == 0 && has != s->counters) {
        pmcr = mig_bits_put(pmcr, 15, 11, s->counters);
        errnum = mig_vcpu_arm64_set(vcpu, PMCR_EL0, &pmcr);
    }
    if (errnum != 0) {
        mig_shown_refused(ret, &w, errnum, NULL);
    }
}

static bool write_word(const struct mig_shown_word *w, int vcpu, struct mig_proven *ret,
                       struct mig_error *err)
{
    int errnum = mig_vcpu_arm64_set(vcpu, w->id, &w->value);
    uint64_t got = 0;

    if (is_broken(errnum)) {
        return broken(err, errnum, "ioctl KVM_SET_ONE_REG");
    }
    if (errnum != 0 && !mig_shown_is_needless(w, errnum)) {
        mig_shown_refused(ret, w, errnum, mig_vcpu_arm64_get(vcpu, w->id, &got) == 0 ? &got : NULL);
    }
    return true;
}

bool mig_kvm_apply_vcpu(const struct mig_kvm_show *show, int vm, int vcpu, struct mig_proven *ret,
                        struct mig_error *err)
{
    MIG_AUTO(mig_shown_clear) struct mig_shown s = {0};

    mig_shown_make(&s, show->shown);
    if (!show->without_vcpu && !init_vcpu(&s, vm, vcpu, ret, err)) {
        return false;
    }
    if (s.init == 0) {
        return true; /* every other call would say no more than that */
    }
    if ((s.init >> KVM_ARM_VCPU_SVE & 1) != 0) {
        if (s.vqs != 0) {
            set_lengths(&s, vcpu, ret);
        }
        finalize(&s, vcpu, ret);
    }
    for (size_t i = 0; i < s.len; i++) {
        if (!write_word(&s.items[i], vcpu, ret, err)) {
            return false;
        }
    }
    if (s.has_counters && (s.init >> KVM_ARM_VCPU_PMU_V3 & 1) != 0) {
        set_counters(&s, vcpu, ret);
    }
    return true;
}

#endif
