/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/supported.h"

#if defined(__x86_64__)

#include <errno.h>
#include <linux/kvm.h>
#include <sys/ioctl.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "cpu/deps.h"
#include "cpu/field.h"
#include "cpu/place.h"
#include "kvm/cpuid.h"
#include "kvm/query.h"

/* What KVM says of itself; a table is NULL when it has none. */
struct support {
    const struct mig_snapshot *shown;
    int kvm;
    struct kvm_cpuid2 *cpuid, *emulated, *hyperv;
};

/* A host honours these for a guest although its KVM does not list them. */
static const struct honoured {
    struct mig_bit guest;
    struct mig_bit has;     /* KVM must support it; no mask: nothing */
    struct mig_bit unshown; /* the guest must not have been shown it */
    int cap;                /* KVM must offer @cap_bits of it; 0: none */
    int cap_bits;
} honoured[] = {
#define NONE .mask = 0
#define ACCEPT(guest, host, why) {MIG_PLACE_BIT(guest), MIG_PLACE_BIT(host), {NONE}, 0, 0},
#define ACCEPT_ALWAYS(guest, why) {MIG_PLACE_BIT(guest), {NONE}, {NONE}, 0, 0},
#define ACCEPT_UNSHOWN(guest, other, why)                                                          \
    {MIG_PLACE_BIT(guest), {NONE}, MIG_PLACE_BIT(other), 0, 0},
#define VMM_GIVES(guest) {MIG_PLACE_BIT(guest), {NONE}, {NONE}, 0, 0},
#define VMM_GIVES_BY(guest, number, bits) {MIG_PLACE_BIT(guest), {NONE}, {NONE}, number, bits},
#include "compat/accept.def"
};

void mig_kvm_note(struct mig_proven *ret, const struct mig_mismatch *m)
{
    for (size_t i = 0; m->key != UINT64_MAX && i < ret->len; i++) {
        struct mig_mismatch *had = &ret->items[i];

        if (had->key == m->key && had->stage == m->stage) {
            had->errnum = had->errnum != 0 ? had->errnum : m->errnum;
            return;
        }
    }
    mig_proven_add(ret, m);
}

bool mig_kvm_was_refused(const struct mig_proven *ret, uint64_t key)
{
    for (size_t i = 0; i < ret->len; i++) {
        if (ret->items[i].key == key && ret->items[i].errnum != 0) {
            return true;
        }
    }
    return false;
}

static uint64_t word_of(const struct kvm_cpuid2 *t, struct mig_reg reg)
{
    const struct kvm_cpuid_entry2 *e = t != NULL ? mig_kvm_cpuid_find(t, reg.index, reg.sub) : NULL;
    uint32_t words[4];

    if (e == NULL) {
        return 0;
    }
    mig_kvm_cpuid_words(e, words);
    return words[reg.part];
}

/* KVM's own word in place of @reg; 0 where it has none. */
static uint64_t supported(const struct support *s, struct mig_reg reg)
{
    uint64_t value;

    if (reg.space == MIG_SPACE_MSR) {
        return mig_kvm_get_msr(s->kvm, reg.index, &value) == 0 ? value : 0;
    }
    if (reg.space == MIG_SPACE_CPUID_HV) {
        return word_of(s->hyperv, reg);
    }
    return word_of(s->cpuid, reg);
}

/* Instructions that KVM runs in place of the processor are slow, but there. */
static uint64_t emulated(const struct support *s, struct mig_reg reg)
{
    return reg.space == MIG_SPACE_CPUID ? word_of(s->emulated, reg) : 0;
}

static bool is_honoured(const struct support *s, const struct mig_field *f)
{
    for (size_t i = 0; i < MIG_COUNT(honoured); i++) {
        const struct honoured *h = &honoured[i];
        uint64_t other = 0;

        if (mig_reg_key(h->guest.reg) != mig_reg_key(f->reg) ||
            h->guest.mask != mig_bits_mask(f->hi, f->lo)) {
            continue;
        }
        if (h->unshown.mask != 0) {
            (void)mig_snapshot_get(s->shown, h->unshown.reg, &other);
        }
        if ((other & h->unshown.mask) == 0 &&
            (supported(s, h->has.reg) & h->has.mask) == h->has.mask &&
            (h->cap == 0 ||
             (ioctl(s->kvm, KVM_CHECK_EXTENSION, h->cap) & h->cap_bits) == h->cap_bits)) {
            return true;
        }
    }
    return false;
}

/* What promises nothing that KVM would have to keep: warnings, what names or
 * describes the CPU, what a VMM builds by itself. */
static bool needs_support(const struct mig_field *f)
{
    switch (f->shape.rule) {
    case MIG_RULE_AND:
    case MIG_RULE_AND_IMMUNE:
    case MIG_RULE_SET:
    case MIG_RULE_LOWER:
    case MIG_RULE_MIN:
    case MIG_RULE_DENY:
        return true;
    case MIG_RULE_EXACT:
        return f->class_ != MIG_CLASS_CONSTANT && f->class_ != MIG_CLASS_TSC;
    case MIG_RULE_OR_MITIGATION:
    case MIG_RULE_OR_VULNERABLE:
    case MIG_RULE_OR_INVERTED:
    case MIG_RULE_OR:
    case MIG_RULE_SIGNED_LOWER:
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
    case MIG_RULE_HIGHER_OR_ZERO:
    case MIG_RULE_EQUAL_TEXT:
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
    case MIG_RULE_FROZEN:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
    case MIG_RULE_COUNT:
        break;
    }
    return false;
}

/* KVM may come to support what no profile shows yet. */
static bool keeps(const struct mig_field *f, uint64_t guest, uint64_t host)
{
    if (f->shape.rule == MIG_RULE_DENY) {
        return (guest & ~host) == 0;
    }
    return mig_rule_allows(&f->shape, (struct mig_value){.num = guest},
                           (struct mig_value){.num = host}) == MIG_ALLOW_YES;
}

/* Are there bits in @word that KVM does not support? */
static bool is_raised(const struct support *s, struct mig_reg reg, uint64_t word, uint64_t host)
{
    struct mig_fields rows = mig_field_of(reg);
    uint64_t run = emulated(s, reg);

    if ((word & ~host & ~mig_field_classified(reg)) != 0) {
        return true;
    }
    for (size_t i = 0; i < rows.len; i++) {
        const struct mig_field *f = &rows.items[i];
        uint64_t has = host | (f->shape.rule == MIG_RULE_AND ? run : 0);

        if (needs_support(f) && !keeps(f, mig_field_get(f, word), mig_field_get(f, has)) &&
            !is_honoured(s, f)) {
            return true;
        }
    }
    return false;
}

static void check_space(const struct support *s, enum mig_space space, enum mig_stage stage,
                        struct mig_proven *ret)
{
    size_t len;
    const struct mig_entry *entries = mig_snapshot_space(s->shown, space, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(entries[i].key);
        uint64_t word = entries[i].value, host = supported(s, reg);

        /* An older KVM leaves the guest's own width to be the physical one. */
        if (entries[i].errnum == 0 &&
            is_raised(s, reg, mig_addrwidth_stated(reg, word), mig_addrwidth_stated(reg, host))) {
            mig_kvm_note(ret, &(struct mig_mismatch){entries[i].key, stage, 0, true, word, host});
        }
    }
}

int mig_kvm_check_supported(const struct mig_snapshot *shown, int kvm, struct mig_proven *ret)
{
    struct support s = {.shown = shown, .kvm = kvm};
    int errnum = E2BIG, ignored;

    s.cpuid = mig_kvm_ask_cpuid(kvm, KVM_GET_SUPPORTED_CPUID, &errnum);
    if (s.cpuid == NULL) {
        return errnum;
    }
    s.emulated = mig_kvm_ask_cpuid(kvm, KVM_GET_EMULATED_CPUID, &ignored);
    check_space(&s, MIG_SPACE_CPUID, MIG_STAGE_CPUID, ret);
    if (mig_kvm_shows_hyperv(shown)) {
        s.hyperv = mig_kvm_ask_cpuid(kvm, KVM_GET_SUPPORTED_HV_CPUID, &ignored);
        check_space(&s, MIG_SPACE_CPUID_HV, MIG_STAGE_CPUID, ret);
    }
    check_space(&s, MIG_SPACE_MSR, MIG_STAGE_MSR, ret);
    mig_free(s.cpuid);
    mig_free(s.emulated);
    mig_free(s.hyperv);
    return 0;
}

#endif
