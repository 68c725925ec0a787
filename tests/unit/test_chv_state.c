/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_state.h"

#include "base/alloc.h"
#include "base/bits.h"
#include "base/text.h"
#include "compat/finding.h"
#include "gate/chv_compare.h"
#include "gate/chv_wire.h"
#include "pact/contract.h"
#include "support/check.h"
#include "support/chv.h"
#include "support/edit.h"
#include "support/guest.h"

static struct mig_chv_state read_state(const char *label, const char *text)
{
    struct mig_chv_state s = {0};
    struct mig_error err;

    check_done(label, mig_chv_state_read(text, strlen(text), &s, &err), &err);
    return s;
}

/* "" when nothing stands against it. */
static char *against(const struct mig_snapshot *shown, const char *state)
{
    struct mig_chv_state s = read_state("state", state);
    struct mig_findings findings = {0};
    char *told;

    mig_chv_state_compare(shown, &s, &findings);
    told = mig_chv_compare_tell(&findings);
    mig_findings_clear(&findings);
    mig_chv_state_clear(&s);
    return told != NULL ? told : mig_strdup("");
}

CHECK_TEST(a_guest_that_has_what_it_was_shown_passes)
{
    static const char *const hosts[] = {"intel-cascadelake-6.1", "intel-sapphire-rapids-6.1",
                                        "amd-genoa-6.1", "amd-milan-5.10"};

    CHECK_EACH (host, hosts) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real(*host);
        MIG_AUTO(mig_free) char *text = chv_state(c->shown, 3, 7);
        MIG_AUTO(mig_free) char *told = against(c->shown, text);
        struct mig_chv_state s = read_state(*host, text);

        check_text(*host, "", told);
        check_number(*host, 3, s.vcpus);
        mig_chv_state_clear(&s);
    }
}

CHECK_TEST(each_difference_is_named_by_register)
{
    static const struct {
        const char *label, *shown, *seen, *says;
    } cases[] = {
        {"lost",                                 "",                      "-avx2",                         "x86/cpuid/7.0/ebx/5 (avx2): contract 0x1, guest 0x0"},
        {"won",                                  "-avx2",                 "avx2",                          "x86/cpuid/7.0/ebx/5 (avx2): contract 0x0, guest 0x1"},
        {"narrower",                             "",                      "phys_addr_bits=40",             "x86/cpuid/80000008.0/eax/7:0"                       },
        {"an MSR",                               "@x86/msr/10a=0x2b",     "@x86/msr/10a=0xb",              "x86/msr/10a/5"                                      },
        {"an unknown bit",                       "",                      "@x86/cpuid/7.2/ecx=0x80000000", "x86/cpuid/7.2/ecx"                                  },
        {"paravirtual",                          "",                      "@x86/cpuid/40000001.0/eax=0",   "x86/cpuid/40000001.0/eax"                           },
        {"a clock",                              "@host/tsc-khz=2500000", "@host/tsc-khz=2500001",
         "host/tsc-khz: contract 0x2625a0, guest 0x2625a1"                                                                                                      },
        {"another model, which is not compared", "",                      "@x86/cpuid/1.0/eax=0x50654",    ""                                                   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free)
        struct mig_snapshot *booted = edit_host("intel-cascadelake-6.1", c->shown);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *now = edit_snapshot(booted, c->seen);
        MIG_AUTO(mig_contract_free) struct mig_contract *contract = guest_of(booted);
        MIG_AUTO(mig_free) char *text = chv_state(now, 2, 7);
        MIG_AUTO(mig_free) char *told = against(contract->shown, text);

        if (*c->says == '\0') {
            check_text(c->label, "", told);
        } else {
            check_contains(c->label, c->says, told);
        }
    }
}

/* A field of @f's register in @s with one bit turned over. */
static void turn(struct mig_snapshot *s, size_t entry, const struct mig_field *f)
{
    s->entries[entry].value ^= UINT64_C(1) << f->lo;
}

CHECK_TEST(every_field_that_is_compared_counts)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("intel-sapphire-rapids-6.1");
    MIG_AUTO(mig_free) char *text = chv_state(c->shown, 1, 7);
    struct mig_chv_state s = read_state("state", text);
    size_t turned = 0;

    for (size_t i = 0; i < s.seen->entries_len; i++) {
        struct mig_fields rows = mig_field_of(mig_reg_from_key(s.seen->entries[i].key));

        for (size_t r = 0; r < rows.len; r++) {
            const struct mig_field *f = &rows.items[r];
            enum mig_space space = f->reg.space;
            struct mig_findings findings = {0};

            if (space != MIG_SPACE_CPUID && space != MIG_SPACE_MSR) {
                continue;
            }
            turn(s.seen, i, f);
            mig_chv_state_compare(c->shown, &s, &findings);
            turn(s.seen, i, f);
            check_number(f->name, mig_rule_is_compared(f->shape.rule), findings.len);
            turned += findings.len;
            mig_findings_clear(&findings);
        }
    }
    check_true("many", turned > 300);
    mig_chv_state_clear(&s);
}

CHECK_TEST(what_one_of_the_two_does_not_tell_counts_against_the_guest)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *host = edit_host("intel-cascadelake-6.1", "@host/tsc-khz=2500000");
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_of(host);
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *less = edit_snapshot(host, "^x86/msr/10a");
    MIG_AUTO(mig_free) char *no_rate = chv_state_without_rate(host, 1, 7);
    MIG_AUTO(mig_free) char *no_msr = chv_state(less, 1, 7);
    MIG_AUTO(mig_free) char *whole = chv_state(host, 1, 7);
    MIG_AUTO(mig_free) char *rate = against(c->shown, no_rate);
    MIG_AUTO(mig_free) char *msr = against(c->shown, no_msr);
    MIG_AUTO(mig_contract_free) struct mig_contract *poor = NULL;
    MIG_AUTO(mig_free) char *unheard = NULL;

    check_contains("rate", "host/tsc-khz: contract 0x2625a0, guest nothing", rate);
    check_contains("MSR", "x86/msr/10a: contract", msr);
    check_contains("MSR", "guest nothing", msr);
    less->groups[MIG_GROUP_MSR].coverage = MIG_COVER_PARTIAL;
    poor = guest_of(less);
    unheard = against(poor->shown, whole);
    check_contains("contract", "x86/msr/10a: contract nothing, guest", unheard);
}

CHECK_TEST(components_beyond_the_contract_may_not_be_on)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("amd-milan-6.1");
    static const struct {
        const char *label;
        uint64_t xcr0;
        const char *says;
    } cases[] = {
        {"before it boots", 1,     ""                                      },
        {"all it has",      0x207, ""                                      },
        {"AVX-512",         0xe7,  "guest/xcr0: contract 0x207, guest 0xe7"},
    };

    CHECK_EACH (row, cases) {
        MIG_AUTO(mig_free) char *text = chv_state(c->shown, 2, row->xcr0);
        MIG_AUTO(mig_free) char *told = against(c->shown, text);

        check_text(row->label, row->says, told);
    }
}

CHECK_TEST(a_state_may_be_as_long_as_its_vcpus_need)
{
    check_number("one", 17u << 20, mig_chv_state_max(1));
    check_number("many", MIG_CHV_STATE_MAX, mig_chv_state_max(8192));
}

CHECK_TEST(a_long_list_is_cut)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("amd-milan-6.1");
    MIG_AUTO(mig_contract_free) struct mig_contract *other = guest_real("intel-cascadelake-6.1");
    MIG_AUTO(mig_free) char *text = chv_state(other->shown, 1, 7);
    MIG_AUTO(mig_free) char *told = against(c->shown, text);

    check_contains("vendor", "x86/cpuid/0.0/ebx", told);
    check_contains("rest", "; and ", told);
    check_true("short", strlen(told) < 1000);
}

CHECK_TEST(what_is_no_state_is_refused)
{
    static const struct {
        const char *label, *text, *says;
    } cases[] = {
        {"nothing", "{}",                                                   "State: key 'snapshots' is missing"},
        {"a list",  "[]",                                                   "State: key 'snapshots' is missing"},
        {"no JSON", "x",                                                    "State: line 1"                    },
        {"no vCPU", "{\"snapshots\":{\"cpu-manager\":{\"snapshots\":{}}}}", "holds no vCPU"                    },
    };

    CHECK_EACH (c, cases) {
        struct mig_chv_state s = {0};
        struct mig_error err = {0};

        check_true(c->label, !mig_chv_state_read(c->text, strlen(c->text), &s, &err));
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(a_guest_that_has_what_it_was_shown_passes),
           cmocka_unit_test(each_difference_is_named_by_register),
           cmocka_unit_test(every_field_that_is_compared_counts),
           cmocka_unit_test(what_one_of_the_two_does_not_tell_counts_against_the_guest),
           cmocka_unit_test(components_beyond_the_contract_may_not_be_on),
           cmocka_unit_test(a_state_may_be_as_long_as_its_vcpus_need),
           cmocka_unit_test(a_long_list_is_cut), cmocka_unit_test(what_is_no_state_is_refused))
