/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/json.h"

#include <errno.h>

#include "base/alloc.h"
#include "base/text.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/snapshots.h"

#define HEAD "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Snapshot\",\"arch\":\"x86-64\","
#define EMPTY "\"stamp\":{},\"groups\":{},\"registers\":{}}"

CHECK_TEST(every_kind_of_content_survives_the_round_trip)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_free) char *text = NULL;
    struct mig_error err;

    mig_builder_stamp(b, &(struct mig_stamp){
                             .host = "alpha",
                             .boot_id = "b",
                             .sequence = INT64_MAX,
                             .issued_at = 1800000000,
                             .expires_at = 1800000300,
                             .nonce = {0xde, 0xad},
                             .has_nonce = true,
                             .replayed = true,
                             .table_version = 9,
    });
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "ioctl");
    mig_builder_cover(b, MIG_GROUP_MSR, MIG_COVER_UNREADABLE, EACCES, "ioctl");
    mig_builder_cover(b, MIG_GROUP_TSC, MIG_COVER_UNREADABLE, 4000, "");
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 0xffffffff);
    mig_builder_set(b, mig_reg_msr(0x10a), UINT64_MAX);
    mig_builder_set(b, mig_reg_plain(MIG_SPACE_CAP, 0xfff), 3);
    mig_builder_set_unreadable(b, mig_reg_msr(0x345), EIO);
    mig_builder_set_unreadable(b, mig_reg_msr(0x346), 4000);
    mig_builder_add_fact(b, "quote \" and \\", "tab-free", "");
    mig_builder_add_fact(b, "empty", "", "file");
    mig_builder_add_unreadable_fact(b, "microcode", ENOENT, "/proc/cpuinfo");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    text = mig_snapshot_to_json(s);
    check_done("parse", mig_snapshot_from_json(text, strlen(text), &back, &err), &err);
    snapshot_check_same("all", s, back);
    check_contains("errno by name", "\"x86/msr/345\": \"EIO\"", text);
    check_contains("errno without a name", "\"x86/msr/346\": 4000", text);
    check_contains("hex", "\"x86/msr/10a\": \"0xffffffffffffffff\"", text);
    check_true("ends with a newline", text[strlen(text) - 1] == '\n');
}

CHECK_TEST(shipped_hosts_are_in_the_form_that_is_written)
{
    static const char *const names[] = {
        "amd-genoa-5.10",
        "amd-genoa-6.1",
        "amd-milan-5.10",
        "amd-milan-6.1",
        "arm-neoverse-n1-5.10",
        "arm-neoverse-n1-6.1",
        "arm-neoverse-v1-5.10",
        "arm-neoverse-v1-6.1",
        "arm-neoverse-v2-5.10",
        "arm-neoverse-v2-6.1",
        "emulated-arm-a64fx-6.12",
        "emulated-arm-max-6.12",
        "emulated-arm-max-nosve-6.12",
        "emulated-arm-neoverse-n1-6.12",
        "emulated-arm-neoverse-v1-6.12",
        "emulated-epyc-genoa-6.12",
        "emulated-epyc-milan-6.1",
        "emulated-epyc-milan-6.12",
        "emulated-epyc-rome-6.12",
        "emulated-max-6.12",
        "intel-cascadelake-5.10",
        "intel-cascadelake-6.1",
        "intel-granite-rapids-5.10",
        "intel-granite-rapids-6.1",
        "intel-icelake-5.10",
        "intel-icelake-6.1",
        "intel-sapphire-rapids-5.10",
        "intel-sapphire-rapids-6.1",
        "nested-pvm",
    };

    CHECK_EACH (name, names) {
        MIG_AUTO(mig_free) char *relative = mig_strf("tests/hosts/%s.json", *name);
        MIG_AUTO(mig_free) char *path = check_source_path(relative);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(*name);
        MIG_AUTO(mig_free) char *text = mig_snapshot_to_json(s);
        struct mig_error err;

        check_done(path, mig_file_read(path, 1u << 20, &bytes, &err), &err);
        check_text(*name, (const char *)bytes.items, text);
    }
}

CHECK_TEST(what_is_wrong_is_named_with_its_place)
{
    static const struct {
        const char *label, *text, *message;
    } cases[] = {
        {"no JSON",             "migctl",                                                                  "line 1 column 6: "                          },
        {"nothing",             "",                                                                        "line 1 column 0: "                          },
        {"a list",              "[]",                                                                      "expected an object, found a list"           },
        {"cut off",             HEAD "\"stamp\":{",                                                        "near end of file"                           },
        {"more behind it",      HEAD EMPTY " x",                                                           "end of file expected"                       },
        {"duplicate key",       HEAD "\"arch\":\"x86-64\"," EMPTY,                                         "duplicate object key"                       },
        {"unknown key",         HEAD "\"extra\":1," EMPTY,                                                 "unknown key 'extra'"                        },
        {"no version",          "{\"kind\":\"Snapshot\"}",                                                 "key 'apiVersion' is missing"                },
        {"another kind",        "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Profile\",\"arch\":\"x86-64\"}",
         "found a Profile of migctl/v1"                                                                                                                 },
        {"another version",
         "{\"apiVersion\":\"migctl/v2\",\"kind\":\"Snapshot\",\"arch\":\"x86-64\"}",                       "found a Snapshot of migctl/v2"              },
        {"another arch",        "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Snapshot\",\"arch\":\"riscv\"}",
         "arch 'riscv'"                                                                                                                                 },
        {"no stamp",            HEAD "\"groups\":{},\"registers\":{}}",                                    "key 'stamp' is missing"                     },
        {"huge number",
         HEAD "\"stamp\":{\"sequence\":99999999999999999999},\"groups\":{},\"registers\":{}}",
         "too big integer"                                                                                                                              },
        {"huge fraction",       HEAD "\"stamp\":{\"sequence\":1e999},\"groups\":{},\"registers\":{}}",
         "real number overflow"                                                                                                                         },
        {"fraction",            HEAD "\"stamp\":{\"sequence\":1.5},\"groups\":{},\"registers\":{}}",
         "stamp.sequence: expected a number, found a fraction"                                                                                          },
        {"below zero",          HEAD "\"stamp\":{\"issuedAt\":-1},\"groups\":{},\"registers\":{}}",
         "stamp.issuedAt: -1 is not from 0"                                                                                                             },
        {"version too large",
         HEAD "\"stamp\":{\"tableVersion\":4294967296},\"groups\":{},\"registers\":{}}",
         "stamp.tableVersion: 4294967296"                                                                                                               },
        {"short nonce",         HEAD "\"stamp\":{\"nonce\":\"dead\"},\"groups\":{},\"registers\":{}}",
         "nonce is not 64 hex digits"                                                                                                                   },
        {"escape in host",
         HEAD "\"stamp\":{\"host\":\"\\u001b[31m\"},\"groups\":{},\"registers\":{}}",
         "stamp.host: not printable ASCII"                                                                                                              },
        {"unknown in stamp",    HEAD "\"stamp\":{\"Host\":\"a\"},\"groups\":{},\"registers\":{}}",
         "stamp: unknown key 'Host'"                                                                                                                    },
        {"unknown group",       HEAD "\"stamp\":{},\"groups\":{\"gpu\":{}},\"registers\":{}}",
         "groups: unknown key 'gpu'"                                                                                                                    },
        {"no coverage",         HEAD "\"stamp\":{},\"groups\":{\"cpuid\":{}},\"registers\":{}}",
         "groups.cpuid: key 'coverage' is missing"                                                                                                      },
        {"strange coverage",
         HEAD "\"stamp\":{},\"groups\":{\"cpuid\":{\"coverage\":\"most\"}},\"registers\":{}}",
         "groups.cpuid: coverage 'most'"                                                                                                                },
        {"errno of a full",
         HEAD "\"stamp\":{},\"groups\":{\"cpuid\":{\"coverage\":\"full\",\"errno\":\"EIO\"}},"
              "\"registers\":{}}",                                                                         "groups.cpuid: errno without"                },
        {"strange register",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/cpuid/7/ebx\":\"0x1\"}}",
         "registers: register 'x86/cpuid/7/ebx'"                                                                                                        },
        {"another spelling",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/msr/10A\":\"0x1\"}}",
         "expected 'x86/msr/10a'"                                                                                                                       },
        {"no prefix",           HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/msr/10a\":\"17\"}}",
         "registers.x86/msr/10a: expected hex text"                                                                                                     },
        {"a bare number",       HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/msr/10a\":17}}",
         "registers.x86/msr/10a: expected text, found a number"                                                                                         },
        {"too wide",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/cpuid/7.0/ebx\":\"0x100000000\"}}",
         "from 0x0 to 0xffffffff"                                                                                                                       },
        {"beyond 64 bits",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/msr/10a\":\"0x10000000000000000\"}}",
         "from 0x0 to 0xffffffffffffffff"                                                                                                               },
        {"value and errno",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{\"x86/msr/"
              "10a\":\"0x1\"},\"unreadable\":{\"x86/msr/10a\":\"EIO\"}}",                                  "x86/msr/10a: given twice"                   },
        {"strange errno",
         HEAD
         "\"stamp\":{},\"groups\":{},\"registers\":{},\"unreadable\":{\"x86/msr/10a\":\"EWHAT\"}}",        "unreadable.x86/msr/10a: 'EWHAT' is no errno"},
        {"errno 0",
         HEAD "\"stamp\":{},\"groups\":{},\"registers\":{},\"unreadable\":{\"x86/msr/10a\":0}}",
         "unreadable.x86/msr/10a: expected an errno"                                                                                                    },
        {"fact without a name", HEAD "\"facts\":{\"\":{\"value\":\"x\"}}," EMPTY,
         "facts: a name is not 1 to 127"                                                                                                                },
        {"fact of two minds",
         HEAD "\"facts\":{\"a\":{\"value\":\"x\",\"unreadable\":\"EIO\"}}," EMPTY,
         "facts.a: expected either value or unreadable"                                                                                                 },
        {"fact with UTF-8",     HEAD "\"facts\":{\"a\":{\"value\":\"\xc3\xa9\"}}," EMPTY,
         "facts.a.value: not printable ASCII"                                                                                                           },
        {"broken UTF-8",        HEAD "\"facts\":{\"a\":{\"value\":\"\xff\"}}," EMPTY,
         "unable to decode byte 0xff"                                                                                                                   },
        {"NUL in text",         HEAD "\"facts\":{\"a\":{\"value\":\"\\u0000\"}}," EMPTY,
         "\\u0000 is not allowed"                                                                                                                       },
    };

    CHECK_EACH (c, cases) {
        struct mig_snapshot *s = NULL;
        struct mig_error err = {0};

        check_true(c->label, !mig_snapshot_from_json(c->text, strlen(c->text), &s, &err));
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(deep_nesting_is_refused_before_it_is_parsed)
{
    MIG_AUTO(mig_text_clear) struct mig_text deep = {0};
    MIG_AUTO(mig_text_clear) struct mig_text quoted = {0};
    struct mig_snapshot *s = NULL;
    struct mig_error err = {0};

    for (int i = 0; i < 100000; i++) {
        mig_text_add(&deep, "[");
    }
    check_true("deep", !mig_snapshot_from_json(deep.items, deep.len, &s, &err));
    check_contains("deep", "line 1: nested deeper than 32 levels", err.msg);
    check_number("deep", MIG_LIMIT, err.code);
    /* Brackets in text do not count. */
    mig_text_addf(&quoted, "%s\"facts\":{\"a\":{\"value\":\"\\\"%.100s\"}},%s", HEAD, deep.items,
                  EMPTY);
    check_done("quoted", mig_snapshot_from_json(quoted.items, quoted.len, &s, &err), &err);
    mig_snapshot_free(s);
}

CHECK_TEST(names_of_strangers_do_not_reach_a_terminal)
{
    static const char text[] = HEAD "\"stamp\":{\"\\u001b[2J\":1},\"groups\":{},\"registers\":{}}";
    struct mig_snapshot *s = NULL;
    struct mig_error err = {0};

    check_true("refused", !mig_snapshot_from_json(text, strlen(text), &s, &err));
    check_true("no escape", strchr(err.msg, '\x1b') == NULL);
}

CHECK_MAIN(cmocka_unit_test(every_kind_of_content_survives_the_round_trip),
           cmocka_unit_test(shipped_hosts_are_in_the_form_that_is_written),
           cmocka_unit_test(what_is_wrong_is_named_with_its_place),
           cmocka_unit_test(deep_nesting_is_refused_before_it_is_parsed),
           cmocka_unit_test(names_of_strangers_do_not_reach_a_terminal))
