/* SPDX-License-Identifier: Apache-2.0 */
/*
 * pki/date.h: points in time as people write them, RFC 3339 in UTC.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"

#define MIG_DAY_S (24 * 60 * 60)
/* "2026-11-21T08:30:00Z" and a NUL. */
#define MIG_DATE_TEXT 32

/* "2026-11-21T08:30:00Z" or "2026-11-21", years 1970 to 9999. */
MIG_MUST_CHECK bool mig_date_parse(const char *text, int64_t *ret, struct mig_error *err);

void mig_date_format(int64_t when, char ret[MIG_DATE_TEXT]);
