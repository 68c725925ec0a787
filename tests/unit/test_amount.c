/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "plan/amount.h"

CHECK_TEST(rates_are_read_as_people_write_them)
{
    static const struct {
        const char *text;
        bool bits;
        uint64_t bytes;
    } cases[] = {
        {"10G",      true,  1250000000   },
        {"10Gbit/s", false, 1250000000   },
        {"1.5G",     true,  187500000    },
        {"1250MB",   true,  1250000000   },
        {"400M",     false, 400000000    },
        {"64MiB/s",  false, 67108864     },
        {"8",        true,  1            },
        {"100k",     false, 100000       },
        {"2TB",      false, 2000000000000},
    };

    CHECK_EACH (c, cases) {
        uint64_t got = 0;

        check_true(c->text, mig_amount_parse(c->text, c->bits, &got));
        check_number(c->text, c->bytes, got);
    }
}

CHECK_TEST(what_is_no_rate_is_refused)
{
    static const char *const cases[] = {"",
                                        "G",
                                        "-1G",
                                        "1e9",
                                        "0",
                                        "10X",
                                        "10 G",
                                        ".5G",
                                        "1.G",
                                        "1..2",
                                        "10Gi/",
                                        "10GBit",
                                        "10Gb",
                                        "4",
                                        "inf",
                                        "nan",
                                        "9999999999999999",
                                        "999999T"};

    CHECK_EACH (c, cases) {
        uint64_t got = 77;

        check_true(*c, !mig_amount_parse(*c, true, &got));
        check_number(*c, 77, got);
    }
}

CHECK_TEST(amounts_and_times_are_shown_in_three_digits)
{
    static const struct {
        uint64_t n;
        const char *bytes, *ms;
    } cases[] = {
        {0,       "0 B",    "0 ms"     },
        {999,     "999 B",  "999 ms"   },
        {1500,    "1.5 kB", "1.5 s"    },
        {65000,   "65 kB",  "1 min 5 s"},
        {3900000, "3.9 MB", "1 h 5 min"},
    };

    CHECK_EACH (c, cases) {
        char got[MIG_AMOUNT_MAX];

        mig_amount_print(c->n, got);
        check_text("bytes", c->bytes, got);
        mig_amount_print_ms(c->n, got);
        check_text("ms", c->ms, got);
    }
}

CHECK_MAIN(cmocka_unit_test(rates_are_read_as_people_write_them),
           cmocka_unit_test(what_is_no_rate_is_refused),
           cmocka_unit_test(amounts_and_times_are_shown_in_three_digits))
