/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/builder.h: collect raw facts in any order, then freeze them into a
 * canonical snapshot: sorted, normalised (snapshot/normalise.h), limits kept.
 */
#pragma once

#include "snapshot/snapshot.h"

#define MIG_ENTRIES_MAX 16384
#define MIG_FACTS_MAX 1024
#define MIG_FACT_TEXT_MAX 4096
#define MIG_SOURCE_MAX 255

struct mig_builder;

struct mig_builder *mig_builder_new(enum mig_arch arch);
/* With all that @s says, to add to it. */
struct mig_builder *mig_builder_from(const struct mig_snapshot *s);
void mig_builder_free(struct mig_builder *b);
MIG_AUTO_DEFINE(mig_builder_free, struct mig_builder *);

/* A register or fact may be given twice when it is the same both times. */
void mig_builder_set(struct mig_builder *b, struct mig_reg reg, uint64_t value);
void mig_builder_set_unreadable(struct mig_builder *b, struct mig_reg reg, int errnum);

/* @value is cut at MIG_FACT_TEXT_MAX and made printable, @name and @source
 * (NULL is "") likewise at MIG_NAME_MAX - 1 and MIG_SOURCE_MAX. */
void mig_builder_add_fact(struct mig_builder *b, const char *name, const char *value,
                          const char *source);
void mig_builder_add_unreadable_fact(struct mig_builder *b, const char *name, int errnum,
                                     const char *source);

/* A group that is never mentioned is MIG_COVER_NONE. */
void mig_builder_cover(struct mig_builder *b, enum mig_group group, enum mig_coverage coverage,
                       int errnum, const char *source);

/* Stamp for decoders; captures leave it zero and are stamped when sealed. */
void mig_builder_stamp(struct mig_builder *b, const struct mig_stamp *stamp);

/* Two different values for one register or fact, a value wider than its
 * register, a register of another architecture, a fact that is no list of its
 * form (snapshot/listing.h), or a limit passed, is an error.  The builder stays
 * usable: add and freeze again. */
MIG_MUST_CHECK bool mig_builder_freeze(struct mig_builder *b, struct mig_snapshot **ret,
                                       struct mig_error *err);

/* For decoders: leave values as the sender's field table normalised them. */
MIG_MUST_CHECK bool mig_builder_freeze_as_is(struct mig_builder *b, struct mig_snapshot **ret,
                                             struct mig_error *err);
