/* SPDX-License-Identifier: Apache-2.0 */
/*
 * seal/envelope.h: the outer form of proto/envelope.proto.  Reading takes
 * bytes from anyone: it allocates nothing, looks only where limits allow and
 * knows exactly one encoding of each content.
 */
#pragma once

#include "base/file.h"
#include "seal/certificate.h"

#define MIG_ENVELOPE_PREFIX "application/vnd.migctl."
#define MIG_ENVELOPE_TYPE_MAX 100 /* below 128, so that its length is one byte */
#define MIG_ENVELOPE_SIGNATURES_MAX 2
#define MIG_ENVELOPE_SIG_MAX 512
#define MIG_ENVELOPE_KEYID 32

/* Borrowed; @bytes is not NUL-terminated. */
struct mig_span {
    const unsigned char *bytes;
    size_t len;
};

struct mig_signature {
    struct mig_span keyid, sig;
    struct mig_span certs[MIG_CHAIN_MAX];
    size_t certs_len;
};

struct mig_envelope {
    struct mig_span type, payload;
    struct mig_signature signatures[MIG_ENVELOPE_SIGNATURES_MAX];
    size_t signatures_len;
};

/* @ret points into @bytes. */
MIG_MUST_CHECK bool mig_envelope_parse(const unsigned char *bytes, size_t len,
                                       struct mig_envelope *ret, struct mig_error *err);

/* Encode; refuses what mig_envelope_parse() would refuse for its size. */
MIG_MUST_CHECK bool mig_envelope_pack(const struct mig_envelope *e, struct mig_bytes *ret,
                                      struct mig_error *err);
