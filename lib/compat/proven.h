/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/proven.h: what KVM answered when a register set was tried on it: taken
 * and seen by a guest word for word, or each place where it was not.  For a
 * guest that its VMM emulates (compat/emulated.h) it is what that VMM showed.
 * Tables predict, this is the kernel's or the VMM's word.  Made by lib/kvm and by libmig's callers,
 * carried by pact/proof.h, told as findings.
 */
#pragma once

#include "base/cleanup.h"
#include "compat/finding.h"

enum mig_stage {
#define STAGE(id, name, what) MIG_STAGE_##id,
#include "compat/stage.def"
    MIG_STAGE_COUNT
};

enum mig_outcome {
    MIG_OUTCOME_HELD,         /* taken, read back, and seen by a guest */
    MIG_OUTCOME_CONTRADICTED, /* mismatches say where */
    MIG_OUTCOME_NOT_ENFORCED, /* KVM takes everything and a guest sees the host's own CPU */
    MIG_OUTCOME_NOT_TRIED,    /* no scratch VM, or it did not run to its end */
    MIG_OUTCOME_COUNT
};

/* One place where KVM, or a guest on it, differs from what was to be shown. */
struct mig_mismatch {
    uint64_t key; /* mig_reg_key(); UINT64_MAX: none in particular */
    enum mig_stage stage;
    int errnum;           /* the call failed with it; 0: it did not */
    bool has_got;         /* @got was read */
    uint64_t wanted, got; /* whole words */
};

#define MIG_MISMATCHES_MAX 4096
#define MIG_PROVEN_VMM_MAX 256

struct mig_proven {
    enum mig_outcome outcome;
    enum mig_stage stage; /* NOT_TRIED: what failed */
    int errnum;           /* NOT_TRIED: why */
    bool ran;             /* a guest looked; false: only KVM was asked */
    /* Of a VMM that emulates: its version, NOT_TRIED: what is wrong with it.
     * Printable; empty: KVM was asked. */
    char vmm[MIG_PROVEN_VMM_MAX];
    uint32_t compared; /* words that were held against what was to be shown */
    struct mig_mismatch *items;
    size_t len, cap;
};

const char *mig_stage_name(enum mig_stage stage);       /* "cpuid" */
const char *mig_outcome_name(enum mig_outcome outcome); /* "held", "contradicted" ... */

/* Append; what is beyond MIG_MISMATCHES_MAX is dropped. */
void mig_proven_add(struct mig_proven *p, const struct mig_mismatch *m);

/* Sort by key, stage; give the outcome that the mismatches are worth unless
 * one is there that is worth more (NOT_ENFORCED, NOT_TRIED). */
void mig_proven_settle(struct mig_proven *p);

struct mig_result; /* compat/negotiate.h */

/* What @p, tried on @host for the answer @r, does to it: findings "proof/..."
 * that name each place and an incompatible verdict, one finding
 * "kvm/cpuid-not-enforced", or an unknown.  Nothing when it held. */
void mig_proven_tell(const struct mig_proven *p, const char *host, struct mig_result *r);

/* The same where no proof came at all. */
void mig_proven_tell_missing(const char *host, const char *why, struct mig_result *r);

void mig_proven_clear(struct mig_proven *p);
static inline void mig_proven_clear_auto(struct mig_proven *p)
{
    mig_proven_clear(p);
}
