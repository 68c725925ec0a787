/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/resolve.h: addresses of a host name, by the system's resolver.  It can
 * block for as long as it likes, so it runs in a thread of its own; whoever no
 * longer waits cancels, and the thread cleans up when it comes back.
 */
#pragma once

#include "base/error.h"

struct addrinfo;
struct mig_loop;
struct mig_resolve;

/* @list (may be taken, then freed with freeaddrinfo()) or NULL and @err. */
typedef void mig_resolve_fn(struct addrinfo *list, const struct mig_error *err, void *data);

/* An IPv4 or IPv6 literal needs no resolver; NULL if @host is none. */
struct addrinfo *mig_resolve_literal(const char *host, const char *port);

/* @fn is called once, later, unless cancelled; call mig_resolve_cancel() also
 * afterwards, to free. */
struct mig_resolve *mig_resolve_start(struct mig_loop *loop, const char *host, const char *port,
                                      mig_resolve_fn *fn, void *data);
void mig_resolve_cancel(struct mig_resolve *r);
