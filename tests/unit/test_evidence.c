/* SPDX-License-Identifier: Apache-2.0 */
#include "session/evidence.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/alloc.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/fleet.h"

#define DAY 86400
#define NOW INT64_C(1790000000)
#define HOUR 3600

static struct fleet *fleet;
static struct mig_trust *trust;
static const unsigned char our_nonce[MIG_NONCE_BYTES] = {1, 2, 3};
static const unsigned char near_miss[MIG_NONCE_BYTES] = {1, 2, 3, [31] = 1};

static struct mig_snapshot *some_host(void)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    mig_builder_set(b, mig_reg_cpuid(7, 0, MIG_EBX), 0x20);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    return s;
}

static struct mig_bytes seal_as(const char *signer, enum mig_payload_type type,
                                const struct mig_stamp *stamp)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = some_host();
    MIG_AUTO(mig_bytes_clear) struct mig_bytes payload = {0};
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(fleet, signer);
    struct mig_bytes sealed = {0};
    struct mig_error err;

    mig_snapshot_encode(s, stamp, &payload);
    check_done("seal", mig_seal(key, type, payload.items, payload.len, &sealed, &err), &err);
    return sealed;
}

static struct mig_stamp stamp_of(const char *host, int64_t issued_at, const unsigned char *nonce)
{
    struct mig_stamp stamp = {.issued_at = issued_at,
                              .expires_at = issued_at + MIG_LIVE_EXPIRY_S,
                              .sequence = 1,
                              .table_version = 1,
                              .has_nonce = nonce != NULL};

    (void)snprintf(stamp.host, sizeof stamp.host, "%s", host);
    (void)snprintf(stamp.boot_id, sizeof stamp.boot_id, "d4ed1aa4-6f8e-4a2c-9f41-6f2a3f8f7f10");
    if (nonce != NULL) {
        memcpy(stamp.nonce, nonce, sizeof stamp.nonce);
    }
    return stamp;
}

CHECK_TEST(a_fresh_answer_to_our_nonce_is_live)
{
    struct mig_stamp stamp = stamp_of("alpha", NOW - 2, our_nonce);
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes sealed = seal_as("alpha", MIG_PAYLOAD_SNAPSHOT, &stamp);
    struct mig_evidence e = {0};
    struct mig_error err;

    check_done(
        "open",
        mig_evidence_open(trust, sealed.items, sealed.len, our_nonce, "alpha", NOW, &e, &err),
        &err);
    check_text("name", "alpha", e.name);
    check_text("kind", "live", mig_evidence_kind_name(e.kind));
    check_number("age", 2, (uint64_t)e.age_s);
    check_number("kept", sealed.len, e.sealed_len);
    check_true("snapshot", e.snapshot != NULL);
    mig_evidence_clear(&e);
}

CHECK_TEST(kinds_and_ages_follow_stamp_and_request)
{
    static const struct {
        const char *label;
        bool asked, replayed;
        int64_t issued_before;
        const char *kind;
        int64_t age;
    } cases[] = {
        {"asked",                       true,  false, 1,       "live",     1      },
        {"asked, clock a little ahead", true,  false, -30,     "live",     0      },
        {"asked, offline host",         true,  true,  1,       "replayed", -1     },
        {"from a file",                 false, false, 3 * DAY, "filed",    3 * DAY},
        {"from a file, offline host",   false, true,  3 * DAY, "replayed", -1     },
    };

    CHECK_EACH (c, cases) {
        struct mig_stamp stamp = stamp_of("alpha", NOW - c->issued_before, our_nonce);
        struct mig_evidence e = {0};
        struct mig_error err;

        stamp.replayed = c->replayed;
        MIG_AUTO(mig_bytes_clear)
        struct mig_bytes sealed = seal_as("alpha", MIG_PAYLOAD_SNAPSHOT, &stamp);
        check_done(c->label,
                   mig_evidence_open(trust, sealed.items, sealed.len, c->asked ? our_nonce : NULL,
                                     NULL, NOW, &e, &err),
                   &err);
        check_text(c->label, c->kind, mig_evidence_kind_name(e.kind));
        check_number(c->label, (uint64_t)c->age, (uint64_t)e.age_s);
        check_number("seal", c->issued_before > 0 ? (uint64_t)c->issued_before : 0,
                     (uint64_t)e.sealed_age_s);
        mig_evidence_clear(&e);
    }
}

CHECK_TEST(each_refusal_has_its_own_words)
{
    static const struct {
        const char *label, *signer, *host, *expected;
        enum mig_payload_type type;
        const unsigned char *nonce; /* in the stamp */
        bool asked;
        int64_t issued, lives; /* relative to now; 0 = the usual */
        enum mig_code code;
        const char *refusal, *says;
    } cases[] = {
        {"replayed answer",               "alpha", "alpha", "alpha", MIG_PAYLOAD_SNAPSHOT, near_miss, true,  0,    0,
         MIG_STALE,                                                                                                                "trust/replayed",   "answers another request (replayed)"        },
        {"filed snapshot for a live one", "alpha", "alpha", "alpha", MIG_PAYLOAD_SNAPSHOT, NULL,
         true,                                                                                               0,    0,   MIG_STALE, "trust/replayed",   "answers no request"                        },
        {"another host's snapshot",       "beta",  "beta",  "alpha", MIG_PAYLOAD_SNAPSHOT, our_nonce, true,
         0,                                                                                                        0,   MIG_TRUST, "trust/wrong-host",
         "is a snapshot of host 'beta', expected host 'alpha'"                                                                                                                                     },
        {"another host's file",           "beta",  "beta",  "alpha", MIG_PAYLOAD_SNAPSHOT, NULL,      false, -DAY, 0,
         MIG_TRUST,                                                                                                                "trust/wrong-host", "is a snapshot of host 'beta'"              },
        {"signed by beta, says alpha",    "beta",  "alpha", NULL,    MIG_PAYLOAD_SNAPSHOT, our_nonce, true,
         0,                                                                                                        0,   MIG_TRUST, "trust/unverified", "alpha"                                     },
        {"clock ahead",                   "alpha", "alpha", NULL,    MIG_PAYLOAD_SNAPSHOT, our_nonce, true,  90,   0,
         MIG_STALE,                                                                                                                "trust/future",
         "issued 90 s in the future: clock skew between this host and alpha"                                                                                                                       },
        {"file from the future",          "alpha", "alpha", NULL,    MIG_PAYLOAD_SNAPSHOT, NULL,      false, 61,   0,
         MIG_STALE,                                                                                                                "trust/future",     "issued 61 s in the future"                 },
        {"held back",                     "alpha", "alpha", NULL,    MIG_PAYLOAD_SNAPSHOT, our_nonce, true,  -400, 0,
         MIG_STALE,                                                                                                                "trust/expired",    "expired 100 s ago"                         },
        {"lives too long",                "alpha", "alpha", NULL,    MIG_PAYLOAD_SNAPSHOT, our_nonce, true,  -30,  DAY,
         MIG_STALE,                                                                                                                "trust/expired",    "a live snapshot is valid for at most 300 s"},
        {"signed by an operator",         "oscar", "oscar", NULL,    MIG_PAYLOAD_SNAPSHOT, our_nonce, true,  0,
         0,                                                                                                             MIG_TRUST, "trust/unverified", "operator"                                  },
        {"another payload type",          "alpha", "alpha", NULL,    MIG_PAYLOAD_CONTRACT, our_nonce, true,  0,
         0,                                                                                                             MIG_TRUST, "trust/unverified", "contract"                                  },
    };

    CHECK_EACH (c, cases) {
        struct mig_stamp stamp = stamp_of(c->host, NOW + c->issued, c->nonce);
        struct mig_evidence e = {0};
        struct mig_error err = {0};

        if (c->lives != 0) {
            stamp.expires_at = stamp.issued_at + c->lives;
        }
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = seal_as(c->signer, c->type, &stamp);
        check_true(c->label,
                   !mig_evidence_open(trust, sealed.items, sealed.len, c->asked ? our_nonce : NULL,
                                      c->expected, NOW, &e, &err));
        check_contains(c->label, c->says, err.msg);
        check_number(c->label, c->code, err.code);
        check_text(c->label, c->refusal, e.refusal);
        check_true(c->label, e.snapshot == NULL && e.sealed == NULL);
    }
}

CHECK_TEST(a_file_counts_only_if_its_signer_was_valid_when_it_was_made)
{
    struct mig_stamp stamp = stamp_of("brief", NOW - 30 * DAY, NULL);
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes before = seal_as("brief", MIG_PAYLOAD_SNAPSHOT, &stamp);
    struct mig_evidence e = {0};
    struct mig_error err = {0};

    check_true("before",
               !mig_evidence_open(trust, before.items, before.len, NULL, NULL, NOW, &e, &err));
    check_true("code", err.code == MIG_TRUST || err.code == MIG_STALE);
    stamp = stamp_of("brief", NOW - 5 * DAY, NULL);
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes inside = seal_as("brief", MIG_PAYLOAD_SNAPSHOT, &stamp);
    check_done("inside, certificate has expired since",
               mig_evidence_open(trust, inside.items, inside.len, NULL, NULL, NOW, &e, &err), &err);
    mig_evidence_clear(&e);
}

CHECK_TEST(a_flipped_bit_anywhere_is_refused)
{
    struct mig_stamp stamp = stamp_of("alpha", NOW, our_nonce);
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes sealed = seal_as("alpha", MIG_PAYLOAD_SNAPSHOT, &stamp);

    for (size_t i = 0; i < sealed.len; i += 7) {
        struct mig_evidence e = {0};
        struct mig_error err = {0};

        sealed.items[i] ^= (unsigned char)(1U << (i % 8));
        if (mig_evidence_open(trust, sealed.items, sealed.len, our_nonce, "alpha", NOW, &e, &err)) {
            fail_msg("byte %zu of %zu", i, sealed.len);
        }
        check_true("refusal", e.refusal != NULL && err.msg[0] != '\0');
        sealed.items[i] ^= (unsigned char)(1U << (i % 8));
    }
}

static char *write_file(const char *name, const void *bytes, size_t len)
{
    char *path = fleet_path(fleet, name);
    struct mig_error err;

    check_done(name, mig_file_write(path, bytes, len, 0600, &err), &err);
    return path;
}

CHECK_TEST(files_of_every_form_are_read)
{
    struct mig_stamp stamp = stamp_of("alpha", NOW - DAY, NULL);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = some_host();
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes sealed = seal_as("alpha", MIG_PAYLOAD_SNAPSHOT, &stamp);
    MIG_AUTO(mig_free) char *json = mig_snapshot_to_json(s);
    MIG_AUTO(mig_free) char *sealed_path = write_file("a.sealed", sealed.items, sealed.len);
    MIG_AUTO(mig_free) char *json_path = write_file("web.3.json", json, strlen(json));
    struct mig_evidence e = {0};
    struct mig_error err;

    check_done("sealed", mig_evidence_read(trust, sealed_path, NOW, &e, &err), &err);
    check_text("sealed", "filed", mig_evidence_kind_name(e.kind));
    check_number("sealed", DAY, (uint64_t)e.age_s);
    mig_evidence_clear(&e);

    check_done("json", mig_evidence_read(NULL, json_path, NOW, &e, &err), &err);
    check_text("json", "unsigned", mig_evidence_kind_name(e.kind));
    check_text("name is the file's", "web.3", e.name);
    check_text("format", "snapshot-json", e.format);
    check_true("age", e.age_s == -1 && e.sealed == NULL);
    mig_evidence_clear(&e);
}

CHECK_TEST(files_that_tell_nothing_are_refused_by_name)
{
    struct mig_stamp stamp = stamp_of("alpha", NOW - DAY, NULL);
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes sealed = seal_as("alpha", MIG_PAYLOAD_SNAPSHOT, &stamp);
    MIG_AUTO(mig_free) char *whole = write_file("whole.sealed", sealed.items, sealed.len);
    MIG_AUTO(mig_free) char *cut = write_file("cut.sealed", sealed.items, sealed.len / 2);
    MIG_AUTO(mig_free) char *junk = write_file("junk.json", "once upon a time", 16);
    MIG_AUTO(mig_free) char *empty = write_file("empty.json", "", 0);
    MIG_AUTO(mig_free) char *missing = fleet_path(fleet, "missing.json");
    const struct {
        const char *path, *says;
        bool no_trust;
        enum mig_code code;
    } cases[] = {
        {whole,   "only the fleet's CA", true,  MIG_USAGE },
        {cut,     "cut.sealed",          false, MIG_FORMAT},
        {junk,    "junk.json: ",         false, MIG_FORMAT},
        {empty,   "empty.json: ",        false, MIG_FORMAT},
        {missing, "No such file",        false, MIG_IO    },
    };

    CHECK_EACH (c, cases) {
        struct mig_evidence e = {0};
        struct mig_error err = {0};

        check_true(c->path, !mig_evidence_read(c->no_trust ? NULL : trust, c->path, NOW, &e, &err));
        check_contains(c->path, c->says, err.msg);
        check_number(c->path, c->code, err.code);
    }
}

static int set_up(void **state __attribute__((unused)))
{
    fleet = fleet_new();
    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", NOW - 100 * DAY, NOW + DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "beta", NOW - 100 * DAY, NOW + DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "brief", NOW - 10 * DAY, NOW - DAY);
    fleet_issue(fleet, MIG_ROLE_OPERATOR, "oscar", NOW - 100 * DAY, NOW + DAY);
    trust = fleet_trust(fleet, false);
    return 0;
}

static int tear_down(void **state __attribute__((unused)))
{
    mig_trust_free(trust);
    fleet_free(fleet);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fresh_answer_to_our_nonce_is_live),
        cmocka_unit_test(kinds_and_ages_follow_stamp_and_request),
        cmocka_unit_test(each_refusal_has_its_own_words),
        cmocka_unit_test(a_file_counts_only_if_its_signer_was_valid_when_it_was_made),
        cmocka_unit_test(a_flipped_bit_anywhere_is_refused),
        cmocka_unit_test(files_of_every_form_are_read),
        cmocka_unit_test(files_that_tell_nothing_are_refused_by_name),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
