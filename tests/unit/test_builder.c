/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/builder.h"

#include <errno.h>

#include "base/alloc.h"
#include "support/check.h"
#include "support/snapshots.h"

static struct mig_snapshot *freeze(struct mig_builder *b)
{
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

CHECK_TEST(entries_and_facts_are_sorted_whatever_the_order_of_adding)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    size_t len;

    mig_builder_set(b, mig_reg_msr(0x10a), 3);
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EDX), 2);
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 1);
    mig_builder_add_fact(b, "vuln.mds", "Not affected", "file");
    mig_builder_add_fact(b, "kernel.release", "6.1", "uname");
    s = freeze(b);
    check_number("entries", 3, s->entries_len);
    for (size_t i = 0; i < s->entries_len; i++) {
        check_number("in order", i + 1, s->entries[i].value);
    }
    check_text("first fact", "kernel.release", s->facts[0].name);
    check_text("found", "Not affected", mig_snapshot_fact(s, "vuln.mds"));
    check_true("not there", mig_snapshot_fact(s, "vuln.l1tf") == NULL);
    check_number("msr", 3, mig_snapshot_space(s, MIG_SPACE_MSR, &len)->value);
    check_number("one msr", 1, len);
    check_true("no list", mig_snapshot_space(s, MIG_SPACE_MSR_LIST, &len) == NULL && len == 0);
}

CHECK_TEST(a_missing_register_is_judged_by_the_coverage_of_its_group)
{
    static const struct {
        const char *label;
        enum mig_coverage coverage;
        enum mig_known known;
    } cases[] = {
        {"none",       MIG_COVER_NONE,       MIG_UNCOVERED },
        {"unreadable", MIG_COVER_UNREADABLE, MIG_UNREADABLE},
        {"partial",    MIG_COVER_PARTIAL,    MIG_UNCOVERED },
        {"full",       MIG_COVER_FULL,       MIG_ABSENT    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
        uint64_t value = 99;

        mig_builder_cover(b, MIG_GROUP_MSR, c->coverage, EIO, "test");
        mig_builder_set(b, mig_reg_msr(0x8b), 5);
        mig_builder_set_unreadable(b, mig_reg_msr(0x345), EIO);
        s = freeze(b);
        check_number(c->label, c->known, mig_snapshot_get(s, mig_reg_msr(0x10a), &value));
        check_number(c->label, 0, value);
        check_number(c->label, MIG_KNOWN, mig_snapshot_get(s, mig_reg_msr(0x8b), &value));
        check_number(c->label, 5, value);
        check_number(c->label, MIG_UNREADABLE, mig_snapshot_get(s, mig_reg_msr(0x345), &value));
    }
}

CHECK_TEST(host_properties_belong_to_the_group_their_row_names)
{
    check_number("tsc", MIG_GROUP_TSC,
                 mig_group_of(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)));
    check_number("tile", MIG_GROUP_CPUID,
                 mig_group_of(mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TILE_PERMISSION)));
    check_number("cap", MIG_GROUP_CAP, mig_group_of(mig_reg_plain(MIG_SPACE_CAP, 1)));
}

static void add_two_values(struct mig_builder *b)
{
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 1);
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 2);
}

static void add_value_and_errno(struct mig_builder *b)
{
    mig_builder_set(b, mig_reg_msr(0x10a), 0);
    mig_builder_set_unreadable(b, mig_reg_msr(0x10a), EIO);
}

static void add_wide_value(struct mig_builder *b)
{
    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 1ULL << 32);
}

static void add_arm_register(struct mig_builder *b)
{
    mig_builder_set(b, (struct mig_reg){MIG_SPACE_IDREG, 0x13c040, 3, MIG_EAX}, 0);
}

static void add_unknown_host_property(struct mig_builder *b)
{
    mig_builder_set(b, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_COUNT), 0);
}

static void add_too_many(struct mig_builder *b)
{
    for (uint32_t i = 0; i <= MIG_ENTRIES_MAX; i++) {
        mig_builder_set(b, mig_reg_msr(i), 0);
    }
}

static void add_too_many_facts(struct mig_builder *b)
{
    for (unsigned i = 0; i <= MIG_FACTS_MAX + 5; i++) {
        MIG_AUTO(mig_free) char *name = mig_strf("fact.%u", i);

        mig_builder_add_fact(b, name, "x", "");
    }
}

static void add_two_facts(struct mig_builder *b)
{
    mig_builder_add_fact(b, "microcode", "0x1", "");
    mig_builder_add_fact(b, "microcode", "0x2", "");
}

static void add_nameless_fact(struct mig_builder *b)
{
    mig_builder_add_fact(b, "", "0x1", "");
}

CHECK_TEST(what_can_not_be_a_snapshot_is_refused)
{
    static const struct {
        const char *label;
        void (*add)(struct mig_builder *b);
        const char *message;
        enum mig_code code;
    } cases[] = {
        {"two values",       add_two_values,            "x86/cpuid/7.0/ebx: given twice",     MIG_FORMAT},
        {"value and errno",  add_value_and_errno,       "x86/msr/10a: given twice",           MIG_FORMAT},
        {"wide value",       add_wide_value,            "wider than 32 bits",                 MIG_FORMAT},
        {"arm64 on x86",     add_arm_register,          "no register of an x86-64 host",      MIG_FORMAT},
        {"no such property", add_unknown_host_property, "no register of that name can exist",
         MIG_FORMAT                                                                                     },
        {"too many",         add_too_many,              "more than 16384 registers",          MIG_LIMIT },
        {"too many facts",   add_too_many_facts,        "more than 1024 facts",               MIG_LIMIT },
        {"two facts",        add_two_facts,             "fact microcode: given twice",        MIG_FORMAT},
        {"nameless fact",    add_nameless_fact,         "a fact has no name",                 MIG_FORMAT},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        struct mig_snapshot *s = NULL;
        struct mig_error err = {0};

        c->add(b);
        check_true(c->label, !mig_builder_freeze(b, &s, &err));
        check_contains(c->label, c->message, err.msg);
        check_number(c->label, c->code, err.code);
        check_true(c->label, s == NULL);
    }
}

CHECK_TEST(facts_are_cut_and_made_printable)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *big = mig_alloc(MIG_FACT_TEXT_MAX + 100, 1);

    memset(big, 'x', MIG_FACT_TEXT_MAX + 50);
    mig_builder_add_fact(b, "a", big, big);
    mig_builder_add_fact(b, "b", "red \x1b[31m\n", NULL);
    mig_builder_add_unreadable_fact(b, "c", 0, "file");
    s = freeze(b);
    check_number("value", MIG_FACT_TEXT_MAX, strlen(s->facts[0].value));
    check_number("source", MIG_SOURCE_MAX, strlen(s->facts[0].source));
    check_text("escape", "red ?[31m?", s->facts[1].value);
    check_text("no source", "", s->facts[1].source);
    check_true("unreadable", s->facts[2].value == NULL && s->facts[2].errnum == EIO);
}

CHECK_TEST(the_same_thing_twice_is_there_once)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    for (int i = 0; i < 2; i++) {
        mig_builder_set(b, mig_reg_msr(0x10a), 7);
        mig_builder_add_fact(b, "microcode", "0x1", "cpuinfo");
    }
    s = freeze(b);
    check_number("entries", 1, s->entries_len);
    check_number("facts", 1, s->facts_len);
}

CHECK_TEST(a_snapshot_can_be_added_to)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *first = snapshot_host("arm-neoverse-n1-6.1");
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_from(first);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *same = freeze(b);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *more = NULL;

    snapshot_check_same("nothing added", first, same);
    check_text("stamp", first->stamp.host, same->stamp.host);
    mig_builder_add_fact(b, "guest.name", "web3", "operator");
    more = freeze(b);
    check_number("one more", first->facts_len + 1, more->facts_len);
    check_text("added", "web3", mig_snapshot_fact(more, "guest.name"));
}

CHECK_MAIN(cmocka_unit_test(a_snapshot_can_be_added_to),
           cmocka_unit_test(entries_and_facts_are_sorted_whatever_the_order_of_adding),
           cmocka_unit_test(a_missing_register_is_judged_by_the_coverage_of_its_group),
           cmocka_unit_test(host_properties_belong_to_the_group_their_row_names),
           cmocka_unit_test(what_can_not_be_a_snapshot_is_refused),
           cmocka_unit_test(facts_are_cut_and_made_printable),
           cmocka_unit_test(the_same_thing_twice_is_there_once))
