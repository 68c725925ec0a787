/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/value_text.h: a value and its place in the words of a manual.
 */
#pragma once

#include "session/report_text.h"

/* mig_report_text_value() in the unit of what is measured: "46 bits",
 * "2600000 kHz".  @name is that of the row; "" or NULL: the @id must tell. */
void mig_value_text_measure(const char *id, const char *name, struct mig_seen seen,
                            char ret[MIG_REPORT_VALUE_MAX]);

/* Does @name say what @id does not?  Not "tsc-khz" of "host/tsc-khz". */
bool mig_value_text_is_news(const char *id, const char *name);

/* "CPUID leaf 7 subleaf 0, EBX bit 14", "MSR 0x10a, bit 17"; "" where the id
 * of @f says it all. */
#define MIG_VALUE_TEXT_PLACE_MAX 96
void mig_value_text_place(const struct mig_finding *f, char ret[MIG_VALUE_TEXT_PLACE_MAX]);
