/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/import.h: dumps of other programs, recognised by content.  Each
 * importer covers what the format states and leaves the rest uncovered.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

#define MIG_IMPORT_BYTES_MAX (8u * 1024 * 1024)

struct mig_builder;

/* One row of import.def; @text has a NUL behind its last byte. */
struct mig_importer {
    const char *name;  /* "firecracker-fingerprint" */
    const char *title; /* for people and provenance */
    bool (*recognises)(const char *text, size_t len);
    bool (*read)(const char *text, size_t len, struct mig_snapshot **ret, struct mig_error *err);
};

/* Our own JSON and every foreign format; @ret_format gets the importer's name
 * ("snapshot-json" for ours).  @name is the host name to use when the dump has
 * none; messages leave it to the caller to name the file. */
MIG_MUST_CHECK bool mig_import(const char *name, const char *text, size_t len,
                               struct mig_snapshot **ret, const char **ret_format,
                               struct mig_error *err);

/* For importers: whether an MSR or KVM register id holds a capability (a dump
 * lists state too), and freeze with the facts that every import has: format,
 * CPU names. */
bool mig_import_takes_msr(uint32_t index);
bool mig_import_takes_idreg(uint64_t id);
MIG_MUST_CHECK bool mig_import_finish(struct mig_builder *b, const char *format,
                                      struct mig_snapshot **ret, struct mig_error *err);

#define IMPORT(file, name, title)                                                                  \
    bool mig_import_##file##_recognises(const char *text, size_t len);                             \
    MIG_MUST_CHECK bool mig_import_##file##_read(                                                  \
        const char *text, size_t len, struct mig_snapshot **ret, struct mig_error *err);
#include "snapshot/import.def"
