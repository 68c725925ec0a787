/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/sheet.h: all rows of one register at a glance: which of its bits go by
 * which kind of rule.  Whole words are judged and merged by it at once; only
 * fields that the masks point at are looked at one by one.  Made from the
 * table before main() starts, const from then on.
 */
#pragma once

#include "cpu/field.h"

struct mig_sheet {
    /* How the bits are judged and merged; no bit is in two of these. */
    uint64_t all;    /* one by one, set where every host has it */
    uint64_t any;    /* one by one, set where some host has it */
    uint64_t zero;   /* never set */
    uint64_t number; /* by value: equal ones are fine and stay as they are */
    uint64_t donor;  /* taken over from one host */

    uint64_t classified; /* bits that some row covers: all of the above */
    uint64_t apart;      /* what no field alone tells: constraints judge it */
    uint64_t compared;   /* what may tell two hosts apart */
    uint64_t on, opt_in; /* what new profiles show, and may show */
    uint64_t flags;      /* of fields that a feature list would name */
    uint64_t lows;       /* the lowest bit of each row */
    uint32_t opt_ins;    /* names of all opt-ins here (mig_opt_in_mask) */
    uint16_t span, len;
    uint64_t first; /* key of the first subleaf; @span more share the rows */
    const struct mig_field *rows;
};

/* Never NULL: a register without rows has a sheet without bits. */
const struct mig_sheet *mig_sheet_of(uint64_t key);

/* Bits in which a guest that was shown @guest may miss something where @host
 * is shown; 0: nothing in the whole word.  Bits without a row count when the
 * guest has them. */
static inline uint64_t mig_sheet_doubts(const struct mig_sheet *s, uint64_t guest, uint64_t host)
{
    uint64_t doubts = (guest & ~host & s->all) | (host & ~guest & s->any) | (guest & s->zero) |
                      ((guest ^ host) & s->number);

    return (doubts & ~s->apart) | (guest & ~s->classified);
}

/* The row that covers @bit, which is classified. */
static inline const struct mig_field *mig_sheet_row(const struct mig_sheet *s, unsigned bit)
{
    return &s->rows[__builtin_popcountll(s->lows << (63 - bit)) - 1];
}

/* One bit per opt-in name; 0: no row has an opt-in of that name. */
uint32_t mig_opt_in_mask(const char *name);
/* The bit of @f's opt-in, 0 when it has none. */
uint32_t mig_field_opt_in(const struct mig_field *f);
