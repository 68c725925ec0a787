/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prover.h"

#include "agent/capture.h"
#include "agent/collect.h"
#include "agent/jobs.h"
#include "agent/options.h"
#include "base/alloc.h"
#include "compat/emulated.h"
#include "kvm/prove.h"
#include "pact/proof.h"
#include "snapshot/codec.h"
#include "vmm/prove.h"

/* Proofs at once: each holds a VM, and a CPU while its guest looks. */
#define PROOFS_MAX 4
/* Of a VMM that proves, with a rest of the time to tell what was too slow. */
#define STARTS 3

/* What a child works on, and who asked for it. */
struct ask {
    const char *kvm, *qemu; /* NULL: the one that is installed */
    uint64_t timeout_ms;
    struct mig_bytes shown;
    mig_prover_fn *fn;
    void *data;
};

struct mig_prover {
    const struct mig_agent_options *options;
    struct mig_jobs *jobs;
};

struct mig_prover *mig_prover_new(struct mig_loop *loop, const struct mig_agent_options *o)
{
    static const struct mig_child_kind kind = {.name = "proof",
                                               .writes = true /* what a VMM says, into memory */};
    struct mig_prover *p = MIG_NEW(struct mig_prover);

    p->options = o;
    p->jobs = mig_jobs_new(loop, &kind, PROOFS_MAX);
    return p;
}

void mig_prover_free(struct mig_prover *p)
{
    if (p == NULL) {
        return;
    }
    mig_jobs_free(p->jobs);
    mig_free(p);
}

/* A mig_child_fn for a struct ask. */
static bool prove(const void *data, struct mig_bytes *ret, struct mig_error *err)
{
    const struct ask *a = data;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = NULL, *shown = NULL;
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};

    if (!mig_proof_read_ask(a->shown.items, a->shown.len, &shown, err) ||
        !mig_capture_kvm(a->kvm, &host, err)) {
        return false;
    }
    mig_snapshot_capability_digest(host, p.capability);
    mig_proof_subject(a->shown.items, a->shown.len, p.subject);
    if (shown->arch != host->arch) {
        return mig_fail(err, MIG_FORMAT, "register set is for %s, this host is %s",
                        mig_arch_name(shown->arch), mig_arch_name(host->arch));
    }
    if (mig_emulated_is(shown)) {
        mig_qemu_prove(a->qemu != NULL ? a->qemu : mig_collect_vmm_find("vmm.qemu"), shown,
                       a->timeout_ms / STARTS, &p.proven);
    } else {
        mig_kvm_prove(a->kvm, shown, &p.proven);
    }
    mig_proof_encode(&p, ret);
    return true;
}

static void on_done(const struct mig_bytes *bytes, const struct mig_error *failure, void *data)
{
    struct ask *a = data;
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};
    struct mig_error err = *failure;
    bool good = bytes != NULL && mig_proof_decode_untrusted(bytes->items, bytes->len, &p, &err);

    a->fn(good ? &p : NULL, &err, a->data);
    mig_bytes_clear(&a->shown);
    mig_free(a);
}

void mig_prover_ask(struct mig_prover *p, const struct mig_bytes *shown, uint64_t timeout_ms,
                    mig_prover_fn *fn, void *data)
{
    uint64_t most = p->options->prove_timeout_ms;
    struct ask *a = MIG_NEW(struct ask);

    timeout_ms = timeout_ms != 0 && timeout_ms < most ? timeout_ms : most;
    *a = (struct ask){
        .kvm = p->options->kvm,
        .qemu = p->options->qemu,
        .timeout_ms = timeout_ms,
        .shown = mig_bytes_copy(shown->items, shown->len),
        .fn = fn,
        .data = data,
    };
    mig_jobs_add(p->jobs, &(struct mig_job){
                              .fn = prove,
                              .work = a,
                              .timeout_ms = timeout_ms,
                              .done = on_done,
                              .data = a,
                              .asker = data,
                          });
}

void mig_prover_withdraw(struct mig_prover *p, const void *data)
{
    mig_jobs_withdraw(p->jobs, data);
}
