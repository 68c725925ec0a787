/* SPDX-License-Identifier: Apache-2.0 */
/*
 * cpu/names.h: what Linux, QEMU, libvirt and Xen call a flag.  Names are for
 * people; judgement and files use the canonical id.
 */
#pragma once

#include <stddef.h>

struct mig_field;

/* ALIAS(name of the row, other name, who says so) */
#define MIG_NAMES_MAX 8

/* @ret gets the row's own name first, then its aliases in table order, of an
 * arm64 field the features that it tells, each once; gives their number, at
 * most MIG_NAMES_MAX. */
size_t mig_names_of(const struct mig_field *f, const char *ret[MIG_NAMES_MAX]);

/* The row's own name for an alias, or @name itself. */
const char *mig_names_canonical(const char *name);
