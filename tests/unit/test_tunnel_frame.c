/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/tunnel_frame.h"

#include "support/check.h"

#include "support/spelled.h"

CHECK_TEST(a_prefix_is_read_and_held_against_its_bounds)
{
    static const struct {
        const char *label, *words;
        enum mig_tunnel_state state;
        unsigned kind;
        size_t len;
        const char *says;
    } cases[] = {
        {"nothing",       "",              MIG_TUNNEL_PARTIAL, 0,                  0,       ""                                      },
        {"half",          "1:4 2:0 1:0",   MIG_TUNNEL_PARTIAL, 0,                  0,       ""                                      },
        {"data",          "1:4 4:1",       MIG_TUNNEL_WHOLE,   MIG_TUNNEL_DATA,    1,       ""                                      },
        {"largest data",  "1:4 4:1048576", MIG_TUNNEL_WHOLE,   MIG_TUNNEL_DATA,    1048576, ""                                      },
        {"data too long", "1:4 4:1048577", MIG_TUNNEL_BAD,     0,                  0,
         "DATA of 1048577 bytes, expected 1 to 1048576"                                                                             },
        {"no data",       "1:4 4:0",       MIG_TUNNEL_BAD,     0,                  0,       "DATA of 0 bytes, expected 1 to 1048576"},
        {"end",           "1:5 4:0",       MIG_TUNNEL_WHOLE,   MIG_TUNNEL_END,     0,       ""                                      },
        {"long end",      "1:5 4:1",       MIG_TUNNEL_BAD,     0,                  0,       "END of 1 bytes, expected 0 to 0"       },
        {"hello",         "1:1 4:24",      MIG_TUNNEL_WHOLE,   MIG_TUNNEL_HELLO,   24,      ""                                      },
        {"short hello",   "1:1 4:23",      MIG_TUNNEL_BAD,     0,                  0,       "HELLO of 23 bytes, expected 24 to 24"  },
        {"verdict",       "1:3 4:512",     MIG_TUNNEL_WHOLE,   MIG_TUNNEL_VERDICT, 512,     ""                                      },
        {"long check",    "1:6 4:65537",   MIG_TUNNEL_BAD,     0,                  0,
         "CHECK of 65537 bytes, expected 0 to 65536"                                                                                },
        {"kind 0",        "1:0 4:1",       MIG_TUNNEL_BAD,     0,                  0,       "frame of kind 0, expected 1 to 7"      },
        {"kind 8",        "1:8 4:1",       MIG_TUNNEL_BAD,     0,                  0,       "frame of kind 8, expected 1 to 7"      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        struct mig_tunnel_frame f = {.len = 0};
        struct mig_error err = {0};

        check_number(c->label, c->state, mig_tunnel_frame_next(b.items, b.len, &f, &err));
        check_number(c->label, c->kind, f.kind);
        check_number(c->label, c->len, f.len);
        check_text(c->label, c->says, err.msg);
    }
}

CHECK_TEST(a_prefix_that_is_written_is_read_again)
{
    static const struct mig_tunnel_frame cases[] = {
        {MIG_TUNNEL_DATA, NULL, MIG_TUNNEL_BODY_MAX},
        {MIG_TUNNEL_END,  NULL, 0                  },
        {MIG_TUNNEL_DONE, NULL, 257                },
    };

    CHECK_EACH (c, cases) {
        unsigned char prefix[MIG_TUNNEL_PREFIX];
        struct mig_tunnel_frame f;
        struct mig_error err = {0};

        mig_tunnel_frame_prefix(c->kind, c->len, prefix);
        check_number("state", MIG_TUNNEL_WHOLE,
                     mig_tunnel_frame_next(prefix, sizeof prefix, &f, &err));
        check_number("kind", c->kind, f.kind);
        check_number("len", c->len, f.len);
    }
}

CHECK_TEST(a_hello_says_which_channel_of_which_session)
{
    static const struct {
        const char *label, *words, *says;
    } cases[] = {
        {"main alone",    "2:1 =sixteen-of-bytes 2:0 2:1 2:0",     ""                              },
        {"last",          "2:1 =sixteen-of-bytes 2:255 2:256 2:0", ""                              },
        {"version",       "2:2 =sixteen-of-bytes 2:0 2:1 2:0",     "HELLO of version 2, expected 1"},
        {"no channel",    "2:1 =sixteen-of-bytes 2:0 2:0 2:0",
         "HELLO of channel 0 of 0, expected less than"                                             },
        {"beyond",        "2:1 =sixteen-of-bytes 2:2 2:2 2:0",
         "HELLO of channel 2 of 2, expected less than"                                             },
        {"too many",      "2:1 =sixteen-of-bytes 2:2 2:257 2:0",
         "HELLO of channel 2 of 257, expected less"                                                },
        {"something new", "2:1 =sixteen-of-bytes 2:0 2:1 2:1",
         "HELLO ends with 0x0001, expected 0"                                                      },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        const struct mig_tunnel_frame f = {MIG_TUNNEL_HELLO, b.items, b.len};
        unsigned char again[MIG_TUNNEL_HELLO_BYTES];
        struct mig_tunnel_hello hello;
        struct mig_error err = {0};
        bool done;

        check_number(c->label, MIG_TUNNEL_HELLO_BYTES, b.len);
        done = mig_tunnel_hello_decode(&f, &hello, &err);
        check_number(c->label, c->says[0] == '\0', done);
        check_contains(c->label, c->says, err.msg);
        if (done) {
            mig_tunnel_hello_encode(&hello, again);
            check_true(c->label, memcmp(again, b.items, sizeof again) == 0);
        }
    }
}

CHECK_TEST(a_verdict_is_yes_or_says_why_not)
{
    static const struct {
        const char *label, *words;
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"yes",            "1:0",         MIG_OK,     ""                                                },
        {"no",             "1:4 =late",   MIG_TRUST,  "peer refused: late"                              },
        {"no, silent",     "1:4",         MIG_TRUST,  "peer refused: no reason given"                   },
        {"no, in colours", "1:4 #1b5b6d", MIG_TRUST,  "peer refused: ?[m"                               },
        {"yes, but",       "1:0 =but",    MIG_FORMAT, "VERDICT of code 0 with 3 bytes, expected 0 alone"},
        {"unknown code",   "1:99",        MIG_FORMAT, "VERDICT of code 99 with 0 bytes, expected"       },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        const struct mig_tunnel_frame f = {MIG_TUNNEL_VERDICT, b.items, b.len};
        struct mig_error err = {0};

        check_number(c->label, c->code == MIG_OK, mig_tunnel_verdict_decode(&f, &err));
        check_number(c->label, c->code, err.code);
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_TEST(a_verdict_that_is_written_is_read_again)
{
    unsigned char bytes[1 + MIG_TUNNEL_REASON_MAX];
    struct mig_tunnel_frame f = {.kind = MIG_TUNNEL_VERDICT, .bytes = bytes};
    struct mig_error why, err = {0};

    f.len = mig_tunnel_verdict_encode(NULL, bytes);
    check_done("yes", mig_tunnel_verdict_decode(&f, &err), &err);
    (void)mig_fail(&why, MIG_STALE, "%0600d", 0);
    f.len = mig_tunnel_verdict_encode(&why, bytes);
    check_number("all of the text", 512, f.len);
    check_true("no", !mig_tunnel_verdict_decode(&f, &err));
    check_number("code", MIG_STALE, err.code);
    check_contains("text", "peer refused: 000", err.msg);
}

CHECK_MAIN(cmocka_unit_test(a_prefix_is_read_and_held_against_its_bounds),
           cmocka_unit_test(a_prefix_that_is_written_is_read_again),
           cmocka_unit_test(a_hello_says_which_channel_of_which_session),
           cmocka_unit_test(a_verdict_is_yes_or_says_why_not),
           cmocka_unit_test(a_verdict_that_is_written_is_read_again))
