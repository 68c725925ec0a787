/* SPDX-License-Identifier: Apache-2.0 */
#include "plan/course.h"

#include "base/error.h"

static double least(double a, double b)
{
    return a < b ? a : b;
}

/* Rounds until the rest fits or grows; @ret_rest is what the last one left. */
static unsigned run(const struct mig_load *load, double *ret_s, double *ret_sent, double *ret_rest)
{
    const double ram = (double)load->ram_bytes, bandwidth = (double)load->bandwidth_bytes_s;
    const double fits = bandwidth * (double)load->downtime_ms / 1000;
    double rest = ram, before;
    unsigned rounds = 0;

    *ret_s = 0;
    *ret_sent = 0;
    do {
        before = rest;
        *ret_s += rest / bandwidth;
        *ret_sent += rest;
        rest = least(ram, (double)load->dirty_bytes_s * rest / bandwidth);
        rounds++;
    } while (rest > fits && rest < before && rounds < MIG_COURSE_ROUNDS_MAX);
    *ret_rest = rest;
    return rounds;
}

struct mig_course mig_course_predict(const struct mig_load *load)
{
    const double bandwidth = (double)load->bandwidth_bytes_s;
    double s, sent, rest;
    struct mig_course c = {.converges = false};

    MIG_ASSERT(load->bandwidth_bytes_s > 0);
    c.rounds = run(load, &s, &sent, &rest);
    c.converges = rest <= bandwidth * (double)load->downtime_ms / 1000;
    if (!c.converges) {
        c.rounds = 1;
        s = (double)load->ram_bytes / bandwidth;
        sent = (double)load->ram_bytes;
        rest = least(sent, (double)load->dirty_bytes_s * s);
    }
    c.downtime_ms = (uint64_t)(rest / bandwidth * 1000);
    c.total_ms = (uint64_t)((s + rest / bandwidth) * 1000);
    c.sent_bytes = (uint64_t)(sent + rest);
    c.rest_bytes = (uint64_t)rest;
    return c;
}

static bool is_good(struct mig_load load)
{
    const struct mig_course c = mig_course_predict(&load);

    return c.converges && c.rounds <= MIG_COURSE_ROUNDS_GOOD;
}

/* A faster link never needs more rounds: halve the interval. */
uint64_t mig_course_bandwidth(const struct mig_load *load)
{
    struct mig_load l = *load;
    uint64_t low = 0, high = 1;

    for (l.bandwidth_bytes_s = high; !is_good(l) && high < UINT64_MAX / 2;) {
        low = high;
        high *= 2;
        l.bandwidth_bytes_s = high;
    }
    while (high - low > 1) {
        l.bandwidth_bytes_s = low + (high - low) / 2;
        if (is_good(l)) {
            high = l.bandwidth_bytes_s;
        } else {
            low = l.bandwidth_bytes_s;
        }
    }
    return high;
}

unsigned mig_course_throttle(const struct mig_load *load, const struct mig_throttle *steps)
{
    struct mig_load l = *load;

    for (unsigned t = steps->initial;
         t <= steps->max && t<100; t += steps->increment> 0 ? steps->increment : 100) {
        l.dirty_bytes_s = load->dirty_bytes_s / 100 * (100 - t);
        if (is_good(l)) {
            return t;
        }
    }
    return 0;
}
