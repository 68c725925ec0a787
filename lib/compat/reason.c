/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "compat/merge.h"

static void set(struct mig_finding *f, enum mig_reason reason, bool likely, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

static void set(struct mig_finding *f, enum mig_reason reason, bool likely, const char *fmt, ...)
{
    char text[512];
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    f->reason = reason;
    f->likely = likely;
    mig_free(f->remedy);
    f->remedy = mig_strdup(text);
}

static bool same_fact(const struct mig_party *a, const struct mig_party *b, const char *name)
{
    const char *x = mig_snapshot_fact(a->snapshot, name), *y = mig_snapshot_fact(b->snapshot, name);

    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool differ(const struct mig_party *a, const struct mig_party *b, const char *name)
{
    const char *x = mig_snapshot_fact(a->snapshot, name), *y = mig_snapshot_fact(b->snapshot, name);

    return x != NULL && y != NULL && strcmp(x, y) != 0;
}

static bool is_off(const struct mig_party *p, const char *fact)
{
    const char *value = mig_snapshot_fact(p->snapshot, fact);

    return value != NULL && (strcmp(value, "0") == 0 || strcmp(value, "N") == 0);
}

/* A switch that the host's own evidence shows to be off. */
static bool by_parameter(struct mig_finding *f, const struct mig_party *lacks)
{
    static const struct {
        enum mig_class class_;
        const char *module, *parameter;
    } rows[] = {
#define PARAMETER(class_, module, parameter) {MIG_CLASS_##class_, module, parameter},
#include "compat/parameter.def"
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char fact[96];

        (void)snprintf(fact, sizeof fact, "kvm.param.%s.%s", rows[i].module, rows[i].parameter);
        if (f->field != NULL && f->field->class_ == rows[i].class_ && is_off(lacks, fact)) {
            set(f, MIG_REASON_PARAMETER, false, "on %s, load %s with %s=1", lacks->name,
                rows[i].module, rows[i].parameter);
            return true;
        }
    }
    return false;
}

static bool is_protection(const struct mig_finding *f)
{
    return f->field != NULL &&
           (f->field->class_ == MIG_CLASS_IMMUNE || f->field->class_ == MIG_CLASS_MITIGATION ||
            f->field->class_ == MIG_CLASS_VULNERABLE);
}

static bool same_cpu(const struct mig_party *a, const struct mig_party *b)
{
    struct mig_seen x = mig_party_seen(a, mig_reg_cpuid(1, 0, MIG_EAX));
    struct mig_seen y = mig_party_seen(b, mig_reg_cpuid(1, 0, MIG_EAX));

    return x.known == MIG_KNOWN && y.known == MIG_KNOWN && x.value == y.value;
}

/* One CPU model, two answers: software in between made the difference. */
static void by_software(struct mig_finding *f, const struct mig_party *has,
                        const struct mig_party *lacks)
{
    bool other_kernel = differ(has, lacks, "kernel.release");
    bool other_microcode = differ(has, lacks, "microcode");

    if (other_microcode && (is_protection(f) || !other_kernel)) {
        set(f, MIG_REASON_MICROCODE, true,
            "bring both to one microcode revision: %s has %s, %s has %s", has->name,
            mig_snapshot_fact(has->snapshot, "microcode"), lacks->name,
            mig_snapshot_fact(lacks->snapshot, "microcode"));
    } else if (other_kernel) {
        set(f, MIG_REASON_KERNEL, true, "run one kernel on both: %s runs %s, %s runs %s", has->name,
            mig_snapshot_fact(has->snapshot, "kernel.release"), lacks->name,
            mig_snapshot_fact(lacks->snapshot, "kernel.release"));
    } else if (same_fact(has, lacks, "kernel.release")) {
        set(f, MIG_REASON_FIRMWARE, true,
            "compare firmware settings, kernel command line and KVM module parameters of %s and %s",
            has->name, lacks->name);
    } else {
        set(f, MIG_REASON_UNCLASSIFIED, false,
            "the evidence does not tell why; capture both hosts with mig-agentd");
    }
}

/* What the common profile does about a field, for guests of both hosts. */
static const char *profile_does(enum mig_rule rule)
{
    switch (rule) {
    case MIG_RULE_OR_MITIGATION:
    case MIG_RULE_OR_VULNERABLE:
    case MIG_RULE_OR_INVERTED:
    case MIG_RULE_OR:
        return "shows it";
    case MIG_RULE_LOWER:
    case MIG_RULE_SIGNED_LOWER:
    case MIG_RULE_MIN:
        return "shows the smaller value";
    case MIG_RULE_HIGHER:
    case MIG_RULE_MAX:
    case MIG_RULE_HIGHER_OR_ZERO:
        return "shows the larger value";
    case MIG_RULE_EXACT:
        return "shows a value that suits both";
    case MIG_RULE_AND:
    case MIG_RULE_AND_IMMUNE:
    case MIG_RULE_SET:
    case MIG_RULE_EQUAL_TEXT:
    case MIG_RULE_IDENTITY:
    case MIG_RULE_DERIVED:
    case MIG_RULE_FROZEN:
    case MIG_RULE_PER_VCPU:
    case MIG_RULE_RUNTIME:
    case MIG_RULE_DENY:
    case MIG_RULE_COUNT:
        break;
    }
    return "leaves it out";
}

void mig_reason_attribute(struct mig_finding *f, const struct mig_party *has,
                          const struct mig_party *lacks)
{
    if (by_parameter(f, lacks)) {
        return;
    }
    if (f->field != NULL && f->field->reg.space == MIG_SPACE_CAP) {
        set(f, MIG_REASON_KERNEL, true, "run the same kernel and KVM modules on %s and %s",
            has->name, lacks->name);
    } else if (same_cpu(has, lacks)) {
        by_software(f, has, lacks);
    } else {
        set(f, MIG_REASON_HARDWARE, true,
            "boot guests of %s on the common profile, which %s, or keep them on hosts like it",
            has->name, profile_does(f->field != NULL ? f->field->shape.rule : MIG_RULE_SET));
    }
}
