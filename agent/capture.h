/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/capture.h: what a capture process does: collect everything, freeze it,
 * and give the bytes of a snapshot without a stamp.
 */
#pragma once

#include <stdint.h>

#include "base/file.h"
#include "snapshot/snapshot.h"

struct mig_policy;
struct mig_recall;
struct mig_trust;

struct mig_capture_plan {
    const char *kvm;
    const struct mig_recall *recall; /* NULL: find out everything */
    uint64_t timeout_ms;             /* of the whole capture */
    const struct mig_policy *policy; /* of this host */
    const char *policy_file;         /* where it stands */
};

/* A mig_child_fn for a struct mig_capture_plan. */
MIG_MUST_CHECK bool mig_capture_take(const void *plan, struct mig_bytes *ret,
                                     struct mig_error *err);

/* Only what KVM answers: the same capability digest as mig_capture_take()'s in
 * less time.  For a process that ends soon. */
MIG_MUST_CHECK bool mig_capture_kvm(const char *kvm, struct mig_snapshot **ret,
                                    struct mig_error *err);

struct mig_replay_plan {
    const char *path;
    const struct mig_trust *trust; /* NULL: a sealed file is an error */
    const char *name;              /* whom a sealed file must be of; NULL: anyone */
    int64_t now;
    const struct mig_policy *policy; /* ours, beside the one that the file carries */
    const char *policy_file;
};

/* A mig_child_fn for a struct mig_replay_plan: any file that can be evidence.
 * When and where it was taken become facts "replay.*". */
MIG_MUST_CHECK bool mig_capture_replay(const void *plan, struct mig_bytes *ret,
                                       struct mig_error *err);

/* ": what to do about it" for a KVM device that can not be used, or "". */
const char *mig_capture_hint(int errnum);

/* Did KVM answer?  If not, say in the log why not and what to do about it. */
bool mig_capture_warn(const struct mig_snapshot *s, const char *kvm);
