/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base/nearest.h: what somebody may have meant: the known words with the
 * fewest slips of the finger in between (a letter missing, too many, wrong, or
 * two swapped).
 */
#pragma once

#include <stddef.h>

struct mig_text;

#define MIG_NEAREST_MAX 3

struct mig_nearest {
    const char *word; /* borrowed, as are the candidates */
    size_t len;
    const char *best[MIG_NEAREST_MAX]; /* best first, of equals the first */
    unsigned far[MIG_NEAREST_MAX];
    size_t best_len;
};

void mig_nearest_init(struct mig_nearest *n, const char *word);
void mig_nearest_offer(struct mig_nearest *n, const char *candidate);

/* Add "; did you mean a, b or c?", nothing when nothing is near. */
void mig_nearest_print(const struct mig_nearest *n, struct mig_text *t);
