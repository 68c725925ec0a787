/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/contract.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "contract.pb-c.h"
#include "cpu/field.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot.pb-c.h"
#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/guest.h"
#include "support/small_host.h"
#include "support/snapshots.h"

CHECK_TEST(guests_come_back_whole_in_both_forms)
{
    static const char *const names[] = {"intel-sapphire-rapids-6.1", "amd-genoa-5.10",
                                        "emulated-epyc-milan-6.12", "nested-pvm"};

    CHECK_EACH (name, names) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real(*name);
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_contract_free) struct mig_contract *from_json = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_free) char *json = NULL;
        unsigned char digest[MIG_DIGEST_BYTES], again[MIG_DIGEST_BYTES];
        struct mig_error err;

        guest_hops(c, "beta", 100);
        guest_hops(c, "alpha", 60); /* clocks differ */
        mig_contract_encode(c, &bytes);
        check_done(*name, mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
        guest_check_same(*name, c, back);
        json = mig_contract_to_json(c);
        check_done(*name, mig_contract_from_json(json, strlen(json), &from_json, &err), &err);
        guest_check_same(*name, c, from_json);
        mig_contract_digest(c, digest);
        mig_contract_digest(from_json, again);
        assert_memory_equal(digest, again, sizeof digest);
        mig_sha256(bytes.items, bytes.len, again);
        assert_memory_equal(digest, again, sizeof digest);
    }
}

CHECK_TEST(ids_are_words_without_a_slash)
{
    static const struct {
        const char *label, *id;
        bool valid;
    } cases[] = {
        {"a UUID",        "2d1f0c3e-8f6e-4d43-8cc9-0a4f1f0a1b2c",                             true },
        {"a name",        "web3",                                                             true },
        {"anything else", "~!@#$%^&*()_+{}|:\"<>?",                                           true },
        {"63 long",       "123456789012345678901234567890123456789012345678901234567890123",  true },
        {"64 long",       "1234567890123456789012345678901234567890123456789012345678901234", false},
        {"empty",         "",                                                                 false},
        {"space",         "web 3",                                                            false},
        {"slash",         "../etc/passwd",                                                    false},
        {"escape",        "web\x1b[2J",                                                       false},
        {"delete",        "web\x7f",                                                          false},
        {"not ASCII",
         "w\xc3\xa9"
         "b",                                                                                 false},
    };

    CHECK_EACH (c, cases) {
        check_number(c->label, c->valid, mig_contract_id_is_valid(c->id));
    }
}

CHECK_TEST(the_last_hop_has_the_guest)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");

    check_text("recorder", "alpha", mig_contract_holder(c));
    check_number("since", GUEST_RECORDED, (uint64_t)mig_contract_held_since(c));
    guest_hops(c, "beta", 10);
    guest_hops(c, "gamma", 20);
    check_text("last", "gamma", mig_contract_holder(c));
    check_number("since", GUEST_RECORDED + 20, (uint64_t)mig_contract_held_since(c));
}

/* Each breaks one rule of proto/contract.proto in an otherwise good message. */
typedef Migctl__V1__Contract pb_contract;

static void replace(char **slot, const char *text)
{
    mig_free(*slot);
    *slot = mig_strdup(text);
}

static void no_vm(pb_contract *pb)
{
    replace(&pb->vm, "");
}

static void long_vm(pb_contract *pb)
{
    replace(&pb->vm, "1234567890123456789012345678901234567890123456789012345678901234");
}

static void escape_in_vm(pb_contract *pb)
{
    pb->vm[0] = '\x1b';
}

static void slash_in_instance(pb_contract *pb)
{
    pb->instance[0] = '/';
}

static void no_instance(pb_contract *pb)
{
    replace(&pb->instance, "");
}

static void no_recorder(pb_contract *pb)
{
    replace(&pb->recorder, "");
}

static void strange_recorder(pb_contract *pb)
{
    replace(&pb->recorder, "al pha");
}

static void no_time(pb_contract *pb)
{
    pb->recorded_at = 0;
}

static void before_1970(pb_contract *pb)
{
    pb->recorded_at = -5;
}

static void strange_hop(pb_contract *pb)
{
    pb->hops[1]->host[0] = '/';
}

static void long_hop(pb_contract *pb)
{
    mig_free(pb->hops[0]->host);
    pb->hops[0]->host = mig_alloc(MIG_NAME_MAX + 1, 1);
    memset(pb->hops[0]->host, 'h', MIG_NAME_MAX);
}

static void hop_at_no_time(pb_contract *pb)
{
    pb->hops[0]->at = 0;
}

static void hop_before_recording(pb_contract *pb)
{
    pb->hops[0]->at = GUEST_RECORDED - MIG_HOP_SKEW_S - 1;
}

static void hop_order(pb_contract *pb)
{
    pb->hops[1]->at = pb->hops[0]->at - MIG_HOP_SKEW_S - 1;
}

static void no_shown(pb_contract *pb)
{
    pb->shown.len = 0;
}

static void cut_shown(pb_contract *pb)
{
    pb->shown.len -= 1;
}

/* Let @edit have the snapshot inside. */
static void edit_shown(pb_contract *pb, void (*edit)(Migctl__V1__Snapshot *))
{
    Migctl__V1__Snapshot *s = migctl__v1__snapshot__unpack(NULL, pb->shown.len, pb->shown.data);

    assert_non_null(s);
    edit(s);
    mig_free(pb->shown.data);
    pb->shown.len = migctl__v1__snapshot__get_packed_size(s);
    pb->shown.data = mig_alloc(pb->shown.len, 1);
    (void)migctl__v1__snapshot__pack(s, pb->shown.data);
    migctl__v1__snapshot__free_unpacked(s, NULL);
}

static void put_host(Migctl__V1__Snapshot *s)
{
    s->stamp->host = mig_strdup("alpha");
}

static void put_time(Migctl__V1__Snapshot *s)
{
    s->stamp->issued_at = 5;
}

static void put_expiry(Migctl__V1__Snapshot *s)
{
    s->stamp->expires_at = 5;
}

static void put_nonce(Migctl__V1__Snapshot *s)
{
    s->stamp->nonce.len = MIG_NONCE_BYTES;
    s->stamp->nonce.data = mig_alloc(MIG_NONCE_BYTES, 1);
}

static void put_boot(Migctl__V1__Snapshot *s)
{
    s->stamp->boot_id = mig_strdup("2d1f0c3e-8f6e-4d43-8cc9-0a4f1f0a1b2c");
}

static void put_sequence(Migctl__V1__Snapshot *s)
{
    s->stamp->sequence = 5;
}

static void put_replayed(Migctl__V1__Snapshot *s)
{
    s->stamp->replayed = true;
}

static void group_order(Migctl__V1__Snapshot *s)
{
    Migctl__V1__Group *first = s->groups[0];

    s->groups[0] = s->groups[1];
    s->groups[1] = first;
}

static void stamped(pb_contract *pb)
{
    edit_shown(pb, put_host);
}

static void dated(pb_contract *pb)
{
    edit_shown(pb, put_time);
}

static void expiring(pb_contract *pb)
{
    edit_shown(pb, put_expiry);
}

static void asked_for(pb_contract *pb)
{
    edit_shown(pb, put_nonce);
}

static void booted(pb_contract *pb)
{
    edit_shown(pb, put_boot);
}

static void counted(pb_contract *pb)
{
    edit_shown(pb, put_sequence);
}

static void replayed(pb_contract *pb)
{
    edit_shown(pb, put_replayed);
}

static void shown_order(pb_contract *pb)
{
    edit_shown(pb, group_order);
}

static void check_spoilt(const char *label, const struct mig_bytes *good,
                         void (*spoil)(pb_contract *), const char *message)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes spoilt = {0};
    pb_contract *pb = migctl__v1__contract__unpack(NULL, good->len, good->items);
    struct mig_error err = {0};

    assert_non_null(pb);
    spoil(pb);
    spoilt.len = migctl__v1__contract__get_packed_size(pb);
    spoilt.items = mig_alloc(spoilt.len, 1);
    (void)migctl__v1__contract__pack(pb, spoilt.items);
    migctl__v1__contract__free_unpacked(pb, NULL);
    check_true(label, !mig_contract_decode_untrusted(spoilt.items, spoilt.len, &back, &err));
    check_contains(label, message, err.msg);
}

CHECK_TEST(messages_that_break_a_rule_are_refused_by_name)
{
    static const struct {
        const char *label;
        void (*spoil)(pb_contract *pb);
        const char *message;
    } cases[] = {
        {"no VM",                no_vm,                "contract: vm: expected 1 to 63 printable"  },
        {"long VM",              long_vm,              "vm is longer than 63 characters"           },
        {"escape in VM",         escape_in_vm,         "vm: expected 1 to 63 printable"            },
        {"slash in instance",    slash_in_instance,    "instance: expected 1 to 63 printable"      },
        {"no instance",          no_instance,          "instance: expected 1 to 63 printable"      },
        {"no recorder",          no_recorder,          "recorder: expected the name of an agent"   },
        {"strange recorder",     strange_recorder,     "recorder: expected the name of an agent"   },
        {"no time",              no_time,              "recorder: 0 is no time after 1970"         },
        {"before 1970",          before_1970,          "recorder: -5 is no time after 1970"        },
        {"strange hop",          strange_hop,          "hop: expected the name of an agent"        },
        {"long hop",             long_hop,             "hop is longer than 127 characters"         },
        {"hop at no time",       hop_at_no_time,       "hop: 0 is no time after 1970"              },
        {"hop before recording", hop_before_recording,
         "hop 1 of 2 is older than what is before it"                                              },
        {"hop order",            hop_order,            "hop 2 of 2 is older than what is before it"},
        {"nothing shown",        no_shown,             "shown: snapshot: architecture 0"           },
        {"cut",                  cut_shown,            "shown: snapshot: truncated"                },
        {"stamped",              stamped,              "shown: carries the stamp of a host"        },
        {"dated",                dated,                "shown: carries the stamp of a host"        },
        {"expiring",             expiring,             "shown: carries the stamp of a host"        },
        {"asked for",            asked_for,            "shown: carries the stamp of a host"        },
        {"of one boot",          booted,               "shown: carries the stamp of a host"        },
        {"counted",              counted,              "shown: carries the stamp of a host"        },
        {"replayed",             replayed,             "shown: carries the stamp of a host"        },
        {"group order in it",    shown_order,          "shown: snapshot: groups are not in order"  },
    };
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("intel-icelake-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    guest_hops(c, "beta", 100);
    guest_hops(c, "gamma", 200);
    mig_contract_encode(c, &bytes);
    CHECK_EACH (k, cases) {
        check_spoilt(k->label, &bytes, k->spoil, k->message);
    }
}

CHECK_TEST(what_only_a_host_has_is_refused_by_name)
{
    static const struct {
        const char *label;
        enum mig_space space;
        uint32_t index;
        const char *message;
    } cases[] = {
        {"capability",  MIG_SPACE_CAP,            99,                   "kvm/cap/63: says what a host has"  },
        {"MSR list",    MIG_SPACE_MSR_LIST,       0x10a,                "x86/msr-list/10a: says what a host"},
        {"bare CPUID",  MIG_SPACE_CPUID_BARE,     7,                    "x86/cpuid-bare/7.0/eax: says what" },
        {"emulated",    MIG_SPACE_CPUID_EMULATED, 7,                    "x86/cpuid-emulated/7.0/eax: says"  },
        {"TSC scaling", MIG_SPACE_HOST,           MIG_HOST_TSC_SCALING, "host/tsc-scaling: says what a host"},
    };

    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
        MIG_AUTO(mig_free) char *json = NULL;
        struct mig_error err = {0};

        mig_snapshot_free(c->shown);
        mig_builder_set(b, mig_reg_plain(k->space, k->index), 1);
        check_done(k->label, mig_builder_freeze(b, &c->shown, &err), &err);
        mig_contract_encode(c, &bytes);
        check_true(k->label, !mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err));
        check_contains(k->label, k->message, err.msg);
        json = mig_contract_to_json(c);
        check_true(k->label, !mig_contract_from_json(json, strlen(json), &back, &err));
        check_contains(k->label, k->message, err.msg);
    }
}

CHECK_TEST(groups_that_no_guest_is_shown_are_refused_by_name)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    struct mig_error err = {0};

    c->shown->groups[MIG_GROUP_MSR_LIST].coverage = MIG_COVER_FULL;
    check_true("MSR list", !mig_contract_check(c, &err));
    check_text("MSR list", "shown: group msr-list: no guest is shown it", err.msg);
}

CHECK_TEST(bytes_that_are_no_canonical_message_are_refused)
{
    static const struct {
        const char *label, *tail;
        size_t len;
        const char *message;
    } cases[] = {
        {"a field number never used", "\xf8\x01\x01", 3, "not in canonical form"             },
        {"the VM again",              "\x0a\x01w",    3, "not in canonical form"             },
        {"an empty hop",              "\x2a\x00",     2, "hop: expected the name of an agent"},
        {"nothing shown behind it",   "\x32\x00",     2, "shown: snapshot: architecture 0"   },
        {"half a field",              "\x2a",         1, "truncated, or no contract message" },
        {"noise",                     "\xff\xff\xff", 3, "truncated, or no contract message" },
    };
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("intel-icelake-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    mig_contract_encode(c, &bytes);
    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_bytes_clear)
        struct mig_bytes spoilt = {mig_alloc(bytes.len + k->len, 1), bytes.len + k->len};
        struct mig_error err = {0};

        memcpy(spoilt.items, bytes.items, bytes.len);
        memcpy(spoilt.items + bytes.len, k->tail, k->len);
        check_true(k->label, !mig_contract_decode_untrusted(spoilt.items, spoilt.len, &back, &err));
        check_contains(k->label, k->message, err.msg);
    }
}

/* An unknown field inside a hop: protobuf would keep it. */
CHECK_TEST(hops_hold_nothing_unknown)
{
    static const unsigned char hop[] = {0x2a, 0x09, 0x0a, 0x01, 'b', 0x10,
                                        0x90, 0x4e, 0x7a, 0x01, 'x'};
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes more = {0};
    struct mig_error err = {0};

    c->recorded_at = 10000;
    mig_contract_encode(c, &bytes);
    more.len = bytes.len + sizeof hop;
    more.items = mig_alloc(more.len, 1);
    memcpy(more.items, bytes.items, bytes.len);
    memcpy(more.items + bytes.len, hop, sizeof hop);
    check_true("refused", !mig_contract_decode_untrusted(more.items, more.len, &back, &err));
    check_contains("refused", "not in canonical form", err.msg);
}

CHECK_TEST(no_truncation_passes)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("amd-milan-6.1");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};

    guest_hops(c, "beta", 100);
    mig_contract_encode(c, &bytes);
    for (size_t len = 0; len < bytes.len; len++) {
        MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
        MIG_AUTO(mig_bytes_clear) struct mig_bytes part = {mig_memdup(bytes.items, len), len};
        struct mig_error err;

        check_true("cut", !mig_contract_decode_untrusted(part.items, len, &back, &err));
    }
}

CHECK_TEST(large_input_is_refused_before_it_costs_memory)
{
    size_t len = MIG_CONTRACT_BYTES_MAX + 1;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes big = {mig_alloc(len, 1), len};
    struct mig_contract *c = NULL;
    struct mig_error err = {0};

    check_true("too large", !mig_contract_decode_untrusted(big.items, len, &c, &err));
    check_number("too large", MIG_LIMIT, err.code);
    /* Two bytes on the wire, a hundred in memory, a quarter million times. */
    for (size_t i = 0; i + 1 < len; i += 2) {
        big.items[i] = 0x2a;
        big.items[i + 1] = 0;
    }
    check_true("many hops",
               !mig_contract_decode_untrusted(big.items, MIG_CONTRACT_BYTES_MAX, &c, &err));
    check_true("hops above the limit",
               !mig_contract_decode_untrusted(big.items, 2 * 1025, &c, &err));
    check_contains("hops above the limit", "more than 1024 hops", err.msg);
}

CHECK_TEST(the_longest_way_fits)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("intel-sapphire-rapids-6.1");
    MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_free) char *json = NULL;
    char name[MIG_NAME_MAX] = {0};
    struct mig_error err;

    memset(name, 'h', sizeof name - 1);
    for (int i = 0; i < MIG_CONTRACT_HOPS_MAX; i++) {
        guest_hops(c, name, i);
    }
    mig_contract_encode(c, &bytes);
    check_true("size", bytes.len < MIG_CONTRACT_BYTES_MAX);
    check_done("decode", mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
    guest_check_same("longest", c, back);
    mig_contract_free(back);
    back = NULL;
    json = mig_contract_to_json(c);
    check_done("json", mig_contract_from_json(json, strlen(json), &back, &err), &err);
    guest_check_same("longest as JSON", c, back);
    guest_hops(c, name, MIG_CONTRACT_HOPS_MAX);
    check_true("one more", !mig_contract_check(c, &err));
    check_contains("one more", "more than 1024 hops", err.msg);
}

CHECK_TEST(a_table_of_another_version_is_normalised_again)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_real("intel-icelake-6.1");
    MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_error err;
    uint64_t value;

    for (size_t i = 0; i < c->shown->entries_len; i++) {
        if (c->shown->entries[i].key == mig_reg_key(mig_reg_cpuid(1, 0, MIG_EBX))) {
            c->shown->entries[i].value |= 0x07000000; /* an APIC id */
        }
    }
    mig_contract_encode(c, &bytes);
    check_true("ours", !mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err));
    check_contains("ours", "values are not normalised", err.msg);
    mig_bytes_clear(&bytes);
    c->shown->stamp.table_version = MIG_TABLE_VERSION + 1;
    mig_contract_encode(c, &bytes);
    check_done("other", mig_contract_decode_untrusted(bytes.items, bytes.len, &back, &err), &err);
    (void)mig_snapshot_get(back->shown, mig_reg_cpuid(1, 0, MIG_EBX), &value);
    check_number("APIC id", 0, value >> 24);
}

/* Seal for real, with the certificate of @signer, and decode. */
static bool decode_sealed(const struct fleet *f, const struct mig_contract *c, const char *signer,
                          enum mig_payload_type type, struct mig_error *err)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *back = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(f, signer);
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(f, false);
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;

    mig_contract_encode(c, &bytes);
    check_done("seal", mig_seal(key, type, bytes.items, bytes.len, &sealed, err), err);
    check_done("open", mig_seal_open(trust, type, sealed.items, sealed.len, &payload, err), err);
    if (!mig_contract_decode(payload, &back, err)) {
        return false;
    }
    guest_check_same("sealed", c, back);
    return true;
}

CHECK_TEST(only_the_agent_of_the_host_that_has_the_guest_speaks_for_it)
{
    static const struct {
        const char *label, *signer, *hop;
        int64_t shift; /* of the recording, seconds */
        enum mig_payload_type type;
        const char *message;
    } cases[] = {
        {"recorder",            "alpha", NULL,   0,       MIG_PAYLOAD_CONTRACT, NULL           },
        {"host it went to",     "beta",  "beta", 0,       MIG_PAYLOAD_CONTRACT, NULL           },
        {"another host",        "beta",  NULL,   0,       MIG_PAYLOAD_CONTRACT,
         "contract of a guest that was recorded by 'alpha' is signed by 'beta'"                },
        {"recorder afterwards", "alpha", "beta", 0,       MIG_PAYLOAD_CONTRACT,
         "contract of a guest that went to 'beta' is signed by 'alpha'"                        },
        {"operator",            "olga",  NULL,   0,       MIG_PAYLOAD_CONTRACT,
         "contract is signed by operator 'olga', expected an agent"                            },
        {"too early",           "alpha", NULL,   -999999, MIG_PAYLOAD_CONTRACT,
         "its certificates are valid from 1799996400"                                          },
        {"too late",            "alpha", NULL,   999999,  MIG_PAYLOAD_CONTRACT, "to 1800003600"},
        {"as a snapshot",       "alpha", NULL,   0,       MIG_PAYLOAD_SNAPSHOT,
         "the signed payload is no contract"                                                   },
    };
    struct fleet *f = fleet_new();

    fleet_issue(f, MIG_ROLE_AGENT, "alpha", GUEST_RECORDED - 3600, GUEST_RECORDED + 3600);
    fleet_issue(f, MIG_ROLE_AGENT, "beta", GUEST_RECORDED - 3600, GUEST_RECORDED + 3600);
    fleet_issue(f, MIG_ROLE_OPERATOR, "olga", GUEST_RECORDED - 3600, GUEST_RECORDED + 3600);
    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
        struct mig_error err = {0};
        bool done;

        c->recorded_at += k->shift;
        if (k->hop != NULL) {
            guest_hops(c, k->hop, 100);
        }
        done = decode_sealed(f, c, k->signer, k->type, &err);
        if (k->message == NULL) {
            check_done(k->label, done, &err);
        } else {
            check_true(k->label, !done);
            check_contains(k->label, k->message, err.msg);
            check_number(k->label, MIG_TRUST, err.code);
        }
    }
    fleet_free(f);
}

#define SHOWN "\"shown\":{\"arch\":\"x86-64\",\"groups\":{},\"registers\":{}}"
#define HEAD "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Contract\","

CHECK_TEST(json_that_is_wrong_is_named_with_its_place)
{
    static const struct {
        const char *label, *text, *message;
    } cases[] = {
        {"no object",          "[]",                                                                  "expected an object, found a list"              },
        {"another kind",       "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Snapshot\"}",
         "expected a Contract of migctl/v1, found a Snapshot"                                                                                         },
        {"another version",    "{\"apiVersion\":\"migctl/v2\",\"kind\":\"Contract\"}",
         "found a Contract of migctl/v2"                                                                                                              },
        {"no VM",              HEAD SHOWN "}",                                                        "key 'vm' is missing"                           },
        {"strange VM",         HEAD "\"vm\":\"a b\"," SHOWN "}",                                      "vm: expected 1 to 63 printable"                },
        {"VM of a number",     HEAD "\"vm\":5," SHOWN "}",                                            "vm: expected text, found a number"             },
        {"strange instance",   HEAD "\"vm\":\"a\",\"instance\":\"/\"," SHOWN "}",
         "instance: expected 1 to 63"                                                                                                                 },
        {"strange recorder",   HEAD "\"vm\":\"a\",\"recorder\":\"-\"," SHOWN "}",
         "recorder: expected the name"                                                                                                                },
        {"negative time",      HEAD "\"vm\":\"a\",\"recordedAt\":-1," SHOWN "}",
         "recordedAt: -1 is not from 0"                                                                                                               },
        {"unknown key",        HEAD "\"vm\":\"a\",\"stamp\":{}," SHOWN "}",                           "unknown key 'stamp'"                           },
        {"hops of text",       HEAD "\"vm\":\"a\",\"hops\":\"x\"," SHOWN "}",
         "hops: expected a list, found text"                                                                                                          },
        {"hop of text",        HEAD "\"vm\":\"a\",\"hops\":[\"x\"]," SHOWN "}",
         "hops[0]: expected an object"                                                                                                                },
        {"hop without a time", HEAD "\"vm\":\"a\",\"hops\":[{\"host\":\"b\"}]," SHOWN "}",
         "hops[0]: expected host and at"                                                                                                              },
        {"strange hop",        HEAD "\"vm\":\"a\",\"hops\":[{\"host\":\"b/c\",\"at\":1}]," SHOWN "}",
         "hops[0].host: expected the name of an agent"                                                                                                },
        {"order of hops",
         HEAD "\"vm\":\"a\",\"hops\":[{\"host\":\"b\",\"at\":100},{\"host\":\"c\",\"at\":3}]," SHOWN
              "}",                                                                                    "hops[1]: is older than what is before it"      },
        {"more in a hop",
         HEAD "\"vm\":\"a\",\"hops\":[{\"host\":\"b\",\"at\":100,\"by\":\"c\"}]," SHOWN "}",
         "hops[0]: unknown key 'by'"                                                                                                                  },
        {"nothing shown",      HEAD "\"vm\":\"a\"}",                                                  "key 'shown' is missing"                        },
        {"stamp in it",        HEAD "\"vm\":\"a\",\"shown\":{\"stamp\":{}}}",
         "shown: unknown key 'stamp'"                                                                                                                 },
        {"no architecture",    HEAD "\"vm\":\"a\",\"shown\":{}}",                                     "shown: key 'arch' is missing"                  },
        {"strange register",
         HEAD "\"vm\":\"a\",\"shown\":{\"arch\":\"x86-64\",\"groups\":{},\"registers\":{\"x86/msr/"
              "10a\":\"17\"}}}",                                                                      "shown.registers.x86/msr/10a: expected hex text"},
        {"strange coverage",
         HEAD
         "\"vm\":\"a\",\"shown\":{\"arch\":\"x86-64\",\"groups\":{\"msr\":{\"coverage\":\"all\"}},"
         "\"registers\":{}}}",                                                                        "shown.groups.msr: coverage 'all'"              },
        {"capability",
         HEAD "\"vm\":\"a\",\"shown\":{\"arch\":\"x86-64\",\"groups\":{},\"registers\":{"
              "\"kvm/cap/NESTED_STATE\":\"0x1\"}}}",                                                  "shown: kvm/cap/NESTED_STATE: says what"        },
        {"MSR list",
         HEAD "\"vm\":\"a\",\"shown\":{\"arch\":\"x86-64\",\"groups\":{\"msr-list\":"
              "{\"coverage\":\"full\"}},\"registers\":{}}}",                                          "shown: group msr-list: no guest is"            },
    };

    CHECK_EACH (k, cases) {
        struct mig_contract *c = NULL;
        struct mig_error err = {0};

        check_true(k->label, !mig_contract_from_json(k->text, strlen(k->text), &c, &err));
        check_contains(k->label, k->message, err.msg);
        check_number(k->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(an_unsigned_contract_may_not_know_everything)
{
    static const char text[] = HEAD "\"vm\":\"a\"," SHOWN "}";
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    MIG_AUTO(mig_free) char *json = NULL;
    struct mig_error err;

    check_done("small", mig_contract_from_json(text, strlen(text), &c, &err), &err);
    check_text("instance", "", c->instance);
    check_text("holder", "", mig_contract_holder(c));
    json = mig_contract_to_json(c);
    check_true("left out", strstr(json, "instance") == NULL && strstr(json, "recorde") == NULL);
    check_true("no signed one", !mig_contract_check(c, &err));
}

CHECK_TEST(contracts_are_told_from_other_json)
{
    static const struct {
        const char *label, *text;
        bool is;
    } cases[] = {
        {"contract", "{\"kind\":\"Contract\"}", true },
        {"snapshot", "{\"kind\":\"Snapshot\"}", false},
        {"a number", "{\"kind\":5}",            false},
        {"a list",   "[\"Contract\"]",          false},
        {"cut",      "{\"kind\":\"Contract\"",  true },
        {"no JSON",  "CPU 0:",                  false},
        {"empty",    "",                        false},
    };

    CHECK_EACH (k, cases) {
        check_number(k->label, k->is, mig_contract_is_json(k->text, strlen(k->text)));
    }
}

CHECK_MAIN(cmocka_unit_test(guests_come_back_whole_in_both_forms),
           cmocka_unit_test(ids_are_words_without_a_slash),
           cmocka_unit_test(the_last_hop_has_the_guest),
           cmocka_unit_test(messages_that_break_a_rule_are_refused_by_name),
           cmocka_unit_test(what_only_a_host_has_is_refused_by_name),
           cmocka_unit_test(groups_that_no_guest_is_shown_are_refused_by_name),
           cmocka_unit_test(bytes_that_are_no_canonical_message_are_refused),
           cmocka_unit_test(hops_hold_nothing_unknown), cmocka_unit_test(no_truncation_passes),
           cmocka_unit_test(large_input_is_refused_before_it_costs_memory),
           cmocka_unit_test(the_longest_way_fits),
           cmocka_unit_test(a_table_of_another_version_is_normalised_again),
           cmocka_unit_test(only_the_agent_of_the_host_that_has_the_guest_speaks_for_it),
           cmocka_unit_test(json_that_is_wrong_is_named_with_its_place),
           cmocka_unit_test(an_unsigned_contract_may_not_know_everything),
           cmocka_unit_test(contracts_are_told_from_other_json))
