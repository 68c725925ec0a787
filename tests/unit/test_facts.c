/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tables of lib/cpu against the collected facts that they were made from:
 * nothing is lost, nothing is invented, and every deviation is listed here.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/alloc.h"
#include "base/bits.h"
#include "base/error.h"
#include "base/file.h"
#include "base/text.h"
#include "cpu/arm64_feat.h"
#include "cpu/arm64_reg.h"
#include "cpu/arm64_value.h"
#include "cpu/arm64_view.h"
#include "cpu/deps.h"
#include "cpu/field.h"
#include "support/check.h"

#define COLUMNS_MAX 24

static unsigned split(char *line, unsigned columns, char *cells[])
{
    unsigned len = 0;

    for (char *cell = line; cell != NULL && len < columns; len++) {
        cells[len] = cell;
        cell = strchr(cell, '\t');
        if (cell != NULL) {
            *cell++ = '\0';
        }
    }
    return len;
}

/* Calls @line with the cells of each row; gives the sum of what it returns. */
static unsigned each_fact(const char *name, unsigned columns, unsigned line(char *const cells[]))
{
    char *path = check_shared_path(name), *saved = NULL;
    struct mig_bytes file = {0};
    struct mig_error err;
    unsigned sum = 0;
    bool heading = true;

    if (path == NULL) {
        skip();
    }
    check_done(name, mig_file_read(path, 1 << 20, &file, &err), &err);
    for (char *text = strtok_r((char *)file.items, "\n", &saved); text != NULL;
         text = strtok_r(NULL, "\n", &saved)) {
        char *cells[COLUMNS_MAX];

        if (text[0] == '#') {
            continue;
        }
        check_number(text, columns, split(text, columns, cells));
        sum += heading ? 0 : line(cells);
        heading = false;
    }
    mig_bytes_clear(&file);
    mig_free(path);
    return sum;
}

/* Where the table says something else than the facts, and why it does. */
static const struct {
    const char *fact, *ours;
} renamed[] = {
    {"guest_status",            "hypervisor"             }, /* as Linux calls it */
    {"core_nthreas",            "core_nthreads"          },
    {"trance_transport_output", "trace_transport_output" },
    {"vmgexit_paremeter",       "vmgexit_parameter"      },
    {"lwp_data_adddr",          "lwp_data_addr"          },
    {"tlb_max_addressible_ids", "tlb_max_addressable_ids"},
};

static const struct {
    const char *fact;
    enum mig_rule rule;
    enum mig_class class_;
} classes[] = {
    {"and",        MIG_RULE_AND,           MIG_CLASS_AND       },
    {"pv_and",     MIG_RULE_AND,           MIG_CLASS_PV        },
    {"hv_and",     MIG_RULE_AND,           MIG_CLASS_HV        },
    {"nested_and", MIG_RULE_AND,           MIG_CLASS_NESTED    },
    {"vmm",        MIG_RULE_AND,           MIG_CLASS_VMM       },
    {"and_immune", MIG_RULE_AND_IMMUNE,    MIG_CLASS_IMMUNE    },
    {"or_mitig",   MIG_RULE_OR_MITIGATION, MIG_CLASS_MITIGATION},
    {"or_vuln",    MIG_RULE_OR_VULNERABLE, MIG_CLASS_VULNERABLE},
    {"or_anti",    MIG_RULE_OR_INVERTED,   MIG_CLASS_INVERTED  },
    {"or",         MIG_RULE_OR,            MIG_CLASS_OR        },
    {"min",        MIG_RULE_MIN,           MIG_CLASS_NUMBER    },
    {"physbits",   MIG_RULE_MIN,           MIG_CLASS_WIDTH     },
    {"max",        MIG_RULE_MAX,           MIG_CLASS_NUMBER    },
    {"exact",      MIG_RULE_EXACT,         MIG_CLASS_EXACT     },
    {"vendor",     MIG_RULE_EXACT,         MIG_CLASS_VENDOR    },
    {"vm_const",   MIG_RULE_EXACT,         MIG_CLASS_CONSTANT  },
    {"pmu",        MIG_RULE_EXACT,         MIG_CLASS_PMU       },
    {"host_id",    MIG_RULE_FROZEN,        MIG_CLASS_IDENTITY  },
    {"descr",      MIG_RULE_FROZEN,        MIG_CLASS_DESCRIPTOR},
    {"topo",       MIG_RULE_PER_VCPU,      MIG_CLASS_TOPOLOGY  },
    {"runtime",    MIG_RULE_RUNTIME,       MIG_CLASS_RUNTIME   },
    {"recompute",  MIG_RULE_DERIVED,       MIG_CLASS_DERIVED   },
    {"tsc",        MIG_RULE_EXACT,         MIG_CLASS_TSC       },
    {"zero",       MIG_RULE_DENY,          MIG_CLASS_ZERO      },
};

static size_t class_index(const char *fact)
{
    for (size_t i = 0; i < sizeof classes / sizeof *classes; i++) {
        if (strcmp(classes[i].fact, fact) == 0) {
            return i;
        }
    }
    fail_msg("unknown class '%s' in the facts", fact);
    return 0;
}

enum { LEAF, SUB, REGISTER, BITS, NAME, CLASS, VENDOR, OFFER = 12, RULE = 13, CPUID_COLUMNS };

/* "hv:ebx-edx" stands for three registers. */
static unsigned parts_of(const char *text, enum mig_part parts[4])
{
    unsigned len = 0;

    for (enum mig_part part = MIG_EAX; part <= MIG_EDX; part++) {
        if (strcmp(text, "*") == 0 || (strcmp(text, "ebx-edx") == 0 && part != MIG_EAX) ||
            strcmp(text, mig_part_name(part)) == 0) {
            parts[len++] = part;
        }
    }
    return len;
}

static const char *our_name(const char *fact)
{
    CHECK_EACH (r, renamed) {
        if (strcmp(r->fact, fact) == 0) {
            return r->ours;
        }
    }
    return fact;
}

static bool is_name(const struct mig_field *f, const char *fact, unsigned parts)
{
    char with_leaf[128], with_part[128];
    const char *name = our_name(fact);

    (void)snprintf(with_leaf, sizeof with_leaf, "%s_%x", name, f->reg.index);
    (void)snprintf(with_part, sizeof with_part, "%s_%s", name, mig_part_name(f->reg.part));
    return strcmp(f->name, parts > 1 ? with_part : name) == 0 || strcmp(f->name, with_leaf) == 0;
}

static void check_safe(const struct mig_field *f, const char *id)
{
    bool zero = f->offer == MIG_OFFER_OPT_IN || f->class_ == MIG_CLASS_TSC ||
                (f->reg.index == 0xd && f->reg.sub >= 2) || f->reg.index == 0x1d ||
                f->reg.index == 0x1e;

    if (strcmp(f->name, "virt_addr_bits") == 0) {
        check_number(id, 48, f->shape.safe);
    } else {
        check_number(id, zero, f->shape.has_safe);
        check_number(id, 0, f->shape.safe);
    }
}

static void check_meaning(const struct mig_field *f, char *const cells[], const char *id)
{
    size_t rule = class_index(cells[RULE]), cls = class_index(cells[CLASS]);
    bool apic = strcmp(f->name, "apic") == 0; /* KVM reports it always */
    bool one_bit_tsc = strcmp(cells[RULE], "tsc") == 0 && f->hi == f->lo;

    /* The class tells where a row comes from; a row that class puts to zero
     * but rule does not (an opt-in) is called by its rule. */
    if (strcmp(cells[RULE], "zero") == 0 || strcmp(cells[CLASS], "zero") == 0) {
        cls = rule;
    }
    check_number(id, apic || one_bit_tsc ? MIG_RULE_AND : classes[rule].rule, f->shape.rule);
    check_number(id, apic ? MIG_CLASS_AND : classes[cls].class_, f->class_);
    if (f->shape.rule == MIG_RULE_EXACT) {
        check_safe(f, id);
    }
    check_text(id, cells[OFFER] + (mig_text_starts(cells[OFFER], "opt-in:") ? 7 : 0),
               f->opt_in != NULL ? f->opt_in : mig_offer_name(f->offer));
}

static void check_vendor(const struct mig_field *f, const char *vendor, const char *id)
{
    static const char *const vendors[] = {[MIG_VENDOR_ANY] = "any",
                                          [MIG_VENDOR_INTEL] = "intel",
                                          [MIG_VENDOR_AMD] = "amd",
                                          [MIG_VENDOR_X86] = "intel,amd",
                                          [MIG_VENDOR_CENTAUR] = "centaur"};

    check_text(id, vendor, vendors[f->vendor]);
}

/* The facts end where CPUs of their day did.  A level beyond the last one counts
 * itself in ECX, so the rows hold for every one that is asked for. */
static bool is_subs(const struct mig_field *f, uint16_t first, uint16_t last)
{
    bool is_topology = f->reg.index == 0xb || f->reg.index == 0x1f;

    return f->reg.sub == first && (is_topology ? f->sub_last >= last : f->sub_last == last);
}

/* Gives the number of rows that the line stands for. */
static unsigned check_cpuid(char *const cells[])
{
    bool hv = mig_text_starts(cells[REGISTER], "hv:");
    enum mig_part parts[4];
    unsigned len = parts_of(cells[REGISTER] + (hv ? 3 : 0), parts);
    char *rest;
    uint16_t first = (uint16_t)strtoul(cells[SUB], &rest, 10);
    uint16_t last = *rest == '-' ? (uint16_t)strtoul(rest + 1, NULL, 10) : first;
    uint8_t hi = (uint8_t)strtoul(cells[BITS], &rest, 10);
    uint8_t lo = *rest == ':' ? (uint8_t)strtoul(rest + 1, NULL, 10) : hi;

    check_true(cells[NAME], len > 0);
    for (unsigned i = 0; i < len; i++) {
        struct mig_reg reg = {hv ? MIG_SPACE_CPUID_HV : MIG_SPACE_CPUID,
                              (uint32_t)strtoul(cells[LEAF], NULL, 16), first, parts[i]};
        char id[MIG_FIELD_ID_MAX];
        const struct mig_field *f;

        mig_bits_print_id(reg, hi, lo, id);
        f = mig_field_find(id);
        check_true(id, f != NULL && is_subs(f, first, last));
        check_true(id, is_name(f, cells[NAME], len));
        check_meaning(f, cells, id);
        check_vendor(f, cells[VENDOR], id);
    }
    return len;
}

CHECK_TEST(the_cpuid_rows_are_the_facts_and_nothing_else)
{
    struct mig_fields all = mig_field_all();
    unsigned expected = each_fact("facts/x86_policy.tsv", CPUID_COLUMNS, check_cpuid), rows = 0;

    for (size_t i = 0; i < all.len; i++) {
        rows += all.items[i].reg.space == MIG_SPACE_CPUID ||
                all.items[i].reg.space == MIG_SPACE_CPUID_HV;
    }
    check_true("there are facts", expected > 900);
    check_number("rows", expected, rows);
}

enum { MSR, MSR_NAME, MSR_BITS, MSR_FIELD, MSR_CLASS, MSR_VENDOR, MSR_FEATURE, MSR_COLUMNS };

static bool is_feature_msr(char *const cells[])
{
    return strcmp(cells[MSR_FEATURE], "yes") == 0 || strcmp(cells[MSR], "0xce") == 0;
}

/* Remaining bits: of a control word they have rows, of others they must be 0
 * and have none. */
static void check_others(char *const cells[], uint32_t index)
{
    uint64_t classified = mig_field_classified(mig_reg_msr(index));

    if (strcmp(cells[MSR_CLASS], "zero") == 0) {
        check_true(cells[MSR_NAME], classified != ~UINT64_C(0));
    } else {
        check_text(cells[MSR_NAME], "and", cells[MSR_CLASS]);
        check_number(cells[MSR_NAME], ~UINT64_C(0), classified);
    }
}

/* Gives 1 for each line that has a row of its own. */
static unsigned check_msr(char *const cells[])
{
    uint32_t index = (uint32_t)strtoul(cells[MSR], NULL, 16);
    bool nested = index >= 0x480 && index <= 0x491, pmu = index == 0x345;
    const struct mig_field *f;
    char id[MIG_FIELD_ID_MAX];
    char *rest;
    unsigned hi, lo;
    size_t cls;

    if (!is_feature_msr(cells)) {
        return 0;
    }
    if (strstr(cells[MSR_BITS], "others") != NULL) {
        check_others(cells, index);
        return 0;
    }
    hi = (unsigned)strtoul(cells[MSR_BITS], &rest, 10);
    lo = *rest == ':' ? (unsigned)strtoul(rest + 1, NULL, 10) : hi;
    mig_bits_print_id(mig_reg_msr(index), hi, lo, id);
    f = mig_field_find(id);
    cls = class_index(cells[MSR_CLASS]);
    check_true(id, f != NULL);
    check_number(id, classes[cls].rule, f->shape.rule);
    check_vendor(f, cells[MSR_VENDOR], id);
    if (f->shape.rule != MIG_RULE_DENY && (nested || pmu)) {
        check_text(id, nested ? "nested" : "pmu", f->opt_in);
        check_number(id, f->shape.rule == MIG_RULE_EXACT, f->shape.has_safe);
    } else {
        check_number(id, classes[cls].class_, f->class_);
        check_true(id, f->opt_in == NULL && !f->shape.has_safe);
    }
    return 1;
}

CHECK_TEST(the_feature_msr_rows_are_the_facts)
{
    struct mig_fields all = mig_field_all();
    unsigned expected = each_fact("facts/x86_msr_policy.tsv", MSR_COLUMNS, check_msr), rows = 0;

    for (size_t i = 0; i < all.len; i++) {
        const struct mig_field *f = &all.items[i];

        /* Not facts: bits left over in control words, and the half of the
         * microcode revision that AMD uses. */
        rows += f->reg.space == MIG_SPACE_MSR && strstr(f->name, "_rest_") == NULL &&
                strcmp(f->name, "ucode_rev_low") != 0;
    }
    check_true("there are facts", expected > 150);
    check_number("rows", expected, rows);
}

static bool same_reg(struct mig_reg a, struct mig_reg b)
{
    return mig_reg_key(a) == mig_reg_key(b);
}

/* "0x7.0:ebx[5]", "0x12.0:eax[*]", "0x24.0:ebx[any of 18:16]", "msr:0x10a[17]" */
static struct mig_bit bit_of(const char *text)
{
    const char *bits = strchr(text, '[') + 1;
    struct mig_bit bit = {.mask = ~UINT64_C(0)};
    char part[4];
    char *rest;

    if (mig_text_starts(text, "msr:")) {
        bit.reg = mig_reg_msr((uint32_t)strtoul(text + 4, NULL, 16));
    } else {
        bit.reg = mig_reg_cpuid((uint32_t)strtoul(text, &rest, 16), 0, MIG_EAX);
        bit.reg.sub = (uint16_t)strtoul(rest + 1, &rest, 10);
        (void)snprintf(part, sizeof part, "%s", rest + 1);
        while (strcmp(mig_part_name(bit.reg.part), part) != 0) {
            bit.reg.part++;
        }
        bit.mask = UINT32_MAX;
    }
    if (mig_text_starts(bits, "any of ")) {
        bits += strlen("any of ");
    }
    if (*bits != '*') {
        unsigned hi = (unsigned)strtoul(bits, &rest, 10);

        bit.mask = mig_bits_mask(hi, *rest == ':' ? (unsigned)strtoul(rest + 1, NULL, 10) : hi);
    }
    return bit;
}

static bool has_edge(struct mig_bit feature, struct mig_bit base)
{
    struct mig_deps deps = mig_deps_all();

    for (size_t i = 0; i < deps.len; i++) {
        const struct mig_dep *d = &deps.items[i];

        if (same_reg(d->feature.reg, feature.reg) && same_reg(d->base.reg, base.reg) &&
            d->feature.mask == feature.mask && d->base.mask == base.mask) {
            return true;
        }
    }
    return false;
}

enum { EDGE_KEY = 3, EDGE_BASE, EDGE_STRENGTH, EDGE_COLUMNS };

static unsigned check_edge(char *const cells[])
{
    bool hard = strcmp(cells[EDGE_STRENGTH], "hard") == 0;

    check_number(cells[EDGE_KEY], hard,
                 has_edge(bit_of(cells[EDGE_KEY]), bit_of(cells[EDGE_BASE])));
    return hard;
}

CHECK_TEST(each_hard_edge_and_no_soft_one_is_there)
{
    unsigned hard = each_fact("facts/x86_feature_deps.tsv", EDGE_COLUMNS, check_edge);

    check_true("there are facts", hard > 200);
}

enum {
    ARM_REGISTER,
    ARM_OP0,
    ARM_FIELD = 6,
    ARM_SHIFT,
    ARM_WIDTH,
    ARM_SIGN,
    ARM_VALUES = 12,
    ARM_KVM_ID = 14,
    ARM_SHOWN = 16,
    ARM_SETTABLE_6_12,
    ARM_SETTABLE_7_2 = 20,
    ARM_RULE,
    ARM_SAFE,
    ARM_SCOPE,
    ARM_COLUMNS
};

static const struct {
    const char *fact;
    enum mig_rule rule;
} arm64_rules[] = {
    {"LOWER",          MIG_RULE_LOWER         },
    {"SIGNED_LOWER",   MIG_RULE_SIGNED_LOWER  },
    {"HIGHER",         MIG_RULE_HIGHER        },
    {"HIGHER_OR_ZERO", MIG_RULE_HIGHER_OR_ZERO},
    {"EXACT",          MIG_RULE_EXACT         },
    {"ANY",            MIG_RULE_IDENTITY      },
    {"RES0",           MIG_RULE_DENY          },
};

/* What the kernel has no rule for, and where a guest reads the hardware. */
static const struct {
    const char *name;
    enum mig_rule rule;
} arm64_own_rules[] = {
    {"MPIDR_EL1.",   MIG_RULE_PER_VCPU}, /* KVM makes it for each vCPU */
    {"CLIDR_EL1.",   MIG_RULE_FROZEN  }, /* KVM stores any */
    {"CCSIDR_EL1.",  MIG_RULE_FROZEN  },
    {"CCSIDR2_EL1.", MIG_RULE_FROZEN  },
    {"SMIDR_EL1.",   MIG_RULE_FROZEN  },
    {"DCZID_EL0.BS", MIG_RULE_EXACT   },
    {"GMID_EL1.BS",  MIG_RULE_EXACT   },
};

static enum mig_rule arm64_rule(const char *name, const char *fact)
{
    CHECK_EACH (own, arm64_own_rules) {
        if (mig_text_starts(name, own->name)) {
            return own->rule;
        }
    }
    CHECK_EACH (rule, arm64_rules) {
        if (strcmp(rule->fact, fact) == 0) {
            return rule->rule;
        }
    }
    fail_msg("unknown rule '%s' in the facts", fact);
    return MIG_RULE_COUNT;
}

static void check_settable(const char *id, const char *fact, enum mig_writable got)
{
    static const char *const words[] = {[MIG_SETTABLE_NO] = "no",
                                        [MIG_SETTABLE_YES] = "yes",
                                        [MIG_SETTABLE_MASK_ONLY] = "maskonly",
                                        [MIG_SETTABLE_CAP] = "cap"};

    check_text(id, strcmp(fact, "-") == 0 ? "no" : fact, words[got]);
}

/* "0=NI;1=AES;2=PMULL"; a name that is another number has "bit" behind it. */
static void check_values(const struct mig_field *f, char *fact)
{
    struct mig_arm64_values values = mig_arm64_value_all(f);
    char *saved = NULL;
    size_t len = 0;

    for (char *item = strtok_r(fact, ";", &saved); item != NULL;
         item = strtok_r(NULL, ";", &saved)) {
        char *name, text[64];
        uint64_t value = strtoul(item, &name, 10), number;
        bool other = mig_text_to_u64(name + 1, UINT64_MAX, &number) && number != value;

        (void)snprintf(text, sizeof text, "%s%s", name + 1, other ? "bit" : "");
        check_true(f->name, len < values.len);
        check_number(text, value, values.items[len].value);
        check_text(f->name, text, values.items[len].name);
        len++;
    }
    check_number(f->name, len, values.len);
}

static unsigned check_arm64(char *const cells[])
{
    static const char *const scopes[] = {[MIG_SCOPE_EL1] = "el1",
                                         [MIG_SCOPE_EL2] = "el2",
                                         [MIG_SCOPE_AA32] = "aa32",
                                         [MIG_SCOPE_GEOMETRY] = "geom",
                                         [MIG_SCOPE_IDENTITY] = "ident"};
    unsigned lo = (unsigned)strtoul(cells[ARM_SHIFT], NULL, 10);
    bool hidden = strcmp(cells[ARM_SHOWN], "hidden") == 0;
    const struct mig_field *f;
    char name[64];

    (void)snprintf(name, sizeof name, "%s.%s", cells[ARM_REGISTER], cells[ARM_FIELD]);
    f = mig_field_find(name);
    check_true(name, f != NULL && f->reg.space == MIG_SPACE_IDREG && f->reg.sub == 3);
    check_number(name, strtoull(cells[ARM_KVM_ID], NULL, 16),
                 UINT64_C(0x6030000000000000) | f->reg.index);
    check_number(name, lo, f->lo);
    check_number(name, strtoul(cells[ARM_WIDTH], NULL, 10), f->shape.width);
    check_number(name, arm64_rule(name, cells[ARM_RULE]), f->shape.rule);
    check_number(name, f->shape.rule == MIG_RULE_SIGNED_LOWER,
                 strcmp(cells[ARM_SIGN], "s") == 0 && f->shape.rule != MIG_RULE_DENY);
    if (strcmp(cells[ARM_RULE], "EXACT") == 0) {
        check_true(name, f->shape.has_safe);
        check_number(name, strtoul(cells[ARM_SAFE], NULL, 16), f->shape.safe);
    }
    check_number(name, hidden || f->shape.rule == MIG_RULE_DENY, f->offer == MIG_OFFER_NEVER);
    check_text(name, cells[ARM_SCOPE], scopes[f->scope]);
    check_settable(name, cells[ARM_SETTABLE_6_12], f->settable_6_12);
    check_settable(name, cells[ARM_SETTABLE_7_2], f->settable_7_2);
    check_values(f, cells[ARM_VALUES]);
    return 1;
}

CHECK_TEST(the_arm64_rows_are_the_facts_and_firmware)
{
    struct mig_fields all = mig_field_all();
    unsigned expected = each_fact("facts/arm64_fields.tsv", ARM_COLUMNS, check_arm64), rows = 0;

    for (size_t i = 0; i < all.len; i++) {
        bool arm64 = all.items[i].reg.space == MIG_SPACE_IDREG;

        rows += arm64 && !mig_arm64_is_cache(all.items[i].reg) &&
                all.items[i].class_ != MIG_CLASS_FIRMWARE &&
                !mig_text_starts(all.items[i].name, "SMCCC_");
    }
    check_number("there are facts", 442, expected);
    check_number("rows", expected, rows);
}

static void without_spaces(char *text)
{
    char *to = text;

    for (const char *from = text; *from != '\0'; from++) {
        if (*from != ' ') {
            *to++ = *from;
        }
    }
    *to = '\0';
}

/* The terms in the form of the facts: "A.B>=1&C.D==2|E.Fs>=0". */
static void check_terms(const char *label, char *fact, struct mig_arm64_terms terms)
{
    static const char *const signs[] = {[MIG_ARM64_AT_LEAST] = ">=",
                                        [MIG_ARM64_SIGNED_AT_LEAST] = "s>=",
                                        [MIG_ARM64_EQUAL] = "==",
                                        [MIG_ARM64_UNEQUAL] = "!="};
    struct mig_text t = {0};

    for (size_t i = 0; i < terms.len; i++) {
        const struct mig_arm64_term *term = &terms.items[i];

        if (term->op == MIG_ARM64_OR) {
            mig_text_add(&t, "|");
        } else {
            mig_text_addf(&t, "%s%s%s%u", i > 0 && term[-1].op != MIG_ARM64_OR ? "&" : "",
                          mig_field_at(term->reg, term->lo)->name, signs[term->op], term->value);
        }
    }
    without_spaces(fact);
    check_text(label, fact, t.items);
    mig_text_clear(&t);
}

enum { FEAT_NAME, FEAT_TERMS, FEAT_MIRROR, FEAT_COLUMNS = 5 };

static unsigned check_feat(char *const cells[])
{
    const struct mig_arm64_feat *feat = mig_arm64_feat_find(cells[FEAT_NAME]);
    struct mig_arm64_terms aa32;

    check_true(cells[FEAT_NAME], feat != NULL);
    check_text("spelled alike", cells[FEAT_NAME], feat->name);
    check_terms(feat->name, cells[FEAT_TERMS], feat->terms);
    aa32 = mig_arm64_feat_aa32(feat);
    check_number(feat->name, cells[FEAT_MIRROR][0] == '\0', aa32.len == 0);
    if (aa32.len > 0) {
        check_terms(feat->name, cells[FEAT_MIRROR], aa32);
    }
    return 1;
}

CHECK_TEST(the_arm64_features_are_the_facts)
{
    unsigned expected = each_fact("facts/arm64_feat.tsv", FEAT_COLUMNS, check_feat);

    check_true("there are facts", expected > 300);
    check_number("features", expected, mig_arm64_feat_all().len);
}

enum { VIEW_NAME, VIEW_KIND, VIEW_LABEL, VIEW_RANK, VIEW_TERMS, VIEW_FIELDS, VIEW_COLUMNS = 7 };

static unsigned check_view(char *const cells[])
{
    const struct mig_arm64_view *view = mig_arm64_view_find(cells[VIEW_NAME]);
    size_t rank = strtoul(cells[VIEW_RANK], NULL, 10), parts = 0;
    char *saved = NULL;

    check_true(cells[VIEW_NAME], view != NULL && rank < view->labels_len);
    check_number(view->name, strcmp(cells[VIEW_KIND], "composite") == 0,
                 view->kind == MIG_ARM64_VIEW_COMPOSITE);
    check_text(view->name, cells[VIEW_LABEL], view->labels[rank].label);
    check_terms(view->name, cells[VIEW_TERMS], view->labels[rank].terms);
    for (char *name = strtok_r(cells[VIEW_FIELDS], " ", &saved); name != NULL;
         name = strtok_r(NULL, " ", &saved), parts++) {
        const struct mig_field *f = mig_field_find(name);

        check_true(name, f != NULL && mig_arm64_view_has(view, f));
    }
    check_number(view->name, parts, view->parts_len);
    return 1;
}

CHECK_TEST(the_arm64_views_are_the_facts)
{
    struct mig_arm64_views all = mig_arm64_view_all();
    unsigned expected = each_fact("facts/arm64_views.tsv", VIEW_COLUMNS, check_view), labels = 0;

    for (size_t i = 0; i < all.len; i++) {
        labels += (unsigned)all.items[i].labels_len;
    }
    check_true("there are facts", expected > 40);
    check_number("labels", expected, labels);
}

CHECK_MAIN(cmocka_unit_test(the_cpuid_rows_are_the_facts_and_nothing_else),
           cmocka_unit_test(the_feature_msr_rows_are_the_facts),
           cmocka_unit_test(each_hard_edge_and_no_soft_one_is_there),
           cmocka_unit_test(the_arm64_rows_are_the_facts_and_firmware),
           cmocka_unit_test(the_arm64_features_are_the_facts),
           cmocka_unit_test(the_arm64_views_are_the_facts))
