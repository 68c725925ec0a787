/* SPDX-License-Identifier: Apache-2.0 */
/*
 * agent/collect.h: raw facts into a builder, each with the place it came from.
 * What can not be read is recorded with its errno, never as 0; what this host
 * does not have at all (a module not loaded, no DMI) is not listed.
 *
 * @root is a folder that stands for "/", so that tests bring their own tree.
 */
#pragma once

#include "snapshot/builder.h"

struct mig_recall;

/* Longest text taken from one file, NUL included. */
#define MIG_COLLECT_TEXT_MAX (MIG_FACT_TEXT_MAX + 1)

/* The CPUID, MSR, capability and clock groups from the device @kvm.  Leaves the
 * VM it opens to the end of the process: only for one that ends soon. */
void mig_collect_kvm(struct mig_builder *b, const char *kvm);

/* What an architecture adds, given the opened device and a VM (or -1).  Leaves
 * the vCPU it makes as well. */
void mig_collect_kvm_cpu(struct mig_builder *b, int kvm, int vm);

/* Interrupt controllers and their limits; arm64 only.  The VM has its vCPU. */
void mig_collect_kvm_gic(struct mig_builder *b, int vm);

/* Hold a vCPU without any feature against what is predicted for one from all
 * that was captured; arm64 only. */
void mig_collect_kvm_base(struct mig_builder *b, int kvm);

/* Ask KVM what was predicted, by writes to @vcpu, of which all is captured and
 * which nobody runs; arm64 only. */
void mig_collect_kvm_oracle(struct mig_builder *b, int vcpu);

/* A VM of the type that an architecture prefers, or -1 and errno. */
int mig_collect_kvm_vm(int kvm);
unsigned long mig_collect_kvm_vm_type(int kvm);

/* Kernel, command line, firmware, microcode, vulnerabilities. */
void mig_collect_host(struct mig_builder *b, int root, const struct mig_recall *recall);

/* Implementations of an arm64 host's CPUs. */
void mig_collect_midr(struct mig_builder *b, int root);

/* Parameters of the KVM modules. */
void mig_collect_params(struct mig_builder *b, int root);

/* First line of each VMM's --version; at most @timeout_ms for all together. */
void mig_collect_vmm(struct mig_builder *b, int root, const struct mig_recall *recall,
                     uint64_t timeout_ms);

/* Where the first program behind @fact ("vmm.qemu") is that can be executed, or
 * NULL. */
const char *mig_collect_vmm_find(const char *fact);

/* Tell @recall which files the next capture will find, so that it may learn
 * their facts from it. */
void mig_collect_vmm_expect(struct mig_recall *recall, int root);
void mig_collect_host_expect(struct mig_recall *recall);

/* Text of the file @path ("/proc/...", looked up below @root) without white
 * space at its ends.  0, or errno. */
int mig_collect_file_read(int root, const char *path, char ret[MIG_COLLECT_TEXT_MAX]);

/* The same as fact @name; false if there is no such file and so no fact. */
bool mig_collect_file_fact(struct mig_builder *b, int root, const char *name, const char *path);

/* Every file in folder @path as fact "@prefix<file>". */
void mig_collect_file_folder(struct mig_builder *b, int root, const char *prefix, const char *path);
