/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/cloud_hypervisor.h: JSON as Cloud Hypervisor writes it, into a
 * snapshot on disk and into a migration alike.
 */
#pragma once

#include "snapshot/node.h"
#include "snapshot/snapshot.h"

struct mig_builder;
struct mig_raw;
struct mig_text;

/* Numbers beyond 63 bits become texts: addresses of a kernel are among the
 * MSRs, and no JSON number of ours holds them. */
MIG_MUST_CHECK bool mig_cloud_hypervisor_parse(const char *text, size_t len, json_t **ret,
                                               struct mig_error *err);

/* @text without what is in its long lists of plain numbers: areas of XSAVE, of
 * interrupt controllers and devices, byte by byte.  They are most of a state,
 * nobody here reads them, and the guest stands still meanwhile. */
void mig_cloud_hypervisor_thin(const char *text, size_t len, struct mig_text *ret);

/* A number that must be there, in either form. */
MIG_MUST_CHECK bool mig_cloud_hypervisor_number(const struct mig_node *object, const char *key,
                                                uint64_t max, uint64_t *ret, struct mig_error *err);

/* A list of objects that must be there, each read by @read. */
typedef bool mig_cloud_hypervisor_fn(void *ctx, const struct mig_node *item, struct mig_error *err);
MIG_MUST_CHECK bool mig_cloud_hypervisor_list(const struct mig_node *object, const char *key,
                                              size_t max, mig_cloud_hypervisor_fn *read, void *ctx,
                                              struct mig_error *err);

/* A CPUID table as KVM takes it, under @key. */
MIG_MUST_CHECK bool mig_cloud_hypervisor_table(const struct mig_node *object, const char *key,
                                               struct mig_raw *ret, struct mig_error *err);

/* All of @raw into @b, and that nothing else is there. */
MIG_MUST_CHECK bool mig_cloud_hypervisor_pour(const struct mig_raw *raw, struct mig_builder *b,
                                              const char *source, struct mig_error *err);
