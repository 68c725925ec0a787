/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/cure.h"

#include "base/alloc.h"
#include "base/array.h"
#include "compat/constraint.h"
#include "compat/reason.h"

/* Kernels whose tables are known (cpu/field.h), the earlier first. */
static const char *const generations[] = {"6.12", "7.2"};

/* The first known kernel that would take the bits on this host; NULL: none. */
static const char *find_kernel(const struct mig_refusal *r)
{
    for (size_t i = 0; i < MIG_COUNT(generations); i++) {
        struct mig_limit under = mig_limit_under(r->limit, generations[i]);
        struct mig_settable s = mig_settable_ask(&under, r->reg, r->value);

        if (!mig_limit_is_since(r->limit, generations[i]) && (s.refused & r->mask) == 0 &&
            s.answer != MIG_ANSWER_ENOENT && s.answer != MIG_ANSWER_UNKNOWN) {
            return generations[i];
        }
    }
    return NULL;
}

static uint64_t part(const struct mig_refusal *r, uint64_t word)
{
    return (word & r->mask) >> __builtin_ctzll(r->mask);
}

/* Is the value within what the host has, so that only KVM stands between? */
static bool is_within(const struct mig_refusal *r)
{
    struct mig_value both, wanted = {.num = part(r, r->value)};
    struct mig_value own = {.num = part(r, mig_limit_get(r->limit, r->reg).value)};

    return r->field != NULL && mig_rule_merge(&r->field->shape, wanted, own, &both) &&
           both.num == wanted.num;
}

static const char *kernel_of(const struct mig_party *p)
{
    const char *release = mig_snapshot_fact(p->snapshot, "kernel.release");

    return release != NULL ? release : "?";
}

/* A later kernel that hides the field from all guests, where that is wanted. */
static const char *find_hiding(const struct mig_refusal *r)
{
    const char *first = mig_reason_hidden_since(r->field);

    return first != NULL && part(r, r->value) == 0 && !mig_limit_is_since(r->limit, first) ? first
                                                                                           : NULL;
}

/* KVM takes no such change: a kernel may, or none does. */
static void tell_fixed(struct mig_finding *f, const struct mig_refusal *r)
{
    const char *host = r->limit->host->name, *hides = find_hiding(r);
    const char *kernel = hides != NULL ? hides : find_kernel(r);

    if (kernel != NULL) {
        mig_free(f->remedy);
        f->reason = MIG_REASON_KERNEL;
        f->likely = false;
        f->remedy =
            mig_strf("run Linux %s or later on %s (it runs %s): its KVM %s", kernel, host,
                     kernel_of(r->limit->host),
                     hides != NULL ? "shows this field to no guest" : "lets a VMM set this field");
        return;
    }
    mig_reason_attribute(f, r->wants, r->limit->host);
    if (f->reason == MIG_REASON_HARDWARE) {
        mig_free(f->remedy);
        f->likely = false;
        f->remedy = mig_strf("no kernel up to Linux %s lets a VMM set this field: keep guests on "
                             "hosts that show the same as %s",
                             generations[MIG_COUNT(generations) - 1], host);
    }
}

static char *tell_values(const struct mig_refusal *r)
{
    unsigned long long wanted = part(r, r->value);
    unsigned long long own = part(r, mig_limit_get(r->limit, r->reg).value);
    const char *special = r->answer->why;
    bool narrow = r->field == NULL || r->field->shape.rule != MIG_RULE_FROZEN;
    bool packed = own > UINT16_MAX || wanted > UINT16_MAX; /* versions */

    if (!narrow) {
        return mig_strf("KVM on %s does not take the value of %s%s%s", r->limit->host->name,
                        r->wants->name, special != NULL ? ": " : "",
                        special != NULL ? special : "");
    }
    return mig_strf(packed ? "KVM on %s shows 0x%llx here and does not take 0x%llx%s%s"
                           : "KVM on %s shows %llu here and does not take %llu%s%s",
                    r->limit->host->name, own, wanted, special != NULL ? ": " : "",
                    special != NULL ? special : "");
}

void mig_cure_tell(struct mig_finding *f, const struct mig_refusal *r)
{
    mig_free(f->why);
    f->why = tell_values(r);
    if (r->answer->answer == MIG_ANSWER_UNKNOWN) {
        mig_free(f->remedy);
        f->reason = MIG_REASON_EVIDENCE;
        f->likely = false;
        f->remedy = mig_strf("capture %s with mig-agentd: the evidence does not tell what its "
                             "kernel, or a vCPU with all features, would show",
                             r->limit->host->name);
    } else if (is_within(r) || r->field == NULL || r->answer->why != NULL ||
               r->field->shape.rule == MIG_RULE_FROZEN) {
        tell_fixed(f, r);
    } else {
        mig_reason_attribute(f, r->wants, r->limit->host);
    }
}

void mig_cure_add(struct mig_finding *f, const char *text)
{
    char *before = f->remedy;

    f->remedy = before != NULL ? mig_strf("%s; %s", before, text) : mig_strdup(text);
    mig_free(before);
}
