/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who took a field of an arm64 ID register away: the kernel command line, the
 * version of KVM, firmware and settings where the CPU is the same, else the
 * CPU.
 */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "compat/limit.h"
#include "compat/merge.h"
#include "compat/reason.h"
#include "compat/version.h"
#include "cpu/arm64_reg.h"

#define KERNEL "kernel.release"
#define WHERE "the kernel command line (GRUB_CMDLINE_LINUX)"
#define FACT_MAX 128

static const struct {
    const char *name, *value; /* NULL: any */
    const char *until;        /* NULL: to this day */
    enum mig_arm64 index;
    unsigned lo;
} switches[] = {
#define SWITCH(name, value, until, reg, field)                                                     \
    {name, value, until, MIG_ARM64_##reg, MIG_ARM64_LO_##reg##_##field},
#include "compat/arm64_switch.def"
};

static const struct {
    const char *first;
    bool hides;
    enum mig_arm64 index;
    unsigned lo;
} kernels[] = {
#define HIDES(first, reg, field) {first, true, MIG_ARM64_##reg, MIG_ARM64_LO_##reg##_##field},
#define SHOWS(first, reg, field) {first, false, MIG_ARM64_##reg, MIG_ARM64_LO_##reg##_##field},
#include "compat/arm64_kernel.def"
};

const char *mig_reason_hidden_since(const struct mig_field *f)
{
    for (size_t i = 0; f != NULL && i < MIG_COUNT(kernels); i++) {
        if (kernels[i].hides && f->reg.space == MIG_SPACE_IDREG &&
            f->reg.index == (uint32_t)kernels[i].index && f->lo == kernels[i].lo) {
            return kernels[i].first;
        }
    }
    return NULL;
}

static void set(struct mig_finding *f, enum mig_reason reason, bool likely, char *remedy)
{
    f->reason = reason;
    f->likely = likely;
    mig_free(f->remedy);
    f->remedy = remedy;
}

static bool is_about(const struct mig_finding *f, enum mig_arm64 index, unsigned lo)
{
    return f->field != NULL && f->field->reg.space == MIG_SPACE_IDREG &&
           f->field->reg.index == (uint32_t)index && f->field->lo == lo;
}

/* "cmdline.id_aa64isar0.rndr", as the kernel spells its overrides. */
static const char *find_override(const struct mig_finding *f, const struct mig_party *p,
                                 char ret[FACT_MAX])
{
    const char *name = f->field != NULL ? f->field->name : "", *dot = strchr(name, '.');
    const char *end = strstr(name, "_EL1.");

    if (f->field == NULL || f->field->reg.space != MIG_SPACE_IDREG || end == NULL || dot == NULL) {
        return NULL;
    }
    (void)snprintf(ret, FACT_MAX, "cmdline.%.*s%s", (int)(end - name), name, dot);
    for (char *c = ret; *c != '\0'; c++) {
        *c = (char)tolower((unsigned char)*c);
    }
    return mig_snapshot_fact(p->snapshot, ret);
}

/* Does the kernel of @p, as far as is known, still read the switch so? */
static bool is_taken(const char *until, const struct mig_party *p)
{
    const char *release = mig_snapshot_fact(p->snapshot, KERNEL);

    return until == NULL || release == NULL || mig_version_compare(release, until) < 0;
}

bool mig_reason_arm64_switch(struct mig_finding *f, const struct mig_party *p)
{
    char fact[FACT_MAX];
    const char *value = find_override(f, p, fact);

    if (value != NULL) {
        set(f, MIG_REASON_COMMAND_LINE, false,
            mig_strf("on %s, remove %s=%s from " WHERE " and reboot", p->name,
                     fact + strlen("cmdline."), value));
        return true;
    }
    for (size_t i = 0; i < MIG_COUNT(switches); i++) {
        if (!is_about(f, switches[i].index, switches[i].lo) || !is_taken(switches[i].until, p)) {
            continue;
        }
        (void)snprintf(fact, sizeof fact, "cmdline.%s", switches[i].name);
        value = mig_snapshot_fact(p->snapshot, fact);
        if (value != NULL && (switches[i].value == NULL || strcmp(value, switches[i].value) == 0)) {
            set(f, MIG_REASON_COMMAND_LINE, false,
                mig_strf("on %s, remove %s%s%s from " WHERE " and reboot", p->name,
                         switches[i].name, *value != '\0' ? "=" : "", value));
            return true;
        }
    }
    return false;
}

/* Do the two kernels stand on both sides of a change of the field? */
static bool by_release(struct mig_finding *f, const struct mig_party *a, const char *at_a,
                       const struct mig_party *b, const char *at_b)
{
    for (size_t i = 0; i < MIG_COUNT(kernels); i++) {
        bool a_is_new = mig_version_compare(at_a, kernels[i].first) >= 0;
        bool b_is_new = mig_version_compare(at_b, kernels[i].first) >= 0;

        if (is_about(f, kernels[i].index, kernels[i].lo) && a_is_new != b_is_new) {
            set(f, MIG_REASON_KERNEL, !mig_limit_is_one_cpu(a, b),
                mig_strf("run one kernel on both: from Linux %s on, KVM %s it; %s runs %s, %s "
                         "runs %s",
                         kernels[i].first, kernels[i].hides ? "no longer shows all of" : "shows",
                         a->name, at_a, b->name, at_b));
            return true;
        }
    }
    return false;
}

static void by_one_cpu(struct mig_finding *f, const struct mig_party *a, const char *at_a,
                       const struct mig_party *b, const char *at_b)
{
    if (at_a != NULL && at_b != NULL && strcmp(at_a, at_b) != 0) {
        set(f, MIG_REASON_KERNEL, false,
            mig_strf("run one kernel on both, their CPU is the same: %s runs Linux %s, %s runs %s",
                     a->name, at_a, b->name, at_b));
    } else if (at_a != NULL && at_b != NULL) {
        set(f, MIG_REASON_FIRMWARE, true,
            mig_strf("compare firmware settings, kernel command line and kernel configuration of "
                     "%s and %s: CPU and kernel are the same",
                     a->name, b->name));
    } else {
        set(f, MIG_REASON_UNCLASSIFIED, false,
            mig_strdup("the evidence does not tell why; capture both hosts with mig-agentd"));
    }
}

void mig_reason_arm64(struct mig_finding *f, const struct mig_party *has,
                      const struct mig_party *lacks)
{
    const char *here = mig_snapshot_fact(has->snapshot, KERNEL);
    const char *there = mig_snapshot_fact(lacks->snapshot, KERNEL);

    if (mig_reason_arm64_switch(f, lacks) || mig_reason_arm64_switch(f, has)) {
        return;
    }
    if (here != NULL && there != NULL && by_release(f, has, here, lacks, there)) {
        return;
    }
    if (mig_limit_is_one_cpu(has, lacks)) {
        by_one_cpu(f, has, here, lacks, there);
    } else if (f->field == NULL && here != NULL && there != NULL && strcmp(here, there) != 0) {
        set(f, MIG_REASON_KERNEL, true,
            mig_strf("run one kernel on both: %s runs Linux %s, %s runs %s", has->name, here,
                     lacks->name, there));
    } else {
        set(f, MIG_REASON_HARDWARE, true,
            mig_strf("boot guests on the common profile, or keep them on hosts like %s",
                     has->name));
    }
}
