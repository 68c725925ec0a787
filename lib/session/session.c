/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/text.h"
#include "seal/identity.h"

/*
 * Theory of operation
 *
 *   NEW --START--> CONNECT --READY--> WAIT_ANSWER --MESSAGE--> VERIFY --> DONE
 *                     |                   |                      |
 *                     +------ BROKEN, ENDED, refusal ------------+--> FAILED
 *
 * CONNECT covers what the connection does by itself (resolve, connect, TLS,
 * verify); its error names the phase.  Between TLS and READY the driver calls
 * mig_session_admit(), which fixes the peer's name.
 *
 * Instead of a capture the question may be for a proof (shown): same states,
 * and the answer goes into the proof's slot.
 *
 * One question is sent and one answer accepted.  Nothing in an answer is
 * believed for being there: each envelope is opened with our trust, our nonce
 * and the name it must carry.  A source that answers for a destination can
 * therefore withhold, but neither invent nor re-use, nor pass off itself as
 * the other host.
 *
 * Every path ends in FINISH with each slot holding a snapshot or an error.
 */

#define ASK_ID 1

struct row {
    const char *name, *phase;
    unsigned next; /* bit set of states */
};

#define A(id) (1u << MIG_SESSION_##id)
static const struct row states[MIG_SESSION_STATE_COUNT] = {
#define STATE(id, phase, next) [MIG_SESSION_##id] = {#id, phase, next},
#include "session/session.def"
};
#undef A

static void move(struct mig_session *s, enum mig_session_state to)
{
    MIG_ASSERT((states[s->state].next & (1u << to)) != 0);
    mig_log_debug("%s: %s -> %s", s->target->where, states[s->state].name, states[to].name);
    s->state = to;
}

/* Who is talked about in messages: the certificate's name once it is known. */
static const char *peer_name(const struct mig_session *s)
{
    return s->name[0] != '\0' ? s->name : s->target->address.name;
}

static void fill_error(struct mig_evidence *slot, const struct mig_target *t, const char *name,
                       const struct mig_error *err)
{
    char who[MIG_NAME_MAX + sizeof t->where + 4];

    mig_target_print(t, name, who, sizeof who);
    slot->error = *err;
    (void)mig_wrap(&slot->error, "%s", who);
    if (slot->refusal == NULL) {
        slot->refusal = mig_evidence_refusal_of(err->code);
    }
}

static void fill_proof_error(struct mig_session *s, const struct mig_error *err)
{
    char who[MIG_NAME_MAX + sizeof s->target->where + 4];

    mig_target_print(s->target, peer_name(s), who, sizeof who);
    s->proof->error = *err;
    (void)mig_wrap(&s->proof->error, "%s", who);
}

static enum mig_session_action fail(struct mig_session *s, const struct mig_error *err)
{
    struct mig_error no_word;

    if (s->shown != NULL) {
        fill_proof_error(s, err);
    } else {
        fill_error(s->slot, s->target, peer_name(s), err);
    }
    if (s->beyond != NULL) {
        (void)mig_fail(&no_word, err->code, "no snapshot came through its source %s",
                       s->target->where);
        fill_error(s->beyond_slot, s->beyond, s->beyond->address.name, &no_word);
    }
    move(s, MIG_SESSION_FAILED);
    return MIG_SESSION_FINISH;
}

bool mig_session_admit(struct mig_session *s, struct x509_st *leaf, struct mig_error *err)
{
    const char *pinned = s->target->address.name;
    struct mig_identity id;

    if (!mig_identity_of_leaf(leaf, &id, err)) {
        return false;
    }
    if (id.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "certificate is for %s '%s', not for an agent",
                        mig_role_name(id.role), id.name);
    }
    if (pinned[0] != '\0' && strcmp(pinned, id.name) != 0) {
        return mig_fail(err, MIG_TRUST, "certificate is for agent '%s', expected '%s'", id.name,
                        pinned);
    }
    (void)snprintf(s->name, sizeof s->name, "%s", id.name);
    return true;
}

/* The source must be done with its peer while there is time to tell us. */
static uint32_t time_for_peer(const struct mig_session *s, uint64_t now_ms)
{
    uint64_t deadline = mig_session_deadline(s);
    uint64_t left = deadline > now_ms ? deadline - now_ms : 1;

    left -= left / 8;
    return left > UINT32_MAX ? UINT32_MAX : (uint32_t)left;
}

static enum mig_session_action ask(struct mig_session *s, uint64_t now_ms)
{
    s->ask.kind = s->shown != NULL    ? MIG_MESSAGE_PROVE
                  : s->beyond != NULL ? MIG_MESSAGE_EXCHANGE
                                      : MIG_MESSAGE_CAPTURE;
    s->ask.id = ASK_ID;
    s->ask.nonce.items = mig_memdup(s->nonce, MIG_NONCE_BYTES);
    s->ask.nonce.len = MIG_NONCE_BYTES;
    s->ask.timeout_ms = time_for_peer(s, now_ms);
    if (s->shown != NULL) {
        s->ask.shown.items = mig_memdup(s->shown->items, s->shown->len);
        s->ask.shown.len = s->shown->len;
    }
    if (s->beyond != NULL) {
        s->ask.address = mig_strdup(s->beyond->where);
        s->ask.name = mig_strdup(s->beyond->address.name);
    }
    move(s, MIG_SESSION_WAIT_ANSWER);
    return MIG_SESSION_DO_SEND;
}

/* A trouble on the agent's machine is not one of ours: its broken disk makes
 * its evidence missing, it is not our usage error or bug. */
static enum mig_code code_from_peer(enum mig_code code)
{
    switch (code) {
    case MIG_FORMAT:
    case MIG_LIMIT:
    case MIG_TRUST:
    case MIG_STALE:
    case MIG_MISSING:
    case MIG_UNREACHABLE:
    case MIG_USAGE:
        return code;
    case MIG_IO:
    case MIG_INTERNAL:
        return MIG_MISSING;
    case MIG_OK:
    case MIG_REFUSED:
    case MIG_CODE_COUNT:
        break;
    }
    return MIG_REFUSED;
}

static enum mig_session_action take_error(struct mig_session *s, const struct mig_message *m)
{
    MIG_AUTO(mig_free) char *phase = mig_strdup(m->phase != NULL ? m->phase : "");
    MIG_AUTO(mig_free) char *text = mig_strdup(m->text != NULL ? m->text : "no reason given");
    struct mig_error err;

    mig_text_make_printable(phase);
    mig_text_make_printable(text);
    (void)mig_fail(&err, code_from_peer(m->code), "%.400s", text);
    if (phase[0] != '\0' && strstr(text, phase) == NULL) {
        (void)mig_wrap(&err, "%.30s", phase);
    }
    return fail(s, &err);
}

static bool open_slot(const struct mig_session *s, const struct mig_bytes *sealed, const char *name,
                      int64_t now, struct mig_evidence *slot, struct mig_error *err)
{
    return mig_evidence_open(s->trust, sealed->items, sealed->len, s->nonce, name, now, slot,
                             err) ||
           mig_wrap(err, "verify");
}

/* Its name may be anyone's when none is pinned, only not the source's. */
static bool open_beyond(const struct mig_session *s, const struct mig_bytes *sealed, int64_t now,
                        struct mig_error *err)
{
    if (!open_slot(s, sealed, s->beyond->address.name, now, s->beyond_slot, err)) {
        return false;
    }
    if (strcmp(s->beyond_slot->name, s->name) == 0) {
        mig_evidence_clear(s->beyond_slot);
        s->beyond_slot->refusal = "trust/wrong-host";
        return mig_fail(err, MIG_TRUST,
                        "verify: source '%s' answered for the destination with a "
                        "snapshot of itself",
                        s->name);
    }
    return true;
}

static enum mig_session_action verify_proof(struct mig_session *s,
                                            const struct mig_session_input *in)
{
    const struct mig_proof_want want = {.nonce = s->nonce, .name = s->name, .asked = s->shown};
    struct mig_error err;

    move(s, MIG_SESSION_VERIFY);
    if (!mig_proof_slot_open(s->trust, &in->message->sealed, &want, in->now_unix, s->proof, &err)) {
        (void)mig_wrap(&err, "verify");
        fill_proof_error(s, &err);
        move(s, MIG_SESSION_FAILED);
    } else {
        move(s, MIG_SESSION_DONE);
    }
    return MIG_SESSION_FINISH;
}

static enum mig_session_action verify(struct mig_session *s, const struct mig_session_input *in)
{
    const struct mig_message *m = in->message;
    struct mig_error err;
    bool good = true;

    move(s, MIG_SESSION_VERIFY);
    if (!open_slot(s, &m->sealed, s->name, in->now_unix, s->slot, &err)) {
        fill_error(s->slot, s->target, s->name, &err);
        good = false;
    }
    if (s->beyond != NULL && !open_beyond(s, &m->sealed_peer, in->now_unix, &err)) {
        fill_error(s->beyond_slot, s->beyond, s->beyond->address.name, &err);
        good = false;
    }
    move(s, good ? MIG_SESSION_DONE : MIG_SESSION_FAILED);
    return MIG_SESSION_FINISH;
}

static enum mig_session_action take_answer(struct mig_session *s,
                                           const struct mig_session_input *in)
{
    const struct mig_message *m = in->message;
    enum mig_message_kind due = s->shown != NULL    ? MIG_MESSAGE_PROVED
                                : s->beyond != NULL ? MIG_MESSAGE_EXCHANGED
                                                    : MIG_MESSAGE_CAPTURED;
    struct mig_error err;

    if (s->state != MIG_SESSION_WAIT_ANSWER) {
        (void)mig_fail(&err, MIG_FORMAT, "%s: a message before anything was asked",
                       states[s->state].phase);
        return fail(s, &err);
    }
    /* An agent that could not read the question can not repeat its number. */
    if (m->kind == MIG_MESSAGE_ERROR && (m->id == ASK_ID || m->id == 0)) {
        return take_error(s, m);
    }
    if (m->kind != due || m->id != ASK_ID) {
        (void)mig_fail(&err, MIG_FORMAT, "%s: answers with a message of another kind (%d)",
                       mig_session_task(s), (int)m->kind);
        return fail(s, &err);
    }
    return s->shown != NULL ? verify_proof(s, in) : verify(s, in);
}

/* The connection's own message says where it was; who goes in front instead. */
static enum mig_session_action take_break(struct mig_session *s, const struct mig_session_input *in)
{
    const char *where = s->target->where, *said = in->error->msg;
    struct mig_error err;

    if (mig_text_starts(said, where) && strncmp(said + strlen(where), ": ", 2) == 0) {
        said += strlen(where) + 2;
    }
    (void)mig_fail(&err, in->error->code, "%s", said);
    if (!mig_text_starts(said, in->phase)) {
        (void)mig_wrap(&err, "%s", in->phase);
    }
    return fail(s, &err);
}

static enum mig_session_action take_end(struct mig_session *s)
{
    struct mig_error err;

    (void)mig_fail(&err, MIG_UNREACHABLE, "%s: connection closed without an answer",
                   states[s->state].phase);
    return fail(s, &err);
}

enum mig_session_action mig_session_step(struct mig_session *s, const struct mig_session_input *in)
{
    if (s->state == MIG_SESSION_DONE || s->state == MIG_SESSION_FAILED) {
        return MIG_SESSION_WAIT; /* late news of a connection that is being closed */
    }
    switch (in->event) {
    case MIG_SESSION_START:
        s->started_ms = in->now_ms;
        move(s, MIG_SESSION_CONNECT);
        return MIG_SESSION_DO_CONNECT;
    case MIG_SESSION_READY:
        MIG_ASSERT(s->state == MIG_SESSION_CONNECT && s->name[0] != '\0');
        return ask(s, in->now_ms);
    case MIG_SESSION_MESSAGE:
        return take_answer(s, in);
    case MIG_SESSION_BROKEN:
        return take_break(s, in);
    case MIG_SESSION_ENDED:
        return take_end(s);
    }
    MIG_ASSERT(false);
}

const char *mig_session_task(const struct mig_session *s)
{
    return s->shown != NULL ? "prove" : "capture";
}

uint64_t mig_session_deadline(const struct mig_session *s)
{
    return s->started_ms + s->timeout_ms;
}

void mig_session_clear(struct mig_session *s)
{
    mig_message_clear(&s->ask);
}
