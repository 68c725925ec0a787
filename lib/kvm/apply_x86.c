/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: each step decides what the next may do.  Tile permission
 * is refused once a vCPU exists, and KVM_SET_CPUID2 refuses AMX without it.
 * Quirks go before vCPUs are made, which would start with the host's MSRs.  The
 * CPUID table comes before MSRs and XCR0: KVM takes of both only what the table
 * shows.  What KVM takes but does not support is asked for apart
 * (kvm/supported.h), for KVM_SET_CPUID2 refuses next to nothing.
 */
#include "kvm/apply.h"

#if defined(__x86_64__)

#include <asm/prctl.h>
#include <errno.h>
#include <linux/kvm.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/array.h"
#include "cpu/place.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"
#include "kvm/shown.h"
#include "kvm/supported.h"

/* XSAVE component 18: AMX tile data. */
#define XFEATURE_TILE_DATA 18

/* KVM takes rates this close as equal (kvm.tsc_tolerance_ppm). */
#define TSC_TOLERANCE_PPM 250

#ifndef ARCH_REQ_XCOMP_GUEST_PERM
#define ARCH_REQ_XCOMP_GUEST_PERM 0x1025
#endif

static bool broken(const char *what, int errnum, struct mig_error *err)
{
    errno = errnum;
    return mig_fail_errno(err, MIG_IO, "%s", what);
}

static struct mig_mismatch refusal(struct mig_reg reg, enum mig_stage stage, uint64_t wanted)
{
    return (struct mig_mismatch){
        .key = mig_reg_key(reg), .stage = stage, .errnum = errno, .wanted = wanted};
}

bool mig_kvm_apply_process(const struct mig_kvm_show *show, int kvm, struct mig_proven *ret,
                           struct mig_error *err)
{
    struct mig_reg reg = MIG_PLACE_REG(xcr0_tiledata);
    uint64_t components;

    if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) {
        return broken("KVM_GET_API_VERSION", errno, err);
    }
    (void)mig_snapshot_get(show->shown, reg, &components);
    if ((components & MIG_PLACE_MASK(xcr0_tiledata)) != 0 &&
        syscall(SYS_arch_prctl, ARCH_REQ_XCOMP_GUEST_PERM, XFEATURE_TILE_DATA) != 0) {
        struct mig_mismatch m = refusal(reg, MIG_STAGE_TILE, components);

        mig_kvm_note(ret, &m);
    }
    return true;
}

static void switch_quirks_off(int vm, struct mig_proven *ret)
{
    static const uint64_t wanted = 0
#define QUIRK(bit, what, why) | UINT64_C(1) << (bit)
#include "kvm/quirk.def"
        ;
    int offered = ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_DISABLE_QUIRKS2);
    struct kvm_enable_cap cap = {.cap = KVM_CAP_DISABLE_QUIRKS2};

    cap.args[0] = offered < 0 ? 0 : (uint32_t)offered & wanted;
    if (cap.args[0] != 0 && ioctl(vm, KVM_ENABLE_CAP, &cap) != 0) {
        struct mig_mismatch m = refusal(mig_reg_plain(MIG_SPACE_CAP, KVM_CAP_DISABLE_QUIRKS2),
                                        MIG_STAGE_CAP, cap.args[0]);

        mig_kvm_note(ret, &m);
    }
}

/* Feature MSRs that the guest was not shown fault.  Runs of neighbours share a
 * range, whose bits are all 0: denied. */
static void filter_msrs(const struct mig_snapshot *shown, int vm, struct mig_proven *ret)
{
    static uint8_t none[KVM_MSR_FILTER_MAX_BITMAP_SIZE];
    struct kvm_msr_filter filter = {.flags = KVM_MSR_FILTER_DEFAULT_ALLOW};
    uint32_t len = 0, index = 0;

    while (mig_kvm_next_msr(&index)) {
        struct kvm_msr_filter_range *last = &filter.ranges[len > 0 ? len - 1 : 0];
        uint64_t ignored;

        if (mig_snapshot_get(shown, mig_reg_msr(index), &ignored) != MIG_ABSENT) {
            continue;
        }
        if (len > 0 && last->base + last->nmsrs == index) {
            last->nmsrs++;
        } else if (len < KVM_MSR_FILTER_MAX_RANGES) {
            filter.ranges[len++] =
                (struct kvm_msr_filter_range){.flags = KVM_MSR_FILTER_READ | KVM_MSR_FILTER_WRITE,
                                              .nmsrs = 1,
                                              .base = index,
                                              .bitmap = none};
        }
    }
    if (len > 0 && ioctl(vm, KVM_X86_SET_MSR_FILTER, &filter) != 0) {
        struct mig_mismatch m =
            refusal(mig_reg_plain(MIG_SPACE_CAP, KVM_CAP_X86_MSR_FILTER), MIG_STAGE_FILTER, 1);

        mig_kvm_note(ret, &m);
    }
}

bool mig_kvm_apply_vm(const struct mig_kvm_show *show, int kvm, int vm, struct mig_proven *ret,
                      struct mig_error *err)
{
    int errnum;

    if (ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_USER_MEMORY) < 0) {
        return broken("KVM_CHECK_EXTENSION", errno, err);
    }
    errnum = mig_kvm_check_supported(show->shown, kvm, ret);
    if (errnum != 0) {
        return broken("KVM_GET_SUPPORTED_CPUID", errnum, err);
    }
    switch_quirks_off(vm, ret);
    if (show->filter_msrs) {
        filter_msrs(show->shown, vm, ret);
    }
    return true;
}

static void enforce(const struct mig_snapshot *shown, int vm, int vcpu, struct mig_proven *ret)
{
    static const struct {
        uint32_t cap;
        enum mig_space space;
        uint32_t leaf;
    } rows[] = {
#define ENFORCE(cap, space, leaf, why) {cap, MIG_SPACE_##space, leaf},
#include "kvm/enforce.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        struct kvm_enable_cap cap = {.cap = rows[i].cap, .args = {1}};
        struct mig_reg leaf = {rows[i].space, rows[i].leaf, 0, MIG_EAX};
        uint64_t value;

        if (mig_snapshot_get(shown, leaf, &value) == MIG_KNOWN &&
            ioctl(vm, KVM_CHECK_EXTENSION, rows[i].cap) > 0 &&
            ioctl(vcpu, KVM_ENABLE_CAP, &cap) != 0) {
            struct mig_mismatch m =
                refusal(mig_reg_plain(MIG_SPACE_CAP, rows[i].cap), MIG_STAGE_CAP, 1);

            mig_kvm_note(ret, &m);
        }
    }
}

/* Does KVM take the table without this word?  The vCPU then has it so. */
static bool is_culprit(int vcpu, const struct kvm_cpuid2 *t, uint32_t *word)
{
    uint32_t value = *word;

    *word = 0;
    if (value != 0 && ioctl(vcpu, KVM_SET_CPUID2, t) == 0) {
        return true;
    }
    *word = value;
    return false;
}

/* KVM does not say which word it refused. */
static void name_refused(int vcpu, struct kvm_cpuid2 *t, bool hyperv, int errnum,
                         struct mig_proven *ret)
{
    struct mig_mismatch m = {.key = UINT64_MAX, .stage = MIG_STAGE_CPUID, .errnum = errnum};

    for (uint32_t i = 0; m.key == UINT64_MAX && i < t->nent; i++) {
        struct kvm_cpuid_entry2 *e = &t->entries[i];
        struct mig_reg reg = mig_kvm_cpuid_place(hyperv, e->function, mig_kvm_cpuid_sub(e));

        for (unsigned part = MIG_EAX; m.key == UINT64_MAX && part <= MIG_EDX; part++) {
            uint32_t *word = mig_kvm_cpuid_word(e, (enum mig_part)part);

            reg.part = (enum mig_part)part;
            m.wanted = *word;
            if (is_culprit(vcpu, t, word)) {
                m.key = mig_reg_key(reg);
            }
        }
    }
    if (m.key == UINT64_MAX) {
        m.wanted = 0;
    }
    mig_kvm_note(ret, &m);
}

static int set_cpuid(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    int errnum = E2BIG;
    struct kvm_cpuid2 *own = mig_kvm_ask_cpuid(vcpu, KVM_GET_CPUID2, &errnum), *t;

    if (own == NULL) {
        return errnum;
    }
    t = mig_kvm_cpuid_of(shown, own);
    if (t->nent > 0 && ioctl(vcpu, KVM_SET_CPUID2, t) != 0) {
        name_refused(vcpu, t, mig_kvm_shows_hyperv(shown), errno, ret);
    }
    mig_free(t);
    mig_free(own);
    return 0;
}

static void set_msrs(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    struct kvm_msrs *m = mig_kvm_msrs_of(shown);
    uint32_t index = 0;
    uint64_t value;

    for (uint32_t i = 0; i < m->nmsrs; i++) {
        struct kvm_msr_entry *e = &m->entries[i];
        int errnum = mig_kvm_set_msr(vcpu, e->index, e->data);

        /* An MSR that is not there reads as it was shown. */
        if (errnum != 0 && (e->data != 0 || mig_kvm_get_msr(vcpu, e->index, &value) == 0)) {
            mig_kvm_note(ret, &(struct mig_mismatch){.key = mig_reg_key(mig_reg_msr(e->index)),
                                                     .stage = MIG_STAGE_MSR,
                                                     .errnum = errnum,
                                                     .wanted = e->data});
        }
    }
    mig_free(m);
    /* What the host put there is not to be seen; reading back tells when KVM
     * keeps it. */
    while (mig_kvm_next_msr(&index)) {
        if (mig_snapshot_get(shown, mig_reg_msr(index), &value) == MIG_ABSENT &&
            mig_kvm_get_msr(vcpu, index, &value) == 0 && value != 0) {
            (void)mig_kvm_set_msr(vcpu, index, 0);
        }
    }
}

/* Without scaling KVM lets a faster clock jump forward at each entry, and does
 * not say that this is no clock. */
static bool is_scaled(int vm, uint64_t wanted, uint64_t host)
{
    uint64_t apart = wanted > host ? wanted - host : host - wanted;

    return ioctl(vm, KVM_CHECK_EXTENSION, KVM_CAP_TSC_CONTROL) > 0 ||
           apart <= host * TSC_TOLERANCE_PPM / 1000000;
}

static void set_tsc(const struct mig_snapshot *shown, int vm, int vcpu, struct mig_proven *ret)
{
    uint64_t wanted;
    int host = ioctl(vcpu, KVM_GET_TSC_KHZ, 0);
    struct mig_mismatch m;

    if (!mig_kvm_shown_tsc(shown, &wanted)) {
        return;
    }
    m = refusal(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), MIG_STAGE_TSC, wanted);
    if (host < 0) {
        mig_kvm_note(ret, &m);
        return;
    }
    m.has_got = true;
    m.got = (uint64_t)host;
    m.errnum = 0;
    if (wanted != m.got && ioctl(vcpu, KVM_SET_TSC_KHZ, wanted) != 0) {
        m.errnum = errno;
        mig_kvm_note(ret, &m);
    } else if (!is_scaled(vm, wanted, m.got)) {
        mig_kvm_note(ret, &m);
    }
}

static void set_xcr0(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    struct kvm_xcrs xcrs = {.nr_xcrs = 1};
    struct mig_reg reg;
    uint64_t xcr0;

    if (!mig_kvm_shown_xcr0(shown, &reg, &xcr0)) {
        return;
    }
    xcrs.xcrs[0].value = xcr0;
    if (ioctl(vcpu, KVM_SET_XCRS, &xcrs) != 0) {
        struct mig_mismatch m = refusal(reg, MIG_STAGE_XCR, xcr0);

        mig_kvm_note(ret, &m);
    }
}

bool mig_kvm_apply_vcpu(const struct mig_kvm_show *show, int vm, int vcpu, struct mig_proven *ret,
                        struct mig_error *err)
{
    int errnum;

    enforce(show->shown, vm, vcpu, ret);
    errnum = set_cpuid(show->shown, vcpu, ret);
    if (errnum != 0) {
        return broken("KVM_GET_CPUID2", errnum, err);
    }
    set_msrs(show->shown, vcpu, ret);
    set_tsc(show->shown, vm, vcpu, ret);
    set_xcr0(show->shown, vcpu, ret);
    return true;
}

unsigned long mig_kvm_vm_type(const struct mig_kvm_show *show __attribute__((unused)),
                              int kvm __attribute__((unused)))
{
    return 0;
}

#endif
