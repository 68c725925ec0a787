/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/codec.h"

#include <errno.h>
#include <stdio.h>

#include "base/alloc.h"
#include "cpu/field.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot.pb-c.h"
#include "snapshot/builder.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/snapshots.h"

#define ISSUED 1800000000

static const struct mig_stamp stamp = {
    .host = "alpha",
    .boot_id = "0e3f1c52-6f7e-4f0e-9a55-0d2f3b1c9a10",
    .sequence = 3,
    .issued_at = ISSUED,
    .expires_at = ISSUED + 300,
    .nonce = {1, 2, 3},
    .has_nonce = true,
    .table_version = MIG_TABLE_VERSION,
};

CHECK_TEST(real_hosts_come_back_whole)
{
    static const char *const names[] = {"intel-sapphire-rapids-6.1", "amd-genoa-5.10",
                                        "emulated-epyc-milan-6.12", "nested-pvm"};

    CHECK_EACH (name, names) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host(*name);
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        struct mig_error err;

        s->stamp = stamp;
        mig_snapshot_encode(s, &stamp, &bytes);
        check_done(*name, mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
        snapshot_check_same(*name, s, back);
    }
}

/* Groups that no x86 host has: the rest is arm64's or a contract's. */
static bool is_of_x86(enum mig_group group)
{
    return group != MIG_GROUP_IDREG && group != MIG_GROUP_IDREG_MASK &&
           group != MIG_GROUP_REG_LIST && group != MIG_GROUP_ARM64 && group != MIG_GROUP_GUEST;
}

/* 65 leaves of noise, the same again but for a few bits, 150 MSRs, 100
 * capabilities and 120 facts: as large as a capture gets. */
static struct mig_snapshot *full_capture(void)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    for (uint32_t i = 0; i < 260; i++) {
        struct mig_reg reg = mig_reg_cpuid(0x80000100 + i / 4, 0, (enum mig_part)(i % 4));
        uint64_t noise = (i * UINT64_C(2654435761)) & UINT32_MAX;

        mig_builder_set(b, reg, noise);
        reg.space = MIG_SPACE_CPUID_BARE;
        mig_builder_set(b, reg, i % 64 == 0 ? noise ^ 1 : noise);
    }
    for (uint32_t i = 0; i < 150; i++) {
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_MSR_LIST, 0xc0000000 + i * 37), 1);
        mig_builder_set(b, mig_reg_plain(MIG_SPACE_CAP, i), i * 1000);
    }
    for (unsigned i = 0; i < 120; i++) {
        MIG_AUTO(mig_free) char *name = mig_strf("kvm.param.kvm_intel.parameter_%u", i);
        MIG_AUTO(mig_free)
        char *source = mig_strf("/sys/module/kvm_intel/parameters/parameter_%u", i);

        mig_builder_add_fact(b, name, "Mitigation: Enhanced / Automatic IBRS; IBPB: conditional",
                             source);
    }
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        if (is_of_x86((enum mig_group)i)) {
            mig_builder_cover(b, (enum mig_group)i, MIG_COVER_PARTIAL, 0,
                              "ioctl KVM_GET_SOMETHING");
        }
    }
    check_done("full capture", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

CHECK_TEST(a_full_capture_stays_small)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = full_capture();
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;

    mig_snapshot_encode(s, &s->stamp, &bytes);
    (void)printf("full capture: %zu bytes\n", bytes.len);
    check_true("below 12 KiB", bytes.len < 12 * 1024);
    check_done("decode", mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
    snapshot_check_same("full capture", s, back);
}

CHECK_TEST(no_truncation_gives_the_whole)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host("amd-milan-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_snapshot_encode(s, &stamp, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes part = {mig_memdup(bytes.items, len), len};
        struct mig_error err;

        if (mig_snapshot_decode_untrusted(part.items, len, &back, &err)) {
            /* A cut between two facts leaves a smaller snapshot; then it is one. */
            check_true("smaller", back->facts_len < s->facts_len);
        }
    }
}

/* Each breaks one rule of proto/snapshot.proto in an otherwise good message. */
typedef Migctl__V1__Snapshot pb_snapshot;

static void no_arch(pb_snapshot *pb)
{
    pb->arch = MIGCTL__V1__ARCH__ARCH_NONE;
}

static void strange_arch(pb_snapshot *pb)
{
    pb->arch = (Migctl__V1__Arch)9;
}

static void short_nonce(pb_snapshot *pb)
{
    pb->stamp->nonce.len = 31;
}

static void long_host(pb_snapshot *pb)
{
    mig_free(pb->stamp->host);
    pb->stamp->host = mig_alloc(MIG_NAME_MAX + 1, 1);
    memset(pb->stamp->host, 'h', MIG_NAME_MAX);
}

static void escape_in_host(pb_snapshot *pb)
{
    pb->stamp->host[0] = '\x1b';
}

static void early(pb_snapshot *pb)
{
    pb->stamp->issued_at = -1;
}

static void strange_group(pb_snapshot *pb)
{
    pb->groups[pb->n_groups - 1]->group = (Migctl__V1__GroupId)99;
}

static void strange_coverage(pb_snapshot *pb)
{
    pb->groups[0]->coverage = (Migctl__V1__Coverage)7;
}

static void group_order(pb_snapshot *pb)
{
    Migctl__V1__Group *first = pb->groups[0];

    pb->groups[0] = pb->groups[1];
    pb->groups[1] = first;
}

static void strange_space(pb_snapshot *pb)
{
    pb->registers[pb->n_registers - 1]->space = (Migctl__V1__Space)42;
}

static void space_order(pb_snapshot *pb)
{
    Migctl__V1__Registers *first = pb->registers[0];

    pb->registers[0] = pb->registers[1];
    pb->registers[1] = first;
}

static void same_position_twice(pb_snapshot *pb)
{
    pb->registers[0]->steps[1] = 0;
}

static void position_overflow(pb_snapshot *pb)
{
    pb->registers[0]->steps[1] = UINT64_MAX - 3;
}

static void value_missing(pb_snapshot *pb)
{
    pb->registers[0]->n_values--;
}

static void part_of_an_msr(pb_snapshot *pb)
{
    pb->registers[pb->n_registers - 1]->steps[0] |= 1;
}

static void wide_value(pb_snapshot *pb)
{
    pb->registers[0]->values[0] = 1ULL << 40;
}

static void not_normal(pb_snapshot *pb)
{
    /* Entry 5 of the host below is 1.EBX: its top byte is an APIC id. */
    pb->registers[0]->values[5] |= 0x07000000;
}

static void name_order(pb_snapshot *pb)
{
    Migctl__V1__Fact *last = pb->facts[pb->n_facts - 1];

    last->name_shared = 0;
    last->name_rest[0] = 'A';
}

static void shares_too_much(pb_snapshot *pb)
{
    pb->facts[0]->name_shared = 1;
}

static void shares_too_little(pb_snapshot *pb)
{
    MIG_AUTO(mig_free)
    char *whole =
        mig_strf("%.*s%s", (int)pb->facts[1]->name_shared, "cpu.", pb->facts[1]->name_rest);

    mig_free(pb->facts[1]->name_rest);
    pb->facts[1]->name_rest = mig_steal(&whole);
    pb->facts[1]->name_shared = 0;
}

static void unprintable_fact(pb_snapshot *pb)
{
    pb->facts[0]->value[0] = '\n';
}

static void value_beside_errno(pb_snapshot *pb)
{
    pb->facts[0]->errnum = EIO;
}

static void long_fact(pb_snapshot *pb)
{
    mig_free(pb->facts[0]->value);
    pb->facts[0]->value = mig_alloc(MIG_FACT_TEXT_MAX + 2, 1);
    memset(pb->facts[0]->value, 'v', MIG_FACT_TEXT_MAX + 1);
}

static void strange_errno(pb_snapshot *pb)
{
    pb->facts[0]->errnum = 5000;
}

CHECK_TEST(messages_that_break_a_rule_are_refused_by_name)
{
    static const struct {
        const char *label;
        void (*spoil)(pb_snapshot *pb);
        const char *message;
    } cases[] = {
        {"no architecture",      no_arch,             "architecture 0"                     },
        {"strange architecture", strange_arch,        "architecture 9"                     },
        {"nonce of 31 bytes",    short_nonce,         "nonce has 31 bytes"                 },
        {"long host",            long_host,           "stamp host is longer than 127"      },
        {"escape in host",       escape_in_host,      "stamp host is not printable"        },
        {"before the epoch",     early,               "number out of range"                },
        {"strange group",        strange_group,       "group 99"                           },
        {"strange coverage",     strange_coverage,    "coverage 7"                         },
        {"group order",          group_order,         "groups are not in order"            },
        {"strange space",        strange_space,       "space 42"                           },
        {"space order",          space_order,         "spaces are not in order"            },
        {"position twice",       same_position_twice, "step 1 of space 0 leads nowhere"    },
        {"position overflow",    position_overflow,   "step 1 of space 0 leads nowhere"    },
        {"value missing",        value_missing,       "steps and"                          },
        {"part of an MSR",       part_of_an_msr,      "no register of that name can exist" },
        {"wide value",           wide_value,          "wider than 32 bits"                 },
        {"not normal",           not_normal,          "values are not normalised"          },
        {"name order",           name_order,          "not in canonical form"              },
        {"shares too much",      shares_too_much,     "shares 1 characters with one of 0"  },
        {"shares too little",    shares_too_little,   "not in canonical form"              },
        {"unprintable fact",     unprintable_fact,    "value of a fact is not printable"   },
        {"value beside errno",   value_beside_errno,  "not in canonical form"              },
        {"long fact",            long_fact,           "value of a fact is longer than 4096"},
        {"errno out of range",   strange_errno,       "errno 5000"                         },
    };
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host("intel-icelake-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_snapshot_encode(s, &stamp, &bytes);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes spoilt = {0};
        pb_snapshot *pb = migctl__v1__snapshot__unpack(NULL, bytes.len, bytes.items);
        struct mig_error err = {0};

        assert_non_null(pb);
        c->spoil(pb);
        spoilt.len = migctl__v1__snapshot__get_packed_size(pb);
        spoilt.items = mig_alloc(spoilt.len, 1);
        (void)migctl__v1__snapshot__pack(pb, spoilt.items);
        migctl__v1__snapshot__free_unpacked(pb, NULL);
        check_true(c->label, !mig_snapshot_decode_untrusted(spoilt.items, spoilt.len, &back, &err));
        check_contains(c->label, c->message, err.msg);
    }
}

CHECK_TEST(bytes_that_are_no_canonical_message_are_refused)
{
    static const struct {
        const char *label;
        const char *tail;
        size_t len;
        const char *message;
    } cases[] = {
        {"a field number never used", "\xf8\x01\x01", 3, "not in canonical form"  },
        {"the architecture again",    "\x08\x01",     2, "not in canonical form"  },
        {"an empty group",            "\x1a\x00",     2, "groups are not in order"},
        {"half a field",              "\x1a",         1, "truncated"              },
        {"noise",                     "\xff\xff\xff", 3, "truncated"              },
    };
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host("intel-icelake-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_snapshot_encode(s, &stamp, &bytes);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear)
        struct mig_bytes spoilt = {mig_alloc(bytes.len + c->len, 1), bytes.len + c->len};
        MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
        struct mig_error err = {0};

        memcpy(spoilt.items, bytes.items, bytes.len);
        memcpy(spoilt.items + bytes.len, c->tail, c->len);
        check_true(c->label, !mig_snapshot_decode_untrusted(spoilt.items, spoilt.len, &back, &err));
        check_contains(c->label, c->message, err.msg);
    }
}

CHECK_TEST(large_input_is_refused_before_it_costs_memory)
{
    size_t len = MIG_SNAPSHOT_BYTES_MAX + 1;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes big = {mig_alloc(len, 1), len};
    struct mig_snapshot *s = NULL;
    struct mig_error err = {0};

    check_true("too large", !mig_snapshot_decode_untrusted(big.items, len, &s, &err));
    check_number("too large", MIG_LIMIT, err.code);
    /* Two bytes on the wire, over a hundred in memory, a quarter million times. */
    for (size_t i = 0; i + 1 < len; i += 2) {
        big.items[i] = 0x22;
        big.items[i + 1] = 0;
    }
    check_true("many empty messages",
               !mig_snapshot_decode_untrusted(big.items, MIG_SNAPSHOT_BYTES_MAX, &s, &err));
}

CHECK_TEST(a_table_of_another_version_is_normalised_again)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = snapshot_host("intel-icelake-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_stamp foreign = stamp;
    struct mig_error err;
    uint64_t value;

    foreign.table_version = MIG_TABLE_VERSION + 1;
    for (size_t i = 0; i < s->entries_len; i++) {
        if (s->entries[i].key == mig_reg_key(mig_reg_cpuid(1, 0, MIG_EBX))) {
            s->entries[i].value |= 0x07000000;
        }
    }
    mig_snapshot_encode(s, &foreign, &bytes);
    check_done("decode", mig_snapshot_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
    (void)mig_snapshot_get(back, mig_reg_cpuid(1, 0, MIG_EBX), &value);
    check_number("apic id", 0, value >> 24);
}

/* Seal for real, with the certificate of @signer, and decode. */
static bool decode_sealed(const struct fleet *f, const char *signer, const struct mig_stamp *s,
                          enum mig_payload_type type, struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host("amd-milan-6.1");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(f, signer);
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(f, false);
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    mig_snapshot_encode(host, s, &bytes);
    check_done("seal", mig_seal(key, type, bytes.items, bytes.len, &sealed, err), err);
    (void)printf("sealed: %zu bytes\n", sealed.len);
    check_done("open", mig_seal_open(trust, type, sealed.items, sealed.len, &payload, err), err);
    return mig_snapshot_decode(payload, &back, err);
}

CHECK_TEST(only_a_host_s_own_agent_speaks_for_it_while_its_certificate_is_valid)
{
    static const struct {
        const char *label, *signer, *host;
        int64_t issued_at;
        enum mig_payload_type type;
        const char *message;
    } cases[] = {
        {"as it should be", "alpha", "alpha", ISSUED,      MIG_PAYLOAD_SNAPSHOT, NULL                           },
        {"another host",    "beta",  "alpha", ISSUED,      MIG_PAYLOAD_SNAPSHOT,
         "host 'alpha' but 'beta' signed it"                                                                    },
        {"no host",         "alpha", "",      ISSUED,      MIG_PAYLOAD_SNAPSHOT, "host '' but 'alpha' signed it"},
        {"an operator",     "root",  "root",  ISSUED,      MIG_PAYLOAD_SNAPSHOT, "signed by operator 'root'"    },
        {"too early",       "alpha", "alpha", ISSUED - 11, MIG_PAYLOAD_SNAPSHOT, "valid from 1799999990"        },
        {"too late",        "alpha", "alpha", ISSUED + 11, MIG_PAYLOAD_SNAPSHOT, "expired at 1800000010"        },
        {"a contract",      "alpha", "alpha", ISSUED,      MIG_PAYLOAD_CONTRACT, "migctl.contract.v1"           },
    };
    struct fleet *f = fleet_new();

    fleet_issue(f, MIG_ROLE_AGENT, "alpha", ISSUED - 10, ISSUED + 10);
    fleet_issue(f, MIG_ROLE_AGENT, "beta", ISSUED - 10, ISSUED + 10);
    fleet_issue(f, MIG_ROLE_OPERATOR, "root", ISSUED - 10, ISSUED + 10);
    CHECK_EACH (c, cases) {
        struct mig_stamp s = stamp;
        struct mig_error err = {0};
        bool done;

        (void)snprintf(s.host, sizeof s.host, "%s", c->host);
        s.issued_at = c->issued_at;
        done = decode_sealed(f, c->signer, &s, c->type, &err);
        check_number(c->label, c->message == NULL, done);
        if (c->message != NULL) {
            check_contains(c->label, c->message, err.msg);
            check_number(c->label, MIG_TRUST, err.code);
        }
    }
    fleet_free(f);
}

CHECK_MAIN(cmocka_unit_test(real_hosts_come_back_whole),
           cmocka_unit_test(a_full_capture_stays_small),
           cmocka_unit_test(no_truncation_gives_the_whole),
           cmocka_unit_test(messages_that_break_a_rule_are_refused_by_name),
           cmocka_unit_test(bytes_that_are_no_canonical_message_are_refused),
           cmocka_unit_test(large_input_is_refused_before_it_costs_memory),
           cmocka_unit_test(a_table_of_another_version_is_normalised_again),
           cmocka_unit_test(only_a_host_s_own_agent_speaks_for_it_while_its_certificate_is_valid))
