/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/snapshots.h: hosts for tests: captures of real ones (tests/hosts)
 * and random ones that could be.
 */
#pragma once

#include "snapshot/snapshot.h"

struct prop;

/* tests/hosts/@name.json; fails the test when it can not be read. */
struct mig_snapshot *snapshot_host(const char *name);

/* x86: a random part of the field table with nothing on that its base is
 * missing for, XSAVE components that fit together, now and then a bit that no
 * row knows, a register that could not be read, or a group not covered. */
struct mig_snapshot *snapshot_random(struct prop *p);

/* arm64: every register of the field table with values that have a name, masks
 * and a register list as of kernel 6.1 (no masks), 6.12 or 7.2; what belongs
 * together (SVE and its lengths, 32-bit registers and EL0, ...) agrees.  Now and
 * then a group that is not covered. */
struct mig_snapshot *snapshot_random_arm64(struct prop *p);

/* Fails the test with the first place in which the two differ. */
void snapshot_check_same(const char *label, const struct mig_snapshot *expected,
                         const struct mig_snapshot *got);
