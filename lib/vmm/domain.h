/* SPDX-License-Identifier: Apache-2.0 */
/*
 * vmm/domain.h: a running libvirt domain as its XML tells it: who it is, and
 * what its CPU must turn out to have.
 */
#pragma once

#include <stddef.h>

#include "base/error.h"
#include "base/text.h"
#include "snapshot/snapshot.h"

struct _xmlNode; /* libxml2's xmlNode */
struct mig_builder;

struct mig_domain {
    struct _xmlNode *root;
    struct mig_snapshot *told;  /* as the importer of domain XML reads it */
    const char *uuid, *machine; /* in @told */
    bool kvm;
};

/* Refuses a domain that is no x86 one, does not run, or whose memory is
 * encrypted. */
MIG_MUST_CHECK bool mig_domain_read(const char *xml, size_t len, struct mig_domain *ret,
                                    struct mig_error *err);
/* The same of one that is to run: what <cpu> leaves open is open. */
MIG_MUST_CHECK bool mig_domain_read_early(const char *xml, size_t len, struct mig_domain *ret,
                                          struct mig_error *err);
void mig_domain_clear(struct mig_domain *d);
static inline void mig_domain_clear_auto(struct mig_domain *d)
{
    mig_domain_clear(d);
}

/* Name, UUID, topology. */
void mig_domain_pour(const struct mig_domain *d, struct mig_builder *b);

/* Is each feature of <cpu> as @shown has it, and the machine the same?  @by, "a
 * scratch guest", says for messages who was shown it. */
MIG_MUST_CHECK bool mig_domain_check(const struct mig_domain *d, const struct mig_snapshot *shown,
                                     const char *by, struct mig_error *err);

/* Its UUID, if there is one, of any architecture. */
MIG_MUST_CHECK bool mig_domain_uuid(const char *xml, size_t len, char ret[MIG_UUID_TEXT],
                                    struct mig_error *err);
