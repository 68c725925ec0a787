/* SPDX-License-Identifier: Apache-2.0 */
/*
 * wire/message.h: what peers say to each other (proto/negotiate.proto) as
 * plain structs; order and limits stand in proto/PROTOCOL.md.
 */
#pragma once

#include <stdint.h>

#include "base/file.h"

#define MIG_WIRE_VERSION 1
#define MIG_FRAME_MAX (1024u * 1024)

enum mig_message_kind {
    MIG_MESSAGE_CAPTURE,            /* ask: nonce */
    MIG_MESSAGE_CAPTURED,           /* answer: sealed */
    MIG_MESSAGE_EXCHANGE,           /* ask a source: nonce, address, name, timeout_ms */
    MIG_MESSAGE_EXCHANGED,          /* answer: sealed (source), sealed_peer (destination) */
    MIG_MESSAGE_PROVE,              /* ask: nonce, shown, timeout_ms */
    MIG_MESSAGE_PROVED,             /* answer: sealed (a proof) */
    MIG_MESSAGE_ERROR,              /* answer: code, phase, text */
    MIG_MESSAGE_CONTRACT_PUT,       /* ask: contract */
    MIG_MESSAGE_CONTRACT_HELD,      /* answer: sealed, standing */
    MIG_MESSAGE_CONTRACT_GET,       /* ask: vm, instance */
    MIG_MESSAGE_CONTRACT_LIST,      /* ask: vm and standing of the last one seen */
    MIG_MESSAGE_CONTRACT_LISTED,    /* answer: entries, more */
    MIG_MESSAGE_CONTRACT_FORGET,    /* ask: vm, instance */
    MIG_MESSAGE_CONTRACT_FORGOTTEN, /* answer */
    MIG_MESSAGE_AGREE,              /* ask: vm, instance, address, name, timeout_ms, data_path */
    MIG_MESSAGE_AGREED,             /* answer: agreement, contract */
    MIG_MESSAGE_PROPOSE,            /* ask a destination: agreement, sealed, contract */
    MIG_MESSAGE_ACCEPTED,           /* answer: agreement */
    MIG_MESSAGE_ADVANCE,            /* ask: step, agreement or vm and instance, contract */
    MIG_MESSAGE_ADVANCED,           /* answer: contract, may be empty */
    MIG_MESSAGE_KIND_COUNT
};

/* How far a move under an agreement has come. */
enum mig_step {
    MIG_STEP_NONE,
    MIG_STEP_APPROVE,  /* it may begin */
    MIG_STEP_SWITCH,   /* the guest may stop at the source */
    MIG_STEP_COMPLETE, /* at the destination: it runs here */
    MIG_STEP_DEPART,   /* at the source: it has left */
    MIG_STEP_ABANDON,  /* it goes on at the source */
    MIG_STEP_COUNT
};

/* Where a stored contract stands. */
enum mig_standing {
    MIG_STANDING_NONE,
    MIG_STANDING_ACTIVE,
    MIG_STANDING_INCOMING,
    MIG_STANDING_RETIRED,
    MIG_STANDING_COUNT
};

#define MIG_ENTRIES_ANSWERED_MAX 256

/* Texts are owned; error is "" of a contract that can be used. */
struct mig_contract_entry {
    char *vm, *instance, *recorder, *holder, *error;
    enum mig_standing standing;
    uint64_t recorded_at;
    uint32_t hops;
    struct mig_bytes digest; /* 32 bytes; empty with an error */
};

/* Zero-initialised is empty; owns what it points to. */
struct mig_message {
    enum mig_message_kind kind;
    uint64_t id; /* chosen by the asker, repeated in the answer */
    struct mig_bytes nonce, sealed, sealed_peer, contract, shown, agreement;
    char *address; /* of the destination, as migctl would write it */
    char *name;    /* certificate name expected there; NULL or "" = by address */
    uint32_t timeout_ms;
    enum mig_code code;
    char *phase; /* "resolve", "connect", "TLS", "verify", "capture" */
    char *text;
    char *vm, *instance; /* NULL is "" */
    enum mig_standing standing;
    enum mig_step step;
    uint32_t data_path; /* enum mig_data_path, pact/agreement.h; not checked here */
    struct mig_contract_entry *entries;
    size_t entries_len;
    bool more;
};

void mig_message_clear(struct mig_message *m);
static inline void mig_message_clear_auto(struct mig_message *m)
{
    mig_message_clear(m);
}

/* Frame body without the length prefix. */
void mig_message_encode(const struct mig_message *m, struct mig_bytes *ret);
MIG_MUST_CHECK bool mig_message_decode(const unsigned char *bytes, size_t len,
                                       struct mig_message *ret, struct mig_error *err);
