/* SPDX-License-Identifier: Apache-2.0 */
#include "wire/message.h"

#include <string.h>

#include "base/alloc.h"
#include "base/array.h"
#include "base/budget.h"
#include "base/text.h"
#include "negotiate.pb-c.h"
#include "wire/message_agree.h"
#include "wire/message_contract.h"
#include "wire/message_part.h"

#define NONCE_BYTES 32
#define ADDRESS_MAX 512
#define NAME_MAX_LEN 127
#define PHASE_MAX 31
#define TEXT_MAX 1023
#define TIMEOUT_MAX_MS (60u * 60 * 1000)
/* Copies of one frame's fields, and what its unknown fields may cost: a frame
 * of a megabyte can hold half a million of them. */
#define DECODE_BUDGET (2 * MIG_FRAME_MAX)

static const Mig__Wire__Code wire_codes[MIG_CODE_COUNT] = {
#define ERROR(name, exit_status, meaning) [MIG_##name] = MIG__WIRE__CODE__##name,
#include "base/error.def"
};

void mig_message_clear(struct mig_message *m)
{
    mig_bytes_clear(&m->nonce);
    mig_bytes_clear(&m->sealed);
    mig_bytes_clear(&m->sealed_peer);
    mig_bytes_clear(&m->shown);
    mig_free(m->address);
    mig_free(m->name);
    mig_free(m->phase);
    mig_free(m->text);
    mig_bytes_clear(&m->agreement);
    mig_message_clear_contract(m);
    *m = (struct mig_message){0};
}

/* ---- encode ---- */

ProtobufCBinaryData mig_message_borrow(const struct mig_bytes *b)
{
    return (ProtobufCBinaryData){.len = b->len, .data = b->items};
}

char *mig_message_text(char *s)
{
    static char empty[] = "";

    return s != NULL ? s : empty;
}

/* Our own messages quote file names and the like; cut and clean, so that the
 * other side never has to refuse an explanation. */
char *mig_message_fit(const char *s, size_t max)
{
    char *copy = mig_strndup(s != NULL ? s : "", max);

    mig_text_make_printable(copy);
    return copy;
}

void mig_message_pack(const Mig__Wire__Frame *frame, struct mig_bytes *ret)
{
    size_t len = mig__wire__frame__get_packed_size(frame);
    unsigned char *items = mig_alloc(len + 1, 1);

    (void)mig__wire__frame__pack(frame, items);
    *ret = (struct mig_bytes){.items = items, .len = len};
}

static void pack_error(Mig__Wire__Frame frame, const struct mig_message *m, struct mig_bytes *ret)
{
    MIG_AUTO(mig_free) char *phase = mig_message_fit(m->phase, PHASE_MAX);
    MIG_AUTO(mig_free) char *text = mig_message_fit(m->text, TEXT_MAX);
    Mig__Wire__Error error;

    mig__wire__error__init(&error);
    error.code = wire_codes[m->code == MIG_OK ? MIG_INTERNAL : m->code];
    error.phase = phase;
    error.text = text;
    frame.body_case = MIG__WIRE__FRAME__BODY_ERROR;
    frame.error = &error;
    mig_message_pack(&frame, ret);
}

static void pack_exchange(Mig__Wire__Frame frame, const struct mig_message *m,
                          struct mig_bytes *ret)
{
    Mig__Wire__Exchange exchange;

    mig__wire__exchange__init(&exchange);
    exchange.nonce = mig_message_borrow(&m->nonce);
    exchange.address = mig_message_text(m->address);
    exchange.name = mig_message_text(m->name);
    exchange.timeout_ms = m->timeout_ms;
    frame.body_case = MIG__WIRE__FRAME__BODY_EXCHANGE;
    frame.exchange = &exchange;
    mig_message_pack(&frame, ret);
}

static void pack_prove(Mig__Wire__Frame frame, const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__Prove prove;

    mig__wire__prove__init(&prove);
    prove.nonce = mig_message_borrow(&m->nonce);
    prove.shown = mig_message_borrow(&m->shown);
    prove.timeout_ms = m->timeout_ms;
    frame.body_case = MIG__WIRE__FRAME__BODY_PROVE;
    frame.prove = &prove;
    mig_message_pack(&frame, ret);
}

void mig_message_encode(const struct mig_message *m, struct mig_bytes *ret)
{
    Mig__Wire__Frame frame;
    Mig__Wire__Capture capture;
    Mig__Wire__Captured captured;
    Mig__Wire__Exchanged exchanged;
    Mig__Wire__Proved proved;

    mig__wire__frame__init(&frame);
    mig__wire__capture__init(&capture);
    mig__wire__captured__init(&captured);
    mig__wire__exchanged__init(&exchanged);
    mig__wire__proved__init(&proved);
    frame.version = MIG_WIRE_VERSION;
    frame.id = m->id;
    switch (m->kind) {
    case MIG_MESSAGE_CAPTURE:
        capture.nonce = mig_message_borrow(&m->nonce);
        frame.body_case = MIG__WIRE__FRAME__BODY_CAPTURE;
        frame.capture = &capture;
        break;
    case MIG_MESSAGE_CAPTURED:
        captured.sealed = mig_message_borrow(&m->sealed);
        frame.body_case = MIG__WIRE__FRAME__BODY_CAPTURED;
        frame.captured = &captured;
        break;
    case MIG_MESSAGE_EXCHANGE:
        pack_exchange(frame, m, ret);
        return;
    case MIG_MESSAGE_EXCHANGED:
        exchanged.sealed = mig_message_borrow(&m->sealed);
        exchanged.sealed_peer = mig_message_borrow(&m->sealed_peer);
        frame.body_case = MIG__WIRE__FRAME__BODY_EXCHANGED;
        frame.exchanged = &exchanged;
        break;
    case MIG_MESSAGE_PROVE:
        pack_prove(frame, m, ret);
        return;
    case MIG_MESSAGE_PROVED:
        proved.sealed = mig_message_borrow(&m->sealed);
        frame.body_case = MIG__WIRE__FRAME__BODY_PROVED;
        frame.proved = &proved;
        break;
    case MIG_MESSAGE_ERROR:
        pack_error(frame, m, ret);
        return;
    case MIG_MESSAGE_CONTRACT_PUT:
    case MIG_MESSAGE_CONTRACT_HELD:
    case MIG_MESSAGE_CONTRACT_GET:
    case MIG_MESSAGE_CONTRACT_LIST:
    case MIG_MESSAGE_CONTRACT_LISTED:
    case MIG_MESSAGE_CONTRACT_FORGET:
    case MIG_MESSAGE_CONTRACT_FORGOTTEN:
        mig_message_pack_contract(&frame, m, ret);
        return;
    case MIG_MESSAGE_AGREE:
    case MIG_MESSAGE_AGREED:
    case MIG_MESSAGE_PROPOSE:
    case MIG_MESSAGE_ACCEPTED:
    case MIG_MESSAGE_ADVANCE:
    case MIG_MESSAGE_ADVANCED:
        mig_message_pack_agree(&frame, m, ret);
        return;
    case MIG_MESSAGE_KIND_COUNT:
        MIG_ASSERT(m->kind != MIG_MESSAGE_KIND_COUNT);
    }
    mig_message_pack(&frame, ret);
}

/* ---- decode ---- */

static bool copy_nonce(ProtobufCBinaryData from, struct mig_bytes *ret, struct mig_error *err)
{
    if (from.len != NONCE_BYTES) {
        return mig_fail(err, MIG_FORMAT, "nonce of %zu bytes, expected %d", from.len, NONCE_BYTES);
    }
    *ret = (struct mig_bytes){.items = mig_memdup(from.data, from.len), .len = from.len};
    return true;
}

bool mig_message_copy_text(const char *field, const char *from, size_t max, char **ret,
                           struct mig_error *err)
{
    size_t len = strlen(from);

    if (len > max) {
        return mig_fail(err, MIG_LIMIT, "%s of %zu characters, at most %zu are allowed", field, len,
                        max);
    }
    for (size_t i = 0; i < len; i++) {
        if (from[i] < 0x20 || from[i] > 0x7e) {
            return mig_fail(err, MIG_FORMAT, "%s holds byte 0x%02x, expected printable ASCII",
                            field, (unsigned)(unsigned char)from[i]);
        }
    }
    *ret = mig_strndup(from, len);
    return true;
}

bool mig_message_check_timeout(uint32_t ms, struct mig_error *err)
{
    return ms <= TIMEOUT_MAX_MS ||
           mig_fail(err, MIG_LIMIT, "timeout_ms is %u, at most %u are allowed", ms, TIMEOUT_MAX_MS);
}

bool mig_message_take_bytes(const char *field, ProtobufCBinaryData from, size_t max,
                            struct mig_bytes *ret, struct mig_error *err)
{
    if (from.len == 0) {
        return mig_fail(err, MIG_FORMAT, "%s is empty", field);
    }
    if (from.len > max) {
        return mig_fail(err, MIG_LIMIT, "%s of %zu bytes, at most %zu are allowed", field, from.len,
                        max);
    }
    *ret = (struct mig_bytes){.items = mig_memdup(from.data, from.len), .len = from.len};
    return true;
}

bool mig_message_take_target(const char *address, const char *name, struct mig_message *m,
                             struct mig_error *err)
{
    if (address[0] == '\0') {
        return mig_fail(err, MIG_FORMAT, "address is empty");
    }
    return mig_message_copy_text("address", address, ADDRESS_MAX, &m->address, err) &&
           mig_message_copy_text("name", name, NAME_MAX_LEN, &m->name, err);
}

static bool take_exchange(const Mig__Wire__Exchange *from, struct mig_message *m,
                          struct mig_error *err)
{
    m->kind = MIG_MESSAGE_EXCHANGE;
    m->timeout_ms = from->timeout_ms;
    return mig_message_check_timeout(from->timeout_ms, err) &&
           copy_nonce(from->nonce, &m->nonce, err) &&
           mig_message_take_target(from->address, from->name, m, err);
}

static bool take_prove(const Mig__Wire__Prove *from, struct mig_message *m, struct mig_error *err)
{
    m->kind = MIG_MESSAGE_PROVE;
    m->timeout_ms = from->timeout_ms;
    return mig_message_check_timeout(from->timeout_ms, err) &&
           copy_nonce(from->nonce, &m->nonce, err) &&
           mig_message_take_bytes("shown", from->shown, MIG_FRAME_MAX, &m->shown, err);
}

static enum mig_code code_of(Mig__Wire__Code wire)
{
    for (int i = 1; i < MIG_CODE_COUNT; i++) {
        if (wire_codes[i] == wire) {
            return (enum mig_code)i;
        }
    }
    return MIG_REFUSED; /* a later peer's finer word */
}

static bool take_error(const Mig__Wire__Error *from, struct mig_message *m, struct mig_error *err)
{
    m->kind = MIG_MESSAGE_ERROR;
    m->code = code_of(from->code);
    return mig_message_copy_text("phase", from->phase, PHASE_MAX, &m->phase, err) &&
           mig_message_copy_text("text", from->text, TEXT_MAX, &m->text, err);
}

static bool take_body(const Mig__Wire__Frame *frame, struct mig_message *m, struct mig_error *err)
{
    if (mig_message_has_contract(frame)) {
        return mig_message_take_contract(frame, m, err);
    }
    if (mig_message_has_agree(frame)) {
        return mig_message_take_agree(frame, m, err);
    }
    switch ((int)frame->body_case) { /* protobuf-c adds a value of its own */
    case MIG__WIRE__FRAME__BODY_CAPTURE:
        m->kind = MIG_MESSAGE_CAPTURE;
        return copy_nonce(frame->capture->nonce, &m->nonce, err);
    case MIG__WIRE__FRAME__BODY_CAPTURED:
        m->kind = MIG_MESSAGE_CAPTURED;
        return mig_message_take_bytes("sealed", frame->captured->sealed, MIG_FRAME_MAX, &m->sealed,
                                      err);
    case MIG__WIRE__FRAME__BODY_EXCHANGE:
        return take_exchange(frame->exchange, m, err);
    case MIG__WIRE__FRAME__BODY_EXCHANGED:
        m->kind = MIG_MESSAGE_EXCHANGED;
        return mig_message_take_bytes("sealed", frame->exchanged->sealed, MIG_FRAME_MAX, &m->sealed,
                                      err) &&
               mig_message_take_bytes("sealed_peer", frame->exchanged->sealed_peer, MIG_FRAME_MAX,
                                      &m->sealed_peer, err);
    case MIG__WIRE__FRAME__BODY_PROVE:
        return take_prove(frame->prove, m, err);
    case MIG__WIRE__FRAME__BODY_PROVED:
        m->kind = MIG_MESSAGE_PROVED;
        return mig_message_take_bytes("sealed", frame->proved->sealed, MIG_FRAME_MAX, &m->sealed,
                                      err);
    case MIG__WIRE__FRAME__BODY_ERROR:
        return take_error(frame->error, m, err);
    case MIG__WIRE__FRAME__BODY__NOT_SET:
    default:
        return mig_fail(err, MIG_FORMAT, "message of a kind that we do not know");
    }
}

static bool take_frame(const Mig__Wire__Frame *frame, struct mig_message *ret,
                       struct mig_error *err)
{
    MIG_AUTO(mig_message_clear) struct mig_message m = {.id = frame->id};

    if (frame->version != MIG_WIRE_VERSION) {
        return mig_fail(err, MIG_FORMAT, "peer speaks protocol %u, we speak %d", frame->version,
                        MIG_WIRE_VERSION);
    }
    if (!take_body(frame, &m, err)) {
        return false;
    }
    *ret = m;
    m = (struct mig_message){0};
    return true;
}

bool mig_message_decode(const unsigned char *bytes, size_t len, struct mig_message *ret,
                        struct mig_error *err)
{
    struct mig_budget budget = {DECODE_BUDGET};
    ProtobufCAllocator allocator = {mig_budget_alloc, mig_budget_free, &budget};
    Mig__Wire__Frame *frame;
    bool done;

    if (len > MIG_FRAME_MAX) {
        return mig_fail(err, MIG_LIMIT, "message of %zu bytes, at most %u are allowed", len,
                        MIG_FRAME_MAX);
    }
    frame = mig__wire__frame__unpack(&allocator, len, bytes);
    if (frame == NULL) {
        return mig_fail(err, MIG_FORMAT, "%zu bytes that are no message of ours", len);
    }
    done = take_frame(frame, ret, err);
    mig__wire__frame__free_unpacked(frame, &allocator);
    return done;
}
