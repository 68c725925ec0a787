/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/message_agree.h: what is said of agreements, between frame and struct
 * mig_message; only for message.c.
 */
#pragma once

#include "wire/message.h"

struct Mig__Wire__Frame;

/* The encoding of @frame with the body of @m, which says something of agreements. */
void mig_message_pack_agree(struct Mig__Wire__Frame *frame, const struct mig_message *m,
                            struct mig_bytes *ret);

/* Is the body of @frame of these kinds? */
bool mig_message_has_agree(const struct Mig__Wire__Frame *frame);
MIG_MUST_CHECK bool mig_message_take_agree(const struct Mig__Wire__Frame *frame,
                                           struct mig_message *m, struct mig_error *err);
