/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/gather.h: HOST words of a command line in, evidence out.  All live
 * hosts are asked at once; one that fails leaves its error in its slot, with
 * peer and phase, and does not hold up the others.
 */
#pragma once

#include "session/evidence.h"
#include "session/proof_slot.h"
#include "session/target.h"
#include "wire/tls.h"

struct mig_gather {
    struct mig_tls_files tls;     /* members may be NULL when only files are asked */
    uint64_t timeout_ms;          /* per host, all phases together */
    bool via_first;               /* ask hosts[0]'s agent for hosts[1] (--via-source) */
    bool allow_same;              /* one place may be named twice (diff) */
    mig_target_lookup_fn *lookup; /* may be NULL */
    const void *lookup_data;
};

/* Fill @ret[0..len).  False only when nothing could be tried (keys missing,
 * unparsable HOST, one HOST named twice); what went wrong with one host is in
 * ret[i].error.  The caller clears @ret in both cases. */
MIG_MUST_CHECK bool mig_gather_run(const struct mig_gather *g, const char *const *hosts, size_t len,
                                   struct mig_evidence *ret, struct mig_error *err);

/* Ask those hosts of mig_gather_run() whose slot says so to prove @shown, each
 * under the name that its evidence was signed with (@known).  As there, what went
 * wrong with one is in its slot. */
MIG_MUST_CHECK bool mig_gather_prove(const struct mig_gather *g, const char *const *hosts,
                                     const struct mig_evidence *known, size_t len,
                                     const struct mig_bytes *shown, struct mig_proof_slot *ret,
                                     struct mig_error *err);

/* The authorities that @g names, for files alone; when it names none @ret stays
 * as it is.  Whatever is wrong with them is MIG_USAGE: it says nothing about evidence. */
MIG_MUST_CHECK bool mig_gather_load_trust(const struct mig_gather *g, struct mig_trust **ret,
                                          struct mig_error *err);
