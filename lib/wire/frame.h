/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/frame.h: four bytes of length, most significant first, then the body.
 * No I/O here: bytes in, frames out.
 */
#pragma once

#include "base/file.h"

#define MIG_FRAME_PREFIX 4

enum mig_frame_state { MIG_FRAME_PARTIAL, MIG_FRAME_WHOLE, MIG_FRAME_BAD };

/* Look at the start of @bytes.  WHOLE: the body is @bytes + 4, @ret_body long.
 * BAD: empty or above MIG_FRAME_MAX; @err says which. */
enum mig_frame_state mig_frame_next(const unsigned char *bytes, size_t len, size_t *ret_body,
                                    struct mig_error *err);

void mig_frame_prefix(size_t body, unsigned char ret[MIG_FRAME_PREFIX]);
