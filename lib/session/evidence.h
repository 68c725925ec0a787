/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/evidence.h: one host's snapshot and how far it can be believed.
 */
#pragma once

#include "base/cleanup.h"
#include "snapshot/stamp.h"

struct mig_trust;

enum mig_evidence_kind {
    MIG_EVIDENCE_NONE,
    MIG_EVIDENCE_LIVE,     /* our nonce, not expired */
    MIG_EVIDENCE_FILED,    /* signed earlier */
    MIG_EVIDENCE_REPLAYED, /* an agent speaks for a host that is offline */
    MIG_EVIDENCE_UNSIGNED, /* our JSON, no signature */
    MIG_EVIDENCE_FOREIGN,  /* another program's dump, no signature */
};

struct mig_evidence {
    char name[MIG_NAME_MAX]; /* the host, as judged and printed */
    enum mig_evidence_kind kind;
    int64_t age_s;                          /* of what it tells; -1 when unknown */
    int64_t sealed_age_s;                   /* of its seal: it tells of nothing younger */
    unsigned char digest[MIG_DIGEST_BYTES]; /* evidence digest; of the file when unsigned */
    const char *format;                     /* importer's name for unsigned and foreign */
    struct mig_snapshot *snapshot;          /* NULL when error.code is set */
    struct mig_error error;
    const char *refusal;   /* "trust/replayed": finding id for error; static */
    unsigned char *sealed; /* the envelope as received; NULL when unsigned */
    size_t sealed_len;
};

/* Open a sealed snapshot at time @now.  With @nonce (MIG_NONCE_BYTES) the
 * answer must repeat it and be fresh: live, or replayed if the agent says so.
 * Without, it is filed.  @name, when not NULL or "", must be the signer's.
 * A refusal writes @ret->refusal and nothing else of @ret. */
MIG_MUST_CHECK bool mig_evidence_open(const struct mig_trust *trust, const unsigned char *sealed,
                                      size_t len, const unsigned char *nonce, const char *name,
                                      int64_t now, struct mig_evidence *ret, struct mig_error *err);

/* A file of any form of DESIGN section 6.  @trust may be NULL when only
 * unsigned input is expected; a sealed file is then an error. */
MIG_MUST_CHECK bool mig_evidence_read(const struct mig_trust *trust, const char *path, int64_t now,
                                      struct mig_evidence *ret, struct mig_error *err);

/* "dir/web3.cpuid.json" -> "web3.cpuid", "-" -> "stdin". */
void mig_evidence_name_of_path(const char *path, char ret[MIG_NAME_MAX]);

/* The general finding id for a failure of this code. */
const char *mig_evidence_refusal_of(enum mig_code code);

const char *mig_evidence_kind_name(enum mig_evidence_kind kind);
void mig_evidence_clear(struct mig_evidence *e);
