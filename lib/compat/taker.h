/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/taker.h: everything that is known to take a field from guests,
 * whatever the host: the tables that reasons are read from, turned around.
 * Private to this room.
 */
#pragma once

#include "compat/explain.h"

/* Set @ret, in the order of reason.def's causes; the caller frees each how. */
struct mig_taker *mig_taker_all(const struct mig_field *f, size_t *ret_len);
