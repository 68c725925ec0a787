/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/qemu_check.h"

#include "support/check.h"

#include "gate/qemu_hello.h"
#include "support/spelled.h"

#define HEAD "4:0x5145564d 4:3 1:7 4:10 =pc-q35-7.2 "
#define UUID "1:5 .configuration/uuid 4:1 #123456789abcdef0123456789abcdef0 "
#define SHARED "1:5 .configuration/capabilities 4:1 4:1 .x-ignore-shared "
#define RETURN_PATH "1:8 2:1 2:0 1:8 2:2 2:4 4:1 "
#define POSTCOPY "1:8 2:3 2:16 8:0x1000 8:0x1000 "
#define COLO "1:8 2:9 2:0 "
#define RAM "1:1 4:2 .ram 4:0 4:4 8:0x300004 .pc.ram 8:0x300000 8:0x10 1:0x7e 4:2 "
#define SHARED_RAM "1:1 4:2 .ram 4:0 4:4 8:0x300004 .pc.ram 8:0x300000 8:0 8:0x10 1:0x7e 4:2 "

static const unsigned char none[MIG_QEMU_UUID];
static const unsigned char ours[MIG_QEMU_UUID] = {0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0,
                                                  0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde, 0xf0};
static const unsigned char theirs[MIG_QEMU_UUID] = {0xff, 1};
static const char *const nothing[] = {NULL};
static const char *const usual[] = {"return-path", "x-ignore-shared", NULL};

CHECK_TEST(every_difference_from_what_was_agreed_is_named)
{
    static const struct {
        const char *label, *words;
        struct mig_qemu_expected expected;
        const char *says;
    } cases[] = {
        {"the same",        HEAD UUID RAM,                      {ours, "pc-q35-7.2", 0x300000, nothing}, ""},
        {"RAM of any size", HEAD UUID RAM,                      {ours, "pc-q35-7.2", 0, nothing},        ""},
        {"no UUID",         HEAD RAM,                           {none, "pc-q35-7.2", 0, nothing},        ""},
        {"usual",           HEAD SHARED RETURN_PATH SHARED_RAM, {none, "pc-q35-7.2", 0, usual},          ""},
        {"wrong VM",
         HEAD UUID RAM,
         {theirs, "pc-q35-7.2", 0, nothing},
         "wrong VM: UUID 12345678-9abc-def0-1234-56789abcdef0, expected "
         "ff010000-0000-0000-0000-000000000000"                                                            },
        {"some VM",
         HEAD UUID RAM,
         {none, "pc-q35-7.2", 0, nothing},
         "wrong VM: UUID 12345678-9abc-def0-1234-56789abcdef0, expected a guest without one"               },
        {"nameless VM",
         HEAD RAM,
         {ours, "pc-q35-7.2", 0, nothing},
         "no UUID, expected 12345678-9abc-def0-1234-56789abcdef0: set capability validate-uuid"            },
        {"shorter name",
         HEAD UUID RAM,
         {ours, "pc-q35-7.20", 0, nothing},
         "wrong machine type: pc-q35-7.2, expected pc-q35-7.20"                                            },
        {"longer name",
         HEAD UUID RAM,
         {ours, "pc-q35-7", 0, nothing},
         "wrong machine type: pc-q35-7.2, expected pc-q35-7"                                               },
        {"size of RAM",
         HEAD UUID RAM,
         {ours, "pc-q35-7.2", 0x200000, nothing},
         "wrong size of RAM: 3145728 bytes, expected 2097152"                                              },
        {"return path",
         HEAD UUID RETURN_PATH RAM,
         {ours, "pc-q35-7.2", 0, nothing},
         "capability return-path is not agreed, expected none"                                             },
        {"postcopy",
         HEAD UUID POSTCOPY RAM,
         {ours, "pc-q35-7.2", 0, usual},
         "capability postcopy-ram is not agreed, expected at most return-path, x-ignore-shared"            },
        {"bitmaps, COLO",
         HEAD UUID COLO "1:8 2:3 2:0 " RAM,
         {ours, "pc-q35-7.2", 0, nothing},
         "capability dirty-bitmaps is not agreed, expected none; capability x-colo is not agreed"          },
        {"all at once",
         HEAD UUID SHARED SHARED_RAM,
         {theirs, "pc", 4096, nothing},
         "expected ff010000-0000-0000-0000-000000000000; wrong machine type: pc-q35-7.2, expected "
         "pc; wrong "
         "size of RAM: 3145728 bytes, expected 4096; capability x-ignore-shared is not agreed, "
         "expected none"                                                                                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_qemu_head_free) struct mig_qemu_head *h = mig_qemu_head_new();
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        struct mig_error err = {0};
        size_t used = 0;

        check_number(c->label, MIG_QEMU_DONE, mig_qemu_head_feed(h, b.items, b.len, &used, &err));
        check_number(c->label, c->says[0] == '\0',
                     mig_qemu_check(mig_qemu_head_stream(h), &c->expected, &err));
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_TEST(a_channel_is_told_by_its_first_bytes)
{
    static const struct {
        const char *words;
        enum mig_qemu_channel channel;
    } cases[] = {
        {"=QEVM",     MIG_QEMU_CHANNEL_MAIN   },
        {"#11223344", MIG_QEMU_CHANNEL_MULTIFD},
        {"*4",        MIG_QEMU_CHANNEL_OTHER  },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);

        check_number(c->words, c->channel, mig_qemu_channel_of(b.items));
    }
}

CHECK_TEST(a_hello_is_held_against_the_agreement)
{
    static const struct {
        const char *label, *words;
        const unsigned char *uuid;
        unsigned channels;
        const char *says;
    } cases[] = {
        {"ours",          "4:0x11223344 4:1 #123456789abcdef0123456789abcdef0 1:1 *39", ours,   2, ""                                },
        {"no UUID",       "4:0x11223344 4:1 *16 1:0 *39",                               none,   1, ""                                },
        {"no hello",      "4:0x5145564d 4:3 *56",                                       none,   1,
         "byte 0: magic is 0x5145564d, expected 0x11223344"                                                                          },
        {"other version", "4:0x11223344 4:2 *56",                                       none,   1, "byte 4: version is 2, expected 1"},
        {"wrong VM",      "4:0x11223344 4:1 *16 1:0 *39",                               theirs, 1,
         "wrong VM: UUID 00000000-0000-0000-0000-000000000000, expected ff010000-"                                                   },
        {"one too many",  "4:0x11223344 4:1 *16 1:2 *39",                               none,   2, "id is 2, expected less than 2"   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes b = spelled(c->words);
        struct mig_qemu_hello hello = {0};
        struct mig_error err = {0};
        bool done;

        check_number(c->label, MIG_QEMU_HELLO_BYTES, b.len);
        done = mig_qemu_hello_decode(b.items, &hello, &err) &&
               mig_qemu_hello_check(&hello, c->uuid, c->channels, &err);
        check_number(c->label, c->says[0] == '\0', done);
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(every_difference_from_what_was_agreed_is_named),
           cmocka_unit_test(a_channel_is_told_by_its_first_bytes),
           cmocka_unit_test(a_hello_is_held_against_the_agreement))
