/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/apply.h"

#if defined(__x86_64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"
#include "kvm/shown.h"
#include "kvm/supported.h"

/* Registers that KVM refused have been told of; they need no second line. */
static void compare(struct mig_reg reg, uint64_t wanted, uint64_t got, uint64_t mask,
                    struct mig_proven *ret)
{
    if (mask == 0 || mig_kvm_was_refused(ret, mig_reg_key(reg))) {
        return;
    }
    ret->compared++;
    if (((wanted ^ got) & mask) != 0) {
        mig_kvm_note(
            ret, &(struct mig_mismatch){mig_reg_key(reg), MIG_STAGE_READ, 0, true, wanted, got});
    }
}

/* The answers of @entry in both tables.  What @shown does not cover is KVM's. */
static void compare_entry(const struct mig_snapshot *shown, const struct kvm_cpuid2 *wanted,
                          const struct kvm_cpuid2 *got, const struct kvm_cpuid_entry2 *entry,
                          struct mig_proven *ret)
{
    uint32_t sub = mig_kvm_cpuid_sub(entry), want[4] = {0}, have[4] = {0};
    struct mig_reg reg = mig_kvm_cpuid_place(mig_kvm_shows_hyperv(shown), entry->function, sub);
    const struct kvm_cpuid_entry2 *w = mig_kvm_cpuid_find(wanted, entry->function, sub);
    const struct kvm_cpuid_entry2 *g = mig_kvm_cpuid_find(got, entry->function, sub);

    if (w != NULL) {
        mig_kvm_cpuid_words(w, want);
    }
    if (g != NULL) {
        mig_kvm_cpuid_words(g, have);
    }
    for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
        enum mig_known known;
        uint64_t ignored;

        reg.part = (enum mig_part)part;
        known = mig_snapshot_get(shown, reg, &ignored);
        if (known == MIG_KNOWN || known == MIG_ABSENT) {
            compare(reg, want[part], have[part], mig_kvm_cpuid_kept(reg, false), ret);
        }
    }
}

static int read_cpuid(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    int errnum = E2BIG;
    struct kvm_cpuid2 *got = mig_kvm_ask_cpuid(vcpu, KVM_GET_CPUID2, &errnum), *wanted;

    if (got == NULL) {
        return errnum;
    }
    wanted = mig_kvm_cpuid_of(shown, got);
    for (uint32_t i = 0; i < wanted->nent; i++) {
        compare_entry(shown, wanted, got, &wanted->entries[i], ret);
    }
    for (uint32_t i = 0; i < got->nent; i++) {
        const struct kvm_cpuid_entry2 *e = &got->entries[i];

        if (mig_kvm_cpuid_find(wanted, e->function, mig_kvm_cpuid_sub(e)) == NULL) {
            compare_entry(shown, wanted, got, e, ret);
        }
    }
    mig_free(wanted);
    mig_free(got);
    return 0;
}

static void read_msrs(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    struct kvm_msrs *m = mig_kvm_msrs_of(shown);

    for (uint32_t i = 0; i < m->nmsrs; i++) {
        struct mig_reg reg = mig_reg_msr(m->entries[i].index);
        uint64_t got = 0;
        int errnum = mig_kvm_get_msr(vcpu, reg.index, &got);

        if (errnum == 0 || m->entries[i].data == 0) {
            compare(reg, m->entries[i].data, got, UINT64_MAX, ret);
        } else if (!mig_kvm_was_refused(ret, mig_reg_key(reg))) {
            mig_kvm_note(ret, &(struct mig_mismatch){.key = mig_reg_key(reg),
                                                     .stage = MIG_STAGE_READ,
                                                     .errnum = errnum,
                                                     .wanted = m->entries[i].data});
        }
    }
    mig_free(m);
}

/* Values of the host in MSRs that the guest can reach and was not shown. */
static void read_hidden_msrs(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    uint32_t index = 0;

    while (mig_kvm_next_msr(&index)) {
        uint64_t got;

        if (mig_snapshot_get(shown, mig_reg_msr(index), &got) == MIG_ABSENT &&
            mig_kvm_shows_msr(shown, index) && mig_kvm_get_msr(vcpu, index, &got) == 0) {
            compare(mig_reg_msr(index), 0, got, UINT64_MAX, ret);
        }
    }
}

static void read_tsc(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    uint64_t wanted;

    if (mig_kvm_shown_tsc(shown, &wanted)) {
        int got = ioctl(vcpu, KVM_GET_TSC_KHZ, 0);

        compare(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ), wanted,
                got < 0 ? 0 : (uint64_t)got, UINT64_MAX, ret);
    }
}

static void read_xcr0(const struct mig_snapshot *shown, int vcpu, struct mig_proven *ret)
{
    struct kvm_xcrs xcrs = {0};
    struct mig_reg reg;
    uint64_t wanted;

    if (mig_kvm_shown_xcr0(shown, &reg, &wanted)) {
        bool read = ioctl(vcpu, KVM_GET_XCRS, &xcrs) == 0 && xcrs.nr_xcrs > 0;

        compare(reg, wanted, read ? xcrs.xcrs[0].value : 0, UINT64_MAX, ret);
    }
}

bool mig_kvm_read_vcpu(const struct mig_kvm_show *show, int vm __attribute__((unused)), int vcpu,
                       struct mig_proven *ret, struct mig_error *err)
{
    int errnum = read_cpuid(show->shown, vcpu, ret);

    if (errnum != 0) {
        errno = errnum;
        return mig_fail_errno(err, MIG_IO, "KVM_GET_CPUID2");
    }
    read_msrs(show->shown, vcpu, ret);
    read_hidden_msrs(show->shown, vcpu, ret);
    read_tsc(show->shown, vcpu, ret);
    read_xcr0(show->shown, vcpu, ret);
    return true;
}

#endif
