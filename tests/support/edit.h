/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/edit.h: a capture with a few words changed, in the language of
 * support/small_host.h: "-avx2", "phys_addr_bits=46", "@x86/msr/10a=0",
 * "^x86/msr/10a" is no longer listed, "?x86/msr/10a" could not be read,
 * "~msr=full" covers a group, "!microcode=0x1" states a fact.
 */
#pragma once

#include "snapshot/snapshot.h"

/* A copy; the caller frees both. */
struct mig_snapshot *edit_snapshot(const struct mig_snapshot *s, const char *edits);

/* tests/hosts/@capture.json with @edits. */
struct mig_snapshot *edit_host(const char *capture, const char *edits);
