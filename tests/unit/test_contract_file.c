/* SPDX-License-Identifier: Apache-2.0 */
#include "session/contract_file.h"

#include <stdio.h>

#include "base/alloc.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/decision.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/guest.h"
#include "support/letter.h"
#include "support/snapshots.h"

#define NOW (GUEST_RECORDED + 7200)

static struct fleet *site(void)
{
    struct fleet *f = fleet_new();

    fleet_issue(f, MIG_ROLE_AGENT, "alpha", FLEET_FROM, FLEET_TO);
    fleet_issue(f, MIG_ROLE_AGENT, "beta", FLEET_FROM, FLEET_TO);
    fleet_issue(f, MIG_ROLE_OPERATOR, "olga", FLEET_FROM, FLEET_TO);
    return f;
}

static char *write_file(const struct fleet *f, const char *name, const void *bytes, size_t len)
{
    char *path = fleet_path(f, name);
    struct mig_error err;

    check_done(name, mig_file_write(path, bytes, len, 0644, &err), &err);
    return path;
}

/* @c as @signer seals it. */
static char *sealed_file(const struct fleet *f, const char *name, const char *signer,
                         const struct mig_contract *c)
{
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(f, signer);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = {0};
    struct mig_error err;

    mig_contract_encode(c, &payload);
    check_done(name, mig_seal(key, MIG_PAYLOAD_CONTRACT, payload.items, payload.len, &sealed, &err),
               &err);
    return write_file(f, name, sealed.items, sealed.len);
}

static char *json_file(const struct fleet *f, const char *name, const struct mig_contract *c)
{
    MIG_AUTO(mig_free) char *json = mig_contract_to_json(c);

    return write_file(f, name, json, strlen(json));
}

CHECK_TEST(sealed_and_unsigned_contracts_are_told_apart)
{
    struct fleet *f = site();
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(f, false);
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    MIG_AUTO(mig_free) char *sealed_path = sealed_file(f, "a.contract", "alpha", c);
    MIG_AUTO(mig_free) char *json_path = json_file(f, "a.json", c);
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file sealed = {0}, unsealed = {0};
    char line[MIG_CONTRACT_LINE_MAX];
    struct mig_error err;

    check_done("sealed", mig_contract_file_read(trust, sealed_path, NOW, &sealed, &err), &err);
    check_number("kind", MIG_EVIDENCE_FILED, sealed.kind);
    check_number("age", 7200, (uint64_t)sealed.age_s);
    check_true("format", sealed.format == NULL);
    guest_check_same("sealed", c, sealed.contract);
    mig_contract_file_print(&sealed, line);
    check_contains("line", "guest web3 instance 7f3a, recorded on alpha, age 2 h, filed, digest ",
                   line);
    check_done("json", mig_contract_file_read(NULL, json_path, NOW, &unsealed, &err), &err);
    check_number("kind", MIG_EVIDENCE_UNSIGNED, unsealed.kind);
    check_text("format", "contract-json", unsealed.format);
    assert_memory_equal(sealed.digest, unsealed.digest, sizeof sealed.digest);
    fleet_free(f);
}

CHECK_TEST(a_dump_is_a_contract_of_a_guest_called_as_the_file)
{
    static const char text[] =
        "CPU 0:\n"
        "   0x00000000 0x00: eax=0x00000001 ebx=0x756e6547 ecx=0x6c65746e edx=0x49656e69\n"
        "   0x00000001 0x00: eax=0x000806f8 ebx=0x00100800 ecx=0xf7fa3203 edx=0x0f8bfbff\n"
        "   0x80000000 0x00: eax=0x80000000 ebx=0x00000000 ecx=0x00000000 edx=0x00000000\n";
    static const struct {
        const char *file, *vm;
    } cases[] = {
        {"web3.txt",                                                                "web3"        },
        {"my own guest.txt",                                                        "my-own-guest"},
        {"1234567890123456789012345678901234567890123456789012345678901234567.txt",
         "123456789012345678901234567890123456789012345678901234567890123"                        },
    };
    struct fleet *f = site();

    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_free) char *path = write_file(f, k->file, text, strlen(text));
        MIG_AUTO(mig_contract_file_clear) struct mig_contract_file file = {0};
        char line[MIG_CONTRACT_LINE_MAX];
        struct mig_error err;

        check_done(k->file, mig_contract_file_read(NULL, path, NOW, &file, &err), &err);
        check_number(k->file, MIG_EVIDENCE_FOREIGN, file.kind);
        check_text(k->file, "cpuid-raw", file.format);
        check_text(k->file, k->vm, file.contract->vm);
        check_true(k->file, mig_contract_id_is_valid(file.contract->vm));
        check_text(k->file, "", file.contract->instance);
        check_number(k->file, MIG_COVER_NONE, file.contract->shown->groups[MIG_GROUP_MSR].coverage);
        check_true(k->file, file.contract->shown->stamp.host[0] == '\0');
        check_true(k->file, file.age_s == -1);
        mig_contract_file_print(&file, line);
        MIG_AUTO(mig_free)
        char *expected = mig_strf("guest %s, age unknown, foreign (cpuid-raw), digest ", k->vm);
        check_true(k->file, strncmp(line, expected, strlen(expected)) == 0);
    }
    fleet_free(f);
}

CHECK_TEST(what_is_no_contract_is_refused_by_name)
{
    struct fleet *f = site(), *other = site();
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(f, false);
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    MIG_AUTO(mig_contract_free) struct mig_contract *late = guest_small("avx2");
    MIG_AUTO(mig_contract_free) struct mig_contract *arrived = guest_small("avx2");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *host = snapshot_host("amd-milan-6.1");
    MIG_AUTO(mig_free) char *host_json = mig_snapshot_to_json(host);
    const unsigned char nonce[MIG_NONCE_BYTES] = {1};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes letter = letter_from(f, "alpha", nonce, NOW);

    late->recorded_at = NOW + 61;
    guest_hops(arrived, "beta", NOW + 61 - GUEST_RECORDED);
    const struct {
        const char *label;
        char *path;
        const char *refusal, *message;
    } cases[] = {
        {"other fleet",                 sealed_file(other, "a",                       "alpha",                                           c),"trust/unverified", ""},
        {"operator",                           sealed_file(f,                                            "b",                                                            "olga",                                                                      c),"trust/unverified",
         "signed by operator 'olga'"},
        {"another host",                           sealed_file(f,                          "c",                                                 "beta",                                                                                                  c),"trust/unverified",
         "recorded by 'alpha' is signed by 'beta'"},
        {"future",                          sealed_file(f,            "d","alpha",late),"trust/future",
         "recorded 61 s in the future"},
        {"future hop",                      sealed_file(f, "e",            "beta",                                                                    arrived), "trust/future", "and beta"},
        {"future JSON", json_file(f,                  "f",                                late),                                               "trust/future","in the future"},
        {"snapshot",                     write_file(f,                        "g",                                       letter.items,                     letter.len),"trust/unverified",
         "is a snapshot: it says what a host grants"},
        {"its JSON",                          write_file(f,                     "h", host_json,strlen(host_json)),"trust/malformed",
         "snapshot-json: says what a host grants"},
        {"cut",write_file(f,"i",letter.items,20),"trust/malformed", ""},
        {"prose",                             write_file(f,                                     "j",                         "Dear diary",                                                   10),"trust/malformed",
         "file of no known format"},
        {"not there",            fleet_path(f,         "k"),                                  "trust/missing",                                                                               "No such file"},
    };

    CHECK_EACH (k, cases) {
        MIG_AUTO(mig_contract_file_clear) struct mig_contract_file file = {0};
        struct mig_result result = {.verdict = MIG_COMPATIBLE};
        struct mig_belief all = {.allow_unsigned = true};
        struct mig_error err = {0};

        check_true(k->label, !mig_contract_file_read(trust, k->path, NOW, &file, &err));
        check_text(k->label, k->refusal, file.refusal);
        check_contains(k->label, k->message, err.msg);
        check_contains(k->label, k->path, err.msg);
        check_text(k->label, err.msg, file.error.msg);
        check_true(k->label, !mig_contract_file_believe(&all, &file, &result));
        check_number(k->label, MIG_UNKNOWN, result.verdict);
        check_text(k->label, k->refusal, result.findings.items[0].id);
        mig_result_clear(&result);
        mig_free(k->path);
    }
    fleet_free(f);
    fleet_free(other);
}

CHECK_TEST(a_refused_contract_comes_with_what_to_do)
{
    static const struct {
        const char *refusal, *remedy;
    } cases[] = {
        {"trust/future",     "set both clocks"                                   },
        {"trust/unverified", "the CA must be the one that signed this host"      },
        {"trust/malformed",  "take the contract from the host that has the guest"},
        {"trust/missing",    "take the contract from the host that has the guest"},
    };
    const struct mig_belief belief = {0};

    CHECK_EACH (k, cases) {
        struct mig_contract_file file = {.refusal = k->refusal};
        struct mig_result result = {0};
        char line[MIG_CONTRACT_LINE_MAX];

        (void)mig_fail(&file.error, MIG_FORMAT, "no");
        check_true(k->refusal, !mig_contract_file_believe(&belief, &file, &result));
        check_contains(k->refusal, k->remedy, result.findings.items[0].remedy);
        mig_contract_file_print(&file, line);
        check_text(k->refusal, "guest: no contract", line);
        mig_result_clear(&result);
    }
}

CHECK_TEST(a_sealed_contract_needs_an_authority)
{
    struct fleet *f = site();
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");
    MIG_AUTO(mig_free) char *path = sealed_file(f, "a", "alpha", c);
    MIG_AUTO(mig_contract_file_clear) struct mig_contract_file file = {0};
    struct mig_error err = {0};

    check_true("no CA", !mig_contract_file_read(NULL, path, NOW, &file, &err));
    check_number("no CA", MIG_USAGE, err.code);
    check_contains("no CA", "give --ca", err.msg);
    fleet_free(f);
}

CHECK_TEST(only_what_is_signed_or_allowed_is_believed)
{
    static const struct {
        const char *label;
        enum mig_evidence_kind kind;
        struct mig_belief belief;
        bool believed;
    } cases[] = {
        {"sealed",            MIG_EVIDENCE_FILED,    {0},                                         true },
        {"sealed and old",    MIG_EVIDENCE_FILED,    {.max_age_s = 1},                            true },
        {"unsigned",          MIG_EVIDENCE_UNSIGNED, {0},                                         false},
        {"unsigned, allowed", MIG_EVIDENCE_UNSIGNED, {.allow_unsigned = true},                    true },
        {"foreign",           MIG_EVIDENCE_FOREIGN,  {0},                                         false},
        {"foreign, allowed",  MIG_EVIDENCE_FOREIGN,  {.allow_unsigned = true},                    true },
        {"at a gate",         MIG_EVIDENCE_FOREIGN,  {.allow_unsigned = true, .live_only = true}, false},
    };
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small("avx2");

    CHECK_EACH (k, cases) {
        const struct mig_contract_file file = {
            .kind = k->kind, .format = "cpuid-raw", .age_s = 999999, .contract = c};
        struct mig_result result = {.verdict = MIG_COMPATIBLE};

        check_number(k->label, k->believed, mig_contract_file_believe(&k->belief, &file, &result));
        check_number(k->label, k->believed ? MIG_COMPATIBLE : MIG_UNKNOWN, result.verdict);
        if (!k->believed) {
            check_text(k->label, "trust/unsigned", result.findings.items[0].id);
        }
        mig_result_clear(&result);
    }
}

CHECK_MAIN(cmocka_unit_test(sealed_and_unsigned_contracts_are_told_apart),
           cmocka_unit_test(a_dump_is_a_contract_of_a_guest_called_as_the_file),
           cmocka_unit_test(what_is_no_contract_is_refused_by_name),
           cmocka_unit_test(a_refused_contract_comes_with_what_to_do),
           cmocka_unit_test(a_sealed_contract_needs_an_authority),
           cmocka_unit_test(only_what_is_signed_or_allowed_is_believed))
