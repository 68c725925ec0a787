/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/handover.h: open descriptors to a process of this host, over a unix
 * socket: on one host a stream goes from VMM to VMM without a relay.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"

#define MIG_HANDOVER_FDS 16
#define MIG_HANDOVER_BYTES 4096

/* @len bytes, at least one, go along; both are taken as a whole by one
 * mig_handover_receive() if @socket keeps messages apart (SOCK_SEQPACKET), or
 * if nothing else is sent.  The descriptors stay the caller's, too. */
MIG_MUST_CHECK bool mig_handover_send(int socket, const int *fds, size_t count, const void *bytes,
                                      size_t len, struct mig_error *err);

struct mig_handover {
    int fds[MIG_HANDOVER_FDS]; /* close-on-exec */
    size_t count;
    unsigned char bytes[MIG_HANDOVER_BYTES];
    size_t len;
};

/* Exactly @expected descriptors, or none are kept. */
MIG_MUST_CHECK bool mig_handover_receive(int socket, size_t expected, struct mig_handover *ret,
                                         struct mig_error *err);
