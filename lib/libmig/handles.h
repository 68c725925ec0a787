/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libmig/handles.h: what stands behind the handles of mig.h.  Private to this
 * room.
 */
#pragma once

#include "compat/negotiate.h"
#include "kvm/apply.h"
#include "libmig/mig.h"
#include "pact/agreement.h"
#include "pact/contract.h"

struct mig_trust; /* seal/key.h */

struct libmig_trust {
    struct mig_trust *trust;
};

struct libmig_profile {
    struct mig_profile *profile;
    char digest[2 * MIG_DIGEST_BYTES + 1];
};

struct libmig_contract {
    struct mig_contract *contract;
    enum libmig_evidence evidence;
};

struct libmig_agreement {
    struct mig_agreement agreement;
    char id[2 * MIG_DIGEST_BYTES + 1];
};

struct libmig_cpu {
    struct mig_snapshot *shown;
};

struct libmig_host {
    char name[MIG_NAME_MAX];
    struct mig_snapshot *snapshot;
    enum libmig_evidence evidence;
    int64_t age_s;
};

struct libmig_apply {
    struct mig_snapshot *shown;
    struct mig_kvm_show show;
    struct mig_proven proven;
};

struct libmig_verdict {
    struct mig_result result;
};

/* A copy of what a guest is shown; the caller frees. */
struct mig_snapshot *mig_handles_copy(const struct mig_snapshot *s);
