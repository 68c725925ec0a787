/* SPDX-License-Identifier: Apache-2.0 */
#include "support/check.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent/capturer.h"
#include "agent/credentials.h"
#include "agent/options.h"
#include "agent/service.h"
#include "base/alloc.h"
#include "base/now.h"
#include "seal/key.h"
#include "seal/seal.h"
#include "session/evidence.h"
#include "snapshot/builder.h"
#include "snapshot/json.h"
#include "support/fleet.h"
#include "support/guest.h"
#include "wire/listener.h"
#include "wire/message.h"
#include "wire/peer.h"
#include "wire/tls.h"

#define SOON_MS 300
#define LATE_MS 10000

/* An agent of the fleet in this process. */
struct agent {
    struct mig_agent_options options;
    struct mig_capturer *capturer;
    struct mig_credentials *creds;
    struct mig_service *service;
    char *tcp, *unix_path; /* "alpha@127.0.0.1:40123" */
};

struct site {
    struct fleet *fleet;
    struct mig_loop *loop;
    struct mig_trust *trust;
    char *file; /* a snapshot to replay */
};

static struct site site_new(void)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_free) char *json = NULL;
    struct site site = {.fleet = fleet_new(), .loop = mig_loop_new()};
    struct mig_error err;

    fleet_issue(site.fleet, MIG_ROLE_AGENT, "alpha", 0, 0);
    fleet_issue(site.fleet, MIG_ROLE_AGENT, "beta", 0, 0);
    fleet_issue(site.fleet, MIG_ROLE_OPERATOR, "olga", 0, 0);
    fleet_issue(site.fleet, MIG_ROLE_NEGOTIATOR, "nick", 0, 0);
    fleet_issue(site.fleet, MIG_ROLE_HOOK, "hugo", 0, 0);
    site.trust = fleet_trust(site.fleet, true);
    site.file = fleet_path(site.fleet, "snapshot.json");
    mig_builder_set(b, mig_reg_cpuid(0, 0, MIG_EBX), 0x756e6547);
    mig_builder_cover(b, MIG_GROUP_CPUID, MIG_COVER_FULL, 0, "test");
    check_done("freeze", mig_builder_freeze(b, &s, &err), &err);
    json = mig_snapshot_to_json(s);
    check_done("file", mig_file_write(site.file, json, strlen(json), 0644, &err), &err);
    return site;
}

static void site_free(struct site *site)
{
    mig_trust_free(site->trust);
    mig_loop_free(site->loop);
    fleet_free(site->fleet);
    mig_free(site->file);
}

static void ignore_peer(int fd, void *data __attribute__((unused)))
{
    (void)close(fd);
}

/* A port that was free a moment ago. */
static unsigned free_port(struct mig_loop *loop)
{
    struct mig_listener *listener = NULL;
    struct mig_address at;
    struct mig_error err;
    unsigned port = 0;

    check_done("address", mig_address_parse("127.0.0.1:0", &at, &err), &err);
    check_done("listen", mig_listener_new(loop, &at, ignore_peer, NULL, &listener, &err), &err);
    check_true("port", sscanf(mig_listener_where(listener), "127.0.0.1:%u", &port) == 1);
    mig_listener_free(listener);
    return port;
}

/* Without @file it captures: from a device that is not there, on any machine. */
static struct agent *agent_new(struct site *site, const char *name, const char *file,
                               uint64_t max_peers)
{
    struct agent *a = MIG_NEW(struct agent);
    unsigned port = free_port(site->loop);
    struct mig_error err;

    a->options = (struct mig_agent_options){
        .listen = mig_strf("127.0.0.1:%u,unix:%s/%s.sock", port, site->fleet->dir, name),
        .ca = mig_strdup(site->fleet->ca),
        .crl = mig_strdup(site->fleet->crl),
        .cert = fleet_cert(site->fleet, name),
        .key = fleet_key_file(site->fleet, name),
        .kvm = mig_strdup("/nonexistent/kvm"),
        .contracts = mig_strf("%s/%s.contracts", site->fleet->dir, name),
        .replay = mig_strdup(file),
        .capture_timeout_ms = LATE_MS,
        .max_peers = max_peers,
    };
    a->tcp = mig_strf("%s@127.0.0.1:%u", name, port);
    a->unix_path = mig_strf("%s@unix:%s/%s.sock", name, site->fleet->dir, name);
    a->capturer = mig_capturer_new(site->loop, &a->options);
    check_done(name, mig_credentials_load(&a->options, mig_now_unix(), &a->creds, &err), &err);
    check_done(name, mig_capturer_prepare(a->capturer, a->creds, &err), &err);
    check_done(name,
               mig_service_new(site->loop, &a->options, a->capturer, a->creds, &a->service, &err),
               &err);
    check_done(name, mig_service_listen(a->service, &err), &err);
    return a;
}

static void agent_free(struct agent *a)
{
    mig_service_free(a->service);
    mig_capturer_free(a->capturer);
    mig_credentials_free(a->creds);
    mig_agent_options_clear(&a->options);
    mig_free(a->tcp);
    mig_free(a->unix_path);
    mig_free(a);
}

/* One who asks, up to two things at once. */
struct asker {
    struct mig_loop *loop;
    struct mig_tls *tls;
    struct mig_peer *peer;
    const struct mig_message *ask;
    unsigned times;
    bool ready, over;
    unsigned answers;
    struct mig_message answer[2];
    struct mig_error err;
};

static bool admit_all(struct mig_peer *peer __attribute__((unused)),
                      struct x509_st *leaf __attribute__((unused)),
                      void *data __attribute__((unused)),
                      struct mig_error *err __attribute__((unused)))
{
    return true;
}

static struct mig_bytes copy(struct mig_bytes b)
{
    return b.len == 0 ? (struct mig_bytes){0}
                      : (struct mig_bytes){mig_memdup(b.items, b.len), b.len};
}

static void on_event(struct mig_peer *peer, enum mig_peer_event event, void *data)
{
    struct asker *a = data;

    switch (event) {
    case MIG_PEER_READY:
        a->ready = true;
        for (unsigned i = 0; i < a->times; i++) {
            mig_peer_send(peer, a->ask);
        }
        mig_peer_expect(peer, "answer", LATE_MS);
        if (a->times == 0) {
            mig_loop_stop(a->loop);
        }
        break;
    case MIG_PEER_MESSAGE: {
        const struct mig_message *m = mig_peer_message(peer);

        a->answer[a->answers++] = (struct mig_message){
            .kind = m->kind,
            .id = m->id,
            .code = m->code,
            .phase = mig_strdup(m->phase),
            .text = mig_strdup(m->text),
            .sealed = copy(m->sealed),
            .sealed_peer = copy(m->sealed_peer),
        };
        if (a->answers == a->times) {
            a->over = true;
            mig_loop_stop(a->loop);
        }
        break;
    }
    case MIG_PEER_TIMEOUT:
    case MIG_PEER_CLOSED:
    case MIG_PEER_FAILED:
        a->over = true;
        a->err = *mig_peer_error(peer);
        mig_loop_stop(a->loop);
        break;
    case MIG_PEER_DRAINED:
        break;
    }
}

static struct asker *asker_new(struct site *site, const char *who, const char *where,
                               const struct mig_message *ask, unsigned times)
{
    MIG_AUTO(mig_free) char *cert = fleet_cert(site->fleet, who);
    MIG_AUTO(mig_free) char *key = fleet_key_file(site->fleet, who);
    const struct mig_tls_files files = {.ca = site->fleet->ca, .cert = cert, .key = key};
    struct asker *a = MIG_NEW(struct asker);
    struct mig_address to;
    struct mig_error err;

    a->loop = site->loop;
    a->ask = ask;
    a->times = times;
    check_done(who, mig_tls_new(&files, &a->tls, &err), &err);
    check_done(where, mig_address_parse(where, &to, &err), &err);
    a->peer = mig_peer_connect(
        site->loop, &to,
        &(struct mig_peer_options){
            .tls = a->tls, .fn = on_event, .admit = admit_all, .data = a, .timeout_ms = LATE_MS});
    return a;
}

static void asker_free(struct asker *a)
{
    mig_peer_close(a->peer);
    mig_tls_free(a->tls);
    mig_message_clear(&a->answer[0]);
    mig_message_clear(&a->answer[1]);
    mig_free(a);
}

static struct asker *ask(struct site *site, const char *who, const char *where,
                         const struct mig_message *message, unsigned times)
{
    struct asker *a = asker_new(site, who, where, message, times);

    while (!a->over) {
        check_true("loop", mig_loop_run(site->loop));
    }
    return a;
}

static struct mig_message question(enum mig_message_kind kind)
{
    struct mig_message m = {.kind = kind, .id = 77};

    m.nonce = (struct mig_bytes){mig_alloc(MIG_NONCE_BYTES, 1), MIG_NONCE_BYTES};
    mig_random(m.nonce.items, m.nonce.len);
    if (kind == MIG_MESSAGE_PROVE) {
        m.shown = copy(m.nonce); /* no register set */
    }
    if (kind == MIG_MESSAGE_CAPTURED || kind == MIG_MESSAGE_EXCHANGED) {
        m.sealed = copy(m.nonce);
        m.sealed_peer = copy(m.nonce);
    }
    return m;
}

static void check_evidence(const char *label, const struct site *site, const struct mig_bytes *b,
                           const struct mig_message *asked, const char *name,
                           enum mig_evidence_kind kind)
{
    struct mig_evidence e = {0};
    struct mig_error err;

    check_done(label,
               mig_evidence_open(site->trust, b->items, b->len, asked->nonce.items, name,
                                 mig_now_unix(), &e, &err),
               &err);
    check_number(label, kind, e.kind);
    mig_evidence_clear(&e);
}

CHECK_TEST(askers_get_what_their_role_may_have)
{
    static const struct {
        const char *label, *who;
        bool local;
        enum mig_message_kind kind, answer;
        const char *refusal;
    } cases[] = {
        {"operator",              "olga", false, MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_CAPTURED, NULL},
        {"negotiator",            "nick", false, MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_CAPTURED, NULL},
        {"agent",                 "beta", false, MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_CAPTURED, NULL},
        {"operator, local",       "olga", true,  MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_CAPTURED, NULL},
        {"hook, local",           "hugo", true,  MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_CAPTURED, NULL},
        {"hook, remote",          "hugo", false, MIG_MESSAGE_CAPTURE,  MIG_MESSAGE_ERROR,
         "role 'hook' may ask for 'capture' over a unix socket only"                             },
        {"agent, exchange",       "beta", false, MIG_MESSAGE_EXCHANGE, MIG_MESSAGE_ERROR,
         "role 'agent' may not ask for 'exchange'"                                               },
        {"hook, remote exchange", "hugo", false, MIG_MESSAGE_EXCHANGE, MIG_MESSAGE_ERROR,
         "role 'hook' may ask for 'exchange' over a unix socket only"                            },
        {"agent, proof",          "beta", false, MIG_MESSAGE_PROVE,    MIG_MESSAGE_ERROR,
         "role 'agent' may not ask for 'prove'"                                                  },
        {"hook, local proof",     "hugo", true,  MIG_MESSAGE_PROVE,    MIG_MESSAGE_ERROR,
         "role 'hook' may not ask for 'prove'"                                                   },
        {"no request",            "olga", false, MIG_MESSAGE_CAPTURED, MIG_MESSAGE_ERROR,
         "role 'operator' may not ask for 'captured'"                                            },
    };
    static const bool replays[] = {true, false};
    struct site site = site_new();

    CHECK_EACH (replay, replays) {
        struct agent *agent = agent_new(&site, "alpha", *replay ? site.file : NULL, 8);

        CHECK_EACH (c, cases) {
            MIG_AUTO(mig_message_clear) struct mig_message m = question(c->kind);
            struct asker *a;

            if (c->kind == MIG_MESSAGE_EXCHANGE) {
                m.address = mig_strdup("127.0.0.1:1");
            }
            a = ask(&site, c->who, c->local ? agent->unix_path : agent->tcp, &m, 1);
            check_text(c->label, "", a->err.msg);
            check_number(c->label, 77, a->answer[0].id);
            check_number(c->label, c->answer, a->answer[0].kind);
            if (c->refusal != NULL) {
                check_number(c->label, MIG_REFUSED, a->answer[0].code);
                check_text(c->label, c->refusal, a->answer[0].text);
            } else {
                check_evidence(c->label, &site, &a->answer[0].sealed, &m, "alpha",
                               *replay ? MIG_EVIDENCE_REPLAYED : MIG_EVIDENCE_LIVE);
            }
            asker_free(a);
        }
        agent_free(agent);
    }
    site_free(&site);
}

/* Over real connections: who may, and that an answer needs no capture. */
CHECK_TEST(contracts_are_changed_from_here_and_read_from_afar)
{
    static const struct {
        const char *label, *who;
        bool local;
        enum mig_message_kind kind, answer;
        const char *says;
    } cases[] = {
        {"put from afar",           "olga", false, MIG_MESSAGE_CONTRACT_PUT,    MIG_MESSAGE_ERROR,
         "role 'operator' may ask for 'contract put' over a unix socket only"                                       },
        {"put by a negotiator",     "nick", true,  MIG_MESSAGE_CONTRACT_PUT,    MIG_MESSAGE_ERROR,
         "role 'negotiator' may not ask for 'contract put'"                                                         },
        {"put by an agent",         "beta", true,  MIG_MESSAGE_CONTRACT_PUT,    MIG_MESSAGE_ERROR,
         "role 'agent' may not ask for 'contract put'"                                                              },
        {"nothing there",           "nick", false, MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_ERROR,
         "no contract of 'web3' is stored"                                                                          },
        {"put",                     "hugo", true,  MIG_MESSAGE_CONTRACT_PUT,    MIG_MESSAGE_CONTRACT_HELD,      NULL},
        {"put again",               "olga", true,  MIG_MESSAGE_CONTRACT_PUT,    MIG_MESSAGE_CONTRACT_HELD,      NULL},
        {"get",                     "nick", false, MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_CONTRACT_HELD,      NULL},
        {"get by a hook",           "hugo", true,  MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_CONTRACT_HELD,      NULL},
        {"get by a hook from afar", "hugo", false, MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_ERROR,
         "over a unix socket only"                                                                                  },
        {"get by an agent",         "beta", false, MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_ERROR,
         "role 'agent' may not ask for 'contract get'"                                                              },
        {"list",                    "olga", false, MIG_MESSAGE_CONTRACT_LIST,   MIG_MESSAGE_CONTRACT_LISTED,    NULL},
        {"forget from afar",        "olga", false, MIG_MESSAGE_CONTRACT_FORGET, MIG_MESSAGE_ERROR,
         "over a unix socket only"                                                                                  },
        {"forget",                  "olga", true,  MIG_MESSAGE_CONTRACT_FORGET, MIG_MESSAGE_CONTRACT_FORGOTTEN, NULL},
        {"gone",                    "olga", true,  MIG_MESSAGE_CONTRACT_GET,    MIG_MESSAGE_ERROR,
         "no contract of 'web3' is stored"                                                                          },
    };
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", NULL, 8);
    MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_small("avx2");

    mig_contract_record(guest, "", 0);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = c->kind, .id = 77};
        struct asker *a;

        if (c->kind == MIG_MESSAGE_CONTRACT_PUT) {
            mig_contract_encode(guest, &m.contract);
        } else if (c->kind != MIG_MESSAGE_CONTRACT_LIST) {
            m.vm = mig_strdup("web3");
        }
        a = ask(&site, c->who, c->local ? agent->unix_path : agent->tcp, &m, 1);
        check_text(c->label, "", a->err.msg);
        check_number(c->label, 77, a->answer[0].id);
        check_number(c->label, c->answer, a->answer[0].kind);
        if (c->says != NULL) {
            check_contains(c->label, c->says, a->answer[0].text);
        }
        asker_free(a);
    }
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(a_proof_that_can_not_be_is_refused_before_anything_is_tried)
{
    static const struct {
        const char *label;
        bool replays;
        enum mig_code code;
        const char *says;
    } cases[] = {
        {"no KVM of that host", true,  MIG_MISSING, "this agent replays a stored snapshot"},
        {"no register set",     false, MIG_FORMAT,  "register set: "                      },
    };
    struct site site = site_new();

    CHECK_EACH (c, cases) {
        struct agent *agent = agent_new(&site, "alpha", c->replays ? site.file : NULL, 8);
        MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_PROVE);
        struct asker *a = ask(&site, "olga", agent->tcp, &m, 1);

        check_number(c->label, MIG_MESSAGE_ERROR, a->answer[0].kind);
        check_number(c->label, c->code, a->answer[0].code);
        check_text(c->label, "prove", a->answer[0].phase);
        check_contains(c->label, c->says, a->answer[0].text);
        asker_free(a);
        agent_free(agent);
    }
    site_free(&site);
}

CHECK_TEST(one_request_at_a_time_on_a_connection)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_CAPTURE);
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", NULL, 8);
    struct asker *a = ask(&site, "olga", agent->tcp, &m, 2);

    check_number("second", MIG_MESSAGE_ERROR, a->answer[0].kind);
    check_text("second", "a request is at work on this connection", a->answer[0].text);
    check_number("first", MIG_MESSAGE_CAPTURED, a->answer[1].kind);
    asker_free(a);
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(an_exchange_brings_both_snapshots_with_the_nonce_of_the_asker)
{
    static const char *const files[] = {"", NULL};
    struct site site = site_new();

    CHECK_EACH (file, files) {
        const char *replay = *file != NULL ? site.file : NULL;
        enum mig_evidence_kind kind = replay != NULL ? MIG_EVIDENCE_REPLAYED : MIG_EVIDENCE_LIVE;
        MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_EXCHANGE);
        struct agent *alpha = agent_new(&site, "alpha", replay, 8);
        struct agent *beta = agent_new(&site, "beta", replay, 8);
        struct asker *a;

        m.address = mig_strdup(beta->tcp);
        m.name = mig_strdup("beta");
        a = ask(&site, "olga", alpha->tcp, &m, 1);
        check_text("exchange", "", a->answer[0].text != NULL ? a->answer[0].text : "");
        check_number("exchange", MIG_MESSAGE_EXCHANGED, a->answer[0].kind);
        check_evidence("source", &site, &a->answer[0].sealed, &m, "alpha", kind);
        check_evidence("destination", &site, &a->answer[0].sealed_peer, &m, "beta", kind);
        asker_free(a);
        agent_free(alpha);
        agent_free(beta);
    }
    site_free(&site);
}

CHECK_TEST(an_exchange_that_fails_names_phase_and_destination)
{
    struct site site = site_new();
    struct agent *alpha = agent_new(&site, "alpha", site.file, 8);
    struct agent *beta = agent_new(&site, "beta", site.file, 8);
    const char *port = strrchr(beta->tcp, ':') + 1;
    MIG_AUTO(mig_free) char *bare = mig_strf("127.0.0.1:%s", port);
    const struct {
        const char *label, *address, *name, *phase, *text;
        enum mig_code code;
    } cases[] = {
        {"nobody there",   "127.0.0.1:1",            "beta",  "connect",
         "destination 127.0.0.1:1: connect: Connection refused",                                                 MIG_UNREACHABLE},
        {"no address",     "",                       "beta",  "resolve", "destination",                          MIG_USAGE      },
        {"another name",   bare,                     "gamma", "verify",  "beta",                                 MIG_TRUST      },
        {"two names",      beta->tcp,                "gamma", "resolve", "destination named 'beta' and 'gamma'",
         MIG_USAGE                                                                                                              },
        {"no such socket", "unix:/nonexistent/sock", "beta",  "connect",
         "unix:/nonexistent/sock: connect: No such file",                                                        MIG_UNREACHABLE},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_EXCHANGE);
        struct asker *a;

        m.address = mig_strdup(c->address);
        m.name = mig_strdup(c->name);
        m.timeout_ms = 5000;
        a = ask(&site, "olga", alpha->tcp, &m, 1);
        if (a->answers == 0) {
            /* the frame itself was refused */
            check_text(c->label, "", c->address);
        } else {
            check_number(c->label, MIG_MESSAGE_ERROR, a->answer[0].kind);
            check_contains(c->label, c->text, a->answer[0].text);
            check_text(c->label, c->phase, a->answer[0].phase);
            check_number(c->label, c->code, a->answer[0].code);
        }
        asker_free(a);
    }
    agent_free(alpha);
    agent_free(beta);
    site_free(&site);
}

/* Accepts and never says a word. */
static int silent[8];
static size_t silent_len;

static void keep_silent(int fd, void *data __attribute__((unused)))
{
    silent[silent_len++] = fd;
}

CHECK_TEST(a_destination_that_says_nothing_costs_the_asker_its_timeout_and_no_more)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_EXCHANGE);
    struct site site = site_new();
    struct agent *alpha = agent_new(&site, "alpha", NULL, 8);
    struct mig_listener *mute = NULL;
    uint64_t start = mig_now_ms();
    struct mig_address at;
    struct mig_error err;
    struct asker *a;

    check_done("address", mig_address_parse("127.0.0.1:0", &at, &err), &err);
    check_done("mute", mig_listener_new(site.loop, &at, keep_silent, NULL, &mute, &err), &err);
    m.address = mig_strdup(mig_listener_where(mute));
    m.timeout_ms = SOON_MS;
    a = ask(&site, "olga", alpha->tcp, &m, 1);
    check_number("answer", MIG_MESSAGE_ERROR, a->answer[0].kind);
    check_text("phase", "TLS", a->answer[0].phase);
    check_number("code", MIG_UNREACHABLE, a->answer[0].code);
    check_true("in time", mig_now_ms() - start < 20 * SOON_MS);
    asker_free(a);
    while (silent_len > 0) {
        (void)close(silent[--silent_len]);
    }
    mig_listener_free(mute);
    agent_free(alpha);
    site_free(&site);
}

static void on_stop(int fd __attribute__((unused)), void *data)
{
    mig_loop_stop(data);
}

/* Another program holds the lock of the store for a while. */
CHECK_TEST(a_contract_that_waits_for_another_writer_holds_up_nobody_else)
{
    MIG_AUTO(mig_message_clear) struct mig_message put = {.kind = MIG_MESSAGE_CONTRACT_PUT};
    MIG_AUTO(mig_message_clear) struct mig_message capture = question(MIG_MESSAGE_CAPTURE);
    MIG_AUTO(mig_contract_free) struct mig_contract *guest = guest_small("avx2");
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", site.file, 8);
    MIG_AUTO(mig_free) char *path = mig_strf("%s/lock", agent->options.contracts);
    struct asker *writer, *other;
    int lock;

    mig_contract_record(guest, "", 0);
    mig_contract_encode(guest, &put.contract);
    check_true("folder", mkdir(agent->options.contracts, 0700) == 0);
    lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check_true("lock", flock(lock, LOCK_EX | LOCK_NB) == 0);
    writer = asker_new(&site, "olga", agent->unix_path, &put, 1);
    while (!writer->ready) {
        struct mig_watch *timer = mig_loop_timer(site.loop, 1, on_stop, site.loop);

        check_true("loop", mig_loop_run(site.loop));
        mig_watch_free(timer);
    }
    other = ask(&site, "olga", agent->tcp, &capture, 1);
    check_number("captured", MIG_MESSAGE_CAPTURED, other->answer[0].kind);
    check_true("still waits", !writer->over);
    (void)close(lock);
    while (!writer->over) {
        check_true("loop", mig_loop_run(site.loop));
    }
    check_number("put", MIG_MESSAGE_CONTRACT_HELD, writer->answer[0].kind);
    asker_free(other);
    asker_free(writer);
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(a_peer_above_the_limit_waits_until_another_goes)
{
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", site.file, 2);
    struct asker *askers[3];
    struct mig_watch *timer;

    for (size_t i = 0; i < 3; i++) {
        askers[i] = asker_new(&site, "olga", agent->tcp, NULL, 0);
    }
    while (!askers[0]->ready || !askers[1]->ready) {
        check_true("loop", mig_loop_run(site.loop));
    }
    timer = mig_loop_timer(site.loop, SOON_MS, on_stop, site.loop);
    check_true("loop", mig_loop_run(site.loop));
    mig_watch_free(timer);
    check_true("third waits", !askers[2]->ready && !askers[2]->over);
    asker_free(askers[0]);
    while (!askers[2]->ready) {
        check_true("loop", mig_loop_run(site.loop));
    }
    asker_free(askers[1]);
    asker_free(askers[2]);
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(an_asker_that_goes_leaves_nothing_behind)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_CAPTURE);
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", NULL, 8);
    struct asker *a;

    for (int i = 0; i < 5; i++) {
        a = asker_new(&site, "olga", agent->tcp, &m, 1);
        while (!a->ready) {
            struct mig_watch *timer = mig_loop_timer(site.loop, 1, on_stop, site.loop);

            check_true("loop", mig_loop_run(site.loop));
            mig_watch_free(timer);
        }
        asker_free(a);
    }
    a = ask(&site, "olga", agent->tcp, &m, 1);
    check_number("still serves", MIG_MESSAGE_CAPTURED, a->answer[0].kind);
    asker_free(a);
    agent_free(agent); /* perhaps with captures at work */
    site_free(&site);
}

static void count_ending(const struct mig_snapshot *s, const struct mig_error *err, void *data)
{
    check_true("no snapshot", s == NULL);
    check_contains("reason", "the agent is ending", err->msg);
    ++*(unsigned *)data;
}

CHECK_TEST(who_waits_for_a_capture_at_the_end_is_told)
{
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", NULL, 8);
    unsigned told = 0;

    for (int i = 0; i < 20; i++) { /* more than are captured at once */
        mig_capturer_ask(agent->capturer, count_ending, &told);
    }
    check_number("not yet", 0, told);
    agent_free(agent);
    check_number("each once", 20, told);
    site_free(&site);
}

/* An agent that ends while the capture for a request is at work leaves no trace
 * of the request. */
CHECK_TEST(a_request_at_work_ends_with_the_agent)
{
    static const enum mig_message_kind kinds[] = {MIG_MESSAGE_CAPTURE, MIG_MESSAGE_CONTRACT_LIST};
    struct site site = site_new();

    for (uint64_t turns_ms = 0; turns_ms < 80; turns_ms += 2) {
        MIG_AUTO(mig_message_clear) struct mig_message m = question(kinds[turns_ms / 2 % 2]);
        struct agent *agent = agent_new(&site, "alpha", NULL, 8);
        struct asker *a = asker_new(&site, "olga", agent->tcp, &m, 1);
        struct mig_watch *timer = mig_loop_timer(site.loop, turns_ms, on_stop, site.loop);

        check_true("loop", mig_loop_run(site.loop));
        mig_watch_free(timer);
        agent_free(agent);
        asker_free(a);
    }
    site_free(&site);
}

CHECK_TEST(many_askers_at_once_each_get_their_own_nonce)
{
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", NULL, 64);
    struct mig_message questions[24];
    struct asker *askers[24];
    size_t left = 24;

    for (size_t i = 0; i < 24; i++) {
        questions[i] = question(MIG_MESSAGE_CAPTURE);
        askers[i] = asker_new(&site, "olga", agent->tcp, &questions[i], 1);
    }
    while (left > 0) {
        check_true("loop", mig_loop_run(site.loop));
        left = 0;
        for (size_t i = 0; i < 24; i++) {
            left += askers[i]->over ? 0 : 1;
        }
    }
    for (size_t i = 0; i < 24; i++) {
        check_number("kind", MIG_MESSAGE_CAPTURED, askers[i]->answer[0].kind);
        check_evidence("nonce", &site, &askers[i]->answer[0].sealed, &questions[i], "alpha",
                       MIG_EVIDENCE_LIVE);
        asker_free(askers[i]);
        mig_message_clear(&questions[i]);
    }
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(fresh_credentials_serve_the_next_connection)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = question(MIG_MESSAGE_CAPTURE);
    struct site site = site_new();
    struct agent *agent = agent_new(&site, "alpha", site.file, 8);
    struct asker *before = asker_new(&site, "olga", agent->tcp, NULL, 0), *after;
    struct mig_credentials *fresh = NULL;
    unsigned char old_id[32], new_id[32];
    struct mig_error err;

    while (!before->ready) {
        check_true("loop", mig_loop_run(site.loop));
    }
    fleet_issue(site.fleet, MIG_ROLE_AGENT, "alpha2", 0, 0);
    mig_free(agent->options.cert);
    mig_free(agent->options.key);
    agent->options.cert = fleet_cert(site.fleet, "alpha2");
    agent->options.key = fleet_key_file(site.fleet, "alpha2");
    check_done("fresh", mig_credentials_load(&agent->options, mig_now_unix(), &fresh, &err), &err);
    mig_key_id(agent->creds->key, old_id);
    mig_key_id(fresh->key, new_id);
    check_true("another key", memcmp(old_id, new_id, sizeof old_id) != 0);
    mig_service_use(agent->service, fresh);
    mig_credentials_free(fresh);

    after = ask(&site, "olga", agent->tcp, &m, 1);
    check_evidence("sealed afresh", &site, &after->answer[0].sealed, &m, "alpha2",
                   MIG_EVIDENCE_REPLAYED);
    asker_free(after);
    asker_free(before);
    agent_free(agent);
    site_free(&site);
}

CHECK_TEST(credentials_that_are_not_an_agents_are_refused)
{
    static const struct {
        const char *label, *who, *name, *expected;
        int64_t days_ahead;
    } cases[] = {
        {"operator's",    "olga",   NULL,   "certificate of role 'operator', expected 'agent'",          0 },
        {"another's",     "alpha",  "beta", "certificate of 'alpha', but the configured name is 'beta'",
         0                                                                                                 },
        {"expired",       "alpha",  NULL,   "certificate has expired",                                   2 },
        {"not yet valid", "alpha",  NULL,   "certificate is not yet valid",                              -2},
        {"missing",       "nobody", NULL,   "nobody-cert.pem: No such file",                             0 },
        {"broken",        "broken", NULL,   "broken-cert.pem: no certificate in it",                     0 },
    };
    struct site site = site_new();
    MIG_AUTO(mig_free) char *broken = fleet_cert(site.fleet, "broken");
    struct mig_error written;

    check_done("broken", mig_file_write(broken, "text", 4, 0600, &written), &written);

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_agent_options_clear)
        struct mig_agent_options o = {
            .ca = mig_strdup(site.fleet->ca),
            .cert = fleet_cert(site.fleet, c->who),
            .key = fleet_key_file(site.fleet, c->who),
            .name = mig_strdup(c->name),
        };
        struct mig_credentials *creds = NULL;
        struct mig_error err = {0};

        check_true(c->label, !mig_credentials_load(&o, mig_now_unix() + c->days_ahead * 24 * 3600,
                                                   &creds, &err));
        check_contains(c->label, c->expected, err.msg);
        check_true(c->label, mig_error_exit_status(err.code) == 2);
    }
    site_free(&site);
}

CHECK_MAIN(
    cmocka_unit_test(askers_get_what_their_role_may_have),
    cmocka_unit_test(contracts_are_changed_from_here_and_read_from_afar),
    cmocka_unit_test(a_proof_that_can_not_be_is_refused_before_anything_is_tried),
    cmocka_unit_test(one_request_at_a_time_on_a_connection),
    cmocka_unit_test(an_exchange_brings_both_snapshots_with_the_nonce_of_the_asker),
    cmocka_unit_test(an_exchange_that_fails_names_phase_and_destination),
    cmocka_unit_test(a_destination_that_says_nothing_costs_the_asker_its_timeout_and_no_more),
    cmocka_unit_test(a_contract_that_waits_for_another_writer_holds_up_nobody_else),
    cmocka_unit_test(a_peer_above_the_limit_waits_until_another_goes),
    cmocka_unit_test(an_asker_that_goes_leaves_nothing_behind),
    cmocka_unit_test(who_waits_for_a_capture_at_the_end_is_told),
    cmocka_unit_test(a_request_at_work_ends_with_the_agent),
    cmocka_unit_test(many_askers_at_once_each_get_their_own_nonce),
    cmocka_unit_test(fresh_credentials_serve_the_next_connection),
    cmocka_unit_test(credentials_that_are_not_an_agents_are_refused))
