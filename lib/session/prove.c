/* SPDX-License-Identifier: Apache-2.0 */
#include "session/prove.h"

#include <string.h>

#include "base/alloc.h"
#include "pact/policy.h"
#include "session/contract_file.h"
#include "session/terms.h"
#include "snapshot/codec.h"

bool mig_prove_is_due(const struct mig_decision *d)
{
    const struct mig_result *r = &d->result;

    return r->provable || (mig_terms_belief(d->terms)->prove > MIG_PROVE_OFF &&
                           (r->verdict == MIG_COMPATIBLE || r->verdict == MIG_COMPATIBLE_MASKED ||
                            r->verdict == MIG_COMPATIBLE_ON_PROFILE));
}

/* What a guest would see there, or NULL: nothing is left to prove.  The caller
 * frees it, and does not free a contract's. */
static struct mig_snapshot *subject(const struct mig_decision *d)
{
    const struct mig_result *r = &d->result;

    if (!mig_prove_is_due(d)) {
        return NULL;
    }
    if (d->contract != NULL) {
        return d->contract->contract->shown;
    }
    return r->profile != NULL ? mig_profile_as_snapshot(r->profile) : NULL;
}

static const char *why_not_asked(const struct mig_gather *g, const struct mig_evidence *e)
{
    if (e->kind != MIG_EVIDENCE_LIVE) {
        return "only a live agent can prove, and this host's evidence is not live";
    }
    return g->via_first ? "is reached by way of the source, which passes no proofs on" : NULL;
}

/* Mark who is to prove; the others are missed only where all proofs are required. */
static size_t choose(const struct mig_gather *g, struct mig_decision *d, bool required)
{
    size_t first = d->contract != NULL ? d->hosts_len - 1 : 0, len = 0;

    for (size_t i = first; i < d->hosts_len; i++) {
        const char *why = why_not_asked(g, &d->hosts[i]);

        d->proofs[i].asked = why == NULL;
        len += why == NULL;
        if (why != NULL && required) {
            mig_proven_tell_missing(d->hosts[i].name, why, &d->result);
        }
    }
    return len;
}

/* A host that has changed since it was judged has proved something else. */
static bool is_same_host(const struct mig_evidence *e, const struct mig_proof *p)
{
    unsigned char capability[MIG_DIGEST_BYTES];

    mig_snapshot_capability_digest(e->snapshot, capability);
    return memcmp(capability, p->capability, sizeof capability) == 0 &&
           strcmp(e->snapshot->stamp.boot_id, p->boot_id) == 0;
}

static void hear(struct mig_decision *d, size_t i)
{
    const struct mig_proof_slot *slot = &d->proofs[i];
    MIG_AUTO(mig_free) char *why = NULL;

    if (slot->error.code != MIG_OK) {
        mig_proven_tell_missing(d->hosts[i].name, slot->error.msg, &d->result);
    } else if (is_same_host(&d->hosts[i], &slot->proof)) {
        mig_proven_tell(&slot->proof.proven, d->hosts[i].name, &d->result);
    } else {
        why = mig_strf("what %s grants a guest changed between its snapshot and its proof",
                       d->hosts[i].name);
        mig_result_distrust(&d->result, "proof/stale", why,
                            "ask again when nobody changes kernel, modules or microcode there");
    }
}

static bool ask(const struct mig_gather *g, const char *const *words,
                const struct mig_snapshot *shown, struct mig_decision *d, struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_proof_ask(shown, &bytes);
    return mig_gather_prove(g, words, d->hosts, d->hosts_len, &bytes, d->proofs, err);
}

bool mig_prove_decision(const struct mig_gather *g, const char *const *words,
                        struct mig_decision *d, struct mig_error *err)
{
    bool required = mig_terms_belief(d->terms)->prove == MIG_PROVE_REQUIRED || d->result.provable;
    struct mig_snapshot *shown = subject(d);
    bool good = true;

    if (shown == NULL) {
        return true;
    }
    d->proofs = mig_alloc(d->hosts_len, sizeof *d->proofs);
    if (choose(g, d, required) > 0) {
        good = ask(g, words, shown, d, err);
        for (size_t i = 0; i < d->hosts_len && good; i++) {
            if (d->proofs[i].asked) {
                hear(d, i);
            }
        }
    }
    if (d->contract == NULL) {
        mig_snapshot_free(shown);
    }
    return good;
}
