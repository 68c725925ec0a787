/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/qemu_head.h"

#include "support/check.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "support/spelled.h"

#define START "4:0x5145564d 4:3 "
#define PC START "1:7 4:13 =pc-i440fx-7.2 "
#define UUID "1:5 .configuration/uuid 4:1 #123456789abcdef0123456789abcdef0 "
#define BITS "1:5 .configuration/target-page-bits 4:1 4:12 "
#define SHARED "1:5 .configuration/capabilities 4:1 4:1 .x-ignore-shared "
#define RETURN_PATH "1:8 2:1 2:0 "
#define PING "1:8 2:2 2:4 4:1 "
#define POSTCOPY "1:8 2:3 2:16 8:0x201000 8:0x1000 "
#define RAM "1:1 4:2 .ram 4:0 4:4 "
#define BLOCKS RAM "8:0x300004 .pc.ram 8:0x2ff000 .pc.bios 8:0x1000 "
#define END "8:0x10 1:0x7e 4:2 "
#define PAGES "1:2 4:2 8:0x22 *64 "

/* All of @words in pieces of @piece; what the head says goes to @ret. */
static enum mig_qemu_state feed(struct mig_qemu_head *h, const struct mig_bytes *b, size_t piece,
                                size_t *ret_used, struct mig_error *err)
{
    enum mig_qemu_state state = MIG_QEMU_NEEDS_MORE;
    size_t at = 0;

    while (state == MIG_QEMU_NEEDS_MORE && at < b->len) {
        size_t used = 0;

        state = mig_qemu_head_feed(h, b->items + at, b->len - at < piece ? b->len - at : piece,
                                   &used, err);
        at += used;
    }
    *ret_used = at;
    return state;
}

static char *describe(const struct mig_qemu_stream *s)
{
    struct mig_text t = {0};
    char hex[2 * MIG_QEMU_UUID + 1];

    mig_text_hex(s->uuid, MIG_QEMU_UUID, hex);
    mig_text_addf(&t, "%s uuid=%s bits=%u ram=0x%llx section=%u commands=%x ping=%u flush=%d",
                  s->machine, s->has_uuid ? hex : "-", s->page_bits,
                  (unsigned long long)s->ram_bytes, s->section, s->commands, s->ping,
                  s->multifd_flush);
    for (size_t i = 0; i < s->capabilities.len; i++) {
        mig_text_addf(&t, " +%s", s->capabilities.items[i].text);
    }
    for (size_t i = 0; i < s->blocks.len; i++) {
        const struct mig_qemu_block *b = &s->blocks.items[i];

        mig_text_addf(&t, " %s:0x%llx:0x%llx", b->name, (unsigned long long)b->bytes,
                      (unsigned long long)b->page_bytes);
        if (b->has_address) {
            mig_text_addf(&t, "@0x%llx", (unsigned long long)b->address);
        }
    }
    return t.items;
}

#define TWO " pc.ram:0x2ff000:0x0 pc.bios:0x1000:0x0"

static const struct {
    const char *label, *words, *says;
} good[] = {
    {"plain",                           PC BLOCKS END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=0 ping=0 flush=0" TWO},
    {"UUID and page bits",              PC BITS UUID BLOCKS END,
     "pc-i440fx-7.2 uuid=123456789abcdef0123456789abcdef0 bits=12 ram=0x300000 section=2 "
     "commands=0 "
     "ping=0 flush=0" TWO                                                              },
    {"x-ignore-shared tells addresses",
     PC SHARED RAM "8:0x300004 .pc.ram 8:0x2ff000 8:0 .pc.bios 8:0x1000 8:0xfffff000 " END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=0 ping=0 flush=0 "
     "+x-ignore-shared "
     "pc.ram:0x2ff000:0x0@0x0 pc.bios:0x1000:0x0@0xfffff000"                           },
    {"return path",                     PC RETURN_PATH PING BLOCKS END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=1 ping=1 flush=0" TWO},
    {"postcopy of bitmaps",             PC RETURN_PATH PING "1:8 2:3 2:0 " BLOCKS END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=5 ping=1 flush=0" TWO},
    {"postcopy, small pages",           PC POSTCOPY BLOCKS END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=2 ping=0 flush=0" TWO},
    {"postcopy, huge pages first",
     PC POSTCOPY RAM "8:0x300004 .pc.ram 8:0x2ff000 8:0x200000 .pc.bios 8:0x1000 " END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=2 ping=0 flush=0 "
     "pc.ram:0x2ff000:0x200000 pc.bios:0x1000:0x0"                                     },
    {"postcopy, huge pages last",
     PC POSTCOPY RAM "8:0x300004 .pc.bios 8:0x1000 .pc.ram 8:0x2ff000 8:0x200000 8:0x200 " END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=2 ping=0 flush=1 "
     "pc.bios:0x1000:0x0 pc.ram:0x2ff000:0x200000"                                     },
    {"multifd flush",                   PC BLOCKS "8:0x200 " END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=0 ping=0 flush=1" TWO},
    {"COLO",                            PC "1:8 2:9 2:0 " BLOCKS END,
     "pc-i440fx-7.2 uuid=- bits=0 ram=0x300000 section=2 commands=8 ping=0 flush=0" TWO},
};

CHECK_TEST(a_head_is_read_up_to_its_last_byte_in_pieces_of_any_size)
{
    static const size_t pieces[] = {1, 2, 7, 100, 100000};

    CHECK_EACH (c, good) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes head = spelled(c->words);
        MIG_AUTO(mig_free) char *more = mig_strf("%s%s", c->words, PAGES);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes stream = spelled(more);

        CHECK_EACH (piece, pieces) {
            MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
            MIG_AUTO(mig_free) char *text = NULL;
            struct mig_error err = {0};
            size_t used = 0, kept = 0;

            check_number(c->label, MIG_QEMU_DONE, feed(h, &stream, *piece, &used, &err));
            check_number(c->label, head.len, used);
            check_number(c->label, head.len, mig_qemu_head_stream(h)->head_bytes);
            check_true(c->label, memcmp(mig_qemu_head_bytes(h, &kept), head.items, used) == 0);
            check_number(c->label, head.len, kept);
            text = describe(mig_qemu_head_stream(h));
            check_text(c->label, c->says, text);
            check_number(c->label, MIG_QEMU_DONE,
                         mig_qemu_head_feed(h, stream.items, 1, &used, &err));
            check_number(c->label, 0, used);
        }
    }
}

CHECK_TEST(a_head_that_is_cut_anywhere_waits_and_says_for_what)
{
    CHECK_EACH (c, good) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes head = spelled(c->words);

        for (size_t len = 1; len < head.len; len++) {
            MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
            struct mig_error err = {0};
            size_t used = 0;

            check_number(c->label, MIG_QEMU_NEEDS_MORE,
                         mig_qemu_head_feed(h, head.items, len, &used, &err));
            check_number(c->label, len, used);
            check_true(c->label, !mig_qemu_head_ended(h, &err));
            check_contains(c->label, " bytes, expected ", err.msg);
        }
    }
}

CHECK_TEST(what_is_not_known_is_refused_with_its_place)
{
    static const struct {
        const char *label, *words, *says;
    } cases[] = {
        {"other magic",       "4:0x5145564e ",                                               "byte 0: magic is 0x5145564e, expected 0x5145564d (QEVM)"},
        {"TLS",               "#16030100 ",                                                  "byte 0: magic is 0x16030100, expected 0x5145564d"       },
        {"old version",       "4:0x5145564d 4:2 ",                                           "byte 4: version is 2, expected 3"                       },
        {"no configuration",  START RAM,
         "byte 8: section type is 0x01, expected 0x07 (CONFIGURATION"                                                                                 },
        {"long machine",      START "1:7 4:256 ",
         "byte 8: machine type of 256 bytes, expected 1 to 255"                                                                                       },
        {"empty machine",     START "1:7 4:0 ",                                              "byte 8: machine type of 0 bytes"                        },
        {"machine in binary", START "1:7 4:3 #703300 ",
         "byte 8: machine type holds byte 0x00, expected printable ASCII"                                                                             },
        {"new subsection",    PC "1:5 .configuration/new 4:1 ",
         "byte 26: subsection 'configuration/new' is not known, expected target-page-bits"                                                            },
        {"its version",       PC "1:5 .configuration/uuid 4:2 ",
         "byte 26: configuration/uuid has version 2, expected 1"                                                                                      },
        {"page bits",         PC "1:5 .configuration/target-page-bits 4:1 4:17 ",
         "target-page-bits is 17, expected 10 to 16"                                                                                                  },
        {"two UUIDs",         PC UUID UUID,                                                  "second configuration/uuid, expected at most one"        },
        {"many capabilities", PC "1:5 .configuration/capabilities 4:1 4:65 ",
         "65 capabilities, expected at most 64"                                                                                                       },
        {"late subsection",   PC PING UUID,
         "byte 35: section type is 0x05, expected 0x08 (command) or 0x01 (start of 'ram')"                                                            },
        {"memory",            PC PAGES,
         "byte 26: section type is 0x02, expected 0x05 (subsection), 0x08 (command)"                                                                  },
        {"device first",      PC "1:4 4:1 .virtio-mem-early 4:0 4:1 ",
         "byte 26: section type is 0x04, expected"                                                                                                    },
        {"packaged",          PC "1:8 2:8 2:4 4:99 ",
         "byte 26: command 8 before memory, expected OPEN_RETURN_PATH (1), PING (2)"                                                                  },
        {"length of a ping",  PC "1:8 2:2 2:8 8:0 ",                                         "command PING has 8 bytes, expected 4"                   },
        {"second ping",       PC PING PING,                                                  "byte 35: second PING, expected at most one"             },
        {"length of advice",  PC "1:8 2:3 2:8 8:0 ",
         "command POSTCOPY_ADVISE has 8 bytes, expected 0 or 16"                                                                                      },
        {"page sizes",        PC "1:8 2:3 2:16 8:0 8:0x1000 ",                               "POSTCOPY_ADVISE tells page sizes 0x0"                   },
        {"two advices",       PC POSTCOPY "1:8 2:3 2:0 ",                                    "second POSTCOPY_ADVISE"                                 },
        {"block first",       PC "1:1 4:1 .block 4:0 4:1 ",                                  "first section is 'block', expected 'ram'"               },
        {"other ram",         PC "1:1 4:1 .ram 4:0 4:5 ",
         "section 'ram' has instance 0 and version 5, expected 0 and 4"                                                                               },
        {"mapped-ram",        PC "1:5 .configuration/capabilities 4:1 4:1 .mapped-ram " RAM,
         "capability mapped-ram is for files, expected a stream without it"                                                                           },
        {"shared postcopy",   PC SHARED POSTCOPY RAM,
         "x-ignore-shared together with postcopy-ram, expected one of them"                                                                           },
        {"no size",           PC RAM "8:0x300008 ",
         "byte 43: first word of 'ram' is 0x300008, expected a size with flag 0x04 (MEM_SIZE)"                                                        },
        {"no RAM at all",     PC RAM "8:4 ",                                                 "first word of 'ram' is 0x4, expected"                   },
        {"large block",       PC RAM "8:0x300004 .pc.ram 8:0x300001 ",
         "byte 51: RAM block 'pc.ram' has 3145729 bytes, expected at most the 3145728 that are "
         "left"                                                                                                                                       },
        {"nameless block",    PC RAM "8:0x300004 1:0 8:1 ",
         "name of a RAM block of 0 bytes, expected 1 to 255"                                                                                          },
        {"block twice",       PC RAM "8:0x300004 .a 8:1 .a 8:1 ",
         "second RAM block 'a', expected each name once"                                                                                              },
        {"strange page size", PC POSTCOPY RAM "8:0x300004 .a 8:1 8:0x400000 ",
         "page size 0x400000 of a RAM block, expected one of 0x201000"                                                                                },
        {"RDMA",              PC BLOCKS "8:0x80 ",
         "word behind the RAM blocks is 0x80, expected 0x10 (end) or 0x200 (multifd flush)"                                                           },
        {"a page",            PC BLOCKS "8:0x8 ",                                            "word behind the RAM blocks is 0x8"                      },
        {"two flushes",       PC BLOCKS "8:0x200 8:0x200 ",                                  "word behind the RAM blocks is 0x200"                    },
        {"no footer",         PC BLOCKS "8:0x10 1:2 4:2 ",
         "footer of 'ram' is 0x02 of section 2, expected 0x7e of section 2"                                                                           },
        {"other footer",      PC BLOCKS "8:0x10 1:0x7e 4:3 ",
         "footer of 'ram' is 0x7e of section 3, expected 0x7e of section 2"                                                                           },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        struct mig_error err = {0};
        size_t used = 0;

        check_number(c->label, MIG_QEMU_REFUSED, feed(h, &b, 5, &used, &err));
        check_contains(c->label, "QEMU stream: byte ", err.msg);
        check_contains(c->label, c->says, err.msg);
        err.msg[0] = '\0';
        check_number(c->label, MIG_QEMU_REFUSED, mig_qemu_head_feed(h, b.items, 1, &used, &err));
        check_contains(c->label, c->says, err.msg);
        check_true(c->label, !mig_qemu_head_ended(h, &err));
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_TEST(more_blocks_than_a_machine_has_are_refused)
{
    MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
    MIG_AUTO(mig_text_clear) struct mig_text words = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes b = {0};
    struct mig_error err = {0};
    size_t used = 0;

    mig_text_add(&words, PC RAM "8:0x300004 ");
    for (int i = 0; i <= MIG_QEMU_BLOCKS_MAX; i++) {
        mig_text_addf(&words, ".b%d 8:1 ", i);
    }
    b = spelled(words.items);
    check_number("state", MIG_QEMU_REFUSED, feed(h, &b, 4096, &used, &err));
    check_contains("error", "more RAM blocks than the 2048 expected at most", err.msg);
    check_number("code", MIG_LIMIT, err.code);
}

CHECK_MAIN(cmocka_unit_test(a_head_is_read_up_to_its_last_byte_in_pieces_of_any_size),
           cmocka_unit_test(a_head_that_is_cut_anywhere_waits_and_says_for_what),
           cmocka_unit_test(what_is_not_known_is_refused_with_its_place),
           cmocka_unit_test(more_blocks_than_a_machine_has_are_refused))
