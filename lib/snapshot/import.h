/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/import.h: dumps of other programs, recognised by content.  Each
 * importer covers what the format states and leaves the rest uncovered.
 */
#pragma once

#include "base/file.h"
#include "snapshot/snapshot.h"

#define MIG_IMPORT_BYTES_MAX (8u * 1024 * 1024)

/* IMPORT(constant, name, recognise and read function) in import.def */
struct mig_importer {
    const char *name;  /* "firecracker-fingerprint" */
    const char *title; /* for people and provenance */
    bool (*recognises)(const char *text, size_t len);
    bool (*read)(const char *text, size_t len, struct mig_snapshot **ret, struct mig_error *err);
};

/* Our own JSON and every foreign format; @ret_format gets the importer's name
 * ("snapshot-json" for ours).  @name is the host name to use when the dump has
 * none and stands in messages. */
MIG_MUST_CHECK bool mig_import(const char *name, const char *text, size_t len,
                               struct mig_snapshot **ret, const char **ret_format,
                               struct mig_error *err);
