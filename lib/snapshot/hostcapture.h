/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/hostcapture.h: a host capture while it is read: answers of one
 * kernel's KVM to a probe, in the probe's own words, each with a result "r" of
 * "OK" or an errno by name.
 */
#pragma once

#include "snapshot/node.h"

struct mig_builder;

struct mig_hostcapture {
    struct mig_node root;
    struct mig_builder *builder;
    int devkvm; /* errno of opening it, or 0 */
    uint64_t tsc_scaling;
};

/* Number of an errno by name; EIO for one that this system does not have. */
int mig_hostcapture_errno(const char *name);

/* The "r" of an answer as errno, 0 for "OK". */
MIG_MUST_CHECK bool mig_hostcapture_result(const struct mig_node *n, int *ret,
                                           struct mig_error *err);

/* The only element of a list such as "tsc"; json is NULL when it is missing. */
MIG_MUST_CHECK bool mig_hostcapture_single(const struct mig_hostcapture *c, const char *key,
                                           struct mig_node *ret, struct mig_error *err);

/* How one call went: the element of the list @key whose @name is @kind; ENOENT
 * when it was not made. */
MIG_MUST_CHECK bool mig_hostcapture_call(const struct mig_hostcapture *c, const char *key,
                                         const char *name, const char *kind, int *ret,
                                         struct mig_error *err);

/* System-wide answer of KVM_CHECK_EXTENSION, 0 when the probe has none. */
MIG_MUST_CHECK bool mig_hostcapture_cap(const struct mig_hostcapture *c, uint32_t number,
                                        uint64_t *ret, struct mig_error *err);

/* Registers, masks, lists and properties of an arm64 host into the builder. */
MIG_MUST_CHECK bool mig_hostcapture_read_arm64(struct mig_hostcapture *c, struct mig_error *err);
