/* SPDX-License-Identifier: Apache-2.0 */
#include "support/snapshots.h"

#include <errno.h>
#include <stdio.h>

#include "base/array.h"
#include "base/file.h"
#include "cpu/deps.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "snapshot/json.h"
#include "support/check.h"
#include "support/prop.h"

struct mig_snapshot *snapshot_host(const char *name)
{
    MIG_AUTO(mig_free) char *relative = mig_strf("tests/hosts/%s.json", name);
    MIG_AUTO(mig_free) char *path = check_source_path(relative);
    MIG_AUTO(mig_bytes_clear) struct mig_bytes bytes = {0};
    struct mig_snapshot *s = NULL;
    struct mig_error err;

    check_done(path, mig_file_read(path, 1u << 20, &bytes, &err), &err);
    check_done(path, mig_snapshot_from_json((const char *)bytes.items, bytes.len, &s, &err), &err);
    return s;
}

/* Registers while a host is thought up. */
struct words {
    struct mig_entry *items;
    size_t len, cap;
};

static uint64_t *word_at(struct words *w, struct mig_reg reg)
{
    uint64_t key = mig_reg_key(reg);

    for (size_t i = 0; i < w->len; i++) {
        if (w->items[i].key == key) {
            return &w->items[i].value;
        }
    }
    *MIG_PUSH(w) = (struct mig_entry){.key = key};
    return &w->items[w->len - 1].value;
}

static void set_field(struct words *w, const char *name, uint64_t value)
{
    const struct mig_field *f = mig_field_find(name);

    check_true(name, f != NULL);
    if (f != NULL) {
        uint64_t *word = word_at(w, f->reg);

        *word = mig_field_put(f, *word, value);
    }
}

/* Leaves of which any part may be there or not on a real host. */
static bool is_free(const struct mig_field *f)
{
    static const struct {
        enum mig_space space;
        uint32_t index;
        uint16_t sub;
    } places[] = {
        {MIG_SPACE_CPUID, 0x1,        0},
        {MIG_SPACE_CPUID, 0x6,        0},
        {MIG_SPACE_CPUID, 0x7,        0},
        {MIG_SPACE_CPUID, 0x7,        1},
        {MIG_SPACE_CPUID, 0x7,        2},
        {MIG_SPACE_CPUID, 0xd,        1},
        {MIG_SPACE_CPUID, 0x40000001, 0},
        {MIG_SPACE_CPUID, 0x80000001, 0},
        {MIG_SPACE_CPUID, 0x80000007, 0},
        {MIG_SPACE_CPUID, 0x80000008, 0},
        {MIG_SPACE_CPUID, 0x80000021, 0},
        {MIG_SPACE_MSR,   0x10a,      0},
    };

    for (size_t i = 0; i < MIG_COUNT(places); i++) {
        if (f->reg.space == places[i].space && f->reg.index == places[i].index &&
            f->reg.sub == places[i].sub) {
            return f->hi == f->lo;
        }
    }
    return false;
}

static uint64_t random_bit(struct prop *p, const struct mig_field *f, enum mig_vendor vendor)
{
    if ((f->vendor == MIG_VENDOR_INTEL || f->vendor == MIG_VENDOR_AMD) && f->vendor != vendor) {
        return 0;
    }
    if (f->shape.rule == MIG_RULE_DENY) {
        return prop_once_in(p, 256);
    }
    return f->shape.rule == MIG_RULE_AND ? !prop_once_in(p, 4) : prop_once_in(p, 2);
}

static void set_numbers(struct words *w, struct prop *p, enum mig_vendor vendor)
{
    static const uint32_t names[][3] = {
        {0x756e6547, 0x49656e69, 0x6c65746e}, /* GenuineIntel in ebx, edx, ecx */
        {0x68747541, 0x69746e65, 0x444d4163}, /* AuthenticAMD */
    };
    static const uint64_t widths[] = {46, 48, 52};
    const uint32_t *name = names[vendor == MIG_VENDOR_AMD];

    *word_at(w, mig_reg_cpuid(0, 0, MIG_EAX)) = 0x16 + prop_below(p, 8);
    *word_at(w, mig_reg_cpuid(0, 0, MIG_EBX)) = name[0];
    *word_at(w, mig_reg_cpuid(0, 0, MIG_EDX)) = name[1];
    *word_at(w, mig_reg_cpuid(0, 0, MIG_ECX)) = name[2];
    *word_at(w, mig_reg_cpuid(1, 0, MIG_EAX)) = 0x00060600 | prop_below(p, 256) << 4;
    *word_at(w, mig_reg_cpuid(7, 0, MIG_EAX)) = prop_below(p, 3);
    *word_at(w, mig_reg_cpuid(0x80000000, 0, MIG_EAX)) = 0x80000021;
    *word_at(w, mig_reg_cpuid(0x80000008, 0, MIG_EAX)) = 48 << 8 | widths[prop_below(p, 3)];
}

/* Standard sizes and places; some AMD hosts put protection keys elsewhere. */
static void set_xsave(struct words *w, struct prop *p)
{
    static const struct {
        unsigned component;
        uint32_t size, offset;
        const char *feature;
    } rows[] = {
        {2, 256,  576,  "avx"    },
        {5, 64,   1088, "avx512f"},
        {6, 512,  1152, "avx512f"},
        {7, 1024, 1664, "avx512f"},
        {9, 8,    2688, "pku"    },
    };
    bool avx = !prop_once_in(p, 8), avx512 = avx && prop_once_in(p, 2), pku = prop_once_in(p, 2);
    const bool on[] = {avx, avx512, avx512, avx512, pku};
    uint64_t mask = 3, end = 576;

    for (size_t i = 0; i < MIG_COUNT(rows); i++) {
        uint32_t offset = rows[i].component == 9 && !avx512 ? 832 : rows[i].offset;
        uint16_t sub = (uint16_t)rows[i].component;

        set_field(w, rows[i].feature, on[i]);
        if (on[i]) {
            mask |= 1ULL << rows[i].component;
            end = offset + rows[i].size;
            *word_at(w, mig_reg_cpuid(0xd, sub, MIG_EAX)) = rows[i].size;
            *word_at(w, mig_reg_cpuid(0xd, sub, MIG_EBX)) = offset;
        }
    }
    set_field(w, "xsave", 1);
    *word_at(w, mig_reg_cpuid(0xd, 0, MIG_EAX)) = mask;
    *word_at(w, mig_reg_cpuid(0xd, 0, MIG_ECX)) = end;
    *word_at(w, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_XCOMP_SUPPORTED)) = mask;
}

/* Take off what its base is missing for, until nothing changes. */
static void close_over(struct words *w)
{
    struct mig_deps deps = mig_deps_all();
    bool changed = true;

    while (changed) {
        changed = false;
        for (size_t i = 0; i < deps.len; i++) {
            const struct mig_dep *d = &deps.items[i];
            bool base = (*word_at(w, d->base.reg) & d->base.mask) != 0;
            uint64_t *feature = word_at(w, d->feature.reg);

            if (!base && (*feature & d->feature.mask) != 0) {
                *feature &= ~d->feature.mask;
                changed = true;
            }
        }
    }
}

static void set_unclassified(struct words *w, struct prop *p)
{
    for (uint64_t i = prop_below(p, 3); i > 0; i--) {
        struct mig_entry *e = &w->items[prop_below(p, w->len)];
        struct mig_reg reg = mig_reg_from_key(e->key);
        uint64_t bit = 1ULL << prop_below(p, mig_reg_width(reg));

        if (reg.space == MIG_SPACE_CPUID && (mig_field_classified(reg) & bit) == 0) {
            e->value |= bit;
        }
    }
}

static void set_host(struct words *w, struct prop *p)
{
    static const uint32_t list[] = {0x10, 0x174, 0x277, 0x3a, 0x48, 0x10a, 0x1d9, 0xc0000080};
    static const uint32_t caps[] = {55, 56, 61, 72, 157, 208};
    uint64_t khz = prop_once_in(p, 2) ? 2500000 : 2000000 + prop_below(p, 1000000);

    for (size_t i = 0; i < MIG_COUNT(list); i++) {
        if (!prop_once_in(p, 16)) {
            *word_at(w, mig_reg_plain(MIG_SPACE_MSR_LIST, list[i])) = 1;
        }
    }
    for (size_t i = 0; i < MIG_COUNT(caps); i++) {
        if (mig_cap_name(caps[i]) != NULL) {
            *word_at(w, mig_reg_plain(MIG_SPACE_CAP, caps[i])) = !prop_once_in(p, 8);
        }
    }
    *word_at(w, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_KHZ)) = khz;
    *word_at(w, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_TOLERANCE_PPM)) = 250;
    *word_at(w, mig_reg_plain(MIG_SPACE_HOST, MIG_HOST_TSC_SCALING)) = prop_once_in(p, 2);
}

static void think_up(struct words *w, struct prop *p)
{
    enum mig_vendor vendor = prop_once_in(p, 4) ? MIG_VENDOR_AMD : MIG_VENDOR_INTEL;
    struct mig_fields all = mig_field_all();

    set_numbers(w, p, vendor);
    for (size_t i = 0; i < all.len; i++) {
        if (is_free(&all.items[i])) {
            uint64_t *word = word_at(w, all.items[i].reg);

            *word = mig_field_put(&all.items[i], *word, random_bit(p, &all.items[i], vendor));
        }
    }
    set_xsave(w, p);
    close_over(w);
    set_unclassified(w, p);
    set_host(w, p);
}

/* Mostly full; a group that is not has none of its registers or some. */
static void cover(struct mig_builder *b, struct prop *p, enum mig_coverage ret[MIG_GROUP_COUNT])
{
    for (unsigned i = 0; i < MIG_GROUP_COUNT; i++) {
        ret[i] = MIG_COVER_FULL;
        if (i == MIG_GROUP_IDREG || i == MIG_GROUP_IDREG_MASK || i == MIG_GROUP_REG_LIST ||
            i == MIG_GROUP_ARM64) {
            ret[i] = MIG_COVER_NONE;
        } else if (i != MIG_GROUP_CPUID && i != MIG_GROUP_KVM_VIEW && prop_once_in(p, 16)) {
            ret[i] = (enum mig_coverage)prop_below(p, MIG_COVER_FULL);
        }
        mig_builder_cover(b, (enum mig_group)i, ret[i], EACCES, "thought up");
    }
}

static void add_facts(struct mig_builder *b, struct prop *p)
{
    static const char *const names[] = {
        "kernel.release", "kvm.param.kvm.enable_pmu", "kvm.param.kvm.ignore_msrs",
        "vuln.mds",       "cmdline.mitigations",      "microcode",
    };

    for (size_t i = 0; i < MIG_COUNT(names); i++) {
        char value[32];

        (void)snprintf(value, sizeof value, "value %llx", (unsigned long long)prop_below(p, 64));
        if (prop_once_in(p, 8)) {
            mig_builder_add_unreadable_fact(b, names[i], 1 + (int)prop_below(p, 200), "random");
        } else if (!prop_once_in(p, 4)) {
            mig_builder_add_fact(b, names[i], value, prop_once_in(p, 2) ? "random" : "");
        }
    }
}

struct mig_snapshot *snapshot_random(struct prop *p)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    enum mig_coverage coverage[MIG_GROUP_COUNT];
    struct mig_snapshot *s = NULL;
    struct words w = {0};
    struct mig_error err;

    think_up(&w, p);
    cover(b, p, coverage);
    for (size_t i = 0; i < w.len; i++) {
        struct mig_reg reg = mig_reg_from_key(w.items[i].key);
        enum mig_coverage reach = coverage[mig_group_of(reg)];

        if (reach < MIG_COVER_PARTIAL || (reach == MIG_COVER_PARTIAL && prop_once_in(p, 4))) {
            continue;
        }
        if (reg.space == MIG_SPACE_MSR && prop_once_in(p, 64)) {
            mig_builder_set_unreadable(b, reg, EIO);
            continue;
        }
        mig_builder_set(b, reg, w.items[i].value);
        if (reg.space == MIG_SPACE_CPUID && coverage[MIG_GROUP_CPUID_BARE] == MIG_COVER_FULL) {
            reg.space = MIG_SPACE_CPUID_BARE;
            mig_builder_set(b, reg, w.items[i].value);
        }
    }
    add_facts(b, p);
    check_done("random snapshot", mig_builder_freeze(b, &s, &err), &err);
    (void)snprintf(s->stamp.host, sizeof s->stamp.host, "random-%llx",
                   (unsigned long long)prop_below(p, 1u << 16));
    mig_free(w.items);
    return s;
}

static void check_same_stamp(const char *label, const struct mig_stamp *expected,
                             const struct mig_stamp *got)
{
    check_text(label, expected->host, got->host);
    check_text(label, expected->boot_id, got->boot_id);
    check_number(label, expected->sequence, got->sequence);
    check_number(label, (uint64_t)expected->issued_at, (uint64_t)got->issued_at);
    check_number(label, (uint64_t)expected->expires_at, (uint64_t)got->expires_at);
    check_number(label, expected->has_nonce, got->has_nonce);
    assert_memory_equal(expected->nonce, got->nonce, sizeof got->nonce);
    check_number(label, expected->replayed, got->replayed);
    check_number(label, expected->table_version, got->table_version);
}

void snapshot_check_same(const char *label, const struct mig_snapshot *expected,
                         const struct mig_snapshot *got)
{
    check_number(label, expected->arch, got->arch);
    check_same_stamp(label, &expected->stamp, &got->stamp);
    check_number(label, expected->entries_len, got->entries_len);
    for (size_t i = 0; i < got->entries_len; i++) {
        check_number(label, expected->entries[i].key, got->entries[i].key);
        check_number(label, expected->entries[i].value, got->entries[i].value);
        check_number(label, (uint64_t)expected->entries[i].errnum,
                     (uint64_t)got->entries[i].errnum);
    }
    check_number(label, expected->facts_len, got->facts_len);
    for (size_t i = 0; i < got->facts_len; i++) {
        const struct mig_fact *a = &expected->facts[i], *b = &got->facts[i];

        check_text(label, a->name, b->name);
        check_text(label, a->source, b->source);
        check_number(label, (uint64_t)a->errnum, (uint64_t)b->errnum);
        check_text(label, a->value == NULL ? "" : a->value, b->value == NULL ? "" : b->value);
    }
    for (size_t i = 0; i < MIG_GROUP_COUNT; i++) {
        check_number(label, expected->groups[i].coverage, got->groups[i].coverage);
        check_number(label, (uint64_t)expected->groups[i].errnum, (uint64_t)got->groups[i].errnum);
        check_text(label, expected->groups[i].source, got->groups[i].source);
    }
}
