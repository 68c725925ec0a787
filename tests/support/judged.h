/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/judged.h: what the judgement says of one guest on one host, asked
 * twice: in words, and weighed only, which must come to the same.
 */
#pragma once

#include "compat/negotiate.h"

/* Judge snapshots as "guest" and "host"; the caller clears @ret. */
void judged(const struct mig_snapshot *guest, const struct mig_snapshot *host,
            struct mig_findings *ret);

/* The finding @id of a small guest on a small host (support/small_host.h) is
 * of @severity; "" = there is none. */
void judged_check(const char *label, const char *guest, const char *host, const char *id,
                  const char *severity);

/* "severity" of the finding, or "". */
const char *judged_severity(const struct mig_findings *list, const char *id);
