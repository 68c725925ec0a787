/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plan/course.h: how pre-copy goes.  Round 1 sends all memory, each further one
 * what was written while the last was sent, until the rest fits into the
 * downtime.  Every page counts as sent whole: an upper bound where pages are zero.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* More is no end that anybody waits for. */
#define MIG_COURSE_ROUNDS_MAX 100
/* What cures aim at. */
#define MIG_COURSE_ROUNDS_GOOD 10

struct mig_load {
    uint64_t ram_bytes, dirty_bytes_s;
    uint64_t bandwidth_bytes_s; /* not 0 */
    uint64_t downtime_ms;       /* the limit */
};

struct mig_course {
    bool converges;
    unsigned rounds;      /* from here on of a course that converges, or of its first round */
    uint64_t total_ms;    /* downtime included */
    uint64_t downtime_ms; /* without the state of devices */
    uint64_t sent_bytes;
    uint64_t rest_bytes; /* sent while the guest stands */
};

struct mig_course mig_course_predict(const struct mig_load *load);

/* The bandwidth with which it ends in a good number of rounds; never 0. */
uint64_t mig_course_bandwidth(const struct mig_load *load);

/* Steps of auto-converge in percent. */
struct mig_throttle {
    unsigned initial, increment, max;
};

/* The first step that makes it end so; 0: none does. */
unsigned mig_course_throttle(const struct mig_load *load, const struct mig_throttle *steps);
