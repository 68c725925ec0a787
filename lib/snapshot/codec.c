/* SPDX-License-Identifier: Apache-2.0 */
#include "snapshot/codec.h"

#include <assert.h>
#include <string.h>

#include "base/alloc.h"
#include "snapshot.pb-c.h"

/* Wire numbers are ours in another spelling; a reordered table must not pass. */
#define SAME(ours, theirs) static_assert((int)(ours) == (int)(theirs), "wire number changed")
#define SAME_SPACE(id) SAME(MIG_SPACE_##id, MIGCTL__V1__SPACE__SPACE_##id)
SAME_SPACE(CPUID);
SAME_SPACE(CPUID_BARE);
SAME_SPACE(CPUID_EMULATED);
SAME_SPACE(CPUID_HV);
SAME_SPACE(MSR);
SAME_SPACE(MSR_LIST);
SAME_SPACE(IDREG);
SAME_SPACE(CAP);
SAME_SPACE(HOST);
SAME_SPACE(GUEST);
SAME_SPACE(VIRTIO);
#define GROUP(id, ...) SAME(MIG_GROUP_##id, MIGCTL__V1__GROUP_ID__GROUP_##id);
#include "cpu/group.def"
SAME(MIG_COVER_NONE, MIGCTL__V1__COVERAGE__COVER_NONE);
SAME(MIG_COVER_UNREADABLE, MIGCTL__V1__COVERAGE__COVER_UNREADABLE);
SAME(MIG_COVER_PARTIAL, MIGCTL__V1__COVERAGE__COVER_PARTIAL);
SAME(MIG_COVER_FULL, MIGCTL__V1__COVERAGE__COVER_FULL);
SAME(MIG_ARCH_X86, MIGCTL__V1__ARCH__ARCH_X86);
SAME(MIG_ARCH_ARM64, MIGCTL__V1__ARCH__ARCH_ARM64);

static uint64_t position_of(const struct mig_entry *e)
{
    struct mig_reg reg = mig_reg_from_key(e->key);

    return (uint64_t)reg.index << 18 | (uint64_t)reg.sub << 2 | (uint64_t)reg.part;
}

/*
 * Encoding fills a message that owns all of its memory, so that the generated
 * code can free it.
 */
struct column {
    uint64_t last; /* position that the next step counts from */
    uint64_t *steps;
    size_t *len;
};

static void add_step(struct column *c, uint64_t position)
{
    c->steps[(*c->len)++] = position - c->last;
    c->last = position;
}

static void add_entry(Migctl__V1__Registers *r, struct column *c, const struct mig_entry *e)
{
    add_step(c, position_of(e));
    r->values[r->n_values++] = e->errnum != 0 ? (uint64_t)e->errnum : e->value;
    if (e->errnum != 0) {
        r->unreadable[r->n_unreadable++] = (uint32_t)(r->n_values - 1);
    }
}

static Migctl__V1__Registers *registers_new(enum mig_space space, size_t len, size_t absent_max)
{
    Migctl__V1__Registers *r = MIG_NEW(Migctl__V1__Registers);

    migctl__v1__registers__init(r);
    r->space = (Migctl__V1__Space)space;
    r->steps = mig_alloc(len, sizeof *r->steps);
    r->values = mig_alloc(len, sizeof *r->values);
    r->unreadable = mig_alloc(len, sizeof *r->unreadable);
    r->absent_steps = mig_alloc(absent_max, sizeof *r->absent_steps);
    return r;
}

static void add_all(Migctl__V1__Registers *r, const struct mig_entry *entries, size_t len)
{
    struct column present = {0, r->steps, &r->n_steps};

    for (size_t i = 0; i < len; i++) {
        add_entry(r, &present, &entries[i]);
    }
}

/* Only how @bare differs from @cpuid. */
static void add_bare(Migctl__V1__Registers *r, const struct mig_entry *bare, size_t bare_len,
                     const struct mig_entry *cpuid, size_t cpuid_len)
{
    struct column present = {0, r->steps, &r->n_steps};
    struct column absent = {0, r->absent_steps, &r->n_absent_steps};
    size_t i = 0, j = 0;

    while (i < bare_len || j < cpuid_len) {
        uint64_t here = i < bare_len ? position_of(&bare[i]) : UINT64_MAX;
        uint64_t there = j < cpuid_len ? position_of(&cpuid[j]) : UINT64_MAX;

        if (there < here) {
            add_step(&absent, there);
        } else if (here < there || bare[i].value != cpuid[j].value ||
                   bare[i].errnum != cpuid[j].errnum) {
            add_entry(r, &present, &bare[i]);
        }
        i += here <= there;
        j += there <= here;
    }
}

static void encode_registers(const struct mig_snapshot *s, Migctl__V1__Snapshot *pb)
{
    pb->registers = mig_alloc(MIG_SPACE_COUNT, sizeof(Migctl__V1__Registers *));
    for (unsigned space = 0; space < MIG_SPACE_COUNT; space++) {
        size_t len, cpuid_len = 0;
        const struct mig_entry *entries = mig_snapshot_space(s, (enum mig_space)space, &len);
        const struct mig_entry *cpuid = NULL;
        Migctl__V1__Registers *r;

        if (len == 0) {
            continue;
        }
        if (space == MIG_SPACE_CPUID_BARE) {
            cpuid = mig_snapshot_space(s, MIG_SPACE_CPUID, &cpuid_len);
        }
        r = registers_new((enum mig_space)space, len, cpuid_len);
        if (space == MIG_SPACE_CPUID_BARE) {
            add_bare(r, entries, len, cpuid, cpuid_len);
        } else {
            add_all(r, entries, len);
        }
        pb->registers[pb->n_registers++] = r;
    }
}

static void encode_groups(const struct mig_snapshot *s, Migctl__V1__Snapshot *pb)
{
    pb->groups = mig_alloc(MIG_GROUP_COUNT, sizeof(Migctl__V1__Group *));
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        const struct mig_group_state *state = &s->groups[i];
        Migctl__V1__Group *g;

        if (state->coverage == MIG_COVER_NONE && state->source[0] == '\0') {
            continue;
        }
        g = MIG_NEW(Migctl__V1__Group);
        migctl__v1__group__init(g);
        g->group = (Migctl__V1__GroupId)i;
        g->coverage = (Migctl__V1__Coverage)state->coverage;
        g->errnum = (uint32_t)state->errnum;
        g->source = mig_strdup(state->source);
        pb->groups[pb->n_groups++] = g;
    }
}

static size_t shared_prefix(const char *a, const char *b)
{
    size_t len = 0;

    while (a[len] != '\0' && a[len] == b[len]) {
        len++;
    }
    return len;
}

static void encode_facts(const struct mig_snapshot *s, Migctl__V1__Snapshot *pb)
{
    const char *name = "", *source = "";

    pb->facts = mig_alloc(s->facts_len, sizeof(Migctl__V1__Fact *));
    for (size_t i = 0; i < s->facts_len; i++) {
        const struct mig_fact *fact = &s->facts[i];
        Migctl__V1__Fact *f = MIG_NEW(Migctl__V1__Fact);

        migctl__v1__fact__init(f);
        f->name_shared = (uint32_t)shared_prefix(name, fact->name);
        f->name_rest = mig_strdup(fact->name + f->name_shared);
        f->value = mig_strdup(fact->value == NULL ? "" : fact->value);
        f->source_shared = (uint32_t)shared_prefix(source, fact->source);
        f->source_rest = mig_strdup(fact->source + f->source_shared);
        f->errnum = (uint32_t)fact->errnum;
        name = fact->name;
        source = fact->source;
        pb->facts[pb->n_facts++] = f;
    }
}

static Migctl__V1__Stamp *encode_stamp(const struct mig_stamp *stamp)
{
    Migctl__V1__Stamp *pb = MIG_NEW(Migctl__V1__Stamp);

    migctl__v1__stamp__init(pb);
    pb->host = mig_strdup(stamp->host);
    pb->boot_id = mig_strdup(stamp->boot_id);
    pb->sequence = stamp->sequence;
    pb->issued_at = stamp->issued_at;
    pb->expires_at = stamp->expires_at;
    if (stamp->has_nonce) {
        pb->nonce.data = mig_memdup(stamp->nonce, MIG_NONCE_BYTES);
        pb->nonce.len = MIG_NONCE_BYTES;
    }
    pb->replayed = stamp->replayed;
    pb->table_version = stamp->table_version;
    return pb;
}

void mig_snapshot_encode(const struct mig_snapshot *s, const struct mig_stamp *stamp,
                         struct mig_bytes *ret)
{
    Migctl__V1__Snapshot *pb = MIG_NEW(Migctl__V1__Snapshot);

    migctl__v1__snapshot__init(pb);
    pb->arch = (Migctl__V1__Arch)s->arch;
    pb->stamp = encode_stamp(stamp);
    encode_groups(s, pb);
    encode_registers(s, pb);
    encode_facts(s, pb);
    ret->len = migctl__v1__snapshot__get_packed_size(pb);
    ret->items = mig_alloc(ret->len + 1, 1);
    (void)migctl__v1__snapshot__pack(pb, ret->items);
    migctl__v1__snapshot__free_unpacked(pb, NULL);
}
