/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation: the tables predict what KVM answers when a VMM writes to
 * an ID register.  KVM itself is here, and so is a vCPU that nobody will run:
 * for each field one value that should be taken is written and, on either side
 * of its own, one that should be refused.  Where KVM says otherwise it is right,
 * and a fact tells.
 *
 * At most three writes and their undoing for a field: some hundred calls,
 * milliseconds.  What was captured before stays as it is.
 */
#include "agent/collect.h"

#if defined(__aarch64__)

#include <errno.h>
#include <linux/kvm.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/utsname.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/settable.h"
#include "cpu/arm64_reg.h"

static const char source[] = "ioctl KVM_SET_ONE_REG";

struct probe {
    int vcpu;
    struct mig_limit limit, stranger; /* of values seen on this CPU model, and on another */
    size_t writes, otherwise;
    struct mig_text said; /* of one register: what was answered otherwise */
    bool stuck;           /* the register did not get its own value back */
};

/* 0 or errno. */
static int access_reg(const struct probe *p, unsigned long request, struct mig_reg reg,
                      uint64_t *value)
{
    struct kvm_one_reg one = {.id = KVM_REG_ARM64 | KVM_REG_SIZE_U64 | reg.index,
                              .addr = (uintptr_t)value};

    return ioctl(p->vcpu, request, &one) == 0 ? 0 : errno;
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
static void disagree(struct probe *p, const struct mig_field *f, uint64_t value,
                     const struct mig_settable *predicted, int errnum, uint64_t reads)
{
    p->otherwise++;
    mig_text_addf(&p->said, "%s%s=0x%llx: predicted %s, KVM ", p->said.len > 0 ? "; " : "",
                  field_name(f), (unsigned long long)value,
                  mig_settable_is_taken(predicted) ? "accepted" : "EINVAL");
    if (errnum != 0) {
        mig_text_addf(&p->said, "says %s", error_name(errnum));
    } else {
        mig_text_addf(&p->said, "keeps 0x%llx", (unsigned long long)reads);
    }
}

/* One write, and back. */
static void try_value(struct probe *p, const struct mig_field *f, uint64_t own, uint64_t value)
{
    uint64_t word = mig_field_put(f, own, value), reads = own;
    struct mig_settable predicted = mig_settable_ask(&p->limit, f->reg, word);
    int errnum = access_reg(p, KVM_SET_ONE_REG, f->reg, &word), undone = 0;
    bool agrees = errnum == EINVAL;

    p->writes++;
    if (errnum == 0) {
        undone = access_reg(p, KVM_GET_ONE_REG, f->reg, &reads);
    }
    if (mig_settable_is_taken(&predicted)) {
        agrees = errnum == 0 && undone == 0 && reads == predicted.reads;
    }
    if (!agrees) {
        disagree(p, f, value, &predicted, errnum != 0 ? errnum : undone, mig_field_get(f, reads));
    }
    if (undone == 0 && reads != own) {
        undone = access_reg(p, KVM_SET_ONE_REG, f->reg, &own);
        if (undone == 0) {
            undone = access_reg(p, KVM_GET_ONE_REG, f->reg, &reads);
            undone = undone == 0 && reads != own ? EINVAL : undone;
        }
        if (undone != 0) {
            struct mig_settable back = mig_settable_ask(&p->limit, f->reg, own);

            disagree(p, f, mig_field_get(f, own), &back, undone, mig_field_get(f, reads));
        }
    }
    p->stuck = undone != 0;
}

/* Is the same predicted whichever CPU's value it is, and known? */
static bool is_foreseen(const struct probe *p, const struct mig_field *f, uint64_t word, bool taken)
{
    struct mig_settable ours = mig_settable_ask(&p->limit, f->reg, word);
    struct mig_settable theirs = mig_settable_ask(&p->stranger, f->reg, word);

    return ours.answer == theirs.answer && ours.reads == theirs.reads &&
           (taken ? mig_settable_is_taken(&ours) : ours.answer == MIG_ANSWER_EINVAL);
}

/* A value beside the register's own that should be taken: the lowest that
 * is shown as written, if any. */
static bool find_taken(const struct probe *p, const struct mig_field *f, uint64_t own,
                       uint64_t *ret)
{
    uint64_t mine = mig_field_get(f, own);
    struct mig_values values;
    bool found = false;

    mig_settable_values(&p->limit, f, &values);
    for (size_t i = 0; i < values.len; i++) {
        uint64_t value = values.items[i];

        if (value != mine && (!found || value < mine) &&
            is_foreseen(p, f, mig_field_put(f, own, value), true)) {
            *ret = value;
            found = true;
        }
    }
    if (!found) { /* taken and not kept */
        *ret = mine ^ 1;
        found = is_foreseen(p, f, mig_field_put(f, own, *ret), true);
    }
    return found;
}

/* The nearest that should be refused, below its own or above. */
static bool find_refused(const struct probe *p, const struct mig_field *f, uint64_t own, bool below,
                         uint64_t *ret)
{
    uint64_t mine = mig_field_get(f, own), max = mig_bits_mask(f->shape.width - 1u, 0);

    for (uint64_t i = 1; i <= 16 && i <= (below ? mine : max - mine); i++) {
        *ret = below ? mine - i : mine + i;
        if (is_foreseen(p, f, mig_field_put(f, own, *ret), false)) {
            return true;
        }
    }
    return false;
}

static void try_register(struct probe *p, struct mig_reg reg, uint64_t own)
{
    struct mig_fields fields = mig_field_of(reg);
    uint64_t value;

    p->stuck = false;
    for (size_t i = 0; i < fields.len && !p->stuck; i++) {
        if (find_taken(p, &fields.items[i], own, &value)) {
            try_value(p, &fields.items[i], own, value);
        }
        for (int below = 0; below <= 1 && !p->stuck; below++) {
            if (find_refused(p, &fields.items[i], own, below != 0, &value)) {
                try_value(p, &fields.items[i], own, value);
            }
        }
    }
}

/* op0 3, CRn 0, with a name. */
static bool is_named_id(struct mig_reg reg)
{
    return mig_bits_get(reg.index, 31, 16) == KVM_REG_ARM64_SYSREG >> 16 &&
           mig_bits_get(reg.index, 15, 14) == 3 && mig_bits_get(reg.index, 10, 7) == 0 &&
           reg.sub == MIG_ARM64_SUB && mig_arm64_reg_name(reg) != NULL;
}

static void try_all(struct mig_builder *b, struct probe *p, const struct mig_snapshot *s)
{
    size_t len;
    const struct mig_entry *e = mig_snapshot_space(s, MIG_SPACE_IDREG, &len);

    for (size_t i = 0; i < len; i++) {
        struct mig_reg reg = mig_reg_from_key(e[i].key);

        if (e[i].errnum == 0 && is_named_id(reg)) {
            try_register(p, reg, e[i].value);
        }
        if (p->said.len > 0) {
            char name[MIG_NAME_MAX];

            (void)snprintf(name, sizeof name, "kvm.oracle.%s", mig_arm64_reg_name(reg));
            mig_builder_add_fact(b, name, p->said.items, source);
            mig_text_clear(&p->said);
        }
    }
}

static void add_count(struct mig_builder *b, const struct probe *p)
{
    char text[96];

    if (p->otherwise == 0) {
        (void)snprintf(text, sizeof text, "%zu writes answered as predicted", p->writes);
    } else {
        (void)snprintf(text, sizeof text, "%zu writes, %zu answers otherwise than predicted",
                       p->writes, p->otherwise);
    }
    mig_builder_add_fact(b, "kvm.oracle", text, source);
}

void mig_collect_kvm_oracle(struct mig_builder *b, int vcpu)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *captured = NULL;
    struct probe p = {.vcpu = vcpu};
    struct mig_fact release = {0};
    struct mig_snapshot s;
    struct mig_party host = {.name = "host", .snapshot = &s};
    struct mig_error err;
    struct utsname uts;

    /* What is wrong with the values is said when the capture ends. */
    if (!mig_builder_freeze(b, &captured, &err) || uname(&uts) != 0) {
        return;
    }
    release.name = mig_strdup("kernel.release");
    release.value = uts.release;
    s = *captured; /* borrows all but the fact, which the host tells later */
    s.facts = &release;
    s.facts_len = 1;
    mig_limit_init(&p.limit, &host, mig_feature_of(&host));
    p.limit.has_imp_id = false; /* this VM was not given the capability */
    p.stranger = p.limit;
    p.limit.same_cpu = true;
    try_all(b, &p, &s);
    add_count(b, &p);
    mig_free(release.name);
}

#endif
