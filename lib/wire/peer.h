/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/peer.h: one connection as seen by a program: six events and messages.
 *
 * Phases of an outgoing peer: resolve, connect, TLS, verify, then READY.  An
 * accepted one starts at TLS.  A phase that does not end by the deadline is a
 * TIMEOUT.  The error names peer and phase: MIG_UNREACHABLE up to TLS and for
 * a deadline, MIG_TRUST for the peer's certificate, MIG_REFUSED when it refuses
 * ours, MIG_FORMAT or MIG_LIMIT for what is no message.  After FAILED, CLOSED
 * or TIMEOUT no further event comes; the owner calls mig_peer_close(), also
 * from inside its callback: the memory goes at the next turn of the loop.
 */
#pragma once

#include "wire/address.h"
#include "wire/loop.h"

struct mig_message;
struct mig_peer;
struct mig_tls;
struct x509_st; /* OpenSSL's X509; borrowed for the call */

enum mig_peer_event {
    MIG_PEER_READY,   /* TLS done, chain verified, admit() said yes */
    MIG_PEER_MESSAGE, /* mig_peer_message() */
    MIG_PEER_TIMEOUT, /* deadline passed; mig_peer_error() names the phase */
    MIG_PEER_CLOSED,  /* the other side ended in good order */
    MIG_PEER_FAILED,  /* mig_peer_error() */
    MIG_PEER_DRAINED, /* all that was sent is with the kernel */
};

typedef void mig_peer_fn(struct mig_peer *peer, enum mig_peer_event event, void *data);

/* May this certificate talk to us?  Called once, after the chain is verified
 * and, for a pinned-less TCP address, the DNS or IP name matched. */
typedef bool mig_admit_fn(struct mig_peer *peer, struct x509_st *leaf, void *data,
                          struct mig_error *err);

struct mig_peer_options {
    struct mig_tls *tls; /* borrowed for the life of the peer */
    mig_peer_fn *fn;
    mig_admit_fn *admit;
    void *data;          /* for both callbacks */
    uint64_t timeout_ms; /* to READY, and again for each answer; 0 = none */
};

/* Never fails at once: trouble arrives as FAILED. */
struct mig_peer *mig_peer_connect(struct mig_loop *loop, const struct mig_address *to,
                                  const struct mig_peer_options *o);

/* Takes @fd, a socket that was accepted. */
struct mig_peer *mig_peer_accept(struct mig_loop *loop, int fd, const struct mig_peer_options *o);

/* Queue @m (encoded at once, borrowed only for the call). */
void mig_peer_send(struct mig_peer *peer, const struct mig_message *m);

/* Valid during a MESSAGE event. */
const struct mig_message *mig_peer_message(const struct mig_peer *peer);
const struct mig_error *mig_peer_error(const struct mig_peer *peer);
const char *mig_peer_phase(const struct mig_peer *peer); /* "connect" */
const char *mig_peer_where(const struct mig_peer *peer); /* "[::1]:7443" */

/* Start the deadline again, for a new phase named @phase (static text). */
void mig_peer_expect(struct mig_peer *peer, const char *phase, uint64_t timeout_ms);

void mig_peer_close(struct mig_peer *peer);
