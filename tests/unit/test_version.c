/* SPDX-License-Identifier: Apache-2.0 */
#include "compat/version.h"

#include "support/check.h"

static int sign(int n)
{
    return (n > 0) - (n < 0);
}

CHECK_TEST(the_upstream_number_decides)
{
    static const struct {
        const char *label, *a, *b;
        int expected;
    } cases[] = {
        {"numbers, not text",         "9.2.0",                                                       "10.0.2",               -1},
        {"numbers of many digits",    "6.1.172",                                                     "6.1.99",               1 },
        {"missing parts are zero",    "10.0",                                                        "10.0.0",               0 },
        {"more parts are later",      "10.0",                                                        "10.0.0.1",             -1},
        {"epoch of a package",        "1:7.2+dfsg-7",                                                "7.2",                  0 },
        {"epoch does not count",      "1:7.2+dfsg-7",                                                "2:7.1",                1 },
        {"build of a distribution",   "6.12.107+deb12-amd64",                                        "6.12.107",             0 },
        {"its counter",               "6.1.0-56-cloud-amd64",                                        "6.1.0-30-amd64",       0 },
        {"kernel of Amazon",          "5.10.255-253.1008.amzn2.x86_64",                              "6.1.172-216.amzn",     -1},
        {"kernel of an enterprise",   "5.14.0-570.12.1.el9_6.x86_64",                                "5.18",                 -1},
        {"candidate",                 "6.13-rc1",                                                    "6.13",                 -1},
        {"candidate behind a dot",    "10.0.rc1",                                                    "10.0",                 -1},
        {"zero in front",             "0.10",                                                        "1.0",                  -1},
        {"candidate with patch",      "6.13.0-rc1+",                                                 "6.12.99",              1 },
        {"candidate of a package",    "10.0.0~rc2+ds-1",                                             "10.0.0",               -1},
        {"two candidates",            "10.0.0-rc1",                                                  "10.0.0-rc2",           0 },
        {"development build",         "1.16.0-dev",                                                  "1.16.0",               -1},
        {"letter in front",           "v52.0",                                                       "51.1",                 1 },
        {"sentence of QEMU",          "QEMU emulator version 9.1.0 (qemu-kvm-9.1.0-15.el9)",         "10.0",                 -1},
        {"its package is no version", "QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)",
         "7.2.22",                                                                                                           0 },
        {"sentence of libvirt",       "libvirtd (libvirt) 10.0.0",                                   "9.10.0",               1 },
        {"sentence of a VMM",         "cloud-hypervisor v48.0-12-gabcdef",                           "48.0",                 0 },
        {"microcode",                 "0xd000421",                                                   "0xd000404",            1 },
        {"microcode, capitals",       "0x2B000620",                                                  "0x2b000620",           0 },
        {"nothing is earlier",        "",                                                            "0",                    -1},
        {"words are nothing",         "rolling release",                                             "",                     0 },
        {"a digit inside a word",     "amzn2",                                                       "1",                    -1},
        {"beyond 64 bits",            "99999999999999999999999",                                     "18446744073709551615", 0 },
        {"more parts than are kept",  "1.2.3.4.5.6.7",                                               "1.2.3.4.5.6.8",        0 },
        {"dot at the end",            "10.",                                                         "10",                   0 },
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, (uint64_t)(c->expected + 1),
                     (uint64_t)(sign(mig_version_compare(c->a, c->b)) + 1));
        check_number(c->label, (uint64_t)(1 - c->expected),
                     (uint64_t)(sign(mig_version_compare(c->b, c->a)) + 1));
    }
}

CHECK_TEST(no_text_is_no_version)
{
    struct mig_version v;

    check_true("NULL", !mig_version_parse(NULL, &v));
    check_true("empty", !mig_version_parse("", &v));
    check_true("words", !mig_version_parse("QEMU emulator", &v));
    check_number("NULL is NULL", 0, (uint64_t)mig_version_compare(NULL, NULL));
    check_true("NULL is earlier", mig_version_compare(NULL, "0") < 0);
}

CHECK_MAIN(cmocka_unit_test(the_upstream_number_decides), cmocka_unit_test(no_text_is_no_version))
