/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/explain.h: all that the tables know of one id: what it is, by which
 * rule it is judged, what hangs on it and what takes it away.  Needs no host.
 */
#pragma once

#include "base/nearest.h"
#include "compat/finding.h"
#include "cpu/level.h"
#include "cpu/names.h"

struct mig_arm64_feat;
struct mig_arm64_view;

struct mig_naming {
    const char *name, *who; /* "sse3", "qemu intel" */
};

/* One edge of x86_deps.def, seen from one end. */
struct mig_tie {
    char *name; /* of the field at the other end, or an id */
    const char *reason;
};

/* Somebody who may take it from guests, and how. */
struct mig_taker {
    enum mig_reason who;
    char *how;
};

/* An id that is no single field, and what to do about it. */
struct mig_topic {
    const char *id, *title, *text, *remedy;
};

struct mig_explanation {
    char id[MIG_FIELD_ID_MAX];
    const struct mig_field *field;     /* NULL: something else */
    const struct mig_topic *topic;     /* NULL: only a field */
    const struct mig_arm64_feat *feat; /* asked for by FEAT_; a field too if one tells it */
    const struct mig_arm64_view *view; /* several arm64 fields that mean one thing */
    bool has_value;                    /* "ID_AA64ISAR0_EL1.AES=2", FEAT_PMULL */
    uint64_t value;
    struct mig_naming also[MIG_NAMES_MAX];
    size_t also_len;
    char *sysreg;         /* among the names above, or NULL */
    char *place;          /* in plain words; NULL without a field */
    char *move, *profile; /* what the rule means; NULL without a field */
    char *offer;          /* whether a new profile shows it */
    enum mig_level level; /* the lowest one that asks for it, or NONE */
    struct mig_tie *needs, *needed_by;
    size_t needs_len, needed_by_len;
    struct mig_taker *takers;
    size_t takers_len;
};

/* @word: a name, an alias or an id.  False when it is none; then @ret needs no
 * clearing. */
MIG_MUST_CHECK bool mig_explain(const char *word, struct mig_explanation *ret);
void mig_explain_field(const struct mig_field *f, uint16_t sub, struct mig_explanation *ret);
void mig_explain_clear(struct mig_explanation *e);

/* The rows of a register ("x86/cpuid/7.0/ebx", "ID_AA64ISAR0_EL1"); len 0 when
 * it is none. */
struct mig_fields mig_explain_register(const char *word, struct mig_reg *ret);

/* Names, aliases and ids that are spelled most like @word, best first; gives
 * their number. */
#define MIG_EXPLAIN_NEAREST MIG_NEAREST_MAX
size_t mig_explain_nearest(const char *word, const char *ret[MIG_EXPLAIN_NEAREST]);

const char *mig_explain_vendor(enum mig_vendor vendor);
