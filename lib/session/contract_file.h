/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/contract_file.h: a file that tells what a guest was shown, and how
 * far it can be believed: a sealed contract, contract JSON, or another
 * program's dump taken in the guest or of its vCPU.
 */
#pragma once

#include "pact/contract.h"
#include "session/evidence.h"

struct mig_belief; /* session/decision.h */
struct mig_result;
struct mig_trust;

struct mig_contract_file {
    enum mig_evidence_kind kind; /* filed, unsigned or foreign */
    const char *format;          /* of an unsigned one: "contract-json", an importer's name */
    int64_t age_s;               /* since it was recorded; -1 when unknown */
    unsigned char digest[MIG_DIGEST_BYTES]; /* of the canonical bytes */
    struct mig_contract *contract;          /* NULL when error.code is set */
    struct mig_error error;
    const char *refusal; /* "trust/future": finding id for error; static */
};

/* A foreign one has no instance, and its VM is called as the file.  @trust may
 * be NULL when only unsigned input is expected.  On failure @ret holds error
 * and refusal as well. */
MIG_MUST_CHECK bool mig_contract_file_read(const struct mig_trust *trust, const char *path,
                                           int64_t now, struct mig_contract_file *ret,
                                           struct mig_error *err);

/* The same of a sealed one that did not come from a file; @name is for
 * messages.  Takes nothing else. */
MIG_MUST_CHECK bool mig_contract_file_open(const struct mig_trust *trust, const char *name,
                                           const struct mig_bytes *sealed, int64_t now,
                                           struct mig_contract_file *ret, struct mig_error *err);

/* Signatures must verify, what has none must be allowed; a contract does not
 * age: it lives as long as the instance.  One finding when it does not carry a
 * verdict; @result is then worth an unknown. */
bool mig_contract_file_believe(const struct mig_belief *belief, const struct mig_contract_file *f,
                               struct mig_result *result);

/* "guest web3 instance 7f3a, recorded on alpha, age 3 h, filed, digest 12ab..." */
#define MIG_CONTRACT_LINE_MAX 512
void mig_contract_file_print(const struct mig_contract_file *f, char ret[MIG_CONTRACT_LINE_MAX]);

void mig_contract_file_clear(struct mig_contract_file *f);
static inline void mig_contract_file_clear_auto(struct mig_contract_file *f)
{
    mig_contract_file_clear(f);
}
