/* SPDX-License-Identifier: Apache-2.0 */
#include "agent/capture.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "agent/collect.h"
#include "base/log.h"
#include "pact/policy.h"
#include "session/evidence.h"
#include "snapshot/codec.h"

/* What asking VMMs for their version may take of a capture's time. */
#define VMM_SHARE(ms) ((ms)*2 / 3)

#if defined(__x86_64__)
#define ARCH MIG_ARCH_X86
#define NO_DEVICE ": enable virtualisation in the firmware and load kvm_intel or kvm_amd"
#else
#define ARCH MIG_ARCH_ARM64
#define NO_DEVICE ": have the firmware start the kernel at EL2, and without kvm-arm.mode=none"
#endif

static bool finish(struct mig_builder *b, struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_stamp nobody = {0};
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (!mig_builder_freeze(b, &s, err)) {
        return mig_wrap(err, "capture");
    }
    mig_snapshot_encode(s, &nobody, ret);
    return true;
}

bool mig_capture_take(const void *plan, struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_capture_plan *p = plan;
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(ARCH);
    MIG_AUTO(mig_fd_close) int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);

    if (root < 0) {
        return mig_fail_errno(err, MIG_INTERNAL, "/");
    }
    mig_collect_kvm(b, p->kvm);
    mig_collect_host(b, root, p->recall);
    mig_collect_params(b, root);
    mig_collect_vmm(b, root, p->recall, VMM_SHARE(p->timeout_ms));
    mig_policy_add_facts(p->policy, p->policy_file, b);
    return finish(b, ret, err);
}

/* How far software is known is part of the digest, what it is is not. */
bool mig_capture_kvm(const char *kvm, struct mig_snapshot **ret, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(ARCH);

    mig_collect_kvm(b, kvm);
    mig_builder_cover(b, MIG_GROUP_SOFTWARE, MIG_COVER_FULL, 0, "");
    return mig_builder_freeze(b, ret, err) || mig_wrap(err, "capture");
}

static void copy(struct mig_builder *b, const struct mig_snapshot *s)
{
    for (size_t i = 0; i < s->entries_len; i++) {
        const struct mig_entry *e = &s->entries[i];

        if (e->errnum != 0) {
            mig_builder_set_unreadable(b, mig_reg_from_key(e->key), e->errnum);
        } else {
            mig_builder_set(b, mig_reg_from_key(e->key), e->value);
        }
    }
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *f = &s->facts[i];

        if (mig_policy_is_fact(f->name)) {
            continue; /* add_policy() */
        }
        if (f->errnum != 0) {
            mig_builder_add_unreadable_fact(b, f->name, f->errnum, f->source);
        } else {
            mig_builder_add_fact(b, f->name, f->value, f->source);
        }
    }
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        const struct mig_group_state *g = &s->groups[i];

        mig_builder_cover(b, (enum mig_group)i, g->coverage, g->errnum, g->source);
    }
}

/* Who speaks for a host keeps to its policy, and to its own. */
static bool add_policy(struct mig_builder *b, const struct mig_replay_plan *p,
                       const struct mig_snapshot *s, struct mig_error *err)
{
    MIG_AUTO(mig_policy_clear) struct mig_policy policy = {0};

    if (!mig_policy_of_snapshot(s, &policy, err)) {
        return mig_wrap(err, "%s", p->path);
    }
    mig_policy_tighten(&policy, p->policy);
    mig_policy_add_facts(&policy, p->policy_file, b);
    return true;
}

/* The replay of a replay is no younger than the first one: its origin stays. */
static void add_origin(struct mig_builder *b, const struct mig_evidence *e, const char *path)
{
    const struct mig_stamp *stamp = &e->snapshot->stamp;
    char issued[32];

    if (stamp->replayed) {
        return;
    }
    mig_builder_add_fact(b, "replay.kind", mig_evidence_kind_name(e->kind), path);
    if (stamp->host[0] != '\0') {
        mig_builder_add_fact(b, "replay.host", stamp->host, path);
    }
    if (stamp->issued_at > 0) {
        (void)snprintf(issued, sizeof issued, "%" PRId64, stamp->issued_at);
        mig_builder_add_fact(b, "replay.issued-at", issued, path);
    }
}

bool mig_capture_replay(const void *plan, struct mig_bytes *ret, struct mig_error *err)
{
    const struct mig_replay_plan *p = plan;
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;
    struct mig_evidence e = {0};
    bool done;

    if (!mig_evidence_read(p->trust, p->path, p->now, &e, err)) {
        return strstr(err->msg, p->path) != NULL ? false : mig_wrap(err, "%s", p->path);
    }
    if (e.sealed != NULL && p->name != NULL && strcmp(e.name, p->name) != 0) {
        (void)mig_fail(err, MIG_TRUST, "%s: is sealed by the agent of '%s', expected '%s'", p->path,
                       e.name, p->name);
        mig_evidence_clear(&e);
        return false;
    }
    b = mig_builder_new(e.snapshot->arch);
    copy(b, e.snapshot);
    add_origin(b, &e, p->path);
    done = add_policy(b, p, e.snapshot, err) && finish(b, ret, err);
    mig_evidence_clear(&e);
    return done;
}

const char *mig_capture_hint(int errnum)
{
    switch (errnum) {
    case EACCES:
    case EPERM:
        return ": add the user to group kvm";
    case ENOENT:
    case ENODEV:
    case ENXIO:
        return NO_DEVICE;
    case ENOTTY:
    case EISDIR:
        return ": not a KVM device";
    case EPROTO:
        return ": not the KVM API of version 12";
    default:
        return "";
    }
}

bool mig_capture_warn(const struct mig_snapshot *s, const char *kvm)
{
    const struct mig_group_state *view = &s->groups[MIG_GROUP_KVM_VIEW];

    if (view->coverage != MIG_COVER_UNREADABLE) {
        return true;
    }
    mig_log_warn("%s: %s%s; what KVM grants is recorded as unreadable", kvm, strerror(view->errnum),
                 mig_capture_hint(view->errnum));
    return false;
}
