/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/raw.h: CPUID as read on bare silicon, CPU by CPU, without KVM in
 * between: what a program prints that runs the instruction itself.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/error.h"

struct mig_builder;

struct mig_raw_leaf {
    uint32_t index;
    uint16_t sub;
    uint32_t words[4]; /* eax, ebx, ecx, edx */
};

/* Zero-initialised is empty; leaves of one CPU. */
struct mig_raw {
    struct mig_raw_leaf *items;
    size_t len, cap;
};

MIG_MUST_CHECK bool mig_raw_add(struct mig_raw *raw, const struct mig_raw_leaf *leaf,
                                struct mig_error *err);

/* Refuse when @other, the CPU named @name, differs from @first in a field that
 * is compared. */
MIG_MUST_CHECK bool mig_raw_check_same(const struct mig_raw *first, const struct mig_raw *other,
                                       const char *name, struct mig_error *err);

/* Into MIG_SPACE_CPUID, without leaves that the silicon does not have (beyond
 * the end of its range a CPU answers with something else) and without those
 * of the hypervisor that the dump was made under. */
MIG_MUST_CHECK bool mig_raw_pour(const struct mig_raw *raw, struct mig_builder *b,
                                 struct mig_error *err);

/* What the hypervisor shows the guest that the dump was made in: KVM's leaves
 * as if they began at 0x40000000, which enlightenments take from them, and
 * those of Hyper-V.  Nothing of a hypervisor without rows here. */
void mig_raw_pour_hypervisor(const struct mig_raw *raw, struct mig_builder *b, const char *source);

void mig_raw_clear(struct mig_raw *raw);
static inline void mig_raw_clear_auto(struct mig_raw *raw)
{
    mig_raw_clear(raw);
}
