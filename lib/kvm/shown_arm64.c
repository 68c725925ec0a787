/* SPDX-License-Identifier: Apache-2.0 */
#include "kvm/shown_arm64.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>

#include "base/array.h"
#include "base/bits.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "kvm/vcpu_arm64.h"

static const uint64_t init_of[MIG_FEATURE_COUNT] = {
#define FEATURE(id, name, init) [MIG_FEATURE_##id] = (init),
#define TELLS(...)
#define PART(...)
#define SAVED(...)
#include "compat/vcpu_feature.def"
};

/* A guest reads these from the CPU itself; KVM has no such registers. */
static bool is_hardwares(uint32_t index)
{
    return index == MIG_ARM64_DCZID_EL0 || index == MIG_ARM64_GMID_EL1;
}

/* KVM holds cache descriptions against CTR_EL0, so that goes first. */
static enum mig_stage stage_of(uint64_t id)
{
    if (mig_vcpu_arm64_is_cache(id)) {
        return MIG_STAGE_CACHE;
    }
    if (!mig_vcpu_arm64_is_system(id)) {
        return MIG_STAGE_FIRMWARE;
    }
    switch ((uint32_t)id) {
    case MIG_ARM64_CTR_EL0:
    case MIG_ARM64_CLIDR_EL1:
        return MIG_STAGE_CACHE;
    default:
        return MIG_STAGE_IDREG;
    }
}

static void add_stage(struct mig_shown *s, const struct mig_snapshot *shown, enum mig_stage stage,
                      bool first)
{
    size_t len;
    const struct mig_entry *e = mig_snapshot_space(shown, MIG_SPACE_IDREG, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(e[i].key);
        uint64_t id = mig_vcpu_arm64_id(reg);

        if (e[i].errnum == 0 && mig_vcpu_arm64_tells(id) && !is_hardwares(reg.index) &&
            stage_of(id) == stage && (reg.index == MIG_ARM64_CTR_EL0) == first) {
            *MIG_PUSH(s) = (struct mig_shown_word){e[i].key, id, e[i].value, stage};
        }
    }
}

/* What is covered and not there reads as 0. */
static void add_absent(struct mig_shown *s, const struct mig_snapshot *shown)
{
    for (uint32_t i = MIG_ARM64_ID_PFR0_EL1; i <= MIG_ARM64_MIDR_EL1 + 0x3f; i++) {
        struct mig_reg reg = mig_reg_arm64((enum mig_arm64)i);
        uint64_t zero;

        if (mig_snapshot_get(shown, reg, &zero) == MIG_ABSENT) {
            *MIG_PUSH(s) = (struct mig_shown_word){mig_reg_key(reg), mig_vcpu_arm64_id(reg), 0,
                                                   MIG_STAGE_IDREG};
        }
    }
}

static bool get_item(const struct mig_snapshot *shown, enum mig_host_item item, uint64_t *ret)
{
    return mig_snapshot_get(shown, mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item), ret) == MIG_KNOWN;
}

/* Address bits by ID_AA64MMFR0_EL1.PARange; 0: it is not told, or reserved. */
static uint64_t parange_bits(const struct mig_snapshot *shown)
{
    static const uint8_t bits[] = {32, 36, 40, 42, 44, 48, 52};
    uint64_t value;

    if (mig_snapshot_get(shown, mig_reg_arm64(MIG_ARM64_ID_AA64MMFR0_EL1), &value) != MIG_KNOWN) {
        return 0;
    }
    value &= MIG_ARM64_MASK(ID_AA64MMFR0_EL1, PARANGE);
    return value < MIG_COUNT(bits) ? bits[value] : 0;
}

void mig_shown_make(struct mig_shown *s, const struct mig_snapshot *shown)
{
    struct mig_party party = {.name = "guest", .snapshot = shown};
    unsigned features = mig_feature_of(&party);
    uint64_t asked, pfr0, bits;

    *s = (struct mig_shown){
        .init = 1U << KVM_ARM_VCPU_PSCI_0_2,
        .mte = (features >> MIG_FEATURE_MTE & 1) != 0,
        .nested = (features >> MIG_FEATURE_NESTED & 1) != 0,
        .ipa_bits = parange_bits(shown),
    };
    (void)get_item(shown, MIG_HOST_VCPU_FEATURES, &asked);
    for (size_t i = 0; i < MIG_FEATURE_COUNT; i++) {
        bits = i == MIG_FEATURE_NESTED ? init_of[i] & asked : init_of[i];
        s->init |= (features >> i & 1) != 0 ? (uint32_t)bits : 0;
    }
    (void)mig_snapshot_get(shown, mig_reg_arm64(MIG_ARM64_ID_AA64PFR0_EL1), &pfr0);
    s->gicv3 = (pfr0 & MIG_ARM64_MASK(ID_AA64PFR0_EL1, GIC)) != 0;
    if ((features >> MIG_FEATURE_SVE & 1) != 0) {
        (void)get_item(shown, MIG_HOST_SVE_VQS, &s->vqs);
    }
    if ((features >> MIG_FEATURE_PMU & 1) != 0) {
        s->has_counters = get_item(shown, MIG_HOST_PMU_COUNTERS, &s->counters);
    }
    if (get_item(shown, MIG_HOST_IPA_BITS, &bits)) {
        s->ipa_bits = bits;
    }
    add_stage(s, shown, MIG_STAGE_FIRMWARE, false);
    add_stage(s, shown, MIG_STAGE_IDREG, false);
    add_absent(s, shown);
    add_stage(s, shown, MIG_STAGE_CACHE, true);
    add_stage(s, shown, MIG_STAGE_CACHE, false);
}

void mig_shown_clear(struct mig_shown *s)
{
    mig_free(s->items);
    *s = (struct mig_shown){0};
}

const struct mig_shown_word *mig_shown_find(const struct mig_shown *s, uint64_t key)
{
    for (size_t i = 0; i < s->len; i++) {
        if (s->items[i].key == key) {
            return &s->items[i];
        }
    }
    return NULL;
}

uint64_t mig_shown_item_key(enum mig_host_item item)
{
    return mig_reg_key(mig_reg_plain(MIG_SPACE_HOST, (uint32_t)item));
}

/* A register that is not there says what one that is 0 would. */
bool mig_shown_is_needless(const struct mig_shown_word *w, int errnum)
{
    return errnum == ENOENT &&
           (w->value == 0 || mig_settable_may_miss(mig_reg_from_key(w->key), w->value));
}

void mig_shown_refused(struct mig_proven *p, const struct mig_shown_word *w, int errnum,
                       const uint64_t *got)
{
    mig_proven_add(p, &(struct mig_mismatch){.key = w->key,
                                             .stage = w->stage,
                                             .errnum = errnum,
                                             .has_got = got != NULL,
                                             .wanted = w->value,
                                             .got = got != NULL ? *got : 0});
}

bool mig_shown_is_refused(const struct mig_proven *p, uint64_t key)
{
    for (size_t i = 0; i < p->len; i++) {
        if (p->items[i].key == key && p->items[i].errnum != 0) {
            return true;
        }
    }
    return false;
}

static bool is_told(const struct mig_proven *p, uint64_t key, uint64_t got)
{
    for (size_t i = 0; i < p->len; i++) {
        const struct mig_mismatch *m = &p->items[i];

        if (m->key == key && (m->has_got ? m->got == got : m->errnum != 0)) {
            return true;
        }
    }
    return false;
}

void mig_shown_compare(struct mig_proven *p, const struct mig_shown_word *w, uint64_t got)
{
    if (got != w->value && !mig_settable_is_rewrite(mig_reg_from_key(w->key), w->value, got) &&
        !is_told(p, w->key, got)) {
        mig_shown_refused(p, w, 0, &got);
    }
}

#endif
