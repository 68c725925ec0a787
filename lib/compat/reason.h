/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/reason.h: who took a capability away, from the evidence of the two
 * hosts, and what brings it back.  Private to this room.
 */
#pragma once

#include "compat/negotiate.h"

/* Fill reason, likely and remedy of @f: @lacks has less than @has. */
void mig_reason_attribute(struct mig_finding *f, const struct mig_party *has,
                          const struct mig_party *lacks);
