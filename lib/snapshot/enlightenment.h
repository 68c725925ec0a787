/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/enlightenment.h: <features><hyperv> of a libvirt domain as the
 * Hyper-V leaves that its guest reads.
 */
#pragma once

#include "base/error.h"

struct mig_builder;
struct _xmlNode; /* libxml2's xmlNode */

/* @domain is the <domain> element of a KVM guest.  Without any enlightenment
 * the Hyper-V leaves are known not to be there; an unknown one, or what is
 * passed through from the host, leaves them uncovered. */
MIG_MUST_CHECK bool mig_enlightenment_add(struct mig_builder *b, const struct _xmlNode *domain,
                                          const char *source, struct mig_error *err);
