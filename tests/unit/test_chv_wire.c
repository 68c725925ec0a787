/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_wire.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/text.h"
#include "support/check.h"

#define ANY (~0u)
#define HEAD(command, version, len) command "\0" version "\0\0\0\0\0" len "\0\0\0\0\0\0"
#define OK_HEAD "\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define ERROR_HEAD "\2\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
#define U64(low) low "\0\0\0\0\0\0\0"

struct stream {
    const char *bytes;
    size_t len;
};
#define S(text)                                                                                    \
    {                                                                                              \
        text, sizeof(text) - 1                                                                     \
    }

static void add_event(struct mig_text *t, const struct mig_chv_reader *r, enum mig_chv_event event,
                      size_t used)
{
    if (event == MIG_CHV_ROLE) {
        mig_text_addf(t, "role%d ", (int)r->role);
    } else if (event == MIG_CHV_MESSAGE && r->answers) {
        mig_text_addf(t, "%s ", r->status == MIG_CHV_OK ? "ok" : "error");
    } else if (event == MIG_CHV_MESSAGE) {
        mig_text_addf(t, "%s:%zu ", mig_chv_command_name(r->command), r->payload_len);
    } else if (event == MIG_CHV_CONTENT) {
        mig_text_addf(t, "%zu ", used);
    }
}

/* Everything in pieces of @step, told as one text; the last word says whether
 * the stream ends between two messages. */
static char *read_all(struct mig_chv_reader *r, struct stream s, size_t step)
{
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    struct mig_error err = {0};

    for (size_t at = 0; at < s.len;) {
        size_t len = s.len - at < step ? s.len - at : step, used;
        enum mig_chv_event event =
            mig_chv_reader_next(r, (const unsigned char *)s.bytes + at, len, &used, &err);

        if (event == MIG_CHV_BAD) {
            mig_text_add(&t, err.msg);
            return mig_steal(&t.items);
        }
        add_event(&t, r, event, used);
        at += used;
    }
    mig_text_add(&t, mig_chv_reader_is_between(r) ? "." : "cut");
    return mig_steal(&t.items);
}

/* 16 pages from 0x1000, then a hole, then 16 from 0x20000. */
static struct mig_chv_ram small_ram(void)
{
    struct mig_chv_ram ram = {0};
    struct mig_error err;

    mig_chv_ram_add(&ram, (struct mig_chv_range){0x20000, 0x10000});
    mig_chv_ram_add(&ram, (struct mig_chv_range){0x1000, 0x8000});
    mig_chv_ram_add(&ram, (struct mig_chv_range){0x9000, 0x8000});
    check_done("ram", mig_chv_ram_finish(&ram, &err), &err);
    check_number("neighbours are one", 2, ram.len);
    return ram;
}

/* The bytes that Cloud Hypervisor v53 sends. */
CHECK_TEST(heads_are_the_bytes_of_the_protocol)
{
    static const unsigned char start[16] = {1}, config[16] = {2, 0, 0, 0, 0, 0, 0, 0, 0x34, 0x12};
    static const unsigned char good[16] = {1}, bad[16] = {2};
    static const unsigned char abandon[16] = {6}, fd[16] = {7, 0, 0, 0, 0, 0, 0, 0, 4};
    unsigned char got[16], role[2];

    mig_chv_request_put(MIG_CHV_START, 0, got);
    assert_memory_equal(start, got, 16);
    mig_chv_request_put(MIG_CHV_CONFIG, 0x1234, got);
    assert_memory_equal(config, got, 16);
    mig_chv_request_put(MIG_CHV_ABANDON, 0, got);
    assert_memory_equal(abandon, got, 16);
    mig_chv_request_put(MIG_CHV_MEMORY_FD, 4, got);
    assert_memory_equal(fd, got, 16);
    mig_chv_answer_put(MIG_CHV_OK, 0, got);
    assert_memory_equal(good, got, 16);
    mig_chv_answer_put(MIG_CHV_ERROR, 0, got);
    assert_memory_equal(bad, got, 16);
    mig_chv_role_put(MIG_CHV_FAULTS, role);
    assert_memory_equal("\2", role, 2);
}

CHECK_TEST(requests_are_read_in_pieces_of_any_size)
{
    /* clang-format off */
    static const struct {
        const char *label;
        enum mig_chv_role role;
        struct stream stream;
        const char *whole, *bytewise; /* content comes in as many pieces as the bytes do */
    } cases[] = {
        {"start",     MIG_CHV_MAIN,        S(HEAD("\1", "\0", "\0\0")),                       "Start:0 .",           NULL},
        {"config",    MIG_CHV_MAIN,        S(HEAD("\2", "\0", "\3\0") "{ }"),                 "Config:3 .",          NULL},
        {"cut off",   MIG_CHV_MAIN,        S(HEAD("\2", "\0", "\3\0") "{ "),                  "cut",                 NULL},
        {"half head", MIG_CHV_MAIN,        S("\2\0\0"),                                       "cut",                 NULL},
        {"state",     MIG_CHV_MAIN,        S(HEAD("\3", "\0", "\2\0") "{}"),                  "State:2 .",           NULL},
        {"two",       MIG_CHV_MAIN,        S(HEAD("\3", "\0", "\2\0") "{}" HEAD("\5", "\0", "\0\0")),
                                                                                              "State:2 Complete:0 .", NULL},
        {"a slot",    MIG_CHV_MAIN,        S(HEAD("\7", "\0", "\4\0") "\1\0\0\0"),            "MemoryFd:4 .",        NULL},
        {"paused",    MIG_CHV_MAIN,        S(HEAD("\10", "\0", "\0\0")),                      "CompletePaused:0 .",  NULL},
        {"abandon",   MIG_CHV_MAIN,        S(HEAD("\6", "\0", "\0\0")),                       "Abandon:0 .",         NULL},
        {"memory",    MIG_CHV_MAIN,
         S(HEAD("\4", "\0", "\40\0") "\0\x10\0\0\0\0\0\0" U64("\2") "\0\x20\0\0\0\0\0\0" U64("\1") "abc"),
                                                                                              "Memory:32 3 .",       "Memory:32 1 1 1 ."},
        {"cut memory", MIG_CHV_MAIN,
         S(HEAD("\4", "\0", "\20\0") "\0\x10\0\0\0\0\0\0" U64("\3") "ab"),                    "Memory:16 2 cut",     "Memory:16 1 1 cut"},
        {"extra",     MIG_CHV_MEMORY_ONLY,
         S("\1\0" HEAD("\4", "\0", "\20\0") "\0\x10\0\0\0\0\0\0" U64("\1") "a"),              "role1 Memory:16 1 .", NULL},
        {"faults",    MIG_CHV_MEMORY_ONLY, S("\2\0"),                                         "role2 .",             NULL},
        {"half role", MIG_CHV_MEMORY_ONLY, S("\2"),                                           "cut",                 NULL},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_chv_ram ram = small_ram();

        for (size_t step = 1; step <= c->stream.len; step++) {
            struct mig_chv_reader r = {
                .role = c->role, .commands = ANY, .state_max = 100, .ram = &ram};
            MIG_AUTO(mig_free) char *got = read_all(&r, c->stream, step);

            if (step == 1 || step == c->stream.len) {
                check_text(c->label, step == 1 && c->bytewise != NULL ? c->bytewise : c->whole,
                           got);
            }
            mig_chv_reader_clear(&r);
        }
        mig_chv_ram_clear(&ram);
    }
}

CHECK_TEST(what_is_malformed_or_too_long_is_refused_by_name)
{
    /* clang-format off */
    static const struct {
        const char *label;
        enum mig_chv_role role;
        unsigned commands;
        struct stream stream;
        const char *says;
    } cases[] = {
        {"invalid",        MIG_CHV_MAIN, ANY, S(HEAD("\0", "\0", "\0\0")),          "command 0 is none that is known"},
        {"unknown",        MIG_CHV_MAIN, ANY, S(HEAD("\12", "\0", "\0\0")),         "command 10 is none that is known"},
        {"high byte",      MIG_CHV_MAIN, ANY, S("\1\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0"), "command 257 is none that is known"},
        {"version",        MIG_CHV_MAIN, ANY, S(HEAD("\1", "\1", "\0\0")),          "Start: protocol version 1, expected 0"},
        {"unknown head",   MIG_CHV_MAIN, ANY, S("\1\0\0\0\xaa\0\0\0\0\0\0\0\0\0\0\0"), "Start: byte 4 of the head is 0xaa, expected 0"},
        {"head of config", MIG_CHV_MAIN, ANY, S(HEAD("\2", "\1", "\1\0")),          "Config: byte 2 of the head is 0x01"},
        {"too early",      MIG_CHV_MAIN, 1u << MIG_CHV_START, S(HEAD("\2", "\0", "\1\0")), "Config at a point where it may not come"},
        {"start with payload", MIG_CHV_MAIN, ANY, S(HEAD("\1", "\0", "\1\0")),      "Start of 1 bytes, at most 0"},
        {"empty config",   MIG_CHV_MAIN, ANY, S(HEAD("\2", "\0", "\0\0")),          "Config of 0 bytes, expected at least 1"},
        {"long config",    MIG_CHV_MAIN, ANY, S("\2\0\0\0\0\0\0\0\1\0\0\1\0\0\0\0"), "Config of 16777217 bytes, at most 16777216"},
        {"endless config", MIG_CHV_MAIN, ANY, S("\2\0\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), "Config of 18446744073709551615 bytes"},
        {"long state",     MIG_CHV_MAIN, ANY, S(HEAD("\3", "\0", "\145\0")),        "State of 101 bytes, at most 100"},
        {"uneven table",   MIG_CHV_MAIN, ANY, S(HEAD("\4", "\0", "\21\0")),         "Memory of 17 bytes, expected a multiple of 16"},
        {"empty table",    MIG_CHV_MAIN, ANY, S(HEAD("\4", "\0", "\0\0")),          "Memory of 0 bytes"},
        {"long table",     MIG_CHV_MAIN, ANY, S("\4\0\0\0\0\0\0\0\20\0\0\1\0\0\0\0"), "Memory of 16777232 bytes, at most 16777216"},
        {"short slot",     MIG_CHV_MAIN, ANY, S(HEAD("\7", "\0", "\3\0")),          "MemoryFd of 3 bytes, expected at least 4"},
        {"long slot",      MIG_CHV_MAIN, ANY, S(HEAD("\7", "\0", "\10\0")),         "MemoryFd of 8 bytes, at most 4"},
        {"complete with payload", MIG_CHV_MAIN, ANY, S(HEAD("\5", "\0", "\1\0")),   "Complete of 1 bytes"},
        {"fault on the main one", MIG_CHV_MAIN, ANY, S(HEAD("\11", "\0", "\20\0")), "PageFault has no place on this connection"},
        {"config on an extra", MIG_CHV_MEMORY_ONLY, ANY, S("\1\0" HEAD("\2", "\0", "\1\0")), "Config has no place on this connection"},
        {"memory of faults", MIG_CHV_MEMORY_ONLY, ANY, S("\2\0" HEAD("\4", "\0", "\20\0")), "Memory has no place on this connection"},
        {"role 0",         MIG_CHV_MEMORY_ONLY, ANY, S("\0\0"),                     "connection of role 0, expected 1 or 2"},
        {"role 3",         MIG_CHV_MEMORY_ONLY, ANY, S("\3\0"),                     "connection of role 3"},
        {"role 257",       MIG_CHV_MEMORY_ONLY, ANY, S("\1\1"),                     "connection of role 257"},
        {"memory in a hole", MIG_CHV_MAIN, ANY, S(HEAD("\4", "\0", "\20\0") "\0\0\2\0\0\0\0\0" "\1\0\1\0\0\0\0\0"),
         "Memory: 0x10001 bytes at 0x20000 are not all memory of the guest"},
        {"memory below",   MIG_CHV_MAIN, ANY, S(HEAD("\4", "\0", "\20\0") U64("\0") U64("\1")), "0x1 bytes at 0x0 are not all memory"},
        {"memory of no length", MIG_CHV_MAIN, ANY, S(HEAD("\4", "\0", "\20\0") "\0\x10\0\0\0\0\0\0" U64("\0")), "0x0 bytes at 0x1000 are no range"},
        {"memory around the end", MIG_CHV_MAIN, ANY,
         S(HEAD("\4", "\0", "\20\0") "\0\x10\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"), "are no range of memory"},
        {"memory twice",   MIG_CHV_MAIN, ANY,
         S(HEAD("\4", "\0", "\40\0") "\0\x10\0\0\0\0\0\0" U64("\2") "\1\x10\0\0\0\0\0\0" U64("\1")), "memory at 0x1001 is there twice"},
        {"twice, in no order", MIG_CHV_MAIN, ANY,
         S(HEAD("\4", "\0", "\60\0") "\0\x20\0\0\0\0\0\0" U64("\1") "\0\x10\0\0\0\0\0\0" U64("\2") "\0\x20\0\0\0\0\0\0" U64("\1")),
         "memory at 0x2000 is there twice"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_chv_ram ram = small_ram();
        struct mig_chv_reader r = {
            .role = c->role, .commands = c->commands, .state_max = 100, .ram = &ram};
        MIG_AUTO(mig_free) char *got = read_all(&r, c->stream, c->stream.len);

        check_contains(c->label, c->says, got);
        mig_chv_reader_clear(&r);
        mig_chv_ram_clear(&ram);
    }
}

CHECK_TEST(page_faults_are_asked_for_where_the_guest_has_memory)
{
    /* clang-format off */
    static const struct {
        const char *label;
        struct stream stream;
        const char *says;
    } cases[] = {
        {"a page",  S(HEAD("\11", "\0", "\20\0") "\0\x10\0\0\0\0\0\0\0\x10\0\0\0\0\0\0"), "PageFault:16 ."},
        {"abandon", S(HEAD("\6", "\0", "\0\0")),                                           "Abandon:0 ."},
        {"too long", S(HEAD("\11", "\0", "\20\0") "\0\x10\0\0\0\0\0\0\1\0\0\x40\0\0\0\0"), "PageFault: 1073741825 bytes, at most 1073741824"},
        {"a hole",  S(HEAD("\11", "\0", "\20\0") U64("\0") U64("\1")),                     "PageFault: 0x1 bytes at 0x0"},
        {"short",   S(HEAD("\11", "\0", "\10\0")),                                         "PageFault of 8 bytes"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_chv_ram ram = small_ram();
        struct mig_chv_reader r = {
            .role = MIG_CHV_FAULTS, .has_role = true, .commands = ANY, .ram = &ram};
        MIG_AUTO(mig_free) char *got = read_all(&r, c->stream, c->stream.len);

        check_contains(c->label, c->says, got);
        mig_chv_reader_clear(&r);
        mig_chv_ram_clear(&ram);
    }
}

CHECK_TEST(answers_hold_what_was_asked_for)
{
    /* clang-format off */
    static const struct {
        const char *label;
        uint64_t due;
        struct stream stream;
        const char *says;
    } cases[] = {
        {"ok",               0, S(OK_HEAD),                                           "ok ."     },
        {"error",            0, S(ERROR_HEAD),                                        "error ."  },
        {"a page",           3, S("\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0abc"),             "ok 3 ."   },
        {"half a page",      3, S("\1\0\0\0\0\0\0\0\3\0\0\0\0\0\0\0a"),               "ok 1 cut" },
        {"error for a page", 3, S(ERROR_HEAD),                                        "error ."  },
        {"another page",     3, S("\1\0\0\0\0\0\0\0\4\0\0\0\0\0\0\0"),                "answer with 4 bytes, expected 3"},
        {"no page",          3, S(OK_HEAD),                                           "answer with 0 bytes, expected 3"},
        {"unasked",          0, S("\1\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"),                "answer with 1 bytes, expected 0"},
        {"error with text",  0, S("\2\0\0\0\0\0\0\0\1\0\0\0\0\0\0\0"),                "answer with 1 bytes"},
        {"status 0",         0, S("\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),                "answer with status 0, expected 1 or 2"},
        {"status 3",         0, S("\3\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"),                "answer with status 3"},
        {"padding",          0, S("\1\0\0\0\0\1\0\0\0\0\0\0\0\0\0\0"),                "answer: byte 5 of the head is 0x01"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        struct mig_chv_reader r = {.answers = true, .content_due = c->due};
        MIG_AUTO(mig_free) char *got = read_all(&r, c->stream, c->stream.len);

        check_text(c->label, c->says, strstr(got, c->says) != NULL ? c->says : got);
        mig_chv_reader_clear(&r);
    }
}

/* A head that announces much takes no memory before it comes. */
CHECK_TEST(memory_grows_as_bytes_come)
{
    struct mig_chv_reader r = {.commands = ANY, .state_max = MIG_CHV_STATE_MAX};
    unsigned char head[MIG_CHV_HEAD_BYTES], byte = '{';
    struct mig_error err;
    size_t used;

    mig_chv_request_put(MIG_CHV_STATE, MIG_CHV_STATE_MAX, head);
    check_number("head", MIG_CHV_MORE, mig_chv_reader_next(&r, head, sizeof head, &used, &err));
    check_number("announced", 0, r.payload_cap);
    check_number("byte", MIG_CHV_MORE, mig_chv_reader_next(&r, &byte, 1, &used, &err));
    check_true("little", r.payload_cap <= 65536);
    mig_chv_reader_clear(&r);
}

CHECK_TEST(ram_that_overlaps_is_refused)
{
    struct mig_chv_ram ram = {0};
    struct mig_error err = {0};

    mig_chv_ram_add(&ram, (struct mig_chv_range){0x1000, 0x1001});
    mig_chv_ram_add(&ram, (struct mig_chv_range){0x2000, 0x1000});
    check_true("overlap", !mig_chv_ram_finish(&ram, &err));
    check_text("overlap", "memory at 0x2000 is there twice", err.msg);
    mig_chv_ram_clear(&ram);
    mig_chv_ram_add(&ram, (struct mig_chv_range){0xfffffffffffff000, 0x1001});
    check_true("end", !mig_chv_ram_finish(&ram, &err));
    mig_chv_ram_clear(&ram);
    mig_chv_ram_add(&ram, (struct mig_chv_range){0xfffffffffffff000, 0x1000});
    check_done("the last page", mig_chv_ram_finish(&ram, &err), &err);
    mig_chv_ram_clear(&ram);
}

CHECK_MAIN(cmocka_unit_test(heads_are_the_bytes_of_the_protocol),
           cmocka_unit_test(requests_are_read_in_pieces_of_any_size),
           cmocka_unit_test(what_is_malformed_or_too_long_is_refused_by_name),
           cmocka_unit_test(page_faults_are_asked_for_where_the_guest_has_memory),
           cmocka_unit_test(answers_hold_what_was_asked_for),
           cmocka_unit_test(memory_grows_as_bytes_come),
           cmocka_unit_test(ram_that_overlaps_is_refused))
