/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/limit.h"

#include "base/array.h"
#include "base/bits.h"
#include "compat/merge.h"
#include "compat/version.h"
#include "cpu/arm64_reg.h"

#define CAP_WRITABLE_IMP_ID_REGS 239

static const struct {
    const char *name;
    uint64_t init; /* bits of KVM_ARM_VCPU_INIT */
} features[MIG_FEATURE_COUNT] = {
#define FEATURE(id, name, init) [MIG_FEATURE_##id] = {name, init},
#define TELLS(...)
#define PART(...)
#define SAVED(...)
#include "compat/vcpu_feature.def"
};

static const struct {
    enum mig_feature feature;
    bool tells;
    uint32_t index;
    uint64_t mask;
} parts[] = {
#define FEATURE(...)
#define TELLS(id, reg, field) {MIG_FEATURE_##id, true, MIG_ARM64_##reg, MIG_ARM64_MASK(reg, field)},
#define PART(id, reg, field) {MIG_FEATURE_##id, false, MIG_ARM64_##reg, MIG_ARM64_MASK(reg, field)},
#define SAVED(...)
#include "compat/vcpu_feature.def"
};

static const struct {
    enum mig_feature feature;
    uint32_t first, last;
} saved[] = {
#define FEATURE(...)
#define TELLS(...)
#define PART(...)
#define SAVED(id, first, last) {MIG_FEATURE_##id, first, last},
#include "compat/vcpu_feature.def"
};

const char *mig_feature_name(enum mig_feature feature)
{
    return features[feature].name;
}

/* PMUVer of a counter unit that is the implementer's own: KVM gives none. */
static bool is_foreign_pmu(enum mig_feature feature, uint64_t bits)
{
    return feature == MIG_FEATURE_PMU && bits == MIG_ARM64_MASK(ID_AA64DFR0_EL1, PMUVer);
}

unsigned mig_feature_of(const struct mig_party *shown)
{
    struct mig_reg asked = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_VCPU_FEATURES);
    uint64_t init = mig_party_get(shown, asked);
    unsigned set = 0;

    for (size_t i = 0; i < MIG_COUNT(parts); i++) {
        uint64_t bits =
            mig_party_get(shown, mig_reg_arm64((enum mig_arm64)parts[i].index)) & parts[i].mask;

        if (parts[i].tells && bits != 0 && !is_foreign_pmu(parts[i].feature, bits)) {
            set |= 1u << parts[i].feature;
        }
    }
    /* No register tells that a vCPU has EL2: a guest's contract says so.  A host
     * is captured without. */
    if (shown->snapshot->groups[MIG_GROUP_CAP].coverage == MIG_COVER_NONE &&
        (init & features[MIG_FEATURE_NESTED].init) != 0) {
        set |= 1u << MIG_FEATURE_NESTED;
    }
    return set;
}

uint64_t mig_feature_tells(struct mig_reg reg, enum mig_feature feature)
{
    uint64_t bits = 0;

    for (size_t i = 0; reg.space == MIG_SPACE_IDREG && i < MIG_COUNT(parts); i++) {
        bits |= parts[i].tells && parts[i].feature == feature && parts[i].index == reg.index
                    ? parts[i].mask
                    : 0;
    }
    return bits;
}

uint64_t mig_feature_bits(struct mig_reg reg, unsigned set)
{
    uint64_t bits = 0;

    for (size_t i = 0; reg.space == MIG_SPACE_IDREG && i < MIG_COUNT(parts); i++) {
        if (parts[i].index == reg.index && (set >> parts[i].feature & 1) != 0) {
            bits |= parts[i].mask;
        }
    }
    return bits;
}

enum mig_feature mig_feature_saves(struct mig_reg reg)
{
    for (size_t i = 0; i < MIG_COUNT(saved); i++) {
        if (reg.index >= saved[i].first && reg.index <= saved[i].last) {
            return saved[i].feature;
        }
    }
    return MIG_FEATURE_COUNT;
}

bool mig_feature_is_open(const struct mig_party *host, enum mig_feature feature)
{
    struct mig_seen asked =
        mig_party_seen(host, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_VCPU_FEATURES));

    if (host->snapshot->groups[MIG_GROUP_IDREG].coverage == MIG_COVER_FULL ||
        (mig_feature_of(host) >> feature & 1) != 0) {
        return false;
    }
    return !mig_seen_is_value(asked) || asked.known == MIG_ABSENT ||
           (asked.value & features[feature].init) != 0;
}

void mig_feature_take(struct mig_merge *m, enum mig_feature feature)
{
    bool is_given = false;

    for (size_t i = 0; i < m->len; i++) {
        is_given = is_given || (mig_feature_of(&m->parties[i]) >> feature & 1) != 0;
    }
    for (size_t w = 0; is_given && w < m->words_len; w++) {
        struct mig_reg reg = mig_reg_from_key(m->words[w].key);

        mig_merge_take(m, reg, mig_feature_bits(reg, 1u << feature));
    }
}

static struct mig_finding *find_told(struct mig_findings *list, enum mig_feature feature)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_field *f = list->items[i].field;

        if (f != NULL && (mig_feature_tells(f->reg, feature) & mig_bits_mask(f->hi, f->lo)) != 0) {
            return &list->items[i];
        }
    }
    return NULL;
}

void mig_feature_fold(struct mig_findings *list, enum mig_feature feature)
{
    const struct mig_finding *told = find_told(list, feature);
    struct mig_reg init = mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_VCPU_FEATURES);

    for (size_t i = 0; told != NULL && i < list->len; i++) {
        struct mig_finding *f = &list->items[i];
        bool is_init = f->key == mig_reg_key(init) &&
                       ((f->source.value ^ f->destination.value) & ~features[feature].init) == 0;

        if (f != told && f->root == NULL && f->field != NULL &&
            (is_init || (mig_feature_bits(f->field->reg, 1u << feature) &
                         mig_bits_mask(f->field->hi, f->field->lo)) != 0)) {
            f->root = mig_strdup(told->id);
            f->reason = told->reason;
            f->likely = told->likely;
            mig_free(f->remedy);
            f->remedy = mig_strdup(told->remedy);
        }
    }
}

void mig_limit_init(struct mig_limit *l, const struct mig_party *host, unsigned set)
{
    struct mig_reg imp_id = mig_reg_plain(MIG_SPACE_CAP, CAP_WRITABLE_IMP_ID_REGS);
    const char *release = mig_snapshot_fact(host->snapshot, "kernel.release");
    struct mig_version ignored;
    size_t masks;

    (void)mig_snapshot_space(host->snapshot, MIG_SPACE_IDREG_MASK, &masks);
    *l = (struct mig_limit){
        .host = host,
        .features = set,
        .captured = mig_feature_of(host),
        .release = mig_version_parse(release, &ignored) ? release : NULL,
        .knows_masks = masks > 0,
        .has_imp_id = mig_party_get(host, imp_id) != 0,
    };
}

struct mig_limit mig_limit_under(const struct mig_limit *l, const char *release)
{
    struct mig_limit under = *l;

    under.release = release;
    under.knows_masks = false;
    under.has_imp_id = mig_limit_is_since(&under, "6.15");
    return under;
}

/* Without the bits of features that the captured vCPU had and this one lacks. */
struct mig_seen mig_limit_get(const struct mig_limit *l, struct mig_reg reg)
{
    unsigned without = l->captured & ~l->features;
    struct mig_seen seen = mig_party_seen(l->host, reg);

    seen.value &= ~mig_feature_bits(reg, without);
    return seen;
}

bool mig_limit_is_since(const struct mig_limit *l, const char *release)
{
    return l->release != NULL && mig_version_compare(l->release, release) >= 0;
}

bool mig_limit_is_one_cpu(const struct mig_party *a, const struct mig_party *b)
{
    static const enum mig_arm64 names[] = {MIG_ARM64_MIDR_EL1, MIG_ARM64_REVIDR_EL1};

    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        struct mig_seen x = mig_party_seen(a, mig_reg_arm64(names[i]));
        struct mig_seen y = mig_party_seen(b, mig_reg_arm64(names[i]));

        if (x.known != MIG_KNOWN || y.known != MIG_KNOWN || x.value != y.value) {
            return false;
        }
    }
    return true;
}
