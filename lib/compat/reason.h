/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/reason.h: who took a capability away, from the evidence of the
 * hosts, and what brings it back.  Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

/* Fill reason, likely and remedy of @f: @lacks has less than @has. */
void mig_reason_attribute(struct mig_finding *f, const struct mig_party *has,
                          const struct mig_party *lacks);

/* The same for a register of arm64. */
void mig_reason_arm64(struct mig_finding *f, const struct mig_party *has,
                      const struct mig_party *lacks);

/* Only if a switch on the kernel command line of @p takes it; else false. */
bool mig_reason_arm64_switch(struct mig_finding *f, const struct mig_party *p);

/* The first Linux whose KVM no longer shows the field; NULL: it always does. */
const char *mig_reason_hidden_since(const struct mig_field *f);

/* A second look with all hosts of the question (not the guest): what a host
 * lacks and another of the same CPU model has is not for want of hardware.
 * Adds "host/ignore-msrs" where a host hides its failures.  Call it before
 * mig_findings_sort(). */
void mig_reason_review(struct mig_findings *findings, const struct mig_party *hosts, size_t len);
