/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/vcpu_arm64.h: registers of an arm64 vCPU by KVM's ids, and which of them
 * tell a guest what it has.  Calls give 0 or errno.
 */
#pragma once

#include <stdint.h>

#include "base/error.h"
#include "cpu/reg.h"

struct kvm_reg_list;

/* @value has room for the register: 64 bits, but for vectors.  Of a smaller one
 * only the low bits are written: start with 0. */
int mig_vcpu_arm64_get(int vcpu, uint64_t id, void *value);
int mig_vcpu_arm64_set(int vcpu, uint64_t id, const void *value);

/* What a VMM saves; NULL and @ret_errno, or a list that the caller frees. */
struct kvm_reg_list *mig_vcpu_arm64_list(int vcpu, int *ret_errno);

/* The place of @id in @space, and back.  The inverse loses nothing of an id
 * that has a place. */
bool mig_vcpu_arm64_has_place(uint64_t id);
struct mig_reg mig_vcpu_arm64_place(enum mig_space space, uint64_t id);
uint64_t mig_vcpu_arm64_id(struct mig_reg reg);

/* Does the register tell features, and fit into a value?  MPIDR_EL1 is in the
 * same space but each vCPU's own. */
bool mig_vcpu_arm64_tells(uint64_t id);

/* General registers: on every host, and no news. */
bool mig_vcpu_arm64_is_core(uint64_t id);
bool mig_vcpu_arm64_is_system(uint64_t id);
/* CCSIDR_EL1 of one cache, 32 bits. */
bool mig_vcpu_arm64_is_cache(uint64_t id);

/* Vector lengths as host/sve-vqs has them. */
int mig_vcpu_arm64_lengths(int vcpu, uint64_t *ret);
