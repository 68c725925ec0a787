/* SPDX-License-Identifier: Apache-2.0 */
#include "libmig/mig.h"

#include <linux/kvm.h>
#include <stdio.h>

#include "base/alloc.h"
#include "base/now.h"
#include "negotiator/cli/report_json.h"
#include "pact/agreement.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "snapshot/codec.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/guest.h"
#include "support/small_host.h"

#define STRONG LEVEL_3 " erms phys_addr_bits=46"
#define WEAK LEVEL_3 " phys_addr_bits=46"

/* A fleet with agents alpha and beta and an operator, and what they sealed. */
struct world {
    struct fleet *fleet;
    struct libmig_trust *trust;
};

static struct world *world_new(void)
{
    struct world *w = MIG_NEW(struct world);
    struct libmig_error err;

    w->fleet = fleet_new();
    fleet_issue(w->fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(w->fleet, MIG_ROLE_AGENT, "beta", 0, 0);
    fleet_issue(w->fleet, MIG_ROLE_OPERATOR, "olga", 0, 0);
    check_number(err.text, LIBMIG_OK,
                 (uint64_t)libmig_trust_load(w->fleet->ca, NULL, &w->trust, &err));
    check_number("code", LIBMIG_OK, (uint64_t)err.code);
    check_text("text", "", err.text);
    return w;
}

static void world_free(struct world *w)
{
    libmig_trust_free(w->trust);
    fleet_free(w->fleet);
    mig_free(w);
}

static struct mig_bytes seal(const struct world *w, const char *name, enum mig_payload_type type,
                             struct mig_bytes payload)
{
    MIG_AUTO(mig_key_free) struct mig_key *key = fleet_key(w->fleet, name);
    struct mig_bytes sealed = {0};
    struct mig_error err;

    check_done(name, mig_seal(key, type, payload.items, payload.len, &sealed, &err), &err);
    mig_bytes_clear(&payload);
    return sealed;
}

/* Guest web3 of alpha, recorded @ago_s seconds ago. */
static struct mig_bytes contract_payload(const char *edits, int64_t ago_s)
{
    MIG_AUTO(mig_contract_free) struct mig_contract *c = guest_small(edits);
    struct mig_bytes payload = {0};

    c->recorded_at = mig_now_unix() - ago_s;
    mig_contract_encode(c, &payload);
    return payload;
}

static struct mig_bytes sealed_contract(const struct world *w, const char *edits)
{
    return seal(w, "alpha", MIG_PAYLOAD_CONTRACT, contract_payload(edits, 60));
}

static struct mig_bytes snapshot_payload(const char *host, const char *edits,
                                         const unsigned char *nonce, int64_t ago_s)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(edits);
    struct mig_stamp stamp = {.boot_id = "7c2f", .sequence = 1, .table_version = MIG_TABLE_VERSION};
    struct mig_bytes payload = {0};

    (void)snprintf(stamp.host, sizeof stamp.host, "%s", host);
    stamp.issued_at = mig_now_unix() - ago_s;
    stamp.expires_at = stamp.issued_at + (nonce != NULL ? 300 : 86400);
    if (nonce != NULL) {
        memcpy(stamp.nonce, nonce, sizeof stamp.nonce);
        stamp.has_nonce = true;
    }
    mig_snapshot_encode(s, &stamp, &payload);
    return payload;
}

static struct libmig_host *host(const struct world *w, const char *name, const char *edits,
                                const unsigned char *nonce)
{
    struct mig_bytes sealed =
        seal(w, name, MIG_PAYLOAD_SNAPSHOT, snapshot_payload(name, edits, nonce, 10));
    struct libmig_host *h = NULL;
    struct libmig_error err;

    check_number(name, LIBMIG_OK,
                 (uint64_t)libmig_host_open(w->trust, sealed.items, sealed.len, nonce, &h, &err));
    mig_bytes_clear(&sealed);
    return h;
}

static struct libmig_contract *contract(const struct world *w, const char *edits)
{
    struct mig_bytes sealed = sealed_contract(w, edits);
    struct libmig_contract *c = NULL;
    struct libmig_error err;

    check_number("contract", LIBMIG_OK,
                 (uint64_t)libmig_contract_open(w->trust, sealed.items, sealed.len, &c, &err));
    mig_bytes_clear(&sealed);
    return c;
}

CHECK_TEST(versions_agree)
{
    char stated[32];

    (void)snprintf(stated, sizeof stated, "%d.%d.%d", LIBMIG_VERSION_MAJOR, LIBMIG_VERSION_MINOR,
                   LIBMIG_VERSION_PATCH);
    check_text("header and library", stated, libmig_version());
    check_number("tables", MIG_TABLE_VERSION, libmig_table_version());
    check_number("errors keep their size", 512, sizeof(struct libmig_error));
    check_text("a code", "input is malformed", libmig_code_text(LIBMIG_ERROR_FORMAT));
    check_text("no code", "unknown code", libmig_code_text(-1));
    check_text("no code", "unknown code", libmig_code_text(LIBMIG_ERROR_INTERNAL + 1));
}

CHECK_TEST(trust_comes_from_files)
{
    struct libmig_trust *trust = NULL;
    struct libmig_error err;

    check_number("no file", LIBMIG_ERROR_IO,
                 (uint64_t)libmig_trust_load("/nonexistent/ca.pem", NULL, &trust, &err));
    check_number("code", LIBMIG_ERROR_IO, (uint64_t)err.code);
    check_contains("text", "/nonexistent/ca.pem", err.text);
    check_number("no error wanted", LIBMIG_ERROR_IO,
                 (uint64_t)libmig_trust_load("/nonexistent/ca.pem", NULL, &trust, NULL));
    check_true("left alone", trust == NULL);
    libmig_trust_free(NULL);
}

CHECK_TEST(a_sealed_contract_opens)
{
    struct world *w = world_new();
    struct libmig_contract *c = contract(w, STRONG);
    struct libmig_contract *back = NULL;
    MIG_AUTO(mig_free) char *json = NULL;
    unsigned char *payload = NULL;
    size_t len = 0;
    struct libmig_error err;

    check_text("vm", "web3", libmig_contract_vm(c));
    check_text("instance", "7f3a", libmig_contract_instance(c));
    check_text("holder", "alpha", libmig_contract_holder(c));
    check_true("time", mig_now_unix() - libmig_contract_recorded_at(c) < 600);
    check_number("evidence", LIBMIG_EVIDENCE_FILED, (uint64_t)libmig_contract_evidence(c));
    check_true("no such fact", libmig_contract_fact(c, "vmm.colour") == NULL);
    json = libmig_contract_json(c);
    check_number("as JSON", LIBMIG_OK,
                 (uint64_t)libmig_contract_read_unsigned(json, strlen(json), &back, &err));
    check_number("evidence", LIBMIG_EVIDENCE_UNSIGNED, (uint64_t)libmig_contract_evidence(back));
    check_number("payload", LIBMIG_OK,
                 (uint64_t)libmig_contract_payload(back, &payload, &len, &err));
    check_true("bytes", len > 100);
    libmig_free(payload);
    libmig_contract_free(back);
    libmig_contract_free(c);
    libmig_contract_free(NULL);
    world_free(w);
}

CHECK_TEST(a_contract_is_of_one_instance)
{
    static const struct {
        const char *label, *vm, *instance;
        int code;
        const char *text;
    } cases[] = {
        {"this one",         "web3", "7f3a", LIBMIG_OK,          ""                                },
        {"any instance",     "web3", NULL,   LIBMIG_OK,          ""                                },
        {"another instance", "web3", "9999", LIBMIG_ERROR_GUEST, "is of instance '7f3a'"           },
        {"no instance",      "web3", "",     LIBMIG_ERROR_GUEST, "a power cycle voids it"          },
        {"another guest",    "db1",  "7f3a", LIBMIG_ERROR_GUEST, "is of guest 'web3', not of 'db1'"},
    };
    struct world *w = world_new();
    struct libmig_contract *c = contract(w, STRONG);

    CHECK_EACH (t, cases) {
        struct libmig_error err;

        check_number(t->label, (uint64_t)t->code,
                     (uint64_t)libmig_contract_expect(c, t->vm, t->instance, &err));
        check_contains(t->label, t->text, err.text);
    }
    libmig_contract_free(c);
    world_free(w);
}

/* What can be wrong with sealed bytes. */
enum damage {
    NONE,
    CUT,
    FLIPPED,
    EMPTY,
    NOISE,
    WRONG_TYPE,
    OPERATOR,
    OTHER_AGENT,
    FUTURE,
    DAMAGES
};

static struct mig_bytes damaged(const struct world *w, enum damage how)
{
    struct mig_bytes bytes;

    switch (how) {
    case WRONG_TYPE:
        return seal(w, "alpha", MIG_PAYLOAD_SNAPSHOT, snapshot_payload("alpha", STRONG, NULL, 10));
    case OPERATOR:
        return seal(w, "olga", MIG_PAYLOAD_CONTRACT, contract_payload(STRONG, 60));
    case OTHER_AGENT:
        return seal(w, "beta", MIG_PAYLOAD_CONTRACT, contract_payload(STRONG, 60));
    case FUTURE:
        return seal(w, "alpha", MIG_PAYLOAD_CONTRACT, contract_payload(STRONG, -3600));
    case NONE:
    case CUT:
    case FLIPPED:
    case EMPTY:
    case NOISE:
    case DAMAGES:
        break;
    }
    bytes = sealed_contract(w, STRONG);
    bytes.len = how == CUT ? bytes.len / 2 : how == EMPTY ? 0 : bytes.len;
    if (how == FLIPPED) {
        bytes.items[bytes.len / 2] ^= 1;
    } else if (how == NOISE) {
        memset(bytes.items, 0x5a, bytes.len);
    }
    return bytes;
}

CHECK_TEST(what_is_no_sealed_contract_is_refused)
{
    static const struct {
        const char *label;
        enum damage how;
        int code;
        const char *text;
    } cases[] = {
        {"sound",           NONE,        LIBMIG_OK,           ""                         },
        {"truncated",       CUT,         LIBMIG_ERROR_FORMAT, "envelope"                 },
        {"one bit",         FLIPPED,     -1,                  ""                         },
        {"empty",           EMPTY,       LIBMIG_ERROR_FORMAT, "envelope"                 },
        {"noise",           NOISE,       LIBMIG_ERROR_FORMAT, "envelope"                 },
        {"a snapshot",      WRONG_TYPE,  LIBMIG_ERROR_TRUST,  "contract"                 },
        {"of an operator",  OPERATOR,    LIBMIG_ERROR_TRUST,  "operator 'olga'"          },
        {"of another host", OTHER_AGENT, LIBMIG_ERROR_TRUST,  "signed by 'beta'"         },
        {"of tomorrow",     FUTURE,      LIBMIG_ERROR_STALE,  "in the future: clock skew"},
    };
    struct world *w = world_new();

    CHECK_EACH (t, cases) {
        struct mig_bytes bytes = damaged(w, t->how);
        struct libmig_contract *c = NULL;
        struct libmig_error err;
        int code = libmig_contract_open(w->trust, bytes.items, bytes.len, &c, &err);

        if (t->code < 0) {
            check_true(t->label, code != LIBMIG_OK);
        } else {
            check_number(t->label, (uint64_t)t->code, (uint64_t)code);
        }
        check_number(t->label, (uint64_t)code, (uint64_t)err.code);
        check_contains(t->label, t->text, err.text);
        check_true(t->label, (code == LIBMIG_OK) == (c != NULL));
        libmig_contract_free(c);
        mig_bytes_clear(&bytes);
    }
    world_free(w);
}

CHECK_TEST(unsigned_doors_are_strict_too)
{
    static const struct {
        const char *label, *json;
        int code;
        const char *text;
    } cases[] = {
        {"no JSON",         "contract",                                                             LIBMIG_ERROR_FORMAT, ""                             },
        {"unknown version", "{\"apiVersion\":\"migctl/v9\",\"kind\":\"Contract\"}",
         LIBMIG_ERROR_FORMAT,                                                                                            "found a Contract of migctl/v9"},
        {"another kind",    "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Snapshot\"}",
         LIBMIG_ERROR_FORMAT,                                                                                            "found a Snapshot"             },
        {"nothing shown",   "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Contract\",\"vm\":\"web3\"}",
         LIBMIG_ERROR_FORMAT,                                                                                            "'shown' is missing"           },
    };
    struct libmig_host *h = NULL;
    struct libmig_profile *p = NULL;

    CHECK_EACH (t, cases) {
        struct libmig_contract *c = NULL;
        struct libmig_error err;

        check_number(t->label, (uint64_t)t->code,
                     (uint64_t)libmig_contract_read_unsigned(t->json, strlen(t->json), &c, &err));
        check_contains(t->label, t->text, err.text);
        check_number(
            "host", LIBMIG_ERROR_FORMAT,
            (uint64_t)libmig_host_read_unsigned("alpha", t->json, strlen(t->json), &h, &err));
        check_number("profile", LIBMIG_ERROR_FORMAT,
                     (uint64_t)libmig_profile_read(t->json, strlen(t->json), &p, &err));
    }
}

CHECK_TEST(only_a_whole_contract_has_a_payload)
{
    static const char json[] =
        "{\"apiVersion\":\"migctl/v1\",\"kind\":\"Contract\",\"vm\":\"web3\","
        "\"shown\":{\"arch\":\"x86-64\",\"groups\":{},\"registers\":{}}}";
    struct libmig_contract *c = NULL;
    unsigned char *payload;
    size_t len;
    struct libmig_error err;

    check_number(err.text, LIBMIG_OK,
                 (uint64_t)libmig_contract_read_unsigned(json, sizeof json - 1, &c, &err));
    check_text("instance", "", libmig_contract_instance(c));
    check_text("holder", "", libmig_contract_holder(c));
    check_number("payload", LIBMIG_ERROR_FORMAT,
                 (uint64_t)libmig_contract_payload(c, &payload, &len, &err));
    check_contains("payload", "contract: instance: expected", err.text);
    libmig_contract_free(c);
}

static const unsigned char nonce[LIBMIG_NONCE_BYTES] = {1, 2, 3};
static const unsigned char other_nonce[LIBMIG_NONCE_BYTES] = {3, 2, 1};

CHECK_TEST(hosts_are_live_for_their_request_only)
{
    static const struct {
        const char *label;
        const unsigned char *asked, *answered;
        int64_t ago_s;
        int code, evidence;
    } cases[] = {
        {"live",            nonce,       nonce, 10,    LIBMIG_OK,          LIBMIG_EVIDENCE_LIVE },
        {"filed",           NULL,        NULL,  10,    LIBMIG_OK,          LIBMIG_EVIDENCE_FILED},
        {"kept",            NULL,        nonce, 10,    LIBMIG_OK,          LIBMIG_EVIDENCE_FILED},
        {"another request", other_nonce, nonce, 10,    LIBMIG_ERROR_STALE, 0                    },
        {"no request",      nonce,       NULL,  10,    LIBMIG_ERROR_STALE, 0                    },
        {"held back",       nonce,       nonce, 1000,  LIBMIG_ERROR_STALE, 0                    },
        {"of tomorrow",     NULL,        NULL,  -1000, LIBMIG_ERROR_STALE, 0                    },
    };
    struct world *w = world_new();

    CHECK_EACH (t, cases) {
        struct mig_bytes sealed = seal(w, "alpha", MIG_PAYLOAD_SNAPSHOT,
                                       snapshot_payload("alpha", STRONG, t->answered, t->ago_s));
        struct libmig_host *h = NULL;
        struct libmig_error err;

        check_number(
            t->label, (uint64_t)t->code,
            (uint64_t)libmig_host_open(w->trust, sealed.items, sealed.len, t->asked, &h, &err));
        if (h != NULL) {
            check_number(t->label, (uint64_t)t->evidence, (uint64_t)libmig_host_evidence(h));
            check_text(t->label, "alpha", libmig_host_name(h));
            check_true(t->label, libmig_host_age(h) >= t->ago_s && libmig_host_age(h) < 600);
        }
        libmig_host_free(h);
        mig_bytes_clear(&sealed);
    }
    world_free(w);
}

CHECK_TEST(a_verdict_is_no_better_than_its_evidence)
{
    static const struct {
        const char *label, *from, *to;
        const unsigned char *nonce;
        uint32_t flags;
        int answer;
        const char *id; /* a finding that must be there */
    } cases[] = {
        {"same host, live", STRONG, STRONG, nonce, 0,                         LIBMIG_COMPATIBLE,        NULL                 },
        {"feature lost",    STRONG, WEAK,   nonce, 0,                         LIBMIG_NEEDS_POWER_CYCLE, "x86/cpuid/7.0/ebx/9"},
        {"not live",        STRONG, STRONG, NULL,  0,                         LIBMIG_UNKNOWN,           "trust/not-live"     },
        {"filed is enough", STRONG, STRONG, NULL,  LIBMIG_JUDGE_ACCEPT_FILED, LIBMIG_COMPATIBLE,
         NULL                                                                                                                },
        {"filed, lost",     STRONG, WEAK,   NULL,  LIBMIG_JUDGE_ACCEPT_FILED, LIBMIG_NEEDS_POWER_CYCLE,
         "x86/cpuid/7.0/ebx/9"                                                                                               },
    };
    struct world *w = world_new();

    CHECK_EACH (t, cases) {
        struct libmig_contract *c = contract(w, STRONG);
        struct libmig_host *from = host(w, "alpha", t->from, t->nonce);
        struct libmig_host *to = host(w, "beta", t->to, t->nonce);
        struct libmig_verdict *v = NULL;
        struct libmig_finding f;
        struct libmig_error err;
        bool found = t->id == NULL;

        check_number(t->label, LIBMIG_OK, (uint64_t)libmig_judge(c, from, to, t->flags, &v, &err));
        check_number(libmig_verdict_name(v), (uint64_t)t->answer,
                     (uint64_t)libmig_verdict_answer(v));
        check_number(t->label, t->answer <= LIBMIG_COMPATIBLE_MASKED,
                     (uint64_t)libmig_verdict_allows(v));
        for (size_t i = 0; i < libmig_verdict_findings(v); i++) {
            check_number(t->label, LIBMIG_OK, (uint64_t)libmig_verdict_finding(v, i, &f, &err));
            check_true(f.id, f.why[0] != '\0' && f.reason[0] != '\0');
            if (t->id != NULL && strcmp(f.id, t->id) == 0) {
                found = true;
                check_number(f.id, LIBMIG_BLOCKER, (uint64_t)f.severity);
                check_true(f.remedy, f.remedy[0] != '\0');
            }
        }
        check_true(t->label, found);
        check_number(t->label, LIBMIG_ERROR_MISSING,
                     (uint64_t)libmig_verdict_finding(v, libmig_verdict_findings(v), &f, &err));
        libmig_verdict_free(v);
        libmig_host_free(from);
        libmig_host_free(to);
        libmig_contract_free(c);
    }
    world_free(w);
}

CHECK_TEST(the_source_is_the_host_that_has_the_guest)
{
    struct world *w = world_new();
    struct libmig_contract *c = contract(w, STRONG);
    struct libmig_host *beta = host(w, "beta", STRONG, nonce);
    struct libmig_verdict *v = NULL;
    struct libmig_error err;

    check_number("source", LIBMIG_ERROR_USAGE, (uint64_t)libmig_judge(c, beta, beta, 0, &v, &err));
    check_contains("source", "guest 'web3' is on 'alpha'", err.text);
    check_number("flags", LIBMIG_ERROR_USAGE, (uint64_t)libmig_judge(c, NULL, beta, 64, &v, &err));
    check_number("restored", LIBMIG_OK, (uint64_t)libmig_judge(c, NULL, beta, 0, &v, &err));
    check_number("restored", 1, (uint64_t)libmig_verdict_allows(v));
    libmig_verdict_free(v);
    libmig_host_free(beta);
    libmig_contract_free(c);
    world_free(w);
}

CHECK_TEST(unsigned_input_carries_no_verdict)
{
    struct world *w = world_new();
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(STRONG);
    MIG_AUTO(mig_free) char *json = mig_snapshot_to_json(s);
    struct libmig_contract *c = contract(w, STRONG);
    struct libmig_host *h = NULL;
    struct libmig_verdict *v = NULL;
    struct libmig_finding f;
    struct libmig_error err;

    check_number("read", LIBMIG_OK,
                 (uint64_t)libmig_host_read_unsigned("beta", json, strlen(json), &h, &err));
    check_number("age", UINT64_MAX, (uint64_t)libmig_host_age(h));
    check_number("judge", LIBMIG_OK, (uint64_t)libmig_judge(c, NULL, h, 0, &v, &err));
    check_text("answer", "unknown", libmig_verdict_name(v));
    check_number("finding", LIBMIG_OK,
                 (uint64_t)libmig_verdict_finding(v, libmig_verdict_findings(v) - 1, &f, &err));
    check_text("finding", "trust/unsigned", f.id);
    libmig_verdict_free(v);
    check_number("judge", LIBMIG_OK,
                 (uint64_t)libmig_judge(c, NULL, h, LIBMIG_JUDGE_ACCEPT_UNSIGNED, &v, &err));
    check_text("answer", "compatible", libmig_verdict_name(v));
    libmig_verdict_free(v);
    libmig_host_free(h);
    libmig_contract_free(c);
    world_free(w);
}

CHECK_TEST(a_cpu_is_what_its_origin_says)
{
    struct world *w = world_new();
    struct libmig_contract *c = contract(w, STRONG);
    struct libmig_cpu *cpu = libmig_cpu_of_contract(c);
    struct libmig_error err;
    uint64_t value = 0;

    libmig_contract_free(c);
    check_number("word", LIBMIG_OK,
                 (uint64_t)libmig_cpu_value(cpu, "x86/cpuid/7.0/ebx", &value, &err));
    check_true("erms", (value >> 9 & 1) != 0);
    check_number("absent", LIBMIG_OK,
                 (uint64_t)libmig_cpu_value(cpu, "x86/cpuid/77.0/ebx", &value, &err));
    check_number("absent", 0, value);
    check_number("of a host", LIBMIG_ERROR_MISSING,
                 (uint64_t)libmig_cpu_value(cpu, "kvm/cap/NESTED_STATE", &value, &err));
    check_number("no id", LIBMIG_ERROR_FORMAT,
                 (uint64_t)libmig_cpu_value(cpu, "avx2", &value, &err));
    libmig_cpu_free(cpu);
    world_free(w);
}

CHECK_TEST(a_profile_becomes_a_cpu)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(STRONG);
    const struct mig_party alone = {"alpha", s};
    const struct mig_choice plain = {0};
    MIG_AUTO(mig_free) char *text = NULL;
    struct libmig_profile *p = NULL;
    struct libmig_cpu *cpu;
    struct mig_result r;
    struct libmig_error err;
    uint64_t value = 0;
    json_t *json;

    mig_baseline(&alone, 1, &plain, &r);
    json = report_json_profile(r.profile);
    text = json_dumps(json, 0);
    check_number("read", LIBMIG_OK, (uint64_t)libmig_profile_read(text, strlen(text), &p, &err));
    check_text("digest", json_string_value(json_object_get(json, "digest")),
               libmig_profile_digest(p));
    check_text("level", "x86-64-v3", libmig_profile_level(p));
    cpu = libmig_cpu_of_profile(p);
    libmig_profile_free(p);
    check_number("word", LIBMIG_OK,
                 (uint64_t)libmig_cpu_value(cpu, "x86/cpuid/7.0/ebx", &value, &err));
    check_true("erms", (value >> 9 & 1) != 0);
    libmig_cpu_free(cpu);
    json_decref(json);
    mig_result_clear(&r);
}

#if defined(__x86_64__)
static struct libmig_cpu *cpu_of_small(const struct world *w)
{
    struct libmig_contract *c = contract(w, STRONG " @x86/msr/10a=0x69");
    struct libmig_cpu *cpu = libmig_cpu_of_contract(c);

    libmig_contract_free(c);
    return cpu;
}

CHECK_TEST(tables_fit_into_the_callers_buffer)
{
    struct world *w = world_new();
    struct libmig_cpu *cpu = cpu_of_small(w);
    size_t needed = 0, bytes;
    struct kvm_cpuid2 *table;
    struct kvm_msrs *list;
    struct libmig_error err;
    bool found = false;

    check_number("size", LIBMIG_ERROR_SPACE,
                 (uint64_t)libmig_cpu_cpuid(cpu, NULL, NULL, &needed, &err));
    check_true("size", needed > sizeof *table);
    table = mig_alloc(needed, 1);
    bytes = needed - 1;
    check_number("too small", LIBMIG_ERROR_SPACE,
                 (uint64_t)libmig_cpu_cpuid(cpu, NULL, table, &bytes, &err));
    check_number("what is needed", needed, bytes);
    check_number("nothing written", 0, table->nent);
    check_number("fits", LIBMIG_OK, (uint64_t)libmig_cpu_cpuid(cpu, NULL, table, &bytes, &err));
    check_number("entries", needed, sizeof *table + table->nent * sizeof *table->entries);
    for (uint32_t i = 0; i < table->nent; i++) {
        found = found || (table->entries[i].function == 7 && (table->entries[i].ebx >> 9 & 1) != 0);
    }
    check_true("erms", found);
    mig_free(table);

    needed = 0;
    check_number("size", LIBMIG_ERROR_SPACE, (uint64_t)libmig_cpu_msrs(cpu, NULL, &needed, &err));
    list = mig_alloc(needed, 1);
    check_number("fits", LIBMIG_OK, (uint64_t)libmig_cpu_msrs(cpu, list, &needed, &err));
    found = false;
    for (uint32_t i = 0; i < list->nmsrs; i++) {
        found = found || (list->entries[i].index == 0x10a && list->entries[i].data == 0x69);
    }
    check_true("10a", found);
    mig_free(list);
    libmig_cpu_free(cpu);
    world_free(w);
}

/* No KVM is asked anything: what is no descriptor is no answer of KVM. */
CHECK_TEST(broken_descriptors_are_no_mismatch)
{
    static const struct libmig_guest nobody = {.vm = "web 3", .instance = "7f3a"},
                                     unborn = {.vm = "web3"},
                                     astray = {"web3", "7f3a", "no host", NULL, NULL, NULL, {0}},
                                     guest = {.vm = "web3", .instance = "7f3a", .host = "alpha"};
    struct world *w = world_new();
    struct libmig_cpu *cpu = cpu_of_small(w);
    struct libmig_contract *c = NULL;
    struct libmig_apply *a = NULL;
    struct libmig_mismatch m;
    struct libmig_error err;

    check_number("flags", LIBMIG_ERROR_USAGE, (uint64_t)libmig_apply_new(cpu, 8, &a, &err));
    check_number("new", LIBMIG_OK, (uint64_t)libmig_apply_new(cpu, 0, &a, &err));
    libmig_cpu_free(cpu);
    check_number("type", 0, libmig_apply_vm_type(a, -1));
    check_number("process", LIBMIG_ERROR_IO, (uint64_t)libmig_apply_process(a, -1, &err));
    check_number("vm", LIBMIG_ERROR_IO, (uint64_t)libmig_apply_vm(a, -1, -1, &err));
    check_number("vcpu", LIBMIG_ERROR_IO, (uint64_t)libmig_apply_vcpu(a, -1, -1, &err));
    check_number("read", LIBMIG_ERROR_IO, (uint64_t)libmig_apply_read_back(a, -1, -1, &err));
    check_number("none", 0, libmig_apply_mismatches(a));
    check_number("none", LIBMIG_ERROR_MISSING, (uint64_t)libmig_apply_mismatch(a, 0, &m, &err));
    libmig_apply_free(a);
    libmig_apply_free(NULL);

    check_number("capture", LIBMIG_ERROR_IO,
                 (uint64_t)libmig_contract_capture(&guest, -1, -1, -1, &c, &err));
    check_number("no id", LIBMIG_ERROR_USAGE,
                 (uint64_t)libmig_contract_capture(&nobody, -1, -1, -1, &c, &err));
    check_contains("no id", "vm: expected", err.text);
    check_number("no instance", LIBMIG_ERROR_USAGE,
                 (uint64_t)libmig_contract_capture(&unborn, -1, -1, -1, &c, &err));
    check_contains("no instance", "instance: expected", err.text);
    check_number("no agent", LIBMIG_ERROR_USAGE,
                 (uint64_t)libmig_contract_capture(&astray, -1, -1, -1, &c, &err));
    check_contains("no agent", "host: expected", err.text);
    world_free(w);
}

#define X86_TESTS                                                                                  \
    cmocka_unit_test(tables_fit_into_the_callers_buffer),                                          \
        cmocka_unit_test(broken_descriptors_are_no_mismatch),
#else
#define X86_TESTS
#endif

/* Alpha's and beta's word on a move of guest web3, as @contract stands. */
static struct mig_bytes agree(const struct world *w, const struct mig_bytes *contract, int64_t at)
{
    MIG_AUTO(mig_payload_free) struct mig_payload *payload = NULL;
    MIG_AUTO(mig_contract_free) struct mig_contract *c = NULL;
    MIG_AUTO(mig_trust_free) struct mig_trust *trust = fleet_trust(w->fleet, false);
    MIG_AUTO(mig_key_free) struct mig_key *alpha = fleet_key(w->fleet, "alpha");
    MIG_AUTO(mig_key_free) struct mig_key *beta = fleet_key(w->fleet, "beta");
    MIG_AUTO(mig_bytes_clear) struct mig_bytes one = {0};
    struct mig_agreement a = {.source.host = "alpha", .destination.host = "beta"};
    struct mig_bytes both = {0};
    struct mig_error err;

    check_done("contract",
               mig_seal_open(trust, MIG_PAYLOAD_CONTRACT, contract->items, contract->len, &payload,
                             &err) &&
                   mig_contract_decode(payload, &c, &err),
               &err);
    memcpy(a.vm, c->vm, sizeof a.vm);
    memcpy(a.instance, c->instance, sizeof a.instance);
    mig_contract_digest(c, a.contract);
    a.issued_at = at;
    a.expires_at = at + MIG_AGREEMENT_LIFE_S;
    check_done("alpha", mig_agreement_seal(&a, alpha, &one, &err), &err);
    check_done("beta", mig_seal_add(beta, one.items, one.len, &both, &err), &err);
    return both;
}

CHECK_TEST(an_agreement_is_on_one_guest_and_two_hosts)
{
    struct world *w = world_new();
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes sealed = seal(w, "alpha", MIG_PAYLOAD_CONTRACT, contract_payload(STRONG, 60));
    MIG_AUTO(mig_bytes_clear)
    struct mig_bytes other = seal(w, "alpha", MIG_PAYLOAD_CONTRACT, contract_payload(WEAK, 60));
    MIG_AUTO(mig_bytes_clear) struct mig_bytes both = agree(w, &sealed, mig_now_unix());
    MIG_AUTO(mig_bytes_clear) struct mig_bytes old = agree(w, &sealed, mig_now_unix() - 400);
    struct libmig_agreement *a = NULL;
    struct libmig_contract *c = NULL, *changed = NULL;
    struct libmig_error err;

    check_number("contract", LIBMIG_OK,
                 (uint64_t)libmig_contract_open(w->trust, sealed.items, sealed.len, &c, &err));
    check_number("another", LIBMIG_OK,
                 (uint64_t)libmig_contract_open(w->trust, other.items, other.len, &changed, &err));
    check_number("old", LIBMIG_ERROR_STALE,
                 (uint64_t)libmig_agreement_open(w->trust, old.items, old.len, &a, &err));
    check_contains("old", "has expired", err.text);
    check_number("contract as agreement", LIBMIG_ERROR_TRUST,
                 (uint64_t)libmig_agreement_open(w->trust, sealed.items, sealed.len, &a, &err));
    check_number("agreement", LIBMIG_OK,
                 (uint64_t)libmig_agreement_open(w->trust, both.items, both.len, &a, &err));
    check_text("vm", "web3", libmig_agreement_vm(a));
    check_text("instance", libmig_contract_instance(c), libmig_agreement_instance(a));
    check_text("source", "alpha", libmig_agreement_source(a));
    check_text("destination", "beta", libmig_agreement_destination(a));
    check_text("data path", "tunnel", libmig_agreement_data_path(a));
    check_number("id", 64, strlen(libmig_agreement_id(a)));
    check_true("expires", libmig_agreement_expires_at(a) > mig_now_unix());
    check_number("fits", LIBMIG_OK, (uint64_t)libmig_agreement_expect(a, c, "alpha", "beta", &err));
    check_number("any host", LIBMIG_OK, (uint64_t)libmig_agreement_expect(a, c, NULL, NULL, &err));
    check_number("another host", LIBMIG_ERROR_TRUST,
                 (uint64_t)libmig_agreement_expect(a, c, NULL, "gamma", &err));
    check_contains("another host", "from 'alpha' to 'beta', not from 'alpha' to 'gamma'", err.text);
    check_number("another contract", LIBMIG_ERROR_GUEST,
                 (uint64_t)libmig_agreement_expect(a, changed, NULL, NULL, &err));
    libmig_agreement_free(a);
    libmig_contract_free(c);
    libmig_contract_free(changed);
    world_free(w);
}

CHECK_MAIN(X86_TESTS cmocka_unit_test(versions_agree),
           cmocka_unit_test(an_agreement_is_on_one_guest_and_two_hosts),
           cmocka_unit_test(trust_comes_from_files), cmocka_unit_test(a_sealed_contract_opens),
           cmocka_unit_test(a_contract_is_of_one_instance),
           cmocka_unit_test(what_is_no_sealed_contract_is_refused),
           cmocka_unit_test(unsigned_doors_are_strict_too),
           cmocka_unit_test(only_a_whole_contract_has_a_payload),
           cmocka_unit_test(hosts_are_live_for_their_request_only),
           cmocka_unit_test(a_verdict_is_no_better_than_its_evidence),
           cmocka_unit_test(the_source_is_the_host_that_has_the_guest),
           cmocka_unit_test(unsigned_input_carries_no_verdict),
           cmocka_unit_test(a_cpu_is_what_its_origin_says),
           cmocka_unit_test(a_profile_becomes_a_cpu))
