/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/dial.h: a connected socket for an address.  The addresses of a name are
 * tried in order; while others are left, each gets only its share of the time.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "base/error.h"

struct mig_address;
struct mig_dial;
struct mig_loop;

/* A socket, which the callback owns, or -1 and @err. */
typedef void mig_dial_fn(int fd, const struct mig_error *err, void *data);

/* @to is borrowed.  @fn is called once, from the loop; call mig_dial_free()
 * then, or at any time before to give up.  @timeout_ms only shares the time
 * out: the caller's deadline ends it; 0 = as long as the kernel tries. */
struct mig_dial *mig_dial_start(struct mig_loop *loop, const struct mig_address *to,
                                uint64_t timeout_ms, mig_dial_fn *fn, void *data);
const char *mig_dial_phase(const struct mig_dial *d); /* "resolve" or "connect" */
void mig_dial_free(struct mig_dial *d);
MIG_AUTO_DEFINE(mig_dial_free, struct mig_dial *);

/* What every socket of ours is set to: no delay, and probes that find a peer
 * which vanished without a word. */
void mig_dial_tune(int fd);

/* Who is at the other end of an accepted socket: "127.0.0.1:40123", or the
 * process behind a unix socket. */
void mig_dial_name(int fd, char *ret, size_t size);
