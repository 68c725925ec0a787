/* SPDX-License-Identifier: Apache-2.0 */
/*
 * gate/chv_config.h: what Cloud Hypervisor says of a guest before its memory:
 * the VM as it was defined, where its RAM is, and the CPUID table that its host
 * makes for such a VM today.  That table is not what the guest was shown: the
 * state alone tells that, and comes last.
 */
#pragma once

#include "gate/chv_ram.h"

struct mig_findings;
struct mig_snapshot;

#define MIG_CHV_VCPUS_MAX 8192
#define MIG_CHV_PROFILE_MAX 64

struct mig_chv_config {
    uint32_t boot_vcpus, max_vcpus;
    uint32_t packages, dies, cores, threads; /* 0: one socket per vCPU */
    uint32_t max_phys_bits;
    bool kvm_hyperv, amx, nested;
    bool encrypted;                    /* TDX or SEV-SNP */
    char profile[MIG_CHV_PROFILE_MAX]; /* "Host": none */
    struct mig_chv_ram ram;
    uint32_t *slots; /* of @ram, as descriptors of memory name it; ascending */
    size_t slots_len;
    struct mig_snapshot *table; /* NULL: a VMM of another architecture */
};

/* @ret starts zeroed and is cleared by the caller in both cases. */
MIG_MUST_CHECK bool mig_chv_config_read(const char *text, size_t len, struct mig_chv_config *ret,
                                        struct mig_error *err);

/* Hold it against what the guest's contract says it was shown.  A BLOCKER for
 * each place that makes this another guest, or that this VM could not have
 * been given; a NOTE for what its host could give beyond that. */
void mig_chv_config_compare(const struct mig_snapshot *shown, const struct mig_chv_config *c,
                            struct mig_findings *ret);

bool mig_chv_config_has_slot(const struct mig_chv_config *c, uint32_t slot);
void mig_chv_config_clear(struct mig_chv_config *c);
