/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/golden.h: tables of expected values below ../shared/golden, and the
 * captures of real hosts that they speak of.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

/* Rows of a file with one line of headings, columns split by tabs. */
struct golden {
    struct mig_bytes file;
    char *rest;
};

/* False, after saying so, when the file is not here; cleared by the caller. */
bool golden_open(struct golden *g, const char *relative);

/* Set @ret to the next row's columns, NULL where it has fewer; false at the
 * end.  They live as long as @g. */
bool golden_next(struct golden *g, char **ret, size_t columns);
void golden_clear(struct golden *g);

/* "INTEL_ICELAKE", "6.1": the capture intel-icelake-6.1; NULL if there is none. */
struct mig_snapshot *golden_host(const char *cpu, const char *kernel);

/* "0x7.0.ebx" or "msr.0x10a"; a name that is neither fails the test. */
struct mig_reg golden_reg(const char *word);
