/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/envelope.h"

#include "base/alloc.h"
#include "seal/seal.h"
#include "support/check.h"

#define SPAN(s)                                                                                    \
    {                                                                                              \
        (const unsigned char *)(s), sizeof(s) - 1                                                  \
    }

/* On the heap, so that a read beyond the end is noticed. */
static bool parse(const unsigned char *bytes, size_t len, struct mig_error *err)
{
    MIG_AUTO(mig_free) char *copy = len > 0 ? mig_memdup(bytes, len) : NULL;
    struct mig_envelope e;

    return mig_envelope_parse((const unsigned char *)copy, len, &e, err);
}

CHECK_TEST(bytes_of_another_form_are_refused_by_name)
{
#define BYTES(s) (const unsigned char *)(s), sizeof(s) - 1
#define TYPE "\x0a\x17" MIG_ENVELOPE_PREFIX
    static const struct {
        const char *label;
        const unsigned char *bytes;
        size_t len;
        bool looks;
        const char *trouble;
    } cases[] = {
        {"empty",                    BYTES(""),                                false, "not an envelope: empty"   },
        {"json",                     BYTES("{\"kind\": 1}"),                   false, "not an envelope"          },
        {"one byte",                 BYTES("\x0a"),                            false, "truncated"                },
        {"start of type",
         BYTES("\x0a\x17"
               "applic"),
         false,                                                                       "truncated"                },
        {"other type",
         BYTES("\x0a\x17"
               "text/plain"),
         false,                                                                       "not an envelope"          },
        {"endless type",             BYTES("\x0a\x7f" MIG_ENVELOPE_PREFIX),    false, "not an envelope"          },
        {"type cut",                 BYTES("\x0a\x18" MIG_ENVELOPE_PREFIX),    true,
         "truncated: field 1 has 24 bytes, 23 are left"                                                          },
        {"type only",                BYTES(TYPE),                              true,  "envelope has no payload"  },
        {"no signature",             BYTES(TYPE "\x12\x01x"),                  true,  "envelope has no signature"},
        {"unknown field",            BYTES(TYPE "\x22\x01x"),                  true,  "unknown field 4 of type 2"},
        {"number for payload",       BYTES(TYPE "\x10\x01"),                   true,  "unknown field 2 of type 0"},
        {"type twice",               BYTES(TYPE TYPE),                         true,  "field 1 twice"            },
        {"payload twice",            BYTES(TYPE "\x12\x01x\x12\x01y"),         true,  "field 2 twice"            },
        {"empty payload",            BYTES(TYPE "\x12\x00"),                   true,  "empty field 2"            },
        {"long form of a length",    BYTES(TYPE "\x12\x81\x00x"),              true,  "number in an unusual form"},
        {"length beyond all limits", BYTES(TYPE "\x12\xff\xff\xff\xff\x7f"),   true,
         "number out of range"                                                                                   },
        {"length cut",               BYTES(TYPE "\x12\xff"),                   true,  "truncated"                },
        {"signature is noise",       BYTES(TYPE "\x12\x01x\x1a\x03\x7f\x01x"), true,
         "envelope: signature has an unknown field"                                                              },
        {"signature is bare",        BYTES(TYPE "\x12\x01x\x1a\x03\x12\x01x"), true,  "key id of 0 bytes"        },
        {"signature before payload", BYTES(TYPE "\x1a\x03\x12\x01x"),          true,  "key id of 0 bytes"        },
    };

    CHECK_EACH (c, cases) {
        struct mig_error err = {0};

        check_true(c->label, mig_seal_is_envelope(c->bytes, c->len) == c->looks);
        check_true(c->label, !parse(c->bytes, c->len, &err));
        check_contains(c->label, c->trouble, err.msg);
        check_number(c->label, MIG_FORMAT, err.code);
    }
}

CHECK_TEST(what_is_packed_parses_to_the_same)
{
    static const unsigned char keyid[MIG_ENVELOPE_KEYID] = "0123456789abcdef0123456789abcde";
    const struct mig_envelope e = {
        .type = SPAN(MIG_ENVELOPE_PREFIX "x"),
        .payload = SPAN("payload\0with a zero"),
        .signatures = {{{keyid, sizeof keyid}, SPAN("s"), {SPAN("a"), SPAN("bc")}, 2},
                       {{keyid, sizeof keyid}, SPAN("t"), {SPAN("d")}, 1}},
        .signatures_len = 2,
    };
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_envelope got;
    struct mig_error err;

    check_done("pack", mig_envelope_pack(&e, &bytes, &err), &err);
    check_done("parse", mig_envelope_parse(bytes.items, bytes.len, &got, &err), &err);
    check_number("signatures", 2, got.signatures_len);
    check_number("certificates", 2, got.signatures[0].certs_len);
    check_number("certificates", 1, got.signatures[1].certs_len);
    check_true("type",
               got.type.len == e.type.len && memcmp(got.type.bytes, e.type.bytes, e.type.len) == 0);
    check_true("payload", got.payload.len == e.payload.len &&
                              memcmp(got.payload.bytes, e.payload.bytes, e.payload.len) == 0);
    check_true("key id", memcmp(got.signatures[1].keyid.bytes, keyid, sizeof keyid) == 0);
    check_true("signature", memcmp(got.signatures[1].sig.bytes, "t", 1) == 0);
    check_true("second certificate", got.signatures[0].certs[1].len == 2 &&
                                         memcmp(got.signatures[0].certs[1].bytes, "bc", 2) == 0);
}

CHECK_MAIN(cmocka_unit_test(bytes_of_another_form_are_refused_by_name),
           cmocka_unit_test(what_is_packed_parses_to_the_same))
