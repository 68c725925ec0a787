/* SPDX-License-Identifier: Apache-2.0 */
#include "gate/chv_wire.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"

/* A payload that is only announced costs nothing: memory grows as it comes. */
#define FIRST_BYTES 65536

#define ON(role) (1u << ON_##role)
enum { ON_MAIN = MIG_CHV_MAIN, ON_MEMORY = MIG_CHV_MEMORY_ONLY, ON_FAULT = MIG_CHV_FAULTS };

static const struct row {
    const char *name;
    uint64_t min, max, unit;
    unsigned where; /* bit set of roles */
} rows[MIG_CHV_COMMAND_COUNT] = {
#define COMMAND(id, number, name, min, max, unit, where)                                           \
    [MIG_CHV_##id] = {name, min, max, unit, where},
#include "gate/chv_command.def"
};
static_assert(MIG_CHV_COMMAND_COUNT == 10, "commands are numbered without a gap");

const char *mig_chv_command_name(enum mig_chv_command command)
{
    return rows[command].name;
}

static uint64_t get(const unsigned char *bytes, size_t len)
{
    uint64_t value = 0;

    while (len > 0) {
        value = value << 8 | bytes[--len];
    }
    return value;
}

static void put(uint64_t value, size_t len, unsigned char *ret)
{
    for (size_t i = 0; i < len; i++) {
        ret[i] = (unsigned char)(value >> (8 * i));
    }
}

static void put_head(unsigned kind, uint64_t len, unsigned char ret[MIG_CHV_HEAD_BYTES])
{
    memset(ret, 0, MIG_CHV_HEAD_BYTES);
    put(kind, 2, ret);
    put(len, 8, ret + 8);
}

void mig_chv_request_put(enum mig_chv_command command, uint64_t len,
                         unsigned char ret[MIG_CHV_HEAD_BYTES])
{
    put_head(command, len, ret);
}

void mig_chv_answer_put(enum mig_chv_status status, uint64_t len,
                        unsigned char ret[MIG_CHV_HEAD_BYTES])
{
    put_head(status, len, ret);
}

void mig_chv_role_put(enum mig_chv_role role, unsigned char ret[MIG_CHV_ROLE_BYTES])
{
    put(role, MIG_CHV_ROLE_BYTES, ret);
}

/* A receiver ignores what it does not know here; what it would ignore is not
 * version 0 as we know it. */
static bool check_zero(const struct mig_chv_reader *r, size_t from, const char *name,
                       struct mig_error *err)
{
    for (size_t i = from; i < 8; i++) {
        if (r->head[i] != 0) {
            return mig_fail(err, MIG_FORMAT, "%s: byte %zu of the head is 0x%02x, expected 0", name,
                            i, r->head[i]);
        }
    }
    return true;
}

static bool check_version(const struct mig_chv_reader *r, struct mig_error *err)
{
    uint64_t version = get(r->head + 2, 2);

    return version == MIG_CHV_VERSION ||
           mig_fail(err, MIG_FORMAT, "Start: protocol version %u, expected %u", (unsigned)version,
                    MIG_CHV_VERSION);
}

static bool check_length(const struct mig_chv_reader *r, const struct row *row, uint64_t len,
                         struct mig_error *err)
{
    uint64_t max = r->command == MIG_CHV_STATE && r->state_max < row->max ? r->state_max : row->max;

    if (len > max) {
        return mig_fail(err, MIG_LIMIT, "%s of %llu bytes, at most %llu are allowed", row->name,
                        (unsigned long long)len, (unsigned long long)max);
    }
    return (len >= row->min && len % row->unit == 0) ||
           mig_fail(err, MIG_FORMAT, "%s of %llu bytes, expected %s%llu", row->name,
                    (unsigned long long)len, row->unit > 1 ? "a multiple of " : "at least ",
                    (unsigned long long)row->min);
}

static bool read_request(struct mig_chv_reader *r, struct mig_error *err)
{
    uint64_t number = get(r->head, 2), len = get(r->head + 8, 8);
    const struct row *row;

    if (number == MIG_CHV_INVALID || number >= MIG_CHV_COMMAND_COUNT) {
        return mig_fail(err, MIG_FORMAT, "command %u is none that is known", (unsigned)number);
    }
    r->command = (enum mig_chv_command)number;
    row = &rows[number];
    if ((row->where >> r->role & 1) == 0) {
        return mig_fail(err, MIG_FORMAT, "%s has no place on this connection", row->name);
    }
    if ((r->commands & mig_chv_bit(r->command)) == 0) {
        return mig_fail(err, MIG_FORMAT, "%s at a point where it may not come", row->name);
    }
    if ((r->command == MIG_CHV_START && !check_version(r, err)) ||
        !check_zero(r, 2, row->name, err) || !check_length(r, row, len, err)) {
        return false;
    }
    r->payload_due = (size_t)len;
    return true;
}

static bool read_answer(struct mig_chv_reader *r, struct mig_error *err)
{
    uint64_t number = get(r->head, 2), len = get(r->head + 8, 8), due;

    if (number != MIG_CHV_OK && number != MIG_CHV_ERROR) {
        return mig_fail(err, MIG_FORMAT, "answer with status %u, expected 1 or 2",
                        (unsigned)number);
    }
    r->status = (enum mig_chv_status)number;
    if (!check_zero(r, 2, "answer", err)) {
        return false;
    }
    due = r->status == MIG_CHV_OK ? r->content_due : 0;
    if (len != due) {
        return mig_fail(err, MIG_FORMAT, "answer with %llu bytes, expected %llu",
                        (unsigned long long)len, (unsigned long long)due);
    }
    r->payload_due = 0;
    return true;
}

static bool read_role(struct mig_chv_reader *r, struct mig_error *err)
{
    uint64_t number = get(r->head, MIG_CHV_ROLE_BYTES);

    if (number == MIG_CHV_MAIN || number >= MIG_CHV_ROLE_COUNT) {
        return mig_fail(err, MIG_FORMAT, "connection of role %u, expected 1 or 2",
                        (unsigned)number);
    }
    r->role = (enum mig_chv_role)number;
    r->has_role = true;
    r->head_len = 0;
    return true;
}

/* What stands in a payload of ours to read; sets how much content follows. */
static bool read_payload(struct mig_chv_reader *r, struct mig_error *err)
{
    static const struct mig_chv_ram none = {0};
    const struct mig_chv_ram *ram = r->ram != NULL ? r->ram : &none;

    r->content_left = 0;
    if (r->answers) {
        r->content_left = r->status == MIG_CHV_OK ? r->content_due : 0;
        return true;
    }
    if (r->command == MIG_CHV_MEMORY) {
        return mig_chv_ram_check_table(ram, r->payload, r->payload_len, &r->content_left, err) ||
               mig_wrap(err, "Memory");
    }
    if (r->command == MIG_CHV_PAGE_FAULT) {
        struct mig_chv_range range = mig_chv_range_read(r->payload);

        if (range.len > MIG_CHV_FAULT_MAX) {
            return mig_fail(err, MIG_LIMIT, "PageFault: %llu bytes, at most %u are allowed",
                            (unsigned long long)range.len, MIG_CHV_FAULT_MAX);
        }
        return mig_chv_ram_check(ram, range, err) || mig_wrap(err, "PageFault");
    }
    return true;
}

static size_t smaller(uint64_t a, size_t b)
{
    return a < b ? (size_t)a : b;
}

/* Fill the head up to @want; false: it is not whole yet. */
static bool fill_head(struct mig_chv_reader *r, size_t want, const unsigned char *bytes, size_t len,
                      size_t *ret_used)
{
    size_t take = smaller(want - r->head_len, len);

    memcpy(r->head + r->head_len, bytes, take);
    r->head_len += take;
    *ret_used += take;
    return r->head_len == want;
}

static bool fill_payload(struct mig_chv_reader *r, const unsigned char *bytes, size_t len,
                         size_t *ret_used)
{
    size_t take = smaller(r->payload_due - r->payload_len, len), need = r->payload_len + take;

    if (need > r->payload_cap) {
        size_t cap = r->payload_cap == 0 ? FIRST_BYTES : 2 * r->payload_cap;

        cap = cap < need ? need : cap;
        r->payload_cap = smaller(r->payload_due, cap);
        r->payload = mig_resize(r->payload, r->payload_cap, 1);
    }
    if (take > 0) {
        memcpy(r->payload + r->payload_len, bytes, take);
    }
    r->payload_len = need;
    *ret_used += take;
    return need == r->payload_due;
}

static void drop_payload(struct mig_chv_reader *r)
{
    mig_free(r->payload);
    r->payload = NULL;
    r->payload_len = r->payload_cap = 0;
}

static enum mig_chv_event next_message(struct mig_chv_reader *r, const unsigned char *bytes,
                                       size_t len, size_t *ret_used, struct mig_error *err)
{
    if (r->head_len < MIG_CHV_HEAD_BYTES) {
        if (!fill_head(r, MIG_CHV_HEAD_BYTES, bytes, len, ret_used)) {
            return MIG_CHV_MORE;
        }
        drop_payload(r);
        if (!(r->answers ? read_answer(r, err) : read_request(r, err))) {
            return MIG_CHV_BAD;
        }
    }
    if (!fill_payload(r, bytes + *ret_used, len - *ret_used, ret_used)) {
        return MIG_CHV_MORE;
    }
    if (!read_payload(r, err)) {
        return MIG_CHV_BAD;
    }
    r->head_len = 0;
    return MIG_CHV_MESSAGE;
}

enum mig_chv_event mig_chv_reader_next(struct mig_chv_reader *r, const unsigned char *bytes,
                                       size_t len, size_t *ret_used, struct mig_error *err)
{
    *ret_used = 0;
    if (len == 0) {
        return MIG_CHV_MORE;
    }
    if (r->content_left > 0) {
        *ret_used = smaller(r->content_left, len);
        r->content_left -= *ret_used;
        return MIG_CHV_CONTENT;
    }
    if (r->role != MIG_CHV_MAIN && !r->has_role && !r->answers) {
        if (!fill_head(r, MIG_CHV_ROLE_BYTES, bytes, len, ret_used)) {
            return MIG_CHV_MORE;
        }
        return read_role(r, err) ? MIG_CHV_ROLE : MIG_CHV_BAD;
    }
    return next_message(r, bytes, len, ret_used, err);
}

unsigned char *mig_chv_reader_steal(struct mig_chv_reader *r, size_t *ret_len)
{
    unsigned char *payload = r->payload;

    *ret_len = r->payload_len;
    r->payload = NULL;
    r->payload_len = r->payload_cap = 0;
    return payload;
}

bool mig_chv_reader_is_between(const struct mig_chv_reader *r)
{
    return r->head_len == 0 && r->content_left == 0;
}

void mig_chv_reader_clear(struct mig_chv_reader *r)
{
    drop_payload(r);
}
