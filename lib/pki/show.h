/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/show.h: a file of certificates or revocation lists for people.
 */
#pragma once

#include <stdint.h>

#include "base/text.h"

/* Append the text of every certificate or list in @path; @now for days left. */
MIG_MUST_CHECK bool mig_show_file(const char *path, int64_t now, struct mig_text *ret,
                                  struct mig_error *err);

/* "from 2026-01-01T00:00:00Z to 2027-01-01T00:00:00Z (365 days left)",
 * "... (expired 3 days ago)" or "... (begins in 2 days)". */
void mig_show_window(int64_t from, int64_t to, int64_t now, struct mig_text *ret);
