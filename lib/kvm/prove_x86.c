/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: first a VM whose guest is shown no feature at all.  When
 * KVM takes that and the guest sees the features of the host's own CPU in every
 * word, nothing is enforced here and nothing else needs to be tried: KVM on
 * processors that can not trap CPUID does so.  Then the register set itself:
 * applied, read back, and looked at by a guest, also where nothing is shown and
 * beyond the last leaf.
 */
#include "kvm/prove.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "cpu/place.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"
#include "kvm/scratch.h"
#include "kvm/shown.h"
#include "kvm/supported.h"

#define HYPERVISOR_FIRST UINT32_C(0x40000000)
#define BLOCK UINT32_C(0x100)
#define EXTENDED UINT32_C(0x80000000)
#define XSAVE_LEAF 0xd
#define XSAVE_COMPONENTS 64
/* No CPU has more leaves of one kind; a table may say so all the same. */
#define RANGE_MAX 0x100

/* The words that most features stand in. */
static const struct mig_reg feature_words[] = {
    {MIG_SPACE_CPUID, 1, 0, MIG_ECX},
    {MIG_SPACE_CPUID, 1, 0, MIG_EDX},
    {MIG_SPACE_CPUID, 7, 0, MIG_EBX},
    {MIG_SPACE_CPUID, 7, 0, MIG_ECX},
    {MIG_SPACE_CPUID, 7, 0, MIG_EDX},
};

struct probes {
    struct mig_kvm_probe *items;
    size_t len, cap;
};

static void fail_at(struct mig_proven *ret, enum mig_stage stage, int errnum)
{
    ret->outcome = MIG_OUTCOME_NOT_TRIED;
    ret->stage = stage;
    ret->errnum = errnum;
}

static void ask(struct probes *p, enum mig_kvm_ask kind, uint32_t function, uint32_t index)
{
    for (size_t i = 0; i < p->len; i++) {
        if (p->items[i].ask == kind && p->items[i].function == function &&
            p->items[i].index == index) {
            return;
        }
    }
    if (p->len < MIG_KVM_PROBES_MAX) {
        *MIG_PUSH(p) =
            (struct mig_kvm_probe){.function = function, .index = index, .ask = (uint16_t)kind};
    }
}

static void ask_cpuid(struct probes *p, uint32_t function, uint32_t index)
{
    ask(p, MIG_KVM_ASK_CPUID, function, index);
}

/* All leaves of the class that begins at @first, and one beyond. */
static void ask_class(struct probes *p, const struct kvm_cpuid2 *t, uint32_t first)
{
    const struct kvm_cpuid_entry2 *top = mig_kvm_cpuid_find(t, first, 0);
    uint32_t last = top != NULL && top->eax >= first ? top->eax : first;

    for (uint32_t n = 0; n <= last - first && n < RANGE_MAX; n++) {
        ask_cpuid(p, first + n, 0);
    }
    if (last < UINT32_MAX) {
        ask_cpuid(p, last + 1, 0);
    }
}

/* What @t shows, and what it does not. */
static void ask_all(struct probes *p, const struct kvm_cpuid2 *t)
{
    for (uint32_t i = 0; i < t->nent; i++) {
        uint32_t index = mig_kvm_cpuid_sub(&t->entries[i]);

        ask_cpuid(p, t->entries[i].function, index);
        ask_cpuid(p, t->entries[i].function, index + 1);
    }
    ask_class(p, t, 0);
    ask_class(p, t, HYPERVISOR_FIRST);
    ask_class(p, t, HYPERVISOR_FIRST + BLOCK);
    ask_class(p, t, EXTENDED);
    for (uint32_t n = 0; n < XSAVE_COMPONENTS; n++) {
        ask_cpuid(p, XSAVE_LEAF, n);
    }
    ask_cpuid(p, EXTENDED - 1, 0);
    ask_cpuid(p, UINT32_MAX, 0);
}

static void ask_msrs(struct probes *p, const struct mig_snapshot *shown)
{
    uint32_t index = 0;

    while (mig_kvm_next_msr(&index)) {
        uint64_t ignored;
        enum mig_known known = mig_snapshot_get(shown, mig_reg_msr(index), &ignored);

        if ((known == MIG_KNOWN || known == MIG_ABSENT) && mig_kvm_shows_msr(shown, index)) {
            ask(p, MIG_KVM_ASK_MSR, index, 0);
        }
    }
}

static void see(struct mig_reg reg, const struct mig_mismatch *m, uint64_t mask,
                struct mig_proven *ret)
{
    ret->compared++;
    if (!m->has_got || ((m->wanted ^ m->got) & mask) != 0) {
        struct mig_mismatch seen = *m;

        seen.key = mig_reg_key(reg);
        seen.stage = MIG_STAGE_GUEST;
        mig_kvm_note(ret, &seen);
    }
}

static void compare_cpuid(const struct mig_snapshot *shown, const struct kvm_cpuid2 *t,
                          const struct mig_kvm_probe *p, struct mig_proven *ret)
{
    bool hyperv = mig_kvm_shows_hyperv(shown);
    uint32_t wanted[4];
    const struct kvm_cpuid_entry2 *e = mig_kvm_cpuid_answer(t, p->function, p->index, wanted);
    struct mig_reg reg = mig_kvm_cpuid_place(hyperv, p->function, p->index), from = reg;

    if (e != NULL) {
        from = mig_kvm_cpuid_place(hyperv, e->function, mig_kvm_cpuid_sub(e));
    }
    for (unsigned part = MIG_EAX; part <= MIG_EDX; part++) {
        uint64_t mask, ignored;
        enum mig_known known;

        reg.part = from.part = (enum mig_part)part;
        known = mig_snapshot_get(shown, from, &ignored);
        mask = mig_kvm_cpuid_kept(from, true);
        if (mask != 0 && (known == MIG_KNOWN || known == MIG_ABSENT) &&
            !mig_kvm_was_refused(ret, mig_reg_key(from))) {
            see(reg,
                &(struct mig_mismatch){
                    .has_got = p->faulted == 0, .wanted = wanted[part], .got = p->word[part]},
                mask, ret);
        }
    }
}

/* One that reads as 0 may as well not be there. */
static void compare_msr(const struct mig_snapshot *shown, const struct mig_kvm_probe *p,
                        struct mig_proven *ret)
{
    struct mig_reg reg = mig_reg_msr(p->function);
    struct mig_mismatch m = {.has_got = p->faulted == 0};

    (void)mig_snapshot_get(shown, reg, &m.wanted);
    m.got = m.has_got ? (uint64_t)p->word[MIG_EDX] << 32 | p->word[MIG_EAX] : 0;
    m.has_got = m.has_got || m.wanted == 0;
    if (!mig_kvm_was_refused(ret, mig_reg_key(reg))) {
        see(reg, &m, UINT64_MAX, ret);
    }
}

static void look(struct mig_kvm_scratch *s, const struct mig_snapshot *shown,
                 struct mig_proven *ret)
{
    struct kvm_cpuid2 *t = mig_kvm_cpuid_of(shown, NULL);
    struct probes p = {0};
    int errnum;

    ask_all(&p, t);
    ask_msrs(&p, shown);
    errnum = mig_kvm_scratch_run(s, p.items, p.len);
    ret->ran = errnum == 0;
    /* What KVM refused before says more than a vCPU that does not run then. */
    if (errnum != 0 && ret->len == 0) {
        fail_at(ret, MIG_STAGE_RUN, errnum);
    }
    for (size_t i = 0; ret->ran && i < p.len; i++) {
        if (p.items[i].ask == MIG_KVM_ASK_MSR) {
            compare_msr(shown, &p.items[i], ret);
        } else {
            compare_cpuid(shown, t, &p.items[i], ret);
        }
    }
    mig_free(p.items);
    mig_free(t);
}

/* Features that @reg has in this process, state of its own aside. */
static uint64_t own_features(struct mig_reg reg)
{
    uint32_t words[4];

    __cpuid_count(reg.index, reg.sub, words[MIG_EAX], words[MIG_EBX], words[MIG_ECX],
                  words[MIG_EDX]);
    return words[reg.part] & mig_kvm_cpuid_kept(reg, true);
}

/* Does the guest, which was shown none, see features in every word where this
 * CPU has some, and none but those? */
static bool sees_own_features(const struct probes *p)
{
    for (size_t i = 0; i < MIG_COUNT(feature_words); i++) {
        uint64_t own = own_features(feature_words[i]), seen;

        seen = p->items[i].word[feature_words[i].part] & mig_kvm_cpuid_kept(feature_words[i], true);
        if (p->items[i].faulted != 0 || (seen & ~own) != 0 || (own != 0 && seen == 0)) {
            return false;
        }
    }
    return true;
}

/* Sets @ret_enforced; 0 or errno. */
static int look_without_features(struct mig_kvm_scratch *s, bool *ret_enforced)
{
    const uint32_t top = feature_words[MIG_COUNT(feature_words) - 1].index;
    struct kvm_cpuid2 *t = mig_alloc(1, sizeof *t + 5 * sizeof t->entries[0]);
    struct probes p = {0};
    int errnum = 0;

    t->entries[t->nent++] = (struct kvm_cpuid_entry2){.function = 0, .eax = top};
    t->entries[t->nent++] = (struct kvm_cpuid_entry2){.function = 1};
    t->entries[t->nent++] =
        (struct kvm_cpuid_entry2){.function = top, .flags = KVM_CPUID_FLAG_SIGNIFCANT_INDEX};
    /* The stub runs in 64-bit mode. */
    t->entries[t->nent++] = (struct kvm_cpuid_entry2){.function = EXTENDED, .eax = EXTENDED + 1};
    t->entries[t->nent++] =
        (struct kvm_cpuid_entry2){.function = EXTENDED + 1, .edx = MIG_PLACE_MASK(lm)};
    for (size_t i = 0; i < MIG_COUNT(feature_words); i++) {
        *MIG_PUSH(&p) = (struct mig_kvm_probe){.function = feature_words[i].index};
    }
    /* A KVM that does not take even this says so at each register. */
    if (ioctl(s->vcpu, KVM_SET_CPUID2, t) == 0) {
        errnum = mig_kvm_scratch_run(s, p.items, p.len);
        *ret_enforced = errnum != 0 || !sees_own_features(&p);
    }
    mig_free(p.items);
    mig_free(t);
    return errnum;
}

/* Is a guest shown what KVM was told to show?  If not, that is all of the
 * answer. */
static bool is_enforced(int kvm, struct mig_proven *ret)
{
    struct mig_kvm_scratch s = MIG_KVM_SCRATCH_NONE;
    enum mig_stage stage = MIG_STAGE_OPEN;
    bool enforced = true;
    int errnum = mig_kvm_scratch_add_vm(&s, kvm);

    if (errnum == 0) {
        errnum = mig_kvm_scratch_add_vcpu(&s, kvm);
    }
    if (errnum == 0) {
        stage = MIG_STAGE_RUN;
        errnum = look_without_features(&s, &enforced);
    }
    mig_kvm_scratch_clear(&s);
    if (errnum != 0) {
        fail_at(ret, stage, errnum);
        return false;
    }
    if (!enforced) {
        mig_proven_clear(ret);
        ret->outcome = MIG_OUTCOME_NOT_ENFORCED;
        ret->ran = true;
        ret->compared = MIG_COUNT(feature_words);
    }
    return enforced;
}

static void try_all(const struct mig_kvm_show *show, int kvm, struct mig_kvm_scratch *s,
                    struct mig_proven *ret)
{
    struct mig_error err;
    int errnum = mig_kvm_scratch_add_vm(s, kvm);

    if (errnum != 0) {
        fail_at(ret, MIG_STAGE_OPEN, errnum);
        return;
    }
    if (!mig_kvm_apply_vm(show, kvm, s->vm, ret, &err)) {
        fail_at(ret, MIG_STAGE_CAP, errno);
        return;
    }
    errnum = mig_kvm_scratch_add_vcpu(s, kvm);
    if (errnum != 0) {
        fail_at(ret, MIG_STAGE_OPEN, errnum);
    } else if (!mig_kvm_apply_vcpu(show, s->vm, s->vcpu, ret, &err)) {
        fail_at(ret, MIG_STAGE_CPUID, errno);
    } else if (!mig_kvm_read_vcpu(show, s->vm, s->vcpu, ret, &err)) {
        fail_at(ret, MIG_STAGE_READ, errno);
    } else {
        look(s, show->shown, ret);
    }
}

void mig_kvm_prove(const char *kvm, const struct mig_snapshot *shown, struct mig_proven *ret)
{
    const struct mig_kvm_show show = {.shown = shown};
    struct mig_kvm_scratch s = MIG_KVM_SCRATCH_NONE;
    struct mig_error err;
    MIG_AUTO(mig_fd_close) int fd = open(kvm, O_RDWR | O_CLOEXEC);

    *ret = (struct mig_proven){0};
    if (fd < 0 || shown->arch != MIG_ARCH_X86) {
        fail_at(ret, MIG_STAGE_OPEN, fd < 0 ? errno : ENOEXEC);
    } else if (!mig_kvm_apply_process(&show, fd, ret, &err)) {
        fail_at(ret, MIG_STAGE_OPEN, errno);
    } else if (is_enforced(fd, ret)) {
        try_all(&show, fd, &s, ret);
        mig_kvm_scratch_clear(&s);
    }
    mig_proven_settle(ret);
}

#endif
