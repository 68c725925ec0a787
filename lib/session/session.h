/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/session.h: one conversation with one agent, without I/O: what
 * happened goes in, what to do next comes out.  gather.c is its driver.
 */
#pragma once

#include "session/evidence.h"
#include "session/proof_slot.h"
#include "session/target.h"
#include "wire/message.h"

enum mig_session_state {
#define STATE(id, ...) MIG_SESSION_##id,
#include "session/session.def"
    MIG_SESSION_STATE_COUNT
};

enum mig_session_event {
    MIG_SESSION_START,
    MIG_SESSION_READY,   /* connected, and mig_session_admit() said yes */
    MIG_SESSION_MESSAGE, /* .message */
    MIG_SESSION_BROKEN,  /* .error and .phase: what the connection died of */
    MIG_SESSION_ENDED,   /* the other side closed in good order */
};

enum mig_session_action {
    MIG_SESSION_WAIT,
    MIG_SESSION_DO_CONNECT,
    MIG_SESSION_DO_SEND, /* .ask; then wait until mig_session_deadline() */
    MIG_SESSION_FINISH,  /* evidence or error is in the slots */
};

struct mig_session_input {
    enum mig_session_event event;
    uint64_t now_ms;
    int64_t now_unix;
    const struct mig_message *message;
    const struct mig_error *error;
    const char *phase;
};

struct x509_st; /* OpenSSL's X509 */

/* All pointers are borrowed and outlive the session. */
struct mig_session {
    const struct mig_trust *trust;
    const unsigned char *nonce;       /* MIG_NONCE_BYTES, of this run */
    const struct mig_target *target;  /* whom to ask */
    const struct mig_target *beyond;  /* and for whom beside itself, or NULL */
    struct mig_evidence *slot;        /* of target; zero at the start */
    struct mig_evidence *beyond_slot; /* of beyond, or NULL */
    const struct mig_bytes *shown;    /* to prove, instead of a capture; or NULL */
    struct mig_proof_slot *proof;     /* of @shown; zero at the start */
    uint64_t timeout_ms;              /* for everything */

    enum mig_session_state state; /* from here on the session's own */
    uint64_t started_ms;
    char name[MIG_NAME_MAX]; /* in the peer's certificate */
    struct mig_message ask;
};

/* May this certificate answer for our target?  To be asked once, before READY. */
MIG_MUST_CHECK bool mig_session_admit(struct mig_session *s, struct x509_st *leaf,
                                      struct mig_error *err);

enum mig_session_action mig_session_step(struct mig_session *s, const struct mig_session_input *in);

/* What the peer is busy with while we wait: "capture" or "prove". */
const char *mig_session_task(const struct mig_session *s);

/* When it is all over at the latest; valid after START. */
uint64_t mig_session_deadline(const struct mig_session *s);
void mig_session_clear(struct mig_session *s);
