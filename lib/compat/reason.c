/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Theory of operation
 *
 * The first of these that the evidence shows is the reason:
 * 1. a setting of the host itself (setting.c): module parameter, command line;
 * 2. one CPU model on both sides, and a kernel older than the first that shows
 *    the field, another microcode revision where microcode brings the field, a
 *    switch in the firmware, or else whatever software differs;
 * 3. another CPU model: the kernel when the CPU shows a companion of the
 *    field, else the hardware.
 * What compares two runs of one CPU is read, not inferred; the rest is likely.
 */
#include "compat/reason.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/text.h"
#include "compat/lack.h"
#include "compat/merge.h"
#include "compat/setting.h"
#include "compat/version.h"
#include "cpu/place.h"

#define KERNEL "kernel.release"
#define MICROCODE_REVISION "microcode"

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

static const char *fact_of(const struct mig_party *p, const char *name)
{
    return mig_snapshot_fact(p->snapshot, name);
}

static bool same_fact(const struct mig_party *a, const struct mig_party *b, const char *name)
{
    const char *x = fact_of(a, name), *y = fact_of(b, name);

    return x != NULL && y != NULL && strcmp(x, y) == 0;
}

static bool differ(const struct mig_party *a, const struct mig_party *b, const char *name)
{
    const char *x = fact_of(a, name), *y = fact_of(b, name);

    return x != NULL && y != NULL && strcmp(x, y) != 0;
}

static bool is_protection(const struct mig_finding *f)
{
    return f->field != NULL &&
           (f->field->class_ == MIG_CLASS_IMMUNE || f->field->class_ == MIG_CLASS_MITIGATION ||
            f->field->class_ == MIG_CLASS_VULNERABLE);
}

static bool by_setting(struct mig_finding *f, const struct mig_lack *l)
{
    struct mig_setting setting;

    if (!mig_setting_find(l, &setting)) {
        return false;
    }
    set(f, setting.reason,
        !setting.certain && !mig_lack_is_one_model(l->shows, l->misses, true) &&
            (l->field == NULL || l->field->reg.space != MIG_SPACE_CAP),
        "%s", setting.remedy);
    mig_free(setting.remedy);
    return true;
}

struct release {
    const char *first; /* of Linux */
    struct mig_bit bit, companion;
    const char *drops; /* where it is no longer shown; NULL: this release added it */
};

static const struct release releases[] = {
#define ADDED(first, field, companion)                                                             \
    {first, MIG_PLACE_BIT(field), MIG_PLACE_BIT(companion), NULL},
#define DROPPED(first, field, where) {first, MIG_PLACE_BIT(field), MIG_PLACE_BIT(field), where},
#include "compat/kernel_added.def"
};

/* Does the kernel of the party that misses stand on the wrong side of @r? */
static bool is_wrong_side(const struct release *r, const struct mig_lack *l)
{
    const char *there, *here;

    if (!mig_lack_is_of(l, r->bit)) {
        return false;
    }
    there = fact_of(l->misses, KERNEL);
    here = fact_of(l->shows, KERNEL);
    if (there == NULL) {
        return false;
    }
    if (r->drops != NULL) {
        return here != NULL && mig_version_compare(there, r->first) >= 0 &&
               mig_version_compare(here, r->first) < 0;
    }
    return mig_version_compare(there, r->first) < 0 &&
           (here == NULL || mig_version_compare(here, there) > 0);
}

static const struct release *find_release(const struct mig_lack *l)
{
    for (size_t i = 0; i < MIG_COUNT(releases); i++) {
        if (is_wrong_side(&releases[i], l)) {
            return &releases[i];
        }
    }
    return NULL;
}

static bool by_kernel(struct mig_finding *f, const struct mig_lack *l)
{
    const struct release *r = find_release(l);
    const char *here = fact_of(l->shows, KERNEL);
    bool likely = here == NULL || !mig_lack_is_one_model(l->shows, l->misses, true);

    if (r == NULL) {
        return false;
    }
    if (r->drops != NULL) {
        set(f, MIG_REASON_KERNEL, likely,
            "boot guests without it: from Linux %s on, KVM no longer shows it %s (%s runs %s)",
            r->first, r->drops, l->misses->name, fact_of(l->misses, KERNEL));
    } else {
        set(f, MIG_REASON_KERNEL, likely, "run Linux %s or later on %s, it runs %s", r->first,
            l->misses->name, fact_of(l->misses, KERNEL));
    }
    return true;
}

/* The CPU is of another model, but shows what comes with the field. */
static bool by_kernel_and_companion(struct mig_finding *f, const struct mig_lack *l)
{
    const struct release *r = find_release(l);

    return r != NULL && mig_party_has(l->misses, r->companion) && by_kernel(f, l);
}

static const struct {
    struct mig_bit bit;
    bool takes;
} updates[] = {
#define MICROCODE(field) {MIG_PLACE_BIT(field), 0},
#define MICROCODE_TAKES(field) {MIG_PLACE_BIT(field), 1},
#include "compat/microcode.def"
};

/* Revisions are numbers that only grow for one CPU. */
static bool is_later(const char *a, const char *b)
{
    uint64_t x, y;

    return mig_text_to_u64(a, UINT64_MAX, &x) && mig_text_to_u64(b, UINT64_MAX, &y) && x > y;
}

static void blame_update(struct mig_finding *f, const struct mig_lack *l, bool takes)
{
    const char *here = fact_of(l->shows, MICROCODE_REVISION);
    const char *there = fact_of(l->misses, MICROCODE_REVISION);
    bool likely =
        here == NULL || there == NULL || !mig_lack_is_one_model(l->shows, l->misses, true);

    if (takes) {
        set(f, MIG_REASON_MICROCODE, likely,
            "boot guests without it: microcode %s of %s takes it away, as an update of %s (%s) "
            "will too",
            there, l->misses->name, l->shows->name, here);
    } else if (likely) {
        set(f, MIG_REASON_MICROCODE, true, "install the current microcode on %s%s%s%s",
            l->misses->name, there != NULL ? " (it has " : "", there != NULL ? there : "",
            there != NULL ? ")" : "");
    } else if (is_later(here, there)) {
        set(f, MIG_REASON_MICROCODE, false,
            "install microcode %s or later on %s, it has %s (%s has the former)", here,
            l->misses->name, there, l->shows->name);
    } else {
        set(f, MIG_REASON_MICROCODE, false,
            "bring both to one microcode revision: %s has %s, %s has %s", l->shows->name, here,
            l->misses->name, there);
    }
}

static bool by_microcode(struct mig_finding *f, const struct mig_lack *l)
{
    const char *here = fact_of(l->shows, MICROCODE_REVISION);
    const char *there = fact_of(l->misses, MICROCODE_REVISION);

    for (size_t i = 0; i < MIG_COUNT(updates); i++) {
        if (!mig_lack_is_of(l, updates[i].bit) ||
            same_fact(l->shows, l->misses, MICROCODE_REVISION)) {
            continue;
        }
        if (updates[i].takes && (here == NULL || there == NULL || !is_later(there, here))) {
            continue;
        }
        if (!updates[i].takes && mig_lack_fact(l, "cmdline.dis_ucode_ldr") != NULL) {
            set(f, MIG_REASON_COMMAND_LINE, true,
                "on %s, remove dis_ucode_ldr from the kernel command line (GRUB_CMDLINE_LINUX) "
                "and reboot: the kernel loads no microcode",
                l->misses->name);
            return true;
        }
        blame_update(f, l, updates[i].takes);
        return true;
    }
    return false;
}

static bool by_firmware(struct mig_finding *f, const struct mig_lack *l)
{
    static const struct {
        struct mig_bit bit;
        const char *name;
    } rows[] = {
#define FIRMWARE(field, name) {MIG_PLACE_BIT(field), name},
#include "compat/firmware.def"
    };

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        if (mig_lack_is_of(l, rows[i].bit)) {
            set(f, MIG_REASON_FIRMWARE, true,
                mig_party_is_guest(l->shows)
                    ? "in the firmware set-up of %s, turn %s on: %s was shown it by the same CPU "
                      "model"
                    : "in the firmware set-up of %s, make %s as on %s, which has the same CPU "
                      "model",
                l->misses->name, rows[i].name, l->shows->name);
            return true;
        }
    }
    return false;
}

/* One CPU model, two answers: software in between made the difference. */
static void by_software(struct mig_finding *f, const struct mig_lack *l)
{
    const struct mig_party *a = l->shows, *b = l->misses;
    bool other_kernel = differ(a, b, KERNEL);
    bool other_microcode = differ(a, b, MICROCODE_REVISION);

    if (other_microcode && (is_protection(f) || !other_kernel)) {
        set(f, MIG_REASON_MICROCODE, true,
            "bring both to one microcode revision: %s has %s, %s has %s", a->name,
            fact_of(a, MICROCODE_REVISION), b->name, fact_of(b, MICROCODE_REVISION));
    } else if (other_kernel) {
        set(f, MIG_REASON_KERNEL, true, "run one kernel on both: %s runs %s, %s runs %s", a->name,
            fact_of(a, KERNEL), b->name, fact_of(b, KERNEL));
    } else if (same_fact(a, b, KERNEL)) {
        set(f, MIG_REASON_FIRMWARE, true,
            "compare firmware settings, kernel command line and KVM module parameters of %s and %s",
            a->name, b->name);
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

/* What is open for a guest that runs: nothing of its own can be changed. */
static void by_contract(struct mig_finding *f, const struct mig_lack *l, const char *guest,
                        const char *hint)
{
    bool hardware = !mig_lack_is_one_model(l->shows, l->misses, true);

    set(f, hardware ? MIG_REASON_HARDWARE : MIG_REASON_UNCLASSIFIED, hardware,
        "power cycle %s on the common profile, which %s, or choose a destination that matches its "
        "contract%s",
        guest, profile_does(f->field != NULL ? f->field->shape.rule : MIG_RULE_SET), hint);
}

static void by_hardware(struct mig_finding *f, const struct mig_lack *l,
                        const struct mig_party *has)
{
    const struct release *r = find_release(l);
    MIG_AUTO(mig_free)
    char *hint = r != NULL && !r->drops
                     ? mig_strf(" (if the CPU of %s has it: KVM shows it from "
                                "Linux %s on, there runs %s)",
                                l->misses->name, r->first, fact_of(l->misses, KERNEL))
                     : mig_strdup("");

    if (mig_party_is_guest(has)) {
        by_contract(f, l, has->name, hint);
        return;
    }
    set(f, MIG_REASON_HARDWARE, true,
        "boot guests of %s on the common profile, which %s, or keep them on hosts like it%s",
        has->name, profile_does(f->field != NULL ? f->field->shape.rule : MIG_RULE_SET), hint);
}

static void by_capability(struct mig_finding *f, const struct mig_lack *l)
{
    if (differ(l->shows, l->misses, KERNEL)) {
        set(f, MIG_REASON_KERNEL, true,
            "run the same kernel and KVM modules on both: %s runs %s, %s runs %s", l->shows->name,
            fact_of(l->shows, KERNEL), l->misses->name, fact_of(l->misses, KERNEL));
    } else {
        set(f, MIG_REASON_KERNEL, true, "run the same kernel and KVM modules on %s and %s",
            l->shows->name, l->misses->name);
    }
}

/* Distributions backport what protects, so that there a kernel's version says
 * less than a revision of microcode. */
static bool by_update(struct mig_finding *f, const struct mig_lack *l)
{
    bool microcode_first =
        is_protection(f) && differ(l->shows, l->misses, MICROCODE_REVISION) && by_microcode(f, l);

    return microcode_first || by_kernel(f, l) || by_microcode(f, l);
}

void mig_reason_attribute(struct mig_finding *f, const struct mig_party *has,
                          const struct mig_party *lacks)
{
    struct mig_lack l;
    bool one_model = mig_lack_is_one_model(has, lacks, false);

    if (lacks->snapshot->arch == MIG_ARCH_ARM64 &&
        (f->field == NULL || f->field->reg.space != MIG_SPACE_CAP)) {
        mig_reason_arm64(f, has, lacks);
        return;
    }
    mig_lack_init(&l, f->field, has, lacks);
    if (mig_party_is_guest(l.misses)) {
        by_contract(f, &l, l.misses->name, "");
        return;
    }
    if (by_setting(f, &l)) {
        return;
    }
    if (f->field != NULL && f->field->reg.space == MIG_SPACE_CAP) {
        by_capability(f, &l);
    } else if (one_model && (by_update(f, &l) || by_firmware(f, &l))) {
        return;
    } else if (mig_lack_is_one_model(has, lacks, true) &&
               (!mig_party_is_guest(has) || fact_of(has, KERNEL) != NULL)) {
        by_software(f, &l);
    } else if (one_model || !by_kernel_and_companion(f, &l)) {
        by_hardware(f, &l, has);
    }
}
