/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cli/sheet.h: what a snapshot says, for people: lines of label and text, then
 * coverage, facts and registers.  Of a host or of what a guest was shown.
 */
#pragma once

#include "session/paint.h"
#include "session/report_text.h"

/* "label               text", the texts below each other. */
void sheet_line(const struct mig_report *r, const char *label, enum mig_paint paint,
                const char *text);
/* Nothing when @when is 0: not known. */
void sheet_time(const struct mig_report *r, const char *label, int64_t when);
void sheet_digest(const struct mig_report *r, const char *label,
                  const unsigned char bytes[MIG_DIGEST_BYTES]);

/* @known_only: without groups that nothing is known of. */
void sheet_coverage(const struct mig_report *r, const struct mig_snapshot *s, bool known_only);
void sheet_facts(const struct mig_report *r, const struct mig_snapshot *s);
/* Their values when verbose; what could not be read always. */
void sheet_registers(const struct mig_report *r, const struct mig_snapshot *s);
