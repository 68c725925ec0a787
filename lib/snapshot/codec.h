/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/codec.h: the wire form (proto/snapshot.proto) and both digests.
 * The decoder takes verified bytes only; its twin for unsigned bytes has
 * another name so that no caller mixes them up.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

struct mig_payload; /* seal/seal.h */

#define MIG_SNAPSHOT_BYTES_MAX (512u * 1024)

/* Canonical bytes of @s under @stamp. */
void mig_snapshot_encode(const struct mig_snapshot *s, const struct mig_stamp *stamp,
                         struct mig_bytes *ret);

/* Also refuses a signer that is no agent, a stamp whose host is not the
 * signer's name, and an issued-at outside the signer's validity. */
MIG_MUST_CHECK bool mig_snapshot_decode(const struct mig_payload *payload,
                                        struct mig_snapshot **ret, struct mig_error *err);

/* For bytes of our own child process and for fuzzing. */
MIG_MUST_CHECK bool mig_snapshot_decode_untrusted(const unsigned char *bytes, size_t len,
                                                  struct mig_snapshot **ret, struct mig_error *err);

/* Over exactly the fields that a rule or constraint reads (frozen, per-vCPU,
 * runtime, VM constants and tsc-khz are not) and every unclassified bit. */
void mig_snapshot_capability_digest(const struct mig_snapshot *s,
                                    unsigned char ret[MIG_DIGEST_BYTES]);
