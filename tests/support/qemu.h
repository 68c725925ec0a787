/* SPDX-License-Identifier: Apache-2.0 */
/*
 * support/qemu.h: the other end of a QMP connection, with answers from a table.
 */
#pragma once

#include "vmm/qmp.h"

/* What is asked, a property as "/path name", and what is returned; NULL: an
 * error. */
struct qemu_row {
    const char *asked, *returned;
};

struct qemu_rows {
    const struct qemu_row *items;
    size_t len;
};

typedef bool qemu_fn(struct mig_qmp *q, void *data, struct mig_error *err);

/* @fn of a QEMU that says what is @usual, but for @other (may be NULL). */
bool qemu_with(struct qemu_rows usual, const struct qemu_row other[2], qemu_fn *fn, void *data,
               struct mig_error *err);
