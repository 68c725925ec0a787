/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A KVM made for the case answers as predicted but for some values of a field:
 * just what a wrong row, or a changed kernel, comes to.
 */
#include "support/check.h"

#include <errno.h>

#include "base/array.h"
#include "compat/settable.h"
#include "compat/trial.h"
#include "snapshot/builder.h"
#include "support/small_host.h"

struct odd {
    const char *field; /* NULL: nothing is odd */
    uint64_t first, last;
    int errnum;       /* of a write; 0: it is taken */
    bool keeps;       /* taken, and the own value stays */
    bool is_for_good; /* and no other value is taken after */
};

struct fake {
    struct mig_limit limit;
    const struct odd *odd;
    uint64_t key, value; /* the one register that is not as it was */
    bool frozen;
    size_t writes;
};

static const struct mig_field *odd_field(const struct odd *odd)
{
    return odd->field != NULL ? mig_field_find(odd->field) : NULL;
}

static bool is_odd(const struct fake *fake, struct mig_reg reg, uint64_t value)
{
    const struct mig_field *f = odd_field(fake->odd);

    return f != NULL && mig_reg_key(f->reg) == mig_reg_key(reg) &&
           mig_field_get(f, value) >= fake->odd->first &&
           mig_field_get(f, value) <= fake->odd->last;
}

static int fake_get(void *vcpu, struct mig_reg reg, uint64_t *ret)
{
    const struct fake *fake = vcpu;

    *ret = fake->key == mig_reg_key(reg) ? fake->value : mig_limit_get(&fake->limit, reg).value;
    return 0;
}

/* The trial's own ones: one write differs, and the register gets back its own. */
static int fake_set(void *vcpu, struct mig_reg reg, uint64_t value)
{
    struct fake *fake = vcpu;
    struct mig_settable s = mig_settable_ask(&fake->limit, reg, value);
    uint64_t own = mig_limit_get(&fake->limit, reg).value;

    fake->writes += value != own;
    if (fake->frozen && fake->key == mig_reg_key(reg)) {
        return EBUSY;
    }
    if (is_odd(fake, reg, value) && value != own) {
        fake->key = mig_reg_key(reg);
        fake->value = fake->odd->keeps || fake->odd->errnum != 0 ? own : value;
        fake->frozen = fake->odd->is_for_good;
        return fake->odd->errnum;
    }
    if (!mig_settable_is_taken(&s)) {
        return s.answer == MIG_ANSWER_ENOENT ? ENOENT : EINVAL;
    }
    fake->key = mig_reg_key(reg);
    fake->value = s.reads;
    return 0;
}

/* Facts as a snapshot has them, the caller frees. */
static struct mig_snapshot *run(const struct odd *odd, const char *edits, size_t *ret_writes)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_arm64(edits);
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_ARM64);
    struct mig_snapshot *facts = NULL;
    struct mig_party host = {"alpha", s};
    struct fake fake = {.odd = odd};
    const struct mig_trial_vcpu vcpu = {fake_set, fake_get, &fake};
    struct mig_error err;

    mig_limit_init(&fake.limit, &host, mig_feature_of(&host));
    fake.limit.has_imp_id = false;
    mig_trial_run(&vcpu, &host, "test", b);
    *ret_writes = fake.writes;
    check_done("freeze", mig_builder_freeze(b, &facts, &err), &err);
    return facts;
}

#define DFR0 "ID_AA64DFR0_EL1"
#define ISAR0 "ID_AA64ISAR0_EL1"
#define DFR0_FACT "kvm.oracle." DFR0

CHECK_TEST(a_value_that_is_answered_otherwise_is_found_wherever_it_is)
{
    static const struct {
        const char *label, *fact, *says;
        struct odd odd;
    } cases[] = {
        {"a minimum is higher",
         DFR0_FACT,                "DebugVer=0x6: predicted accepted, KVM says EINVAL",
         {DFR0 ".DebugVer", 6, 6, EINVAL, false, false}                                                                           },
        {"a minimum is lower",
         DFR0_FACT,                "DebugVer=0x5: predicted EINVAL, KVM keeps 0x5",
         {DFR0 ".DebugVer", 5, 5, 0, false, false}                                                                                },
        {"far below the minimum",
         DFR0_FACT,                "DebugVer=0x2: predicted EINVAL, KVM keeps 0x2",
         {DFR0 ".DebugVer", 2, 2, 0, false, false}                                                                                },
        {"in mid-range",
         "kvm.oracle." ISAR0,
         "AES=0x1: predicted accepted, KVM says EINVAL",                                {ISAR0 ".AES", 1, 1, EINVAL, false, false}},
        {"far above the host's",
         "kvm.oracle." ISAR0,
         "AES=0xe: predicted EINVAL, KVM keeps 0xe",                                    {ISAR0 ".AES", 14, 14, 0, false, false}   },
        {"taken and not kept",
         "kvm.oracle." ISAR0,
         "AES=0x1: predicted accepted, KVM keeps 0x2",                                  {ISAR0 ".AES", 1, 1, 0, true, false}      },
        {"another errno",
         "kvm.oracle." ISAR0,
         "AES=0x7: predicted EINVAL, KVM says EPERM",                                   {ISAR0 ".AES", 7, 7, EPERM, false, false} },
        {"a special value, as if 0",
         DFR0_FACT,                "PMUVer=0xf: predicted accepted, KVM says EINVAL",
         {DFR0 ".PMUVer", 15, 15, EINVAL, false, false}                                                                           },
        {"a host of the lowest",
         "kvm.oracle.ID_DFR0_EL1", "PerfMon=0x1: predicted EINVAL, KVM keeps 0x1",
         {"ID_DFR0_EL1.PerfMon", 1, 1, 0, false, false}                                                                           },
    };

    CHECK_EACH (c, cases) {
        size_t writes;
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *s = run(&c->odd, "ID_DFR0_EL1.PerfMon=4", &writes);

        check_text(c->label, c->says, mig_snapshot_fact(s, c->fact));
        check_contains(c->label, " writes, 1 answers otherwise than predicted",
                       mig_snapshot_fact(s, "kvm.oracle"));
        check_number(c->label, 2, s->facts_len);
    }
}

CHECK_TEST(all_as_predicted_is_one_fact)
{
    static const struct odd none = {0};
    size_t writes;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = run(&none, "", &writes);

    check_number("facts", 1, s->facts_len);
    check_contains("count", " writes answered as predicted", mig_snapshot_fact(s, "kvm.oracle"));
    check_true("of the order of the tables", writes > 500 && writes < 5000);
}

/* A long fact is cut: what says that less is taken must stand in front. */
CHECK_TEST(what_is_refused_is_told_before_what_is_taken)
{
    static const struct odd odd = {ISAR0 ".AES", 0, 15, 0, true, false};
    size_t writes;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = run(&odd, "", &writes);
    const char *said = mig_snapshot_fact(s, "kvm.oracle." ISAR0);
    const char *less = strstr(said, "predicted accepted"), *more = strstr(said, "predicted EINVAL");

    assert_non_null(less);
    assert_non_null(more);
    check_true("order", less < more);
    check_true("all less first", strstr(more, "predicted accepted") == NULL);
}

/* No second trial on a register that is not what it was. */
CHECK_TEST(a_register_that_does_not_get_its_value_back_is_left)
{
    static const struct odd odd = {ISAR0 ".AES", 1, 1, 0, false, true};
    size_t writes;
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = run(&odd, "", &writes);

    check_text("told", "AES=0x2: predicted accepted, KVM says EBUSY",
               mig_snapshot_fact(s, "kvm.oracle." ISAR0));
}

CHECK_MAIN(cmocka_unit_test(a_value_that_is_answered_otherwise_is_found_wherever_it_is),
           cmocka_unit_test(all_as_predicted_is_one_fact),
           cmocka_unit_test(what_is_refused_is_told_before_what_is_taken),
           cmocka_unit_test(a_register_that_does_not_get_its_value_back_is_left))
