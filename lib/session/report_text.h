/* SPDX-License-Identifier: Apache-2.0 */
/*
 * session/report_text.h: a decision for people: verdict, hosts and how far
 * they are believed, findings, what each host gives up, the profile.
 */
#pragma once

#include <stdio.h>

#include "session/decision.h"

struct mig_report {
    FILE *out;
    bool verbose; /* notes, features and registers too */
    bool pair;    /* hosts[0] is the source, hosts[1] the destination */
    bool running; /* the question is about one running guest: its contract */
    bool colour;  /* session/paint.h */
    /* To show whole registers of, when verbose; mig_report_text() knows the
     * hosts' of a pair. */
    const struct mig_snapshot *guest, *source, *destination;
};

void mig_report_text(const struct mig_report *r, const struct mig_decision *d);

/* An empty line and the heading of a section. */
void mig_report_text_heading(const struct mig_report *r, const char *text);

/* Parts of it, each with its heading; nothing when there is nothing to say. */
void mig_report_text_hosts(const struct mig_report *r, const struct mig_evidence *hosts,
                           size_t len);
void mig_report_text_findings(const struct mig_report *r, const struct mig_findings *list);
void mig_report_text_losses(const struct mig_report *r, const struct mig_loss *losses, size_t len);
void mig_report_text_profile(const struct mig_report *r, const struct mig_profile *p);

/* Value as people read it: "1", "0x2f", "0 (absent)", "not covered". */
#define MIG_REPORT_VALUE_MAX 48
void mig_report_text_value(struct mig_seen seen, char ret[MIG_REPORT_VALUE_MAX]);
