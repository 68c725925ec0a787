/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/alloc.h"
#include "base/array.h"
#include "pact/agreement.h"
#include "plan/capture.h"
#include "plan/commands.h"
#include "plan/plan.h"
#include "snapshot/node.h"

#define GB 1000000000ull

/* clang-format off */
static const char usual[] =
    "{'apiVersion':'migctl/v1','kind':'MigrationCapabilities','vmm':'qemu','version':'7.2.22','target':'x86_64',"
    "'status':'running','guest':{'machineType':'pc-q35-7.2','uuid':'6c1e9f2a-0000-4000-8000-000000000001',"
    "'ramBytes':4000000000,'dirtyBytesPerSecond':10000000},"
    "'capabilities':{'return-path':false,'pause-before-switchover':false,'validate-uuid':false,'multifd':false,"
    "'zero-copy-send':false,'postcopy-ram':false,'postcopy-preempt':false,'auto-converge':false,'compress':false,"
    "'x-colo':false,'dirty-bitmaps':false},"
    "'parameters':{'max-bandwidth':134217728,'downtime-limit':300,'tls-creds':''},"
    "'multifdCompression':['none','zlib','zstd'],'blockedReasons':[],"
    "'machineTypes':[{'name':'pc-q35-7.2','alias':'q35','deprecated':false},"
    "{'name':'pc-i440fx-1.7','alias':null,'deprecated':true}]}";
/* clang-format on */

/* The usual one as text, @from (if any) replaced by @to; quotes are '. */
static char *edit(const char *from, const char *to)
{
    const char *at = from == NULL ? usual : strstr(usual, from);
    const size_t skip = from == NULL ? 0 : strlen(from);
    char *text;

    assert_non_null(at);
    text = mig_strf("%.*s%s%s", (int)(at - usual), usual, from == NULL ? "" : to, at + skip);
    for (char *c = text; *c != '\0'; c++) {
        *c = *c == '\'' ? '"' : *c;
    }
    return text;
}

static void load(const char *from, const char *to, struct mig_capture *ret)
{
    MIG_AUTO(mig_free) char *text = edit(from, to);
    struct mig_error err;

    check_done(from != NULL ? from : "usual", mig_capture_from_json(text, strlen(text), ret, &err),
               &err);
}

/* A pair, each with an edit, and what is asked. */
struct question {
    const char *source[2], *destination[2];
    struct mig_wish wish;
};

static void make(const struct question *q, struct mig_plan *ret)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture source = {0}, destination = {0};

    load(q->source[0], q->source[1], &source);
    load(q->destination[0], q->destination[1], &destination);
    mig_plan_make(&source, &destination, &q->wish, ret);
}

static const struct mig_remark *find(const struct mig_plan *p, const char *id)
{
    for (size_t i = 0; i < p->remarks.len; i++) {
        if (strcmp(p->remarks.items[i].id, id) == 0) {
            return &p->remarks.items[i];
        }
    }
    return NULL;
}

CHECK_TEST(a_capture_is_kept_as_json_and_read_again)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture c = {0};
    MIG_AUTO(mig_free) char *text = edit(NULL, NULL);
    MIG_AUTO(mig_node_free) json_t *out = NULL, *in = json_loads(text, 0, NULL);

    load(NULL, NULL, &c);
    out = mig_capture_to_json(&c);
    check_true("same", json_equal(in, out));
    check_true("alias", mig_capture_machine(&c, "q35") == mig_capture_machine(&c, "pc-q35-7.2"));
    check_number("parameter", 300, mig_capture_number(&c, "downtime-limit", 1));
    check_number("text is no number", 1, mig_capture_number(&c, "tls-creds", 1));
}

CHECK_TEST(a_malformed_capture_is_refused_with_its_field)
{
    static const struct {
        const char *from, *to, *says;
    } cases[] = {
        {"'vmm':'qemu',",                   "",                       "vmm"                                        },
        {"'vmm':'qemu'",                    "'vmm':'other'",          "vmm: expected qemu"                         },
        {"MigrationCapabilities",           "Snapshot",               "expected a MigrationCapabilities"           },
        {"'version':'7.2.22',",             "",                       "version"                                    },
        {"'version':'7.2.22'",              "'version':7",            "version: expected text"                     },
        {"'target':'x86_64'",               "'target':''",            "target: expected text of 1"                 },
        {"'ramBytes':4000000000",           "'ramBytes':'4G'",        "guest.ramBytes"                             },
        {"'ramBytes':4000000000",           "'ramBytes':-1",          "guest.ramBytes"                             },
        {"'ramBytes':4000000000,",          "",                       "guest: key 'ramBytes' is missing"           },
        {"'machineType':'pc-q35-7.2',",     "",                       "guest: key 'machineType' is missing"        },
        {",'dirtyBytesPerSecond':10000000", "",                       "guest: key 'dirtyBytesPerSecond' is missing"},
        {"10000000}",                       "1.5}",                   "guest.dirtyBytesPerSecond"                  },
        {"'multifd':false",                 "'multifd':1",            "capabilities.multifd"                       },
        {"'capabilities':{",                "'capability':{",         "capabilit"                                  },
        {"'parameters':{",                  "'parameters':[],'x':{",  "x"                                          },
        {"'downtime-limit':300",            "'downtime-limit':'300'", "parameters.downtime-limit"                  },
        {"'tls-creds':''",                  "'tls-creds':[]",         "parameters.tls-creds"                       },
        {"['none','zlib','zstd']",          "['none',3]",             "multifdCompression"                         },
        {"'blockedReasons':[],",            "",                       "blockedReasons"                             },
        {"'blockedReasons':[]",             "'blockedReasons':'no'",  "blockedReasons: expected"                   },
        {"'alias':'q35',",                  "",                       "key 'alias' is missing"                     },
        {"'deprecated':true",               "'deprecated':'yes'",     "machineTypes[1].deprecated"                 },
        {"}]}",                             "}]",                     ""                                           },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_capture_clear) struct mig_capture got = {0};
        MIG_AUTO(mig_free) char *text = edit(c->from, c->to);
        struct mig_error err;

        check_true(c->from, !mig_capture_from_json(text, strlen(text), &got, &err));
        check_contains(c->from, c->says, err.msg);
        check_number(c->from, 4, (uint64_t)mig_error_exit_status(err.code));
    }
}

CHECK_TEST(what_stands_against_a_move_blocks_with_a_remedy)
{
    static const struct {
        const char *id, *says;
        struct question q;
    } cases[] = {
        {"plan/machine-type",
         "does not know machine type pc-q35-7.2",        {{NULL}, {"'name':'pc-q35-7.2'", "'name':'pc-q35-9.0'"}, {.data_path = 0}}         },
        {"plan/machine-type",
         "waits with pc-i440fx-1.7",                     {{NULL},
          {"running','guest':{'machineType':'pc-q35-7.2'",
           "inmigrate','guest':{'machineType':'pc-i440fx-1.7'"},
          {.data_path = 0}}                                                                             },
        {"plan/target",                 "aarch64",       {{NULL}, {"x86_64", "aarch64"}, {.data_path = 0}}                                  },
        {"plan/uuid",
         "another guest",                                {{"6c1e9f2a", "7c1e9f2a"}, {"'running'", "'inmigrate'"}, {.data_path = 0}}         },
        {"plan/status",                 "postmigrate",   {{"'running'", "'postmigrate'"}, {NULL}, {.data_path = 0}}                         },
        {"plan/blocked-reasons",
         "the source blocks: invtsc",                    {{"'blockedReasons':[]", "'blockedReasons':['invtsc']"}, {NULL}, {.data_path = 0}} },
        {"plan/capability/x-colo",
         "on at the source",                             {{"'x-colo':false", "'x-colo':true"}, {"'x-colo':false,", ""}, {.data_path = 0}}   },
        {"plan/capability/multifd",
         "on at the source",                             {{"'multifd':false", "'multifd':true"}, {"'multifd':false,", ""}, {.data_path = 0}}},
        {"plan/capability/return-path",
         "destination's QEMU does not know return-path", {{NULL}, {"'return-path':false,", ""}, {.data_path = 0}}                           },
        {"plan/tls",                    "no TLS",        {{NULL}, {",'tls-creds':''", ""}, {.data_path = MIG_DATA_VMM_TLS}}                 },
        {"plan/converge",
         "the guest writes 200 GB/s",                    {{NULL},
          {"'postcopy-ram':false,", ""},
          {.dirty_bytes_s = 200 * GB, .bandwidth_bytes_s = GB}}                                        },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_plan_clear) struct mig_plan p = {.compression = NULL};
        const struct mig_remark *r;

        make(&c->q, &p);
        r = find(&p, c->id);
        check_true(c->id, r != NULL && r->kind == MIG_REMARK_BLOCKER && r->remedy != NULL);
        check_contains(c->id, c->says, r != NULL ? r->text : "");
        check_number(c->id, MIG_PLAN_BLOCKED, p.answer);
    }
}

CHECK_TEST(what_is_not_known_is_no_plan)
{
    static const struct {
        const char *id;
        struct question q;
    } cases[] = {
        {"plan/dirty-rate",      {{"10000000}", "null}"}, {NULL}, {.data_path = 0}}                   },
        {"plan/ram",             {{"'ramBytes':4000000000", "'ramBytes':0"}, {NULL}, {.data_path = 0}}},
        {"plan/bandwidth",       {{"'max-bandwidth':134217728,", ""}, {NULL}, {.data_path = 0}}       },
        {"plan/machine-type",
         {{"'machineType':'pc-q35-7.2'", "'machineType':null"}, {NULL}, {.data_path = 0}}             },
        {"plan/blocked-reasons",
         {{"'blockedReasons':[]", "'blockedReasons':null"}, {NULL}, {.data_path = 0}}                 },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_plan_clear) struct mig_plan p = {.compression = NULL};
        const struct mig_remark *r;

        make(&c->q, &p);
        r = find(&p, c->id);
        check_true(c->id, r != NULL && r->kind == MIG_REMARK_MISSING && r->remedy != NULL);
        check_number(c->id, MIG_PLAN_UNKNOWN, p.answer);
    }
}

#define ALWAYS "return-path pause-before-switchover validate-uuid"

/* Names of what is on, in the table's order. */
static char *list_on(const struct mig_plan *p)
{
    char *all = mig_strdup(p->compression);

    for (int i = 0; i < MIG_ABILITY_COUNT; i++) {
        if (mig_ability_rows[i].name != NULL && mig_plan_has(p, (enum mig_ability)i)) {
            char *more = mig_strf("%s %s", all, mig_ability_rows[i].name);

            mig_free(all);
            all = more;
        }
    }
    return all;
}

CHECK_TEST(a_plan_takes_what_both_can_and_what_helps)
{
    static const struct {
        const char *label, *on; /* compression first */
        unsigned channels;
        struct question q;
    } cases[] = {
        {"a link that one channel fills",        "none " ALWAYS,            0, {.wish = {.data_path = 0}}                                                            },
        {"slow link",                            "zstd " ALWAYS " multifd", 2, {.wish = {.bandwidth_bytes_s = GB / 10}}                                              },
        {"slow link, common method",
         "zlib " ALWAYS " multifd",
         2,                                                                    {{NULL}, {",'zstd'", ""}, {.bandwidth_bytes_s = GB / 10}}                             },
        {"slow link, no method",
         "none " ALWAYS,
         0,                                                                    {{NULL}, {"['none','zlib','zstd']", "[]"}, {.bandwidth_bytes_s = GB / 10}}            },
        {"fast link through the tunnel",
         "none " ALWAYS " multifd",
         5,                                                                    {.wish = {.bandwidth_bytes_s = 5 * GB}}                                               },
        {"fast link, QEMU's TLS",
         "none " ALWAYS " multifd",
         7,                                                                    {.wish = {.data_path = MIG_DATA_VMM_TLS, .bandwidth_bytes_s = 5 * GB}}                },
        {"fast link, nothing between",
         "none " ALWAYS " multifd zero-copy-send",
         5,                                                                    {.wish = {.data_path = MIG_DATA_LOCAL, .bandwidth_bytes_s = 5 * GB, .uri = "tcp:b:1"}}},
        {"fast link, unix socket",
         "none " ALWAYS " multifd",
         5,                                                                    {.wish = {.data_path = MIG_DATA_LOCAL, .bandwidth_bytes_s = 5 * GB, .uri = "unix:/s"}}},
        {"one channel only",
         "none " ALWAYS,
         0,                                                                    {.wish = {.data_path = MIG_DATA_LOCAL, .bandwidth_bytes_s = 5 * GB, .uri = "fd:x"}}   },
        {"compress is on",
         "none " ALWAYS " compress",
         0,                                                                    {{"'compress':false", "'compress':true"}, {NULL}, {.bandwidth_bytes_s = 5 * GB}}      },
        {"writes too much",
         "none " ALWAYS " postcopy-ram postcopy-preempt",
         0,                                                                    {.wish = {.bandwidth_bytes_s = 5 * GB, .dirty_bytes_s = 6 * GB}}                      },
        {"writes too much, no post-copy wanted",
         "none " ALWAYS " auto-converge multifd",
         5,                                                                    {.wish = {.bandwidth_bytes_s = 5 * GB, .dirty_bytes_s = 6 * GB, .no_post_copy = true}}},
        {"writes too much, no post-copy there",
         "none " ALWAYS " auto-converge multifd",
         5,                                                                    {{NULL},
          {"'postcopy-ram':false,", ""},
          {.bandwidth_bytes_s = 5 * GB, .dirty_bytes_s = 6 * GB}}                                                                                         },
        {"a bitmap moves along",
         "none " ALWAYS " dirty-bitmaps",
         0,                                                                    {{"'dirty-bitmaps':false", "'dirty-bitmaps':true"}, {NULL}, {.data_path = 0}}         },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_plan_clear) struct mig_plan p = {.compression = NULL};
        MIG_AUTO(mig_free) char *on = NULL;

        make(&c->q, &p);
        on = list_on(&p);
        check_number(c->label, MIG_PLAN_READY, p.answer);
        check_text(c->label, c->on, on);
        check_number(c->label, c->channels, p.channels);
    }
}

/* The commands of a plan as one text. */
static char *commands(const struct question *q)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture source = {0}, destination = {0};
    MIG_AUTO(mig_plan_clear) struct mig_plan p = {.compression = NULL};
    MIG_AUTO(mig_node_free) json_t *list = NULL;
    char *text, *copy;

    load(q->source[0], q->source[1], &source);
    load(q->destination[0], q->destination[1], &destination);
    mig_plan_make(&source, &destination, &q->wish, &p);
    list = mig_commands_make(&p, &source, &destination, &q->wish);
    text = json_dumps(list, JSON_COMPACT);
    copy = mig_strdup(text);
    mig_free(text);
    return copy;
}

CHECK_TEST(commands_come_in_an_order_that_qemu_takes)
{
    static const struct {
        const char *label;
        const char *in_order[6]; /* NULL: no more */
        const char *never;
        struct question q;
    } cases[] = {
        {"without a URI nothing is sent",
         {"\"id\":\"destination/1\"", "\"downtime-limit\":300", "\"id\":\"source/"},
         "migrate-incoming", {.wish = {.data_path = 0}}                                                      },
        {"with one it goes and waits before the end",
         {"migrate-incoming", "\"execute\":\"migrate\"", "migrate-continue"},
         "start-postcopy",   {.wish = {.uri = "unix:/s"}}                                                    },
        {"post-copy is started",
         {"postcopy-ram", "migrate-incoming", "\"execute\":\"migrate\"", "start-postcopy"},
         "multifd-channels", {.wish = {.uri = "unix:/s", .dirty_bytes_s = 6 * GB}}                           },
        {"what must go off goes first",
         {"\"capability\":\"multifd\",\"state\":false", "downtime-limit", "\"state\":true"},
         "multifd-channels", {{"'multifd':false", "'multifd':true"}, {NULL}, {.data_path = 0}}               },
        {"credentials",
         {"\"tls-creds\":\"t\"", "\"tls-creds\":\"t\",\"tls-hostname\":\"b\""},
         "zero-copy",        {.wish = {.data_path = MIG_DATA_VMM_TLS, .tls_creds = "t", .tls_hostname = "b"}}},
        {"TLS that is not wanted",
         {"\"tls-creds\":\"\""},
         "tls-hostname",     {{"'tls-creds':''", "'tls-creds':'x'"}, {NULL}, {.data_path = 0}}               },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_free) char *text = commands(&c->q);
        const char *at = text;

        for (size_t i = 0; i < MIG_COUNT(c->in_order) && c->in_order[i] != NULL; i++) {
            check_contains(c->label, c->in_order[i], at);
            at = strstr(at, c->in_order[i]) + 1;
        }
        check_true(c->label, strstr(text, c->never) == NULL);
    }
}

CHECK_TEST(rows_name_each_capability_once_and_need_what_comes_before)
{
    for (uint32_t i = 0; i < MIG_ABILITY_COUNT; i++) {
        const struct mig_ability_row *row = &mig_ability_rows[i];

        check_true(row->what, row->what != NULL && (row->name == NULL) == (row->since == NULL));
        check_true(row->what, (row->needs >> i) == 0 && (row->needs & row->excludes) == 0);
        for (uint32_t k = 0; k < i && row->name != NULL; k++) {
            check_true(row->name, mig_ability_rows[k].name == NULL ||
                                      strcmp(mig_ability_rows[k].name, row->name) != 0);
        }
    }
}

CHECK_MAIN(cmocka_unit_test(a_capture_is_kept_as_json_and_read_again),
           cmocka_unit_test(a_malformed_capture_is_refused_with_its_field),
           cmocka_unit_test(what_stands_against_a_move_blocks_with_a_remedy),
           cmocka_unit_test(what_is_not_known_is_no_plan),
           cmocka_unit_test(a_plan_takes_what_both_can_and_what_helps),
           cmocka_unit_test(commands_come_in_an_order_that_qemu_takes),
           cmocka_unit_test(rows_name_each_capability_once_and_need_what_comes_before))
