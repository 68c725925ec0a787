/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include "base/array.h"
#include "plan/capture.h"
#include "support/qemu.h"
#include "vmm/mover.h"

/* clang-format off */
static const struct qemu_row usual[] = {
    {"qmp_capabilities", "{}"},
    {"query-version", "{\"qemu\": {\"major\": 7, \"minor\": 2, \"micro\": 22}, \"package\": \"Debian 1\"}"},
    {"query-target", "{\"arch\": \"x86_64\"}"},
    {"query-status", "{\"status\": \"running\"}"},
    {"/machine type", "\"pc-q35-7.2-machine\""},
    {"query-uuid", "{\"UUID\": \"00000000-0000-0000-0000-000000000000\"}"},
    {"query-memory-size-summary", "{\"base-memory\": 268435456, \"plugged-memory\": 1048576}"},
    {"query-migrate-capabilities", "[{\"capability\": \"multifd\", \"state\": true}, {\"capability\": \"new-one\", \"state\": false}]"},
    {"query-migrate-parameters", "{\"max-bandwidth\": 134217728, \"tls-creds\": \"\", \"cpu-throttle-tailslow\": false, \"block-bitmap-mapping\": []}"},
    {"query-qmp-schema", "[{\"name\": \"migrate-set-parameters\", \"meta-type\": \"command\", \"arg-type\": \"7\"},"
     " {\"name\": \"7\", \"members\": [{\"name\": \"downtime-limit\", \"type\": \"int\"}, {\"name\": \"multifd-compression\", \"type\": \"9\"}]},"
     " {\"name\": \"9\", \"meta-type\": \"enum\", \"values\": [\"none\", \"zstd\"]}]"},
    {"query-migrate", "{\"blocked-reasons\": [\"invtsc\"]}"},
    {"query-machines", "[{\"name\": \"pc-q35-7.2\", \"alias\": \"q35\", \"deprecated\": false}, {\"name\": \"old\", \"deprecated\": true}, {\"name\": \"none\"}]"},
    {"calc-dirty-rate", "{}"},
    {"query-dirty-rate", "{\"status\": \"measured\", \"dirty-rate\": 12, \"mode\": \"page-sampling\"}"},
};
/* clang-format on */

static bool measure(struct mig_qmp *q, void *data, struct mig_error *err)
{
    return mig_mover_ask(q, true, data, err);
}

static bool only_ask(struct mig_qmp *q, void *data, struct mig_error *err)
{
    return mig_mover_ask(q, false, data, err);
}

static bool with(const struct qemu_row other[2], qemu_fn *fn, struct mig_capture *ret,
                 struct mig_error *err)
{
    return qemu_with((struct qemu_rows){usual, MIG_COUNT(usual)}, other, fn, ret, err);
}

CHECK_TEST(a_qemu_tells_what_it_can_do)
{
    MIG_AUTO(mig_capture_clear) struct mig_capture c = {0};
    const struct mig_capture_switch *multifd, *later;
    struct mig_error err;

    check_done("ask", with(NULL, measure, &c, &err), &err);
    check_text("version", "7.2.22 (Debian 1)", c.version);
    check_text("machine", "pc-q35-7.2", c.machine);
    check_true("no UUID", c.uuid == NULL);
    check_number("memory", 269484032, c.ram_bytes);
    check_number("written", 12u << 20, c.has_dirty ? c.dirty_bytes_s : 0);
    multifd = mig_capture_switch(&c, "multifd");
    later = mig_capture_switch(&c, "new-one");
    check_true("switches", multifd != NULL && multifd->on && later != NULL && !later->on);
    check_number("whole numbers", 134217728, mig_capture_number(&c, "max-bandwidth", 0));
    check_number("no lists", 3, json_object_size(c.parameters));
    check_true("method", mig_capture_has_text(&c.compressions, "zstd"));
    check_true("blocked", c.tells_blocked && mig_capture_has_text(&c.blocked, "invtsc"));
    check_true("alias", mig_capture_machine(&c, "q35") == &c.machines.items[0]);
    check_true("deprecated", c.machines.items[1].deprecated && !c.machines.items[2].deprecated);
}

CHECK_TEST(nothing_is_measured_where_that_means_nothing)
{
    static const struct {
        const char *label;
        qemu_fn *fn;
        struct qemu_row other[2];
    } cases[] = {
        {"not wanted",   only_ask, {{NULL, NULL}, {NULL, NULL}}                                   },
        {"does not run", measure,  {{"query-status", "{\"status\": \"inmigrate\"}"}, {NULL, NULL}}},
        {"no memory",
         measure,                  {{"query-memory-size-summary", "{\"base-memory\": 0, \"plugged-memory\": 0}"},
          {"/machine type", "\"none-machine\""}}                                 },
    };

    CHECK_EACH (c, cases) {
        /* Whoever asks all the same is refused. */
        struct qemu_row rows[MIG_COUNT(usual)];
        MIG_AUTO(mig_capture_clear) struct mig_capture got = {0};
        struct mig_error err;

        memcpy(rows, usual, sizeof rows);
        rows[MIG_COUNT(rows) - 2].returned = NULL;
        check_done(
            c->label,
            qemu_with((struct qemu_rows){rows, MIG_COUNT(rows)}, c->other, c->fn, &got, &err),
            &err);
        check_true(c->label, !got.has_dirty);
        check_true(c->label, (got.machine == NULL) == (got.ram_bytes == 0));
    }
}

CHECK_TEST(an_old_qemu_tells_less)
{
    static const struct qemu_row old[2] = {
        {"query-version",
         "{\"qemu\": {\"major\": 4, \"minor\": 2, \"micro\": 1}, \"package\": \"\"}"},
        {"query-migrate", "{}"                                                      },
    };
    MIG_AUTO(mig_capture_clear) struct mig_capture c = {0};
    struct mig_error err;

    check_done("ask", with(old, only_ask, &c, &err), &err);
    check_text("version", "4.2.1", c.version);
    check_true("blocked or not", !c.tells_blocked);
}

CHECK_TEST(answers_of_another_form_are_refused_with_the_question)
{
    static const struct {
        const char *says;
        struct qemu_row other[2];
    } cases[] = {
        {"query-version: qemu: key 'major'",
         {{"query-version", "{\"qemu\": {}, \"package\": \"\"}"}, {NULL, NULL}}                                     },
        {"query-target: key 'arch' is missing",  {{"query-target", "{}"}, {NULL, NULL}}                             },
        {"query-memory-size-summary: key",       {{"query-memory-size-summary", "{}"}, {NULL, NULL}}                },
        {"query-version: key 'qemu' is missing",
         {{"query-version", "{\"package\": \"\"}"}, {NULL, NULL}}                                                   },
        {"query-version: qemu",                  {{"query-version", "{\"qemu\": 7}"}, {NULL, NULL}}                 },
        {"query-target",                         {{"query-target", "{\"arch\": 1}"}, {NULL, NULL}}                  },
        {"is no type of a machine",              {{"/machine type", "\"pc\""}, {NULL, NULL}}                        },
        {"query-memory-size-summary",
         {{"query-memory-size-summary", "{\"base-memory\": -1}"}, {NULL, NULL}}                                     },
        {"query-migrate-capabilities: [0]",
         {{"query-migrate-capabilities", "[{\"capability\": \"x\"}]"}, {NULL, NULL}}                                },
        {"query-migrate-capabilities",           {{"query-migrate-capabilities", "{}"}, {NULL, NULL}}               },
        {"query-migrate-parameters",             {{"query-migrate-parameters", NULL}, {NULL, NULL}}                 },
        {"blocked-reasons",                      {{"query-migrate", "{\"blocked-reasons\": \"all\"}"}, {NULL, NULL}}},
        {"query-machines: [0]",                  {{"query-machines", "[{\"alias\": \"q35\"}]"}, {NULL, NULL}}       },
        {"calc-dirty-rate",                      {{"calc-dirty-rate", NULL}, {NULL, NULL}}                          },
        {"query-dirty-rate",                     {{"query-dirty-rate", "{\"status\": \"measured\"}"}, {NULL, NULL}} },
        {"query-dirty-rate: dirty-rate",
         {{"query-dirty-rate", "{\"status\": \"measured\", \"dirty-rate\": -5}"}, {NULL, NULL}}                     },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_capture_clear) struct mig_capture got = {0};
        struct mig_error err;

        check_true(c->says, !with(c->other, measure, &got, &err));
        check_contains(c->says, c->says, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(a_qemu_tells_what_it_can_do),
           cmocka_unit_test(nothing_is_measured_where_that_means_nothing),
           cmocka_unit_test(an_old_qemu_tells_less),
           cmocka_unit_test(answers_of_another_form_are_refused_with_the_question))
