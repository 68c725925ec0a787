/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "base/alloc.h"
#include "libmig/failure.h"
#include "libmig/handles.h"

#define FLAGS (LIBMIG_APPLY_FILTER_MSRS | LIBMIG_APPLY_WITHOUT_VCPU)

#if defined(__x86_64__)
#define ARCH MIG_ARCH_X86
#elif defined(__aarch64__)
#define ARCH MIG_ARCH_ARM64
#endif

int libmig_apply_new(const struct libmig_cpu *cpu, uint32_t flags, struct libmig_apply **ret,
                     struct libmig_error *err)
{
    struct libmig_apply *apply;

    if ((flags & ~(uint32_t)FLAGS) != 0) {
        return mig_failure_say(err, LIBMIG_ERROR_USAGE, "flags 0x%x: not all are known", flags);
    }
    if (cpu->shown->arch != ARCH) {
        return mig_failure_say(err, LIBMIG_ERROR_USAGE, "a CPU of %s on a host of %s",
                               mig_arch_name(cpu->shown->arch), mig_arch_name(ARCH));
    }
    apply = MIG_NEW(struct libmig_apply);
    apply->shown = mig_handles_copy(cpu->shown);
    apply->show = (struct mig_kvm_show){
        .shown = apply->shown,
        .filter_msrs = (flags & LIBMIG_APPLY_FILTER_MSRS) != 0,
        .without_vcpu = (flags & LIBMIG_APPLY_WITHOUT_VCPU) != 0,
    };
    *ret = apply;
    return mig_failure_none(err);
}

static void describe(const struct mig_mismatch *m, struct libmig_mismatch *ret)
{
    *ret = (struct libmig_mismatch){
        .stage = mig_stage_name(m->stage),
        .wanted = m->wanted,
        .got = m->got,
        .has_got = m->has_got ? 1 : 0,
        .errnum = m->errnum,
    };
    if (m->key != UINT64_MAX) {
        char id[MIG_REG_TEXT_MAX];

        mig_reg_print(mig_reg_from_key(m->key), id);
        (void)snprintf(ret->id, sizeof ret->id, "%s", id);
    }
}

/* What a step is worth that KVM was asked in; @before mismatches were there. */
static int judge(const struct libmig_apply *apply, size_t before, bool done,
                 const struct mig_error *why, struct libmig_error *err)
{
    const struct mig_proven *p = &apply->proven;
    struct libmig_mismatch first;

    if (!done) {
        return mig_failure_tell(err, why);
    }
    if (p->len == before && p->len < MIG_MISMATCHES_MAX) {
        return mig_failure_none(err);
    }
    describe(&p->items[before < p->len ? before : p->len - 1], &first);
    return mig_failure_say(err, LIBMIG_DIFFERS, "KVM differs in %zu places, the first at %s%s%s",
                           p->len - before, first.stage, first.id[0] != '\0' ? ": " : "", first.id);
}

int libmig_apply_process(struct libmig_apply *apply, int kvm, struct libmig_error *err)
{
    size_t before = apply->proven.len;
    struct mig_error why;
    bool done = mig_kvm_apply_process(&apply->show, kvm, &apply->proven, &why);

    return judge(apply, before, done, &why, err);
}

unsigned long libmig_apply_vm_type(const struct libmig_apply *apply, int kvm)
{
    return mig_kvm_vm_type(&apply->show, kvm);
}

int libmig_apply_vm(struct libmig_apply *apply, int kvm, int vm, struct libmig_error *err)
{
    size_t before = apply->proven.len;
    struct mig_error why;
    bool done = mig_kvm_apply_vm(&apply->show, kvm, vm, &apply->proven, &why);

    return judge(apply, before, done, &why, err);
}

int libmig_apply_vcpu(struct libmig_apply *apply, int vm, int vcpu, struct libmig_error *err)
{
    size_t before = apply->proven.len;
    struct mig_error why;
    bool done = mig_kvm_apply_vcpu(&apply->show, vm, vcpu, &apply->proven, &why);

    return judge(apply, before, done, &why, err);
}

int libmig_apply_read_back(struct libmig_apply *apply, int vm, int vcpu, struct libmig_error *err)
{
    size_t before = apply->proven.len;
    struct mig_error why;
    bool done = mig_kvm_read_vcpu(&apply->show, vm, vcpu, &apply->proven, &why);

    return judge(apply, before, done, &why, err);
}

size_t libmig_apply_mismatches(const struct libmig_apply *apply)
{
    return apply->proven.len;
}

int libmig_apply_mismatch(const struct libmig_apply *apply, size_t index,
                          struct libmig_mismatch *ret, struct libmig_error *err)
{
    if (index >= apply->proven.len) {
        return mig_failure_say(err, LIBMIG_ERROR_MISSING, "there are %zu mismatches",
                               apply->proven.len);
    }
    describe(&apply->proven.items[index], ret);
    return mig_failure_none(err);
}

void libmig_apply_free(struct libmig_apply *apply)
{
    if (apply != NULL) {
        mig_proven_clear(&apply->proven);
        mig_snapshot_free(apply->shown);
        mig_free(apply);
    }
}
