/* SPDX-License-Identifier: Apache-2.0 */
#include "support/small_host.h"

#include <stdio.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "support/check.h"

struct words {
    struct word {
        uint64_t key, value;
        bool unreadable, unlisted;
    } items[128];
    size_t len;
    enum mig_coverage groups[MIG_GROUP_COUNT];
    struct mig_builder *facts;
};

static struct word *entry_at(struct words *w, struct mig_reg reg)
{
    for (size_t i = 0; i < w->len; i++) {
        if (w->items[i].key == mig_reg_key(reg)) {
            return &w->items[i];
        }
    }
    w->items[w->len] = (struct word){.key = mig_reg_key(reg)};
    return &w->items[w->len++];
}

static uint64_t *word_at(struct words *w, struct mig_reg reg)
{
    return &entry_at(w, reg)->value;
}

static struct word *entry_named(struct words *w, const char *name)
{
    struct mig_reg reg;
    struct mig_error err;

    check_done(name, mig_reg_parse(name, &reg, &err), &err);
    return entry_at(w, reg);
}

/* "~msr=none" */
static void cover(struct words *w, char *edit)
{
    char *name = strsep(&edit, "=");
    enum mig_group group;

    assert_true(mig_group_parse(name, &group));
    for (int c = MIG_COVER_NONE; c <= MIG_COVER_FULL; c++) {
        if (strcmp(edit, mig_coverage_name((enum mig_coverage)c)) == 0) {
            w->groups[group] = (enum mig_coverage)c;
            return;
        }
    }
    fail_msg("no coverage is called '%s'", edit);
}

/* "avx2", "-avx2", "phys_addr_bits=46", "@x86/cpuid/d.2/eax=0x100"; evidence:
 * "?x86/msr/10a" can not be read, "^x86/msr/10a" is not listed, "~msr=none",
 * "!microcode=0x1" is a fact */
static void apply(struct words *w, char *edit)
{
    bool off = *edit == '-';
    char *equals = strchr(edit, '=');
    uint64_t value = off ? 0 : 1, *word;
    const struct mig_field *f;

    if (*edit == '!') {
        *equals = '\0';
        mig_builder_add_fact(w->facts, edit + 1, equals + 1, "test");
        return;
    }
    if (*edit == '~') {
        cover(w, edit + 1);
        return;
    }
    if (*edit == '?' || *edit == '^') {
        struct word *entry = entry_named(w, edit + 1);

        entry->unreadable = *edit == '?';
        entry->unlisted = *edit == '^';
        return;
    }
    if (equals != NULL) {
        *equals = '\0';
        assert_true(mig_text_to_u64(equals + 1, UINT64_MAX, &value));
    }
    if (*edit == '@') {
        entry_named(w, edit + 1)->value = value;
        return;
    }
    f = mig_field_find(edit + (off ? 1 : 0));
    if (f == NULL) {
        fail_msg("no field is called '%s'", edit);
    }
    word = word_at(w, f->reg);
    *word = mig_field_put(f, *word, value);
}

struct mig_snapshot *small_host(const char *edits)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(MIG_ARCH_X86);
    MIG_AUTO(mig_free)
    char *text = mig_strf(
        "@x86/cpuid/0.0/eax=0xd @x86/cpuid/0.0/ebx=0x756e6547 @x86/cpuid/0.0/edx=0x49656e69 "
        "@x86/cpuid/0.0/ecx=0x6c65746e @x86/cpuid/1.0/eax=0x606a6 @x86/cpuid/7.0/eax=0 "
        "@x86/cpuid/80000000.0/eax=0x80000008 phys_addr_bits=46 virt_addr_bits=48 "
        "clflush_size=8 @x86/cpuid/d.2/eax=0x100 @x86/cpuid/d.2/ebx=0x240 "
        "@x86/cpuid/d.0/ecx=0x340 @host/tsc-khz=2600000 %s",
        edits);
    struct words words = {.facts = b};
    struct mig_snapshot *s = NULL;
    struct mig_error err;
    char *rest = text, *edit;

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        words.groups[g] = MIG_COVER_FULL;
    }
    while ((edit = strsep(&rest, " ")) != NULL) {
        if (*edit != '\0') {
            apply(&words, edit);
        }
    }
    for (size_t i = 0; i < words.len; i++) {
        struct mig_reg reg = mig_reg_from_key(words.items[i].key);

        if (words.items[i].unreadable) {
            mig_builder_set_unreadable(b, reg, 5);
        } else if (!words.items[i].unlisted &&
                   words.groups[mig_group_of(reg)] > MIG_COVER_UNREADABLE) {
            mig_builder_set(b, reg, words.items[i].value);
        }
    }
    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        mig_builder_cover(b, (enum mig_group)g, words.groups[g], 13, "test");
    }
    check_done(edits, mig_builder_freeze(b, &s, &err), &err);
    return s;
}

void small_negotiate(const char *source, const char *destination, const struct mig_choice *choice,
                     struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_host(source);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_host(destination);
    struct mig_party src = {"alpha", a}, dst = {"beta", b};

    mig_negotiate(&src, &dst, choice, ret);
}

void small_check_contract(const char *guest, const char *source, const char *destination,
                          const struct mig_choice *choice, struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *g = small_host(guest);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *s = small_host(source ? source : "");
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *d = small_host(destination);
    struct mig_party vm = {"vm", g}, from = {"alpha", s}, to = {"beta", d};

    mig_check_contract(&vm, source != NULL ? &from : NULL, &to, choice, ret);
}
