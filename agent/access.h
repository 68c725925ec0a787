/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/access.h: who may ask this agent for what (DESIGN section 7).
 */
#pragma once

#include "seal/identity.h"
#include "wire/message.h"

/* @local: over a unix socket of this host.  False with the reason for the
 * asker and the audit line. */
MIG_MUST_CHECK bool mig_access_check(enum mig_message_kind kind, enum mig_role role, bool local,
                                     struct mig_error *err);

/* "capture", "exchange"; other kinds are no requests: "captured" ... */
const char *mig_access_name(enum mig_message_kind kind);
