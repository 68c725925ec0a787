/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capturer.h"

#include <fcntl.h>

#include "agent/capture.h"
#include "agent/child.h"
#include "agent/collect.h"
#include "agent/credentials.h"
#include "agent/options.h"
#include "agent/recall.h"
#include "base/array.h"
#include "base/log.h"
#include "base/now.h"
#include "pact/policy.h"
#include "snapshot/codec.h"

/* Captures at once: each holds a VM for some milliseconds. */
#define CAPTURES_MAX 8

struct ask {
    mig_capturer_fn *fn;
    void *data;
};

struct asks {
    struct ask *items;
    size_t len, cap;
};

/* One capture and whom it answers. */
struct batch {
    struct mig_capturer *capturer;
    struct batch *next;
    struct asks asks;
};

struct mig_capturer {
    const struct mig_agent_options *options;
    struct mig_children *children;
    struct mig_recall *recall;
    struct mig_snapshot *replayed; /* NULL: live */
    struct mig_policy policy;
    int root;
    struct asks waiting;
    struct batch *running;
    unsigned running_len;
};

static const char *policy_file(const struct mig_agent_options *o)
{
    return o->policy != NULL ? o->policy : MIG_POLICY_PATH;
}

static struct mig_capture_plan live_plan(const struct mig_agent_options *o,
                                         const struct mig_recall *recall,
                                         const struct mig_policy *policy)
{
    return (struct mig_capture_plan){
        .kvm = o->kvm,
        .recall = recall,
        .timeout_ms = o->capture_timeout_ms,
        .policy = policy,
        .policy_file = policy_file(o),
    };
}

struct mig_capturer *mig_capturer_new(struct mig_loop *loop, const struct mig_agent_options *o)
{
    static const struct mig_child_kind kind = {.name = "capture"};
    struct mig_capturer *c = MIG_NEW(struct mig_capturer);

    c->options = o;
    c->children = mig_children_new(loop, &kind);
    c->recall = mig_recall_new();
    c->root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
    return c;
}

static void batch_free(struct batch *batch)
{
    struct batch **link = &batch->capturer->running;

    while (*link != batch) {
        link = &(*link)->next;
    }
    *link = batch->next;
    batch->capturer->running_len--;
    mig_free(batch->asks.items);
    mig_free(batch);
}

static void refuse(const struct asks *asks)
{
    struct mig_error err;

    (void)mig_fail(&err, MIG_UNREACHABLE, "the agent is ending");
    for (size_t i = 0; i < asks->len; i++) {
        asks->items[i].fn(NULL, &err, asks->items[i].data);
    }
}

void mig_capturer_free(struct mig_capturer *c)
{
    if (c == NULL) {
        return;
    }
    mig_children_free(c->children);
    while (c->running != NULL) {
        refuse(&c->running->asks);
        batch_free(c->running);
    }
    refuse(&c->waiting);
    mig_recall_free(c->recall);
    mig_snapshot_free(c->replayed);
    mig_policy_clear(&c->policy);
    mig_fd_close(c->root);
    mig_free(c->waiting.items);
    mig_free(c);
}

bool mig_capturer_replays(const struct mig_capturer *c)
{
    return c->options->replay != NULL;
}

static void start_waiting(struct mig_capturer *c);

static void on_done(const struct mig_bytes *bytes, const struct mig_error *failure, void *data)
{
    struct batch *batch = data;
    struct mig_capturer *c = batch->capturer;
    struct mig_error err = *failure;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (bytes != NULL && mig_snapshot_decode_untrusted(bytes->items, bytes->len, &s, &err)) {
        mig_recall_learn(c->recall, s);
    }
    for (size_t i = 0; i < batch->asks.len; i++) {
        batch->asks.items[i].fn(s, &err, batch->asks.items[i].data);
    }
    batch_free(batch);
    start_waiting(c);
}

/* All who wait get the next capture together. */
static void start_waiting(struct mig_capturer *c)
{
    const struct mig_capture_plan plan = live_plan(c->options, c->recall, &c->policy);
    struct mig_error err = {0};
    struct batch *batch;

    if (c->waiting.len == 0 || c->running_len == CAPTURES_MAX) {
        return;
    }
    batch = MIG_NEW(struct batch);
    *batch = (struct batch){.capturer = c, .next = c->running, .asks = c->waiting};
    c->waiting = (struct asks){0};
    c->running = batch;
    c->running_len++;
    mig_collect_host_expect(c->recall);
    mig_collect_vmm_expect(c->recall, c->root);
    if (!mig_child_start(c->children, mig_capture_take, &plan, c->options->capture_timeout_ms,
                         on_done, batch, &err)) {
        on_done(NULL, &err, batch);
    }
}

void mig_capturer_ask(struct mig_capturer *c, mig_capturer_fn *fn, void *data)
{
    const struct mig_error none = {0};

    if (c->replayed != NULL) {
        fn(c->replayed, &none, data);
        return;
    }
    *MIG_PUSH(&c->waiting) = (struct ask){fn, data};
    start_waiting(c);
}

static bool run(mig_child_fn *fn, const void *plan, uint64_t timeout_ms, struct mig_snapshot **ret,
                struct mig_error *err)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    return mig_child_run(fn, plan, timeout_ms, &bytes, err) &&
           mig_snapshot_decode_untrusted(bytes.items, bytes.len, ret, err);
}

static bool replay(const struct mig_agent_options *o, const struct mig_credentials *creds,
                   const struct mig_policy *policy, struct mig_snapshot **ret,
                   struct mig_error *err)
{
    const struct mig_replay_plan plan = {
        .path = o->replay,
        .trust = creds != NULL ? creds->trust : NULL,
        .name = creds != NULL ? creds->name : NULL,
        .now = mig_now_unix(),
        .policy = policy,
        .policy_file = policy_file(o),
    };

    return run(mig_capture_replay, &plan, o->capture_timeout_ms, ret, err);
}

bool mig_capturer_read_policy(struct mig_capturer *c, struct mig_error *err)
{
    struct mig_policy fresh;

    if (!mig_policy_load(policy_file(c->options), &fresh, err)) {
        return false;
    }
    mig_policy_clear(&c->policy);
    c->policy = fresh;
    return true;
}

bool mig_capturer_prepare(struct mig_capturer *c, const struct mig_credentials *creds,
                          struct mig_error *err)
{
    const struct mig_capture_plan plan = live_plan(c->options, c->recall, &c->policy);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (mig_capturer_replays(c)) {
        if (!replay(c->options, creds, &c->policy, &s, err)) {
            return false;
        }
        mig_snapshot_free(c->replayed);
        c->replayed = mig_steal(&s);
        return true;
    }
    mig_collect_host_expect(c->recall);
    mig_collect_vmm_expect(c->recall, c->root);
    if (!run(mig_capture_take, &plan, c->options->capture_timeout_ms, &s, err)) {
        return false;
    }
    mig_recall_learn(c->recall, s);
    (void)mig_capture_warn(s, c->options->kvm);
    return true;
}

bool mig_capturer_once(const struct mig_agent_options *o, const struct mig_credentials *creds,
                       struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy policy = {0};
    const struct mig_capture_plan plan = live_plan(o, NULL, &policy);

    if (!mig_policy_load(policy_file(o), &policy, err)) {
        return false;
    }
    if (o->replay != NULL) {
        return replay(o, creds, &policy, ret, err);
    }
    return run(mig_capture_take, &plan, o->capture_timeout_ms, ret, err);
}
