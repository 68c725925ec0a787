/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/frame.h"

#include "support/check.h"

#include "wire/message.h"

CHECK_TEST(a_prefix_is_read_before_its_body)
{
    static const struct {
        const char *label, *bytes;
        size_t len;
        enum mig_frame_state state;
        size_t body;
        const char *says;
    } cases[] = {
        {"nothing",          "",                 0, MIG_FRAME_PARTIAL, 0, ""                         },
        {"half a prefix",    "\0\0\0",           3, MIG_FRAME_PARTIAL, 0, ""                         },
        {"no body yet",      "\0\0\0\2",         4, MIG_FRAME_PARTIAL, 0, ""                         },
        {"half a body",      "\0\0\0\2a",        5, MIG_FRAME_PARTIAL, 0, ""                         },
        {"whole",            "\0\0\0\2ab",       6, MIG_FRAME_WHOLE,   2, ""                         },
        {"whole and more",   "\0\0\0\2abcd",     8, MIG_FRAME_WHOLE,   2, ""                         },
        {"largest, no body", "\0\x10\0\0",       4, MIG_FRAME_PARTIAL, 0, ""                         },
        {"empty",            "\0\0\0\0",         4, MIG_FRAME_BAD,     0, "frame of 0 bytes"         },
        {"one too large",    "\0\x10\0\1",       4, MIG_FRAME_BAD,     0,
         "frame of 1048577 bytes, at most 1048576"                                                   },
        {"top bit",          "\xff\xff\xff\xff", 4, MIG_FRAME_BAD,     0, "frame of 4294967295 bytes"},
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        size_t body = 0;

        check_number(c->label, c->state,
                     mig_frame_next((const unsigned char *)c->bytes, c->len, &body, &err));
        check_number(c->label, c->body, body);
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_TEST(a_prefix_that_is_written_is_read_again)
{
    static const size_t cases[] = {1, 255, 256, 65535, 65536, MIG_FRAME_MAX};
    static unsigned char frame[MIG_FRAME_PREFIX + MIG_FRAME_MAX];

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        size_t body = 0;

        mig_frame_prefix(*c, frame);
        check_number("state", MIG_FRAME_WHOLE,
                     mig_frame_next(frame, MIG_FRAME_PREFIX + *c, &body, &err));
        check_number("body", *c, body);
        check_number("one byte less", MIG_FRAME_PARTIAL,
                     mig_frame_next(frame, MIG_FRAME_PREFIX + *c - 1, &body, &err));
    }
}

CHECK_MAIN(cmocka_unit_test(a_prefix_is_read_before_its_body),
           cmocka_unit_test(a_prefix_that_is_written_is_read_again))
