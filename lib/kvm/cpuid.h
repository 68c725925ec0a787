/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kvm/cpuid.h: x86: a register set in KVM's terms, and what a guest reads from
 * it by KVM's own rules.  Pure: asks no KVM.
 *
 * A guest that is shown Hyper-V finds those leaves at 0x40000000 and KVM's own
 * at 0x40000100; register sets keep both at 0x40000000, in spaces of their own.
 */
#pragma once

#include "snapshot/snapshot.h"

struct kvm_cpuid2;
struct kvm_cpuid_entry2;
struct kvm_msrs;

/* For KVM_SET_CPUID2; the caller frees.  @own (may be NULL) is the table that
 * the vCPU has: per-vCPU words are taken over from it, and leaves that hold
 * nothing else. */
struct kvm_cpuid2 *mig_kvm_cpuid_of(const struct mig_snapshot *shown, const struct kvm_cpuid2 *own);

/* What a guest with @t is answered: zeros, an entry, or out of range on Intel
 * the highest basic leaf.  Gives the entry that answered, NULL for none. */
const struct kvm_cpuid_entry2 *mig_kvm_cpuid_answer(const struct kvm_cpuid2 *t, uint32_t function,
                                                    uint32_t index, uint32_t ret[4]);

/* The entry itself, or NULL. */
const struct kvm_cpuid_entry2 *mig_kvm_cpuid_find(const struct kvm_cpuid2 *t, uint32_t function,
                                                  uint32_t index);
void mig_kvm_cpuid_words(const struct kvm_cpuid_entry2 *e, uint32_t ret[4]);
uint32_t *mig_kvm_cpuid_word(struct kvm_cpuid_entry2 *e, enum mig_part part);

/* Subleaf of an entry: 0 where ECX does not matter. */
uint32_t mig_kvm_cpuid_sub(const struct kvm_cpuid_entry2 *e);
/* Does the answer of this leaf depend on ECX? */
bool mig_kvm_cpuid_is_indexed(uint32_t function);

/* Where the answer stands in a register set; @hyperv: of one with Hyper-V. */
struct mig_reg mig_kvm_cpuid_place(bool hyperv, uint32_t function, uint32_t index);
bool mig_kvm_shows_hyperv(const struct mig_snapshot *shown);

/* Bits of a CPUID word that a vCPU shows as they were given: not per-vCPU ones,
 * nor what follows its state, nor what KVM rewrites (rewrite.def).  @fresh: of a
 * vCPU whose VMM asked KVM for nothing else. */
uint64_t mig_kvm_cpuid_kept(struct mig_reg reg, bool fresh);

/* All feature MSRs that @shown has, for KVM_SET_MSRS; the caller frees. */
struct kvm_msrs *mig_kvm_msrs_of(const struct mig_snapshot *shown);

/* Set @index to the next feature MSR above it that has rows; begin with 0. */
bool mig_kvm_next_msr(uint32_t *index);
