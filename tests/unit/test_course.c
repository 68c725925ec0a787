/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "plan/course.h"

#define MB 1000000ull

CHECK_TEST(rounds_time_and_downtime_follow_from_the_numbers)
{
    static const struct {
        const char *label;
        struct mig_load load; /* memory, written, link, limit */
        unsigned rounds;
        uint64_t total_ms, downtime_ms, sent_bytes;
    } cases[] = {
        {"halves each round",       {1000 * MB, 50 * MB, 100 * MB, 1000}, 4, 19375, 625, 1937500000},
        {"writes nothing",          {1000 * MB, 0, 100 * MB, 300},        1, 10000, 0,   1000 * MB },
        {"all fits the downtime",   {10 * MB, 9000 * MB, 100 * MB, 300},  1, 200,   100, 20 * MB   },
        {"no downtime but nothing", {100 * MB, 0, 100 * MB, 0},           1, 1000,  0,   100 * MB  },
    };

    CHECK_EACH (c, cases) {
        const struct mig_course got = mig_course_predict(&c->load);

        check_true(c->label, got.converges);
        check_number(c->label, c->rounds, got.rounds);
        check_number(c->label, c->total_ms, got.total_ms);
        check_number(c->label, c->downtime_ms, got.downtime_ms);
        check_number(c->label, c->sent_bytes, got.sent_bytes);
    }
}

CHECK_TEST(a_guest_that_writes_as_fast_as_the_link_never_gets_over)
{
    static const struct mig_load cases[] = {
        {1000 * MB, 100 * MB, 100 * MB, 300}, /* as fast */
        {1000 * MB, 900 * MB, 100 * MB, 300}, /* faster */
        {1000 * MB, 99 * MB,  100 * MB, 1  }, /* in more rounds than anybody waits for */
        {1000 * MB, 50 * MB,  100 * MB, 0  }, /* may not stand at all */
    };

    CHECK_EACH (c, cases) {
        check_true("converges", !mig_course_predict(c).converges);
    }
}

CHECK_TEST(the_wanted_bandwidth_is_the_least_that_will_do)
{
    struct mig_load load = {1000 * MB, 120 * MB, 100 * MB, 300};
    const uint64_t wanted = mig_course_bandwidth(&load);
    struct mig_course c;

    check_true("more than is written", wanted > load.dirty_bytes_s);
    load.bandwidth_bytes_s = wanted;
    c = mig_course_predict(&load);
    check_true("converges", c.converges && c.rounds <= MIG_COURSE_ROUNDS_GOOD);
    load.bandwidth_bytes_s = wanted - 1;
    c = mig_course_predict(&load);
    check_true("less does not", !c.converges || c.rounds > MIG_COURSE_ROUNDS_GOOD);
}

CHECK_TEST(auto_converge_helps_at_one_of_its_steps_or_not)
{
    static const struct mig_throttle usual = {20, 10, 99}, weak = {20, 10, 40}, one = {20, 0, 99};
    const struct mig_load load = {1000 * MB, 120 * MB, 100 * MB, 300};
    const struct mig_load wild = {1000 * MB, 100000 * MB, 100 * MB, 300};

    /* 1000 MB x 0.6^n fits 30 MB in 7 rounds, x 0.72^n in 11 */
    check_number("usual", 50, mig_course_throttle(&load, &usual));
    check_number("weak", 0, mig_course_throttle(&load, &weak));
    check_number("one step", 0, mig_course_throttle(&load, &one));
    check_number("wild", 0, mig_course_throttle(&wild, &usual));
}

CHECK_MAIN(cmocka_unit_test(rounds_time_and_downtime_follow_from_the_numbers),
           cmocka_unit_test(a_guest_that_writes_as_fast_as_the_link_never_gets_over),
           cmocka_unit_test(the_wanted_bandwidth_is_the_least_that_will_do),
           cmocka_unit_test(auto_converge_helps_at_one_of_its_steps_or_not))
