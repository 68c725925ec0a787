/* SPDX-License-Identifier: Apache-2.0 */
#include "seal/envelope.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "envelope.pb-c.h"
#include "seal/seal.h"

#define TYPE_LENGTH_DELIMITED 2
/* Enough for MIG_SEALED_MAX; a longer one is not ours. */
#define VARINT_BYTES_MAX 3

/* One message being read: what is left of it and the last field seen. */
struct reader {
    const unsigned char *at, *end;
    const char *where; /* for messages */
    uint32_t last;
};

/* Shortest form only. */
static bool read_varint(struct reader *r, uint32_t *ret, struct mig_error *err)
{
    uint32_t value = 0;

    for (unsigned i = 0; i < VARINT_BYTES_MAX; i++) {
        unsigned char byte;

        if (r->at == r->end) {
            return mig_fail(err, MIG_FORMAT, "%s is truncated", r->where);
        }
        byte = *r->at++;
        value |= (uint32_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) {
            *ret = value;
            return (byte != 0 || i == 0) ||
                   mig_fail(err, MIG_FORMAT, "%s has a number in an unusual form", r->where);
        }
    }
    return mig_fail(err, MIG_FORMAT, "%s has a number out of range", r->where);
}

/* Next field; they must come in the order of their numbers up to @known. */
static bool read_field(struct reader *r, uint32_t known, struct mig_span *ret,
                       struct mig_error *err)
{
    uint32_t tag, len;

    if (!read_varint(r, &tag, err)) {
        return false;
    }
    if ((tag & 7) != TYPE_LENGTH_DELIMITED || tag >> 3 == 0 || tag >> 3 > known) {
        return mig_fail(err, MIG_FORMAT, "%s has an unknown field %u of type %u", r->where,
                        tag >> 3, tag & 7);
    }
    if (tag >> 3 < r->last || (tag >> 3 == r->last && r->last != known)) {
        return mig_fail(err, MIG_FORMAT, "%s has field %u twice or out of order", r->where,
                        tag >> 3);
    }
    if (!read_varint(r, &len, err)) {
        return false;
    }
    if (len > (size_t)(r->end - r->at)) {
        return mig_fail(err, MIG_FORMAT, "%s is truncated: field %u has %u bytes, %zu are left",
                        r->where, tag >> 3, len, (size_t)(r->end - r->at));
    }
    if (len == 0) {
        return mig_fail(err, MIG_FORMAT, "%s has an empty field %u", r->where, tag >> 3);
    }
    r->last = tag >> 3;
    *ret = (struct mig_span){r->at, len};
    r->at += len;
    return true;
}

static bool check_signature(const struct mig_signature *s, struct mig_error *err)
{
    if (s->keyid.len != MIG_ENVELOPE_KEYID) {
        return mig_fail(err, MIG_FORMAT, "signature has a key id of %zu bytes, expected %d",
                        s->keyid.len, MIG_ENVELOPE_KEYID);
    }
    if (s->sig.len == 0 || s->sig.len > MIG_ENVELOPE_SIG_MAX) {
        return mig_fail(err, MIG_LIMIT, "signature has %zu bytes, expected 1 to %d", s->sig.len,
                        MIG_ENVELOPE_SIG_MAX);
    }
    if (s->certs_len == 0) {
        return mig_fail(err, MIG_FORMAT, "signature has no certificate");
    }
    for (size_t i = 0; i < s->certs_len; i++) {
        if (s->certs[i].len > MIG_CERTIFICATE_MAX) {
            return mig_fail(err, MIG_LIMIT, "certificate has %zu bytes, more than %u",
                            s->certs[i].len, MIG_CERTIFICATE_MAX);
        }
    }
    return true;
}

static bool parse_signature(const struct mig_span *in, struct mig_signature *ret,
                            struct mig_error *err)
{
    struct reader r = {in->bytes, in->bytes + in->len, "signature", 0};
    struct mig_span field = {0};

    while (r.at < r.end) {
        if (!read_field(&r, 3, &field, err)) {
            return false;
        }
        if (r.last == 1) {
            ret->keyid = field;
        } else if (r.last == 2) {
            ret->sig = field;
        } else if (ret->certs_len < MIG_CHAIN_MAX) {
            ret->certs[ret->certs_len++] = field;
        } else {
            return mig_fail(err, MIG_LIMIT, "signature has more than %d certificates",
                            MIG_CHAIN_MAX);
        }
    }
    return check_signature(ret, err);
}

static bool check_envelope(const struct mig_envelope *e, struct mig_error *err)
{
    static const struct {
        size_t at;
        const char *name;
    } needed[] = {
        {offsetof(struct mig_envelope, type.len),       "type"     },
        {offsetof(struct mig_envelope, payload.len),    "payload"  },
        {offsetof(struct mig_envelope, signatures_len), "signature"}
    };

    for (size_t i = 0; i < MIG_COUNT(needed); i++) {
        size_t len;

        memcpy(&len, (const char *)e + needed[i].at, sizeof len);
        if (len == 0) {
            return mig_fail(err, MIG_FORMAT, "envelope has no %s", needed[i].name);
        }
    }
    return true;
}

/* "Cut short" and "something else" call for different remedies. */
static bool check_start(const unsigned char *bytes, size_t len, struct mig_error *err)
{
    static const unsigned char start[] = MIG_ENVELOPE_PREFIX;
    size_t have = len > 2 ? len - 2 : 0;
    size_t seen = have < sizeof start - 1 ? have : sizeof start - 1;

    if (len > MIG_SEALED_MAX) {
        return mig_fail(err, MIG_LIMIT, "envelope has %zu bytes, more than %u", len,
                        MIG_SEALED_MAX);
    }
    if (len == 0) {
        return mig_fail(err, MIG_FORMAT, "not an envelope: empty");
    }
    if (bytes[0] != 0x0a || (len > 1 && bytes[1] > MIG_ENVELOPE_TYPE_MAX) ||
        (seen > 0 && memcmp(bytes + 2, start, seen) != 0)) {
        return mig_fail(err, MIG_FORMAT,
                        "not an envelope: expected a payload type that begins '%s'",
                        MIG_ENVELOPE_PREFIX);
    }
    return seen == sizeof start - 1 || mig_fail(err, MIG_FORMAT, "envelope is truncated");
}

bool mig_seal_is_envelope(const unsigned char *bytes, size_t len)
{
    struct mig_error err;

    return check_start(bytes, len > MIG_SEALED_MAX ? MIG_SEALED_MAX : len, &err);
}

bool mig_envelope_parse(const unsigned char *bytes, size_t len, struct mig_envelope *ret,
                        struct mig_error *err)
{
    struct reader r = {bytes, bytes + len, "envelope", 0};
    struct mig_envelope e = {0};
    struct mig_span field = {0};

    if (!check_start(bytes, len, err)) {
        return false;
    }
    while (r.at < r.end) {
        if (!read_field(&r, 3, &field, err)) {
            return false;
        }
        if (r.last == 1) {
            e.type = field;
        } else if (r.last == 2) {
            e.payload = field;
        } else if (e.signatures_len == MIG_ENVELOPE_SIGNATURES_MAX) {
            return mig_fail(err, MIG_LIMIT, "envelope has more than %d signatures",
                            MIG_ENVELOPE_SIGNATURES_MAX);
        } else if (!parse_signature(&field, &e.signatures[e.signatures_len++], err)) {
            return mig_wrap(err, "envelope");
        }
    }
    if (!check_envelope(&e, err)) {
        return false;
    }
    *ret = e;
    return true;
}

/* Generated structs want mutable bytes; packing only reads them. */
static ProtobufCBinaryData binary(const struct mig_span *span)
{
    union {
        const unsigned char *in;
        uint8_t *out;
    } borrowed = {.in = span->bytes};

    return (ProtobufCBinaryData){span->len, borrowed.out};
}

bool mig_envelope_pack(const struct mig_envelope *e, struct mig_bytes *ret, struct mig_error *err)
{
    Migctl__V1__EnvelopeSignature rows[MIG_ENVELOPE_SIGNATURES_MAX];
    Migctl__V1__EnvelopeSignature *list[MIG_ENVELOPE_SIGNATURES_MAX];
    ProtobufCBinaryData certs[MIG_ENVELOPE_SIGNATURES_MAX][MIG_CHAIN_MAX];
    MIG_AUTO(mig_free) char *type = mig_strndup((const char *)e->type.bytes, e->type.len);
    Migctl__V1__Envelope m;
    size_t len;

    for (size_t i = 0; i < e->signatures_len; i++) {
        const struct mig_signature *s = &e->signatures[i];

        for (size_t k = 0; k < s->certs_len; k++) {
            certs[i][k] = binary(&s->certs[k]);
        }
        migctl__v1__envelope_signature__init(&rows[i]);
        rows[i].keyid = binary(&s->keyid);
        rows[i].sig = binary(&s->sig);
        rows[i].n_certificates = s->certs_len;
        rows[i].certificates = certs[i];
        list[i] = &rows[i];
    }
    migctl__v1__envelope__init(&m);
    m.payload_type = type;
    m.payload = binary(&e->payload);
    m.n_signatures = e->signatures_len;
    m.signatures = list;
    len = migctl__v1__envelope__get_packed_size(&m);
    if (len > MIG_SEALED_MAX) {
        return mig_fail(err, MIG_LIMIT, "envelope would have %zu bytes, more than %u", len,
                        MIG_SEALED_MAX);
    }
    ret->items = mig_alloc(len + 1, 1);
    ret->len = migctl__v1__envelope__pack(&m, ret->items);
    return true;
}
