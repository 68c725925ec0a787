/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/pending.h: a guest was let in and its VMM is about to start: a mark, one
 * file per VM, from one call of a hook to the next.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MIG_PENDING_PATH "/run/mig/pending"
/* From libvirt's word that a guest is to come to its QEMU; what is older was
 * left by an attempt that failed in between. */
#define MIG_PENDING_S 600

/* @vm is a UUID in text form, else false with an error. */
MIG_MUST_CHECK bool mig_pending_set(const char *dir, const char *vm, const char *instance,
                                    struct mig_error *err);

/* Is there a mark of @vm that is young enough at @now?  What can not be looked
 * at counts as one. */
bool mig_pending_is_set(const char *dir, const char *vm, int64_t now);

/* Is there one of any VM? */
bool mig_pending_any(const char *dir, int64_t now);

void mig_pending_remove(const char *dir, const char *vm);
