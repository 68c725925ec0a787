/* SPDX-License-Identifier: Apache-2.0 */
/*
 * snapshot/onereg.h: arm64 registers as dumps name them: by the id of
 * KVM_GET_ONE_REG, by encoding or by name.
 */
#pragma once

#include "cpu/reg.h"

/* The place of an id in KVM's register list (MIG_SPACE_REG_LIST).  An id that
 * KVM can not have is refused: another architecture, a size that its kind of
 * register never has.  A kind that is not known is taken as it is. */
MIG_MUST_CHECK bool mig_onereg_from_id(uint64_t id, struct mig_reg *ret, struct mig_error *err);

/* The place of a system or firmware register by name, "ID_AA64PFR0_EL1", or by
 * encoding, "S3_0_C0_C4_0" or "S3_0_0_4_0"; false: no such name. */
MIG_MUST_CHECK bool mig_onereg_from_name(const char *name, struct mig_reg *ret);

/* Bits of its value: 8 to 2048. */
unsigned mig_onereg_width(struct mig_reg reg);

/* What a host can grant rather than state of one vCPU: the registers of the
 * feature ID space, sizes of caches and KVM's firmware registers. */
bool mig_onereg_is_granted(struct mig_reg reg);

/* General registers, which every host has, and vectors: state that says nothing
 * of a host.  They stay out of register lists. */
bool mig_onereg_is_core(struct mig_reg reg);
