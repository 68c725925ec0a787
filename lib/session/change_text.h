/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/change_text.h: values before and after, one line each, below each
 * other: "x86/cpuid/7.0/ebx/9   1 -> 0   erms".
 */
#pragma once

#include "session/report_text.h"

struct mig_change {
    const char *id, *name; /* borrowed; name may be "" or NULL */
    struct mig_seen before, after;
    const char *mark; /* "[security]" or NULL */
};

void mig_change_text_print(const struct mig_report *r, int indent, const struct mig_change *changes,
                           size_t len);
