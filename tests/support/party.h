/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/party.h: a listener and its clients in one loop, over real sockets
 * and real certificates; each side writes down what it saw.
 */
#pragma once

#include "support/fleet.h"
#include "wire/listener.h"
#include "wire/message.h"
#include "wire/peer.h"
#include "wire/tls.h"

#define PARTY_NONCE_BYTES 32
#define PARTY_SIDES 160

struct party;
struct side;

/* What a side does on an event, beyond writing it down. */
typedef void side_fn(struct side *s, enum mig_peer_event event);

struct side {
    struct party *party;
    struct mig_peer *peer; /* NULL once over */
    side_fn *act;
    const char *name;    /* whom it admits; "" = anybody */
    int role;            /* whom it admits; -1 = anybody */
    uint64_t timeout_ms; /* the option of its peer */
    char seen[256];      /* "READY MESSAGE CLOSED" */
    struct mig_error error;
    char phase[32];
    char where[MIG_ADDRESS_TEXT];
    unsigned messages, sent;
    size_t bytes;        /* of the last message's sealed */
    struct mig_tls *tls; /* own, of a client */
};

struct party {
    struct fleet *fleet;
    struct mig_loop *loop;
    struct mig_listener *listener;
    struct mig_tls *tls; /* of the listener's peers */
    struct mig_address at;
    side_fn *serve;
    int serve_role;
    uint64_t serve_timeout_ms;
    struct side sides[PARTY_SIDES];
    size_t len;
    unsigned open; /* sides not over */
    unsigned awaited;
    bool late; /* the guard rang */
};

/* The server shows @cert; @at is an address to listen at, "127.0.0.1:0". */
void party_init(struct party *p, const struct fleet *fleet, const char *cert, const char *at);
void party_clear(struct party *p);
/* A path of its own for a unix socket; the caller frees. */
char *party_socket(const struct fleet *fleet);

struct mig_tls *party_tls(const struct fleet *fleet, const char *cert, const char *ca,
                          const char *crl);

/* The side of a client that shows @cert and believes @ca (NULL = the fleet's). */
struct side *party_client(struct party *p, const char *cert, const char *ca, side_fn *act);
/* Goes off to @to, "alpha@127.0.0.1:7443"; NULL = the listener. */
void party_connect(struct side *s, const char *to);

/* Until @sides sides were seen and all of them are over; the guard fails the
 * test after 20 s. */
void party_run(struct party *p, unsigned sides);

/* The first side that the listener made. */
struct side *party_server(struct party *p);

/* Ready-made acts. */
void side_asks(struct side *s, enum mig_peer_event event);    /* CAPTURE, close on the answer */
void side_answers(struct side *s, enum mig_peer_event event); /* CAPTURED of 1000 bytes */
void side_watches(struct side *s, enum mig_peer_event event); /* nothing */
void side_leaves(struct side *s, enum mig_peer_event event);  /* closes when READY */

void side_send(struct side *s, enum mig_message_kind kind, size_t sealed);
void side_close(struct side *s);
