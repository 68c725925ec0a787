/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/finding.h: one answer of the judgement about one place.  A list keeps
 * table order, never stops at the first, and folds what follows from another
 * finding under its root.
 */
#pragma once

#include "cpu/deps.h"
#include "cpu/field.h"
#include "snapshot/snapshot.h"

enum mig_severity {
    MIG_NOTE,     /* differs, no one is worse off */
    MIG_WARNING,  /* a guest loses something, or evidence is thin */
    MIG_SECURITY, /* a lost immunity or mitigation */
    MIG_BLOCKER,
};

/* REASON(constant, name): who took the capability away */
enum mig_reason {
#define REASON(id, name) MIG_REASON_##id,
#include "compat/reason.def"
    MIG_REASON_COUNT
};

struct mig_seen {
    enum mig_known known;
    uint64_t value;
};

struct mig_finding {
    char id[MIG_FIELD_ID_MAX];     /* "x86/cpuid/7.0/ebx/5", "host/tsc-khz", "trust/expired" */
    uint64_t key;                  /* mig_reg_key() of the id; UINT64_MAX when it is no register */
    unsigned lo;                   /* lowest bit of the id */
    const struct mig_field *field; /* NULL when it is no register field */
    const char *names[8];
    size_t names_len;
    enum mig_severity severity;
    struct mig_seen guest, source, destination; /* field values, shifted down */
    const char *rule;                           /* "and", "xsave" (a constraint), static */
    enum mig_reason reason;
    bool likely;       /* the reason is inferred, not read */
    char *why;         /* one sentence */
    char *remedy;      /* what to change where; NULL when nothing is to do */
    char *root;        /* id of the finding this one follows from, or NULL */
    char **dependants; /* what follows from this one: ids of findings, else names of features */
    size_t dependants_len;
};

struct mig_findings {
    struct mig_finding *items;
    size_t len, cap;
    bool silent;             /* only weigh: no words are made, items stay empty */
    enum mig_severity worst; /* of a silent list */
};

/* Is a finding of this severity to be written down?  A silent list only
 * remembers that there was one; ask before every add that is not a fallback. */
bool mig_findings_want(struct mig_findings *list, enum mig_severity severity);

/* The first three of at least @least as "id: why; id: why"; "" when there is none.
 * True when there are more.  @ret is added to. */
struct mig_text;
bool mig_findings_sum_up(const struct mig_findings *list, enum mig_severity least,
                         struct mig_text *ret);

/* Append one with @id; the caller fills the rest at once (the next add may
 * move it). */
struct mig_finding *mig_findings_add(struct mig_findings *list, const char *id,
                                     enum mig_severity severity);

/* Append one for bits @hi:@lo of @reg, with names and why of @f when given. */
struct mig_finding *mig_findings_add_field(struct mig_findings *list, struct mig_reg reg,
                                           const struct mig_field *f, unsigned hi, unsigned lo,
                                           enum mig_severity severity);

/* Those of the fields of @reg that @differ touches, as far as there is room. */
void mig_finding_add_names(struct mig_finding *f, struct mig_reg reg, uint64_t differ);

void mig_finding_add_dependant(struct mig_finding *f, const char *text);

/* The first one whose field covers @bit, or NULL. */
struct mig_finding *mig_findings_on(const struct mig_findings *list, struct mig_bit bit);

const struct mig_finding *mig_findings_find(const struct mig_findings *list, const char *id);

/* Register order, then everything that is no register by id; folds roots. */
void mig_findings_sort(struct mig_findings *list);
enum mig_severity mig_findings_worst(const struct mig_findings *list);
void mig_findings_clear(struct mig_findings *list);

const char *mig_severity_name(enum mig_severity severity);
const char *mig_reason_name(enum mig_reason reason);
