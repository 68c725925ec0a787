/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/prop.h: a seeded generator for property tests.  Each run prints its
 * seed; MIG_SEED=<seed> replays it, MIG_RUNS=<n> sets how many cases are tried.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct prop {
    uint64_t state;
};

/* Two labels give two unrelated streams of one seed.  Prints the seed. */
void prop_init(struct prop *p, const char *label);

uint64_t prop_next(struct prop *p);

/* 0 .. @n - 1; @n is not 0. */
uint64_t prop_below(struct prop *p, uint64_t n);

/* True once in @n calls, on average. */
bool prop_once_in(struct prop *p, uint64_t n);

/* MIG_RUNS, else @fallback; empty is not set. */
unsigned prop_runs(unsigned fallback);
