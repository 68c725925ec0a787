/* SPDX-License-Identifier: Apache-2.0 */
#include "session/finding_text.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/printed.h"

/* One finding of a table: what it is about and what is seen there. */
struct row {
    const char *id; /* name of a field, or an id without one */
    enum mig_severity severity;
    struct mig_seen guest, source, destination;
    enum mig_reason reason;
    bool likely;
    const char *why, *remedy, *root;
};

#define KNOWN(value)                                                                               \
    {                                                                                              \
        MIG_KNOWN, value                                                                           \
    }
#define NO_VALUE                                                                                   \
    {                                                                                              \
        MIG_UNCOVERED, 0                                                                           \
    }

static void add(struct mig_findings *list, const struct row *row)
{
    const struct mig_field *field = strchr(row->id, '/') == NULL ? mig_field_find(row->id) : NULL;
    struct mig_finding *f =
        field != NULL
            ? mig_findings_add_field(list, field->reg, field, field->hi, field->lo, row->severity)
            : mig_findings_add(list, row->id, row->severity);

    f->guest = row->guest;
    f->source = row->source;
    f->destination = row->destination;
    f->reason = row->reason;
    f->likely = row->likely;
    if (row->why != NULL) {
        mig_free(f->why);
        f->why = mig_strdup(row->why);
    }
    f->remedy = mig_strdup(row->remedy);
    f->root = mig_strdup(row->root);
}

static char *print(const struct mig_report *how, const struct row *rows, size_t len)
{
    struct mig_findings list = {0};
    struct mig_report r = *how;
    char *text;

    for (size_t i = 0; i < len; i++) {
        add(&list, &rows[i]);
    }
    mig_findings_sort(&list);
    text = PRINTED(r.out = out, mig_finding_text_print(&r, &list, MIG_BLOCKER));
    mig_findings_clear(&list);
    return text;
}

CHECK_TEST(a_finding_shows_place_values_why_reason_and_remedy)
{
    static const struct row row = {"mpx",    MIG_BLOCKER, KNOWN(1),
                                   KNOWN(1), KNOWN(0),    MIG_REASON_HARDWARE,
                                   true,     NULL,        "pick another destination",
                                   NULL};
    static const char wide[] =
        "  x86/cpuid/7.0/ebx/14  mpx\n"
        "    CPUID leaf 7 subleaf 0, EBX bit 14   guest 1   source 1   destination 0   rule and\n"
        "    why:     bounds registers of the guest would be lost\n"
        "    reason:  hardware (likely)\n"
        "    remedy:  pick another destination\n";
    static const char narrow[] = "  x86/cpuid/7.0/ebx/14  mpx\n"
                                 "    CPUID leaf 7 subleaf 0, EBX bit 14\n"
                                 "    guest 1   source 1   destination 0   rule and\n"
                                 "    why:     bounds registers of the guest would be lost\n"
                                 "    reason:  hardware (likely)\n"
                                 "    remedy:  pick another destination\n";
    const struct mig_report how = {.pair = true};
    char *got;

    (void)setenv("COLUMNS", "120", 1);
    got = print(&how, &row, 1);
    check_text("120", wide, got);
    free(got);
    (void)setenv("COLUMNS", "80", 1);
    got = print(&how, &row, 1);
    check_text("80", narrow, got);
    free(got);
}

CHECK_TEST(what_findings_share_is_told_once_and_columns_stand_below_each_other)
{
    static const struct row rows[] = {
        {"avx2",           MIG_BLOCKER, NO_VALUE, KNOWN(1),  KNOWN(0),  MIG_REASON_HARDWARE, false, "a",
         "move it elsewhere",                                                                                                 NULL},
        {"mpx",            MIG_BLOCKER, NO_VALUE, KNOWN(1),  KNOWN(0),  MIG_REASON_KERNEL,   false, "b",
         "boot a newer kernel",                                                                                               NULL},
        {"phys_addr_bits", MIG_BLOCKER, NO_VALUE, KNOWN(52), KNOWN(46), MIG_REASON_HARDWARE, false,
         "c",                                                                                            "move it elsewhere", NULL},
        {"trust/expired",  MIG_BLOCKER, NO_VALUE, NO_VALUE,  NO_VALUE,  MIG_REASON_EVIDENCE, false,
         "too old",                                                                                      "ask again",         NULL},
    };
    const struct mig_report how = {.pair = true};
    char *got;

    (void)setenv("COLUMNS", "120", 1);
    got = print(&how, rows, sizeof rows / sizeof *rows);
    check_text("group",
               "  x86/cpuid/7.0/ebx/5  avx2\n"
               "    CPUID leaf 7 subleaf 0, EBX bit 5               source 1         destination 0 "
               "        rule and\n"
               "    why:     a\n"
               "  x86/cpuid/80000008.0/eax/7:0  phys_addr_bits, phys-bits\n"
               "    CPUID leaf 0x80000008 subleaf 0, EAX bits 7:0   source 52 bits   destination "
               "46 bits   rule min\n"
               "    why:     c\n"
               "  both of these\n"
               "    reason:  hardware\n"
               "    remedy:  move it elsewhere\n"
               "\n"
               "  x86/cpuid/7.0/ebx/14  mpx\n"
               "    CPUID leaf 7 subleaf 0, EBX bit 14              source 1         destination 0 "
               "        rule and\n"
               "    why:     b\n"
               "    reason:  kernel\n"
               "    remedy:  boot a newer kernel\n"
               "\n"
               "  trust/expired\n"
               "    why:     too old\n"
               "    reason:  evidence\n"
               "    remedy:  ask again\n",
               got);
    free(got);
}

CHECK_TEST(what_is_no_register_has_its_units)
{
    static const struct {
        const char *label;
        struct row row;
        const char *printed;
    } cases[] = {
        {"kHz",
         {"host/tsc-khz", MIG_BLOCKER, KNOWN(2600000), KNOWN(2600000), KNOWN(2900000),
          MIG_REASON_HARDWARE, false, "it would run fast", NULL, NULL},
         "  host/tsc-khz\n"
         "    guest 2600000 kHz   source 2600000 kHz   destination 2900000 kHz\n"
         "    why:     it would run fast\n"
         "    reason:  hardware\n"         },
        {"no source: a guest that is restored",
         {"host/tsc-khz", MIG_BLOCKER, KNOWN(2600000), NO_VALUE, KNOWN(2900000),
          MIG_REASON_HARDWARE, false, "it would run fast", NULL, NULL},
         "  host/tsc-khz\n"
         "    guest 2600000 kHz   destination 2900000 kHz\n"
         "    why:     it would run fast\n"
         "    reason:  hardware\n"         },
        {"count",
         {"guest/vcpus", MIG_BLOCKER, KNOWN(288), NO_VALUE, KNOWN(255), MIG_REASON_KERNEL, false,
          "too many", NULL, NULL},
         "  guest/vcpus\n"
         "    guest 288   destination 255\n"
         "    why:     too many\n"
         "    reason:  kernel\n"           },
        {"policy",
         {"policy/minimum", MIG_BLOCKER, NO_VALUE, NO_VALUE, NO_VALUE, MIG_REASON_POLICY, false,
          "the result is x86-64-v2, the policy wants x86-64-v3", "lower the minimum", NULL},
         "  policy/minimum\n"
         "    why:     the result is x86-64-v2, the policy wants x86-64-v3\n"
         "    reason:  policy\n"
         "    remedy:  lower the minimum\n"},
        {"not known",
         {"x86/msr/10a",
          MIG_BLOCKER,
          NO_VALUE,
          {MIG_UNREADABLE, 0},
          {MIG_ABSENT, 0},
          MIG_REASON_EVIDENCE,
          false,
          "could not be read",
          NULL,
          NULL},
         "  x86/msr/10a\n"
         "    MSR 0x10a   source unreadable   destination 0 (absent)\n"
         "    why:     could not be read\n"
         "    reason:  evidence\n"         },
        {"longer than the page",
         {"x86/msr/10a",
          MIG_BLOCKER,
          KNOWN(0xffffffffffffffff),
          KNOWN(0xffffffffffffffff),
          {MIG_UNREADABLE, 0},
          MIG_REASON_EVIDENCE,
          false,
          NULL,
          NULL,
          NULL},
         "  x86/msr/10a\n"
         "    MSR 0x10a\n"
         "    guest 0xffffffffffffffff source 0xffffffffffffffff destination\n"
         "      unreadable\n"
         "    reason:  evidence\n"         },
    };
    const struct mig_report how = {.pair = true};

    (void)setenv("COLUMNS", "72", 1);
    CHECK_EACH (c, cases) {
        struct row row = c->row;
        char *got = print(&how, &row, 1);

        check_text(c->label, c->printed, got);
        free(got);
    }
}

static struct mig_snapshot *host_with(uint64_t leaf7_ebx)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), leaf7_ebx);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

CHECK_TEST(verbose_shows_a_whole_register_once)
{
    static const struct row rows[] = {
        {"avx2", MIG_BLOCKER, KNOWN(1), KNOWN(1), KNOWN(0), MIG_REASON_HARDWARE, false, "a", NULL,
         NULL},
        {"mpx",  MIG_BLOCKER, KNOWN(1), KNOWN(1), KNOWN(0), MIG_REASON_HARDWARE, false, "b", NULL,
         NULL},
    };
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *full = host_with(0x4020);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *bare = host_with(1);
    const struct mig_report how = {
        .pair = true, .verbose = true, .guest = full, .source = full, .destination = bare};
    char *got;

    (void)setenv("COLUMNS", "80", 1);
    got = print(&how, rows, sizeof rows / sizeof *rows);
    check_text("whole",
               "  x86/cpuid/7.0/ebx/5  avx2\n"
               "    CPUID leaf 7 subleaf 0, EBX bit 5\n"
               "    guest 1   source 1   destination 0   rule and\n"
               "    whole:   guest 0x00004020, source 0x00004020, destination 0x00000001\n"
               "    why:     a\n"
               "  x86/cpuid/7.0/ebx/14  mpx\n"
               "    CPUID leaf 7 subleaf 0, EBX bit 14\n"
               "    guest 1   source 1   destination 0   rule and\n"
               "    why:     b\n"
               "  both of these\n"
               "    reason:  hardware\n",
               got);
    free(got);
}

CHECK_TEST(what_follows_from_another_is_named_there)
{
    static const struct row rows[] = {
        {"mpx",              MIG_BLOCKER, NO_VALUE, KNOWN(1), KNOWN(0), MIG_REASON_HARDWARE, false, "a",
         "go elsewhere",                                                                                                 NULL                  },
        {"xcr0_mpx_bndregs", MIG_BLOCKER, NO_VALUE, KNOWN(1), KNOWN(0), MIG_REASON_HARDWARE, false,
         "b",                                                                                            "go elsewhere", "x86/cpuid/7.0/ebx/14"},
    };
    const struct mig_report plain = {.pair = true}, verbose = {.pair = true, .verbose = true};
    char *got;

    (void)setenv("COLUMNS", "80", 1);
    got = print(&plain, rows, sizeof rows / sizeof *rows);
    check_contains("named", "    with it: xcr0_mpx_bndregs\n", got);
    check_true("once", strstr(got, "x86/cpuid/d.0") == NULL);
    free(got);
    got = print(&verbose, rows, sizeof rows / sizeof *rows);
    check_contains("verbose", "  x86/cpuid/d.0/eax/3  xcr0_mpx_bndregs\n", got);
    free(got);
}

CHECK_MAIN(cmocka_unit_test(a_finding_shows_place_values_why_reason_and_remedy),
           cmocka_unit_test(what_findings_share_is_told_once_and_columns_stand_below_each_other),
           cmocka_unit_test(what_is_no_register_has_its_units),
           cmocka_unit_test(verbose_shows_a_whole_register_once),
           cmocka_unit_test(what_follows_from_another_is_named_there))
