/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/cpumap.h: libvirt's own description of CPU models and feature
 * names, read where libvirt installs it (Debian: package libvirt0).  A model
 * name in libvirt's XML means nothing without it.
 */
#pragma once

#include <stddef.h>

#include "base/cleanup.h"
#include "snapshot/words.h"

#define MIG_CPUMAP_FOLDER "/usr/share/libvirt/cpu_map"

struct mig_cpumap;

/* The folder of MIG_LIBVIRT_CPU_MAP in the environment, else libvirt's. */
const char *mig_cpumap_folder(void);

/* index.xml and all it includes for x86.  A missing folder is MIG_IO. */
MIG_MUST_CHECK bool mig_cpumap_read(const char *folder, struct mig_cpumap **ret,
                                    struct mig_error *err);

/* For tests: one file's text, as if index.xml included it; @map is empty or
 * from before. */
struct mig_cpumap *mig_cpumap_new(void);
MIG_MUST_CHECK bool mig_cpumap_add(struct mig_cpumap *map, const char *text, size_t len,
                                   struct mig_error *err);

void mig_cpumap_free(struct mig_cpumap *map);
MIG_AUTO_DEFINE(mig_cpumap_free, struct mig_cpumap *);

/* Every bit of every feature is known to be off from now on. */
void mig_cpumap_know_all(const struct mig_cpumap *map, struct mig_words *w);

/* Switch one feature; false when the map has none of that name. */
bool mig_cpumap_put(const struct mig_cpumap *map, const char *feature, bool on,
                    struct mig_words *w);

/* Switch on what a model has, its ancestors' features included; @ret_known is
 * false when the map has no such model.  A model that names an unknown feature
 * or ancestor is an error. */
MIG_MUST_CHECK bool mig_cpumap_put_model(const struct mig_cpumap *map, const char *model,
                                         struct mig_words *w, bool *ret_known,
                                         struct mig_error *err);
