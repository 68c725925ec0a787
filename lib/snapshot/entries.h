/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/entries.h: a digest over registers, for whoever holds some.
 */
#pragma once

#include "snapshot/snapshot.h"

/* SHA-256 over the architecture and (key, value, known or not) in order. */
void mig_entries_digest(enum mig_arch arch, const struct mig_entry *entries, size_t len,
                        unsigned char ret[MIG_DIGEST_BYTES]);
