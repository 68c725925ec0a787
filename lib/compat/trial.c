/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: a wrong row changes the prediction for single values of
 * a field, anywhere in its range.  So every value of a field of up to four bits
 * is written, of which KVM has some two hundred: a few thousand calls, some
 * milliseconds.  Of a wider field the lowest value is written that should be
 * taken, and on either side of its own the next one that should be refused.
 *
 * What is predicted only because the value was seen on this model of CPU, or
 * not at all, is left alone: here nobody knows where a value would come from.
 */
#include "compat/trial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"
#include "cpu/field.h"
#include "snapshot/builder.h"

#define EVERY_VALUE_BITS 4

struct trial {
    const struct mig_trial_vcpu *vcpu;
    struct mig_limit limit, stranger; /* of values seen on this CPU model, and on another */
    size_t writes, otherwise;
    /* Of one register: taken as predicted not; refused or changed although
     * predicted so.  The latter decides more, and a long fact is cut. */
    struct mig_text more, less;
    bool stuck; /* the register did not get its own value back */
};

static int set_reg(const struct trial *t, struct mig_reg reg, uint64_t value)
{
    return t->vcpu->set(t->vcpu->vcpu, reg, value);
}

static int get_reg(const struct trial *t, struct mig_reg reg, uint64_t *ret)
{
    return t->vcpu->get(t->vcpu->vcpu, reg, ret);
}

static const char *field_name(const struct mig_field *f)
{
    const char *dot = strchr(f->name, '.');

    return dot != NULL ? dot + 1 : f->name;
}

static const char *error_name(int errnum)
{
    const char *name = strerrorname_np(errnum);

    return name != NULL ? name : "an unknown error";
}

/* @reads: of the field, when KVM took the value. */
static void disagree(struct trial *t, const struct mig_field *f, uint64_t value,
                     const struct mig_settable *predicted, int errnum, uint64_t reads)
{
    bool taken = mig_settable_is_taken(predicted);
    struct mig_text *said = taken ? &t->less : &t->more;

    t->otherwise++;
    mig_text_addf(said, "%s%s=0x%llx: predicted %s, KVM ", said->len > 0 ? "; " : "", field_name(f),
                  (unsigned long long)value, taken ? "accepted" : "EINVAL");
    if (errnum != 0) {
        mig_text_addf(said, "says %s", error_name(errnum));
    } else {
        mig_text_addf(said, "keeps 0x%llx", (unsigned long long)reads);
    }
}

/* One write, and back. */
static void try_value(struct trial *t, const struct mig_field *f, uint64_t own, uint64_t value)
{
    uint64_t word = mig_field_put(f, own, value), reads = own;
    struct mig_settable predicted = mig_settable_ask(&t->limit, f->reg, word);
    int errnum = set_reg(t, f->reg, word), undone = 0;
    bool agrees = errnum == EINVAL;

    t->writes++;
    if (errnum == 0) {
        undone = get_reg(t, f->reg, &reads);
    }
    if (mig_settable_is_taken(&predicted)) {
        agrees = errnum == 0 && undone == 0 && reads == predicted.reads;
    }
    if (!agrees) {
        disagree(t, f, value, &predicted, errnum != 0 ? errnum : undone, mig_field_get(f, reads));
    }
    if (undone == 0 && reads != own) {
        undone = set_reg(t, f->reg, own);
        if (undone == 0) {
            undone = get_reg(t, f->reg, &reads);
            undone = undone == 0 && reads != own ? EINVAL : undone;
        }
        if (undone != 0) {
            struct mig_settable back = mig_settable_ask(&t->limit, f->reg, own);

            disagree(t, f, mig_field_get(f, own), &back, undone, mig_field_get(f, reads));
        }
    }
    t->stuck = undone != 0;
}

/* Is the same predicted whichever CPU's value it is, and known? */
static bool is_foreseen(const struct trial *t, const struct mig_field *f, uint64_t word)
{
    struct mig_settable ours = mig_settable_ask(&t->limit, f->reg, word);
    struct mig_settable theirs = mig_settable_ask(&t->stranger, f->reg, word);

    return ours.answer == theirs.answer && ours.reads == theirs.reads &&
           (mig_settable_is_taken(&ours) || ours.answer == MIG_ANSWER_EINVAL);
}

static bool is_foreseen_as(const struct trial *t, const struct mig_field *f, uint64_t word,
                           bool taken)
{
    struct mig_settable ours = mig_settable_ask(&t->limit, f->reg, word);

    return mig_settable_is_taken(&ours) == taken && is_foreseen(t, f, word);
}

static void try_every_value(struct trial *t, const struct mig_field *f, uint64_t own)
{
    uint64_t mine = mig_field_get(f, own), max = mig_bits_mask(f->shape.width - 1u, 0);

    for (uint64_t value = 0; value <= max && !t->stuck; value++) {
        if (value != mine && is_foreseen(t, f, mig_field_put(f, own, value))) {
            try_value(t, f, own, value);
        }
    }
}

/* A value beside the register's own that should be taken: the lowest that
 * is shown as written, if any. */
static bool find_taken(const struct trial *t, const struct mig_field *f, uint64_t own,
                       uint64_t *ret)
{
    uint64_t mine = mig_field_get(f, own);
    struct mig_values values;

    mig_settable_values(&t->limit, f, &values);
    for (size_t i = 0; i < values.len; i++) {
        *ret = values.items[i];
        if (*ret != mine && is_foreseen_as(t, f, mig_field_put(f, own, *ret), true)) {
            return true;
        }
    }
    *ret = mine ^ 1; /* taken and not kept */
    return is_foreseen_as(t, f, mig_field_put(f, own, *ret), true);
}

/* The nearest that should be refused, below its own or above. */
static bool find_refused(const struct trial *t, const struct mig_field *f, uint64_t own, bool below,
                         uint64_t *ret)
{
    uint64_t mine = mig_field_get(f, own), max = mig_bits_mask(f->shape.width - 1u, 0);

    for (uint64_t i = 1; i <= 16 && i <= (below ? mine : max - mine); i++) {
        *ret = below ? mine - i : mine + i;
        if (is_foreseen_as(t, f, mig_field_put(f, own, *ret), false)) {
            return true;
        }
    }
    return false;
}

static void try_edges(struct trial *t, const struct mig_field *f, uint64_t own)
{
    uint64_t value;

    if (find_taken(t, f, own, &value)) {
        try_value(t, f, own, value);
    }
    for (int below = 0; below <= 1 && !t->stuck; below++) {
        if (find_refused(t, f, own, below != 0, &value)) {
            try_value(t, f, own, value);
        }
    }
}

static void try_register(struct trial *t, struct mig_reg reg, uint64_t own)
{
    struct mig_fields fields = mig_field_of(reg);

    t->stuck = false;
    for (size_t i = 0; i < fields.len && !t->stuck; i++) {
        const struct mig_field *f = &fields.items[i];

        if (f->shape.width <= EVERY_VALUE_BITS) {
            try_every_value(t, f, own);
        } else {
            try_edges(t, f, own);
        }
    }
}

/* The size of a cache, or a system register of op0 3, CRn 0, with a name. */
static bool is_named_id(struct mig_reg reg)
{
    if (mig_arm64_is_cache(reg)) {
        return true;
    }
    return mig_bits_get(reg.index, 31, 16) == MIG_ARM64_MIDR_EL1 >> 16 &&
           mig_bits_get(reg.index, 15, 14) == 3 && mig_bits_get(reg.index, 10, 7) == 0 &&
           mig_arm64_reg_name(reg) != NULL;
}

static void add_answers(struct mig_builder *b, struct trial *t, struct mig_reg reg,
                        const char *source)
{
    char name[MIG_NAME_MAX];

    if (t->more.len > 0) {
        mig_text_addf(&t->less, "%s%s", t->less.len > 0 ? "; " : "", t->more.items);
    }
    if (t->less.len > 0) {
        (void)snprintf(name, sizeof name, "kvm.oracle.%s", mig_arm64_reg_name(reg));
        mig_builder_add_fact(b, name, t->less.items, source);
    }
    mig_text_clear(&t->less);
    mig_text_clear(&t->more);
}

static void add_count(struct mig_builder *b, const struct trial *t, const char *source)
{
    char text[96];

    if (t->otherwise == 0) {
        (void)snprintf(text, sizeof text, "%zu writes answered as predicted", t->writes);
    } else {
        (void)snprintf(text, sizeof text, "%zu writes, %zu answers otherwise than predicted",
                       t->writes, t->otherwise);
    }
    mig_builder_add_fact(b, "kvm.oracle", text, source);
}

void mig_trial_run(const struct mig_trial_vcpu *vcpu, const struct mig_party *host,
                   const char *source, struct mig_builder *b)
{
    struct trial t = {.vcpu = vcpu};
    size_t len;
    const struct mig_entry *e = mig_snapshot_space(host->snapshot, MIG_SPACE_IDREG, &len);

    mig_limit_init(&t.limit, host, mig_feature_of(host));
    t.limit.has_imp_id = false; /* the VM of this vCPU was not given the capability */
    t.stranger = t.limit;
    t.limit.same_cpu = true;
    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(e[i].key);

        if (e[i].errnum == 0 && is_named_id(reg)) {
            try_register(&t, reg, e[i].value);
            add_answers(b, &t, reg, source);
        }
    }
    add_count(b, &t, source);
}
