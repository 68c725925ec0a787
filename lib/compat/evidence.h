/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/evidence.h: what must hold before anything is compared: one
 * architecture, one vendor, and evidence that covers what the verdict speaks
 * about.  Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

struct mig_evidence {
    const struct mig_party *parties;
    size_t len;
    bool has_guest; /* the first party is a guest's contract, not a host */
    bool emulated;  /* whose CPU is none of the hosts' (compat/emulated.h) */
    const struct mig_choice *choice;
};

/* False: no guest runs on all of them; one finding says why. */
bool mig_evidence_is_alike(const struct mig_evidence *e, struct mig_result *r);

/* Adds one finding per group that some party lacks.  False: too little is
 * known to answer at all. */
bool mig_evidence_is_enough(const struct mig_evidence *e, struct mig_result *r);

/* Adds a blocker that is no register field; takes @why over. */
struct mig_finding *mig_evidence_refuse(struct mig_result *r, const char *id,
                                        enum mig_reason reason, char *why, const char *remedy);
