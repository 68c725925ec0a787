/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message.h"

#include "support/check.h"

#include <stdlib.h>

#include "base/alloc.h"
#include "negotiate.pb-c.h"

#define NONCE 32

static struct mig_bytes bytes_of(const char *s, size_t len)
{
    return (struct mig_bytes){mig_memdup(s, len), len};
}

static void check_bytes(const char *label, const struct mig_bytes *a, const struct mig_bytes *b)
{
    check_number(label, a->len, b->len);
    check_true(label, a->len == 0 || memcmp(a->items, b->items, a->len) == 0);
}

static char nonce[NONCE + 1] = "0123456789abcdef0123456789abcde\0";

CHECK_TEST(every_kind_survives_the_wire)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        const char *address, *name, *phase, *text;
        size_t nonce, sealed, sealed_peer;
        uint32_t timeout_ms;
        enum mig_code code;
    } cases[] = {
        {"capture",             MIG_MESSAGE_CAPTURE,   NULL,         NULL,   NULL,      NULL,          NONCE, 0,  0,  0,    MIG_OK   },
        {"captured",            MIG_MESSAGE_CAPTURED,  NULL,         NULL,   NULL,      NULL,          0,     20, 0,  0,    MIG_OK   },
        {"exchange",            MIG_MESSAGE_EXCHANGE,  "[::1]:7443", "beta", NULL,      NULL,          NONCE, 0,  0,  5000,
         MIG_OK                                                                                                                      },
        {"exchange by address", MIG_MESSAGE_EXCHANGE,  "unix:/x",    "",     NULL,      NULL,          NONCE, 0,  0,  0,
         MIG_OK                                                                                                                      },
        {"exchanged",           MIG_MESSAGE_EXCHANGED, NULL,         NULL,   NULL,      NULL,          0,     20, 30, 0,    MIG_OK   },
        {"prove",               MIG_MESSAGE_PROVE,     NULL,         NULL,   NULL,      NULL,          NONCE, 0,  0,  700,  MIG_OK   },
        {"proved",              MIG_MESSAGE_PROVED,    NULL,         NULL,   NULL,      NULL,          0,     20, 0,  0,    MIG_OK   },
        {"error",               MIG_MESSAGE_ERROR,     NULL,         NULL,   "capture", "no /dev/kvm", 0,     0,  0,  0,    MIG_IO   },
        {"empty error",         MIG_MESSAGE_ERROR,     NULL,         NULL,   "",        "",            0,     0,  0,  0,    MIG_USAGE},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = c->kind, .id = UINT64_MAX};
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
        struct mig_error err;

        m.nonce = bytes_of(nonce, c->nonce);
        m.sealed = bytes_of(nonce, c->sealed);
        m.sealed_peer = bytes_of(nonce, c->sealed_peer);
        m.shown = bytes_of(nonce, c->kind == MIG_MESSAGE_PROVE ? 24 : 0);
        m.address = mig_strdup(c->address);
        m.name = mig_strdup(c->name);
        m.phase = mig_strdup(c->phase);
        m.text = mig_strdup(c->text);
        m.timeout_ms = c->timeout_ms;
        m.code = c->code;
        mig_message_encode(&m, &body);
        check_done(c->label, mig_message_decode(body.items, body.len, &got, &err), &err);
        check_number(c->label, c->kind, got.kind);
        check_number(c->label, UINT64_MAX, got.id);
        check_bytes(c->label, &m.nonce, &got.nonce);
        check_bytes(c->label, &m.sealed, &got.sealed);
        check_bytes(c->label, &m.sealed_peer, &got.sealed_peer);
        check_bytes(c->label, &m.shown, &got.shown);
        check_number(c->label, c->timeout_ms, got.timeout_ms);
        check_number(c->label, c->code, got.code);
        check_text(c->label, c->address != NULL ? c->address : "",
                   got.address != NULL ? got.address : "");
        check_text(c->label, c->name != NULL ? c->name : "", got.name != NULL ? got.name : "");
        check_text(c->label, c->phase != NULL ? c->phase : "", got.phase != NULL ? got.phase : "");
        check_text(c->label, c->text != NULL ? c->text : "", got.text != NULL ? got.text : "");
    }
}

static void check_texts(const char *label, const char *a, const char *b)
{
    check_text(label, a != NULL ? a : "", b != NULL ? b : "");
}

static struct mig_bytes round_trip(const char *label, const struct mig_message *m,
                                   struct mig_message *ret)
{
    struct mig_bytes body = {0};
    struct mig_error err;

    mig_message_encode(m, &body);
    check_done(label, mig_message_decode(body.items, body.len, ret, &err), &err);
    check_number(label, m->kind, ret->kind);
    check_number(label, m->id, ret->id);
    return body;
}

CHECK_TEST(what_is_said_of_contracts_survives_the_wire)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        const char *vm, *instance;
        size_t contract, sealed;
        enum mig_standing standing;
    } cases[] = {
        {"put",          MIG_MESSAGE_CONTRACT_PUT,       NULL,   NULL,   20, 0,  MIG_STANDING_NONE   },
        {"held",         MIG_MESSAGE_CONTRACT_HELD,      NULL,   NULL,   0,  20, MIG_STANDING_RETIRED},
        {"get",          MIG_MESSAGE_CONTRACT_GET,       "web3", "7f3a", 0,  0,  MIG_STANDING_NONE   },
        {"get any",      MIG_MESSAGE_CONTRACT_GET,       "web3", NULL,   0,  0,  MIG_STANDING_NONE   },
        {"list",         MIG_MESSAGE_CONTRACT_LIST,      NULL,   NULL,   0,  0,  MIG_STANDING_NONE   },
        {"list on",      MIG_MESSAGE_CONTRACT_LIST,      "web3", NULL,   0,  0,  MIG_STANDING_ACTIVE },
        {"listed, none", MIG_MESSAGE_CONTRACT_LISTED,    NULL,   NULL,   0,  0,  MIG_STANDING_NONE   },
        {"forget",       MIG_MESSAGE_CONTRACT_FORGET,    "web3", "7f3a", 0,  0,  MIG_STANDING_NONE   },
        {"forgotten",    MIG_MESSAGE_CONTRACT_FORGOTTEN, NULL,   NULL,   0,  0,  MIG_STANDING_NONE   },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = c->kind, .id = 7};
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};

        m.contract = bytes_of(nonce, c->contract);
        m.sealed = bytes_of(nonce, c->sealed);
        m.vm = mig_strdup(c->vm);
        m.instance = mig_strdup(c->instance);
        m.standing = c->standing;
        body = round_trip(c->label, &m, &got);
        check_bytes(c->label, &m.contract, &got.contract);
        check_bytes(c->label, &m.sealed, &got.sealed);
        check_texts(c->label, m.vm, got.vm);
        check_texts(c->label, m.instance, got.instance);
        check_number(c->label, m.standing, got.standing);
        check_number(c->label, 0, got.entries_len);
    }
}

/* @len of them; the last one can not be used. */
static struct mig_message listed(size_t len)
{
    struct mig_message m = {.kind = MIG_MESSAGE_CONTRACT_LISTED, .id = 7, .more = true};

    m.entries = mig_alloc(len, sizeof *m.entries);
    for (; m.entries_len < len; m.entries_len++) {
        bool bad = m.entries_len + 1 == len;

        m.entries[m.entries_len] = (struct mig_contract_entry){
            .vm = mig_strf("web%zu", m.entries_len),
            .standing = MIG_STANDING_ACTIVE,
            .instance = mig_strdup(bad ? NULL : "7f3a"),
            .recorder = mig_strdup(bad ? NULL : "alpha"),
            .holder = mig_strdup(bad ? NULL : "beta"),
            .error = mig_strdup(bad ? "cut \x1b off" : NULL),
            .recorded_at = bad ? 0 : 1800000000,
            .hops = bad ? 0 : 3,
            .digest = bytes_of(nonce, bad ? 0 : NONCE),
        };
    }
    return m;
}

CHECK_TEST(a_list_of_contracts_survives_the_wire)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = listed(MIG_ENTRIES_ANSWERED_MAX);
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = round_trip("list", &m, &got);

    check_true("in a frame", body.len < MIG_FRAME_MAX);
    check_number("entries", MIG_ENTRIES_ANSWERED_MAX, got.entries_len);
    check_true("more", got.more);
    for (size_t i = 0; i < got.entries_len; i++) {
        const struct mig_contract_entry *a = &m.entries[i], *b = &got.entries[i];
        bool bad = i + 1 == got.entries_len;

        check_texts("vm", a->vm, b->vm);
        check_texts("instance", a->instance, b->instance);
        check_texts("recorder", a->recorder, b->recorder);
        check_texts("holder", a->holder, b->holder);
        check_texts("error", bad ? "cut ? off" : "", b->error);
        check_number("standing", a->standing, b->standing);
        check_number("recorded", a->recorded_at, b->recorded_at);
        check_number("hops", a->hops, b->hops);
        check_bytes("digest", &a->digest, &b->digest);
    }
}

CHECK_TEST(a_bad_word_of_contracts_is_refused_by_name)
{
    static struct {
        const char *label;
        enum mig_message_kind kind;
        char vm[66], instance[66];
        size_t contract, digest;
        int standing; /* any number may come */
        const char *says;
    } cases[] = {
        {"empty put",                  MIG_MESSAGE_CONTRACT_PUT,    "",        "", 0,              0,  0, "contract is empty" },
        {"long put",                   MIG_MESSAGE_CONTRACT_PUT,    "",        "", 640 * 1024 + 1, 0,  0,
         "contract of 655361 bytes, at most 655360"                                                                           },
        {"empty held",                 MIG_MESSAGE_CONTRACT_HELD,   "",        "", 0,              0,  1, "sealed is empty"   },
        {"get nothing",                MIG_MESSAGE_CONTRACT_GET,    "",        "", 0,              0,  0, "vm is empty"       },
        {"long vm",                    MIG_MESSAGE_CONTRACT_GET,
         "1234567890123456789012345678901234567890123456789012345678901234",   "", 0,              0,  0,
         "vm of 64 characters, at most 63"                                                                                    },
        {"long instance",              MIG_MESSAGE_CONTRACT_FORGET, "web3",
         "1234567890123456789012345678901234567890123456789012345678901234",       0,              0,  0,
         "instance of 64 characters, at most 63"                                                                              },
        {"escape",                     MIG_MESSAGE_CONTRACT_FORGET, "web\x1b", "", 0,              0,  0, "vm holds byte 0x1b"},
        {"after nothing that we know", MIG_MESSAGE_CONTRACT_LIST,   "web3",    "", 0,              0,  9,
         "standing 9 is none that we know"                                                                                    },
        {"after no standing",          MIG_MESSAGE_CONTRACT_LIST,   "web3",    "", 0,              0,  0,
         "standing 0 is none that we know"                                                                                    },
        {"entry without standing",     MIG_MESSAGE_CONTRACT_LISTED, "web3",    "", 0,              32, 0,
         "standing 0 is none that we know"                                                                                    },
        {"entry without vm",           MIG_MESSAGE_CONTRACT_LISTED, "",        "", 0,              32, 1, "vm is empty"       },
        {"entry without digest",       MIG_MESSAGE_CONTRACT_LISTED, "web3",    "", 0,              0,  1,
         "digest of 0 bytes, expected 32"                                                                                     },
        {"entry with a short one",     MIG_MESSAGE_CONTRACT_LISTED, "web3",    "", 0,              31, 1,
         "digest of 31 bytes, expected 32"                                                                                    },
    };
    char *zeros = mig_alloc(640 * 1024 + 1, 1);

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
        struct mig_contract_entry entry = {
            .vm = c->vm,
            .standing = (enum mig_standing)c->standing,
            .digest = {(unsigned char *)zeros, c->digest},
        };
        const struct mig_message m = {
            .kind = c->kind,
            .vm = c->vm,
            .instance = c->instance,
            .standing = (enum mig_standing)c->standing,
            .contract = {(unsigned char *)zeros, c->contract},
            .entries = &entry,
            .entries_len = 1,
        };
        struct mig_error err = {0};

        mig_message_encode(&m, &body);
        check_true(c->label, !mig_message_decode(body.items, body.len, &got, &err));
        check_contains(c->label, c->says, err.msg);
    }
    mig_free(zeros);
}

CHECK_TEST(more_entries_than_an_answer_may_have_are_refused)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = listed(MIG_ENTRIES_ANSWERED_MAX + 1);
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    struct mig_error err = {0};

    mig_message_encode(&m, &body);
    check_true("one more", !mig_message_decode(body.items, body.len, &got, &err));
    check_contains("one more", "more than 256 entries", err.msg);
}

CHECK_TEST(every_code_survives_the_wire)
{
    for (int code = 1; code < MIG_CODE_COUNT; code++) {
        MIG_AUTO(mig_message_clear)
        struct mig_message m = {.kind = MIG_MESSAGE_ERROR, .code = (enum mig_code)code};
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
        struct mig_error err;

        mig_message_encode(&m, &body);
        check_done("code", mig_message_decode(body.items, body.len, &got, &err), &err);
        check_number("code", (uint64_t)code, got.code);
    }
}

CHECK_TEST(an_explanation_is_cut_and_cleaned_not_refused)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_ERROR, .code = MIG_IO};
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    struct mig_error err;

    m.text = mig_alloc(5001, 1);
    memset(m.text, 'x', 5000);
    memcpy(m.text, "\x1b[31m\xc3\xa4", 7);
    m.phase = mig_strdup("a phase with a very long name indeed");
    mig_message_encode(&m, &body);
    check_done("decode", mig_message_decode(body.items, body.len, &got, &err), &err);
    check_number("text", 1023, strlen(got.text));
    check_true("cleaned", strncmp(got.text, "?[31m??x", 8) == 0);
    check_text("phase", "a phase with a very long name i", got.phase);
}

/* What a peer could send; each row is one field set badly. */
struct bad {
    const char *label;
    uint32_t version;
    enum mig_message_kind kind;
    size_t nonce, sealed, sealed_peer;
    const char *address, *name, *text;
    uint32_t timeout_ms;
    const char *says;
};

static void pack(const struct bad *c, struct mig_bytes *ret)
{
    Mig__Wire__Frame frame;
    Mig__Wire__Capture capture;
    Mig__Wire__Exchange exchange;
    Mig__Wire__Exchanged exchanged;
    Mig__Wire__Prove prove;
    Mig__Wire__Proved proved;
    Mig__Wire__Error error;
    ProtobufCBinaryData data = {.data = (uint8_t *)nonce};
    static char texts[3][1100];

    mig__wire__frame__init(&frame);
    mig__wire__capture__init(&capture);
    mig__wire__exchange__init(&exchange);
    mig__wire__exchanged__init(&exchanged);
    mig__wire__prove__init(&prove);
    mig__wire__proved__init(&proved);
    mig__wire__error__init(&error);
    (void)strcpy(texts[0], c->address);
    (void)strcpy(texts[1], c->name);
    (void)strcpy(texts[2], c->text);
    frame.version = c->version;
    data.len = c->nonce;
    if (c->kind == MIG_MESSAGE_CAPTURE) {
        frame.body_case = MIG__WIRE__FRAME__BODY_CAPTURE;
        frame.capture = &capture;
        capture.nonce = data;
    } else if (c->kind == MIG_MESSAGE_EXCHANGE) {
        frame.body_case = MIG__WIRE__FRAME__BODY_EXCHANGE;
        frame.exchange = &exchange;
        exchange.nonce = data;
        exchange.address = texts[0];
        exchange.name = texts[1];
        exchange.timeout_ms = c->timeout_ms;
    } else if (c->kind == MIG_MESSAGE_EXCHANGED) {
        frame.body_case = MIG__WIRE__FRAME__BODY_EXCHANGED;
        frame.exchanged = &exchanged;
        exchanged.sealed = exchanged.sealed_peer = data;
        exchanged.sealed.len = c->sealed;
        exchanged.sealed_peer.len = c->sealed_peer;
    } else if (c->kind == MIG_MESSAGE_PROVE) {
        frame.body_case = MIG__WIRE__FRAME__BODY_PROVE;
        frame.prove = &prove;
        prove.nonce = prove.shown = data;
        prove.shown.len = c->sealed;
        prove.timeout_ms = c->timeout_ms;
    } else if (c->kind == MIG_MESSAGE_PROVED) {
        frame.body_case = MIG__WIRE__FRAME__BODY_PROVED;
        frame.proved = &proved;
    } else if (c->kind == MIG_MESSAGE_ERROR) {
        frame.body_case = MIG__WIRE__FRAME__BODY_ERROR;
        frame.error = &error;
        error.phase = texts[1];
        error.text = texts[2];
    }
    ret->len = mig__wire__frame__get_packed_size(&frame);
    ret->items = mig_alloc(ret->len + 1, 1);
    (void)mig__wire__frame__pack(&frame, ret->items);
}

CHECK_TEST(a_message_with_a_bad_field_is_refused_by_name)
{
    static char long_text[1025];
    const struct bad cases[] = {
        {"version 0",      0, MIG_MESSAGE_CAPTURE,    32, 0, 0, "",        "",         "",        0,
         "peer speaks protocol 0, we speak 1"                                                                                    },
        {"version 2",      2, MIG_MESSAGE_CAPTURE,    32, 0, 0, "",        "",         "",        0,
         "peer speaks protocol 2, we speak 1"                                                                                    },
        {"newer, no body", 7, MIG_MESSAGE_KIND_COUNT, 0,  0, 0, "",        "",         "",        0,
         "peer speaks protocol 7, we speak 1"                                                                                    },
        {"no body",        1, MIG_MESSAGE_KIND_COUNT, 0,  0, 0, "",        "",         "",        0,
         "message of a kind that we do not know"                                                                                 },
        {"no nonce",       1, MIG_MESSAGE_CAPTURE,    0,  0, 0, "",        "",         "",        0,
         "nonce of 0 bytes, expected 32"                                                                                         },
        {"short nonce",    1, MIG_MESSAGE_CAPTURE,    31, 0, 0, "",        "",         "",        0,
         "nonce of 31 bytes, expected 32"                                                                                        },
        {"long nonce",     1, MIG_MESSAGE_EXCHANGE,   33, 0, 0, "h:1",     "",         "",        0,
         "nonce of 33 bytes, expected 32"                                                                                        },
        {"no address",     1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, "",        "",         "",        0,       "address is empty"    },
        {"long address",   1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, long_text, "",         "",        0,
         "address of 1024 characters, at most 512"                                                                               },
        {"escape in it",   1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, "h\x1b:1", "",         "",        0,
         "address holds byte 0x1b"                                                                                               },
        {"long name",      1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, "h:1",     long_text,  "",        0,
         "name of 1024 characters, at most 127"                                                                                  },
        {"UTF-8 in name",  1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, "h:1",     "\xc3\xa4", "",        0,
         "name holds byte 0xc3"                                                                                                  },
        {"slow",           1, MIG_MESSAGE_EXCHANGE,   32, 0, 0, "h:1",     "",         "",        3600001,
         "timeout_ms is 3600001, at most 3600000"                                                                                },
        {"no snapshot",    1, MIG_MESSAGE_EXCHANGED,  0,  0, 8, "",        "",         "",        0,       "sealed is empty"     },
        {"only one",       1, MIG_MESSAGE_EXCHANGED,  0,  8, 0, "",        "",         "",        0,       "sealed_peer is empty"},
        {"prove nothing",  1, MIG_MESSAGE_PROVE,      32, 0, 0, "",        "",         "",        0,       "shown is empty"      },
        {"prove for free", 1, MIG_MESSAGE_PROVE,      31, 8, 0, "",        "",         "",        0,
         "nonce of 31 bytes, expected 32"                                                                                        },
        {"prove for ever", 1, MIG_MESSAGE_PROVE,      32, 8, 0, "",        "",         "",        3600001,
         "timeout_ms is 3600001, at most 3600000"                                                                                },
        {"no proof",       1, MIG_MESSAGE_PROVED,     0,  0, 0, "",        "",         "",        0,       "sealed is empty"     },
        {"long phase",     1, MIG_MESSAGE_ERROR,      0,  0, 0, "",        long_text,  "",        0,
         "phase of 1024 characters, at most 31"                                                                                  },
        {"long text",      1, MIG_MESSAGE_ERROR,      0,  0, 0, "",        "",         long_text, 0,
         "text of 1024 characters, at most 1023"                                                                                 },
        {"newline in it",  1, MIG_MESSAGE_ERROR,      0,  0, 0, "",        "",         "a\nb",    0,       "text holds byte 0x0a"},
    };

    memset(long_text, 'y', sizeof long_text - 1);
    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
        struct mig_error err = {0};

        pack(c, &body);
        check_true(c->label, !mig_message_decode(body.items, body.len, &got, &err));
        check_contains(c->label, c->says, err.msg);
    }
}

CHECK_TEST(bytes_that_are_no_message_are_refused)
{
    static const struct {
        const char *label, *bytes;
        size_t len;
    } cases[] = {
        {"nothing known",         "\xff\xff\xff\xff", 4},
        {"length beyond the end", "\x08\x01\x1a\x7f", 4},
        {"unfinished varint",     "\x08\x81\x82",     3},
        {"field 0",               "\x00\x01",         2},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        struct mig_error err = {0};

        check_true(c->label,
                   !mig_message_decode((const unsigned char *)c->bytes, c->len, &got, &err));
        check_contains(c->label, "bytes that are no message of ours", err.msg);
    }
}

/* Fields of a later version of the same protocol do no harm; half a million of
 * them would cost more than a frame may. */
CHECK_TEST(unknown_fields_are_ignored_within_a_budget)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_CAPTURE};
    MIG_AUTO(mig_message_clear) struct mig_message got = {0};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    unsigned char *padded = mig_alloc(MIG_FRAME_MAX, 1);
    struct mig_error err = {0};

    m.nonce = bytes_of(nonce, NONCE);
    mig_message_encode(&m, &body);
    memcpy(padded, body.items, body.len);
    memcpy(padded + body.len, "\xf8\x01\x05", 3); /* field 31 = 5 */
    check_done("one", mig_message_decode(padded, body.len + 3, &got, &err), &err);
    for (size_t i = body.len; i + 2 <= MIG_FRAME_MAX; i += 2) {
        memcpy(padded + i, "\x78\x05", 2); /* field 15 = 5 */
    }
    check_true(
        "half a million",
        !mig_message_decode(padded, (MIG_FRAME_MAX - body.len) / 2 * 2 + body.len, &m, &err));
    mig_free(padded);
}

CHECK_TEST(every_cut_and_every_flipped_bit_is_survived)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = MIG_MESSAGE_EXCHANGE, .id = 9};
    MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
    struct mig_error err = {0};

    m.nonce = bytes_of(nonce, NONCE);
    m.address = mig_strdup("host:7443");
    mig_message_encode(&m, &body);
    for (size_t len = 0; len < body.len; len++) {
        unsigned char *cut = mig_memdup(body.items, len);
        struct mig_message got = {0};

        check_true("a cut message", !mig_message_decode(cut, len, &got, &err));
        mig_free(cut);
    }
    for (size_t bit = 0; bit < 8 * body.len; bit++) {
        struct mig_message got = {0};

        body.items[bit / 8] ^= (unsigned char)(1u << bit % 8);
        if (mig_message_decode(body.items, body.len, &got, &err)) {
            mig_message_clear(&got);
        }
        body.items[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
}

CHECK_TEST(what_is_said_of_agreements_survives_the_wire)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        const char *vm, *instance, *address, *name;
        size_t agreement, sealed, contract;
        enum mig_step step;
        uint32_t data_path;
    } cases[] = {
        {"agree",             MIG_MESSAGE_AGREE,    "web3", "7f3a", "[::1]:7443", "beta", 0,  0,  0,  0,                2},
        {"agree, any",        MIG_MESSAGE_AGREE,    "web3", NULL,   "unix:/x",    NULL,   0,  0,  0,  0,                0},
        {"agreed",            MIG_MESSAGE_AGREED,   NULL,   NULL,   NULL,         NULL,   20, 0,  30, 0,                0},
        {"propose",           MIG_MESSAGE_PROPOSE,  NULL,   NULL,   NULL,         NULL,   20, 25, 30, 0,                0},
        {"accepted",          MIG_MESSAGE_ACCEPTED, NULL,   NULL,   NULL,         NULL,   20, 0,  0,  0,                0},
        {"approve",           MIG_MESSAGE_ADVANCE,  NULL,   NULL,   NULL,         NULL,   20, 0,  30, MIG_STEP_APPROVE, 0},
        {"abandon",           MIG_MESSAGE_ADVANCE,  NULL,   NULL,   NULL,         NULL,   20, 0,  0,  MIG_STEP_ABANDON, 0},
        {"approve, by name",  MIG_MESSAGE_ADVANCE,  "web3", "7f3a", NULL,         NULL,   0,  0,  0,
         MIG_STEP_APPROVE,                                                                                              0},
        {"advanced",          MIG_MESSAGE_ADVANCED, NULL,   NULL,   NULL,         NULL,   0,  0,  30, 0,                0},
        {"advanced, no more", MIG_MESSAGE_ADVANCED, NULL,   NULL,   NULL,         NULL,   0,  0,  0,  0,                0},
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = c->kind, .id = 3};
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};

        m.vm = c->vm != NULL ? mig_strdup(c->vm) : NULL;
        m.instance = c->instance != NULL ? mig_strdup(c->instance) : NULL;
        m.address = c->address != NULL ? mig_strdup(c->address) : NULL;
        m.name = c->name != NULL ? mig_strdup(c->name) : NULL;
        m.agreement = bytes_of(nonce, c->agreement);
        m.sealed = bytes_of(nonce, c->sealed);
        m.contract = bytes_of(nonce, c->contract);
        m.step = c->step;
        m.data_path = c->data_path;
        body = round_trip(c->label, &m, &got);
        check_texts(c->label, m.vm, got.vm);
        check_texts(c->label, m.instance, got.instance);
        check_texts(c->label, m.address, got.address);
        check_texts(c->label, m.name, got.name);
        check_bytes(c->label, &m.agreement, &got.agreement);
        check_bytes(c->label, &m.sealed, &got.sealed);
        check_bytes(c->label, &m.contract, &got.contract);
        check_number(c->label, c->step, got.step);
        check_number(c->label, c->data_path, got.data_path);
    }
}

CHECK_TEST(half_of_an_agreement_is_refused_by_name)
{
    static const struct {
        const char *label;
        enum mig_message_kind kind;
        const char *vm, *address;
        size_t agreement, sealed, contract;
        enum mig_step step;
        const char *trouble;
    } cases[] = {
        {"no vm",        MIG_MESSAGE_AGREE,    "",     "x:1", 0,  0,  0,  0,                "vm is empty"       },
        {"nowhere",      MIG_MESSAGE_AGREE,    "web3", "",    0,  0,  0,  0,                "address is empty"  },
        {"one of two",   MIG_MESSAGE_AGREED,   NULL,   NULL,  20, 0,  0,  0,                "contract is empty" },
        {"no agreement", MIG_MESSAGE_PROPOSE,  NULL,   NULL,  0,  20, 20, 0,                "agreement is empty"},
        {"no evidence",  MIG_MESSAGE_PROPOSE,  NULL,   NULL,  20, 0,  20, 0,                "sealed is empty"   },
        {"nothing",      MIG_MESSAGE_ACCEPTED, NULL,   NULL,  0,  0,  0,  0,                "agreement is empty"},
        {"of nothing",   MIG_MESSAGE_ADVANCE,  NULL,   NULL,  0,  0,  0,  MIG_STEP_APPROVE, "vm is empty"       },
        {"loose",        MIG_MESSAGE_ADVANCE,  "web3", NULL,  0,  0,  20, MIG_STEP_APPROVE,
         "without its agreement"                                                                                },
        {"twice",        MIG_MESSAGE_ADVANCE,  "web3", NULL,  20, 0,  20, MIG_STEP_APPROVE,
         "vm beside an agreement"                                                                               },
        {"which",        MIG_MESSAGE_ADVANCE,  "web3", NULL,  0,  0,  0,  MIG_STEP_ABANDON,
         "vm beside an agreement"                                                                               },
        {"no step",      MIG_MESSAGE_ADVANCE,  NULL,   NULL,  20, 0,  0,  0,                "step 0 is none"    },
        {"a new step",   MIG_MESSAGE_ADVANCE,  NULL,   NULL,  20, 0,  0,  MIG_STEP_COUNT,   "step 6 is none"    },
    };

    CHECK_EACH (c, cases) {
        MIG_AUTO(mig_message_clear) struct mig_message m = {.kind = c->kind, .id = 3};
        MIG_AUTO(mig_message_clear) struct mig_message got = {0};
        MIG_AUTO(mig_bytes_clear) struct mig_bytes body = {0};
        struct mig_error err;

        m.vm = c->vm != NULL ? mig_strdup(c->vm) : NULL;
        m.address = c->address != NULL ? mig_strdup(c->address) : NULL;
        m.agreement = bytes_of(nonce, c->agreement);
        m.sealed = bytes_of(nonce, c->sealed);
        m.contract = bytes_of(nonce, c->contract);
        m.step = c->step;
        mig_message_encode(&m, &body);
        check_true(c->label, !mig_message_decode(body.items, body.len, &got, &err));
        check_contains(c->label, c->trouble, err.msg);
    }
}

CHECK_MAIN(cmocka_unit_test(every_kind_survives_the_wire),
           cmocka_unit_test(what_is_said_of_agreements_survives_the_wire),
           cmocka_unit_test(half_of_an_agreement_is_refused_by_name),
           cmocka_unit_test(what_is_said_of_contracts_survives_the_wire),
           cmocka_unit_test(a_list_of_contracts_survives_the_wire),
           cmocka_unit_test(a_bad_word_of_contracts_is_refused_by_name),
           cmocka_unit_test(more_entries_than_an_answer_may_have_are_refused),
           cmocka_unit_test(every_code_survives_the_wire),
           cmocka_unit_test(an_explanation_is_cut_and_cleaned_not_refused),
           cmocka_unit_test(a_message_with_a_bad_field_is_refused_by_name),
           cmocka_unit_test(bytes_that_are_no_message_are_refused),
           cmocka_unit_test(unknown_fields_are_ignored_within_a_budget),
           cmocka_unit_test(every_cut_and_every_flipped_bit_is_survived))
