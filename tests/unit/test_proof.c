/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/proof.h"

#include <errno.h>
#include <string.h>

#include "base/alloc.h"
#include "seal/seal.h"
#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "support/check.h"
#include "support/party.h"

#define NOW 1800000000

static struct mig_proof sample(void)
{
    struct mig_proof p = {
        .host = "alpha",
        .boot_id = "b0075",
        .issued_at = NOW,
        .expires_at = NOW + 300,
        .table_version = 1,
        .proven = {.ran = true, .compared = 12, .vmm = "QEMU 7.2"}
    };
    const struct mig_mismatch words[] = {
        {.key = mig_reg_key(mig_reg_cpuid(7, 0, MIG_EBX)),
         .stage = MIG_STAGE_GUEST,
         .has_got = true,
         .wanted = 3,
         .got = 1},
        {.key = mig_reg_key(mig_reg_msr(0x10a)),
         .stage = MIG_STAGE_MSR,
         .errnum = EINVAL,
         .wanted = 5},
    };

    memset(p.nonce, 7, sizeof p.nonce);
    memset(p.capability, 8, sizeof p.capability);
    memset(p.subject, 9, sizeof p.subject);
    mig_proven_add(&p.proven, &words[1]);
    mig_proven_add(&p.proven, &words[0]);
    mig_proven_settle(&p.proven);
    return p;
}

CHECK_TEST(decode_of_encode_is_the_same_proof)
{
    MIG_AUTO(mig_proof_clear) struct mig_proof p = sample(), again = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;

    assert_int_equal(p.proven.outcome, MIG_OUTCOME_CONTRADICTED);
    mig_proof_encode(&p, &bytes);
    assert_true(mig_proof_decode_untrusted(bytes.items, bytes.len, &again, &err));
    assert_string_equal(again.host, "alpha");
    assert_int_equal(again.issued_at, NOW);
    assert_memory_equal(again.nonce, p.nonce, sizeof p.nonce);
    assert_memory_equal(again.subject, p.subject, sizeof p.subject);
    assert_int_equal(again.proven.len, 2);
    assert_string_equal(again.proven.vmm, "QEMU 7.2");
    assert_int_equal(again.proven.items[0].key, mig_reg_key(mig_reg_cpuid(7, 0, MIG_EBX)));
    assert_int_equal(again.proven.items[1].errnum, EINVAL);
    assert_false(again.proven.items[1].has_got);
}

CHECK_TEST(no_byte_can_be_cut_or_added)
{
    MIG_AUTO(mig_proof_clear) struct mig_proof p = sample(), again = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes longer = {0};
    struct mig_error err;

    mig_proof_encode(&p, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        MIG_AUTO(mig_proof_clear) struct mig_proof less = {0};

        /* What ends behind a whole mismatch, or before the VMM, is a proof,
         * another one; against that there is the signature. */
        if (mig_proof_decode_untrusted(bytes.items, len, &less, &err)) {
            assert_in_range(less.proven.len, 1, 2);
        }
    }
    longer.items = mig_alloc(bytes.len + 3, 1);
    memcpy(longer.items, bytes.items, bytes.len);
    longer.items[bytes.len] = 0x80; /* field 16, a number */
    longer.items[bytes.len + 1] = 1;
    longer.items[bytes.len + 2] = 1;
    assert_false(mig_proof_decode_untrusted(longer.items, bytes.len + 3, &again, &err));
    assert_string_equal(err.msg, "proof: not in canonical form");
}

static void break_held(struct mig_proof *p)
{
    p->proven.outcome = MIG_OUTCOME_HELD;
}

static void break_empty(struct mig_proof *p)
{
    p->proven.outcome = MIG_OUTCOME_HELD;
    p->proven.len = 0;
    p->proven.compared = 0;
}

static void break_contradicted(struct mig_proof *p)
{
    p->proven.len = 0;
}

static void break_outcome(struct mig_proof *p)
{
    p->proven.outcome = MIG_OUTCOME_COUNT;
}

static void break_stage(struct mig_proof *p)
{
    p->proven.items[0].stage = MIG_STAGE_COUNT;
}

static void break_order(struct mig_proof *p)
{
    p->proven.items[0].key = UINT64_MAX;
}

static void break_space(struct mig_proof *p)
{
    p->proven.items[1].key = UINT64_MAX - 1;
}

static void break_errno(struct mig_proof *p)
{
    p->proven.items[1].errnum = 5000;
}

CHECK_TEST(what_makes_no_sense_is_refused_by_name)
{
    static const struct {
        const char *label;
        void (*alter)(struct mig_proof *p);
        const char *says;
    } cases[] = {
        {"held with mismatches",     break_held,
         "proof: outcome 'held' beside 2 mismatches in 12 words"                                               },
        {"held by nothing",          break_empty,        "proof: outcome 'held' beside 0 mismatches in 0 words"},
        {"contradicted by nothing",  break_contradicted,
         "proof: outcome 'contradicted' without a mismatch"                                                    },
        {"outcome of another build", break_outcome,      "proof: outcome 4 is none that we know"               },
        {"stage of another build",   break_stage,        "proof: mismatch: stage 20 is none that we know"      },
        {"order",                    break_order,        "proof: mismatches are out of order"                  },
        {"no register",              break_space,        "proof: mismatch: fffffffffffffffe is no register"    },
        {"no error number",          break_errno,        "proof: mismatch: 5000 is no error number"            },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_proof_clear) struct mig_proof p = sample(), again = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_error err = {0};

        c->alter(&p);
        mig_proof_encode(&p, &bytes);
        if (mig_proof_decode_untrusted(bytes.items, bytes.len, &again, &err) ||
            strcmp(err.msg, c->says) != 0) {
            fail_msg("%s: expected '%s', got '%s'", c->label, c->says, err.msg);
        }
    }
}

CHECK_TEST(what_is_asked_for_is_what_a_guest_can_be_shown)
{
    static const struct {
        const char *label;
        struct mig_reg reg;
        bool good;
    } cases[] = {
        {"a word of CPUID", {MIG_SPACE_CPUID, 7, 0, MIG_EBX},  true },
        {"an MSR",          {MIG_SPACE_MSR, 0x10a, 0, 0},      true },
        {"an MSR list",     {MIG_SPACE_MSR_LIST, 0x10a, 0, 0}, false},
        {"a capability",    {MIG_SPACE_CAP, 1, 0, 0},          false},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL, *again = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_error err;

        mig_builder_set(b, c->reg, 1);
        assert_true(mig_builder_freeze(b, &s, &err));
        mig_proof_ask(s, &bytes);
        if (mig_proof_read_ask(bytes.items, bytes.len, &again, &err) != c->good) {
            fail_msg("%s: expected %s", c->label, c->good ? "taken" : "refused");
        }
    }
}

CHECK_TEST(a_host_can_not_be_asked_by_its_own_snapshot)
{
    const struct mig_stamp stamps[] = {
        {.host = "alpha",                                   .issued_at = NOW, .expires_at = NOW + 1},
        {.boot_id = "6c1e9f2a-0000-4000-8000-000000000001"                           },
        {.expires_at = NOW},
        {.sequence = 1                                },
    };
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL, *again = NULL;
    struct mig_error err;

    assert_true(mig_builder_freeze(b, &s, &err));
    CHECK_EACH (stamp, stamps) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

        mig_snapshot_encode(s, stamp, &bytes);
        assert_false(mig_proof_read_ask(bytes.items, bytes.len, &again, &err));
        assert_string_equal(err.msg, "register set: carries the stamp of a host");
    }
}

CHECK_MAIN(cmocka_unit_test(decode_of_encode_is_the_same_proof),
           cmocka_unit_test(no_byte_can_be_cut_or_added),
           cmocka_unit_test(what_makes_no_sense_is_refused_by_name),
           cmocka_unit_test(what_is_asked_for_is_what_a_guest_can_be_shown),
           cmocka_unit_test(a_host_can_not_be_asked_by_its_own_snapshot))
