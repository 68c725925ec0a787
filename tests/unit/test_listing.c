/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/listing.h"

#include <errno.h>

#include "base/text.h"
#include "snapshot/builder.h"
#include "support/check.h"

#define CPUS "guest.target-cpus"
#define REGS "vmm.left-out-regs"

static struct mig_snapshot *with(const char *name, const char *value, struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    struct mig_snapshot *s = NULL;

    mig_builder_add_fact(b, name, value, "");
    return mig_builder_freeze(b, &s, err) ? s : NULL;
}

CHECK_TEST(a_list_is_read_by_its_numbers)
{
    static const struct {
        const char *label, *name, *value;
        enum mig_listing which;
        struct mig_listed wanted;
        bool has;
    } cases[] = {
        {"one CPU",        CPUS, "0x413fd0c1/0x0/0x0",                      MIG_LISTING_TARGET_CPUS, {{0x413fd0c1}},         true},
        {"leading zeros",
         CPUS,                   "0x00000000413FD0C1/0x00/0",
         MIG_LISTING_TARGET_CPUS,                                                                    {{0x413fd0c1}},
         true                                                                                                                    },
        {"the second",
         CPUS,                   "0x413fd0c1/0x0/0x0, 0x411fd401/0x1/0x2",
         MIG_LISTING_TARGET_CPUS,                                                                    {{0x411fd401, 1, 2}},
         true                                                                                                                    },
        {"another REVIDR",
         CPUS,                   "0x411fd401/0x1/0x2",
         MIG_LISTING_TARGET_CPUS,                                                                    {{0x411fd401, 0, 2}},
         false                                                                                                                   },
        {"one register",
         REGS,                   "0x603000000013c03a",
         MIG_LISTING_LEFT_OUT_REGS,                                                                  {{0x603000000013c03a}},
         true                                                                                                                    },
        {"by spaces",
         REGS,                   " 0x6030000000160003 0x603000000013c03a ",
         MIG_LISTING_LEFT_OUT_REGS,                                                                  {{0x603000000013c03a}},
         true                                                                                                                    },
        {"not that one",
         REGS,                   "0x603000000013c03b",
         MIG_LISTING_LEFT_OUT_REGS,                                                                  {{0x603000000013c03a}},
         false                                                                                                                   },
        {"other fact",
         REGS,                   "0x603000000013c03a",
         MIG_LISTING_TARGET_CPUS,                                                                    {{0x603000000013c03a}},
         false                                                                                                                   },
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = with(c->name, c->value, &err);

        check_done(c->label, s != NULL, &err);
        check_number(c->label, c->has, mig_listing_has(s, c->which, &c->wanted));
    }
}

CHECK_TEST(a_list_of_another_form_is_refused_by_name_word_and_form)
{
    static const char cpu[] = "expected MIDR_EL1/REVIDR_EL1/AIDR_EL1 of each CPU, such as "
                              "0x413fd0c1/0x0/0x0";
    static const char reg[] = "expected KVM's ids of arm64 registers, such as 0x603000000013c03a";
    static const struct {
        const char *name, *value, *word, *expected;
    } cases[] = {
        {CPUS, "",                               "is empty",                 cpu},
        {CPUS, ", ,",                            "is empty",                 cpu},
        {CPUS, "0x413fd0c1",                     "'0x413fd0c1'",             cpu},
        {CPUS, "0x413fd0c1/0x0",                 "'0x413fd0c1/0x0'",         cpu},
        {CPUS, "0x413fd0c1/0x0/0x0/0x0",         "'0x413fd0c1/0x0/0x0/0x0'", cpu},
        {CPUS, "0x413fd0c1/0x0/0x0;0x1",         "'0x413fd0c1/0x0/0x0;0x1'", cpu},
        {CPUS, "0x413fd0c1/0x0/0x0 neoverse-v1", "'neoverse-v1'",            cpu},
        {CPUS, "413fd0c1/0x0/0x0",               "'413fd0c1/0x0/0x0'",       cpu},
        {CPUS, "0xc1d03f41/0x0/0x0",             "'0xc1d03f41/0x0/0x0'",     cpu}, /* swapped */
        {CPUS, "0x1413fd0c1/0x0/0x0",            "'0x1413fd0c1/0x0/0x0'",    cpu},
        {CPUS, "0x413fd0c1/0x0/0x0/",            "'0x413fd0c1/0x0/0x0/'",    cpu},
        {REGS, "",                               "is empty",                 reg},
        {REGS, "ID_AA64MMFR2_EL1",               "'ID_AA64MMFR2_EL1'",       reg},
        {REGS, "0x13c03a",                       "'0x13c03a'",               reg},
        {REGS, "0x603000000013c03a,0x60300000",  "'0x60300000'",             reg},
        {REGS, "603000000013c03a",               "'603000000013c03a'",       reg},
        {REGS, "0x3ac0130000003060",             "'0x3ac0130000003060'",     reg}, /* swapped */
        {REGS, "0x602000000013c03a",             "'0x602000000013c03a'",     reg},
        {REGS, "0x2030000000000001",             "'0x2030000000000001'",     reg}, /* x86 */
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = with(c->name, c->value, &err);

        check_true(c->value, s == NULL);
        check_number(c->value, MIG_FORMAT, err.code);
        check_contains(c->value, c->name, err.msg);
        check_contains(c->value, c->word, err.msg);
        check_contains(c->value, c->expected, err.msg);
    }
}

CHECK_TEST(what_is_no_list_is_of_any_form)
{
    char name[] = "guest.name", value[] = "web/3", regs[] = REGS, source[] = "";
    const struct mig_fact other = {name, value, source, 0};
    const struct mig_fact unreadable = {regs, NULL, source, EIO};
    MIG_AUTO(mig_text_clear) struct mig_text t = {0};
    struct mig_error err;

    check_done("other", mig_listing_check(&other, &err), &err);
    check_done("unreadable", mig_listing_check(&unreadable, &err), &err);
    check_true("other", !mig_listing_print(&other, &t));
    check_true("unreadable", !mig_listing_print(&unreadable, &t));
}

CHECK_TEST(a_list_is_printed_with_the_names_of_what_it_lists)
{
    static const struct {
        const char *name, *value, *printed;
    } cases[] = {
        {CPUS, "0x413fd0c1/0x0/0x0,0x420f5160/0x1/0",
         "Neoverse-N1 r3p1 (0x413fd0c1)/0x0/0x0, Vulcan r0p0 (0x420f5160)/0x1/0x0"},
        {REGS, "0x603000000013c03a 0x603000000013c03f",
         "0x603000000013c03a (ID_AA64MMFR2_EL1), 0x603000000013c03f"              },
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = with(c->name, c->value, &err);
        MIG_AUTO(mig_text_clear) struct mig_text t = {0};

        check_done(c->name, s != NULL, &err);
        check_true(c->name, s != NULL && mig_listing_print(&s->facts[0], &t));
        check_text(c->name, c->printed, t.items);
    }
}

CHECK_MAIN(cmocka_unit_test(a_list_is_read_by_its_numbers),
           cmocka_unit_test(a_list_of_another_form_is_refused_by_name_word_and_form),
           cmocka_unit_test(what_is_no_list_is_of_any_form),
           cmocka_unit_test(a_list_is_printed_with_the_names_of_what_it_lists))
