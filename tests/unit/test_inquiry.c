/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/file.h"
#include "snapshot/builder.h"
#include "support/qemu.h"
#include "vmm/inquiry.h"
#include "vmm/launch.h"

/* clang-format off */
static const struct qemu_row usual[] = {
    {"qmp_capabilities", "{}"},
    {"query-target", "{\"arch\": \"x86_64\"}"},
    {"query-status", "{\"status\": \"running\"}"},
    {"query-version", "{\"qemu\": {\"major\": 7, \"minor\": 2, \"micro\": 22}, \"package\": \"Debian 1\"}"},
    {"query-uuid", "{\"UUID\": \"6c1e9f2a-0000-4000-8000-000000000001\"}"},
    {"query-name", "{\"name\": \"web3\"}"},
    {"query-kvm", "{\"enabled\": true, \"present\": true}"},
    {"/machine type", "\"pc-q35-7.2-machine\""},
    {"/machine confidential-guest-support", "\"\""},
    {"/machine smp", "{\"cpus\": 4, \"maxcpus\": 4, \"sockets\": 1, \"dies\": 1, \"clusters\": 1, \"cores\": 2, \"threads\": 2}"},
    {"query-cpus-fast", "[{\"cpu-index\": 0, \"qom-path\": \"/cpu0\"}, {\"cpu-index\": 1, \"qom-path\": \"/cpu1\"}]"},
    {"/cpu0 type", "\"max-x86_64-cpu\""},
    {"query-cpu-model-expansion", "{\"model\": {\"name\": \"max\", \"props\": {\"avx\": true, \"mpx\": true,"
     " \"lm\": true, \"phys-bits\": 0, \"model-id\": \"\", \"hv-vendor-id\": \"\", \"level\": 1, \"apic-id\": 0, \"tsc-frequency\": 0}}}"},
    {"/cpu0 avx", "true"},
    {"/cpu0 mpx", "false"},
    {"/cpu0 lm", "true"},
    {"/cpu0 phys-bits", "46"},
    {"/cpu0 model-id", "\"A, B\""},
    {"/cpu0 hv-vendor-id", "\"\""},
    {"/cpu0 level", "13"},
    {"/cpu0 tsc-frequency", "2000000000"},
    {"/cpu0 feature-words", "[{\"features\": 1}]"},
};
/* clang-format on */

static bool with(const struct qemu_row *other, qemu_fn *fn, void *data, struct mig_error *err)
{
    return qemu_with((struct qemu_rows){usual, MIG_COUNT(usual)}, other, fn, data, err);
}

static bool ask(struct mig_qmp *q, void *ret, struct mig_error *err)
{
    return mig_inquiry_ask(q, ret, err);
}

static const struct qemu_row nothing_else[2] = {
    {NULL, NULL},
    {NULL, NULL}
};

CHECK_TEST(a_running_qemu_is_known_by_its_answers)
{
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    struct mig_error err;

    check_done("ask", with(nothing_else, ask, &i, &err), &err);
    check_text("version", "7.2.22 (Debian 1)", i.version);
    check_text("uuid", "6c1e9f2a-0000-4000-8000-000000000001", i.uuid);
    check_text("name", "web3", i.name);
    check_text("machine", "pc-q35-7.2", i.machine);
    check_text("cpu", "max-x86_64-cpu", i.cpu);
    check_true("kvm", i.kvm);
    check_true("its own value", json_is_false(json_object_get(i.properties, "mpx")));
    check_true("no place", json_object_get(i.properties, "apic-id") == NULL);
    check_true("words", json_is_array(json_object_get(i.properties, "feature-words")));
}

static char *line_of(const struct mig_inquiry *i, bool asks_tsc)
{
    MIG_AUTO(mig_launch_clear) struct mig_launch l = {.items = NULL};
    char *line = mig_strdup("");

    mig_inquiry_add_cpu(i, asks_tsc, &l);
    for (size_t n = 0; n < l.len; n++) {
        char *longer = mig_strf("%s%s%s", line, n > 0 ? " " : "", l.items[n]);

        mig_free(line);
        line = longer;
    }
    return line;
}

CHECK_TEST(its_cpu_is_spelt_out)
{
    /* clang-format off */
    static const struct {
        const char *label;
        struct qemu_row other[2];
        bool asks_tsc;
        const char *line;
    } cases[] = {
        {"as it is", {{NULL, NULL}}, false,
         "-global driver=max-x86_64-cpu,property=model-id,value=A,, B "
         "-cpu max,avx=on,mpx=off,lm=on,phys-bits=46,level=13 -smp cpus=1,maxcpus=4,sockets=1,cores=2,threads=2"},
        {"with its clock", {{"/cpu0 model-id", "\"AB\""}}, true,
         "-cpu max,avx=on,mpx=off,lm=on,phys-bits=46,model-id=AB,level=13,tsc-frequency=2000000000 "
         "-smp cpus=1,maxcpus=4,sockets=1,cores=2,threads=2"},
        {"no long mode, no width", {{"/cpu0 lm", "false"}, {"/cpu0 model-id", "\"\""}}, false,
         "-cpu max,avx=on,mpx=off,lm=off,level=13 -smp cpus=1,maxcpus=4,sockets=1,cores=2,threads=2"},
        {"a number beyond what can be told exactly", {{"/cpu0 level", "1.5"}, {"/cpu0 phys-bits", "-1"}}, false,
         "-global driver=max-x86_64-cpu,property=model-id,value=A,, B "
         "-cpu max,avx=on,mpx=off,lm=on -smp cpus=1,maxcpus=4,sockets=1,cores=2,threads=2"},
        {"dies", {{"/machine smp", "{\"cpus\": 1, \"maxcpus\": 8, \"sockets\": 2, \"dies\": 2, \"cores\": 2, \"threads\": 1}"},
                  {"/cpu0 model-id", "\"\""}}, false,
         "-cpu max,avx=on,mpx=off,lm=on,phys-bits=46,level=13 -smp cpus=1,maxcpus=8,sockets=2,dies=2,cores=2,threads=1"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
        MIG_AUTO(mig_free) char *line = NULL;
        struct mig_error err;

        check_done(c->label, with(c->other, ask, &i, &err), &err);
        line = line_of(&i, c->asks_tsc);
        check_text(c->label, c->line, line);
    }
}

CHECK_TEST(an_answer_that_can_not_be_taken_is_an_error_by_name)
{
    /* clang-format off */
    static const struct {
        const char *label;
        struct qemu_row other[2];
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"another architecture", {{"query-target", "{\"arch\": \"aarch64\"}"}}, MIG_MISSING, "query-target: aarch64"},
        {"no architecture", {{"query-target", "{}"}}, MIG_MISSING, "query-target: unknown"},
        {"on its way here", {{"query-status", "{\"status\": \"inmigrate\"}"}}, MIG_MISSING, "the guest has not arrived"},
        {"no version", {{"query-version", "{\"package\": \"\"}"}}, MIG_FORMAT, "query-version"},
        {"a version in words", {{"query-version", "{\"qemu\": {\"major\": \"7\"}, \"package\": \"\"}"}}, MIG_FORMAT, "query-version"},
        {"refused", {{"query-kvm", NULL}}, MIG_REFUSED, "query-kvm: not here"},
        {"encrypted", {{"/machine confidential-guest-support", "\"/objects/sev0\""}}, MIG_MISSING, "memory is encrypted (/objects/sev0)"},
        {"encryption of another form", {{"/machine confidential-guest-support", "1"}}, MIG_FORMAT, "confidential-guest-support"},
        {"no machine", {{"/machine type", "\"q35\""}}, MIG_FORMAT, "expected a type and a topology"},
        {"no topology", {{"/machine smp", "[]"}}, MIG_FORMAT, "expected a type and a topology"},
        {"no CPUs", {{"query-cpus-fast", "[]"}}, MIG_FORMAT, "expected a list of CPUs"},
        {"a CPU without a path", {{"query-cpus-fast", "[{}]"}}, MIG_FORMAT, "expected a list of CPUs"},
        {"no x86 CPU", {{"/cpu0 type", "\"max-arm-cpu\""}}, MIG_FORMAT, "CPU 'max-arm-cpu' is no x86 one"},
        {"no expansion", {{"query-cpu-model-expansion", "{\"model\": {}}"}}, MIG_FORMAT, "query-cpu-model-expansion: model: key 'props'"},
        {"a property that is not there", {{"/cpu0 avx", NULL}}, MIG_REFUSED, "not here"},
        {"no feature words", {{"/cpu0 feature-words", NULL}}, MIG_REFUSED, "not here"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
        struct mig_error err = {.code = MIG_OK};

        check_true(c->label, !with(c->other, ask, &i, &err));
        check_contains(c->label, c->says, err.msg);
        check_number(c->label, c->code, err.code);
        check_true(c->label, i.version == NULL && i.properties == NULL);
    }
}

static bool ask_incoming(struct mig_qmp *q, void *ret, struct mig_error *err)
{
    return mig_inquiry_ask_incoming(q, ret, err);
}

CHECK_TEST(one_that_waits_for_its_guest_is_asked_as_such)
{
    static const struct qemu_row waits[2] = {
        {"query-status", "{\"status\": \"inmigrate\"}"}
    };
    static const struct qemu_row runs[2] = {
        {"query-status", "{\"status\": \"running\"}"}
    };
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    struct mig_error err = {.code = MIG_OK};

    check_true("running", !with(runs, ask_incoming, &i, &err));
    check_contains("running", "running: expected inmigrate", err.msg);
    check_done("waiting", with(waits, ask_incoming, &i, &err), &err);
    check_text("machine", "pc-q35-7.2", i.machine);
}

/* QEMU before 6.0. */
CHECK_TEST(one_that_knows_no_encryption_has_none)
{
    static const struct qemu_row old[2] = {
        {"/machine confidential-guest-support", NULL}
    };
    MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
    struct mig_error err;

    check_done("ask", with(old, ask, &i, &err), &err);
}

CHECK_TEST(a_scratch_guest_must_have_the_same_cpu)
{
    /* clang-format off */
    static const struct {
        const char *label;
        struct qemu_row other[2];
        const char *says;
        bool differed;
    } cases[] = {
        {"the same", {{NULL, NULL}}, NULL, false},
        {"another name", {{"query-name", "{}"}}, NULL, false},
        {"another version", {{"query-version", "{\"qemu\": {\"major\": 8, \"minor\": 0, \"micro\": 0}, \"package\": \"\"}"}},
         "its version is 8.0.0, that of the guest is 7.2.22", false},
        {"another machine", {{"/machine type", "\"pc-machine\""}}, "its machine is pc,", false},
        {"another CPU", {{"/cpu0 type", "\"qemu64-x86_64-cpu\""}}, "its CPU is qemu64-x86_64-cpu", false},
        {"another accelerator", {{"query-kvm", "{\"enabled\": false}"}}, "its accelerator is another", false},
        {"another feature", {{"/cpu0 mpx", "true"}}, "its CPU has another mpx", true},
        {"other words", {{"/cpu0 feature-words", "[]"}}, "its CPU has another feature-words", true},
        {"no answer", {{"query-target", NULL}}, "query-target", false},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
        struct mig_error err = {.code = MIG_OK};
        bool good;

        check_done(c->label, with(nothing_else, ask, &i, &err), &err);
        good = with(c->other, mig_inquiry_check, &i, &err);
        check_true(c->label, good == (c->says == NULL));
        check_true(c->label, i.differed == c->differed);
        if (c->says != NULL) {
            check_contains(c->label, c->says, err.msg);
        }
    }
}

CHECK_TEST(its_topology_goes_into_the_contract)
{
    /* clang-format off */
    static const struct {
        const char *label;
        struct qemu_row other[2];
        const char *says;
    } cases[] = {
        {"as it is", {{NULL, NULL}}, NULL},
        {"no dies", {{"/machine smp", "{\"maxcpus\": 4, \"sockets\": 1, \"cores\": 2, \"threads\": 2}"}}, NULL},
        {"no cores", {{"/machine smp", "{\"maxcpus\": 4, \"sockets\": 1, \"threads\": 2}"}}, "smp: cores: expected"},
        {"too many", {{"/machine smp", "{\"maxcpus\": 65537, \"sockets\": 1, \"cores\": 2, \"threads\": 2}"}}, "smp: maxcpus: expected"},
    };
    /* clang-format on */

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_inquiry_clear) struct mig_inquiry i = {.kvm = false};
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        struct mig_error err = {.code = MIG_OK};
        uint64_t value = 0;

        check_done(c->label, with(c->other, ask, &i, &err), &err);
        check_true(c->label, mig_inquiry_pour(&i, b, &err) == (c->says == NULL));
        if (c->says != NULL) {
            check_contains(c->label, c->says, err.msg);
            continue;
        }
        check_done(c->label, mig_builder_freeze(b, &s, &err), &err);
        check_true(c->label, mig_snapshot_get(s, mig_reg_plain(MIG_SPACE_GUEST, MIG_GUEST_VCPUS),
                                              &value) == MIG_KNOWN);
        check_number(c->label, 4, value);
        check_text(c->label, "pc-q35-7.2", mig_snapshot_fact(s, "vmm.machine-type"));
        check_text(c->label, "kvm", mig_snapshot_fact(s, "vmm.accelerator"));
    }
}

CHECK_MAIN(cmocka_unit_test(a_running_qemu_is_known_by_its_answers),
           cmocka_unit_test(its_cpu_is_spelt_out),
           cmocka_unit_test(an_answer_that_can_not_be_taken_is_an_error_by_name),
           cmocka_unit_test(one_that_waits_for_its_guest_is_asked_as_such),
           cmocka_unit_test(one_that_knows_no_encryption_has_none),
           cmocka_unit_test(a_scratch_guest_must_have_the_same_cpu),
           cmocka_unit_test(its_topology_goes_into_the_contract))
