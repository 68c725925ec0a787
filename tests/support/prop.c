/* SPDX-License-Identifier: Apache-2.0 */
#include "support/prop.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/text.h"
#include "support/check.h"

static uint64_t number_from(const char *variable, uint64_t max, uint64_t fallback)
{
    const char *text = getenv(variable);
    uint64_t value = fallback;

    if (text != NULL && *text != '\0' && !mig_text_to_u64(text, max, &value)) {
        fail_msg("%s=%s: expected a number up to %" PRIu64, variable, text, max);
    }
    return value;
}

/* splitmix64: every state is a good one, so a seed may be any number. */
uint64_t prop_next(struct prop *p)
{
    uint64_t z = p->state += 0x9e3779b97f4a7c15;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

void prop_init(struct prop *p, const char *label)
{
    uint64_t seed = 0;

    if (getrandom(&seed, sizeof seed, 0) != (ssize_t)sizeof seed) {
        fail_msg("%s: no random numbers", label);
    }
    seed = number_from("MIG_SEED", UINT64_MAX, seed);
    print_message("%s: MIG_SEED=%" PRIu64 " replays this run\n", label, seed);
    p->state = seed;
    for (const char *c = label; *c != '\0'; c++) {
        p->state = prop_next(p) ^ (unsigned char)*c;
    }
}

uint64_t prop_below(struct prop *p, uint64_t n)
{
    return prop_next(p) % n;
}

bool prop_once_in(struct prop *p, uint64_t n)
{
    return prop_below(p, n) == 0;
}

unsigned prop_runs(unsigned fallback)
{
    return (unsigned)number_from("MIG_RUNS", 1000000000, fallback);
}
