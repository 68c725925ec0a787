/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compat/known.h: changes of kernels, VMMs and microcode that are known to be
 * met in upgrades, as rows (known.def): which move between two versions is
 * concerned, what the change explains, and what it means for a guest.
 */
#pragma once

#include "compat/negotiate.h"
#include "cpu/deps.h"

/* KNOWN_MEANING(constant, name, what it means) */
enum mig_known_meaning {
#define KNOWN_MEANING(id, name, text) MIG_KNOWN_##id,
#include "compat/known_meaning.def"
    MIG_KNOWN_MEANING_COUNT
};

/* What of the evidence must hold beside the versions. */
enum mig_known_when {
    MIG_KNOWN_ALWAYS,
    MIG_KNOWN_DIFFERS, /* what the row explains is not the same on both */
    MIG_KNOWN_HAS,     /* its field is not 0 on either */
    MIG_KNOWN_GONE,    /* it differs, and the destination's whole register is 0 */
};

/* Versions from @since up to, not including, @until; NULL is no limit. */
struct mig_known_span {
    const char *since, *until;
};

struct mig_known_row {
    const char *id;                            /* "known/qemu10-ht" */
    const char *fact;                          /* whose versions these are: "vmm.qemu" */
    struct mig_known_span source, destination; /* both without limits: any change */
    bool either;                               /* the move back is concerned as well */
    enum mig_vendor vendor;
    struct mig_bit field; /* what it explains; no mask: see ids */
    const char *ids;      /* starts of ids, separated by spaces; or NULL */
    const char *place;    /* the same for people: name of the field, or @ids */
    enum mig_known_when when;
    enum mig_known_meaning meaning;
    const char *link, *text, *remedy;
};

/* All rows in table order; static storage. */
const struct mig_known_row *mig_known_all(size_t *ret_len);

/* By id, with or without "known/"; NULL if there is none. */
const struct mig_known_row *mig_known_find(const char *id);

/* Is a move from @source to @destination one that @row tells of?
 * @differences: mig_difference() of the two, in either order. */
bool mig_known_concerns(const struct mig_known_row *row, const struct mig_snapshot *source,
                        const struct mig_snapshot *destination,
                        const struct mig_findings *differences);

/* Does @row say where the difference at @f comes from? */
bool mig_known_explains(const struct mig_known_row *row, const struct mig_finding *f);
bool mig_known_explains_id(const struct mig_known_row *row, uint64_t key,
                           const struct mig_field *field, const char *id);

const char *mig_known_meaning_name(enum mig_known_meaning meaning); /* "presentation" ... */
const char *mig_known_meaning_text(enum mig_known_meaning meaning); /* a clause for people */
