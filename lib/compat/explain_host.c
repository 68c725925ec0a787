/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/explain_host.h"

#include "compat/merge.h"
#include "cpu/arm64_feat.h"
#include "cpu/arm64_value.h"
#include "cpu/arm64_view.h"

static uint64_t word_of(const void *words, struct mig_reg reg)
{
    return mig_party_get(words, reg);
}

static enum mig_explain_has has_feat(const struct mig_arm64_feat *feat,
                                     const struct mig_party *host)
{
    if (!mig_party_knows_terms(host, feat->terms)) {
        return MIG_EXPLAIN_UNKNOWN;
    }
    return mig_arm64_feat_holds(feat, word_of, host) ? MIG_EXPLAIN_YES : MIG_EXPLAIN_NO;
}

static const char *label_of(const struct mig_arm64_view *view, const struct mig_party *host)
{
    for (size_t i = 0; i < view->labels_len; i++) {
        if (!mig_party_knows_terms(host, view->labels[i].terms)) {
            return NULL;
        }
    }
    return mig_arm64_view_label(view, word_of, host);
}

static enum mig_explain_has takes(const struct mig_limit *l, const struct mig_field *f,
                                  uint64_t own, uint64_t value)
{
    struct mig_settable s = mig_settable_ask(l, f->reg, mig_field_put(f, own, value));

    if (s.answer == MIG_ANSWER_UNKNOWN) {
        return MIG_EXPLAIN_UNKNOWN;
    }
    return mig_settable_is_taken(&s) ? MIG_EXPLAIN_YES : MIG_EXPLAIN_NO;
}

/* A field too wide to try every value, whose meaningful ones have names. */
static void add_named(const struct mig_limit *l, const struct mig_field *f, uint64_t own,
                      struct mig_values *ret)
{
    struct mig_arm64_values named = mig_arm64_value_all(f);

    *ret = (struct mig_values){0};
    for (size_t i = 0; i < named.len && ret->len < MIG_VALUES_MAX; i++) {
        if (takes(l, f, own, named.items[i].value) == MIG_EXPLAIN_YES) {
            ret->items[ret->len++] = named.items[i].value;
        }
    }
}

static void add_values(const struct mig_explanation *e, const struct mig_party *host,
                       struct mig_explain_host *ret)
{
    struct mig_limit limit;
    uint64_t own;

    mig_limit_init(&limit, host, mig_feature_of(host));
    own = mig_limit_get(&limit, e->field->reg).value;
    mig_settable_values(&limit, e->field, &ret->values);
    if (ret->values.more && mig_arm64_value_all(e->field).len > 0) {
        add_named(&limit, e->field, own, &ret->values);
    }
    ret->knows_values = !ret->values.more && (limit.knows_masks || limit.release != NULL);
    if (e->has_value) {
        ret->takes = takes(&limit, e->field, own, e->value);
    }
}

/* The architecture that it belongs to; NONE: to each. */
static enum mig_arch arch_of(const struct mig_explanation *e)
{
    if (e->field == NULL) {
        return e->feat != NULL || e->view != NULL ? MIG_ARCH_ARM64 : MIG_ARCH_NONE;
    }
    switch (e->field->reg.space) {
    case MIG_SPACE_CPUID:
    case MIG_SPACE_CPUID_BARE:
    case MIG_SPACE_CPUID_EMULATED:
    case MIG_SPACE_CPUID_HV:
    case MIG_SPACE_MSR:
    case MIG_SPACE_MSR_LIST:
        return MIG_ARCH_X86;
    case MIG_SPACE_IDREG:
    case MIG_SPACE_IDREG_MASK:
    case MIG_SPACE_REG_LIST:
        return MIG_ARCH_ARM64;
    case MIG_SPACE_CAP:
    case MIG_SPACE_HOST:
    case MIG_SPACE_GUEST:
    case MIG_SPACE_VIRTIO:
    case MIG_SPACE_COUNT:
        break;
    }
    return MIG_ARCH_NONE;
}

void mig_explain_host(const struct mig_explanation *e, const struct mig_party *host,
                      struct mig_explain_host *ret)
{
    bool arm64 = host->snapshot->arch == MIG_ARCH_ARM64;

    *ret = (struct mig_explain_host){.shown.known = MIG_UNCOVERED};
    if (arch_of(e) != MIG_ARCH_NONE && host->snapshot->arch != MIG_ARCH_NONE &&
        arch_of(e) != host->snapshot->arch) {
        ret->alien = arch_of(e);
        return;
    }
    if (e->field != NULL) {
        ret->shown = mig_party_seen(host, e->field->reg);
        ret->shown.value = mig_field_get(e->field, ret->shown.value);
    }
    if (e->field != NULL && arm64 && e->field->reg.space == MIG_SPACE_IDREG &&
        mig_seen_is_value(ret->shown)) {
        add_values(e, host, ret);
    }
    if (e->feat != NULL && arm64) {
        ret->feat = has_feat(e->feat, host);
    }
    if (e->view != NULL && arm64) {
        ret->label = label_of(e->view, host);
    }
}
