/* SPDX-License-Identifier: Apache-2.0 */
#include "support/small_host.h"

#include <stdio.h>
#include <string.h>

#include "base/alloc.h"
#include "base/text.h"
#include "cpu/field.h"
#include "snapshot/builder.h"
#include "support/check.h"

struct words {
    struct word {
        uint64_t key, value;
        bool unreadable, unlisted;
    } items[256];
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

static bool is_of_x86(enum mig_group group)
{
    return group == MIG_GROUP_CPUID || group == MIG_GROUP_CPUID_BARE ||
           group == MIG_GROUP_CPUID_EMULATED || group == MIG_GROUP_CPUID_HV ||
           group == MIG_GROUP_MSR || group == MIG_GROUP_MSR_LIST || group == MIG_GROUP_TSC;
}

/* @text is taken apart. */
static struct mig_snapshot *make(enum mig_arch arch, const char *edits, char *text)
{
    MIG_AUTO(mig_builder_free) struct mig_builder *b = mig_builder_new(arch);
    struct words words = {.facts = b};
    struct mig_snapshot *s = NULL;
    struct mig_error err;
    char *rest = text, *edit;

    for (int g = 0; g < MIG_GROUP_COUNT; g++) {
        words.groups[g] =
            arch == MIG_ARCH_X86 || !is_of_x86((enum mig_group)g) ? MIG_COVER_FULL : MIG_COVER_NONE;
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

struct mig_snapshot *small_host(const char *edits)
{
    MIG_AUTO(mig_free)
    char *text = mig_strf(
        "@x86/cpuid/0.0/eax=0xd @x86/cpuid/0.0/ebx=0x756e6547 @x86/cpuid/0.0/edx=0x49656e69 "
        "@x86/cpuid/0.0/ecx=0x6c65746e @x86/cpuid/1.0/eax=0x606a6 @x86/cpuid/7.0/eax=0 "
        "@x86/cpuid/80000000.0/eax=0x80000008 phys_addr_bits=46 virt_addr_bits=48 "
        "clflush_size=8 @x86/cpuid/d.2/eax=0x100 @x86/cpuid/d.2/ebx=0x240 "
        "@x86/cpuid/d.0/ecx=0x340 @host/tsc-khz=2600000 %s",
        edits);

    return make(MIG_ARCH_X86, edits, text);
}

struct mig_snapshot *small_arm64(const char *edits)
{
    MIG_AUTO(mig_free)
    char *text = mig_strf(
        "@arm64/MIDR_EL1=0x413fd0c1 @arm64/REVIDR_EL1=0 @arm64/AIDR_EL1=0 "
        "@arm64/ID_PFR0_EL1=0x10131 @arm64/ID_PFR1_EL1=0x10011011 @arm64/ID_DFR0_EL1=0x4000088 "
        "@arm64/ID_MMFR0_EL1=0x10201105 @arm64/ID_ISAR5_EL1=0x1011121 "
        "@arm64/ID_AA64PFR0_EL1=0x1100000011110112 @arm64/ID_AA64PFR1_EL1=0x20 "
        "@arm64/ID_AA64PFR2_EL1=0 @arm64/ID_AA64ZFR0_EL1=0 @arm64/ID_AA64DFR0_EL1=0x10305408 "
        "@arm64/ID_AA64ISAR0_EL1=0x100010211120 @arm64/ID_AA64ISAR1_EL1=0x100001 "
        "@arm64/ID_AA64ISAR2_EL1=0 @arm64/ID_AA64MMFR0_EL1=0x101125 "
        "@arm64/ID_AA64MMFR1_EL1=0x10212122 @arm64/ID_AA64MMFR2_EL1=0x100000000001011 "
        "@arm64/ID_AA64MMFR3_EL1=0 @arm64/CTR_EL0=0x9444c004 @arm64/CLIDR_EL1=0xa200023 "
        "@arm64/PSCI_VERSION=0x10001 @arm64/SMCCC_ARCH_WORKAROUND_1=1 "
        "@arm64/SMCCC_ARCH_WORKAROUND_2=0 @arm64/SMCCC_ARCH_WORKAROUND_3=1 @arm64/STD_BMAP=1 "
        "@arm64/STD_HYP_BMAP=1 @arm64/VENDOR_HYP_BMAP=3 @host/cntfrq-hz=1000000000 @host/dczid=4 "
        "@host/ipa-bits=48 @host/gic-types=6 @host/gic-pri-bits=5 @host/gic-id-bits=16 "
        "@host/gic-seis=0 @host/gic-a3v=1 @host/vcpu-features=0xa @host/pmu-counters=6 %s%s",
        strstr(edits, "!kernel.release=") == NULL ? "!kernel.release=6.12.0 " : "", edits);

    return make(MIG_ARCH_ARM64, edits, text);
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

void small_negotiate_arm64(const char *source, const char *destination,
                           const struct mig_choice *choice, struct mig_result *ret)
{
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *a = small_arm64(source);
    MIG_AUTO(mig_snapshot_free) struct mig_snapshot *b = small_arm64(destination);
    struct mig_party src = {"alpha", a}, dst = {"beta", b};

    mig_negotiate(&src, &dst, choice, ret);
}
