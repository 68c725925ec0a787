/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/layout.h: the XSAVE leaf of one party, read once: which components
 * it has and where each lies.  Private to this room.
 */
#pragma once

#include "compat/merge.h"

#define MIG_LAYOUT_COMPONENTS 63 /* bit 63 of XCR0 extends the field and is no component */
#define MIG_LAYOUT_XCR0_LEGACY 3 /* x87 and SSE: every XSAVE area holds them */

struct mig_layout {
    uint64_t xcr0, xss; /* components that user and supervisor code may switch on */
    bool known;         /* whether XCR0 and XSS are evidence or only not covered */
    uint64_t described; /* components whose geometry the evidence covers */
    uint64_t area;      /* bytes the leaf states for all of XCR0; 0 = not stated */
    struct mig_component {
        uint32_t size, offset, flags; /* flags: supervisor, aligned, XFD */
    } component[64];
};

void mig_layout_read(const struct mig_party *p, struct mig_layout *ret);

bool mig_layout_is_equal(const struct mig_component *a, const struct mig_component *b);

/* Where the area of @xcr0 ends in its standard form. */
uint64_t mig_layout_end(const struct mig_layout *l, uint64_t xcr0);

/* The word that holds the bit of a component: XCR0 or XSS, low or high half. */
struct mig_reg mig_layout_home(unsigned component, bool supervisor);

static inline uint64_t mig_layout_all(const struct mig_layout *l)
{
    return l->xcr0 | l->xss;
}
