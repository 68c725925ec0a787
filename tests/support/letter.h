/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/letter.h: a sealed answer as an agent of a test fleet writes it.
 */
#pragma once

#include <stdint.h>

#include "base/file.h"

struct fleet;

/* A small live snapshot of @name, signed by @name, answering @nonce
 * (MIG_NONCE_BYTES), issued at @now.  The caller clears it. */
struct mig_bytes letter_from(const struct fleet *f, const char *name, const unsigned char *nonce,
                             int64_t now);
