/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/explain_host.h: what one host has of that which is explained: what it
 * shows guests, and which values KVM takes there from a VMM.
 */
#pragma once

#include "compat/explain.h"
#include "compat/settable.h"
#include "snapshot/snapshot.h"

enum mig_explain_has { MIG_EXPLAIN_UNKNOWN, MIG_EXPLAIN_YES, MIG_EXPLAIN_NO };

struct mig_explain_host {
    enum mig_arch alien;        /* whose it is, if the host is of another one; else NONE */
    struct mig_seen shown;      /* of the field */
    bool knows_values;          /* arm64: @values tells what KVM takes */
    struct mig_values values;   /* the host's own among them */
    const char *label;          /* of a view; NULL: not known, or no valid combination */
    enum mig_explain_has feat;  /* the feature that was asked for */
    enum mig_explain_has takes; /* the value that was asked for */
};

void mig_explain_host(const struct mig_explanation *e, const struct mig_party *host,
                      struct mig_explain_host *ret);
