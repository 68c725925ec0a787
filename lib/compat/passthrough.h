/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/passthrough.h: may a guest that was given all that its host can
 * grant, opt-ins included, move to another host as it is?  Private to this
 * room.
 */
#pragma once

#include "compat/negotiate.h"

/* compatible, compatible-masked, incompatible, or unknown when only a register
 * that could not be read stands between. */
enum mig_verdict mig_passthrough_ask(const struct mig_party *source,
                                     const struct mig_party *destination,
                                     const struct mig_choice *choice);

/* What of @e's word such a guest is shown: neither fields nor unexplained state
 * that never can move. */
uint64_t mig_passthrough_grant(const struct mig_entry *e);

bool mig_passthrough_works(enum mig_verdict passthrough);

/* "both", "forward", "backward" or "none" */
const char *mig_passthrough_direction(enum mig_verdict forward, enum mig_verdict backward);
