/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/alloc.h"
#include "base/budget.h"
#include "base/text.h"
#include "cpu/field.h"
#include "seal/seal.h"
#include "snapshot.pb-c.h"
#include "snapshot/builder.h"
#include "snapshot/codec.h"
#include "snapshot/normalise.h"

/*
 * Bytes become a message within a memory budget, the message fills a builder
 * with each field checked by name, and the frozen snapshot must encode to the
 * very same bytes: whatever the checks by name let pass, an array out of
 * order, an unknown field, a number in a longer form, fails there.
 */
#define UNPACK_BYTES_MAX (8u * 1024 * 1024)
#define ERRNO_MAX 4095
#define POSITION_BITS 50

/* Entries of one space in wire order; len can not pass the input's. */
struct list {
    struct mig_entry *items;
    size_t len;
};

static void list_clear_auto(struct list *l)
{
    mig_free(l->items);
}

static bool is_printable(const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text < 0x20 || *text > 0x7e) {
            return false;
        }
    }
    return true;
}

static bool check_text(const char *what, const char *text, size_t max, struct mig_error *err)
{
    if (strlen(text) > max) {
        return mig_fail(err, MIG_LIMIT, "%s is longer than %zu characters", what, max);
    }
    return is_printable(text) || mig_fail(err, MIG_FORMAT, "%s is not printable", what);
}

static bool read_stamp(const Migctl__V1__Stamp *pb, struct mig_builder *b, struct mig_error *err)
{
    struct mig_stamp stamp = {0};

    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "stamp is missing");
    }
    if (!check_text("stamp host", pb->host, sizeof stamp.host - 1, err) ||
        !check_text("stamp boot id", pb->boot_id, sizeof stamp.boot_id - 1, err)) {
        return false;
    }
    if (pb->sequence > INT64_MAX || pb->issued_at < 0 || pb->expires_at < 0) {
        return mig_fail(err, MIG_FORMAT, "stamp holds a number out of range");
    }
    if (pb->nonce.len != 0 && pb->nonce.len != MIG_NONCE_BYTES) {
        return mig_fail(err, MIG_FORMAT, "stamp nonce has %zu bytes, expected none or %d",
                        pb->nonce.len, MIG_NONCE_BYTES);
    }
    memcpy(stamp.host, pb->host, strlen(pb->host));
    memcpy(stamp.boot_id, pb->boot_id, strlen(pb->boot_id));
    stamp.sequence = pb->sequence;
    stamp.issued_at = pb->issued_at;
    stamp.expires_at = pb->expires_at;
    stamp.has_nonce = pb->nonce.len != 0;
    if (stamp.has_nonce) {
        memcpy(stamp.nonce, pb->nonce.data, MIG_NONCE_BYTES);
    }
    stamp.replayed = pb->replayed;
    stamp.table_version = pb->table_version;
    mig_builder_stamp(b, &stamp);
    return true;
}

static bool read_groups(const Migctl__V1__Snapshot *pb, struct mig_builder *b,
                        struct mig_error *err)
{
    for (size_t i = 0; i < pb->n_groups; i++) {
        const Migctl__V1__Group *g = pb->groups[i];

        if ((unsigned)g->group >= MIG_GROUP_COUNT || (unsigned)g->coverage > MIG_COVER_FULL) {
            return mig_fail(err, MIG_FORMAT, "group %u has coverage %u: not known here",
                            (unsigned)g->group, (unsigned)g->coverage);
        }
        if (i > 0 && g->group <= pb->groups[i - 1]->group) {
            return mig_fail(err, MIG_FORMAT, "groups are not in order");
        }
        if (g->errnum > ERRNO_MAX) {
            return mig_fail(err, MIG_FORMAT, "errno %u is out of range", g->errnum);
        }
        if (!check_text("group source", g->source, MIG_SOURCE_MAX, err)) {
            return false;
        }
        mig_builder_cover(b, (enum mig_group)g->group, (enum mig_coverage)g->coverage,
                          (int)g->errnum, g->source);
    }
    return true;
}

/* Turn @steps into keys of @space; positions must grow and fit. */
static bool read_steps(enum mig_space space, const uint64_t *steps, size_t len, struct list *ret,
                       struct mig_error *err)
{
    uint64_t position = 0;

    if (len > MIG_ENTRIES_MAX) {
        return mig_fail(err, MIG_LIMIT, "more than %d registers", MIG_ENTRIES_MAX);
    }
    ret->items = mig_alloc(len, sizeof *ret->items);
    for (size_t i = 0; i < len; i++) {
        if ((i > 0 && steps[i] == 0) || steps[i] >= (1ULL << POSITION_BITS) - position) {
            return mig_fail(err, MIG_FORMAT, "step %zu of space %d leads nowhere", i, (int)space);
        }
        position += steps[i];
        ret->items[i].key = mig_reg_key((struct mig_reg){
            .space = space,
            .index = (uint32_t)(position >> 18),
            .sub = (uint16_t)(position >> 2),
            .part = (enum mig_part)(position & 3),
        });
    }
    ret->len = len;
    return true;
}

static bool read_values(const Migctl__V1__Registers *r, struct list *list, struct mig_error *err)
{
    if (r->n_values != list->len) {
        return mig_fail(err, MIG_FORMAT, "space %d has %zu steps and %zu values", (int)r->space,
                        list->len, r->n_values);
    }
    for (size_t i = 0; i < list->len; i++) {
        list->items[i].value = r->values[i];
    }
    for (size_t i = 0; i < r->n_unreadable; i++) {
        struct mig_entry *e;

        if (r->unreadable[i] >= list->len) {
            return mig_fail(err, MIG_FORMAT, "space %d has no entry %u", (int)r->space,
                            r->unreadable[i]);
        }
        e = &list->items[r->unreadable[i]];
        if (e->value == 0 || e->value > ERRNO_MAX) {
            return mig_fail(err, MIG_FORMAT, "errno %llu is out of range",
                            (unsigned long long)e->value);
        }
        e->errnum = (int)e->value;
        e->value = 0;
    }
    return true;
}

static void pour(const struct list *list, struct mig_builder *b)
{
    for (size_t i = 0; i < list->len; i++) {
        const struct mig_entry *e = &list->items[i];

        if (e->errnum != 0) {
            mig_builder_set_unreadable(b, mig_reg_from_key(e->key), e->errnum);
        } else {
            mig_builder_set(b, mig_reg_from_key(e->key), e->value);
        }
    }
}

/* Does sorted @list hold @key?  @cursor walks along with growing keys. */
static bool holds(const struct list *list, size_t *cursor, uint64_t key)
{
    while (*cursor < list->len && list->items[*cursor].key < key) {
        (*cursor)++;
    }
    return *cursor < list->len && list->items[*cursor].key == key;
}

/* What CPUID_BARE shares with CPUID; its own entries come on top. */
static bool pour_shared(const struct list *cpuid, const struct list *own,
                        const Migctl__V1__Registers *r, struct mig_builder *b,
                        struct mig_error *err)
{
    MIG_AUTO(list_clear) struct list absent = {0}, shared = {0};
    size_t in_own = 0, in_absent = 0;

    if (!read_steps(MIG_SPACE_CPUID_BARE, r->absent_steps, r->n_absent_steps, &absent, err)) {
        return false;
    }
    shared.items = mig_alloc(cpuid->len, sizeof *shared.items);
    for (size_t i = 0; i < cpuid->len; i++) {
        struct mig_entry e = cpuid->items[i];
        struct mig_reg reg = mig_reg_from_key(e.key);

        reg.space = MIG_SPACE_CPUID_BARE;
        e.key = mig_reg_key(reg);
        if (!holds(own, &in_own, e.key) && !holds(&absent, &in_absent, e.key)) {
            shared.items[shared.len++] = e;
        }
    }
    pour(&shared, b);
    return true;
}

static bool read_registers(const Migctl__V1__Snapshot *pb, struct mig_builder *b,
                           struct mig_error *err)
{
    MIG_AUTO(list_clear) struct list cpuid = {0};

    for (size_t i = 0; i < pb->n_registers; i++) {
        const Migctl__V1__Registers *r = pb->registers[i];
        MIG_AUTO(list_clear) struct list list = {0};

        if ((unsigned)r->space >= MIG_SPACE_COUNT) {
            return mig_fail(err, MIG_FORMAT, "space %u: not known here", (unsigned)r->space);
        }
        if (i > 0 && r->space <= pb->registers[i - 1]->space) {
            return mig_fail(err, MIG_FORMAT, "spaces are not in order");
        }
        if (!read_steps((enum mig_space)r->space, r->steps, r->n_steps, &list, err) ||
            !read_values(r, &list, err)) {
            return false;
        }
        if ((unsigned)r->space == MIG_SPACE_CPUID_BARE && !pour_shared(&cpuid, &list, r, b, err)) {
            return false;
        }
        pour(&list, b);
        if ((unsigned)r->space == MIG_SPACE_CPUID) {
            cpuid = list;
            list = (struct list){0};
        }
    }
    return true;
}

/* @text holds the previous whole text and becomes this one. */
static bool unfold(struct mig_text *text, size_t shared, const char *rest, struct mig_error *err)
{
    if (shared > text->len) {
        return mig_fail(err, MIG_FORMAT, "a fact shares %zu characters with one of %zu", shared,
                        text->len);
    }
    text->len = shared;
    mig_text_add(text, rest);
    return true;
}

static bool read_fact(const Migctl__V1__Fact *f, struct mig_text *name, struct mig_text *source,
                      struct mig_builder *b, struct mig_error *err)
{
    if (!unfold(name, f->name_shared, f->name_rest, err) ||
        !unfold(source, f->source_shared, f->source_rest, err) ||
        !check_text("name of a fact", name->items, MIG_NAME_MAX - 1, err) ||
        !check_text("source of a fact", source->items, MIG_SOURCE_MAX, err) ||
        !check_text("value of a fact", f->value, MIG_FACT_TEXT_MAX, err)) {
        return false;
    }
    if (f->errnum > ERRNO_MAX) {
        return mig_fail(err, MIG_FORMAT, "errno %u is out of range", f->errnum);
    }
    if (f->errnum != 0) {
        mig_builder_add_unreadable_fact(b, name->items, (int)f->errnum, source->items);
    } else {
        mig_builder_add_fact(b, name->items, f->value, source->items);
    }
    return true;
}

static bool read_facts(const Migctl__V1__Snapshot *pb, struct mig_builder *b, struct mig_error *err)
{
    MIG_AUTO(mig_text_clear) struct mig_text name = {0}, source = {0};

    mig_text_add(&name, "");
    mig_text_add(&source, "");
    for (size_t i = 0; i < pb->n_facts; i++) {
        if (!read_fact(pb->facts[i], &name, &source, b, err)) {
            return false;
        }
    }
    return true;
}

static bool read_message(const Migctl__V1__Snapshot *pb, struct mig_snapshot **ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = NULL;

    if (pb->arch != MIGCTL__V1__ARCH__ARCH_X86 && pb->arch != MIGCTL__V1__ARCH__ARCH_ARM64) {
        return mig_fail(err, MIG_FORMAT, "architecture %u: not known here", (unsigned)pb->arch);
    }
    b = mig_builder_new((enum mig_arch)pb->arch);
    return read_stamp(pb->stamp, b, err) && read_groups(pb, b, err) && read_registers(pb, b, err) &&
           read_facts(pb, b, err) && mig_builder_freeze_as_is(b, ret, err);
}

/* A sender with our table, or none stated, must have normalised like us; what
 * another table left in is cleared by ours. */
static bool normalise(struct mig_snapshot *s, struct mig_error *err)
{
    uint32_t version = s->stamp.table_version;

    return !mig_normalise_snapshot(s) || (version != 0 && version != MIG_TABLE_VERSION) ||
           mig_fail(err, MIG_FORMAT, "values are not normalised");
}

static bool decode(const unsigned char *bytes, size_t len, struct mig_snapshot **ret,
                   struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;
    MIG_AUTO(mig_bytes_clear) struct mig_bytes again = {0};
    struct mig_budget budget = {UNPACK_BYTES_MAX};
    ProtobufCAllocator allocator = {mig_budget_alloc, mig_budget_free, &budget};
    Migctl__V1__Snapshot *pb;
    bool done;

    if (len > MIG_SNAPSHOT_BYTES_MAX) {
        return mig_fail(err, MIG_LIMIT, "larger than %u bytes", MIG_SNAPSHOT_BYTES_MAX);
    }
    pb = migctl__v1__snapshot__unpack(&allocator, len, bytes);
    if (pb == NULL) {
        return mig_fail(err, MIG_FORMAT, "truncated, or no snapshot message");
    }
    done = read_message(pb, &s, err);
    migctl__v1__snapshot__free_unpacked(pb, &allocator);
    if (!done) {
        return false;
    }
    mig_snapshot_encode(s, &s->stamp, &again);
    if (again.len != len || memcmp(again.items, bytes, len) != 0) {
        return mig_fail(err, MIG_FORMAT, "not in canonical form");
    }
    if (!normalise(s, err)) {
        return false;
    }
    *ret = mig_steal(&s);
    return true;
}

bool mig_snapshot_decode_untrusted(const unsigned char *bytes, size_t len,
                                   struct mig_snapshot **ret, struct mig_error *err)
{
    return decode(bytes, len, ret, err) || mig_wrap(err, "snapshot");
}

static const char *media_of(enum mig_payload_type type)
{
    static const char *const media[MIG_PAYLOAD_COUNT] = {
#define PAYLOAD(id, name) [MIG_PAYLOAD_##id] = (name),
#include "seal/payload.def"
    };

    return (unsigned)type < MIG_PAYLOAD_COUNT ? media[type] : "of no known type";
}

static bool check_signer(const struct mig_payload *payload, const struct mig_stamp *stamp,
                         struct mig_error *err)
{
    const char *signer = payload->signer.name;

    if (strcmp(stamp->host, signer) != 0) {
        return mig_fail(err, MIG_TRUST, "snapshot speaks for host '%s' but '%s' signed it",
                        stamp->host, signer);
    }
    if (stamp->issued_at < payload->valid_from) {
        return mig_fail(err, MIG_TRUST,
                        "snapshot of '%s' was issued at %lld, before its certificates are valid "
                        "from %lld",
                        signer, (long long)stamp->issued_at, (long long)payload->valid_from);
    }
    if (stamp->issued_at > payload->valid_to) {
        return mig_fail(err, MIG_TRUST,
                        "snapshot of '%s' was issued at %lld, after its certificates expired at "
                        "%lld",
                        signer, (long long)stamp->issued_at, (long long)payload->valid_to);
    }
    return true;
}

bool mig_snapshot_decode(const struct mig_payload *payload, struct mig_snapshot **ret,
                         struct mig_error *err)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = NULL;

    if (payload->type != MIG_PAYLOAD_SNAPSHOT) {
        return mig_fail(err, MIG_TRUST, "expected a snapshot, the signed payload is %s",
                        media_of(payload->type));
    }
    if (payload->signer.role != MIG_ROLE_AGENT) {
        return mig_fail(err, MIG_TRUST, "snapshot is signed by %s '%s', expected an agent",
                        mig_role_name(payload->signer.role), payload->signer.name);
    }
    if (!decode(payload->bytes, payload->len, &s, err)) {
        return mig_wrap(err, "snapshot signed by '%s'", payload->signer.name);
    }
    if (!check_signer(payload, &s->stamp, err)) {
        return false;
    }
    *ret = mig_steal(&s);
    return true;
}
