/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/finding_text.h: the findings of one severity for people.  Each has
 * its id and names, the place in the words of a manual, what guest, source and
 * destination have there, and why it matters; what took it away and what
 * brings it back is told once for all that share it.
 */
#pragma once

#include "session/report_text.h"

/* Those that follow from another one are only named there unless verbose. */
void mig_finding_text_print(const struct mig_report *r, const struct mig_findings *list,
                            enum mig_severity severity);
