/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/qemu_hello.h: the first bytes of QEMU's channels.  With multifd, pages
 * come over channels of their own, each of which says hello first; such a
 * channel is held back like the main one.
 */
#pragma once

#include <stddef.h>

#include "gate/qemu_head.h"

#define MIG_QEMU_FIRST_BYTES 4
#define MIG_QEMU_HELLO_BYTES 64

enum mig_qemu_channel { MIG_QEMU_CHANNEL_MAIN, MIG_QEMU_CHANNEL_MULTIFD, MIG_QEMU_CHANNEL_OTHER };

struct mig_qemu_hello {
    unsigned char uuid[MIG_QEMU_UUID]; /* all zero when the guest has none */
    unsigned channel;
};

/* A channel of postcopy-preempt says nothing: OTHER. */
enum mig_qemu_channel mig_qemu_channel_of(const unsigned char first[MIG_QEMU_FIRST_BYTES]);

MIG_MUST_CHECK bool mig_qemu_hello_decode(const unsigned char bytes[MIG_QEMU_HELLO_BYTES],
                                          struct mig_qemu_hello *ret, struct mig_error *err);

/* Is it a channel of @uuid, one of @channels? */
MIG_MUST_CHECK bool mig_qemu_hello_check(const struct mig_qemu_hello *hello,
                                         const unsigned char uuid[MIG_QEMU_UUID], unsigned channels,
                                         struct mig_error *err);
