/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/message_part.h: fields into and out of generated messages; only for
 * message.c and its siblings.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "wire/message.h"

struct Mig__Wire__Frame;

/* Not a copy. */
ProtobufCBinaryData mig_message_borrow(const struct mig_bytes *b);
/* "" for NULL. */
char *mig_message_text(char *s);
/* Our own text, cut and cleaned. */
char *mig_message_fit(const char *s, size_t max);
void mig_message_pack(const struct Mig__Wire__Frame *frame, struct mig_bytes *ret);

/* A text of a peer: at most @max printable characters. */
MIG_MUST_CHECK bool mig_message_copy_text(const char *field, const char *from, size_t max,
                                          char **ret, struct mig_error *err);
/* 1 to @max bytes. */
MIG_MUST_CHECK bool mig_message_take_bytes(const char *field, ProtobufCBinaryData from, size_t max,
                                           struct mig_bytes *ret, struct mig_error *err);
MIG_MUST_CHECK bool mig_message_check_timeout(uint32_t ms, struct mig_error *err);
/* Another agent's address and name. */
MIG_MUST_CHECK bool mig_message_take_target(const char *address, const char *name,
                                            struct mig_message *m, struct mig_error *err);
/* A VM's id and an instance's, which may be "". */
MIG_MUST_CHECK bool mig_message_take_guest(const char *vm, const char *instance,
                                           struct mig_message *m, struct mig_error *err);
