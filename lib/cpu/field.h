/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/field.h: the table of everything that is compared: place, rule, offer
 * and the reason it matters.  Rows come from x86_cpuid.def, x86_msr.def,
 * arm64_idreg.def, cap.def and host.def, sorted by register; facts live there,
 * never in code.
 */
#pragma once

#include <stddef.h>

#include "cpu/reg.h"
#include "cpu/rule.h"

/* Changes when a row changes other than towards relaxation; travels in every
 * snapshot so that two builds can tell that they judge differently. */
#define MIG_TABLE_VERSION 1

enum mig_offer {
    MIG_OFFER_ON,     /* in a new profile whenever every host has it */
    MIG_OFFER_OPT_IN, /* only when asked for by its name (--allow) */
    MIG_OFFER_NEVER,  /* not virtualised, not migratable or unknown */
};

enum mig_vendor {
    MIG_VENDOR_ANY,
    MIG_VENDOR_INTEL,
    MIG_VENDOR_AMD,
    MIG_VENDOR_X86,
    MIG_VENDOR_CENTAUR
};

/* How the field came to its rule; kept because reasons and remedies differ. */
enum mig_class {
#define CLASS(id, name) MIG_CLASS_##id,
#include "cpu/class.def"
    MIG_CLASS_COUNT
};

/* arm64: who can use what the field tells. */
enum mig_scope {
    MIG_SCOPE_EL1,      /* any guest */
    MIG_SCOPE_EL2,      /* only one that runs guests of its own */
    MIG_SCOPE_AA32,     /* only 32-bit code */
    MIG_SCOPE_GEOMETRY, /* numbers of breakpoints, cache lines */
    MIG_SCOPE_IDENTITY, /* names the implementation */
};

/* arm64: may a VMM change the field, by kernel generation? */
enum mig_writable {
    MIG_SETTABLE_NO,
    MIG_SETTABLE_YES,
    MIG_SETTABLE_MASK_ONLY, /* in KVM's mask, yet only the host's value is taken */
    MIG_SETTABLE_CAP,       /* with KVM_CAP_ARM_WRITABLE_IMP_ID_REGS */
};

struct mig_field {
    struct mig_reg reg;
    uint16_t sub_last; /* rows that cover a range of subleaves; else reg.sub */
    uint8_t hi, lo;
    struct mig_shape shape;
    enum mig_offer offer;
    const char *opt_in; /* "mpx"; NULL unless opt-in */
    enum mig_vendor vendor;
    enum mig_class class_;
    enum mig_scope scope;                          /* arm64 */
    enum mig_writable settable_6_12, settable_7_2; /* arm64 */
    const char *name; /* Linux spelling, unique: "avx2", "ID_AA64ISAR0_EL1.AES" */
    const char *why;  /* one sentence, no capital, no full stop */
};

struct mig_fields {
    const struct mig_field *items;
    size_t len;
};

/* The whole table in id order; static storage. */
struct mig_fields mig_field_all(void);

/* The rows of one register, low bit first; len 0 when it has none. */
struct mig_fields mig_field_of(struct mig_reg reg);

/* The row that covers one bit of @reg, or NULL. */
const struct mig_field *mig_field_at(struct mig_reg reg, unsigned bit);

/* Bits of @reg that some row covers. */
uint64_t mig_field_classified(struct mig_reg reg);

/* A row by flag name or alias ("avx2", "sse3", "x86/cpuid/7.0/ebx/5"); NULL if
 * there is none. */
const struct mig_field *mig_field_find(const char *name);

/* One bit that a feature list would name. */
bool mig_field_is_flag(const struct mig_field *f);

uint64_t mig_field_get(const struct mig_field *f, uint64_t word);
uint64_t mig_field_put(const struct mig_field *f, uint64_t word, uint64_t value);

/* Canonical id "x86/cpuid/7.0/ebx/5", ".../7:0" or "arm64/ID_AA64ISAR0_EL1/AES";
 * @sub replaces the row's subleaf in rows that cover a range. */
#define MIG_FIELD_ID_MAX (MIG_REG_TEXT_MAX + 8)
void mig_field_print_id(const struct mig_field *f, uint16_t sub, char ret[MIG_FIELD_ID_MAX]);
void mig_bits_print_id(struct mig_reg reg, unsigned hi, unsigned lo, char ret[MIG_FIELD_ID_MAX]);

const char *mig_offer_name(enum mig_offer offer);
const char *mig_class_name(enum mig_class class_);
