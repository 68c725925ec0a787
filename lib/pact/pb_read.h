/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/pb_read.h: fields of fixed size out of and into generated messages.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "base/error.h"

/* Printable text that fits @ret of @size bytes, NUL included. */
MIG_MUST_CHECK bool mig_pb_text(const char *what, const char *from, char *ret, size_t size,
                                struct mig_error *err);

/* Exactly @size bytes. */
MIG_MUST_CHECK bool mig_pb_bytes(const char *what, ProtobufCBinaryData from, unsigned char *ret,
                                 size_t size, struct mig_error *err);

/* A copy that the message owns. */
ProtobufCBinaryData mig_pb_copy(const unsigned char *from, size_t len);
