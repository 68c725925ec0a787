/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Laws of one conversation: whatever a peer sends and in whatever order, the
 * session ends in a final state at the latest when its connection does, and
 * only an answer of the admitted agent to this run's nonce becomes evidence.
 */
#include "session/session.h"

#include "base/alloc.h"
#include "seal/key.h"
#include "seal/pem.h"
#include "support/check.h"
#include "support/fleet.h"
#include "support/letter.h"
#include "support/prop.h"

#define NOW INT64_C(1790000000)
#define STEPS 12

static const unsigned char our_nonce[MIG_NONCE_BYTES] = {7, 7, 7};
static const unsigned char old_nonce[MIG_NONCE_BYTES] = {6, 6, 6};

/* What a peer may put into an answer. */
enum letter { GOOD, REPLAYED, STRANGER, NOISE, LETTERS };

struct world {
    struct fleet *fleet;
    struct mig_trust *trust;
    STACK_OF(X509) * alpha;
    struct mig_bytes letters[LETTERS];
};

static struct world *world_new(void)
{
    struct world *w = MIG_NEW(struct world);
    MIG_AUTO(mig_free) char *path = NULL;
    struct mig_error err;

    w->fleet = fleet_new();
    fleet_issue(w->fleet, MIG_ROLE_AGENT, "alpha", FLEET_FROM, FLEET_TO);
    fleet_issue(w->fleet, MIG_ROLE_AGENT, "mallory", FLEET_FROM, FLEET_TO);
    w->trust = fleet_trust(w->fleet, false);
    path = fleet_cert(w->fleet, "alpha");
    check_done("alpha", mig_pem_certificates(path, 1, &w->alpha, &err), &err);
    w->letters[GOOD] = letter_from(w->fleet, "alpha", our_nonce, NOW);
    w->letters[REPLAYED] = letter_from(w->fleet, "alpha", old_nonce, NOW);
    w->letters[STRANGER] = letter_from(w->fleet, "mallory", our_nonce, NOW);
    w->letters[NOISE] = (struct mig_bytes){mig_memdup("noise", 6), 5};
    return w;
}

static void world_free(struct world *w)
{
    for (size_t i = 0; i < LETTERS; i++) {
        mig_bytes_clear(&w->letters[i]);
    }
    mig_certificates_free(w->alpha);
    mig_trust_free(w->trust);
    fleet_free(w->fleet);
    mig_free(w);
}

/* One run of random events; says whether the good letter was delivered as the
 * first answer to the question. */
struct run {
    struct mig_session session;
    const struct world *world;
    bool asked, deserved;
};

static void send_letter(struct run *r, struct prop *p, struct mig_session_input *in)
{
    enum letter letter = (enum letter)prop_below(p, LETTERS);
    struct mig_message m = {
        .kind = (enum mig_message_kind)prop_below(p, MIG_MESSAGE_KIND_COUNT),
        .id = prop_below(p, 3),
        .sealed = r->world->letters[letter],
        .code = MIG_REFUSED,
    };

    if (prop_once_in(p, 3)) {
        m.kind = MIG_MESSAGE_CAPTURED;
        m.id = r->session.ask.id;
    }
    r->deserved = r->deserved || (r->session.state == MIG_SESSION_WAIT_ANSWER && letter == GOOD &&
                                  m.kind == MIG_MESSAGE_CAPTURED && m.id == r->session.ask.id);
    in->event = MIG_SESSION_MESSAGE;
    in->message = &m;
    (void)mig_session_step(&r->session, in);
}

static void random_event(struct run *r, struct prop *p)
{
    static const struct mig_error broken = {MIG_UNREACHABLE, "connection reset"};
    struct mig_session_input in = {.now_ms = 1000, .now_unix = NOW};
    struct mig_error err;

    switch (prop_below(p, 8)) {
    case 0:
        in.event = MIG_SESSION_BROKEN;
        in.error = &broken;
        in.phase = "capture";
        (void)mig_session_step(&r->session, &in);
        break;
    case 1:
        in.event = MIG_SESSION_ENDED;
        (void)mig_session_step(&r->session, &in);
        break;
    case 2:
    case 3:
    case 4:
        if (r->session.state == MIG_SESSION_CONNECT) {
            X509 *leaf = sk_X509_value(r->world->alpha, 0);

            check_done("admit", mig_session_admit(&r->session, leaf, &err), &err);
            in.event = MIG_SESSION_READY;
            check_number("ready", MIG_SESSION_DO_SEND, mig_session_step(&r->session, &in));
        }
        break;
    default:
        send_letter(r, p, &in);
        break;
    }
}

static void check_run(const struct world *w, struct prop *p)
{
    struct mig_session_input in = {.event = MIG_SESSION_START, .now_ms = 1000, .now_unix = NOW};
    struct mig_evidence slot = {0};
    struct mig_target target;
    struct mig_error err;
    struct run r = {.world = w};

    check_done("target", mig_target_parse("127.0.0.1:7443", NULL, NULL, &target, &err), &err);
    r.session = (struct mig_session){.trust = w->trust,
                                     .nonce = our_nonce,
                                     .target = &target,
                                     .slot = &slot,
                                     .timeout_ms = 5000};
    check_number("start", MIG_SESSION_DO_CONNECT, mig_session_step(&r.session, &in));
    for (int i = 0; i < STEPS; i++) {
        random_event(&r, p);
    }
    in.event = MIG_SESSION_ENDED;
    (void)mig_session_step(&r.session, &in);
    check_true("a final state",
               r.session.state == MIG_SESSION_DONE || r.session.state == MIG_SESSION_FAILED);
    check_number("evidence if and only if it is done", r.session.state == MIG_SESSION_DONE,
                 slot.snapshot != NULL);
    check_number("trouble is told otherwise", r.session.state == MIG_SESSION_FAILED,
                 slot.error.code != MIG_OK);
    check_number("only what was asked for is believed", r.deserved, slot.snapshot != NULL);
    mig_session_clear(&r.session);
    mig_evidence_clear(&slot);
}

CHECK_TEST(every_conversation_ends_and_only_fresh_answers_count)
{
    struct world *w = world_new();
    unsigned runs = prop_runs(1000);
    struct prop p;

    prop_init(&p, "session");
    for (unsigned i = 0; i < runs; i++) {
        check_run(w, &p);
    }
    world_free(w);
}

CHECK_MAIN(cmocka_unit_test(every_conversation_ends_and_only_fresh_answers_count))
