/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An agent that says what it is told: real keys, real TLS, real signatures,
 * any snapshot.  It plays a host of another kind as live evidence, and a
 * source that lies about its destination.
 *
 *   puppet CA CERT KEY SNAPSHOT.json [self | file:SEALED | silent [PROOF]]
 *
 * The last word is its answer for the destination of an exchange; "silent"
 * never answers anything.  PROOF says what its proofs are like: held (the
 * default), contradicted, not-enforced, not-tried, or held but a lie: stale (of
 * another state), subject (of another register set), nonce (of another
 * request), late (never sent).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/now.h"
#include "pact/proof.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/evidence.h"
#include "snapshot/codec.h"
#include "wire/listener.h"
#include "wire/message.h"
#include "wire/tls.h"

struct puppet {
    struct mig_loop *loop;
    struct mig_tls *tls;
    struct mig_key *key;
    struct mig_snapshot *snapshot;
    const char *beyond, *proof;
};

static const char boot_id[] = "9bd6a0cc-8a4e-4d54-9d2c-0d6bb6c3b3ab";

static bool seal(const struct puppet *p, const struct mig_bytes *nonce, struct mig_bytes *ret,
                 struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    struct mig_stamp stamp = {.sequence = mig_now_ms(),
                              .issued_at = mig_now_unix(),
                              .expires_at = mig_now_unix() + MIG_LIVE_EXPIRY_S,
                              .has_nonce = true,
                              .table_version = 1};

    (void)snprintf(stamp.host, sizeof stamp.host, "%s", mig_key_identity(p->key)->name);
    (void)snprintf(stamp.boot_id, sizeof stamp.boot_id, "%s", boot_id);
    memcpy(stamp.nonce, nonce->items, sizeof stamp.nonce);
    mig_snapshot_encode(p->snapshot, &stamp, &payload);
    return mig_seal(p->key, MIG_PAYLOAD_SNAPSHOT, payload.items, payload.len, ret, err);
}

static bool fill_beyond(const struct puppet *p, struct mig_message *m, struct mig_error *err)
{
    if (strncmp(p->beyond, "file:", 5) == 0) {
        return mig_file_read(p->beyond + 5, MIG_SEALED_MAX, &m->sealed_peer, err);
    }
    m->sealed_peer.items = mig_memdup(m->sealed.items, m->sealed.len);
    m->sealed_peer.len = m->sealed.len;
    return true;
}

static bool is_proof(const struct puppet *p, const char *word)
{
    return strcmp(p->proof, word) == 0;
}

static void add_outcome(const struct puppet *p, struct mig_proven *proven)
{
    const struct mig_mismatch words[] = {
        {.key = mig_reg_key(mig_reg_cpuid(7, 0, MIG_EBX)),
         .stage = MIG_STAGE_GUEST,
         .has_got = true,
         .wanted = 0x23,
         .got = 0x3},
        {.key = mig_reg_key(mig_reg_msr(0x10a)),
         .stage = MIG_STAGE_MSR,
         .errnum = EINVAL,
         .wanted = 1},
    };

    *proven = (struct mig_proven){.ran = true, .compared = 100};
    if (is_proof(p, "contradicted")) {
        mig_proven_add(proven, &words[0]);
        mig_proven_add(proven, &words[1]);
    } else if (is_proof(p, "not-enforced")) {
        proven->outcome = MIG_OUTCOME_NOT_ENFORCED;
    } else if (is_proof(p, "not-tried")) {
        *proven = (struct mig_proven){
            .outcome = MIG_OUTCOME_NOT_TRIED, .stage = MIG_STAGE_OPEN, .errnum = ENODEV};
    }
    mig_proven_settle(proven);
}

static bool seal_proof(const struct puppet *p, const struct mig_message *ask, struct mig_bytes *ret,
                       struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_proof_clear)
    struct mig_proof proof = {
        .issued_at = mig_now_unix(),
        .expires_at = mig_now_unix() + MIG_LIVE_EXPIRY_S,
        .table_version = 1,
    };

    (void)snprintf(proof.host, sizeof proof.host, "%s", mig_key_identity(p->key)->name);
    (void)snprintf(proof.boot_id, sizeof proof.boot_id, "%s", boot_id);
    memcpy(proof.nonce, ask->nonce.items, sizeof proof.nonce);
    mig_snapshot_capability_digest(p->snapshot, proof.capability);
    mig_proof_subject(ask->shown.items, ask->shown.len, proof.subject);
    add_outcome(p, &proof.proven);
    proof.nonce[0] ^= is_proof(p, "nonce");
    proof.subject[0] ^= is_proof(p, "subject");
    proof.capability[0] ^= is_proof(p, "stale");
    mig_proof_encode(&proof, &payload);
    return mig_seal(p->key, MIG_PAYLOAD_PROOF, payload.items, payload.len, ret, err);
}

static void answer(const struct puppet *p, struct mig_peer *peer)
{
    const struct mig_message *ask = mig_peer_message(peer);
    struct mig_message m = {.kind = MIG_MESSAGE_CAPTURED, .id = ask->id};
    struct mig_error err;
    bool good;

    if (ask->kind == MIG_MESSAGE_PROVE) {
        m.kind = MIG_MESSAGE_PROVED;
        good = seal_proof(p, ask, &m.sealed, &err);
    } else {
        good = seal(p, &ask->nonce, &m.sealed, &err);
    }
    if (good && ask->kind == MIG_MESSAGE_EXCHANGE) {
        m.kind = MIG_MESSAGE_EXCHANGED;
        good = fill_beyond(p, &m, &err);
    }
    if (good) {
        mig_peer_send(peer, &m);
    } else {
        mig_log_error("%s", err.msg);
    }
    mig_message_clear(&m);
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    const struct puppet *p = data;

    if (event == MIG_PEER_MESSAGE) {
        bool late = mig_peer_message(peer)->kind == MIG_MESSAGE_PROVE && is_proof(p, "late");

        if (strcmp(p->beyond, "silent") != 0 && !late) {
            answer(p, peer);
        }
    } else if (event == MIG_PEER_CLOSED || event == MIG_PEER_FAILED || event == MIG_PEER_TIMEOUT) {
        mig_peer_close(peer);
    }
}

static bool admit(struct mig_peer *peer, struct x509_st *leaf, void *data, struct mig_error *err)
{
    (void)peer;
    (void)leaf;
    (void)data;
    (void)err;
    return true;
}

static void on_peer(int fd, void *data)
{
    struct puppet *p = data;
    const struct mig_peer_options o = {.tls = p->tls, .fn = on_event, .admit = admit, .data = p};

    (void)mig_peer_accept(p->loop, fd, &o);
}

int main(int argc, char **argv)
{
    struct puppet p = {.beyond = argc > 5 ? argv[5] : "self", .proof = argc > 6 ? argv[6] : "held"};
    struct mig_address at;
    struct mig_listener *listener;
    struct mig_evidence e = {0};
    struct mig_error err;

    if (argc < 5) {
        (void)fprintf(
            stderr, "usage: puppet CA CERT KEY SNAPSHOT.json [self|file:SEALED|silent [PROOF]]\n");
        return 2;
    }
    mig_log_init("puppet", MIG_LOG_INFO);
    (void)signal(SIGPIPE, SIG_IGN);
    p.loop = mig_loop_new();
    if (!mig_tls_new(&(struct mig_tls_files){argv[1], argv[2], argv[3], NULL}, &p.tls, &err) ||
        !mig_key_load(argv[2], argv[3], &p.key, &err) ||
        !mig_evidence_read(NULL, argv[4], mig_now_unix(), &e, &err) ||
        !mig_address_parse("127.0.0.1:0", &at, &err) ||
        !mig_listener_new(p.loop, &at, on_peer, &p, &listener, &err)) {
        mig_log_error("%s", err.msg);
        return 1;
    }
    p.snapshot = e.snapshot;
    mig_log_info("listening on %s", mig_listener_where(listener));
    return mig_loop_run(p.loop) ? 0 : 1;
}
