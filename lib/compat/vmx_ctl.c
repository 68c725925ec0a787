/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nested VMX.  The field tier has merged the control words: what must be 1 by
 * OR, what may be 1 by AND.  That is a CPU only if nothing must be 1 that may
 * not; else nesting goes as a whole.  The words that KVM derives are derived
 * here too, since it refuses to be told them: a move compares none of them.
 */
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "cpu/place.h"

#define FIRST_MSR 0x480
#define LAST_MSR 0x491
#define CR0_FIXED1 0x487
#define CR4_FIXED1 0x489
#define CR0_ALL UINT64_C(0xffffffff)
#define CR4_PCE UINT64_C(0x100)

static const struct mig_bit vmx = MIG_PLACE_BIT(vmx);

static const struct {
    uint32_t exact, derived, always;
} controls[] = {
#define CONTROL(exact, derived, always) {exact, derived, always},
#include "compat/vmx_control.def"
};

/* First control word in which something must be 1 that may not, or 0. */
static uint32_t find_contradiction(const struct mig_merge *m)
{
    for (size_t i = 0; i < MIG_COUNT(controls); i++) {
        uint64_t word = mig_merge_get(m, mig_reg_msr(controls[i].exact));

        if ((word & ~(word >> 32) & UINT32_MAX) != 0) {
            return controls[i].exact;
        }
    }
    return 0;
}

static bool is_vmx_msr(uint64_t key)
{
    struct mig_reg reg = mig_reg_from_key(key);

    return reg.space == MIG_SPACE_MSR && reg.index >= FIRST_MSR && reg.index <= LAST_MSR;
}

/* What hosts differ in about nesting follows from that there is none. */
static void fold(struct mig_findings *list, const char *root)
{
    for (size_t i = 0; i < list->len; i++) {
        struct mig_finding *f = &list->items[i];

        if (is_vmx_msr(f->key) && f->root == NULL && strcmp(f->id, root) != 0) {
            f->root = mig_strdup(root);
        }
    }
}

static void drop_nesting(struct mig_merge *m)
{
    mig_merge_take(m, vmx.reg, vmx.mask);
    for (uint32_t msr = FIRST_MSR; msr <= LAST_MSR; msr++) {
        mig_merge_take(m, mig_reg_msr(msr), UINT64_MAX);
    }
}

static void report(struct mig_merge *m, uint32_t msr)
{
    struct mig_finding *f = mig_constraint_raise(m->findings, vmx, MIG_WARNING);
    char root[MIG_FIELD_ID_MAX];

    if (f == NULL) {
        return;
    }
    f->rule = "vmx_ctl";
    f->reason = MIG_REASON_HARDWARE;
    f->likely = true;
    mig_constraint_say(
        f,
        mig_strf("nested VMX has no common form: in x86/msr/%x one host requires a control that "
                 "another forbids, so the profile leaves nesting out",
                 msr),
        mig_strdup("keep guests that run guests of their own on hosts of one kind, or run one "
                   "kernel and one set of kvm_intel parameters on all"));
    memcpy(root, f->id, sizeof root);
    fold(m->findings, root);
}

static void put(struct mig_merge *m, uint32_t msr, uint64_t value)
{
    struct mig_word *word = mig_merge_word(m, mig_reg_msr(msr));

    if (word != NULL && word->covered) {
        word->value = value;
    }
}

static uint64_t cr4_fixed1(const struct mig_merge *m)
{
    static const struct {
        uint64_t cr4;
        struct mig_bit feature;
    } rows[] = {
#define CR4(bits, feature) {bits, MIG_PLACE_BIT(feature)},
#include "compat/vmx_cr4.def"
    };
    uint64_t value = CR4_PCE;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        struct mig_bit feature = rows[i].feature;

        value |= (mig_merge_get(m, feature.reg) & feature.mask) != 0 ? rows[i].cr4 : 0;
    }
    return value;
}

static void derive(struct mig_merge *m)
{
    for (size_t i = 0; i < MIG_COUNT(controls); i++) {
        if (controls[i].derived != 0) {
            put(m, controls[i].derived,
                mig_merge_get(m, mig_reg_msr(controls[i].exact)) | controls[i].always);
        }
    }
    put(m, CR0_FIXED1, CR0_ALL);
    put(m, CR4_FIXED1, cr4_fixed1(m));
}

void mig_vmx_ctl_merge(struct mig_merge *m)
{
    bool shown = (mig_merge_get(m, vmx.reg) & vmx.mask) != 0;
    uint32_t contradiction;

    if (!shown) {
        struct mig_finding *f = m->findings != NULL ? mig_findings_on(m->findings, vmx) : NULL;

        drop_nesting(m);
        if (f != NULL) {
            fold(m->findings, f->id);
        }
        return;
    }
    contradiction = find_contradiction(m);
    if (contradiction == 0) {
        derive(m);
        return;
    }
    drop_nesting(m);
    if (m->findings != NULL) {
        report(m, contradiction);
    }
}
