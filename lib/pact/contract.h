/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pact/contract.h: what one instance of a guest was shown at power-on and may
 * count on until its next power cycle.  It travels with the guest.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

struct mig_key;     /* seal/key.h */
struct mig_payload; /* seal/seal.h */

#define MIG_VM_ID_MAX 64 /* VM and instance ids, NUL included */
#define MIG_CONTRACT_HOPS_MAX 1024
#define MIG_CONTRACT_BYTES_MAX (640u * 1024)
/* Clocks of two hosts on the way may differ by this much. */
#define MIG_HOP_SKEW_S 60

struct mig_hop {
    char host[MIG_NAME_MAX];
    int64_t at; /* seconds since the epoch, UTC: when the guest arrived */
};

struct mig_contract {
    char vm[MIG_VM_ID_MAX];       /* as the VMM calls it for good: a UUID or a name */
    char instance[MIG_VM_ID_MAX]; /* new at every power-on: a power cycle voids the contract */
    char recorder[MIG_NAME_MAX];  /* host that recorded it */
    int64_t recorded_at;
    struct mig_hop *hops; /* hosts since, oldest first */
    size_t hops_len;
    /* Registers, MSRs, guest/..., host/tsc-khz and virtio/... as the guest saw
     * them; facts "vmm.name", "vmm.version", "vmm.machine-type".  Its stamp is
     * all zero but for the table version.  Groups that the VMM can not show
     * are not covered. */
    struct mig_snapshot *shown;
};

void mig_contract_free(struct mig_contract *c);
MIG_AUTO_DEFINE(mig_contract_free, struct mig_contract *);

/* 1 to 63 printable characters without space and slash. */
bool mig_contract_id_is_valid(const char *id);

/* The host that has the guest, and signs: the last hop's, else the recorder. */
const char *mig_contract_holder(const struct mig_contract *c);
/* When it got it. */
int64_t mig_contract_held_since(const struct mig_contract *c);

/* Not a group of evidence that only a host has. */
bool mig_contract_may_cover(enum mig_group group);

/* Who vouches for what a guest was shown stands elsewhere: is its own stamp
 * that of nobody? */
MIG_MUST_CHECK bool mig_contract_check_stamp(const struct mig_stamp *stamp, struct mig_error *err);

/* Does @shown hold only what a guest can see?  A capability, an MSR list or a
 * property of a host is named as an error. */
MIG_MUST_CHECK bool mig_contract_check_shown(const struct mig_snapshot *shown,
                                             struct mig_error *err);

/* Every rule that a signed contract keeps. */
MIG_MUST_CHECK bool mig_contract_check(const struct mig_contract *c, struct mig_error *err);
/* The same of one that nobody vouches for yet: no recorder, no hops. */
MIG_MUST_CHECK bool mig_contract_check_unsigned(const struct mig_contract *c,
                                                struct mig_error *err);

/* Canonical bytes (proto/contract.proto). */
void mig_contract_encode(const struct mig_contract *c, struct mig_bytes *ret);

/* Signed by the agent that has the guest. */
MIG_MUST_CHECK bool mig_contract_seal(const struct mig_contract *c, const struct mig_key *key,
                                      struct mig_bytes *ret, struct mig_error *err);

/* The guest came to @host, which signs from now on. */
MIG_MUST_CHECK bool mig_contract_add_hop(struct mig_contract *c, const char *host, int64_t at,
                                         struct mig_error *err);

/* @host, which is about to sign, is the first to vouch for it: what the file or
 * peer it came from said about that is dropped. */
void mig_contract_record(struct mig_contract *c, const char *host, int64_t at);

/* Also refuses a signer that is no agent or not of the host that has the
 * guest, and a guest that came there outside the signer's validity. */
MIG_MUST_CHECK bool mig_contract_decode(const struct mig_payload *payload,
                                        struct mig_contract **ret, struct mig_error *err);

/* As above but without recorder and hops, from one who asks us to sign. */
MIG_MUST_CHECK bool mig_contract_decode_unsigned(const unsigned char *bytes, size_t len,
                                                 struct mig_contract **ret, struct mig_error *err);

/* For fuzzing. */
MIG_MUST_CHECK bool mig_contract_decode_untrusted(const unsigned char *bytes, size_t len,
                                                  struct mig_contract **ret, struct mig_error *err);

/* Schema "migctl/v1" kind "Contract"; reading is the door for unsigned ones,
 * which may leave out instance, recorder and time. */
char *mig_contract_to_json(const struct mig_contract *c);
MIG_MUST_CHECK bool mig_contract_from_json(const char *text, size_t len, struct mig_contract **ret,
                                           struct mig_error *err);

/* Does a JSON file, damaged or not, say that it is a contract? */
bool mig_contract_is_json(const char *text, size_t len);

/* SHA-256 of the canonical bytes. */
void mig_contract_digest(const struct mig_contract *c, unsigned char ret[MIG_DIGEST_BYTES]);
