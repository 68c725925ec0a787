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
    bool of_guest; /* tells of a guest, never of a host */
};

/* Our own JSON and every foreign format; @ret_format gets the importer's name
 * ("snapshot-json" for ours).  @name is the host name to use when the dump has
 * none; messages leave it to the caller to name the file. */
MIG_MUST_CHECK bool mig_import(const char *name, const char *text, size_t len,
                               struct mig_snapshot **ret, const char **ret_format,
                               struct mig_error *err);

/* The same for a dump that was taken in a guest, to say what that guest sees:
 * what a hypervisor adds to the CPU counts. */
MIG_MUST_CHECK bool mig_import_guest(const char *name, const char *text, size_t len,
                                     struct mig_snapshot **ret, const char **ret_format,
                                     struct mig_error *err);
MIG_MUST_CHECK bool mig_import_cpuid_text_read_guest(const char *text, size_t len,
                                                     struct mig_snapshot **ret,
                                                     struct mig_error *err);

/* The state of a guest of Cloud Hypervisor, and how many vCPUs it is of. */
MIG_MUST_CHECK bool mig_import_cloud_hypervisor_read_vcpus(const char *text, size_t len,
                                                           struct mig_snapshot **ret,
                                                           size_t *ret_vcpus,
                                                           struct mig_error *err);

/* For importers: whether an MSR holds a capability (a dump lists state too), and
 * freeze with the facts that every import has: format, CPU names. */
bool mig_import_takes_msr(uint32_t index);
/* "x86_64", "i686" or "aarch64"; false: another architecture. */
MIG_MUST_CHECK bool mig_import_arch(const char *name, enum mig_arch *ret);

/* 1.EAX of a CPU as people number it: family up to 0x10e, model to 0xff. */
uint64_t mig_import_signature(uint64_t family, uint64_t model, uint64_t stepping);

/* A text that CPUID spells in registers, four characters each, NUL behind. */
void mig_import_set_text(struct mig_builder *b, uint32_t leaf, const enum mig_part *order,
                         size_t len, const char *text);
MIG_MUST_CHECK bool mig_import_finish(struct mig_builder *b, const char *format,
                                      struct mig_snapshot **ret, struct mig_error *err);

#define IMPORT(file, name, title)                                                                  \
    bool mig_import_##file##_recognises(const char *text, size_t len);                             \
    MIG_MUST_CHECK bool mig_import_##file##_read(                                                  \
        const char *text, size_t len, struct mig_snapshot **ret, struct mig_error *err);
#include "snapshot/import.def"
