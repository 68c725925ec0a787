/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/prover.h"

#include "agent/capture.h"
#include "agent/child.h"
#include "agent/options.h"
#include "base/alloc.h"
#include "kvm/prove.h"
#include "pact/proof.h"
#include "snapshot/codec.h"

/* Proofs at once: each holds a VM, and a CPU while its guest looks. */
#define PROOFS_MAX 4

struct ask {
    struct mig_prover *prover;
    struct ask *next;
    mig_prover_fn *fn;
    void *data;
    struct mig_bytes shown;
    uint64_t timeout_ms;
};

struct mig_prover {
    const struct mig_agent_options *options;
    struct mig_children *children;
    struct ask *waiting, *running; /* the first to wait is the first */
    unsigned running_len;
};

/* What the child works on. */
struct plan {
    const char *kvm;
    const struct mig_bytes *shown;
};

struct mig_prover *mig_prover_new(struct mig_loop *loop, const struct mig_agent_options *o)
{
    struct mig_prover *p = MIG_NEW(struct mig_prover);

    p->options = o;
    p->children = mig_children_new(loop);
    return p;
}

static void ask_free(struct ask *a)
{
    mig_bytes_clear(&a->shown);
    mig_free(a);
}

static void refuse_all(struct ask *list)
{
    struct mig_error err;

    (void)mig_fail(&err, MIG_UNREACHABLE, "the agent is ending");
    while (list != NULL) {
        struct ask *next = list->next;

        list->fn(NULL, &err, list->data);
        ask_free(list);
        list = next;
    }
}

void mig_prover_free(struct mig_prover *p)
{
    if (p == NULL) {
        return;
    }
    mig_children_free(p->children);
    refuse_all(p->running);
    refuse_all(p->waiting);
    mig_free(p);
}

/* A mig_child_fn for a struct plan. */
static bool prove(const void *data, struct mig_bytes *ret, struct mig_error *err)
{
    const struct plan *plan = data;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = NULL, *shown = NULL;
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};

    if (!mig_proof_read_ask(plan->shown->items, plan->shown->len, &shown, err) ||
        !mig_capture_kvm(plan->kvm, &host, err)) {
        return false;
    }
    mig_snapshot_capability_digest(host, p.capability);
    mig_proof_subject(plan->shown->items, plan->shown->len, p.subject);
    if (shown->arch != host->arch) {
        return mig_fail(err, MIG_FORMAT, "register set is for %s, this host is %s",
                        mig_arch_name(shown->arch), mig_arch_name(host->arch));
    }
    mig_kvm_prove(plan->kvm, shown, &p.proven);
    mig_proof_encode(&p, ret);
    return true;
}

static void start_waiting(struct mig_prover *p);

static void on_done(const struct mig_bytes *bytes, const struct mig_error *failure, void *data)
{
    struct ask *a = data, **link = &a->prover->running;
    struct mig_prover *prover = a->prover;
    MIG_AUTO(mig_proof_clear) struct mig_proof p = {0};
    struct mig_error err = *failure;
    bool good = bytes != NULL && mig_proof_decode_untrusted(bytes->items, bytes->len, &p, &err);

    while (*link != a) {
        link = &(*link)->next;
    }
    *link = a->next;
    prover->running_len--;
    a->fn(good ? &p : NULL, &err, a->data);
    ask_free(a);
    start_waiting(prover);
}

static void start_waiting(struct mig_prover *p)
{
    while (p->waiting != NULL && p->running_len < PROOFS_MAX) {
        struct ask *a = p->waiting;
        const struct plan plan = {
            .kvm = p->options->kvm,
            .shown = &a->shown,
        };
        struct mig_error err = {0};

        p->waiting = a->next;
        a->next = p->running;
        p->running = a;
        p->running_len++;
        if (!mig_child_start(p->children, prove, &plan, a->timeout_ms, on_done, a, &err)) {
            on_done(NULL, &err, a);
            return; /* which went on with who waits */
        }
    }
}

void mig_prover_ask(struct mig_prover *p, const struct mig_bytes *shown, uint64_t timeout_ms,
                    mig_prover_fn *fn, void *data)
{
    uint64_t most = p->options->prove_timeout_ms;
    struct ask *a = MIG_NEW(struct ask), **last = &p->waiting;

    *a = (struct ask){
        .prover = p,
        .fn = fn,
        .data = data,
        .shown = {mig_memdup(shown->items, shown->len), shown->len},
        .timeout_ms = timeout_ms != 0 && timeout_ms < most ? timeout_ms : most,
    };
    while (*last != NULL) {
        last = &(*last)->next;
    }
    *last = a;
    start_waiting(p);
}
