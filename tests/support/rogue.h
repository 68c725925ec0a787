/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/rogue.h: a peer that does not behave, in a thread of its own with
 * blocking sockets: no TLS, old TLS, no certificate, bytes that are no frame.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct rogue;

struct rogue_plan {
    const char *label;
    bool tls;
    bool old;        /* TLS 1.2 at most */
    bool other_alpn; /* "http/1.1" */
    bool no_alpn;
    const char *ca, *cert, *key; /* files; cert NULL = shows none */
    const void *bytes;           /* sent first, or after the handshake */
    size_t len;
    bool farewell; /* ends with close_notify, else just closes */
    bool deaf;     /* does not read for a while before it closes */
    bool patient;  /* deaf until rogue_end(), not for a moment */
};

/* Connect to @port of 127.0.0.1, or with 0 listen for one peer. */
struct rogue *rogue_start(const struct rogue_plan *plan, unsigned port);
unsigned rogue_port(const struct rogue *r);

/* Wait for its end; @ret_got gets what it read after the handshake. */
size_t rogue_end(struct rogue *r, unsigned char *ret_got, size_t size);
