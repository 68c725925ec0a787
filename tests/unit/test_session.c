/* SPDX-License-Identifier: Apache-2.0 */
#include "session/session.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/text.h"
#include "seal/key.h"
#include "seal/pem.h"
#include "seal/seal.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/letter.h"

#define NOW INT64_C(1790000000)
#define DAY 86400
#define START_MS 1000
#define TIMEOUT_MS 5000

static struct fleet *fleet;
static struct mig_trust *trust;
static const unsigned char our_nonce[MIG_NONCE_BYTES] = {7, 7, 7};
static const unsigned char old_nonce[MIG_NONCE_BYTES] = {6, 6, 6};

/* One session and all that it borrows. */
struct scene {
    struct mig_session session;
    struct mig_target target, beyond;
    struct mig_evidence slot, beyond_slot;
};

static void begin(struct scene *sc, const char *word, const char *beyond)
{
    struct mig_error err;

    *sc = (struct scene){0};
    check_done(word, mig_target_parse(word, NULL, NULL, &sc->target, &err), &err);
    if (beyond != NULL) {
        check_done(beyond, mig_target_parse(beyond, NULL, NULL, &sc->beyond, &err), &err);
    }
    sc->session = (struct mig_session){
        .trust = trust,
        .nonce = our_nonce,
        .target = &sc->target,
        .beyond = beyond != NULL ? &sc->beyond : NULL,
        .slot = &sc->slot,
        .beyond_slot = beyond != NULL ? &sc->beyond_slot : NULL,
        .timeout_ms = TIMEOUT_MS,
    };
}

static void finish(struct scene *sc)
{
    mig_session_clear(&sc->session);
    mig_evidence_clear(&sc->slot);
    mig_evidence_clear(&sc->beyond_slot);
}

static enum mig_session_action step(struct scene *sc, enum mig_session_event event,
                                    const struct mig_message *m)
{
    const struct mig_session_input in = {
        .event = event, .now_ms = START_MS, .now_unix = NOW, .message = m};

    return mig_session_step(&sc->session, &in);
}

static bool admit(struct scene *sc, const char *name, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *path = fleet_cert(fleet, name);
    MIG_AUTO(mig_certificates_free) STACK_OF(X509) *certs = NULL;

    check_done(name, mig_pem_certificates(path, 1, &certs, err), err);
    return mig_session_admit(&sc->session, sk_X509_value(certs, 0), err);
}

static struct mig_bytes sealed_by(const char *name, const unsigned char *nonce)
{
    return letter_from(fleet, name, nonce, NOW);
}

/* Up to WAIT_ANSWER with the peer that shows @name's certificate. */
static void connect_as(struct scene *sc, const char *name)
{
    struct mig_error err;

    check_number("start", MIG_SESSION_DO_CONNECT, step(sc, MIG_SESSION_START, NULL));
    check_done("admit", admit(sc, name, &err), &err);
    check_number("ready", MIG_SESSION_DO_SEND, step(sc, MIG_SESSION_READY, NULL));
}

CHECK_TEST(a_capture_is_asked_with_our_nonce_and_believed_when_it_comes_back)
{
    MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sealed_by("alpha", our_nonce);
    struct mig_message answer = {.kind = MIG_MESSAGE_CAPTURED, .id = 1, .sealed = sealed};
    struct scene sc;

    begin(&sc, "127.0.0.1:7443", NULL);
    connect_as(&sc, "alpha");
    check_number("kind", MIG_MESSAGE_CAPTURE, sc.session.ask.kind);
    assert_memory_equal(our_nonce, sc.session.ask.nonce.items, MIG_NONCE_BYTES);
    check_number("deadline", START_MS + TIMEOUT_MS, mig_session_deadline(&sc.session));
    check_number("answer", MIG_SESSION_FINISH, step(&sc, MIG_SESSION_MESSAGE, &answer));
    check_number("state", MIG_SESSION_DONE, sc.session.state);
    check_text("name", "alpha", sc.slot.name);
    check_true("snapshot", sc.slot.snapshot != NULL);
    check_number("late news", MIG_SESSION_WAIT, step(&sc, MIG_SESSION_ENDED, NULL));
    finish(&sc);
}

CHECK_TEST(only_the_pinned_agent_is_admitted)
{
    static const struct {
        const char *label, *word, *shows, *says; /* NULL = admitted */
    } cases[] = {
        {"any agent when no name is pinned", "127.0.0.1:7443",       "alpha", NULL                                       },
        {"the pinned one",                   "alpha@127.0.0.1:7443", "alpha", NULL                                       },
        {"another one",                      "alpha@127.0.0.1:7443", "beta",  "is for agent 'beta', expected 'alpha'"    },
        {"unix socket, another one",         "alpha@unix:/run/x",    "beta",  "expected 'alpha'"                         },
        {"no agent",                         "127.0.0.1:7443",       "oscar", "is for operator 'oscar', not for an agent"},
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};
        struct scene sc;

        begin(&sc, c->word, NULL);
        check_number(c->label, c->says == NULL, admit(&sc, c->shows, &err));
        if (c->says != NULL) {
            check_contains(c->label, c->says, err.msg);
            check_number(c->label, MIG_TRUST, err.code);
        }
        finish(&sc);
    }
}

CHECK_TEST(an_answer_that_is_not_the_peers_own_and_fresh_is_refused)
{
    static const struct {
        const char *label, *signer;
        const unsigned char *nonce;
        enum mig_message_kind kind;
        uint64_t id;
        enum mig_code code;
        const char *refusal, *says;
    } cases[] = {
        {"replayed",            "alpha", old_nonce, MIG_MESSAGE_CAPTURED,  1, MIG_STALE,  "trust/replayed",
         "alpha (127.0.0.1:7443): verify: answers another request (replayed)"                                                                                     },
        {"of another host",     "beta",  our_nonce, MIG_MESSAGE_CAPTURED,  1, MIG_TRUST,
         "trust/wrong-host",                                                                                 "is a snapshot of host 'beta', expected host 'alpha'"},
        {"to another question", "alpha", our_nonce, MIG_MESSAGE_CAPTURED,  2, MIG_FORMAT,
         "trust/malformed",                                                                                  "another kind"                                       },
        {"of another kind",     "alpha", our_nonce, MIG_MESSAGE_EXCHANGED, 1, MIG_FORMAT,
         "trust/malformed",                                                                                  "another kind"                                       },
        {"a question",          "alpha", our_nonce, MIG_MESSAGE_CAPTURE,   1, MIG_FORMAT, "trust/malformed",
         "another kind"                                                                                                                                           },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes sealed = sealed_by(c->signer, c->nonce);
        struct mig_message answer = {.kind = c->kind, .id = c->id, .sealed = sealed};
        struct scene sc;

        begin(&sc, "127.0.0.1:7443", NULL);
        connect_as(&sc, "alpha");
        check_number(c->label, MIG_SESSION_FINISH, step(&sc, MIG_SESSION_MESSAGE, &answer));
        check_number(c->label, MIG_SESSION_FAILED, sc.session.state);
        check_contains(c->label, c->says, sc.slot.error.msg);
        check_number(c->label, c->code, sc.slot.error.code);
        check_text(c->label, c->refusal, sc.slot.refusal);
        finish(&sc);
    }
}

CHECK_TEST(a_lying_source_gains_nothing)
{
    static const struct {
        const char *label, *beyond;
        const char *first, *second; /* who signed what the source hands over */
        const unsigned char *second_nonce;
        enum mig_code code; /* of the destination's slot */
        const char *says;
    } cases[] = {
        {"honest",                          "10.0.0.2:7443",      "alpha", "beta",  our_nonce, MIG_OK,    ""        },
        {"honest, pinned",                  "beta@10.0.0.2:7443", "alpha", "beta",  our_nonce, MIG_OK,    ""        },
        {"itself twice",                    "10.0.0.2:7443",      "alpha", "alpha", our_nonce, MIG_TRUST,
         "10.0.0.2:7443: verify: source 'alpha' answered for the destination"                                       },
        {"itself, pinned",                  "beta@10.0.0.2:7443", "alpha", "alpha", our_nonce, MIG_TRUST,
         "beta (10.0.0.2:7443): verify: is a snapshot of host 'alpha', expected host 'beta'"                        },
        {"a third host",                    "beta@10.0.0.2:7443", "alpha", "gamma", our_nonce, MIG_TRUST,
         "expected host 'beta'"                                                                                     },
        {"an old answer of the right host", "beta@10.0.0.2:7443", "alpha", "beta",  old_nonce,
         MIG_STALE,                                                                                       "replayed"},
        {"signed by no agent",              "10.0.0.2:7443",      "alpha", "oscar", our_nonce, MIG_TRUST, "operator"},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_bytes_clear) struct mig_bytes first = sealed_by(c->first, our_nonce);
        MIG_AUTO(mig_bytes_clear) struct mig_bytes second = sealed_by(c->second, c->second_nonce);
        struct mig_message answer = {
            .kind = MIG_MESSAGE_EXCHANGED, .id = 1, .sealed = first, .sealed_peer = second};
        struct scene sc;

        begin(&sc, "127.0.0.1:7443", c->beyond);
        connect_as(&sc, "alpha");
        check_number(c->label, MIG_MESSAGE_EXCHANGE, sc.session.ask.kind);
        check_text(c->label, "10.0.0.2:7443", sc.session.ask.address);
        check_true(c->label, sc.session.ask.timeout_ms < TIMEOUT_MS);
        check_number(c->label, MIG_SESSION_FINISH, step(&sc, MIG_SESSION_MESSAGE, &answer));
        check_number(c->label, MIG_OK, sc.slot.error.code);
        check_number(c->label, c->code, sc.beyond_slot.error.code);
        check_contains(c->label, c->says, sc.beyond_slot.error.msg);
        check_true(c->label, (sc.beyond_slot.snapshot != NULL) == (c->code == MIG_OK));
        check_text(c->label, "alpha", sc.slot.name);
        finish(&sc);
    }
}

CHECK_TEST(a_failure_names_peer_and_phase)
{
    static const struct {
        const char *label, *word, *msg, *phase, *says;
    } cases[] = {
        {"with its address already", "beta@127.0.0.1:7444",
         "127.0.0.1:7444: connect: Connection refused",                                                      "connect",
         "beta (127.0.0.1:7444): connect: Connection refused"},
        {"no name known",            "127.0.0.1:7444",      "127.0.0.1:7444: TLS: no answer within 5000 ms", "TLS",
         "127.0.0.1:7444: TLS: no answer within 5000 ms"     },
        {"no phase in the text",     "127.0.0.1:7444",      "certificate has expired",                       "verify",
         "127.0.0.1:7444: verify: certificate has expired"   },
    };

    CHECK_EACH (c, cases) {
        struct mig_error broke;
        struct scene sc;
        struct mig_session_input in = {.event = MIG_SESSION_BROKEN,
                                       .now_ms = START_MS,
                                       .now_unix = NOW,
                                       .error = &broke,
                                       .phase = c->phase};

        (void)mig_fail(&broke, MIG_UNREACHABLE, "%s", c->msg);
        begin(&sc, c->word, NULL);
        check_number(c->label, MIG_SESSION_DO_CONNECT, step(&sc, MIG_SESSION_START, NULL));
        check_number(c->label, MIG_SESSION_FINISH, mig_session_step(&sc.session, &in));
        check_text(c->label, c->says, sc.slot.error.msg);
        check_number(c->label, MIG_UNREACHABLE, sc.slot.error.code);
        finish(&sc);
    }
}

CHECK_TEST(an_agents_own_words_are_passed_on_without_escapes)
{
    char phase[] = "capture", text[] = "/dev/kvm: \033[31mPermission denied";
    struct mig_message answer = {
        .kind = MIG_MESSAGE_ERROR, .id = 1, .code = MIG_IO, .phase = phase, .text = text};
    struct scene sc;

    begin(&sc, "127.0.0.1:7443", NULL);
    connect_as(&sc, "alpha");
    check_number("answer", MIG_SESSION_FINISH, step(&sc, MIG_SESSION_MESSAGE, &answer));
    check_text("text", "alpha (127.0.0.1:7443): capture: /dev/kvm: ?[31mPermission denied",
               sc.slot.error.msg);
    check_number("its disk is not our usage error", MIG_MISSING, sc.slot.error.code);
    finish(&sc);
}

CHECK_TEST(a_close_without_an_answer_is_unreachable)
{
    struct scene sc;

    begin(&sc, "127.0.0.1:7443", "beta@127.0.0.1:7444");
    connect_as(&sc, "alpha");
    check_number("end", MIG_SESSION_FINISH, step(&sc, MIG_SESSION_ENDED, NULL));
    check_contains("source", "capture: connection closed without an answer", sc.slot.error.msg);
    check_contains("destination", "beta (127.0.0.1:7444)", sc.beyond_slot.error.msg);
    check_number("both", MIG_UNREACHABLE, sc.beyond_slot.error.code);
    finish(&sc);
}

static int set_up(void **state __attribute__((unused)))
{
    fleet = fleet_new();
    fleet_issue(fleet, MIG_ROLE_AGENT, "alpha", NOW - DAY, NOW + DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "beta", NOW - DAY, NOW + DAY);
    fleet_issue(fleet, MIG_ROLE_AGENT, "gamma", NOW - DAY, NOW + DAY);
    fleet_issue(fleet, MIG_ROLE_OPERATOR, "oscar", NOW - DAY, NOW + DAY);
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
        cmocka_unit_test(a_capture_is_asked_with_our_nonce_and_believed_when_it_comes_back),
        cmocka_unit_test(only_the_pinned_agent_is_admitted),
        cmocka_unit_test(an_answer_that_is_not_the_peers_own_and_fresh_is_refused),
        cmocka_unit_test(a_lying_source_gains_nothing),
        cmocka_unit_test(a_failure_names_peer_and_phase),
        cmocka_unit_test(an_agents_own_words_are_passed_on_without_escapes),
        cmocka_unit_test(a_close_without_an_answer_is_unreachable),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
