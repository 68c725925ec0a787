/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/meaning.h: registers that mean nothing to a guest that was not shown
 * what they describe.  VMMs leave values behind in them; no one reads them.
 */
#pragma once

#include "compat/negotiate.h"

/* Is @reg of no account to @guest, or judged as a whole elsewhere?  Cheap
 * enough to ask for every word. */
bool mig_meaning_is_dead(const struct mig_party *guest, struct mig_reg reg);
