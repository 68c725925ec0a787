/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/listener.h: sockets that wait for peers, with a limit on how many are
 * served at once.
 */
#pragma once

#include "base/cleanup.h"
#include "wire/peer.h"

struct mig_listener;

/* A new connection: the callback owns @fd.  It may pause the listener, not free
 * it. */
typedef void mig_listener_fn(int fd, void *data);

/* A TCP address with port 0 picks a free one; a unix path is made 0660 and
 * replaces a stale socket. */
MIG_MUST_CHECK bool mig_listener_new(struct mig_loop *loop, const struct mig_address *at,
                                     mig_listener_fn *fn, void *data, struct mig_listener **ret,
                                     struct mig_error *err);

/* Where it really listens: "127.0.0.1:40123", "unix:/run/mig/agent.sock". */
const char *mig_listener_where(const struct mig_listener *l);
void mig_listener_pause(struct mig_listener *l, bool paused);
void mig_listener_free(struct mig_listener *l);
MIG_AUTO_DEFINE(mig_listener_free, struct mig_listener *);
