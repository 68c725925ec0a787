/* SPDX-License-Identifier: Apache-2.0 */
#include "pact/profile_json.h"

#include <stdio.h>

#include "base/alloc.h"
#include "compat/negotiate.h"
#include "negotiator/cli/report_json.h"
#include "support/check.h"
#include "support/small_host.h"
#include "support/snapshots.h"

static const struct mig_choice plain;

static void baseline(const char *const *names, size_t len, struct mig_result *ret)
{
    struct mig_snapshot *hosts[4];
    struct mig_party parties[4];

    for (size_t i = 0; i < len; i++) {
        hosts[i] = snapshot_host(names[i]);
        parties[i] = (struct mig_party){names[i], hosts[i]};
    }
    mig_baseline(parties, len, &plain, ret);
    for (size_t i = 0; i < len; i++) {
        mig_snapshot_free(hosts[i]);
    }
    check_true(names[0], ret->profile != NULL);
}

static void check_same(const char *label, const struct mig_profile *a, const struct mig_profile *b)
{
    check_number(label, a->arch, b->arch);
    check_number(label, a->words_len, b->words_len);
    for (size_t i = 0; i < a->words_len; i++) {
        check_number(label, a->words[i].key, b->words[i].key);
        check_number(label, a->words[i].covered, b->words[i].covered);
        check_number(label, a->words[i].value, b->words[i].value);
    }
    check_number(label, (uint64_t)a->level, (uint64_t)b->level);
    check_number(label, a->maxphysaddr, b->maxphysaddr);
    check_number(label, a->sve_vqs, b->sve_vqs);
    check_number(label, a->tsc_khz, b->tsc_khz);
    check_number(label, a->features_len, b->features_len);
    for (size_t i = 0; i < a->features_len; i++) {
        check_text(label, a->features[i], b->features[i]);
    }
    assert_memory_equal(a->digest, b->digest, sizeof a->digest);
}

CHECK_TEST(what_is_printed_reads_back_the_same)
{
    static const struct {
        const char *names[4];
        size_t len;
    } cases[] = {
        {{"intel-sapphire-rapids-6.1"},                           1},
        {{"intel-cascadelake-5.10", "intel-icelake-6.1"},         2},
        {{"amd-milan-6.1", "amd-genoa-6.1"},                      2},
        {{"emulated-epyc-milan-6.12", "emulated-epyc-rome-6.12"}, 2},
        {{"nested-pvm"},                                          1},
        {{"arm-neoverse-n1-6.1"},                                 1},
        {{"emulated-arm-a64fx-6.12"},                             1},
        {{"emulated-arm-max-nosve-6.12"},                         1},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_profile_free) struct mig_profile *back = NULL;
        MIG_AUTO(mig_free) char *text = NULL;
        struct mig_result r;
        struct mig_error err;
        json_t *json;

        baseline(c->names, c->len, &r);
        json = report_json_profile(r.profile);
        text = json_dumps(json, 0);
        check_done(c->names[0], mig_profile_from_json(text, strlen(text), &back, &err), &err);
        check_same(c->names[0], r.profile, back);
        json_decref(json);
        mig_result_clear(&r);
    }
}

/* A whole answer around the profile of a small host. */
static json_t *answer(const char *kind, const char *verdict)
{
    MIG_AUTO(mig_snapshot_free)
    struct mig_snapshot *host = small_host(LEVEL_3 " phys_addr_bits=46");
    const struct mig_party party = {"alpha", host};
    json_t *object = report_json_head(kind);
    struct mig_result r;

    mig_baseline(&party, 1, &plain, &r);
    assert_non_null(r.profile);
    (void)json_object_set_new(object, "verdict", json_string(verdict));
    (void)json_object_set_new(object, "profile", report_json_profile(r.profile));
    mig_result_clear(&r);
    return object;
}

CHECK_TEST(an_answer_lends_its_profile_unless_it_says_no)
{
    static const struct {
        const char *label, *kind, *verdict, *error;
    } cases[] = {
        {"baseline",           "Baseline",      "compatible-on-profile", NULL                       },
        {"negotiation",        "Negotiation",   "compatible",            NULL                       },
        {"contract",           "ContractCheck", "needs-power-cycle",     NULL                       },
        {"incompatible",       "Baseline",      "incompatible",          "verdict is 'incompatible'"},
        {"unknown",            "Negotiation",   "unknown",               "verdict is 'unknown'"     },
        {"no verdict of ours", "Negotiation",   "splendid",              "verdict is 'splendid'"    },
        {"something else",     "Drift",         "compatible",            "found a Drift"            },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_profile_free) struct mig_profile *p = NULL;
        MIG_AUTO(mig_free) char *text = NULL;
        struct mig_error err = {0};
        json_t *json = answer(c->kind, c->verdict);
        bool done;

        text = json_dumps(json, 0);
        done = mig_profile_from_json(text, strlen(text), &p, &err);
        check_number(c->label, c->error == NULL, done);
        if (c->error != NULL) {
            check_contains(c->label, c->error, err.msg);
        }
        json_decref(json);
    }
}

CHECK_TEST(what_does_not_agree_is_named)
{
    static const struct {
        const char *label, *at, *key, *value; /* JSON; NULL removes */
        const char *error;
    } cases[] = {
        {"register",       "registers", "x86/cpuid/7.0/ebx",      "\"0x0\"",         "digest"                                },
        {"register gone",  "registers", "x86/cpuid/7.0/ebx",      NULL,              "digest"                                },
        {"register added", "registers", "x86/cpuid/77.0/ebx",     "\"0x1\"",         "digest"                                },
        {"known no more",  "registers", "x86/cpuid/7.0/ebx",      "null",            "digest"                                },
        {"a number",       "registers", "x86/cpuid/7.0/ebx",      "7",
         "registers.x86/cpuid/7.0/ebx: expected text"                                                                        },
        {"too wide",       "registers", "x86/cpuid/7.0/ebx",      "\"0x100000000\"", "0xffffffff"                            },
        {"no register",    "registers", "x86/cupid/7.0/ebx",      "\"0x0\"",         "registers: "                           },
        {"of a host",      "registers", "kvm/cap/NESTED_STATE",   "\"0x1\"",         "no guest of x86-64 reads"              },
        {"of arm64",       "registers", "arm64/ID_AA64ISAR0_EL1", "\"0x1\"",         "no guest of x86-64 reads"              },
        {"twice",          "registers", "x86/cpuid/07.0/ebx",     "\"0x0\"",         "registers: "                           },
        {"digest",         NULL,        "digest",                 "\"00\"",          "digest: the registers are not the ones"},
        {"digest gone",    NULL,        "digest",                 NULL,              "key 'digest' is missing"               },
        {"arm64",          NULL,        "architecture",           "\"arm64\"",       "no guest of arm64 reads it"            },
        {"no machine",     NULL,        "architecture",           "\"unknown\"",     "'unknown' is not known"                },
        {"level",          NULL,        "level",                  "\"x86-64-v9\"",   "level 'x86-64-v9'"                     },
        {"level of arm64", NULL,        "level",                  "\"Armv8.2\"",     "level 'Armv8.2' is none of x86-64"     },
        {"a feature more", NULL,        "features",               "[\"avx512f\"]",   "features[0]: 'avx512f'"                },
        {"no feature",     NULL,        "features",               "[]",              "is missing"                            },
        {"unknown key",    NULL,        "extra",                  "1",               "unknown key 'extra'"                   },
        {"no registers",   NULL,        "registers",              "{}",              "expected 1 to"                         },
        {"lengths on x86", "limits",    "sve-vl",                 "[128]",           "only arm64"                            },
        {"odd length",     "limits",    "sve-vl",                 "[100]",           "limits.sve-vl[0]: expected multiples"  },
        {"address bits",   "limits",    "maxphysaddr",            "65",              "limits.maxphysaddr: 65"                },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_profile_free) struct mig_profile *p = NULL;
        MIG_AUTO(mig_free) char *text = NULL;
        struct mig_error err = {0};
        json_t *json = answer("Baseline", "compatible");
        json_t *profile = json_object_get(json, "profile");
        json_t *place = c->at == NULL ? profile : json_object_get(profile, c->at);

        if (c->value == NULL) {
            (void)json_object_del(place, c->key);
        } else {
            (void)json_object_set_new(place, c->key, json_loads(c->value, JSON_DECODE_ANY, NULL));
        }
        text = json_dumps(profile, 0);
        check_true(c->label, !mig_profile_from_json(text, strlen(text), &p, &err));
        check_contains(c->label, c->error, err.msg);
        json_decref(json);
    }
}

CHECK_TEST(no_prefix_of_a_profile_is_one)
{
    MIG_AUTO(mig_free) char *text = NULL;
    json_t *json = answer("Baseline", "compatible");

    text = json_dumps(json, 0);
    for (size_t len = 0; len < strlen(text); len += 7) {
        struct mig_profile *p = NULL;
        struct mig_error err;

        check_true("prefix", !mig_profile_from_json(text, len, &p, &err));
    }
    json_decref(json);
}

CHECK_MAIN(cmocka_unit_test(what_is_printed_reads_back_the_same),
           cmocka_unit_test(an_answer_lends_its_profile_unless_it_says_no),
           cmocka_unit_test(what_does_not_agree_is_named),
           cmocka_unit_test(no_prefix_of_a_profile_is_one))
